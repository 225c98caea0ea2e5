//! Slots: which thread is, and was, behind a vector clock's entry.
//!
//! A slot is taken again only when the dead thread's end happens before the new thread's start. Then nothing is lost: whoever knows any
//! epoch of the new thread knows everything of the old one. So clocks grow with the threads that are alive or unjoined, not with all that
//! ever ran. Under this lock nothing of the program's may run.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::{Once, PoisonError, TryLockError};

use crate::clock::VectorClock;
use crate::epoch::{Epoch, MAX_CLOCK, MAX_SLOTS};
use crate::errno;
use crate::fork::{Lock, Locked, PerProcess};
use crate::primitive::global;
use crate::primitive::sync::atomic::AtomicBool;
use crate::primitive::sync::{Arc, Mutex, MutexGuard};
use crate::runtime;
use crate::thread::former::{History, PastId, Who};
use crate::thread::record::Record;
use crate::thread::state::ThreadState;

/// Free slots that a fork looks at, newest first, before it takes a new one. The newest are the ones its creator has just joined.
const MAX_PROBES: usize = 1024;

struct FreeSlot {
    slot: usize,
    /// Who knows this clock value knows all that was done in the slot.
    known_from: u64,
    /// The first clock value of the next thread.
    resume_at: u64,
}

/// Who is in a slot, or was last, and who was before.
struct Slot {
    /// Its first clock value there.
    first: u64,
    who: Who,
    /// Once that one has ended: the first clock value of the next one.
    resume_at: u64,
    before: Option<PastId>,
}

impl Slot {
    fn new(record: &Arc<Record>) -> Slot {
        Slot {
            first: 1,
            who: Who::Record(record.clone()),
            resume_at: 0,
            before: None,
        }
    }

    fn end(&mut self, resume_at: u64, history: &mut History) {
        self.resume_at = resume_at;
        if let Who::Record(record) = &self.who
            && let Some(former) = history.retire(record)
        {
            self.who = Who::Former(former);
        }
    }

    fn give_to(&mut self, record: &Arc<Record>, history: &mut History) {
        let who = std::mem::replace(&mut self.who, Who::Record(record.clone()));
        self.before = history.push(who, self.resume_at - self.first, self.before);
        self.first = self.resume_at;
    }
}

#[derive(Default)]
pub(crate) struct Slots {
    slots: Vec<Slot>,
    /// Per slot, the last clock value before the line: see [`draw_line`]. As long as `slots`, so that drawing takes no memory.
    line: Vec<u64>,
    free: Vec<FreeSlot>,
    /// How many slots there were at the last `fork`; the child takes none of them.
    before_fork: usize,
    history: History,
}

pub(crate) type Still = MutexGuard<'static, Slots>;

/// Nothing changes while the guard lives.
pub(crate) fn hold_still() -> Still {
    slots()
}

impl Slots {
    /// How far the slot's thread has come.
    fn reached(&self, slot: usize) -> u64 {
        let Slot {
            first,
            who,
            resume_at,
            ..
        } = &self.slots[slot];
        let Who::Record(record) = who else {
            return resume_at - 1;
        };
        let current = record.epoch();
        if current.is_none() {
            *first
        } else if current.slot() == slot {
            current.clock()
        } else {
            // It has used this slot up, and gone on in another.
            MAX_CLOCK
        }
    }

    /// An epoch in the last slot, beside whoever is in there: no race is found between these threads any more. Nor does knowing an epoch
    /// of theirs mean to know what was released in it.
    #[cold]
    fn share_last(&self) -> Epoch {
        static SAID: Once = Once::new();
        SAID.call_once(|| {
            runtime::say(format_args!(
                "racecheck: too many threads at once: the last ones are taken for one\n"
            ));
        });
        let slot = self.slots.len() - 1;
        Epoch::new(slot, self.slots[slot].first + 1)
    }

    fn draw_line(&mut self) {
        for slot in 0..self.line.len() {
            self.line[slot] = self.reached(slot);
        }
    }
}

global! {
    static SLOTS: Mutex<Slots> = Mutex::new(Slots {
        slots: Vec::new(),
        line: Vec::new(),
        free: Vec::new(),
        before_fork: 0,
        history: History::new(),
    });
}

static NEXT_NUMBER: AtomicU32 = AtomicU32::new(2);

fn slots() -> MutexGuard<'static, Slots> {
    errno::keep(|| SLOTS.lock().unwrap_or_else(PoisonError::into_inner))
}

