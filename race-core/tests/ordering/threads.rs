//! Threads: creation, end and join, plain ones, and generations that share slots.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;

use race_core::report::{Collector, Operation, Race};
use race_core::shadow::cell::{ShadowCell, Target};
use race_core::sync::SyncClock;

use crate::stage::*;

/// A payload and what a test does with it on several threads.
fn payload() -> (
    Arc<ShadowCell>,
    impl Fn(&Arc<ShadowCell>, bool) + Copy + std::marker::Send,
) {
    let access = |cell: &Arc<ShadowCell>, write| {
        let target = || Target {
            address: 8,
            size: 8,
            describe: || "payload".into(),
            label: None,
        };
        if write {
            cell.write(target, here());
        } else {
            cell.read(target, here());
        }
    };
    (Arc::new(ShadowCell::new(here())), access)
}

/// The races of `test`: how many, of what.
fn races_of(test: impl FnOnce()) -> Vec<[Operation; 2]> {
    let collector = Collector::open();
    test();
    let races = collector.close();
    let operations = |race: &Race| race.accesses().map(race_core::report::Access::operation);
    races.iter().map(operations).collect()
}

#[test]
fn a_thread_is_ordered_after_its_creation() {
    let run = |write_before: bool| {
        let (cell, access) = payload();
        races_of(|| {
            if write_before {
                access(&cell, true);
            }
            let child = Actor::new("child");
            if !write_before {
                access(&cell, true);
            }
            child.run(move || access(&cell, false));
            child.join();
        })
    };
    assert_eq!(run(false), [[Operation::Read, Operation::Write]]);
    assert!(run(true).is_empty());
}

#[test]
fn whoever_joins_a_thread_is_ordered_after_its_end() {
    let run = |join_before: bool| {
        let (cell, access) = payload();
        races_of(|| {
            let (child, other) = (Actor::new("child"), Actor::new("other"));
            let used = cell.clone();
            child.run(move || access(&used, true));
            // Seeing that it has finished orders nothing.
            drop(child.orders);
            while !child.thread.is_finished() {
                thread::yield_now();
            }
            let (thread, handle) = (child.thread, child.handle);
            let join = move || {
                thread.join().expect("it doesn't panic");
                handle.join(here());
            };
            if join_before {
                other.run(move || {
                    join();
                    access(&cell, true);
                });
            } else {
                other.run(move || {
                    access(&cell, true);
                    join();
                });
            }
            other.join();
        })
    };
    assert_eq!(run(false), [[Operation::Write, Operation::Write]]);
    assert!(run(true).is_empty());
}

/// Plain `std::thread`s, of which the engine is told nothing.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn plain_threads_are_ordered_by_creation_and_join() {
    let run = |join_before: bool| {
        let (cell, access) = payload();
        races_of(|| {
            access(&cell, true);
            let used = cell.clone();
            let (done, waiting) = channel();
            let child = thread::spawn(move || {
                access(&used, true);
                done.send(()).expect("the result is waited for");
            });
            waiting.recv().expect("the child does it");
            if join_before {
                child.join().expect("it doesn't panic");
                access(&cell, false);
            } else {
                access(&cell, false);
                child.join().expect("it doesn't panic");
            }
        })
    };
    assert_eq!(run(false), [[Operation::Read, Operation::Write]]);
    assert!(run(true).is_empty());
}

/// Slots of dead threads are given to new ones: neither may be taken for the other.
#[test]
fn generations_of_threads() {
    let run = |ordered: bool| {
        let (cell, access) = payload();
        races_of(|| {
            let witness = Actor::new("witness");
            for generation in 0..20 {
                let child = Actor::new("child");
                let used = cell.clone();
                child.run(move || access(&used, true));
                child.join();
                if generation == 9 {
                    // Knows of the generations up to here.
                    let clock = SyncClock::released(&KIND, here());
                    witness.run(move || clock.acquire(&KIND, here()));
                }
            }
            if ordered {
                let clock = SyncClock::released(&KIND, here());
                witness.run(move || clock.acquire(&KIND, here()));
            }
            witness.run(move || access(&cell, false));
            witness.join();
        })
    };
    assert_eq!(run(false), [[Operation::Read, Operation::Write]]);
    assert!(run(true).is_empty());
}
