//! `Mutex`: unlock before lock, `try_lock`, poisoning, and what the report says of locks.

use std::panic::{AssertUnwindSafe, catch_unwind};

use racecheck::sync::{Mutex, MutexGuard, TryLockError};
use racecheck::{Shared, thread};

use crate::{none, one_after_the_other, races};

fn write(value: &Shared<i32>) -> u32 {
    value.set(1);
    line!() - 1
}

fn read(value: &Shared<i32>) -> u32 {
    value.get();
    line!() - 1
}

#[test]
fn one_lock_at_both_places_orders() {
    none(|| {
        let (lock, value) = (Mutex::new(()), Shared::new(0));
        let locked = |access: fn(&Shared<i32>) -> u32| {
            let _guard = lock.lock().unwrap();
            access(&value)
        };
        one_after_the_other(|| locked(write), || locked(read))
    });
}

#[test]
fn a_lock_at_one_place_only_does_not() {
    for (first_locks, second_locks) in [(true, false), (false, true)] {
        let race = &races(|| {
            let (lock, value) = (Mutex::new(()), Shared::new(0));
            let locked = |locks: bool, access: fn(&Shared<i32>) -> u32| {
                let _guard = locks.then(|| lock.lock().unwrap());
                access(&value)
            };
            one_after_the_other(|| locked(first_locks, write), || locked(second_locks, read))
        })[0];
        assert_eq!(race.previous().held().len(), usize::from(first_locks));
        assert_eq!(race.current().held().len(), usize::from(second_locks));
        assert!(
            race.help().starts_with("hold the Mutex that is locked at"),
            "{race}"
        );
    }
}

#[test]
fn two_different_locks_do_not() {
    let race = &races(|| {
        let (a, b, value) = (Mutex::new(()), Mutex::new(()), Shared::new(0));
        let locked = |lock: &Mutex<()>, access: fn(&Shared<i32>) -> u32| {
            let _guard = lock.lock().unwrap();
            access(&value)
        };
        one_after_the_other(|| locked(&a, write), || locked(&b, read))
    })[0];
    let [current, previous] = race
        .accesses()
        .map(|access| access.held()[0].created_at().line());
    assert_eq!(current, previous, "both are made on one line");
    assert!(
        race.help().starts_with("hold the same lock at both places"),
        "{race}"
    );
}

#[test]
fn held_locks_are_listed_in_the_order_of_locking() {
    let race = &races(|| {
        let (a, b, value) = (Mutex::new('a'), Mutex::new('b'), Shared::new(0));
        one_after_the_other(
            || {
                let first = a.lock().unwrap();
                let second = b.lock().unwrap();
                drop(first);
                let third = a.lock().unwrap();
                let line = write(&value);
                drop((second, third));
                line
            },
            || read(&value),
        )
    })[0];
    let held = race.previous().held();
    assert_eq!(held.len(), 2, "{race}");
    assert!(held[0].locked_at().line() < held[1].locked_at().line());
}

#[test]
fn a_failed_try_lock_orders_nothing() {
    let program = |succeed: bool| {
        let (lock, value) = (Mutex::new(()), Shared::new(0));
        thread::scope(|s| {
            let (lock, value) = (&lock, &value);
            let (written, wait) = std::sync::mpsc::channel();
            let (done, until) = std::sync::mpsc::channel::<()>();
            let writer = s.spawn(move || {
                let guard = lock.lock().unwrap();
                let line = write(value);
                if succeed {
                    drop(guard);
                    written.send(()).unwrap();
                } else {
                    written.send(()).unwrap();
                    let _ = until.recv();
                }
                line
            });
            wait.recv().unwrap();
            assert_eq!(lock.try_lock().is_ok(), succeed);
            let line = read(value);
            drop(done);
            (writer.join().unwrap(), line)
        })
    };
    none(|| program(true));
    races(|| program(false));
}

#[test]
fn early_return_and_panic_release_and_poison_as_in_std() {
    none(|| {
        let (lock, value) = (Mutex::new(()), Shared::new(0));
        thread::scope(|s| {
            let panicking = s.spawn(|| {
                let _guard = lock.lock().unwrap();
                value.set(1);
                panic!("poisoned on purpose");
            });
            assert!(panicking.join().is_err());
        });
        one_after_the_other(
            || {
                assert!(lock.is_poisoned());
                let guard = lock.lock().unwrap_err().into_inner();
                value.set(2);
                drop(guard);
            },
            || {
                let Err(TryLockError::Poisoned(poisoned)) = lock.try_lock() else {
                    panic!("it is poisoned and free");
                };
                value.get();
                drop(poisoned);
                lock.clear_poison();
                assert!(lock.lock().is_ok());
            },
        );
    });
}

#[test]
fn order_is_transitive_through_a_lock_and_a_channel() {
    none(|| {
        let (lock, value) = (Mutex::new(()), Shared::new(0));
        let (tx, rx) = racecheck::sync::mpsc::channel();
        let rx = Mutex::new(rx);
        one_after_the_other(
            || {
                let _guard = lock.lock().unwrap();
                write(&value);
            },
            || {
                one_after_the_other(
                    || {
                        drop(lock.lock().unwrap());
                        tx.send(()).unwrap();
                    },
                    || {
                        rx.lock().unwrap().recv().unwrap();
                        read(&value);
                    },
                )
            },
        );
    });
}

#[test]
fn the_last_order_there_was_is_named() {
    let race = &races(|| {
        let (lock, value) = (Mutex::new(()), Shared::new(0));
        one_after_the_other(
            || {
                drop(lock.lock().unwrap());
                write(&value)
            },
            || {
                drop(lock.lock().unwrap());
                read(&value)
            },
        )
    })[0];
    assert!(race.why()[0].contains("has released"), "{race}");
    assert!(
        race.why()[1].contains("unlocked a Mutex (tests/verdicts/mutexes.rs:"),
        "{race}"
    );
}

#[test]
fn it_looks_and_unwinds_like_stds() {
    let ours = Mutex::new(7);
    let stds = std::sync::Mutex::new(7);
    assert_eq!(format!("{ours:?}"), format!("{stds:?}"));
    let guard = ours.lock().unwrap();
    assert_eq!(format!("{guard:?} {guard}"), "7 7");
    let std_guard = stds.lock().unwrap();
    assert_eq!(format!("{ours:?}"), format!("{stds:?}"));
    drop((guard, std_guard));
    let poison = |f: &dyn Fn()| catch_unwind(AssertUnwindSafe(f)).unwrap_err();
    poison(&|| {
        let _guard = ours.lock().unwrap();
        panic!();
    });
    poison(&|| {
        let _guard = stds.lock().unwrap();
        panic!();
    });
    assert_eq!(format!("{ours:?}"), format!("{stds:?}"));
}

/// As with `std`: `Sync` where its value is, whether that is `Send` or not.
#[test]
fn a_guard_is_as_shareable_as_its_value() {
    fn is_sync<T: Sync>() {}
    is_sync::<MutexGuard<'_, std::sync::MutexGuard<'_, i32>>>();
}
