//! Deadlocks: locks in two orders, a lock taken twice. (`lock_03`, threads that wait for each other, ends the process: `tests/deadlocks.rs`.)

use std::panic::{AssertUnwindSafe, catch_unwind};

use racecheck::report::{Deadlock, DeadlockKind};
use racecheck::sync::{Mutex, RwLock};
use racecheck::{check, thread};

use crate::{in_turn, none, until, wait_for_scoped};

/// An account, as two tellers use it.
struct Account {
    balance: Mutex<i64>,
}

fn accounts() -> [Account; 2] {
    [100, 200].map(|balance| Account {
        balance: Mutex::new(balance),
    })
}

/// Returns the lines of the two locks.
fn transfer(from: &Account, to: &Account) -> (u32, u32) {
    let mut from = from.balance.lock().unwrap();
    let mut to = to.balance.lock().unwrap();
    let here = line!();
    *from -= 10;
    *to += 10;
    (here - 2, here - 1)
}

fn found<T>(kind: DeadlockKind, program: impl FnOnce() -> T) -> (Deadlock, T) {
    let outcome = check(program);
    assert!(outcome.races().is_empty());
    let [deadlock] = outcome.deadlocks() else {
        panic!("{} deadlocks", outcome.deadlocks().len());
    };
    assert_eq!(deadlock.kind(), kind, "{deadlock}");
    (deadlock.clone(), outcome.value)
}

#[test]
fn lock_01_two_orders() {
    let [a, b] = &accounts();
    let (deadlock, lines) = found(DeadlockKind::LockOrder, || {
        in_turn(|| transfer(a, b), || transfer(b, a))
    });
    // All four locks, by their lines; and both threads.
    let [now, then] = deadlock.waiters() else {
        panic!("{deadlock}");
    };
    for (waiter, (outer, inner)) in [(then, lines.0), (now, lines.1)] {
        assert_eq!(waiter.site().unwrap().line(), inner, "{deadlock}");
        assert_eq!(waiter.held()[0].locked_at().line(), outer, "{deadlock}");
    }
    assert!(
        deadlock.help().contains("in the same order everywhere"),
        "{deadlock}"
    );
    // In one order, or one thread after the other.
    none(|| in_turn(|| transfer(a, b), || transfer(a, b)));
    none(|| {
        let [a, b] = &accounts();
        thread::scope(|s| s.spawn(|| transfer(a, b)).join().unwrap());
        transfer(b, a)
    });
}

/// What a test that locks twice gets: the report, and a panic.
fn panics(program: impl FnOnce()) -> Deadlock {
    let (deadlock, message) = found(DeadlockKind::SelfDeadlock, || {
        let panic = catch_unwind(AssertUnwindSafe(program)).unwrap_err();
        panic.downcast::<String>().unwrap()
    });
    assert!(
        message.starts_with("racecheck: this thread waits for itself"),
        "{message}"
    );
    assert_eq!(deadlock.waiters().len(), 1, "{deadlock}");
    deadlock
}

#[test]
fn lock_02_one_lock_twice() {
    let lock = Mutex::new(0);
    let (first, second) = (line!() + 2, line!() + 3);
    let deadlock = panics(|| {
        let _first = lock.lock().unwrap();
        drop(lock.lock());
    });
    let waiter = &deadlock.waiters()[0];
    assert_eq!(waiter.site().unwrap().line(), second, "{deadlock}");
    assert_eq!(waiter.held()[0].locked_at().line(), first, "{deadlock}");
    // The guard is dropped first; a try has no end to wait for; another lock is another lock.
    none(|| {
        let (lock, other) = (Mutex::new(0), Mutex::new(0));
        drop(lock.lock());
        let _first = lock.lock();
        assert!(lock.try_lock().is_err());
        drop(other.lock());
    });
}

#[test]
fn lock_02_a_read_write_lock() {
    let lock = RwLock::new(0);
    panics(|| {
        let _read = lock.read().unwrap();
        drop(lock.write());
    });
    let lock = RwLock::new(0);
    panics(|| {
        let _write = lock.write().unwrap();
        drop(lock.read());
    });
    let lock = RwLock::new(0);
    panics(|| {
        let _write = lock.write().unwrap();
        drop(lock.write());
    });
    none(|| {
        let lock = RwLock::new(0);
        let _one = lock.read();
        let _other = lock.read();
    });
}

/// A lock that waits, behind one whose guard was forgotten and which is no more.
#[test]
fn lock_02_a_forgotten_guard() {
    none(|| {
        let wait_for = |lock: &Mutex<i32>| {
            let locked = std::sync::atomic::AtomicBool::new(false);
            thread::scope(|s| {
                let holder = s.spawn(|| {
                    let guard = lock.lock().unwrap();
                    locked.store(true, std::sync::atomic::Ordering::Relaxed);
                    std::thread::yield_now();
                    drop(guard);
                });
                until(&locked);
                drop(lock.lock());
                wait_for_scoped(&holder);
            });
        };
        let mut slot = Mutex::new(0);
        for number in 0..20 {
            std::mem::forget(slot.lock());
            slot = Mutex::new(number);
            wait_for(&slot);
        }
    });
}
