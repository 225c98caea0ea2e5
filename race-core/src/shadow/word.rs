//! A state in three words: what the fast path compares, and the lock that guards the slow one.
//!
//! | word | meaning |
//! | --- | --- |
//! | `write` | the epoch of the last plain write; with bit 63, locked: [`super::lock`] |
//! | `other` | the epoch of the one other access, its class in bits 61 and 62; or, with bit 63, a pointer to several |
//! | `contexts` | the contexts of the write (low half) and of the one other access (high half) |
//!
//! A plain access recorded in an epoch leaves exactly that epoch's bits in its word, so "recorded already" is one comparison with no mask.
//! The words may be stale when the fast path reads them. That is harmless: only a thread itself ever stores its own epochs, so an
//! equal word was this thread's own, and whoever has overwritten it since has checked against it.

use std::ptr;
use std::sync::atomic::Ordering::Relaxed;

use smallvec::SmallVec;

use crate::epoch::Epoch;
use crate::primitive::sync::atomic::AtomicU64;
use crate::primitive::{Exclusive, const_fn};
use crate::shadow::lock::{Found, LockWord};
use crate::shadow::state::{Access, Class, Conflicts, Knowledge, State};
use crate::stack::depot::ContextId;

const MANY: u64 = 1 << 63;

/// The packed state of one location. 24 bytes, all zeros when never accessed.
#[derive(Default)]
pub(crate) struct Words {
    write: LockWord,
    other: AtomicU64,
    contexts: AtomicU64,
}

impl Words {
    const_fn! {
        pub(crate) const fn new() -> Words {
            Words {
                write: LockWord::new(),
                other: AtomicU64::new(0),
                contexts: AtomicU64::new(0),
            }
        }
    }

    /// Whether the state has left the words for the heap. It may have changed by the time the location is locked.
    #[inline]
    pub(crate) fn is_many(&self) -> bool {
        self.other.load(Relaxed) & MANY != 0
    }

    /// Whether a plain read in the epoch `word` need not be recorded any more.
    #[inline(always)]
    pub(crate) fn is_read_in(&self, word: u64) -> bool {
        self.other.load(Relaxed) == word || self.write.peek() == word
    }

    /// Whether a plain write in the epoch `word` need not be recorded any more.
    ///
    /// A read by another thread since would not matter: it was checked against this write.
    #[inline(always)]
    pub(crate) fn is_written_in(&self, word: u64) -> bool {
        self.write.peek() == word
    }

    /// Whether the plain write in the epoch `word` is all that there is.
    #[inline(always)]
    pub(crate) fn is_only_written_in(&self, word: u64) -> bool {
        self.write.peek() == word && self.other.load(Relaxed) == 0
    }

    /// Whether `class` by a thread in `epoch` is recorded already, wherever the state is.
    pub(crate) fn is_recorded(&self, epoch: Epoch, class: Class) -> bool {
        let mut locked = self.lock();
        let state = locked.take();
        let recorded = state.is_recorded(epoch, class);
        locked.put(state);
        recorded
    }

    /// Checks an access against what was recorded, and records it.
    #[inline]
    pub(crate) fn access(
        &self,
        thread: &impl Knowledge,
        class: Class,
        context: ContextId,
    ) -> Conflicts {
        let mut locked = self.lock();
        if locked.access_in_place(thread, class, context) {
            return Conflicts::new();
        }
        let mut state = locked.take();
        let conflicts = state.access(thread, class, Some(context));
        locked.put(state);
        conflicts
    }

    /// Locks the location. Never lock one while another is locked by the same thread.
    #[inline]
    pub(crate) fn lock(&self) -> LockedWords<'_> {
        let write = match self.write.lock() {
            Found::Content(write) => write,
            Found::Abandoned => self.reset(),
        };
        LockedWords { words: self, write }
    }

    /// Empties a state that a `fork` left locked: all that was is ordered before.
    #[cold]
    fn reset(&self) -> u64 {
        // Not dropped if it is a pointer: its owner may have been about to.
        self.other.store(0, Relaxed);
        self.contexts.store(0, Relaxed);
        0
    }
}