/// The number of the next thread to be created. 1 is kept for the main thread.
pub(super) fn next_number() -> u32 {
    NEXT_NUMBER.fetch_add(1, Relaxed)
}

/// A slot for a thread that will start out knowing `base`, and its first epoch there.
pub(crate) fn take_slot(base: &VectorClock, record: &Arc<Record>) -> Epoch {
    let mut slots = slots();
    let reusable = slots.free.iter().rev().take(MAX_PROBES).position(|free| {
        // In order, too: who knows in order who has the slot then knows in order all that the dead one released.
        base.order().knows(Epoch::new(free.slot, free.known_from))
    });
    slots.history.note_birth(record);
    match reusable {
        Some(from_the_end) => {
            let index = slots.free.len() - 1 - from_the_end;
            let free = slots.free.remove(index);
            let Slots {
                slots: all,
                history,
                ..
            } = &mut *slots;
            all[free.slot].give_to(record, history);
            Epoch::new(free.slot, free.resume_at)
        }
        None => {
            let slot = slots.slots.len();
            if slot == MAX_SLOTS {
                ASSUMED.store(true, SeqCst);
                return slots.share_last();
            }
            slots.slots.push(Slot::new(record));
            slots.line.push(0);
            Epoch::new(slot, 1)
        }
    }
}

/// The thread in `last.slot()` is gone. Its slot can go to a thread that knows `known_from`.
pub(crate) fn free_slot(last: Epoch, known_from: u64) {
    let resume_at = last.clock() + 1;
    // Others may be in the one that is shared.
    if last.slot() + 1 == MAX_SLOTS {
        return;
    }
    let mut slots = slots();
    let Slots {
        slots: all,
        history,
        free,
        ..
    } = &mut *slots;
    all[last.slot()].end(resume_at, history);
    // A slot that is nearly used up stays with the dead: its next thread would have to leave it at once.
    if resume_at < MAX_CLOCK / 2 {
        free.push(FreeSlot {
            slot: last.slot(),
            known_from,
            resume_at,
        });
    }
}

/// Nobody will join the dead thread that was last in `last.slot()` any more: what it did is known to whoever knows `known_from`.
pub(super) fn lower_known_from(last: Epoch, known_from: u64) {
    if let Some(free) = slots()
        .free
        .iter_mut()
        .find(|free| free.slot == last.slot() && free.resume_at == last.clock() + 1)
    {
        free.known_from = free.known_from.min(known_from);
    }
}

/// A thread that this is true of: one that runs, if there is one.
pub(crate) fn find(is: impl Fn(&Record) -> bool) -> Option<Arc<Record>> {
    let slots = slots();
    let found = (slots.slots.iter()).filter_map(|slot| match &slot.who {
        Who::Record(record) if is(record) => Some(record),
        _ => None,
    });
    found.min_by_key(|record| record.is_finished()).cloned()
}

/// Who was in `epoch`.
pub(crate) fn record_of(epoch: Epoch) -> Option<Arc<Record>> {
    let slots = slots();
    let slot = slots.slots.get(epoch.slot())?;
    if epoch.clock() < slot.first {
        return slots.history.record_of(epoch, slot.before, slot.first);
    }
    // The next thread goes on where a former one has ended.
    let last = Epoch::new(epoch.slot(), slot.resume_at.saturating_sub(1));
    Some(slots.history.record(&slot.who, last))
}

global! {
    /// The threads whose end may be waited for unseen, and which nobody has been seen joining.
    static UNSEEN: PerProcess<Lock<Vec<Arc<Record>>>> = PerProcess::new();
}

fn unseen() -> Locked<'static, Vec<Arc<Record>>> {
    UNSEEN.get().lock()
}

/// What this thread knows, it may pass on by an end that nobody sees.
pub(super) fn watch(record: &Arc<Record>) {
    unseen().push(record.clone());
}

/// Its end was waited for, and that was seen.
pub(super) fn unwatch(record: &Arc<Record>) {
    let mut unseen = unseen();
    // The youngest are joined first, more often than not.
    if let Some(index) = unseen.iter().rposition(|other| Arc::ptr_eq(other, record)) {
        unseen.swap_remove(index);
    }
}

/// Whether `thread` may have learned of `epoch` by waiting, unseen, for the end of another thread that knew of it.
pub(crate) fn may_be_known_unseen(epoch: Epoch, thread: &ThreadState) -> bool {
    unseen()
        .iter()
        .any(|record| record.knows(epoch) && record.end_may_be_known_unseen(thread))
}

