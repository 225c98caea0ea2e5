//! `shadow::word`: of two accesses that race, whichever thread comes second reports the first; and nothing is lost under the lock.

use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::{Arc, Mutex};

use crate::model::{model, thread};
use crate::primitive::sync::atomic::AtomicU64;
use crate::shadow::state::Class::{self, AtomicRead, AtomicWrite, Read, Write};
use crate::shadow::word::Words;
use crate::stack::depot::ContextId;
use crate::sync::SyncClock;
use crate::thread::state::ThreadState;

/// Who reported whom: slots.
type Reports = Mutex<Vec<(usize, usize)>>;

#[derive(Default)]
struct Place {
    words: Words,
    reports: Reports,
}

impl Place {
    /// What `ShadowCell` does with an access.
    fn access(&self, thread: &ThreadState, class: Class) {
        let epoch = thread.epoch();
        let recorded = match class {
            Read => self.words.is_read_in(epoch.bits()),
            Write => self.words.is_written_in(epoch.bits()),
            AtomicRead | AtomicWrite => false,
        };
        if recorded || self.words.is_many() && self.words.is_recorded(epoch, class) {
            return;
        }
        let context = ContextId::from_bits(1).unwrap();
        let conflicts = self.words.access(thread, class, context);
        let mut reports = self.reports.lock().unwrap();
        reports.extend(
            conflicts
                .iter()
                .map(|other| (epoch.slot(), other.epoch.slot())),
        );
    }

    /// Each pair that was reported, whoever reported it, once.
    fn pairs(&self) -> Vec<(usize, usize)> {
        let mut pairs = self.reports.lock().unwrap().clone();
        for (one, other) in &mut pairs {
            (*one, *other) = ((*one).min(*other), (*one).max(*other));
        }
        pairs.sort_unstable();
        pairs.dedup();
        pairs
    }
}

/// Two threads make these accesses, unordered; they race with each other, or they don't.
fn check(first: &'static [Class], second: &'static [Class], race: bool) {
    model(move |sides| {
        let place = Arc::new(Place::default());
        let run = |slot: usize, accesses: &'static [Class]| {
            let place = place.clone();
            move || {
                let thread = thread(slot);
                accesses
                    .iter()
                    .for_each(|class| place.access(&thread, *class));
            }
        };
        sides.run(run(0, first), run(1, second));
        let expected: &[_] = if race { &[(0, 1)] } else { &[] };
        assert_eq!(place.pairs(), expected);
    });
}

#[test]
fn two_writes() {
    check(&[Write], &[Write], true);
}

#[test]
fn a_read_and_a_write() {
    check(&[Read], &[Write], true);
}

#[test]
fn two_reads_do_not_race() {
    check(&[Read, Read], &[Read, Read], false);
}

#[test]
fn the_fast_path_after_an_own_access() {
    check(&[Write, Write], &[Write], true);
    check(&[Read, Read], &[Write], true);
    check(&[Write, Read], &[Write], true);
    check(&[Read, Write], &[Read], true);
    check(&[Write, Read], &[Read, Write], true);
}

#[test]
fn atomic_accesses() {
    check(&[AtomicWrite], &[AtomicWrite, AtomicRead], false);
    check(&[AtomicWrite], &[Read], true);
    check(&[AtomicRead], &[AtomicWrite, Write], true);
}

#[test]
fn two_readers_and_a_writer() {
    model(|sides| {
        let place = Arc::new(Place::default());
        place.access(&thread(2), Read);
        let (for_writer, for_reader) = (place.clone(), place.clone());
        sides.run(
            move || for_writer.access(&thread(0), Write),
            move || for_reader.access(&thread(1), Read),
        );
        assert_eq!(place.pairs(), [(0, 1), (0, 2)]);
    });
}

#[test]
fn a_list_of_readers_loses_none() {
    model(|sides| {
        let place = Arc::new(Place::default());
        // Read-shared from the start: the list is taken out and put back by both.
        place.access(&thread(3), Read);
        place.access(&thread(4), Read);
        let (for_one, for_other) = (place.clone(), place.clone());
        sides.run(
            move || for_one.access(&thread(0), Read),
            move || {
                let thread = thread(1);
                for_other.access(&thread, Read);
                for_other.access(&thread, Read);
            },
        );
        assert_eq!(place.pairs(), []);
        place.access(&thread(2), Write);
        assert_eq!(place.pairs(), [(0, 2), (1, 2), (2, 3), (2, 4)]);
    });
}

#[test]
fn what_is_ordered_is_not_reported() {
    model(|sides| {
        let place = Arc::new(Place::default());
        let handed_over = Arc::new(AtomicU64::new(0));
        // What the real primitive guards: nobody looks before the flag is up.
        let clock = Arc::new(Mutex::new(SyncClock::new()));
        let first = {
            let (place, handed_over, clock) = (place.clone(), handed_over.clone(), clock.clone());
            move || {
                let mut thread = thread(1);
                place.access(&thread, Write);
                let released = thread.release(&super::KIND, None);
                *clock.lock().unwrap() = released;
                handed_over.store(1, Release);
            }
        };
        let second = {
            let (place, clock) = (place.clone(), clock.clone());
            move || {
                let mut thread = thread(0);
                let ordered = handed_over.load(Acquire) == 1;
                if ordered {
                    let released = std::mem::take(&mut *clock.lock().unwrap());
                    thread.acquire(&released, &super::KIND, None);
                }
                place.access(&thread, Write);
                ordered
            }
        };
        let ((), ordered) = sides.run(first, second);
        drop(std::mem::take(&mut *clock.lock().unwrap()));
        let expected: &[_] = if ordered { &[] } else { &[(0, 1)] };
        assert_eq!(place.pairs(), expected);
    });
}