impl Drop for Words {
    fn drop(&mut self) {
        let other = self.other.exclusive();
        if other & MANY != 0 {
            // SAFETY: see `LockedWords::take_many`; dropping is exclusive.
            drop(unsafe { Box::from_raw(many_ptr(other)) });
        }
    }
}

fn many_ptr(word: u64) -> *mut Vec<Access> {
    ptr::with_exposed_provenance_mut((word & !MANY) as usize)
}

/// A locked location. Dropping it unlocks without a change.
pub(crate) struct LockedWords<'a> {
    words: &'a Words,
    /// The write word without the lock bit; what unlocking stores.
    write: u64,
}

impl LockedWords<'_> {
    /// Checks an access and records it in the words themselves, as [`State::access`] would, if there is nothing more to it: few enough
    /// accesses before and after, and every one before it known to the thread. Otherwise returns false and changes nothing.
    #[inline]
    pub(crate) fn access_in_place(
        &mut self,
        thread: &impl Knowledge,
        class: Class,
        context: ContextId,
    ) -> bool {
        let other = self.words.other.load(Relaxed);
        let known = other & MANY == 0
            && thread.knows(Epoch::from_tagged(self.write))
            && thread.knows(Epoch::from_tagged(other));
        if !known {
            return false;
        }
        let epoch = thread.epoch().bits();
        let context = u64::from(ContextId::bits(Some(context)));
        if class == Class::Write {
            self.words.other.store(0, Relaxed);
            self.words.contexts.store(context, Relaxed);
            self.write = epoch;
            return true;
        }
        if other != 0 && Class::of_tagged(other) != class {
            return false;
        }
        let contexts = self.words.contexts.load(Relaxed);
        self.words.other.store(epoch | class.tag(), Relaxed);
        self.words
            .contexts
            .store(contexts & u64::from(u32::MAX) | context << 32, Relaxed);
        true
    }

    /// Takes the state out. Put one back with [`LockedWords::put`]: until then the location holds no pointer of its own.
    pub(crate) fn take(&mut self) -> State {
        let contexts = self.words.contexts.load(Relaxed);
        let other = self.words.other.load(Relaxed);
        let write = Epoch::from_tagged(self.write);
        State {
            write: (!write.is_none()).then(|| Access {
                epoch: write,
                class: Class::Write,
                context: ContextId::from_bits(contexts as u32),
            }),
            others: if other & MANY != 0 {
                self.words.other.store(0, Relaxed);
                // SAFETY: `put` made the pointer with `Box::into_raw`, and only the holder of the lock reads or replaces it. It was
                // just replaced.
                SmallVec::from_vec(*unsafe { Box::from_raw(many_ptr(other)) })
            } else if other == 0 {
                SmallVec::new()
            } else {
                SmallVec::from_buf([Access {
                    epoch: Epoch::from_tagged(other),
                    class: Class::of_tagged(other),
                    context: ContextId::from_bits((contexts >> 32) as u32),
                }])
            },
        }
    }

    /// Puts a state in and unlocks.
    pub(crate) fn put(mut self, state: State) {
        let (other, other_context) = match state.others[..] {
            [] => (0, None),
            [one] => (one.epoch.bits() | one.class.tag(), one.context),
            _ => {
                let many = Box::into_raw(Box::new(state.others.into_vec()));
                (many.expose_provenance() as u64 | MANY, None)
            }
        };
        let write_context = state.write.and_then(|write| write.context);
        let contexts = u64::from(ContextId::bits(other_context)) << 32
            | u64::from(ContextId::bits(write_context));
        self.words.other.store(other, Relaxed);
        self.words.contexts.store(contexts, Relaxed);
        self.write = state.write.map_or(0, |write| write.epoch.bits());
    }
}

