//! The state of 64 bytes of raw memory, exact to the byte: FastTrack's state machine ([`super::state`]) for all of them at once.
//!
//! An access is kept once, with a mask of the bytes for which it still counts. So an access of any size and offset costs the same, and a byte array or a struct
//! no more than an array of words.
//!
//! | field | meaning |
//! | --- | --- |
//! | `owner` | the epoch of which the next two speak, 0 if nothing is recorded; and the lock |
//! | `written` | bytes with a plain write recorded in that epoch |
//! | `accessed` | bytes with a plain write or read recorded in it: a plain read need not be any more |
//! | `slots` | the recorded accesses |
//!
//! Whether something is recorded already is asked without the lock. What is seen then may be stale, and that is harmless: only a thread itself
//! ever stores its own epochs, so what it finds under one of them it has recorded, and whoever has replaced it since has checked against it. But an
//! epoch and its bytes are two words. The bytes are read first and stored last: who sees bytes that somebody else has stored sees that the epoch
//! is another one now. For that, a slot is only ever given to an access by the accessing thread; nothing moves into one.

use std::mem::offset_of;
use std::ops::Range;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::epoch::Epoch;
use crate::primitive::sync::atomic::AtomicU64;
use crate::shadow::atomic_reads;
use crate::shadow::lock::{Found, LockWord};
use crate::shadow::slots::{Newcomer, Raced, Slots};
use crate::shadow::state::{Class, Conflicts, Knowledge};
use crate::stack::depot::ContextId;

/// Bytes that a line speaks of.
pub(crate) const LINE: usize = 64;

/// The lines of a range: for each, the address of its first byte, and the bytes covered.
pub(crate) fn lines(address: usize, size: usize) -> impl Iterator<Item = (usize, u64)> {
    let end = address.saturating_add(size);
    let mut at = address;
    std::iter::from_fn(move || {
        if at >= end {
            return None;
        }
        let start = at % LINE;
        let stop = LINE.min(start + (end - at));
        let here = (at - start, mask(start, stop - start));
        at = at.saturating_add(stop - start);
        Some(here)
    })
}

/// The mask of `size` bytes of a line, from this one on. Not of 0 bytes, nor beyond the end.
#[inline(always)]
pub(crate) fn mask(offset: usize, size: usize) -> u64 {
    (u64::MAX >> (LINE - size)) << offset
}

/// The addresses from the first to the last byte of `mask` in the line at `base`.
pub(crate) fn span(base: usize, mask: u64) -> Range<usize> {
    base + mask.trailing_zeros() as usize..base + LINE - mask.leading_zeros() as usize
}

/// From the first byte to the last.
pub(crate) fn extend(bytes: &mut Range<usize>, more: Range<usize>) {
    if more.start == more.end {
        return;
    }
    if bytes.start == bytes.end {
        bytes.start = more.start;
    }
    bytes.end = more.end;
}

/// Accesses that a line itself has room for. In the models fewer: each word is one more thing for them to try.
const SLOTS: usize = if cfg!(all(test, loom)) { 2 } else { 5 };

/// 128 bytes, all zeros when nothing is recorded. What the fast path reads comes first: it lies in one cache line.
#[derive(Default)]
#[repr(C, align(128))]
pub(crate) struct Line {
    owner: LockWord,
    written: AtomicU64,
    accessed: AtomicU64,
    slots: Slots<SLOTS>,
}

#[cfg(not(all(test, loom)))]
const _: () = assert!(size_of::<Line>() == 2 * LINE);

impl Line {
    pub(crate) const OWNER: usize = offset_of!(Line, owner);
    pub(crate) const WRITTEN: usize = offset_of!(Line, written);
    pub(crate) const ACCESSED: usize = offset_of!(Line, accessed);

