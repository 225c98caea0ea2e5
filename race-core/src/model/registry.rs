//! `thread::registry`: a slot is one thread's at a time and goes only to who knows its last one; every epoch names its thread, and a clock
//! that assumes knowledge is told from one that has it.

use std::collections::HashMap;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::{Arc as StdArc, Mutex};

use crate::clock::VectorClock;
use crate::epoch::Epoch;
use crate::model::{here, knows, run_as, thread};
use crate::primitive::sync::Arc;
use crate::primitive::sync::atomic::AtomicU64;
use crate::sync::SyncClock;
use crate::sync::atomic::AtomicClock;
use crate::thread::record::{Origin, Record};
use crate::thread::registry::{everything_so_far, free_slot, record_of, take_slot};
use crate::thread::state::ThreadState;

fn record(number: u32) -> Arc<Record> {
    Arc::new(Record::new(number, Origin::Tracked, None, None, None))
}

/// What is true of the slots, seen from outside.
#[derive(Default)]
struct Truth {
    /// Whose slot it is, or its last thread's last epoch.
    slots: HashMap<usize, Result<u32, Epoch>>,
    /// The thread in each epoch that there was.
    threads: Vec<(Epoch, u32)>,
}

#[derive(Clone, Default)]
struct Observed(StdArc<Mutex<Truth>>);

impl Observed {
    /// A thread with this number starts, knowing `base`.
    fn start(&self, number: u32, base: &VectorClock) -> Epoch {
        let epoch = take_slot(base, &record(number));
        let mut truth = self.0.lock().unwrap();
        match truth.slots.insert(epoch.slot(), Ok(number)) {
            Some(Ok(other)) => panic!("{number} is in the slot of {other}"),
            Some(Err(last)) => assert!(base.knows(last), "{number} doesn't know {last:?}"),
            None => (),
        }
        truth.threads.push((epoch, number));
        epoch
    }

    /// The thread in `last` ends.
    fn end(&self, last: Epoch) {
        self.0.lock().unwrap().slots.insert(last.slot(), Err(last));
        free_slot(last, last.clock());
    }

    /// Every epoch so far names its thread.
    fn check_names(&self) {
        let threads = self.0.lock().unwrap().threads.clone();
        for (epoch, number) in threads {
            assert_eq!(record_of(epoch).map(|record| record.number), Some(number));
        }
    }
}

#[test]
fn a_slot_has_one_thread_at_a_time() {
    loom::model(|| {
        let observed = Observed::default();
        // Two threads that each start one, join it, and start another one.
        let create = |first: u32| {
            let observed = observed.clone();
            move || {
                let mut base = VectorClock::new();
                let epoch = observed.start(first, &base);
                observed.end(epoch);
                base.raise(epoch);
                observed.start(first + 1, &base);
                observed.check_names();
            }
        };
        let other = loom::thread::spawn(create(11));
        create(21)();
        other.join().unwrap();
        observed.check_names();
    });
}

#[test]
fn of_two_heirs_one_gets_the_slot() {
    loom::model(|| {
        let observed = Observed::default();
        let dead = observed.start(1, &VectorClock::new());
        observed.end(dead);
        let inherit = |number: u32| {
            let observed = observed.clone();
            move || {
                let mut base = VectorClock::new();
                base.raise(dead);
                observed.start(number, &base)
            }
        };
        let other = loom::thread::spawn(inherit(2));
        let mine = inherit(3)();
        let theirs = other.join().unwrap();
        assert_ne!(mine.slot(), theirs.slot());
        assert!(
            [mine, theirs]
                .iter()
                .any(|epoch| epoch.slot() == dead.slot())
        );
        observed.check_names();
    });
}

#[derive(Default)]
struct Atomic {
    value: AtomicU64,
    clock: AtomicClock,
}

impl Atomic {
    fn set(&self) {
        self.clock
            .store(Release, here(), |_| self.value.store(1, Release));
    }

    fn is_set(&self) -> bool {
        self.clock
            .load(Acquire, here(), |_| self.value.load(Acquire))
            == 1
    }
}

#[test]
fn what_is_assumed_is_not_taken_for_what_was_released() {
    const ELSEWHERE: usize = 100;
    loom::model(|| {
        let by_old = StdArc::new(Atomic::default());
        let by_adopted = StdArc::new(Atomic::default());
        let record_of_old = record(1);
        let first = take_slot(&VectorClock::new(), &record_of_old);
        let old = {
            let by_old = by_old.clone();
            loom::thread::spawn(move || {
                let mut state = ThreadState::new(first, Arc::default(), None, record_of_old);
                // It learns something in the epoch that the adopted thread assumes to know.
                let learned = SyncClock {
                    epoch: Epoch::new(ELSEWHERE, 1),
                    ..SyncClock::default()
                };
                state.acquire(&learned, &super::KIND, None);
                run_as(state, || by_old.set());
            })
        };
        let adopted = {
            let by_adopted = by_adopted.clone();
            loom::thread::spawn(move || {
                let record = record(2);
                let base = everything_so_far();
                let epoch = take_slot(&base, &record);
                let state = ThreadState::new(epoch, Arc::new(base), None, record);
                run_as(state, || by_adopted.set());
            })
        };
        run_as(thread(ELSEWHERE + 1), || {
            by_adopted.is_set();
            if by_old.is_set() {
                assert!(knows(ELSEWHERE, 1));
            }
        });
        old.join().unwrap();
        adopted.join().unwrap();
    });
}
