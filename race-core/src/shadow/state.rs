//! The state machine of one location: FastTrack's adaptive epochs, with atomic accesses told apart.
//!
//! FastTrack (Flanagan & Freund, PLDI 2009, figure 5) keeps the last write and the reads since. Deliberate deviations:
//!
//! - Atomic accesses don't race with each other, so they can't replace one another the way ordered writes do. Every access other than a plain
//!   write goes into the set of accesses since the last plain write; a plain write must be ordered after all of them, and clears it.
//! - The set keeps only what a later access could still race with: an entry goes when a later one is ordered after it that
//!   stands for it (whatever races with the first races with the second), FastTrack's switch back to a single epoch included: one of the same class, and of
//!   an atomic read any, since that races with plain writes only, and so does every other. Nothing is ever evicted.
//! - An access that the same thread has recorded in the same epoch is not recorded again (FastTrack's same-epoch rules). Nor is one that another of its
//!   accesses in this epoch stands for: whatever races with a read races with a write before it.
//! - A crowd of accesses to raw memory ([`super::crowd`]) may keep an entry A for longer, though a later one, B, of another thread is ordered after it and stands for it. That
//!   changes no verdict. Whatever conflicts with A conflicts with B; who is ordered after B is ordered after A, since order is transitive; so who races with A
//!   races with B on the same bytes, or with what stands for B by then, for which the same holds. What is reported beyond is that pair with A, and that is a race as
//!   well. Where clocks are not transitive ([`Knowledge::is_transitive`]), nothing is kept so. Of one thread's accesses none is ever kept for longer.
//! - After a race the later access is recorded as if it had been ordered: what follows is checked against it.
//!
//! Pure: no clock is changed, nothing is locked, nothing is reported here.

use smallvec::SmallVec;

use crate::epoch::Epoch;
use crate::stack::depot::ContextId;

/// What decides whether two accesses can race: at least one of them a write, at least one not atomic. The numbers are those in a tag.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub(crate) enum Class {
    Read = 0,
    AtomicRead = 1,
    AtomicWrite = 2,
    Write = 3,
}

const CLASS_SHIFT: u32 = 61;

impl Class {
    /// Where an epoch's word has room for it. A plain read's is 0.
    #[inline]
    pub(crate) fn tag(self) -> u64 {
        (self as u64) << CLASS_SHIFT
    }

    #[inline]
    pub(crate) fn of_tagged(word: u64) -> Class {
        match (word >> CLASS_SHIFT) & 3 {
            0 => Class::Read,
            1 => Class::AtomicRead,
            2 => Class::AtomicWrite,
            _ => Class::Write,
        }
    }

    #[inline]
    pub(crate) fn is_plain(self) -> bool {
        matches!(self, Class::Read | Class::Write)
    }

    /// Whether the access with this tag makes another of this class in the epoch `word` superfluous: whatever races with that races with it. A word that is locked
    /// is no such tag.
    #[inline]
    pub(crate) fn is_same(self, tag: u64, word: u64) -> bool {
        tag & !(3 << CLASS_SHIFT) == word && Class::of_tagged(tag).stands_for(self)
    }

    /// Whether an access of this class need not leave an earlier one behind; `known`: that one is ordered before.
    #[inline]
    pub(crate) fn supersedes(self, earlier: Class, known: bool) -> bool {
        self == Class::Write || known && self.stands_for(earlier)
    }

    #[inline]
    pub(crate) fn conflicts(self, other: Class) -> bool {
        self.conflicting() >> other as u8 & 1 != 0
    }

    /// Whether all that conflicts with the other conflicts with this one.
    #[inline]
    fn stands_for(self, other: Class) -> bool {
        other.conflicting() & !self.conflicting() == 0
    }

    /// The classes that it can race with: a bit for each.
    #[inline]
    fn conflicting(self) -> u8 {
        match self {
            Class::Read => 0b1100,
            Class::AtomicRead => 0b1000,
            Class::AtomicWrite => 0b1001,
            Class::Write => 0b1111,
        }
    }
}

/// A recorded access.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Access {
    pub(crate) epoch: Epoch,
    pub(crate) class: Class,
    pub(crate) context: Option<ContextId>,
}

/// What the machine needs to know of the accessing thread: what happens before now.
pub(crate) trait Knowledge {
    fn epoch(&self) -> Epoch;
    fn knows(&self, epoch: Epoch) -> bool;
    /// Whether whoever knows an epoch knows all that was known in it. Not once a clock was assumed.
    fn is_transitive(&self) -> bool {
        true
    }
}

/// The accesses that a later one can still race with.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(crate) struct State {
    /// The last plain write.
    pub(crate) write: Option<Access>,
    /// Everything else since then that isn't ordered before another of its class.
    pub(crate) others: SmallVec<[Access; 1]>,
}

