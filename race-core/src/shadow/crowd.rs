//! The accesses of many threads to one line, by thread.
//!
//! Most of these don't conflict: all load the same atomic, read the same plain bytes, or wait for the same lock. So a record looks only at what it may race with, by
//! class and bytes, which is nearly always nothing but a few plain writes; and at the accesses of its own thread, which it replaces. What it need not leave behind of
//! other threads it does leave, since to find that would be a look at all of them. (Why that changes no verdict: [`super::state`].)
//!
//! Who may race looks through all, as in a chain. So does every so-many-th record, as many as there were accesses at the last such look, and leaves behind what it must: that
//! costs each of them one access's part, and a crowd whose accesses become ordered doesn't stay one.

use std::sync::atomic::Ordering::Relaxed;

use crate::epoch::Epoch;
use crate::pool::{Pool, Pooled};
use crate::primitive::global;
use crate::primitive::sync::atomic::{AtomicU32, AtomicU64};
use crate::shadow::annex;
use crate::shadow::overflow;
use crate::shadow::slots::{Newcomer, Raced, Recorded};
use crate::shadow::state::{Class, Knowledge};

/// Bits of a thread's slot that say in which part of a crowd its accesses are.
const BITS: usize = 4;
const PARTS: usize = 1 << BITS;

/// Tells a crowd's number from an annex's. The pool's own are far smaller.
const IS_CROWD: u32 = 1 << 31;

/// Between two looks through all are at least so many records.
const LEAST_REST: usize = 64;

const OTHERS: [Class; 3] = [Class::Read, Class::AtomicRead, Class::AtomicWrite];

#[derive(Default)]
pub(crate) struct Crowd {
    /// All but plain writes, by the thread's slot: where the accesses of each part are.
    parts: [AtomicU32; PARTS],
    /// For each class but plain writes, the bytes of each part that these may count for, and no others;
    bytes: [[AtomicU64; PARTS]; OTHERS.len()],
    /// and of all parts.
    all: [AtomicU64; OTHERS.len()],
    /// A chain of the plain writes. In a crowd that is a part of another there are none.
    writes: AtomicU32,
    /// Records until the next look through all. For the whole crowd only.
    rest: AtomicU32,
    next: AtomicU32,
}

global! {
    /// 122 KiB at a time; 8 GB at most.
    static POOL: Pool<Crowd, 256> = Pool::new();
}

// SAFETY:
// - Numbers that are zero.
unsafe impl Pooled for Crowd {
    fn next(&self) -> &AtomicU32 {
        &self.next
    }
}

/// The crowd with a number; none if it is an annex's.
#[inline]
pub(super) fn get(number: u32) -> Option<&'static Crowd> {
    if number & IS_CROWD == 0 {
        return None;
    }
    POOL.get(number ^ IS_CROWD)
}

/// One in which nothing is recorded.
pub(super) fn take() -> (u32, &'static Crowd) {
    let (number, crowd) = POOL.take();
    crowd.places().for_each(|place| place.store(0, Relaxed));
    let bytes = crowd.bytes.iter().flatten().chain(&crowd.all);
    bytes.for_each(|bytes| bytes.store(0, Relaxed));
    crowd.rest(0);
    (number | IS_CROWD, crowd)
}

/// Nobody has this one any more.
pub(super) fn give_back(number: u32, crowd: &'static Crowd) {
    POOL.give_back(number ^ IS_CROWD, crowd);
}

/// In which part of a crowd at this level a thread's accesses are.
fn part(slot: usize, level: usize) -> usize {
    slot >> (BITS * level) & (PARTS - 1)
}

impl Crowd {
    /// Where its accesses are.
    pub(super) fn places(&self) -> impl Iterator<Item = &AtomicU32> {
        self.parts.iter().chain([&self.writes])
    }

    /// It has been looked through, and so many accesses are left.
    pub(super) fn rest(&self, count: usize) {
        self.rest.store(count.max(LEAST_REST) as u32, Relaxed);
    }

    /// Whether an access may race with others than plain writes; or has to replace other threads' accesses, because who knows what stands for them need not know them.
    fn must_meet_all(&self, thread: &impl Knowledge, class: Class, mask: u64) -> bool {
        let may_race = |other: Class| {
            class.conflicts(other) && self.all[other as usize].load(Relaxed) & mask != 0
        };
        OTHERS.into_iter().any(may_race) || !thread.is_transitive()
    }

