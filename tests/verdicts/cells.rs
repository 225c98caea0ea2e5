//! `Shared` and `UnsafeCell`: accesses, exclusive access, moves, nesting.

use std::panic::{AssertUnwindSafe, catch_unwind};

use racecheck::cell::UnsafeCell;
use racecheck::report::Operation;
use racecheck::sync::mpsc;
use racecheck::{Shared, check, thread};

use crate::{none, one_after_the_other, races};

#[test]
fn two_reads_do_not_race() {
    none(|| {
        let value = Shared::new(0);
        one_after_the_other(|| value.get(), || value.with(|v| *v))
    });
}

#[test]
fn every_pair_with_a_write_races() {
    type Call = fn(&Shared<i32>) -> u32;
    let reads: [Call; 2] = [|v| at!(v.get()), |v| at!(v.with(|_| ()))];
    let writes: [Call; 5] = [
        |v| at!(v.set(1)),
        |v| at!(v.update(|n| n + 1)),
        |v| at!(v.with_mut(|_| ())),
        |v| at!(v.replace(1)),
        |v| at!(v.take()),
    ];
    for write in writes {
        for other in reads.iter().chain(&writes) {
            let value = Shared::new(0);
            races(|| one_after_the_other(|| write(&value), || other(&value)));
            races(|| one_after_the_other(|| other(&value), || write(&value)));
        }
    }
}

#[test]
fn the_report_names_the_value_and_both_operations() {
    let value = Shared::new(0u64);
    let created = line!() - 1;
    let race = &races(|| one_after_the_other(|| at!(value.set(1)), || at!(value.get())))[0];
    assert_eq!(race.current().operation(), Operation::Read);
    assert_eq!(race.previous().operation(), Operation::Write);
    assert_eq!(race.location().name(), Some("Shared<u64>"));
    assert_eq!(race.location().size(), 8);
    assert_eq!(race.location().created_at().unwrap().line(), created);
}

#[test]
fn each_field_is_a_location_of_its_own() {
    let outcome = check(|| {
        let (requests, errors) = (Shared::new(0), Shared::new(0));
        one_after_the_other(
            || {
                requests.update(|n| n + 1);
                errors.update(|n| n + 1);
            },
            || {
                requests.update(|n| n + 1);
                errors.update(|n| n + 1);
            },
        );
    });
    assert_eq!(outcome.races().len(), 2);
}

#[test]
fn all_unordered_readers_are_reported_not_only_the_last() {
    let value = Shared::new(0);
    let readers: [fn(&Shared<i32>) -> u32; 3] =
        [|v| at!(v.get()), |v| at!(v.get()), |v| at!(v.get())];
    let outcome = check(|| {
        thread::scope(|s| {
            let readers = readers.map(|read| {
                let value = &value;
                s.spawn(move || read(value))
            });
            while !readers.iter().all(thread::ScopedJoinHandle::is_finished) {
                thread::yield_now();
            }
            let written = at!(value.set(1));
            (readers.map(|reader| reader.join().unwrap()), written)
        })
    });
    let (read, written) = outcome.value;
    for line in read {
        let named = outcome
            .races()
            .iter()
            .any(|race| race.is_between((file!(), line), (file!(), written)));
        assert!(named, "line {line}");
    }
}

#[test]
fn unsafe_cell_reads_and_writes() {
    struct Slot(UnsafeCell<u64>);
    // SAFETY: the two threads of the test run one after the other; only the order is missing, which is what is tested.
    unsafe impl Sync for Slot {}
    let program = |second_writes: bool| {
        let slot = Slot(UnsafeCell::new(0));
        let slot = &slot;
        one_after_the_other(
            // SAFETY: the other thread runs later.
            move || at!(slot.0.with(|p| unsafe { *p })),
            move || {
                if second_writes {
                    // SAFETY: the other thread has ended.
                    at!(slot.0.with_mut(|p| unsafe { *p = 1 }))
                } else {
                    // SAFETY: as above.
                    at!(slot.0.with(|p| unsafe { *p }))
                }
            },
        )
    };
    none(|| program(false));
    races(|| program(true));
}

