//! Slots: which thread is, and was, behind a vector clock's entry.
//!
//! A slot is taken again only when the dead thread's end happens before the new thread's start. Then nothing is lost: whoever knows any
//! epoch of the new thread knows everything of the old one. So clocks grow with the threads that are alive or unjoined, not with all that
//! ever ran. Under this lock nothing of the program's may run.

use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError, TryLockError};

use crate::clock::VectorClock;
use crate::epoch::{Epoch, MAX_CLOCK, MAX_SLOTS};
use crate::fork::{Lock, Locked, PerProcess};
use crate::runtime;
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

pub(crate) struct Slots {
    /// Per slot, who was in it from which clock value on.
    history: Vec<Vec<(u64, Arc<Record>)>>,
    /// Per slot, the last clock value before the line: see [`draw_line`]. As long as `history`, so that drawing takes no memory.
    line: Vec<u64>,
    free: Vec<FreeSlot>,
    /// How many slots there were at the last `fork`; the child takes none of them.
    before_fork: usize,
}

pub(crate) type Still = MutexGuard<'static, Slots>;

/// Nothing changes while the guard lives.
pub(crate) fn hold_still() -> Still {
    slots()
}

impl Slots {
    /// How far the slot's thread has come.
    fn reached(&self, slot: usize) -> Option<u64> {
        let (first, record) = self.history[slot].last()?;
        let current = record.epoch();
        Some(if current.is_none() {
            *first
        } else if current.slot() == slot {
            current.clock()
        } else {
            // It has used this slot up, and gone on in another.
            MAX_CLOCK
        })
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
        ASSUMED.store(true, SeqCst);
        let slot = self.history.len() - 1;
        let after = |(first, _): &(u64, _)| Epoch::new(slot, first + 1);
        self.history[slot].last().map_or(Epoch::new(slot, 1), after)
    }

    fn draw_line(&mut self) {
        for slot in 0..self.line.len() {
            self.line[slot] = self.reached(slot).unwrap_or(0);
        }
    }
}

static SLOTS: Mutex<Slots> = Mutex::new(Slots {
    history: Vec::new(),
    line: Vec::new(),
    free: Vec::new(),
    before_fork: 0,
});

static NEXT_NUMBER: AtomicU32 = AtomicU32::new(2);

fn slots() -> MutexGuard<'static, Slots> {
    SLOTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The number of the next thread to be created. 1 is kept for the main thread.
pub(super) fn next_number() -> u32 {
    NEXT_NUMBER.fetch_add(1, Relaxed)
}

/// A slot for a thread that will start out knowing `base`, and its first epoch there.
pub(crate) fn take_slot(base: &VectorClock, record: &Arc<Record>) -> Epoch {
    let mut slots = slots();
    let reusable = slots
        .free
        .iter()
        .rev()
        .take(MAX_PROBES)
        .position(|free| base.get(free.slot) >= free.known_from);
    let epoch = match reusable {
        Some(from_the_end) => {
            let index = slots.free.len() - 1 - from_the_end;
            let free = slots.free.remove(index);
            Epoch::new(free.slot, free.resume_at)
        }
        None => {
            if slots.history.len() < MAX_SLOTS {
                slots.history.push(Vec::new());
                slots.line.push(0);
                Epoch::new(slots.history.len() - 1, 1)
            } else {
                slots.share_last()
            }
        }
    };
    slots.history[epoch.slot()].push((epoch.clock(), record.clone()));
    epoch
}

/// The thread in `last.slot()` is gone. Its slot can go to a thread that knows `known_from`.
pub(super) fn free_slot(last: Epoch, known_from: u64) {
    let resume_at = last.clock() + 1;
    // A slot that is nearly used up stays with the dead: its next thread would have to leave it at once. So does the one that may be shared.
    if resume_at < MAX_CLOCK / 2 && last.slot() + 1 < MAX_SLOTS {
        slots().free.push(FreeSlot {
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

/// Who was in `epoch`.
pub(crate) fn record_of(epoch: Epoch) -> Option<Arc<Record>> {
    let slots = slots();
    let history = slots.history.get(epoch.slot())?;
    let after = history.partition_point(|(first, _)| *first <= epoch.clock());
    history[..after].last().map(|(_, record)| record.clone())
}

/// The threads whose end may be waited for unseen, and which nobody has been seen joining.
static UNSEEN: PerProcess<Lock<Vec<Arc<Record>>>> = PerProcess::new();

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

/// Whether some clock knows epochs that were never released to it, see [`everything_so_far`].
static ASSUMED: AtomicBool = AtomicBool::new(false);

/// Whether a clock may know an epoch without knowing what was released in it.
#[inline]
pub(crate) fn is_assumed() -> bool {
    ASSUMED.load(Relaxed)
}

/// A clock that knows all that anybody has done so far: for a thread whose creator can't be known.
///
/// The threads go on in the epochs that it knows, and learn more before they release them. So from here on, "who knows the releaser's epoch
/// knows all that it released" doesn't hold any more. (Whoever gets this knowledge gets it from the adopted thread, after the flag.)
pub(super) fn everything_so_far() -> VectorClock {
    let slots = slots();
    if !slots.history.is_empty() {
        ASSUMED.store(true, Relaxed);
    }
    let mut clock = VectorClock::new();
    for slot in 0..slots.history.len() {
        if let Some(reached) = slots.reached(slot) {
            clock.raise(Epoch::new(slot, reached));
        }
    }
    clock
}

/// A line that couldn't be drawn: the lock was taken.
static LINE_DUE: AtomicBool = AtomicBool::new(false);

/// This process is a `fork`'s child: the threads before it are none of its own.
pub(super) fn forget_before_fork() {
    let mut slots = slots();
    slots.free.clear();
    slots.before_fork = slots.history.len();
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
    use crate::thread::record::Origin;

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
        let slots = Slots {
            history: vec![
                vec![(1, record.clone())],
                vec![(1, record.clone()), (7, record)],
            ],
            line: vec![0; 2],
            free: Vec::new(),
            before_fork: 0,
        };
        let epoch = slots.share_last();
        assert_eq!((epoch.slot(), epoch.clock()), (1, 8));
        assert!(is_assumed());
    }

    #[test]
    fn a_slot_goes_only_to_who_knows_its_last_thread() {
        let first = take_slot(&VectorClock::new(), &record());
        free_slot(first, first.clock());

        let stranger = take_slot(&VectorClock::new(), &record());
        assert_ne!(stranger.slot(), first.slot());

        let mut knows = VectorClock::new();
        knows.raise(first);
        let heir = record();
        let again = take_slot(&knows, &heir);
        assert_eq!(
            (again.slot(), again.clock()),
            (first.slot(), first.clock() + 1)
        );
        assert_eq!(record_of(again).unwrap().number, heir.number);
        assert_ne!(record_of(first).unwrap().number, heir.number);
    }
}
