//! A word of shadow that is a lock as well: bit 63 says whether it is taken, and the rest belongs to whoever takes it.
//!
//! Locked, it holds the [`fork::generation`] of the process whose thread holds it, so that the child of a `fork` can take it from a thread that it
//! doesn't have. Hold one for a few instructions only, and never two at once.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::fork;
use crate::primitive::sync::atomic::AtomicU64;
use crate::primitive::thread::yield_now;
use crate::primitive::{const_fn, hint};

const LOCKED: u64 = 1 << 63;

/// Zero, and free, at first.
#[derive(Default)]
pub(crate) struct LockWord(AtomicU64);

/// What locking found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Found {
    /// The content.
    Content(u64),
    /// A lock from before a fork: what it guards may be half changed.
    Abandoned,
}

impl LockWord {
    const_fn! {
        pub(crate) const fn new() -> LockWord {
            LockWord(AtomicU64::new(0))
        }
    }

    /// The content; nobody's while the word is locked.
    #[inline(always)]
    pub(crate) fn peek(&self) -> u64 {
        self.0.load(Relaxed)
    }

    /// Whether that was the word of a lock that is taken.
    #[inline(always)]
    pub(crate) fn is_locked(peeked: u64) -> bool {
        peeked & LOCKED != 0
    }

    #[inline]
    pub(crate) fn lock(&self) -> Found {
        self.try_lock()
            .map_or_else(|| self.lock_slow(), Found::Content)
    }

    #[inline]
    fn try_lock(&self) -> Option<u64> {
        let content = self.peek();
        self.lock_if(content).then_some(content)
    }

    /// Takes the lock if it is free and this is its content.
    #[inline(always)]
    pub(crate) fn lock_if(&self, content: u64) -> bool {
        !LockWord::is_locked(content)
            && self
                .0
                .compare_exchange_weak(content, locked_here(), Acquire, Relaxed)
                .is_ok()
    }

    #[cold]
    fn lock_slow(&self) -> Found {
        for attempt in 0u32.. {
            if let Some(content) = self.try_lock() {
                return Found::Content(content);
            }
            if self.take_over() {
                return Found::Abandoned;
            }
            if attempt % 64 == 63 {
                yield_now();
            } else {
                hint::spin_loop();
            }
        }
        unreachable!("the loop above has no end but the lock")
    }

    /// Takes the lock from a thread that was left behind by a `fork`.
    #[cold]
    fn take_over(&self) -> bool {
        let content = self.peek();
        content & LOCKED != 0
            && content != locked_here()
            && self
                .0
                .compare_exchange(content, locked_here(), Acquire, Relaxed)
                .is_ok()
    }

    /// To be called by the holder only.
    #[inline]
    pub(crate) fn unlock(&self, content: u64) {
        debug_assert!(content & LOCKED == 0);
        self.0.store(content, Release);
    }

    /// As a thread would leave it that a fork leaves behind.
    #[cfg(all(test, not(loom)))]
    pub(crate) fn abandon(&self) {
        self.0.store(locked_here() + 1, Relaxed);
    }
}

/// The word of what a thread of this process has locked.
#[inline]
fn locked_here() -> u64 {
    LOCKED | u64::from(fork::generation())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_held_until_it_is_unlocked() {
        let word = LockWord::new();
        assert_eq!(word.lock(), Found::Content(0));
        let generation = u64::from(fork::generation());
        assert_eq!(word.peek(), LOCKED | generation);
        assert!(word.try_lock().is_none());
        assert!(!word.take_over());
        word.unlock(5);
        assert!(!word.take_over());
        assert_eq!(word.try_lock(), Some(5));
    }

    #[cfg(not(loom))]
    #[test]
    fn a_lock_from_before_a_fork_is_taken_over() {
        let word = LockWord::new();
        word.abandon();
        assert_eq!(word.lock(), Found::Abandoned);
        assert!(word.try_lock().is_none());
    }
}
