//! Epochs: one access, or one release, as a single word.
//!
//! An epoch `c@t` names the `c`-th interval of the thread in slot `t` (FastTrack: Flanagan & Freund, PLDI 2009, section 3).
//! A thread starts a new epoch whenever it releases anything, so all that it does within one epoch is ordered, or not, alike.
//!
//! The word leaves its three top bits free for whoever stores it: the shadow keeps its lock and the class of an access there.
//! This module must never know what those bits mean.

use std::fmt;

/// Bits of the clock: 2.2 × 10¹² releases of one thread before it has to move to another slot, about twelve hours of a release every 20 ns.
pub(crate) const CLOCK_BITS: u32 = 41;
/// Bits of the slot: a million threads alive at once.
pub(crate) const SLOT_BITS: u32 = 20;
/// The largest clock that an epoch can hold.
pub(crate) const MAX_CLOCK: u64 = (1 << CLOCK_BITS) - 1;
/// The number of slots that an epoch can tell apart.
pub(crate) const MAX_SLOTS: usize = 1 << SLOT_BITS;
/// The bits that an epoch never uses.
pub(crate) const TAG_MASK: u64 = !((1 << (CLOCK_BITS + SLOT_BITS)) - 1);

/// A slot and a clock value. `Epoch::NONE` is before everything.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Epoch(u64);

impl Epoch {
    /// No epoch at all: clocks start at 1, so no thread ever is in it.
    pub(crate) const NONE: Epoch = Epoch(0);

    pub(crate) fn new(slot: usize, clock: u64) -> Epoch {
        debug_assert!(slot < MAX_SLOTS && clock <= MAX_CLOCK);
        Epoch((slot as u64) << CLOCK_BITS | clock)
    }

    /// The epoch in a word whose top bits hold something else.
    pub(crate) fn from_tagged(word: u64) -> Epoch {
        Epoch(word & !TAG_MASK)
    }

    pub(crate) fn slot(self) -> usize {
        (self.0 >> CLOCK_BITS) as usize
    }

    pub(crate) fn clock(self) -> u64 {
        self.0 & MAX_CLOCK
    }

    pub(crate) fn bits(self) -> u64 {
        self.0
    }

    pub(crate) fn is_none(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.clock(), self.slot())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packs_both_parts_to_their_limits() {
        let epoch = Epoch::new(MAX_SLOTS - 1, MAX_CLOCK);
        assert_eq!((epoch.slot(), epoch.clock()), (MAX_SLOTS - 1, MAX_CLOCK));
        assert_eq!(epoch.bits() & TAG_MASK, 0);
        assert_eq!(Epoch::from_tagged(epoch.bits() | TAG_MASK), epoch);
    }

    #[test]
    fn no_thread_is_ever_in_the_empty_epoch() {
        assert!(Epoch::NONE.is_none());
        assert!(!Epoch::new(0, 1).is_none());
    }
}
