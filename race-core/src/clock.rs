//! Vector clocks: what a thread, or a released object, knows of every slot.
//!
//! Entry `t` is the last clock value of slot `t` that happens before "now" (Lamport 1978, Mattern 1989; the form used by FastTrack).
//! A thread's *own* entry isn't kept here but in its epoch, so that a release costs no copy: the vector is shared until somebody
//! learns something new. Nothing here may depend on what is synchronised by what.
//!
//! Up to [`FLAT`] entries are a plain array, the first six without the heap: most programs have no more threads. With more, what counts is
//! how much of a hand-over is copied, and how much of ten thousand threads' clocks is theirs alone. So a large clock is a *bulk*, which it
//! shares with the clocks that it came from, and a short sorted list of entries that have been *raised* above it since. When the list is longer
//! than about √n, it is written into a bulk of its own; so a step copies O(√n), and clocks that came from each other within √n
//! steps share one bulk.
//!
//! How that came about, in ns for an acquire and a release of a lock that goes round among 512 threads, and that goes to any of them
//! (`benches/hand_over.rs`; a plain vector that is joined and copied: 340, 350):
//!
//! - 1,750 and 1,920: arrays alone, joined entry by entry, with a note for each entry of what had taught it.
//! - 93 and 125: lists of up to 2√n entries, a lock's clock that covers its acquirer's taken over whole ([`source`](VectorClock::source) and
//!   its use in `ThreadState::is_known_to`), one note for all of it.
//! - 70 and 104: fewer searches, and one check for sole ownership instead of three.
//! - 65 and 91: the filter `raised`, and an insertion from the end, for searches and `memmove`s whose branches nobody can predict.
//! - 62 and 84: lists of √n entries, and a bulk in one allocation.
//!
//! Not tried further: chunks behind a root of pointers cost a locked increment for each chunk of the root that is copied, more than √n
//! words. A tree clock (Mathur et al., ASPLOS 2022) would find what differs without a scan where neither clock covers the other; there,
//! this one scans all of both (650 ns at 512 threads and eight locks, where the plain vector takes 350, and arrays with notes 2,370).

use std::cmp::Ordering;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::epoch::Epoch;

/// The most entries of a clock that is a plain array.
const FLAT: usize = 32;

/// Slots beyond the end read as 0.
#[derive(Default, Debug)]
pub(crate) struct VectorClock {
    /// Without a bulk, the entries by slot. With one, the bits of the epochs raised above it, by slot, at most one each.
    entries: SmallVec<[u64; 6]>,
    bulk: Option<Arc<[u64]>>,
    /// With a bulk, the slots of the raised entries, modulo 64: most of the others are ruled out without a search.
    raised: u64,
    /// An epoch whose release published all of this: who knows it knows this clock. None if there is no such epoch, or it isn't known.
    source: Epoch,
    /// What is known without the edges of locks that nest (see [`crate::deadlock`]); none if that is all of it.
    order: Option<Arc<VectorClock>>,
}

#[inline]
fn bit(slot: usize) -> u64 {
    1 << (slot % 64)
}

/// What a join found.
#[derive(Debug)]
pub(crate) struct Joined {
    /// Whether the result is the other clock with a few entries of this one's. Otherwise it is this one with a few of the other's.
    pub(crate) took: bool,
    /// The slots of those few, in order.
    pub(crate) slots: Slots,
}

pub(crate) type Slots = SmallVec<[usize; 32]>;
type Raised = SmallVec<[u64; 64]>;

impl Clone for VectorClock {
    fn clone(&self) -> VectorClock {
        VectorClock {
            entries: SmallVec::from_slice(&self.entries),
            bulk: self.bulk.clone(),
            raised: self.raised,
            source: self.source,
            order: self.order.clone(),
        }
    }

