//! A sequence lock: readers write nothing, and read again if a writer came in between.
//!
//! H.-J. Boehm: "Can Seqlocks Get Along With Programming Language Memory Models?", MSPC 2012: atomic data, and for the readers an acquire fence
//! before the second look. One writer at a time, by a compare-exchange.
//!
//! The data are atomic words, so they can't race. What can is plain memory that is ordered through the lock: what writers share among themselves,
//! and what a reader finds by an index that it has read ([`Board`]).

use super::fence::fence;
use super::lib::cell::UnsafeCell;
use super::lib::sync::atomic::AtomicUsize;
use super::lib::sync::atomic::Ordering::{self, Relaxed};
use super::lib::thread;
use super::schedule::at;

use crate::orderings::Table;

orderings! {
    /// A writer comes after all the writers before.
    begin_write: Acquire,
    /// A fence: a reader that sees a word of this write sees also, at its second look, that the sequence is odd or later.
    write_fence: Release,
    /// The writer is done: the words, and what it did to the writers' plain memory, come before who sees the sequence.
    end_write: Release,
    /// A reader starts: it sees all words of the writes before, and what the writers wrote before these.
    begin_read: Acquire,
    /// A fence: the words are read before the second look. It also takes what the writers of these words released.
    read_fence: Acquire,
}

pub(crate) struct SeqLock<const N: usize> {
    /// Odd while somebody writes.
    sequence: AtomicUsize,
    words: [AtomicUsize; N],
    /// How many writes there were: the writers' own.
    writes: UnsafeCell<usize>,
    orders: Orderings,
}

// SAFETY: `writes` is reached by the one thread only that has made the sequence odd.
unsafe impl<const N: usize> Sync for SeqLock<N> {}

impl<const N: usize> SeqLock<N> {
    pub(crate) fn new(orders: Orderings) -> SeqLock<N> {
        SeqLock {
            sequence: AtomicUsize::new(0),
            words: [const { AtomicUsize::new(0) }; N],
            writes: UnsafeCell::new(0),
            orders,
        }
    }

    /// Returns how many writes there were before.
    pub(crate) fn write(&self, words: [usize; N]) -> usize {
        let orders = self.orders;
        let sequence = loop {
            // Relaxed, and on failure: a guess, which the exchange confirms.
            let now = self.sequence.load(Relaxed);
            if now.is_multiple_of(2)
                && self
                    .sequence
                    .compare_exchange_weak(now, now + 1, orders.begin_write, Relaxed)
                    .is_ok()
            {
                break now;
            }
            thread::yield_now();
        };
        fence(orders.write_fence);
        for (word, value) in self.words.iter().zip(words) {
            // Relaxed: after the fence, and before the store below.
            word.store(value, Relaxed);
            at("a word is written");
        }
        // SAFETY: only this thread writes now.
        let number = self.writes.with_mut(|p| unsafe { p.replace(*p + 1) }); // a write is counted
        self.sequence.store(sequence + 2, orders.end_write);
        number
    }

    pub(crate) fn read(&self) -> [usize; N] {
        loop {
            if let Some(words) = self.try_read() {
                return words;
            }
            thread::yield_now();
        }
    }

    /// The words, unless a writer was there.
    pub(crate) fn try_read(&self) -> Option<[usize; N]> {
        let orders = self.orders;
        let before = self.sequence.load(orders.begin_read);
        if !before.is_multiple_of(2) {
            return None;
        }
        at("a read has begun");
        // Relaxed: between the load above and the fence.
        let words = std::array::from_fn(|n| self.words[n].load(Relaxed));
        fence(orders.read_fence);
        // Relaxed: after the fence.
        (self.sequence.load(Relaxed) == before).then_some(words)
    }
}

/// Notices, written once each and read by who has read their index: plain memory that is published through the lock.
pub(crate) struct Board<const SIZE: usize> {
    /// The index of the latest notice and twice the index, as a check; nothing at 0.
    latest: SeqLock<2>,
    notices: [UnsafeCell<usize>; SIZE],
}

// SAFETY: a notice is written by the thread that has its index for itself, and read after that index was read from the lock.
unsafe impl<const SIZE: usize> Sync for Board<SIZE> {}

impl<const SIZE: usize> Board<SIZE> {
    pub(crate) fn new(orders: Orderings) -> Board<SIZE> {
        Board {
            latest: SeqLock::new(orders),
            notices: [const { UnsafeCell::new(0) }; SIZE],
        }
    }

    pub(crate) fn lock(&self) -> &SeqLock<2> {
        &self.latest
    }

    /// Puts a notice up. Each index is used once.
    /// Returns how many there were before.
    pub(crate) fn publish(&self, index: usize, notice: usize) -> usize {
        // SAFETY: nobody reads it before the index is published.
        self.notices[index].with_mut(|p| unsafe { *p = notice }); // a notice is written
        self.latest.write([index, 2 * index])
    }

    /// The latest notice, and its index.
    pub(crate) fn latest(&self) -> (usize, usize) {
        let [index, twice] = self.latest.read();
        assert_eq!(2 * index, twice, "torn");
        // SAFETY: the notice was written before its index was published.
        (index, self.notices[index].with(|p| unsafe { *p })) // a notice is read
    }
}
