//! The locks that one thread holds: what a report lists, what nests in what, and who keeps whom waiting.
//!
//! A lock stands here by the address of its clock, which tells it apart while it is held, and by its number, which does so for ever. A guard that was
//! forgotten leaves its lock here; whoever looks at the list for a deadlock asks whether the lock is still there (`lock_id::is_disowned`).

use smallvec::SmallVec;

use crate::deadlock::Mode;
use crate::stack::depot::HeldLock;
use crate::stack::position::Position;

/// Held for reading.
const SHARED: u64 = 1 << 63;
/// Another was waited for while this one was held.
const NESTS: u64 = 1 << 62;

/// What tells a held lock apart from the others. Two words, since one is written at each lock.
#[derive(Clone, Copy)]
pub(crate) struct HeldKey {
    /// The address of its clock.
    pub(crate) address: usize,
    /// Its number (see [`crate::sync::lock_id`]), and the bits above.
    bits: u64,
}

impl HeldKey {
    #[inline]
    pub(crate) fn number(self) -> u64 {
        self.bits & !(SHARED | NESTS)
    }

    #[inline]
    pub(crate) fn mode(self) -> Mode {
        if self.bits & SHARED == 0 {
            Mode::Exclusive
        } else {
            Mode::Shared
        }
    }
}

/// What an unlock is told of the lock.
#[derive(Clone, Copy)]
pub(crate) struct Unlocked {
    pub(crate) locked: Position,
    pub(crate) nests: bool,
}

/// The locks that a thread holds, in the order in which it took them. Two lists: the first one is compared with what a remembered context held.
#[derive(Default)]
pub(crate) struct HeldLocks {
    locks: SmallVec<[HeldLock; 4]>,
    keys: SmallVec<[HeldKey; 4]>,
}

impl HeldLocks {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    #[inline]
    pub(crate) fn locks(&self) -> &[HeldLock] {
        &self.locks
    }

    #[inline]
    pub(crate) fn keys(&self) -> &[HeldKey] {
        &self.keys
    }

    /// Takes a lock onto the list.
    #[inline]
    pub(crate) fn push(&mut self, address: usize, number: u64, mode: Mode, lock: HeldLock) {
        self.locks.push(lock);
        let bits = match mode {
            Mode::Exclusive => number,
            Mode::Shared => number | SHARED,
        };
        self.keys.push(HeldKey { address, bits });
    }

    /// How the thread has it, or has it last, if it does.
    #[inline]
    pub(crate) fn mode(&self, address: usize) -> Option<Mode> {
        let key = self.keys.iter().rfind(|key| key.address == address)?;
        Some(key.mode())
    }

    /// Takes it off again. `None` if this thread didn't lock it.
    #[inline]
    pub(crate) fn pop(&mut self, address: usize) -> Option<Unlocked> {
        let (key, lock) = match self.keys.last() {
            Some(key) if key.address == address => (self.keys.pop()?, self.locks.pop()?),
            _ => self.remove(address)?,
        };
        Some(Unlocked {
            nests: key.bits & NESTS != 0,
            locked: lock.locked,
        })
    }

    #[cold]
    fn remove(&mut self, address: usize) -> Option<(HeldKey, HeldLock)> {
        let index = self.keys.iter().rposition(|key| key.address == address)?;
        Some((self.keys.remove(index), self.locks.remove(index)))
    }

    /// The lock is held for reading from now on.
    pub(crate) fn downgrade(&mut self, address: usize) {
        if let Some(key) = self.keys.iter_mut().rfind(|key| key.address == address) {
            key.bits |= SHARED;
        }
    }

    /// Another lock is waited for while all of these are held.
    #[inline]
    pub(crate) fn mark_nesting(&mut self) {
        for key in &mut self.keys {
            key.bits |= NESTS;
        }
    }

    /// Takes off the locks that `is_gone` knows by their numbers.
    pub(crate) fn forget(&mut self, is_gone: impl Fn(u64) -> bool) {
        self.forget_some(|key| is_gone(key.number()));
    }

    /// Takes off what was at this address before the lock with this number: that is no more.
    #[inline]
    pub(crate) fn forget_before(&mut self, address: usize, number: u64) {
        let is_gone = |key: &HeldKey| key.address == address && key.number() != number;
        if self.keys.iter().any(is_gone) {
            self.forget_some(is_gone);
        }
    }

    #[cold]
    fn forget_some(&mut self, is_gone: impl Fn(&HeldKey) -> bool) {
        for index in (0..self.keys.len()).rev() {
            if is_gone(&self.keys[index]) {
                self.keys.remove(index);
                self.locks.remove(index);
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::sync::{Origin, SyncKind};

    static KIND: SyncKind = SyncKind {
        name: "test",
        release: "released",
        acquire: "acquired",
    };

    #[test]
    fn locks_are_let_go_of_in_any_order() {
        let mut held = HeldLocks::default();
        let here = [1, 2, 3].map(Position::of_code);
        for (address, locked) in here.into_iter().enumerate() {
            let lock = HeldLock {
                kind: &KIND,
                created: Origin::Made(locked),
                locked,
            };
            held.push(address, address as u64 + 1, Mode::Exclusive, lock);
        }
        assert!(held.pop(7).is_none());
        for address in [1, 2, 0] {
            let popped = held.pop(address).map(|unlocked| unlocked.locked);
            assert_eq!(popped, Some(here[address]));
            assert!(held.pop(address).is_none());
        }
        assert!(held.is_empty());
    }
}