global! {
    /// Whether some clock knows epochs that were never released to it, see [`everything_so_far`].
    static ASSUMED: AtomicBool = AtomicBool::new(false);
}

/// Whether a clock may know an epoch without knowing what was released in it.
#[inline]
pub(crate) fn is_assumed() -> bool {
    ASSUMED.load(Relaxed)
}

/// A clock that knows all that anybody has done so far: for a thread whose creator can't be known.
///
/// The threads go on in the epochs that it knows, and learn more before they release them. So from here on, "who knows the releaser's epoch
/// knows all that it released" doesn't hold any more. (Whoever gets this knowledge gets it from the adopted thread, after the flag.)
pub(crate) fn everything_so_far() -> VectorClock {
    let slots = slots();
    if !slots.slots.is_empty() {
        ASSUMED.store(true, Relaxed);
    }
    let mut clock = VectorClock::new();
    for slot in 0..slots.slots.len() {
        clock.raise(Epoch::new(slot, slots.reached(slot)));
    }
    clock
}

/// A line that couldn't be drawn: the lock was taken.
static LINE_DUE: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// This process is a `fork`'s child: the threads before it are none of its own.
pub(super) fn forget_before_fork() {
    let mut slots = slots();
    slots.free.clear();
    slots.before_fork = slots.slots.len();
}

/// A clock that knows all that was done before the fork.
pub(super) fn all_before_fork() -> VectorClock {
    let mut clock = VectorClock::new();
    for slot in 0..slots().before_fork {
        clock.raise(Epoch::new(slot, MAX_CLOCK));
    }
    clock
}

/// Something may order all that was done so far before anything that follows, and nobody will see how: from here on no race is claimed
/// whose earlier access was made before this.
///
/// An access in an epoch that goes on after this counts as made before. Async-signal-safe: it neither waits nor allocates.
pub(super) fn draw_line() {
    match SLOTS.try_lock() {
        Ok(mut slots) => slots.draw_line(),
        Err(TryLockError::Poisoned(slots)) => slots.into_inner().draw_line(),
        Err(TryLockError::WouldBlock) => LINE_DUE.store(true, SeqCst),
    }
}