    /// Whether a plain access to the bytes in `mask` is known at a glance to have been recorded in the epoch `word`.
    #[inline(always)]
    pub(crate) fn is_noted(&self, mask: u64, class: Class, word: u64) -> bool {
        let noted = match class {
            Class::Read => &self.accessed,
            Class::Write => &self.written,
            Class::AtomicRead | Class::AtomicWrite => return false,
        };
        // In this order.
        noted.load(Acquire) & mask == mask && self.owner.peek() == word
    }

    /// Whether an access to the bytes in `mask` is known to have been recorded in `epoch`, by the thread that asks. Annexes aren't looked at.
    #[inline]
    pub(crate) fn is_recorded(&self, mask: u64, class: Class, epoch: Epoch) -> bool {
        self.is_noted(mask, class, epoch.bits()) || self.is_kept(mask, class, epoch)
    }

    /// [`Line::is_recorded`], for what isn't noted.
    #[inline(always)]
    pub(crate) fn is_kept(&self, mask: u64, class: Class, epoch: Epoch) -> bool {
        let owner = self.owner.peek();
        // What was noted last here was by this thread, in an earlier epoch, or of other bytes. A locked word is nobody's.
        let is_mine =
            !LockWord::is_locked(owner) && Epoch::from_tagged(owner).slot() == epoch.slot();
        let is_new = class.is_plain() && is_mine;
        if owner == 0 || is_new {
            return false;
        }
        self.slots.missing(mask, class, epoch.bits()) == 0
    }

    /// Records an access if nobody is in the way, and it races with nothing, as far as is seen at a glance. Otherwise returns false, and nothing has changed.
    #[inline(always)]
    pub(crate) fn access_known(
        &self,
        thread: &impl Knowledge,
        mask: u64,
        class: Class,
        context: ContextId,
    ) -> bool {
        let owner = self.owner.peek();
        if !self.owner.lock_if(owner) {
            return false;
        }
        let is_recorded =
            self.slots
                .record_known(thread, class, mask, ContextId::bits(Some(context)));
        let owner = if is_recorded {
            self.note(owner, thread.epoch(), class, mask)
        } else {
            owner
        };
        self.owner.unlock(owner);
        is_recorded
    }

    /// Checks an access against what was recorded of these bytes, and records it. Adds the accesses that it races with to `conflicts`; returns the
    /// bytes that they have in common with it.
    pub(crate) fn access(
        &self,
        thread: &impl Knowledge,
        mask: u64,
        class: Class,
        context: Option<ContextId>,
        conflicts: &mut Conflicts,
    ) -> u64 {
        let newcomer = Newcomer::new(thread, mask, class, context);
        let mut raced = Raced {
            conflicts,
            bytes: 0,
        };
        let owner = self.lock();
        self.slots.record(&newcomer, &mut raced);
        self.owner
            .unlock(self.note(owner, thread.epoch(), class, mask));
        if raced.bytes != 0 {
            atomic_reads::lose();
        }
        raced.bytes
    }

    /// What to unlock with after an access has been recorded.
    #[inline(always)]
    fn note(&self, owner: u64, epoch: Epoch, class: Class, mask: u64) -> u64 {
        let epoch = epoch.bits();
        let writes = if class == Class::Write { mask } else { 0 };
        if owner == epoch && class.is_plain() {
            let (written, accessed) = (self.written.load(Relaxed), self.accessed.load(Relaxed));
            self.written.store(written | writes, Release);
            self.accessed.store(accessed | mask, Release);
        } else if class.is_plain() {
            // Released: who sees these sees that the line was locked, or whose they are.
            self.written.store(writes, Release);
            self.accessed.store(mask, Release);
        } else if owner != 0 {
            // What is noted of another epoch stays true.
            return owner;
        }
        epoch
    }

    /// Writes what is there.
    pub(crate) fn touch(&self) {
        let owner = self.lock();
        self.owner.unlock(owner);
    }

