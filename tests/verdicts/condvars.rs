//! `Condvar`: it orders threads through its mutex, and not at all by itself.

use std::time::Duration;

use racecheck::sync::{Condvar, Mutex, MutexGuard};
use racecheck::{Shared, thread};

use crate::{none, races};

type Wait = for<'a> fn(&Condvar, MutexGuard<'a, bool>) -> MutexGuard<'a, bool>;

const LONG: Duration = Duration::from_secs(1000);

const WAITS: [Wait; 4] = [
    |changed, mut guard| {
        while !*guard {
            guard = changed.wait(guard).unwrap();
        }
        guard
    },
    |changed, guard| changed.wait_while(guard, |ready| !*ready).unwrap(),
    |changed, mut guard| {
        while !*guard {
            guard = changed.wait_timeout(guard, LONG).unwrap().0;
        }
        guard
    },
    |changed, guard| {
        let (guard, result) = changed
            .wait_timeout_while(guard, LONG, |ready| !*ready)
            .unwrap();
        assert!(!result.timed_out());
        guard
    },
];

/// Scenario prim-05. The waiting thread reads under the lock.
#[test]
fn a_wait_is_a_lock() {
    for wait in WAITS {
        none(|| {
            let (ready, changed, value) = (Mutex::new(false), Condvar::new(), Shared::new(0));
            thread::scope(|s| {
                s.spawn(|| {
                    let mut ready = ready.lock().unwrap();
                    value.set(1);
                    *ready = true;
                    changed.notify_one();
                });
                let _guard = wait(&changed, ready.lock().unwrap());
                value.get();
            });
        });
    }
}

/// What the waiting thread wrote before it waited is unlocked with the mutex.
#[test]
fn a_wait_is_an_unlock() {
    for wait in WAITS {
        none(|| {
            let (ready, changed, value) = (Mutex::new(false), Condvar::new(), Shared::new(0));
            thread::scope(|s| {
                let (waits, is_waiting) = std::sync::mpsc::channel();
                let (ready, changed, value) = (&ready, &changed, &value);
                s.spawn(move || {
                    let guard = ready.lock().unwrap();
                    value.set(1);
                    waits.send(()).unwrap();
                    drop(wait(changed, guard));
                });
                is_waiting.recv().unwrap();
                // Free only once the other one waits.
                let mut ready = ready.lock().unwrap();
                value.set(2);
                *ready = true;
                changed.notify_all();
            });
        });
    }
}

/// Scenario fake-06: the flag is beside the mutex, and the notification orders nothing.
#[test]
fn a_notification_orders_nothing() {
    races(|| {
        let (lock, changed, value) = (Mutex::new(()), Condvar::new(), Shared::new(0));
        let told = std::sync::atomic::AtomicBool::new(false);
        thread::scope(|s| {
            let writer = s.spawn(|| {
                drop(lock.lock().unwrap());
                value.set(1);
                let line = line!() - 1;
                told.store(true, std::sync::atomic::Ordering::SeqCst);
                changed.notify_one();
                line
            });
            let mut guard = lock.lock().unwrap();
            while !told.load(std::sync::atomic::Ordering::SeqCst) {
                let short = Duration::from_millis(1);
                guard = changed.wait_timeout(guard, short).unwrap().0;
            }
            drop(guard);
            value.get();
            let line = line!() - 1;
            (writer.join().unwrap(), line)
        })
    });
}

#[test]
fn a_timeout_has_the_lock_again() {
    let timeouts: [Wait; 2] = [
        |changed, guard| changed.wait_timeout(guard, Duration::ZERO).unwrap().0,
        |changed, guard| {
            let (guard, result) = changed
                .wait_timeout_while(guard, Duration::ZERO, |ready| !*ready)
                .unwrap();
            assert!(result.timed_out());
            guard
        },
    ];
    for wait in timeouts {
        none(|| {
            let (ready, changed, value) = (Mutex::new(false), Condvar::new(), Shared::new(0));
            thread::scope(|s| {
                s.spawn(|| {
                    let _guard = ready.lock().unwrap();
                    value.set(1);
                });
                let guard = wait(&changed, ready.lock().unwrap());
                value.get();
                drop(guard);
            });
        });
    }
}

/// A condition that panics unlocks the mutex on its way, and poisons it, as `std`'s does.
#[test]
fn a_condition_that_panics_unlocks() {
    type Panics = fn(&Condvar, MutexGuard<'_, bool>);
    let waits: [Panics; 2] = [
        |changed, guard| drop(changed.wait_while(guard, |_| panic!("here"))),
        |changed, guard| drop(changed.wait_timeout_while(guard, LONG, |_| panic!("here"))),
    ];
    for wait in waits {
        none(|| {
            let (ready, changed, value) = (Mutex::new(false), Condvar::new(), Shared::new(0));
            thread::scope(|s| {
                let panics = s.spawn(|| {
                    let guard = ready.lock().unwrap();
                    value.set(1);
                    wait(&changed, guard);
                });
                assert!(panics.join().is_err());
            });
            assert!(ready.is_poisoned());
            thread::scope(|s| {
                s.spawn(|| {
                    let _guard = ready
                        .lock()
                        .unwrap_or_else(|poisoned| poisoned.into_inner());
                    value.set(2);
                });
                let _guard = ready
                    .lock()
                    .unwrap_or_else(|poisoned| poisoned.into_inner());
                value.set(3);
            });
        });
    }
}
