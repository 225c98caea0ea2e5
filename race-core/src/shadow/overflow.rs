//! The recorded accesses that a line has no slot for.
//!
//! A few are in a chain of annexes, and every access looks through those that concern its bytes. As soon as they are many, of several threads, they are a
//! [`Crowd`], in which a thread finds its own without a look at the others'.
//!
//! Where they are is said by a number: an annex's, a crowd's, or 0 if there are none. All that is here is done by whoever has locked the line.

use std::sync::atomic::Ordering::Relaxed;

use smallvec::SmallVec;

use crate::epoch::Epoch;
use crate::pool::Pooled;
use crate::primitive::sync::atomic::AtomicU32;
use crate::shadow::annex::{self, Annex};
use crate::shadow::crowd::{self, Crowd};
use crate::shadow::slots::{Newcomer, Raced, Recorded};
use crate::shadow::state::{Class, Conflicts, Knowledge};

/// Of so many threads an annex that is full is no crowd yet.
const FEW_THREADS: usize = 4;

/// As many accesses are no crowd any more.
const FEW: usize = 10;

enum Overflow {
    Chain(&'static Annex),
    Crowd(&'static Crowd),
}

fn at(number: u32) -> Option<Overflow> {
    match crowd::get(number) {
        Some(crowd) => Some(Overflow::Crowd(crowd)),
        None => annex::get(number).map(Overflow::Chain),
    }
}

/// Whether nothing there has to do with an access that would have this tag, as far as is seen at a glance. Nearly always there is one annex at most, and that is so.
#[inline(always)]
pub(super) fn is_done(number: u32, tag: u64, mask: u64) -> bool {
    annex::get(number).is_some_and(|annex| annex.is_last() && annex.is_done(tag, mask))
}

/// Checks an access against what is there, if it races with none of that, as far as is known at a glance. Otherwise returns false, and nothing has changed.
#[cold]
#[inline(never)]
pub(super) fn meet_known(
    place: &AtomicU32,
    thread: &impl Knowledge,
    class: Class,
    mask: u64,
) -> bool {
    match at(place.load(Relaxed)) {
        Some(Overflow::Chain(first)) => first.meet_known(thread, class, mask),
        Some(Overflow::Crowd(crowd)) => crowd.meet_known(thread, class, mask),
        None => true,
    }
}

/// Checks a newcomer against what is there.
#[cold]
#[inline(never)]
pub(super) fn meet<K: Knowledge>(
    place: &AtomicU32,
    newcomer: &Newcomer<'_, K>,
    raced: &mut Raced<'_>,
) {
    match at(place.load(Relaxed)) {
        Some(Overflow::Chain(first)) => first.meet_and_next(newcomer, raced),
        Some(Overflow::Crowd(crowd)) => {
            let is_time = crowd.meet(newcomer, raced);
            if is_time {
                settle(place, crowd);
            }
        }
        None => {}
    }
    // What had no room once will have none again; unless the memory is another's now.
    if newcomer.mask == u64::MAX {
        give_back_if_empty(place);
    }
}

/// What is left of a crowd that has been looked through.
#[cold]
fn settle(place: &AtomicU32, crowd: &Crowd) {
    let mut count = 0;
    each_annex(place.load(Relaxed), &mut |annex| {
        count += annex.slots.recorded().count();
    });
    if count > FEW {
        return crowd.rest(count);
    }
    let mut left: SmallVec<[Recorded; FEW]> = SmallVec::new();
    each_annex(place.load(Relaxed), &mut |annex| {
        left.extend(annex.slots.recorded());
    });
    give_back(place);
    left.iter().for_each(|access| add(place, 0, access));
}

/// Records an access. `level`: in so many crowds, one within the other, the place is.
pub(super) fn add(place: &AtomicU32, level: usize, access: &Recorded) {
    match at(place.load(Relaxed)) {
        Some(Overflow::Crowd(crowd)) => crowd.add(level, access),
        Some(Overflow::Chain(first)) => {
            if first.and_next().any(|annex| annex.add(access)) {
                return;
            }
            if is_crowded(first) {
                split(place, level).add(level, access);
            } else {
                add_to_chain(place, access);
            }
        }
        None => add_to_chain(place, access),
    }
}

/// Records an access in a chain, whoever's are there.
pub(super) fn add_to_chain(mut place: &AtomicU32, access: &Recorded) {
    while let Some(annex) = annex::get(place.load(Relaxed)) {
        if annex.add(access) {
            return;
        }
        place = annex.next();
    }
    let (number, annex) = annex::take();
    place.store(number, Relaxed);
    annex.add(access);
}

/// Whether the accesses in a chain are of several threads.
fn is_crowded(first: &'static Annex) -> bool {
    let mut slots: SmallVec<[usize; FEW_THREADS]> = SmallVec::new();
    first
        .and_next()
        .flat_map(|annex| annex.slots.recorded())
        .map(|access| Epoch::from_tagged(access.tag).slot())
        .any(|slot| {
            if !slots.contains(&slot) {
                slots.push(slot);
            }
            slots.len() > FEW_THREADS
        })
}

/// Makes a crowd of a chain.
#[cold]
fn split(place: &AtomicU32, level: usize) -> &'static Crowd {
    let (number, crowd) = crowd::take();
    each_annex(place.load(Relaxed), &mut |annex| {
        for access in annex.slots.recorded() {
            crowd.add(level, &access);
        }
    });
    give_back(place);
    place.store(number, Relaxed);
    crowd
}

/// Adds the bytes of a newcomer to those of an access that differs in nothing else, if there is one.
pub(super) fn widen<K>(place: &AtomicU32, level: usize, newcomer: &Newcomer<'_, K>) -> bool {
    match at(place.load(Relaxed)) {
        Some(Overflow::Chain(first)) => first.and_next().any(|annex| annex.widen(newcomer)),
        Some(Overflow::Crowd(crowd)) => crowd.widen(level, newcomer),
        None => false,
    }
}

/// An access of this class by the thread in a slot has been recorded that this place has to do with: what need not be left behind of the same thread is gone.
pub(super) fn replace_own(place: &AtomicU32, level: usize, slot: usize, class: Class, mask: u64) {
    match at(place.load(Relaxed)) {
        Some(Overflow::Chain(first)) => {
            first
                .and_next()
                .for_each(|annex| annex.replace_own(slot, class, mask));
        }
        Some(Overflow::Crowd(crowd)) => crowd.replace_own(level, slot, class, mask),
        None => {}
    }
}

/// Checks a newcomer against a part of a crowd, by all. The bytes that what is left counts for, by class.
pub(super) fn meet_all<K: Knowledge>(
    place: &AtomicU32,
    newcomer: &Newcomer<'_, K>,
    raced: &mut Raced<'_>,
) -> [u64; 4] {
    match at(place.load(Relaxed)) {
        Some(Overflow::Chain(first)) => {
            first.meet_and_next(newcomer, raced);
            let mut bytes = [0; 4];
            for access in first.and_next().flat_map(|annex| annex.slots.recorded()) {
                bytes[Class::of_tagged(access.tag) as usize] |= access.mask;
            }
            bytes
        }
        Some(Overflow::Crowd(crowd)) => crowd.meet_all(newcomer, raced),
        None => [0; 4],
    }
}

/// Whatever is recorded of these bytes is forgotten. The bytes of which something is left.
pub(super) fn forget(place: &AtomicU32, mask: u64) -> u64 {
    let mut left = 0;
    each_annex(place.load(Relaxed), &mut |annex| {
        left |= annex.slots.forget_here(mask);
    });
    give_back_if_empty(place);
    left
}

/// Adds the plain writes of these bytes.
pub(super) fn add_writes(place: &AtomicU32, mask: u64, writes: &mut Conflicts) {
    each_annex(place.load(Relaxed), &mut |annex| {
        annex.slots.add_writes_here(mask, writes);
    });
}

fn give_back_if_empty(place: &AtomicU32) {
    let mut left = 0;
    each_annex(place.load(Relaxed), &mut |annex| {
        left |= annex.slots.bytes();
    });
    if left == 0 {
        give_back(place);
    }
}

/// Nothing is there any more.
pub(super) fn give_back(place: &AtomicU32) {
    let mut number = place.load(Relaxed);
    place.store(0, Relaxed);
    if let Some(crowd) = crowd::get(number) {
        crowd.places().for_each(give_back);
        return crowd::give_back(number, crowd);
    }
    while let Some(annex) = annex::get(number) {
        let next = annex.next().load(Relaxed);
        annex::give_back(number, annex);
        number = next;
    }
}

pub(super) fn each_annex(number: u32, visit: &mut dyn FnMut(&'static Annex)) {
    match at(number) {
        Some(Overflow::Chain(first)) => first.and_next().for_each(visit),
        Some(Overflow::Crowd(crowd)) => {
            for place in crowd.places() {
                each_annex(place.load(Relaxed), visit);
            }
        }
        None => {}
    }
}
