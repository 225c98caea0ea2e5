//! The order of parking_lot's locks, and a lock that is taken twice: the engine's rules are tested on `std`'s locks (tests/verdicts/lock_order.rs), here it
//! is whether these locks tell it enough.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use racecheck::check;
use racecheck::parking_lot::{Condvar, FairMutex, Mutex, ReentrantMutex, RwLock};
use racecheck::report::DeadlockKind;

use crate::one_after_the_other;

/// How many deadlocks could have been.
fn found<R>(program: impl FnOnce() -> R) -> usize {
    let outcome = check(program);
    assert!(outcome.races().is_empty(), "{}", outcome.races()[0]);
    let found = outcome.deadlocks();
    assert!(
        found
            .iter()
            .all(|one| one.kind() == DeadlockKind::LockOrder)
    );
    found.len()
}

fn nest(first: &Mutex<i32>, second: &Mutex<i32>) {
    let _first = first.lock();
    let _second = second.lock();
}

#[test]
fn two_mutexes_in_both_orders() {
    let (a, b) = (Mutex::new(1), Mutex::new(2));
    let both = || one_after_the_other(|| nest(&a, &b), || nest(&b, &a));
    assert_eq!(found(both), 1);
    let (a, b) = (Mutex::new(1), Mutex::new(2));
    let same = || one_after_the_other(|| nest(&a, &b), || nest(&a, &b));
    assert_eq!(found(same), 0);
}

#[test]
fn locks_of_different_kinds() {
    let (a, b) = (FairMutex::new(1), RwLock::new(2));
    let first = || {
        let _a = a.lock();
        let _b = b.upgradable_read();
    };
    let second = || {
        let _b = b.write();
        let _a = a.lock();
    };
    assert_eq!(found(|| one_after_the_other(first, second)), 1);
    let (a, b) = (RwLock::new(1), RwLock::new(2));
    let read = |first: &RwLock<i32>, second: &RwLock<i32>| {
        let _first = first.read();
        let _second = second.read_recursive();
    };
    let readers = || one_after_the_other(|| read(&a, &b), || read(&b, &a));
    assert_eq!(found(readers), 0);
}

#[test]
fn a_try_waits_for_nobody() {
    let (a, b) = (Mutex::new(1), RwLock::new(2));
    let tries = || {
        let _a = a.lock();
        assert!(b.try_write().is_some());
        assert!(b.try_read_for(Duration::from_secs(1)).is_some());
        assert!(b.try_upgradable_read().is_some());
    };
    let second = || {
        let _b = b.write();
        assert!(a.try_lock_for(Duration::from_secs(1)).is_some());
    };
    let waits = || {
        let _b = b.write();
        let _a = a.lock();
    };
    assert_eq!(found(|| one_after_the_other(tries, second)), 0);
    assert_eq!(found(|| one_after_the_other(tries, waits)), 0);
}

#[test]
fn a_condition_variable_hands_over() {
    for waits in [false, true] {
        let (a, b, changed) = (Mutex::new(1), Mutex::new(2), Condvar::new());
        let first = || {
            nest(&a, &b);
            *a.lock() = 7;
            changed.notify_one();
        };
        let second = || {
            changed.wait_while(&mut a.lock(), |a| *a != 7);
            nest(&b, &a);
        };
        let program = || {
            racecheck::thread::scope(|s| {
                let handle = s.spawn(first);
                if !waits {
                    crate::judge::wait_for_scoped(&handle);
                }
                second();
            });
        };
        assert_eq!(found(program), 0);
    }
}

#[test]
fn a_reentrant_one_may_be_taken_twice() {
    let lock = ReentrantMutex::new(1);
    let twice = || {
        let outer = lock.lock();
        assert_eq!(*outer, *lock.lock());
    };
    assert_eq!(found(twice), 0);
}

#[test]
fn another_taken_twice_is_reported_and_panics() {
    let (mutex, rwlock) = (Mutex::new(1), RwLock::new(2));
    let twice: [&dyn Fn(); 3] = [
        &|| {
            let _guard = mutex.lock();
            drop(mutex.lock());
        },
        &|| {
            let _guard = rwlock.read();
            drop(rwlock.write());
        },
        &|| {
            let _guard = rwlock.write();
            drop(rwlock.read());
        },
    ];
    for take in twice {
        let outcome = check(|| catch_unwind(AssertUnwindSafe(take)));
        let panic = outcome.value.as_ref().expect_err("it can't be had");
        let message = panic.downcast_ref::<String>().expect("it is formatted");
        assert!(
            message.starts_with("racecheck: this thread waits for itself"),
            "{message}"
        );
        assert!(message.contains("deadlocks.rs:"), "{message}");
        let [found] = outcome.deadlocks() else {
            panic!("{:?}", outcome.deadlocks());
        };
        assert_eq!(found.kind(), DeadlockKind::SelfDeadlock);
        let site = found.waiters()[0].site().expect("it has a place");
        assert!(site.file().ends_with("deadlocks.rs"), "{found}");
    }
}