    /// Whatever was recorded is forgotten, but for this access to all bytes.
    pub(crate) fn replace(&self, tag: u64, context: u32) {
        let class = Class::of_tagged(tag);
        self.lock();
        self.slots.forget(u64::MAX);
        self.slots.seed(tag, context);
        let written = if class == Class::Write { u64::MAX } else { 0 };
        let accessed = if class.is_plain() { u64::MAX } else { 0 };
        self.written.store(written, Release);
        self.accessed.store(accessed, Release);
        self.owner.unlock(Epoch::from_tagged(tag).bits());
    }

    /// Adds the plain writes that are recorded of these bytes. For reports.
    pub(crate) fn add_writes(&self, mask: u64, writes: &mut Conflicts) {
        let owner = self.lock();
        self.slots.add_writes(mask, writes);
        self.owner.unlock(owner);
    }

    /// Whatever was recorded of these bytes is forgotten.
    pub(crate) fn forget(&self, mask: u64) {
        if self.owner.peek() == 0 {
            return;
        }
        let owner = self.lock();
        for theirs in [&self.written, &self.accessed] {
            theirs.store(theirs.load(Relaxed) & !mask, Release);
        }
        let left = self.slots.forget(mask);
        self.owner.unlock(if left == 0 { 0 } else { owner });
    }

    #[inline(always)]
    fn lock(&self) -> u64 {
        match self.owner.lock() {
            Found::Content(owner) => owner,
            Found::Abandoned => self.reset(),
        }
    }

