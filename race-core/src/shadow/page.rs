//! The state of 2 KiB of raw memory at once: what a block operation leaves, without a word in each line.
//!
//! A page is *closed* as long as all of its bytes have the same past: nothing at all, or one access to the whole page, which is kept here. Whoever
//! accesses a part of it opens it, and from then on its lines tell. A page that is freed in whole is closed again.
//!
//! So memory that is allocated, cleared, copied or freed, and not looked at in detail, has next to no shadow.

use std::ops::Range;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::epoch::Epoch;
use crate::primitive::sync::atomic::AtomicU32;
use crate::shadow::line::{self, LINE, Line};
use crate::shadow::lock::{Found, LockWord};
use crate::shadow::slots::add_conflict;
use crate::shadow::state::{Class, Conflicts, Knowledge};
use crate::stack::depot::ContextId;
use crate::thread::state::ThreadState;

/// Lines in a page. In the models fewer.
pub(crate) const LINES: usize = if cfg!(all(test, loom)) { 1 } else { 32 };

/// Bytes that a page speaks of.
pub(crate) const PAGE: usize = LINES * LINE;

const CLOSED: u32 = 0;
const OPEN: u32 = 1;

/// 16 bytes, all zeros when nothing is recorded.
#[derive(Default)]
pub(crate) struct Page {
    /// The epoch and class of the access to the whole page, if it is closed; 0 if there is none. And the lock, for opening and for this.
    whole: LockWord,
    /// The context of that access.
    context: AtomicU32,
    /// `CLOSED` or `OPEN`.
    state: AtomicU32,
}

/// A page, and its lines.
#[derive(Clone, Copy)]
pub(crate) struct Shadow<'a> {
    pub(crate) page: &'a Page,
    pub(crate) lines: &'a [Line],
}

/// The part of an access that lies in one page.
#[derive(Clone, Copy)]
pub(crate) struct Part {
    pub(crate) start: usize,
    pub(crate) length: usize,
    pub(crate) class: Class,
    /// To be recorded even if the thread has made such an access in this epoch.
    pub(crate) again: bool,
}

impl<'a> Shadow<'a> {
    /// Checks an access, and records it unless that has been done; only then the context is asked for. Adds the accesses that it races with to `conflicts`;
    /// returns the bytes that it races on, from the first to the last.
    pub(crate) fn access(
        self,
        thread: &mut ThreadState,
        part: Part,
        mut context: impl FnMut(&mut ThreadState) -> ContextId,
        conflicts: &mut Conflicts,
    ) -> Range<usize> {
        let Shadow { page, lines } = self;
        let Part {
            start,
            length,
            class,
            again,
        } = part;
        let epoch = thread.epoch();
        if length == PAGE && !page.is_open() {
            if !again && page.is_recorded(class, epoch) {
                return 0..0;
            }
            let context = Some(context(thread));
            match page.access(lines, thread, class, context, conflicts) {
                Outcome::Recorded => return 0..0,
                Outcome::Raced => return start..start + PAGE,
                Outcome::Open => {}
            }
        }
        page.open(lines);
        let mut bytes = 0..0;
        for (base, mask) in line::lines(start, length) {
            let line = &lines[base / LINE % LINES];
            if !again && line.is_recorded(mask, class, epoch) {
                continue;
            }
            let context = Some(context(thread));
            let raced = line.access(thread, mask, class, context, conflicts);
            if raced != 0 {
                line::extend(&mut bytes, line::span(base, raced));
            }
        }
        bytes
    }

    /// The line of an address in the page, once it tells.
    #[inline]
    pub(crate) fn open_line(self, address: usize) -> &'a Line {
        self.page.open(self.lines);
        &self.lines[address / LINE % LINES]
    }

    /// Adds the plain writes that are recorded of these bytes, which all lie in the page. For reports.
    pub(crate) fn add_writes(self, start: usize, length: usize, writes: &mut Conflicts) {
        let Shadow { page, lines } = self;
        if page.is_open() {
            for (base, mask) in line::lines(start, length) {
                lines[base / LINE % LINES].add_writes(mask, writes);
            }
            return;
        }
        let whole = page.lock();
        if whole != 0 && Class::of_tagged(whole) == Class::Write {
            add_conflict(writes, whole, page.context.load(Relaxed));
        }
        page.whole.unlock(whole);
    }

    /// Whatever was recorded of these bytes, which all lie in the page, is forgotten.
    pub(crate) fn forget(self, start: usize, length: usize) {
        let Shadow { page, lines } = self;
        if page.is_untouched() || length == PAGE && page.forget() == Outcome::Recorded {
            return;
        }
        page.open(lines);
        for (base, mask) in line::lines(start, length) {
            lines[base / LINE % LINES].forget(mask);
        }
    }
}