    /// Without a new allocation, if it can be.
    fn clone_from(&mut self, other: &VectorClock) {
        self.entries.clear();
        self.entries.extend_from_slice(&other.entries);
        if !self.has_bulk_of(other) {
            self.bulk.clone_from(&other.bulk);
        }
        self.raised = other.raised;
        self.source = other.source;
        self.order.clone_from(&other.order);
    }
}

impl VectorClock {
    pub(crate) const fn new() -> VectorClock {
        VectorClock {
            entries: SmallVec::new_const(),
            bulk: None,
            raised: 0,
            source: Epoch::NONE,
            order: None,
        }
    }

    /// What is known without the edges of locks that nest.
    #[inline]
    pub(crate) fn order(&self) -> &VectorClock {
        self.order.as_deref().unwrap_or(self)
    }

    /// Whether that is less than all of it.
    #[inline]
    pub(crate) fn has_order(&self) -> bool {
        self.order.is_some()
    }

    pub(crate) fn set_order(&mut self, order: Option<Arc<VectorClock>>) {
        self.order = order;
    }

    /// The order that stays as it is, whatever is learned from now on.
    #[cold]
    pub(crate) fn kept_order(&self) -> Arc<VectorClock> {
        match &self.order {
            Some(order) => order.clone(),
            None => Arc::new(self.clone()),
        }
    }

    /// The order of the join with `other` and `epoch`. The joins themselves leave it alone.
    #[inline]
    pub(crate) fn joined_order(
        &self,
        other: &VectorClock,
        epoch: Epoch,
    ) -> Option<Arc<VectorClock>> {
        (self.has_order() || other.has_order()).then(|| self.joined_order_slow(other, epoch))
    }

    #[cold]
    fn joined_order_slow(&self, other: &VectorClock, epoch: Epoch) -> Arc<VectorClock> {
        let mut joined = VectorClock::clone(self.order());
        joined.join(other.order());
        if !epoch.is_none() {
            joined.raise(epoch);
        }
        Arc::new(joined)
    }

    /// The join of both, all of it and the order.
    pub(crate) fn join_ordered(&mut self, other: &VectorClock) -> Joined {
        let order = self.joined_order(other, Epoch::NONE);
        let joined = self.join(other);
        self.order = order;
        joined
    }

    /// [`VectorClock::raise`] of all of it and of the order.
    pub(crate) fn raise_ordered(&mut self, epoch: Epoch) -> bool {
        if let Some(order) = &mut self.order {
            Arc::make_mut(order).raise(epoch);
        }
        self.raise(epoch)
    }

    #[inline]
    pub(crate) fn get(&self, slot: usize) -> u64 {
        match &self.bulk {
            None => self.entries.get(slot).copied().unwrap_or(0),
            Some(bulk) => self.get_large(bulk, slot),
        }
    }

    #[inline]
    fn get_large(&self, bulk: &[u64], slot: usize) -> u64 {
        if let Some(index) = self.find(slot) {
            return Epoch::from_tagged(self.entries[index]).clock();
        }
        bulk.get(slot).copied().unwrap_or(0)
    }

    /// Where `slot` is among the raised entries.
    #[inline]
    fn find(&self, slot: usize) -> Option<usize> {
        if self.raised & bit(slot) == 0 {
            return None;
        }
        let first = Epoch::new(slot, 0).bits();
        let index = self.entries.partition_point(|bits| *bits < first);
        let found = self.entries.get(index)?;
        (Epoch::from_tagged(*found).slot() == slot).then_some(index)
    }

    /// Puts in an epoch of a slot that is not among the raised ones.
    #[inline]
    fn insert(&mut self, epoch: Epoch) {
        self.raised |= bit(epoch.slot());
        self.entries.push(epoch.bits());
        // Quicker than to search for the place and move what is behind it, as long as the list is.
        let entries = &mut self.entries[..];
        let mut index = entries.len() - 1;
        while index > 0 && entries[index - 1] > epoch.bits() {
            entries[index] = entries[index - 1];
            index -= 1;
        }
        entries[index] = epoch.bits();
    }