/// The earlier accesses that an access raced with.
pub(crate) type Conflicts = SmallVec<[Access; 2]>;

impl State {
    /// Whether `class` by a thread in `epoch` is recorded here already.
    pub(crate) fn is_recorded(&self, epoch: Epoch, class: Class) -> bool {
        let stands_for = |access: &Access| access.epoch == epoch && access.class.stands_for(class);
        self.write.iter().chain(&self.others).any(stands_for)
    }

    /// Checks an access against what was recorded, and records it.
    pub(crate) fn access(
        &mut self,
        thread: &impl Knowledge,
        class: Class,
        context: Option<ContextId>,
    ) -> Conflicts {
        let races =
            |earlier: &&Access| class.conflicts(earlier.class) && !thread.knows(earlier.epoch);
        let conflicts: Conflicts = self
            .write
            .iter()
            .chain(&self.others)
            .filter(races)
            .copied()
            .collect();
        let access = Access {
            epoch: thread.epoch(),
            class,
            context,
        };
        self.others
            .retain(|earlier| !class.supersedes(earlier.class, thread.knows(earlier.epoch)));
        if class == Class::Write {
            self.write = Some(access);
        } else {
            self.others.push(access);
        }
        conflicts
    }

    /// What an access races with that can't be made because another thread's is still going on. `writes`: whether that one is a write.
    pub(crate) fn in_the_way_of(
        &self,
        thread: &impl Knowledge,
        class: Class,
        writes: bool,
    ) -> Conflicts {
        let all = || self.write.iter().chain(&self.others);
        let races = |other: &&Access| class.conflicts(other.class) && !thread.knows(other.epoch);
        let unordered: Conflicts = all().filter(races).copied().collect();
        if !unordered.is_empty() {
            return unordered;
        }
        // All that was recorded when the other one began is ordered before; what it does now isn't. It began last.
        let of_others = |access: &&Access| access.epoch.slot() != thread.epoch().slot();
        let last = if writes {
            self.write.iter().rfind(of_others)
        } else {
            all().rfind(of_others)
        };
        last.copied().into_iter().collect()
    }