/// Whether `epoch` lies before a line that was drawn.
pub(crate) fn is_before_the_line(epoch: Epoch) -> bool {
    let mut slots = slots();
    if LINE_DUE.swap(false, SeqCst) {
        slots.draw_line();
    }
    slots.line[epoch.slot()] >= epoch.clock()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::SyncKind;
    use crate::thread::record::Origin;
    use std::panic::Location;

    fn record() -> Arc<Record> {
        Arc::new(Record::new(
            next_number(),
            Origin::Tracked,
            None,
            None,
            None,
        ))
    }

    #[test]
    fn who_finds_no_slot_shares_the_last_one() {
        let record = record();
        let mut last = Slot::new(&record);
        last.first = 7;
        let slots = Slots {
            slots: vec![Slot::new(&record), last],
            ..Slots::default()
        };
        let epoch = slots.share_last();
        assert_eq!((epoch.slot(), epoch.clock()), (1, 8));
    }

    #[test]
    fn a_slot_that_may_be_shared_is_never_given_up() {
        // There is none yet: to look for it would be a panic.
        free_slot(Epoch::new(MAX_SLOTS - 1, 5), 5);
    }

    #[test]
    fn how_far_each_slot_has_come() {
        let in_epoch = |epoch: Epoch| {
            let record = record();
            record.clock.store(epoch.bits(), Relaxed);
            Slot::new(&record)
        };
        let mut not_begun = Slot::new(&record());
        not_begun.first = 5;
        let mut ended = in_epoch(Epoch::new(3, 11));
        ended.end(12, &mut History::new());
        let mut slots = Slots {
            slots: vec![
                not_begun,
                in_epoch(Epoch::new(1, 9)),
                // Of a thread that has used it up, and gone on in another.
                in_epoch(Epoch::new(1, 2)),
                ended,
            ],
            line: vec![0; 4],
            ..Slots::default()
        };
        slots.draw_line();
        assert_eq!(slots.line, [5, 9, MAX_CLOCK, 11]);
    }

    #[test]
    fn of_an_end_that_nobody_waits_for_less_must_be_known() {
        let start = || take_slot(&VectorClock::new(), &record());
        let heir = |knows| {
            let mut base = VectorClock::new();
            base.raise(knows);
            take_slot(&base, &record())
        };
        let before = |last: Epoch| Epoch::new(last.slot(), last.clock() - 1);
        let lasts = [start(), start(), start()].map(|first| Epoch::new(first.slot(), 7));
        lasts.iter().for_each(|last| free_slot(*last, last.clock()));
        lower_known_from(lasts[1], 6);
        assert_eq!(heir(before(lasts[1])), Epoch::new(lasts[1].slot(), 8));
        // The others' ends still have to be known.
        assert_ne!(heir(before(lasts[0])).slot(), lasts[0].slot());
        assert_ne!(heir(before(lasts[2])).slot(), lasts[2].slot());
        // It may come late: the slot is free again, after another thread.
        let last = Epoch::new(lasts[0].slot(), 20);
        assert_eq!(heir(lasts[0]), Epoch::new(last.slot(), 8));
        free_slot(last, last.clock());
        lower_known_from(lasts[0], 6);
        assert_ne!(heir(before(last)).slot(), last.slot());
        assert_eq!(heir(last).slot(), last.slot());
    }

    #[test]
    fn a_slot_that_is_nearly_used_up_stays_with_the_dead() {
        let first = take_slot(&VectorClock::new(), &record());
        let last = Epoch::new(first.slot(), MAX_CLOCK - 2);
        free_slot(last, last.clock());
        let mut knows = VectorClock::new();
        knows.raise(last);
        assert_ne!(take_slot(&knows, &record()).slot(), last.slot());
    }

    #[test]
    fn a_slot_goes_only_to_who_knows_its_last_thread() {
        let former = record();
        let first = take_slot(&VectorClock::new(), &former);
        free_slot(first, first.clock());

        let stranger = take_slot(&VectorClock::new(), &record());
        assert_ne!(stranger.slot(), first.slot());

        // Who knows of it only by the edges of locks that nest isn't it.
        let mut unordered = VectorClock::new();
        unordered.set_order(Some(std::sync::Arc::new(VectorClock::new())));
        unordered.raise(first);
        assert_ne!(take_slot(&unordered, &record()).slot(), first.slot());

        let mut knows = VectorClock::new();
        knows.raise(first);
        let heir = record();
        let again = take_slot(&knows, &heir);
        assert_eq!(
            (again.slot(), again.clock()),
            (first.slot(), first.clock() + 1)
        );
        assert_eq!(record_of(again).unwrap().number, heir.number);
        assert_eq!(record_of(first).unwrap().number, former.number);
    }

    #[test]
    fn of_a_former_thread_what_a_report_says_is_kept() {
        static KIND: SyncKind = SyncKind {
            name: "test",
            release: "released",
            acquire: "acquired",
        };
        let (main, site) = (record(), Location::caller());
        take_slot(&VectorClock::new(), &main);
        let child = |creator: &Arc<Record>| {
            let creator = Some(creator.clone());
            Arc::new(Record::new(
                next_number(),
                Origin::Tracked,
                creator,
                None,
                None,
            ))
        };
        let creator = child(&main);
        let created = take_slot(&VectorClock::new(), &creator);
        let thread = child(&creator);
        thread.set_name("one of many");
        let mut knows = VectorClock::new();
        // Its slot goes to a second thread, and from that to a third.
        let mut at = take_slot(&knows, &thread);
        let first = at;
        let last = Epoch::new(at.slot(), 7);
        thread.note_release(&KIND, Some(site.into()));
        for end in [last, Epoch::new(at.slot(), 9)] {
            free_slot(end, end.clock());
            knows.raise(end);
            at = take_slot(&knows, &record());
            assert_eq!((at.slot(), at.clock()), (end.slot(), end.clock() + 1));
        }
        free_slot(created, created.clock());
        let (number, creators) = (thread.number, [creator.number, main.number]);
        drop((thread, creator, main));

        for epoch in [first, last] {
            let former = record_of(epoch).unwrap();
            assert_eq!(former.number, number);
            assert_eq!(former.name(), Some("one of many"));
            assert!(former.is_finished());
            assert_eq!(former.epoch(), last);
            let (kind, released) = former.last_release().unwrap();
            assert!(std::ptr::eq(kind, &KIND) && released == Some(site.into()));
            let creator = former.creator.as_ref().unwrap();
            let creators_creator = creator.creator.as_ref().unwrap();
            assert_eq!([creator.number, creators_creator.number], creators);
        }
        assert_ne!(record_of(Epoch::new(at.slot(), 8)).unwrap().number, number);
    }
}