    /// Whether the interval `epoch` happens before whatever this clock describes.
    #[inline(always)]
    pub(crate) fn knows(&self, epoch: Epoch) -> bool {
        match &self.bulk {
            None => self.entries.get(epoch.slot()).copied().unwrap_or(0) >= epoch.clock(),
            Some(bulk) => self.knows_large(bulk, epoch),
        }
    }

    /// Apart, since it would keep registers from who asks again and again, of clocks that nearly always are small.
    #[cold]
    #[inline(never)]
    fn knows_large(&self, bulk: &[u64], epoch: Epoch) -> bool {
        // Entries are only ever raised.
        bulk.get(epoch.slot()).copied().unwrap_or(0) >= epoch.clock()
            || self.get_large(bulk, epoch.slot()) >= epoch.clock()
    }

    /// Whether it has more than a few entries.
    pub(crate) fn is_large(&self) -> bool {
        self.bulk.is_some()
    }

    /// See the field.
    pub(crate) fn source(&self) -> Epoch {
        self.source
    }

    /// From here on, and until it changes, who knows `source` knows this clock.
    pub(crate) fn set_source(&mut self, source: Epoch) {
        self.source = source;
    }

    /// Raises one entry; returns whether it was news.
    pub(crate) fn raise(&mut self, epoch: Epoch) -> bool {
        let slot = epoch.slot();
        if self.bulk.is_none() {
            if slot < FLAT {
                return self.raise_flat(slot, epoch);
            }
            self.grow_bulk();
        }
        let found = self.find(slot);
        let known = match (found, &self.bulk) {
            (Some(index), _) => Epoch::from_tagged(self.entries[index]).clock(),
            (None, Some(bulk)) => bulk.get(slot).copied().unwrap_or(0),
            (None, None) => 0,
        };
        if known >= epoch.clock() {
            return false;
        }
        self.source = Epoch::NONE;
        match found {
            Some(index) => self.entries[index] = epoch.bits(),
            None => self.insert(epoch),
        }
        if self.entries.len() > self.most_raised() {
            self.flatten(&[]);
        }
        true
    }

    fn raise_flat(&mut self, slot: usize, epoch: Epoch) -> bool {
        if self.entries.len() <= slot {
            self.entries.resize(slot + 1, 0);
        }
        let news = self.entries[slot] < epoch.clock();
        if news {
            self.entries[slot] = epoch.clock();
            self.source = Epoch::NONE;
        }
        news
    }

    /// A plain array becomes a bulk.
    fn grow_bulk(&mut self) {
        self.bulk = Some(Arc::from(&self.entries[..]));
        self.entries.clear();
    }

    /// The number of slots up to the last one that isn't 0.
    fn len(&self) -> usize {
        match (&self.bulk, self.entries.last()) {
            (None, _) => self.entries.len(),
            (Some(bulk), None) => bulk.len(),
            (Some(bulk), Some(last)) => bulk.len().max(Epoch::from_tagged(*last).slot() + 1),
        }
    }

    /// About √n, up to a factor of two.
    fn most_raised(&self) -> usize {
        1 << (self.len().max(FLAT).ilog2() / 2)
    }

    /// Writes the raised entries, and `more`, into a bulk of its own.
    fn flatten(&mut self, more: &[u64]) {
        let last = self.entries.last().max(more.last());
        let len = last.map_or(0, |last| Epoch::from_tagged(*last).slot() + 1);
        let bulk = self.bulk.get_or_insert_default();
        if bulk.len() < len {
            let mut longer = Vec::with_capacity(len);
            longer.extend_from_slice(bulk);
            longer.resize(len, 0);
            *bulk = Arc::from(longer);
        }
        // A copy if anybody else has it.
        let entries = Arc::make_mut(bulk);
        self.raised = 0;
        for bits in self.entries.drain(..).chain(more.iter().copied()) {
            let raised = Epoch::from_tagged(bits);
            entries[raised.slot()] = raised.clock();
        }
    }