/// What an access to a whole page came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Outcome {
    /// It is recorded.
    Recorded,
    /// It is recorded, and races.
    Raced,
    /// The page is open: its lines have to be asked.
    Open,
}

impl Page {
    #[inline(always)]
    pub(crate) fn is_open(&self) -> bool {
        self.state.load(Acquire) != CLOSED
    }

    /// Whether nothing at all is recorded in the page.
    #[inline]
    fn is_untouched(&self) -> bool {
        !self.is_open() && self.whole.peek() == 0
    }

    /// From now on the lines tell.
    #[inline]
    fn open(&self, lines: &[Line]) {
        if !self.is_open() {
            self.open_slow(lines);
        }
    }

    #[cold]
    #[inline(never)]
    fn open_slow(&self, lines: &[Line]) {
        let whole = self.lock();
        self.open_locked(whole, lines);
        self.whole.unlock(0);
    }

    fn open_locked(&self, whole: u64, lines: &[Line]) {
        if !self.is_open() {
            let context = self.context.load(Relaxed);
            // The system provides memory that is read, and once more when it is written. It will be written.
            lines[0].touch();
            for line in lines {
                // Somebody who uses freed memory may have been in there while the page was closed, or be in there still.
                if whole == 0 {
                    line.forget(u64::MAX);
                } else {
                    line.replace(whole, context);
                }
            }
            self.state.store(OPEN, Release);
        }
    }

    fn lock(&self) -> u64 {
        match self.whole.lock() {
            Found::Content(whole) => whole,
            // Left locked by a fork: all that was is ordered before.
            Found::Abandoned => 0,
        }
    }

    /// All of the page has just been freed, which is recorded in each of its lines; they are about to become zeros.
    #[cfg(target_os = "linux")]
    pub(crate) fn close(&self, epoch: Epoch, context: Option<ContextId>) {
        self.lock();
        self.context.store(ContextId::bits(context), Relaxed);
        self.state.store(CLOSED, Release);
        self.whole.unlock(epoch.bits() | Class::Write.tag());
    }

    /// Checks an access to all of the page, and records it, if the page can stay closed; otherwise opens it.
    fn access(
        &self,
        lines: &[Line],
        thread: &impl Knowledge,
        class: Class,
        context: Option<ContextId>,
        conflicts: &mut Conflicts,
    ) -> Outcome {
        let earlier = self.lock();
        if self.is_open() {
            self.whole.unlock(0);
            return Outcome::Open;
        }
        let theirs = Class::of_tagged(earlier);
        let known = thread.knows(Epoch::from_tagged(earlier));
        if earlier != 0 && !class.supersedes(theirs, known) {
            // Both count from here on, and only lines can hold two.
            self.open_locked(earlier, lines);
            self.whole.unlock(0);
            return Outcome::Open;
        }
        let races = earlier != 0 && !known && class.conflicts(theirs);
        if races {
            add_conflict(conflicts, earlier, self.context.load(Relaxed));
        }
        self.context.store(ContextId::bits(context), Relaxed);
        self.whole.unlock(thread.epoch().bits() | class.tag());
        if races {
            Outcome::Raced
        } else {
            Outcome::Recorded
        }
    }

    /// Whether such an access to all of the page has been recorded in `epoch`, by the thread that asks, and the page has been closed since.
    fn is_recorded(&self, class: Class, epoch: Epoch) -> bool {
        !self.is_open() && class.is_same(self.whole.peek(), epoch.bits())
    }

    /// Forgets all of the page, if it is closed.
    fn forget(&self) -> Outcome {
        if self.is_untouched() {
            return Outcome::Recorded;
        }
        self.lock();
        self.whole.unlock(0);
        if self.is_open() {
            Outcome::Open
        } else {
            Outcome::Recorded
        }
    }
}

#[cfg(all(test, not(loom), target_os = "linux"))]
mod tests {
    use super::*;
    use crate::clock::VectorClock;
    use crate::thread::record::{Origin, Record};
    use proptest::prelude::*;
    use std::sync::Arc;

    #[derive(Clone, Debug)]
    enum Step {
        /// By the thread in a slot, with a clock value, that knows others.
        Access([u64; 4], usize, Range<usize>, Class, bool),
        Forget(Range<usize>),
        /// All of it is freed by the thread in this slot.
        Free(usize),
    }

    fn thread(knows: [u64; 4], slot: usize) -> ThreadState {
        let mut clock = VectorClock::new();
        for (slot, known) in knows.into_iter().enumerate() {
            clock.raise(Epoch::new(slot, known));
        }
        let record = Record::new(1, Origin::Tracked, None, None, None);
        let epoch = Epoch::new(slot, knows[slot].max(1));
        ThreadState::new(epoch, Arc::new(clock), None, Arc::new(record))
    }