    /// [`overflow::meet_known`]
    pub(super) fn meet_known(&self, thread: &impl Knowledge, class: Class, mask: u64) -> bool {
        let rest = self.rest.load(Relaxed);
        if rest == 0 || self.must_meet_all(thread, class, mask) {
            return false;
        }
        let epoch = thread.epoch();
        let writes = self.writes.load(Relaxed);
        if let Some(first) = annex::get(writes)
            && !overflow::is_done(writes, epoch.bits() | class.tag(), mask)
            && !first.meet_known(thread, class, mask)
        {
            return false;
        }
        self.rest.store(rest - 1, Relaxed);
        self.replace_own(0, epoch.slot(), class, mask);
        true
    }

    /// Checks a newcomer against what is here. Whether all of it was looked through because it was time to.
    pub(super) fn meet<K: Knowledge>(
        &self,
        newcomer: &Newcomer<'_, K>,
        raced: &mut Raced<'_>,
    ) -> bool {
        let Newcomer {
            thread,
            class,
            mask,
            ..
        } = *newcomer;
        if let Some(first) = annex::get(self.writes.load(Relaxed)) {
            first.meet_and_next(newcomer, raced);
        }
        let rest = self.rest.load(Relaxed);
        if rest == 0 || self.must_meet_all(thread, class, mask) {
            self.meet_all(newcomer, raced);
        } else {
            self.replace_own(0, thread.epoch().slot(), class, mask);
        }
        self.rest.store(rest.saturating_sub(1), Relaxed);
        rest == 0
    }

    /// [`overflow::meet_all`]
    pub(super) fn meet_all<K: Knowledge>(
        &self,
        newcomer: &Newcomer<'_, K>,
        raced: &mut Raced<'_>,
    ) -> [u64; 4] {
        for (part, place) in self.parts.iter().enumerate() {
            let here = self.bytes.each_ref().map(|bytes| &bytes[part]);
            if here
                .iter()
                .any(|bytes| bytes.load(Relaxed) & newcomer.mask != 0)
            {
                let left = overflow::meet_all(place, newcomer, raced);
                for (bytes, left) in here.iter().zip(left) {
                    bytes.store(left, Relaxed);
                }
            }
        }
        let mut all = [0; 4];
        for class in OTHERS.map(|class| class as usize) {
            all[class] = union(&self.bytes[class]);
            self.all[class].store(all[class], Relaxed);
        }
        all
    }

    /// [`overflow::replace_own`]
    pub(super) fn replace_own(&self, level: usize, slot: usize, class: Class, mask: u64) {
        let part = part(slot, level);
        let is_replaced = |other: Class| {
            class.supersedes(other, true)
                && self.bytes[other as usize][part].load(Relaxed) & mask != 0
        };
        if OTHERS.into_iter().any(is_replaced) {
            overflow::replace_own(&self.parts[part], level + 1, slot, class, mask);
        }
    }

    /// [`overflow::add`]
    pub(super) fn add(&self, level: usize, access: &Recorded) {
        let class = Class::of_tagged(access.tag);
        if class == Class::Write {
            return overflow::add_to_chain(&self.writes, access);
        }
        let part = part(Epoch::from_tagged(access.tag).slot(), level);
        overflow::add(&self.parts[part], level + 1, access);
        self.note_more(class, part, access.mask);
    }

    /// [`overflow::widen`]
    pub(super) fn widen<K>(&self, level: usize, newcomer: &Newcomer<'_, K>) -> bool {
        let class = newcomer.class;
        if class == Class::Write {
            return overflow::widen(&self.writes, level, newcomer);
        }
        let part = part(Epoch::from_tagged(newcomer.tag).slot(), level);
        let is_widened = overflow::widen(&self.parts[part], level + 1, newcomer);
        if is_widened {
            self.note_more(class, part, newcomer.mask);
        }
        is_widened
    }

    fn note_more(&self, class: Class, part: usize, mask: u64) {
        let class = class as usize;
        for bytes in [&self.bytes[class][part], &self.all[class]] {
            bytes.store(bytes.load(Relaxed) | mask, Relaxed);
        }
    }
}

fn union(bytes: &[AtomicU64]) -> u64 {
    bytes.iter().fold(0, |all, bytes| all | bytes.load(Relaxed))
}
