//! Which lock it is: a number that it gets when it is first locked, and keeps when it is moved.
//!
//! The address won't do for what is remembered longer than a lock is held: another lock may be there by then. The word beside the number says what
//! the lock has been used for, and whether it is held: one that is dropped while it is held was left by a guard that was forgotten, and then
//! somebody's list of held locks has it still.

use std::collections::HashSet;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use crate::deadlock::{Mode, order};
use crate::fork::{Lock, PerProcess};
use crate::thread::held::Unlocked;
use crate::thread::local;

/// It is held for writing. Changed by the holder only.
const LOCKED: u64 = 1 << 63;
/// It was waited for while another was held, or the other way round.
const NESTS: u64 = 1 << 62;
/// It was used with a condition variable.
const HANDS_OVER: u64 = 1 << 61;
const NUMBER: u64 = HANDS_OVER - 1;

static LAST: AtomicU64 = AtomicU64::new(0);

/// Locks that were dropped while they were held, or that another thread unlocked than had locked them.
static DISOWNED: PerProcess<Lock<HashSet<u64>>> = PerProcess::new();

/// Whether the thread that has this lock on its list may not hold it.
#[cold]
pub(crate) fn is_disowned(number: u64) -> bool {
    DISOWNED.get().lock().contains(&number)
}

#[cold]
fn disown(number: u64) {
    DISOWNED.get().lock().insert(number);
}

/// The number of a lock and what it has been used for. 0 until it is locked.
#[derive(Debug, Default)]
pub(crate) struct LockId(AtomicU64);

/// A copy is another lock.
impl Clone for LockId {
    fn clone(&self) -> LockId {
        LockId::new()
    }
}

/// A lock's word as it was when it was locked.
#[derive(Clone, Copy)]
pub(crate) struct Word(u64);

impl Word {
    #[inline]
    pub(crate) fn number(self) -> u64 {
        self.0 & NUMBER
    }

    /// As it is once the lock has been wanted while another was held.
    #[inline]
    pub(crate) fn nesting(self) -> Word {
        Word(self.0 | NESTS)
    }

    /// Whether its edges are no order: see [`crate::deadlock::order`].
    #[inline]
    pub(crate) fn is_unordered(self) -> bool {
        self.0 & (NESTS | HANDS_OVER) == NESTS
    }
}

impl LockId {
    pub(crate) const fn new() -> LockId {
        LockId(AtomicU64::new(0))
    }

    /// What it has been used for by now.
    pub(crate) fn word(&self) -> Word {
        Word(self.0.load(Relaxed))
    }

    /// The calling thread has just locked it.
    #[inline]
    pub(crate) fn lock(&self, mode: Mode) -> Word {
        let mut word = self.0.load(Relaxed);
        if word == 0 {
            word = self.give();
        }
        if mode == Mode::Exclusive {
            self.0.store(word | LOCKED, Relaxed);
        }
        Word(word)
    }

    /// Several readers may be the first.
    #[cold]
    fn give(&self) -> u64 {
        let number = LAST.fetch_add(1, Relaxed) + 1;
        match self.0.compare_exchange(0, number, Relaxed, Relaxed) {
            Ok(_) => number,
            Err(others) => others,
        }
    }

    /// The calling thread is about to unlock it; `held` is what its list says of it.
    #[inline]
    pub(crate) fn unlock(&self, mode: Mode, held: Option<&Unlocked>) {
        // A `fork`'s child may unlock what it hasn't locked: then it is another lock, which has no number yet.
        if held.is_some_and(|held| held.nests) && self.0.load(Relaxed) != 0 {
            self.mark_nesting();
        }
        let word = self.0.load(Relaxed);
        if mode == Mode::Exclusive {
            self.0.store(word & !LOCKED, Relaxed);
        }
        if held.is_none() && word != 0 {
            disown(word & NUMBER);
        }
    }

    /// Its edges are no order from now on.
    #[inline]
    pub(crate) fn mark_nesting(&self) {
        if self.0.load(Relaxed) & NESTS == 0 {
            self.0.fetch_or(NESTS, Relaxed);
        }
    }

    /// It is held for reading from now on.
    pub(crate) fn downgrade(&self) {
        self.0.fetch_and(!LOCKED, Relaxed);
    }

    /// See [`super::SyncClock::hand_over`]. Whether this is the first time.
    pub(crate) fn hand_over(&self) -> bool {
        self.0.load(Relaxed) & HANDS_OVER == 0
            && self.0.fetch_or(HANDS_OVER, Relaxed) & HANDS_OVER == 0
    }
}

impl LockId {
    /// The lock is no more, and is held if this says so or the word does. Inside the engine, where [`Drop`] would have nobody told.
    pub(crate) fn end(&mut self, is_held: bool) {
        let word = std::mem::take(self.0.get_mut());
        if word & NESTS != 0 || word & LOCKED != 0 || is_held {
            gone(word, is_held);
        }
    }
}

impl Drop for LockId {
    #[inline]
    fn drop(&mut self) {
        let word = *self.0.get_mut();
        if word & (LOCKED | NESTS) != 0 {
            // Inside the engine it stays in the books: nothing will ever match it.
            local::enter_bare(|| gone(word, false));
        }
    }
}

/// The lock is no more. Inside the engine.
#[cold]
#[inline(never)]
fn gone(word: u64, is_held: bool) {
    if is_held || word & LOCKED != 0 {
        disown(word & NUMBER);
    }
    order::forget(word & NUMBER);
}