    /// Raises many entries, in the order of their slots, each of which is news.
    fn raise_all(&mut self, raised: &[u64]) {
        if raised.is_empty() {
            return;
        }
        self.source = Epoch::NONE;
        if self.bulk.is_none() {
            self.grow_bulk();
        }
        if self.entries.len() + raised.len() > self.most_raised() {
            self.flatten(raised);
        } else {
            for bits in raised {
                self.raise(Epoch::from_tagged(*bits));
            }
        }
    }

    /// The pointwise maximum of two small clocks; calls `raised` for each slot of which this one learned something.
    #[inline]
    pub(crate) fn join_small(&mut self, other: &VectorClock, mut raised: impl FnMut(usize)) {
        debug_assert!(!self.is_large() && !other.is_large());
        if self.entries.len() < other.entries.len() {
            self.entries.resize(other.entries.len(), 0);
        }
        let mut news = false;
        for (slot, (mine, theirs)) in self.entries.iter_mut().zip(&other.entries).enumerate() {
            if *mine < *theirs {
                *mine = *theirs;
                news = true;
                raised(slot);
            }
        }
        if news {
            self.source = Epoch::NONE;
        }
    }

    /// The pointwise maximum.
    pub(crate) fn join(&mut self, other: &VectorClock) -> Joined {
        let mut slots = Slots::new();
        if !self.is_large() && !other.is_large() {
            self.join_small(other, |slot| slots.push(slot));
            return Joined { took: false, slots };
        }
        let (mut mine, mut theirs) = (Raised::new(), Raised::new());
        self.compare(other, |slot, my_clock, their_clock| {
            match my_clock.cmp(&their_clock) {
                Ordering::Less => theirs.push(Epoch::new(slot, their_clock).bits()),
                Ordering::Equal => {}
                Ordering::Greater => mine.push(Epoch::new(slot, my_clock).bits()),
            }
            true
        });
        // Fewer changes leave more of the bulk shared.
        let took = mine.len() < theirs.len();
        let few = if took {
            let order = self.order.take();
            self.clone_from(other);
            self.order = order;
            &mine
        } else {
            &theirs
        };
        self.raise_all(few);
        slots.extend(few.iter().map(|bits| Epoch::from_tagged(*bits).slot()));
        Joined { took, slots }
    }

    /// Whether everything in `other` is known here already, whatever it says of `own`: a thread's own entry isn't in its vector.
    pub(crate) fn covers_others(&self, other: &VectorClock, own: usize) -> bool {
        self.compare(other, |slot, mine, theirs| theirs <= mine || slot == own)
    }

    fn has_bulk_of(&self, other: &VectorClock) -> bool {
        match (&self.bulk, &other.bulk) {
            (Some(mine), Some(theirs)) => Arc::ptr_eq(mine, theirs),
            (mine, theirs) => mine.is_none() && theirs.is_none(),
        }
    }

    /// Calls `visit` with the entries of each slot in which the two may differ, in order, for as long as it returns true.
    fn compare(&self, other: &VectorClock, mut visit: impl FnMut(usize, u64, u64) -> bool) -> bool {
        if self.bulk.is_some() && self.has_bulk_of(other) {
            return self.compare_raised(other, visit);
        }
        let (mut mine, mut theirs) = (Cursor::of(self), Cursor::of(other));
        let len = self.len().max(other.len());
        let mut slot = 0;
        while slot < len {
            let stop = mine.next.min(theirs.next).min(len);
            let (a, b) = (mine.run(slot, stop), theirs.run(slot, stop));
            for (at, (mine, theirs)) in a.iter().zip(b).enumerate() {
                if mine != theirs && !visit(slot + at, *mine, *theirs) {
                    return false;
                }
            }
            let both = a.len().min(b.len());
            for (at, mine) in a.iter().enumerate().skip(both) {
                if !visit(slot + at, *mine, 0) {
                    return false;
                }
            }
            for (at, theirs) in b.iter().enumerate().skip(both) {
                if !visit(slot + at, 0, *theirs) {
                    return false;
                }
            }
            if stop < len && !visit(stop, mine.take(stop), theirs.take(stop)) {
                return false;
            }
            slot = stop + 1;
        }
        true
    }