    /// Empties a line that a `fork` left locked: all that was is ordered before.
    #[cold]
    fn reset(&self) -> u64 {
        self.slots.reset();
        for bytes in [&self.written, &self.accessed] {
            bytes.store(0, Release);
        }
        0
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    mod crowded;

    use super::*;
    use crate::clock::VectorClock;
    use crate::shadow::state::{Access, State};
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    struct Thread {
        epoch: Epoch,
        clock: VectorClock,
        is_transitive: bool,
    }

    impl Knowledge for Thread {
        fn epoch(&self) -> Epoch {
            self.epoch
        }
        fn knows(&self, epoch: Epoch) -> bool {
            epoch.slot() == self.epoch.slot() || self.clock.knows(epoch)
        }
        fn is_transitive(&self) -> bool {
            self.is_transitive
        }
    }

    const THREADS: usize = 4;

    #[derive(Clone, Debug)]
    enum Step {
        /// By the thread in this slot, with a context. The last one: at a glance, if that will do.
        Access(usize, Class, u64, u32, bool),
        /// The thread releases something.
        Release(usize),
        /// It learns what another has released.
        Learn(usize, usize),
        Forget(u64),
    }

    fn threads() -> [Thread; THREADS] {
        std::array::from_fn(|slot| knowing(Epoch::new(slot, 1), &[]))
    }

    /// Few bytes, so that they meet; the first, some in the middle, the last.
    fn bytes() -> impl Strategy<Value = u64> {
        (1u64..64).prop_map(|few| few & 7 | (few & 0x18) << 30 | (few & 0x20) << 58)
    }

    fn step() -> impl Strategy<Value = Step> {
        use Class::{AtomicRead, AtomicWrite, Read, Write};
        let class = prop::sample::select(vec![Read, Write, AtomicRead, AtomicWrite]);
        let slot = || 0..THREADS;
        prop_oneof![
            12 => (slot(), class, bytes(), 1u32..4, any::<bool>())
                .prop_map(|(slot, class, bytes, context, glance)| Step::Access(slot, class, bytes, context, glance)),
            2 => slot().prop_map(Step::Release),
            2 => (slot(), slot()).prop_map(|(slot, other)| Step::Learn(slot, other)),
            1 => bytes().prop_map(Step::Forget),
        ]
    }

    impl Line {
        /// What counts for one byte, in no particular order.
        fn state_of(&self, byte: usize) -> Vec<(u64, u32)> {
            sorted(self.slots.of_byte(byte).into_iter())
        }
    }

    fn sorted(all: impl Iterator<Item = (u64, u32)>) -> Vec<(u64, u32)> {
        let mut all: Vec<_> = all.collect();
        all.sort_unstable();
        all
    }

    fn word_of(access: &Access) -> (u64, u32) {
        let tag = access.epoch.bits() | access.class.tag();
        (tag, ContextId::bits(access.context))
    }

    fn is_of(mask: u64, byte: usize) -> bool {
        mask >> byte & 1 != 0
    }

    /// The same to a state for each byte.
    fn check_against_bytes(steps: &[Step]) -> Result<(), TestCaseError> {
        let line = Line::default();
        let mut states: [State; LINE] = std::array::from_fn(|_| State::default());
        let mut threads = threads();
        for step in steps {
            match step {
                Step::Release(slot) => {
                    let epoch = &mut threads[*slot].epoch;
                    *epoch = Epoch::new(*slot, epoch.clock() + 1);
                }
                Step::Learn(slot, other) => {
                    let Thread { epoch, clock, .. } = threads[*other].clone();
                    let mine = &mut threads[*slot].clock;
                    mine.join(&clock);
                    mine.raise(Epoch::new(epoch.slot(), epoch.clock() - 1));
                }
                Step::Forget(mask) => {
                    line.forget(*mask);
                    for byte in (0..LINE).filter(|byte| is_of(*mask, *byte)) {
                        states[byte] = State::default();
                    }
                }
                Step::Access(slot, class, mask, context, glance) => {
                    let thread = &threads[*slot];
                    let epoch = thread.epoch();
                    let mut covered = (0..LINE).filter(|byte| is_of(*mask, *byte));
                    let recorded = covered
                        .clone()
                        .all(|byte| states[byte].is_recorded(epoch, *class));
                    prop_assert!(recorded || !line.is_recorded(*mask, *class, epoch));
                    prop_assert!(recorded || !line.is_noted(*mask, *class, epoch.bits()));
                    let context = ContextId::from_bits(*context);
                    let mut raced = Conflicts::new();
                    let known = |context| line.access_known(thread, *mask, *class, context);
                    let common = if *glance && context.is_some_and(known) {
                        0
                    } else {
                        line.access(thread, *mask, *class, context, &mut raced)
                    };
                    let (mut conflicts, mut bytes) = (Vec::new(), 0);
                    for byte in covered.by_ref() {
                        let theirs = states[byte].access(thread, *class, context);
                        if !theirs.is_empty() {
                            bytes |= 1 << byte;
                            conflicts.extend(theirs.iter().map(word_of));
                        }
                    }
                    conflicts.sort_unstable();
                    conflicts.dedup();
                    prop_assert_eq!(common, bytes);
                    prop_assert_eq!(sorted(raced.iter().map(word_of)), conflicts);
                    let reads = |access: &Access| access.class != Class::Write;
                    prop_assert!(raced.is_sorted_by_key(reads), "writes come first");
                }
            }
            for (byte, state) in states.iter().enumerate() {
                let all = state.write.iter().chain(&state.others).map(word_of);
                prop_assert_eq!(line.state_of(byte), sorted(all));
            }
            let is_empty = states.iter().all(|state| *state == State::default());
            prop_assert_eq!(line.owner.peek() == 0, is_empty);
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn a_line_is_a_state_for_each_byte(steps in prop::collection::vec(step(), 1..100)) {
            check_against_bytes(&steps)?;
        }
    }

    /// A thread that knows some epochs, and not what was known in them: as it may be once a clock was assumed (`registry::is_assumed`).
    fn knowing(epoch: Epoch, knows: &[Epoch]) -> Thread {
        let mut clock = VectorClock::new();
        for known in knows {
            clock.raise(*known);
        }
        Thread {
            epoch,
            clock,
            is_transitive: true,
        }
    }

    fn access(line: &Line, thread: &Thread, byte: u32, class: Class) -> u64 {
        let context = ContextId::from_bits(byte + 1);
        line.access(thread, 1 << byte, class, context, &mut Conflicts::new())
    }

    /// At a glance: whether it will do.
    fn is_known(line: &Line, thread: &Thread, byte: u32, class: Class) -> bool {
        let context = ContextId::from_bits(byte + 1);
        context.is_some_and(|context| line.access_known(thread, 1 << byte, class, context))
    }

    #[test]
    fn what_one_thread_has_met_in_an_annex_another_has_not() {
        let line = Line::default();
        let [first, second, third] = [0, 1, 2].map(|slot| Epoch::new(slot, 1));
        access(&line, &knowing(first, &[]), 0, Class::Write);
        let mine = knowing(second, &[first]);
        // The last one needs the write's slot.
        for byte in 1..=SLOTS as u32 {
            access(&line, &mine, byte, Class::AtomicWrite);
        }
        line.forget(1 << SLOTS);
        assert_eq!(access(&line, &mine, 0, Class::AtomicRead), 0);
        assert!(is_known(&line, &mine, 0, Class::AtomicRead));
        let other = knowing(third, &[second]);
        assert!(!is_known(&line, &other, 0, Class::AtomicRead));
        assert_eq!(access(&line, &other, 0, Class::AtomicRead), 1);
    }

    #[test]
    fn what_is_in_an_annex_goes_once_it_is_known() {
        let line = Line::default();
        let [first, second] = [0, 1].map(|slot| Epoch::new(slot, 1));
        // The oldest goes to an annex when the last one needs a slot.
        for byte in 0..=SLOTS as u32 {
            access(&line, &knowing(first, &[]), byte, Class::AtomicWrite);
        }
        line.forget(1 << SLOTS);
        let write = |knows: &[Epoch]| {
            assert!(is_known(
                &line,
                &knowing(second, knows),
                0,
                Class::AtomicWrite
            ));
            line.state_of(0).len()
        };
        assert_eq!(write(&[]), 2);
        assert_eq!(write(&[first]), 1);
    }

    #[test]
    fn what_is_in_a_second_annex_is_met() {
        let line = Line::default();
        let [first, second, third] = [0, 1, 2].map(|slot| Epoch::new(slot, 1));
        let fill = |clock, bytes: Range<u32>| {
            let mine = knowing(Epoch::new(1, clock), &[first]);
            for byte in bytes {
                access(&line, &mine, byte, Class::AtomicWrite);
            }
        };
        for (clock, byte) in (1..).zip(1..30) {
            fill(clock, byte..byte + 1);
        }
        access(&line, &knowing(first, &[]), 0, Class::Write);
        fill(100, 30..40);
        let other = knowing(third, &[second]);
        assert!(!is_known(&line, &other, 0, Class::Read));
        assert_eq!(access(&line, &other, 0, Class::Read), 1);
    }

    #[test]
    fn a_line_that_a_fork_left_locked_is_empty() {
        let line = Line::default();
        let access = |slot, class| {
            let thread = knowing(Epoch::new(slot, 1), &[]);
            let context = ContextId::from_bits(1);
            line.access(&thread, 0xff, class, context, &mut Conflicts::new())
        };
        for slot in 0..3 {
            access(slot, Class::Read);
        }
        // The lock's holder was about to give this annex back, or had done so.
        line.slots.more.store(1, Relaxed);
        line.owner.abandon();
        assert_eq!(access(4, Class::Write), 0);
        assert!(line.is_noted(0xff, Class::Write, Epoch::new(4, 1).bits()));
        assert_eq!(line.state_of(8), []);
    }

    #[test]
    fn lines_cover_a_range_exactly() {
        let all: Vec<_> = lines(3 * LINE - 3, LINE + 4).collect();
        assert_eq!(
            all,
            [(2 * LINE, 0b111 << 61), (3 * LINE, u64::MAX), (4 * LINE, 1)]
        );
        assert_eq!(lines(LINE, 0).count(), 0);
        assert_eq!(lines(usize::MAX - 3, 100).count(), 1);
        for (base, mask) in all {
            assert_eq!(span(base, mask).len(), mask.count_ones() as usize);
        }
    }

    #[test]
    fn a_byte_pays_two() {
        assert_eq!(size_of::<Line>(), 2 * LINE);
    }
}
