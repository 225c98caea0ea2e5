//! Room for ten of the recorded accesses that a line has no slot for.
//!
//! Annexes come from a pool ([`crate::pool`]), and each leads to the next. Only who has locked the line looks at them.

use std::sync::atomic::Ordering::Relaxed;

use crate::epoch::Epoch;
use crate::pool::{Pool, Pooled};
use crate::primitive::global;
use crate::primitive::sync::atomic::{AtomicU32, AtomicU64};
use crate::shadow::slots::{Known, Newcomer, Raced, Recorded, Slots};
use crate::shadow::state::{Class, Knowledge};

/// In the models fewer.
const SLOTS: usize = if cfg!(all(test, loom)) { 2 } else { 10 };

/// 256 bytes.
#[derive(Default)]
#[repr(C)]
pub(crate) struct Annex {
    pub(super) slots: Slots<SLOTS>,
    /// The thread slot, plus one, of whom `met` speaks. Who is ordered after that thread need not be after all that it knew, once a clock was assumed.
    met_by: AtomicU32,
    /// For each class, bytes on which an access of that thread meets nothing here that it isn't ordered after, and replaces nothing.
    met: [AtomicU64; 4],
    /// The bytes that these may count for: no others.
    bytes: AtomicU64,
}

#[cfg(not(all(test, loom)))]
const _: () = assert!(size_of::<Annex>() == 256);

impl Annex {
    /// Whether nothing here has to do with an access that would have this tag: nothing counts for its bytes, or it is the same as when its thread was here last.
    #[inline(always)]
    pub(super) fn is_done(&self, tag: u64, mask: u64) -> bool {
        let met = &self.met[Class::of_tagged(tag) as usize];
        self.bytes.load(Relaxed) & mask == 0
            || self.met_by.load(Relaxed) == who(tag) && met.load(Relaxed) & mask == mask
    }

    /// [`Slots::meet`]
    pub(super) fn meet<K: Knowledge>(&self, newcomer: &Newcomer<'_, K>, raced: &mut Raced<'_>) {
        let room = self.slots.meet(newcomer, raced);
        self.bytes.store(self.slots.bytes(), Relaxed);
        if room.are_known {
            self.note_met(newcomer.tag, newcomer.mask);
        }
    }

    /// Checks a newcomer against what is here and in the annexes after this one.
    pub(super) fn meet_and_next<K: Knowledge>(
        &self,
        newcomer: &Newcomer<'_, K>,
        raced: &mut Raced<'_>,
    ) {
        for annex in self.and_next() {
            if !annex.is_done(newcomer.tag, newcomer.mask) {
                annex.meet(newcomer, raced);
            }
        }
    }

    /// [`Slots::replace_own`]
    pub(super) fn replace_own(&self, slot: usize, class: Class, mask: u64) {
        if self.bytes.load(Relaxed) & mask != 0 {
            self.slots.replace_own(slot, class, mask);
            self.bytes.store(self.slots.bytes(), Relaxed);
        }
    }

    fn note_met(&self, tag: u64, mask: u64) {
        let who = who(tag);
        if self.met_by.load(Relaxed) != who {
            self.forget_met();
            self.met_by.store(who, Relaxed);
        }
        let met = &self.met[Class::of_tagged(tag) as usize];
        met.store(met.load(Relaxed) | mask, Relaxed);
    }

    /// Checks an access against what is here and in the annexes after this one, if it races with none of that, as far as is known at a glance. Otherwise returns
    /// false, and nothing has changed.
    pub(super) fn meet_known(&self, thread: &impl Knowledge, class: Class, mask: u64) -> bool {
        let tag = thread.epoch().bits() | class.tag();
        let known = |annex: &Annex| annex.slots.known(thread, class, mask);
        let record = |annex: &Annex| {
            let known = known(annex);
            known.inspect(|known| annex.replace(known, tag, mask))
        };
        if self.is_last() {
            return record(self).is_some();
        }
        let concerned = || self.and_next().filter(|annex| !annex.is_done(tag, mask));
        // All of them first: nobody may see a part of it.
        let is_known = concerned().all(|annex| known(annex).is_some());
        is_known && concerned().all(|annex| record(annex).is_some())
    }

    /// An access with this tag is about to be recorded that meets this here.
    fn replace(&self, known: &Known, tag: u64, mask: u64) {
        if known.replaced != 0 {
            self.slots.take_bytes(known.replaced, mask);
            self.bytes.store(self.slots.bytes(), Relaxed);
        }
        if known.is_all_before {
            self.note_met(tag, mask);
        }
    }

    #[inline(always)]
    pub(super) fn is_last(&self) -> bool {
        self.slots.more.load(Relaxed) == 0
    }

    pub(super) fn and_next(&self) -> impl Iterator<Item = &Annex> {
        std::iter::successors(Some(self), |annex| get(annex.slots.more.load(Relaxed)))
    }

    fn forget_met(&self) {
        self.met_by.store(0, Relaxed);
        for met in &self.met {
            met.store(0, Relaxed);
        }
    }

    /// [`Slots::add`]
    pub(super) fn add(&self, access: &Recorded) -> bool {
        let is_added = self.slots.add(access);
        if is_added {
            self.note_more(access.mask);
        }
        is_added
    }

    /// [`Slots::widen_same`]
    pub(super) fn widen<K>(&self, newcomer: &Newcomer<'_, K>) -> bool {
        let is_widened = self.slots.widen_same(newcomer);
        if is_widened {
            self.note_more(newcomer.mask);
        }
        is_widened
    }

    fn note_more(&self, mask: u64) {
        self.bytes.store(self.bytes.load(Relaxed) | mask, Relaxed);
        self.forget_met();
    }
}

/// Whose tag this is, as it stands in `met_by`.
#[inline(always)]
fn who(tag: u64) -> u32 {
    Epoch::from_tagged(tag).slot() as u32 + 1
}

global! {
    /// 64 KiB at a time; 4 GiB at most.
    static POOL: Pool<Annex, 256> = Pool::new();
}

// SAFETY:
// - Slots in which nothing is recorded, and numbers that are zero.
unsafe impl Pooled for Annex {
    fn next(&self) -> &AtomicU32 {
        &self.slots.more
    }
}

/// The annex with a number. None has 0.
#[inline]
pub(super) fn get(number: u32) -> Option<&'static Annex> {
    POOL.get(number)
}

/// One in which nothing is recorded.
pub(crate) fn take() -> (u32, &'static Annex) {
    let (number, annex) = POOL.take();
    // Who accesses memory that was freed meanwhile may have put something in after it was given back.
    annex.slots.reset();
    annex.bytes.store(0, Relaxed);
    annex.forget_met();
    (number, annex)
}

/// Nobody has this one any more.
pub(super) fn give_back(number: u32, annex: &'static Annex) {
    POOL.give_back(number, annex);
}