    /// [`VectorClock::compare`] of two clocks with the same bulk: only what is raised above it can differ.
    fn compare_raised(
        &self,
        other: &VectorClock,
        mut visit: impl FnMut(usize, u64, u64) -> bool,
    ) -> bool {
        let (mut mine, mut theirs) = (Cursor::of(self), Cursor::of(other));
        loop {
            let slot = mine.next.min(theirs.next);
            if slot == NO_SLOT {
                return true;
            }
            if !visit(slot, mine.take(slot), theirs.take(slot)) {
                return false;
            }
        }
    }
}

/// A large clock from its first slot to its last; or a flat one, as one of which nothing is raised.
struct Cursor<'a> {
    bulk: &'a [u64],
    raised: &'a [u64],
    /// The slot of the first entry in `raised`.
    next: usize,
}

const NO_SLOT: usize = usize::MAX;

impl<'a> Cursor<'a> {
    fn of(clock: &'a VectorClock) -> Cursor<'a> {
        let (bulk, raised) = match &clock.bulk {
            None => (&clock.entries[..], &[][..]),
            Some(bulk) => (&bulk[..], &clock.entries[..]),
        };
        let mut cursor = Cursor {
            bulk,
            raised,
            next: 0,
        };
        cursor.find_next();
        cursor
    }

    fn find_next(&mut self) {
        self.next = self
            .raised
            .first()
            .map_or(NO_SLOT, |bits| Epoch::from_tagged(*bits).slot());
    }

    /// The entries from `start` up to `stop`, which lies before the next raised one. Those that are missing are 0.
    fn run(&self, start: usize, stop: usize) -> &'a [u64] {
        let len = self.bulk.len();
        &self.bulk[start.min(len)..stop.min(len)]
    }