impl Drop for LockedWords<'_> {
    #[inline]
    fn drop(&mut self) {
        self.words.write.unlock(self.write);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::VectorClock;
    use proptest::prelude::*;

    #[derive(Debug)]
    struct Thread {
        epoch: Epoch,
        clock: VectorClock,
    }

    impl Knowledge for Thread {
        fn epoch(&self) -> Epoch {
            self.epoch
        }
        fn knows(&self, epoch: Epoch) -> bool {
            epoch.slot() == self.epoch.slot() || self.clock.knows(epoch)
        }
    }

    fn class() -> impl Strategy<Value = Class> {
        use Class::{AtomicRead, AtomicWrite, Read, Write};
        prop::sample::select(vec![Read, Write, AtomicRead, AtomicWrite])
    }

    /// A thread in one of three slots, and what it knows of each.
    fn thread() -> impl Strategy<Value = Thread> {
        (0usize..3, 1u64..4, prop::array::uniform3(1u64..4)).prop_map(|(slot, clock, knows)| {
            let mut vector = VectorClock::new();
            for (slot, clock) in knows.into_iter().enumerate() {
                vector.raise(Epoch::new(slot, clock));
            }
            Thread {
                epoch: Epoch::new(slot, clock),
                clock: vector,
            }
        })
    }

    fn knowing(slot: usize, knows: &[usize]) -> Thread {
        let mut clock = VectorClock::new();
        for slot in knows {
            clock.raise(Epoch::new(*slot, 1));
        }
        let epoch = Epoch::new(slot, 1);
        Thread { epoch, clock }
    }

    #[test]
    fn what_need_not_be_recorded_again() {
        let words = Words::new();
        let recorded = |slot| {
            let word = Epoch::new(slot, 1).bits();
            (
                words.is_read_in(word),
                words.is_written_in(word),
                words.is_only_written_in(word),
            )
        };
        let context = ContextId::from_bits(1).unwrap();
        let access = |thread, class| words.access(&thread, class, context);
        assert_eq!(recorded(0), (false, false, false));
        access(knowing(0, &[]), Class::Read);
        assert_eq!(recorded(0), (true, false, false));
        access(knowing(0, &[]), Class::Write);
        assert_eq!(recorded(0), (true, true, true));
        assert_eq!(recorded(1), (false, false, false));
        access(knowing(1, &[0]), Class::Read);
        assert_eq!(recorded(0), (true, true, false));
        assert_eq!(recorded(1), (true, false, false));
        assert!(!words.is_many());
        access(knowing(2, &[0]), Class::Read);
        assert!(words.is_many());
        assert!(words.is_recorded(Epoch::new(2, 1), Class::Read));
        assert!(!words.is_recorded(Epoch::new(3, 1), Class::Read));
    }

    #[cfg(not(loom))]
    #[test]
    fn a_state_that_a_fork_left_locked_is_empty() {
        let words = Words::new();
        words.write.abandon();
        // Its owner was about to replace the list, or had freed it.
        words.other.store(MANY | 8, Relaxed);
        words.contexts.store(u64::MAX, Relaxed);
        let mut locked = words.lock();
        assert_eq!(locked.take(), State::default());
        assert_eq!(words.contexts.load(Relaxed), 0);
        drop(locked);
        assert_eq!(words.write.peek(), 0);
    }

    proptest! {
        #[test]
        fn in_place_is_the_same_as_taken_out(steps in prop::collection::vec((thread(), class()), 1..30)) {
            let (in_place, taken_out) = (Words::new(), Words::new());
            for (number, (thread, class)) in (1..).zip(&steps) {
                let context = ContextId::from_bits(number).unwrap();
                let mut locked = taken_out.lock();
                let mut state = locked.take();
                let conflicts = state.access(thread, *class, Some(context));
                locked.put(state.clone());

                let mut locked = in_place.lock();
                if locked.access_in_place(thread, *class, context) {
                    prop_assert!(conflicts.is_empty());
                    drop(locked);
                } else {
                    locked.take();
                    locked.put(state.clone());
                }

                let mut locked = in_place.lock();
                let result = locked.take();
                locked.put(result.clone());
                prop_assert_eq!(result, state);
            }
        }
    }
}
