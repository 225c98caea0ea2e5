//! The entries of addresses: what is known of each, in lists of a few.
//!
//! A list is a word with the number of its first entry; each leads to the next. Entries are added at its beginning, by whoever is first, and taken out all at
//! once: so a list is whole at any time, and each entry is in one list, or nobody's.
//!
//! Whoever looks for an address in a list while that is taken out may be led astray, to entries of other addresses, or to nobody's, where he stops. He finds
//! an entry only if that has his address. He may also add a second entry for an address that another thread has added meanwhile. But only what is freed is
//! taken out: that is a race of the program's, on this very memory. Entries are never freed, so all that can come of it is an order too many, or too few,
//! between operations of which one is on freed memory.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

use crate::pool::{Pool, Pooled};
use crate::primitive::global;
use crate::primitive::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicUsize};
use crate::sync::atomic::AtomicClock;
use crate::sync::outlying::View;

/// What is known of an address. In one cache line: the next operation there is likely to be another processor's.
#[derive(Default)]
#[repr(align(64))]
pub(crate) struct Entry {
    /// 0: nobody's.
    pub(super) address: AtomicUsize,
    pub(crate) clock: AtomicClock,
    /// Null until somebody asks for it.
    pub(super) view: AtomicPtr<View>,
    /// The next of its list.
    next: AtomicU32,
    /// Somebody has its clock for ever.
    pub(super) is_kept: AtomicBool,
}

const _: () = assert!(size_of::<Entry>() == 64 || cfg!(all(test, loom)));

// SAFETY:
// - Numbers and a bool that are zero, null pointers, and a clock, which is zeros at first.
unsafe impl Pooled for Entry {
    fn next(&self) -> &AtomicU32 {
        &self.next
    }
}

global! {
    /// 256 KiB at a time; 16 GiB at most.
    static POOL: Pool<Entry, { 1 << 12 }> = Pool::new();
}

/// How many there are, nobody's included.
#[inline(always)]
pub(crate) fn count() -> usize {
    POOL.made() as usize
}

/// A list: the number of its first entry, or 0.
pub(crate) type List = AtomicU32;

/// The entry of an address in the list that its entry would be in; if there is none, the number of the first one that was looked at.
#[inline(always)]
pub(super) fn find(list: &List, address: usize) -> Result<&'static Entry, u32> {
    let first = list.load(Acquire);
    let mut number = first;
    while let Some(entry) = POOL.get(number) {
        match entry.address.load(Relaxed) {
            its if its == address => return Ok(entry),
            // The list of those that are nobody's may be long.
            0 => break,
            _ => number = entry.next.load(Relaxed),
        }
    }
    Err(first)
}

/// As [`find`], or a new one, which is added. Whether it is new is told, too.
pub(crate) fn find_or_add(list: &List, address: usize) -> (&'static Entry, bool) {
    let mut mine = None;
    loop {
        let first = match find(list, address) {
            Ok(found) => {
                if let Some((number, entry)) = mine {
                    give_back(number, entry);
                }
                return (found, false);
            }
            Err(first) => first,
        };
        let (number, entry): (u32, &'static Entry) = *mine.get_or_insert_with(|| POOL.take());
        entry.address.store(address, Relaxed);
        entry.next.store(first, Relaxed);
        // Another thread may be faster, with this very address perhaps.
        if list
            .compare_exchange(first, number, AcqRel, Relaxed)
            .is_ok()
        {
            return (entry, true);
        }
    }
}

/// One that was never in a list.
#[cold]
fn give_back(number: u32, entry: &'static Entry) {
    entry.address.store(0, Relaxed);
    POOL.give_back(number, entry);
}

/// Entries that were taken out of lists; given back together when this is dropped.
#[derive(Default)]
pub(crate) struct Forgotten {
    /// The number of the first, which leads to the others, and the last.
    all: Option<(u32, &'static Entry)>,
}

impl Forgotten {
    /// Takes the entries out of a list, unless somebody has one of their clocks for ever.
    pub(crate) fn add_all_of(&mut self, list: &List) {
        let is_kept = |entry: &Entry| entry.is_kept.load(Relaxed);
        if all(list.load(Acquire)).any(is_kept) {
            return;
        }
        let first = list.swap(0, AcqRel);
        let mut last = None;
        for entry in all(first) {
            entry.clock.forget();
            entry.address.store(0, Relaxed);
            last = Some(entry);
        }
        if let Some(last) = last {
            let mut end = last;
            if let Some((others, their_last)) = self.all {
                last.next.store(others, Relaxed);
                end = their_last;
            }
            self.all = Some((first, end));
        }
    }
}

impl Drop for Forgotten {
    fn drop(&mut self) {
        if let Some((first, last)) = self.all {
            POOL.give_back(first, last);
        }
    }
}

/// The entries of a list that begins with this one.
pub(crate) fn all(first: u32) -> impl Iterator<Item = &'static Entry> {
    let after = |entry: &&'static Entry| POOL.get(entry.next.load(Relaxed));
    std::iter::successors(POOL.get(first), after)
}

/// Takes all entries that are nobody's.
#[cfg(all(test, loom))]
pub(crate) fn take_free() -> usize {
    std::iter::from_fn(|| POOL.take_free()).count()
}
