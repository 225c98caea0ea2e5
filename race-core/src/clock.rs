//! Vector clocks: what a thread, or a released object, knows of every slot.
//!
//! Entry `t` is the last clock value of slot `t` that happens before "now" (Lamport 1978, Mattern 1989; the form used by FastTrack).
//! A thread's *own* entry isn't kept here but in its epoch, so that a release costs no copy: the vector is shared until somebody
//! learns something new. Nothing here may depend on what is synchronised by what.

use smallvec::SmallVec;

use crate::epoch::Epoch;

/// Slots beyond the end read as 0. Six entries fit without the heap: most test programs have no more threads.
#[derive(Clone, Default, Debug, PartialEq, Eq)]
pub(crate) struct VectorClock {
    entries: SmallVec<[u64; 6]>,
}

impl VectorClock {
    pub(crate) const fn new() -> VectorClock {
        VectorClock {
            entries: SmallVec::new_const(),
        }
    }

    #[inline]
    pub(crate) fn get(&self, slot: usize) -> u64 {
        self.entries.get(slot).copied().unwrap_or(0)
    }

    /// Whether the interval `epoch` happens before whatever this clock describes.
    #[inline]
    pub(crate) fn knows(&self, epoch: Epoch) -> bool {
        self.get(epoch.slot()) >= epoch.clock()
    }

    /// Raises one entry; returns whether it was news.
    pub(crate) fn raise(&mut self, epoch: Epoch) -> bool {
        let slot = epoch.slot();
        if self.entries.len() <= slot {
            self.entries.resize(slot + 1, 0);
        }
        let news = self.entries[slot] < epoch.clock();
        if news {
            self.entries[slot] = epoch.clock();
        }
        news
    }

    /// The pointwise maximum; calls `raised` for each slot of which this clock learned something.
    pub(crate) fn join(&mut self, other: &VectorClock, mut raised: impl FnMut(usize)) {
        if self.entries.len() < other.entries.len() {
            self.entries.resize(other.entries.len(), 0);
        }
        for (slot, (mine, theirs)) in self.entries.iter_mut().zip(&other.entries).enumerate() {
            if *mine < *theirs {
                *mine = *theirs;
                raised(slot);
            }
        }
    }

    /// Whether everything in `other` is known here already, whatever it says of `own`: a thread's own entry isn't in its vector.
    pub(crate) fn covers_others(&self, other: &VectorClock, own: usize) -> bool {
        other
            .entries
            .iter()
            .enumerate()
            .all(|(slot, clock)| slot == own || *clock <= self.get(slot))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn clock(entries: &[u64]) -> VectorClock {
        VectorClock {
            entries: SmallVec::from_slice(entries),
        }
    }

    #[test]
    fn slots_beyond_the_end_are_zero() {
        let c = clock(&[3]);
        assert_eq!(c.get(7), 0);
        assert!(!c.knows(Epoch::new(7, 1)));
        assert!(c.knows(Epoch::new(0, 3)));
        assert!(!c.knows(Epoch::new(0, 4)));
    }

    proptest! {
        #[test]
        fn join_is_the_least_upper_bound(
            a in prop::collection::vec(0u64..5, 0..9),
            b in prop::collection::vec(0u64..5, 0..9),
        ) {
            let (a, b) = (clock(&a), clock(&b));
            let mut joined = a.clone();
            let mut raised = Vec::new();
            joined.join(&b, |slot| raised.push(slot));
            prop_assert!(joined.covers_others(&a, usize::MAX) && joined.covers_others(&b, usize::MAX));
            for slot in 0..9 {
                prop_assert_eq!(joined.get(slot), a.get(slot).max(b.get(slot)));
                prop_assert_eq!(raised.contains(&slot), b.get(slot) > a.get(slot));
            }
            prop_assert_eq!(raised.is_empty(), a.covers_others(&b, usize::MAX));
            let only_first = raised.iter().all(|slot| *slot == 0);
            prop_assert_eq!(only_first, a.covers_others(&b, 0));
        }
    }
}