    fn range() -> impl Strategy<Value = Range<usize>> {
        prop_oneof![
            2 => Just(0..PAGE),
            1 => (0..PAGE, 1..PAGE).prop_map(|(start, length)| start..(start + length).min(PAGE)),
            1 => (0..PAGE / 8).prop_map(|word| 8 * word..8 * word + 8),
        ]
    }

    fn step() -> impl Strategy<Value = Step> {
        use Class::{AtomicRead, AtomicWrite, Read, Write};
        let class = prop::sample::select(vec![Read, Write, AtomicRead, AtomicWrite]);
        let knows = prop::array::uniform4(0u64..4);
        prop_oneof![
            8 => (knows, 0usize..4, range(), class, any::<bool>())
                .prop_map(|(knows, slot, bytes, class, again)| Step::Access(knows, slot, bytes, class, again)),
            2 => range().prop_map(Step::Forget),
            1 => (0usize..4).prop_map(Step::Free),
        ]
    }

    fn access(
        lines: &[Line],
        thread: &ThreadState,
        bytes: Range<usize>,
        (class, again): (Class, bool),
        context: Option<ContextId>,
    ) -> (Conflicts, Range<usize>) {
        let (mut conflicts, mut raced) = (Conflicts::new(), 0..0);
        for (base, mask) in line::lines(bytes.start, bytes.len()) {
            let line = &lines[base / LINE];
            if again || !line.is_recorded(mask, class, thread.epoch()) {
                let mask = line.access(thread, mask, class, context, &mut conflicts);
                if mask != 0 {
                    line::extend(&mut raced, line::span(base, mask));
                }
            }
        }
        (conflicts, raced)
    }

    fn check_against_lines(steps: Vec<Step>) -> Result<(), TestCaseError> {
        let (page, lines) = (Page::default(), <[Line; LINES]>::default());
        let plain = <[Line; LINES]>::default();
        let shadow = Shadow {
            page: &page,
            lines: &lines,
        };
        for (number, step) in (1..).zip(steps) {
            let id = ContextId::from_bits(number);
            let both = |thread: &mut ThreadState, bytes: Range<usize>, class, again| {
                let part = Part {
                    start: bytes.start,
                    length: bytes.len(),
                    class,
                    again,
                };
                let mut conflicts = Conflicts::new();
                let context = |_: &mut ThreadState| id.expect("numbers begin at 1");
                let raced = shadow.access(thread, part, context, &mut conflicts);
                let expected = access(&plain, thread, bytes, (class, again), id);
                let key = |access: &crate::shadow::state::Access| {
                    (
                        access.epoch.bits(),
                        access.class.tag(),
                        access.context.map(|id| ContextId::bits(Some(id))),
                    )
                };
                let sorted = |conflicts: &Conflicts| {
                    let mut keys: Vec<_> = conflicts.iter().map(key).collect();
                    keys.sort_unstable();
                    keys
                };
                prop_assert_eq!(sorted(&conflicts), sorted(&expected.0));
                prop_assert_eq!(raced, expected.1);
                Ok(())
            };
            match step {
                Step::Access(knows, slot, bytes, class, again) => {
                    both(&mut thread(knows, slot), bytes, class, again)?;
                }
                Step::Forget(bytes) => {
                    shadow.forget(bytes.start, bytes.len());
                    for (base, mask) in line::lines(bytes.start, bytes.len()) {
                        plain[base / LINE].forget(mask);
                    }
                }
                Step::Free(slot) => {
                    let mut thread = thread([0; 4], slot);
                    both(&mut thread, 0..PAGE, Class::Write, true)?;
                    page.close(thread.epoch(), id);
                    // What the system does.
                    lines.iter().for_each(|line| line.forget(u64::MAX));
                }
            }
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn a_page_is_its_lines(steps in prop::collection::vec(step(), 1..30)) {
            check_against_lines(steps)?;
        }
    }

    #[test]
    fn a_page_that_a_fork_left_locked_is_empty() {
        let (page, lines) = (Page::default(), <[Line; LINES]>::default());
        let shadow = Shadow {
            page: &page,
            lines: &lines,
        };
        let mut conflicts = Conflicts::new();
        let mut access = |slot, length| {
            let part = Part {
                start: 0,
                length,
                class: Class::Write,
                again: false,
            };
            let context = |_: &mut ThreadState| ContextId::from_bits(1).expect("not 0");
            shadow.access(&mut thread([0; 4], slot), part, context, &mut conflicts)
        };
        access(0, PAGE);
        page.whole.abandon();
        assert_eq!(access(1, 8), 0..0);
        assert_eq!(access(2, 8), 0..8);
    }
}