    /// The entry of `slot`, which is not behind the next raised one.
    fn take(&mut self, slot: usize) -> u64 {
        match self.raised.split_first() {
            Some((bits, rest)) if self.next == slot => {
                self.raised = rest;
                self.find_next();
                Epoch::from_tagged(*bits).clock()
            }
            _ => self.bulk.get(slot).copied().unwrap_or(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::epoch::MAX_SLOTS;
    use proptest::prelude::*;

    fn clock(entries: &[u64]) -> VectorClock {
        let mut clock = VectorClock::new();
        for (slot, entry) in entries.iter().enumerate() {
            clock.raise(Epoch::new(slot, *entry));
        }
        clock
    }

    #[test]
    fn slots_beyond_the_end_are_zero() {
        let c = clock(&[3]);
        assert_eq!(c.get(7), 0);
        assert!(!c.knows(Epoch::new(7, 1)));
        assert!(c.knows(Epoch::new(0, 3)));
        assert!(!c.knows(Epoch::new(0, 4)));
    }

    #[test]
    fn slots_far_apart_are_told_apart() {
        let mut clock = VectorClock::new();
        let slots = [FLAT, FLAT + 64, 5_000, MAX_SLOTS - 1];
        for (slot, known) in slots.into_iter().zip(1..) {
            assert_eq!(clock.get(slot), 0);
            assert!(clock.raise(Epoch::new(slot, known)));
        }
        for (slot, known) in slots.into_iter().zip(1..) {
            assert_eq!(clock.get(slot), known);
            assert_eq!(clock.get(slot - 1), 0);
        }
    }

    /// What is done to a few clocks, told apart by their index.
    #[derive(Clone, Copy, Debug)]
    enum Step {
        Raise(usize, usize, u64),
        /// A new clock, equal to another.
        Copy(usize, usize),
        /// The same in the place of an old one.
        Overwrite(usize, usize),
        Join(usize, usize),
    }

    const CLOCKS: usize = 4;

    fn steps(slots: usize) -> impl Strategy<Value = Vec<Step>> {
        let clock = || 0..CLOCKS;
        let step = prop_oneof![
            20 => (clock(), 0..slots, 1u64..50).prop_map(|(a, slot, to)| Step::Raise(a, slot, to)),
            2 => (clock(), clock()).prop_map(|(a, b)| Step::Copy(a, b)),
            1 => (clock(), clock()).prop_map(|(a, b)| Step::Overwrite(a, b)),
            2 => (clock(), clock()).prop_map(|(a, b)| Step::Join(a, b)),
        ];
        prop::collection::vec(step, 1..400)
    }

    /// Does the same to vectors of all entries.
    fn check_against_plain_vectors(slots: usize, steps: &[Step]) -> Result<(), TestCaseError> {
        let mut clocks: [VectorClock; CLOCKS] = Default::default();
        let mut models: [Vec<u64>; CLOCKS] = std::array::from_fn(|_| vec![0; slots]);
        for step in steps {
            let changed = match *step {
                Step::Raise(a, slot, to) => {
                    let news = clocks[a].raise(Epoch::new(slot, to));
                    prop_assert_eq!(news, models[a][slot] < to);
                    models[a][slot] = models[a][slot].max(to);
                    a
                }
                Step::Copy(a, b) => {
                    clocks[a] = clocks[b].clone();
                    models[a] = models[b].clone();
                    a
                }
                Step::Overwrite(a, b) => {
                    let other = clocks[b].clone();
                    clocks[a].clone_from(&other);
                    models[a] = models[b].clone();
                    a
                }
                Step::Join(a, b) => {
                    let (other, theirs) = (clocks[b].clone(), models[b].clone());
                    let before = models[a].clone();
                    let joined = clocks[a].join(&other);
                    let few = (0..slots).filter(|slot| {
                        if joined.took {
                            before[*slot] > theirs[*slot]
                        } else {
                            before[*slot] < theirs[*slot]
                        }
                    });
                    prop_assert!(joined.slots.iter().copied().eq(few));
                    for (mine, theirs) in models[a].iter_mut().zip(theirs) {
                        *mine = theirs.max(*mine);
                    }
                    a
                }
            };
            let (clock, model) = (&clocks[changed], &models[changed]);
            for (slot, known) in model.iter().copied().enumerate() {
                prop_assert_eq!(clock.get(slot), known);
                prop_assert!(clock.knows(Epoch::new(slot, known)));
                prop_assert!(!clock.knows(Epoch::new(slot, known + 1)));
            }
            for (other, theirs) in clocks.iter().zip(&models) {
                // For all that differs but one slot, too.
                let behind: Vec<usize> = (0..slots)
                    .filter(|slot| model[*slot] < theirs[*slot])
                    .collect();
                let first = behind.first().copied().unwrap_or(0);
                prop_assert_eq!(clock.covers_others(other, first), behind.len() <= 1);
                prop_assert_eq!(clock.covers_others(other, usize::MAX), behind.is_empty());
            }
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn a_small_clock_is_a_vector(steps in steps(8)) {
            check_against_plain_vectors(8, &steps)?;
        }

        #[test]
        fn a_clock_that_outgrows_its_array_is_a_vector(steps in steps(FLAT + 8)) {
            check_against_plain_vectors(FLAT + 8, &steps)?;
        }

        #[test]
        fn a_large_clock_is_a_vector(steps in steps(200)) {
            check_against_plain_vectors(200, &steps)?;
        }
    }
}
