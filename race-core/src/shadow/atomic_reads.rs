//! Which atomics a thread has read in the epoch that it is in: a thread that waits loads one again and again, and needs no look into its line for that, which
//! another one may be writing.
//!
//! What is remembered is what the line would tell: that the read is recorded, or another access of the thread's own that stands for it. In the epoch of the read a
//! line loses that
//!
//! - to an access that races with it: no other thread is ordered after an epoch that goes on, unless something is
//!   [assumed](registry::is_assumed), and then nothing is remembered;
//! - or because its memory is freed by this thread ([`AtomicReads::forget`]), or forgotten by any.
//!
//! Whoever takes a read from a line for another reason than that one is ordered after it must say so ([`lose`]).

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Release};

use crate::epoch::Epoch;
use crate::thread::registry;

/// Reads that are remembered.
const REMEMBERED: usize = 16;

/// How often lines have lost what somebody may remember.
static LOST: AtomicU64 = AtomicU64::new(0);

/// A line has lost a read that may be remembered. To be said once it has: who then looks whether there is one finds none.
#[cold]
#[inline(never)]
pub(super) fn lose() {
    LOST.fetch_add(1, Release);
}

/// The reads of one thread.
#[derive(Default)]
pub(crate) struct AtomicReads {
    remembered: [Read; REMEMBERED],
    /// How often the thread has freed memory.
    frees: u64,
}

/// All zeros: none.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Read {
    address: usize,
    size: usize,
    epoch: Epoch,
    /// What had been lost and freed before its line was looked at. Neither ever shrinks, so the sum tells.
    changes: u64,
}

impl AtomicReads {
    /// A read of these bytes in `epoch`, now.
    #[inline(always)]
    pub(crate) fn read(&self, address: usize, size: usize, epoch: Epoch) -> Read {
        Read {
            address,
            size,
            epoch,
            changes: self.frees.wrapping_add(LOST.load(Acquire)),
        }
    }

    /// Whether such a read is recorded.
    #[inline(always)]
    pub(crate) fn contains(&self, read: &Read) -> bool {
        self.remembered[place(read.address)] == *read && !registry::is_assumed()
    }

    /// Its line has been looked at, and has it.
    #[inline(always)]
    pub(crate) fn insert(&mut self, read: Read) {
        self.remembered[place(read.address)] = read;
    }

    /// The thread frees memory.
    #[inline]
    pub(crate) fn forget(&mut self) {
        self.frees += 1;
    }
}

#[inline(always)]
fn place(address: usize) -> usize {
    ((address / 4) ^ (address / 64)) % REMEMBERED
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_read_is_remembered_until_something_may_have_lost_it() {
        let mut reads = AtomicReads::default();
        let epoch = Epoch::new(0, 1);
        let now = |reads: &AtomicReads| reads.read(64, 8, epoch);
        let remembered = |reads: &AtomicReads| reads.remembered[place(64)] == now(reads);
        assert!(!remembered(&reads));
        let read = now(&reads);
        reads.insert(read);
        assert!(reads.remembered[place(64)] == read);
        reads.forget();
        assert!(!remembered(&reads));
        // Looked at before, found after.
        let read = now(&reads);
        lose();
        reads.insert(read);
        assert!(!remembered(&reads));
    }
}