#[test]
fn exclusive_access_is_never_checked_but_counts_as_a_write() {
    // The threads are not ordered for racecheck; `get_mut` shows that they are in truth.
    none(|| {
        let mut value = Shared::new(0);
        thread::scope(|s| {
            let reader = s.spawn(|| value.set(1));
            while !reader.is_finished() {
                thread::yield_now();
            }
        });
        *value.get_mut() += 1;
        assert_eq!(value.into_inner(), 2);
    });
    races(|| {
        let (to_writer, from_main) = std::sync::mpsc::channel::<Box<Shared<i32>>>();
        let (to_main, from_writer) = std::sync::mpsc::channel();
        let writer = thread::spawn(move || {
            let mut value = from_main.recv().unwrap();
            let line = at!(*value.get_mut() = 1);
            to_main.send(value).unwrap();
            line
        });
        to_writer.send(Box::new(Shared::new(0))).unwrap();
        let value = from_writer.recv().unwrap();
        let line = at!(value.get());
        (writer.join().unwrap(), line)
    });
}

#[test]
fn the_shadow_moves_with_the_value() {
    races(|| {
        let value = Shared::new(0);
        let (to_other, from_main) = std::sync::mpsc::channel::<Box<Shared<i32>>>();
        let other = thread::spawn(move || {
            let boxed = from_main.recv().unwrap();
            at!(boxed.get())
        });
        let line = at!(value.set(1));
        to_other.send(Box::new(value)).unwrap();
        (line, other.join().unwrap())
    });
}

#[test]
fn values_that_move_through_tracked_channels_are_silent() {
    none(|| {
        let (tx, rx) = mpsc::channel();
        let other = thread::spawn(move || {
            let mut values: Vec<Shared<usize>> = rx.iter().collect();
            values.swap(0, 9);
            values.iter().map(Shared::get).sum::<usize>()
        });
        for i in 0..10 {
            let value = Shared::new(0);
            value.set(i);
            tx.send(value).unwrap();
        }
        drop(tx);
        assert_eq!(other.join().unwrap(), 45);
    });
}

#[test]
fn memory_reused_by_another_thread_starts_afresh() {
    none(|| {
        for i in 0..100 {
            let value = Box::new(Shared::new(0));
            let other = thread::spawn(move || value.set(i));
            other.join().unwrap();
        }
    });
    // The same without a join: each box has a shadow of its own, wherever it lies.
    none(|| {
        let threads: Vec<_> = (0..100)
            .map(|i| {
                thread::spawn(move || {
                    let value = Box::new(Shared::new(0));
                    value.set(i);
                    value
                })
            })
            .collect();
        for thread in threads {
            drop(thread.join().unwrap());
        }
    });
}

#[test]
fn an_access_lasts_as_long_as_its_closure() {
    // The write begins before the message and ends after it: the message orders the beginning only.
    let value = Shared::new(0);
    let outcome = check(|| {
        let (tx, rx) = mpsc::channel();
        thread::scope(|s| {
            let value = &value;
            s.spawn(move || {
                value.with_mut(|v| {
                    tx.send(()).unwrap();
                    *v = 1;
                });
            });
            rx.recv().unwrap();
            value.get();
        });
    });
    assert_eq!(outcome.races().len(), 1);
}

#[test]
fn nested_access_that_excludes_itself_panics() {
    let value = Shared::new(0);
    let panics = |f: &dyn Fn()| catch_unwind(AssertUnwindSafe(f)).is_err();
    assert!(panics(&|| value.with_mut(|_| value.set(1))));
    assert!(panics(&|| value.with(|_| value.set(1))));
    assert!(panics(&|| value.with_mut(|_| {
        value.get();
    })));
    assert!(!panics(&|| value.with(|_| {
        value.get();
    })));
    assert!(panics(&|| value.with_mut(|_| panic!("in the closure"))));
    value.set(2);
    assert_eq!(value.get(), 2, "a panic leaves no borrow behind");
}

/// Waits for a thread inside the closure that waits for this one: the overlap can't end.
#[test]
fn an_overlap_that_lasts_is_reported_and_panics_instead_of_hanging() {
    let value = Shared::new(0);
    let outcome = check(|| {
        let (inside, entered) = mpsc::channel();
        let (done, wait) = mpsc::channel::<()>();
        thread::scope(|s| {
            let value = &value;
            let holder = s.spawn(move || {
                value.with_mut(|_| {
                    inside.send(()).unwrap();
                    let _ = wait.recv();
                });
            });
            entered.recv().unwrap();
            let panicked = catch_unwind(AssertUnwindSafe(|| value.get())).is_err();
            drop(done);
            holder.join().unwrap();
            panicked
        })
    });
    assert!(outcome.value);
    assert_eq!(outcome.races().len(), 1, "{:?}", outcome.races());
}