    /// Makes everything before irrelevant, without a check: the caller has exclusive access.
    pub(crate) fn adopt(&mut self, epoch: Epoch, context: Option<ContextId>) {
        self.write = Some(Access {
            epoch,
            class: Class::Write,
            context,
        });
        self.others.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::VectorClock;

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

    fn thread(slot: usize, clock: u64, knows: &[(usize, u64)]) -> Thread {
        let mut vector = VectorClock::new();
        for (slot, clock) in knows {
            vector.raise(Epoch::new(*slot, *clock));
        }
        Thread {
            epoch: Epoch::new(slot, clock),
            clock: vector,
        }
    }

    fn raced(conflicts: &Conflicts) -> Vec<(usize, Class)> {
        conflicts
            .iter()
            .map(|access| (access.epoch.slot(), access.class))
            .collect()
    }

    #[test]
    fn all_unordered_reads_are_kept_for_the_write() {
        let mut state = State::default();
        for slot in 0..20 {
            assert!(
                state
                    .access(&thread(slot, 1, &[]), Class::Read, None)
                    .is_empty()
            );
        }
        let knows_all_but_7: Vec<_> = (0..20)
            .filter(|slot| *slot != 7)
            .map(|slot| (slot, 1))
            .collect();
        let conflicts = state.access(&thread(20, 1, &knows_all_but_7), Class::Write, None);
        assert_eq!(raced(&conflicts), [(7, Class::Read)]);
        assert!(state.others.is_empty());
    }

    #[test]
    fn ordered_reads_shrink_to_one() {
        let mut state = State::default();
        state.access(&thread(0, 1, &[]), Class::Read, None);
        state.access(&thread(1, 1, &[]), Class::Read, None);
        state.access(&thread(2, 1, &[(0, 1), (1, 1)]), Class::Read, None);
        assert_eq!(state.others.len(), 1);
    }

    #[test]
    fn atomic_writes_are_kept_until_a_plain_one_is_ordered_after_them() {
        let mut state = State::default();
        assert!(
            state
                .access(&thread(0, 1, &[]), Class::AtomicWrite, None)
                .is_empty()
        );
        assert!(
            state
                .access(&thread(1, 1, &[]), Class::AtomicWrite, None)
                .is_empty()
        );
        assert!(
            state
                .access(&thread(2, 1, &[]), Class::AtomicRead, None)
                .is_empty()
        );
        // Ordered after thread 1's write only: thread 0's must not have been forgotten.
        let conflicts = state.access(&thread(3, 1, &[(1, 1)]), Class::Read, None);
        assert_eq!(raced(&conflicts), [(0, Class::AtomicWrite)]);
    }

    #[test]
    fn a_plain_and_an_atomic_read_in_one_epoch_are_two_accesses() {
        let mut state = State::default();
        state.access(&thread(0, 1, &[]), Class::AtomicRead, None);
        assert!(!state.is_recorded(Epoch::new(0, 1), Class::Read));
        state.access(&thread(0, 1, &[]), Class::Read, None);
        let conflicts = state.access(&thread(1, 1, &[]), Class::AtomicWrite, None);
        assert_eq!(raced(&conflicts), [(0, Class::Read)]);
    }

    #[test]
    fn an_atomic_read_is_dropped_when_anything_is_ordered_after_it() {
        for class in [Class::Read, Class::AtomicRead, Class::AtomicWrite] {
            let mut state = State::default();
            state.access(&thread(0, 1, &[]), Class::AtomicRead, None);
            state.access(&thread(1, 1, &[(0, 1)]), class, None);
            assert!(state.is_recorded(Epoch::new(1, 1), Class::AtomicRead));
            let conflicts = state.access(&thread(2, 1, &[]), Class::Write, None);
            assert_eq!(raced(&conflicts), [(1, class)]);
        }
    }

    #[test]
    fn a_plain_read_is_kept_when_an_atomic_access_is_ordered_after_it() {
        for class in [Class::AtomicRead, Class::AtomicWrite] {
            let mut state = State::default();
            state.access(&thread(0, 1, &[]), Class::Read, None);
            state.access(&thread(1, 1, &[(0, 1)]), class, None);
            assert!(!state.is_recorded(Epoch::new(1, 1), Class::Read));
            let conflicts = state.access(&thread(2, 1, &[]), Class::AtomicWrite, None);
            assert_eq!(raced(&conflicts), [(0, Class::Read)]);
        }
    }

    #[test]
    fn an_atomic_write_is_kept_when_a_read_is_ordered_after_it() {
        for class in [Class::AtomicRead, Class::Read] {
            let mut state = State::default();
            state.access(&thread(0, 1, &[]), Class::AtomicWrite, None);
            state.access(&thread(1, 1, &[(0, 1)]), class, None);
            let conflicts = state.access(&thread(2, 1, &[]), Class::Read, None);
            assert_eq!(raced(&conflicts), [(0, Class::AtomicWrite)]);
        }
    }

    #[test]
    fn a_word_that_is_locked_is_nobodys_access() {
        // As the lock of a page's word is taken in the first process.
        let locked = 1 << 63 | 1;
        for class in [Class::Read, Class::AtomicRead, Class::Write] {
            assert!(!class.is_same(locked, Epoch::new(0, 1).bits()));
        }
    }

    #[test]
    fn an_access_that_cannot_be_made_races_with_what_is_unordered() {
        let mut state = State::default();
        state.access(&thread(0, 1, &[]), Class::Write, None);
        state.access(&thread(1, 1, &[(0, 1)]), Class::Read, None);
        let stranger = thread(2, 1, &[]);
        let raced_by = |class| raced(&state.in_the_way_of(&stranger, class, true));
        assert_eq!(raced_by(Class::Read), [(0, Class::Write)]);
        assert_eq!(
            raced_by(Class::Write),
            [(0, Class::Write), (1, Class::Read)]
        );
    }

    #[test]
    fn if_all_is_ordered_it_races_with_the_one_that_goes_on() {
        let mut state = State::default();
        let knows_all = [(0, 1), (1, 1)];
        state.access(&thread(0, 1, &[]), Class::Write, None);
        state.access(&thread(1, 1, &[(0, 1)]), Class::Read, None);
        // Its own comes last.
        state.access(&thread(2, 1, &[(0, 1)]), Class::Read, None);
        let thread = thread(2, 1, &knows_all);
        let in_the_way = |writes| raced(&state.in_the_way_of(&thread, Class::Write, writes));
        assert_eq!(in_the_way(false), [(1, Class::Read)]);
        assert_eq!(in_the_way(true), [(0, Class::Write)]);
    }

    #[test]
    fn what_is_adopted_was_written_by_nobody_else() {
        let mut state = State::default();
        state.access(&thread(0, 1, &[]), Class::Write, None);
        state.access(&thread(1, 1, &[]), Class::Read, None);
        state.adopt(Epoch::new(2, 5), None);
        assert!(
            state
                .access(&thread(3, 1, &[(2, 5)]), Class::Read, None)
                .is_empty()
        );
        let conflicts = state.access(&thread(4, 1, &[(3, 1)]), Class::Write, None);
        assert_eq!(raced(&conflicts), [(2, Class::Write)]);
    }
}
