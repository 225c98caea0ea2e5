//! `RwLock`: a writer before everybody, a reader before writers, an upgradable reader before the next one; and the moves between the three.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use racecheck::parking_lot::{
    MappedRwLockReadGuard, RwLock, RwLockReadGuard, RwLockUpgradableReadGuard, RwLockWriteGuard,
};
use racecheck::{Shared, thread};

use crate::{none, one_after_the_other, races};

const SHORT: Duration = Duration::from_millis(1);

/// Takes the lock, makes the access, and lets it go or doesn't.
type Locks = fn(&Arc<RwLock<i32>>, &mut dyn FnMut());

/// Locks by the expression.
macro_rules! by {
    ($($lock:ident => $guard:expr),* $(,)?) => {
        &[$(|$lock, access| {
            let guard = $guard;
            access();
            drop(guard);
        }),*]
    };
}

const READS: &[Locks] = by![
    lock => lock.read(),
    lock => lock.try_read().unwrap(),
    lock => lock.try_read_for(SHORT).unwrap(),
    lock => lock.try_read_until(Instant::now() + SHORT).unwrap(),
    lock => lock.read_recursive(),
    lock => lock.try_read_recursive().unwrap(),
    lock => lock.try_read_recursive_for(SHORT).unwrap(),
    lock => lock.try_read_recursive_until(Instant::now() + SHORT).unwrap(),
    lock => lock.read_arc(),
    lock => MappedRwLockReadGuard::map(RwLockReadGuard::map(lock.read(), |value| value), |value| value),
];

const WRITES: &[Locks] = by![
    lock => lock.write(),
    lock => lock.try_write().unwrap(),
    lock => lock.try_write_for(SHORT).unwrap(),
    lock => lock.try_write_until(Instant::now() + SHORT).unwrap(),
    lock => lock.write_arc(),
    lock => RwLockWriteGuard::map(lock.write(), |value| value),
];

const UPGRADABLE_READS: &[Locks] = by![
    lock => lock.upgradable_read(),
    lock => lock.try_upgradable_read().unwrap(),
    lock => lock.try_upgradable_read_for(SHORT).unwrap(),
    lock => lock.try_upgradable_read_until(Instant::now() + SHORT).unwrap(),
    lock => lock.upgradable_read_arc(),
];

const UPGRADES: &[Locks] = &[
    |lock, access| {
        let _guard = RwLockUpgradableReadGuard::upgrade(lock.upgradable_read());
        access();
    },
    |lock, access| {
        let _guard = RwLockUpgradableReadGuard::try_upgrade(lock.upgradable_read()).unwrap();
        access();
    },
    |lock, access| {
        let guard = lock.upgradable_read();
        let _guard = RwLockUpgradableReadGuard::try_upgrade_for(guard, SHORT).unwrap();
        access();
    },
    |lock, access| lock.upgradable_read().with_upgraded(|_| access()),
    |lock, access| {
        let upgraded = lock.upgradable_read().try_with_upgraded(|_| access());
        upgraded.unwrap();
    },
];

/// A write with the lock, and then a read with the lock, in another thread.
fn program(first: Locks, second: Locks) -> (u32, u32) {
    let (lock, value) = (Arc::new(RwLock::new(0)), Shared::new(0));
    let (mut write, mut read) = (0, 0);
    one_after_the_other(
        || first(&lock, &mut || write = at!(value.set(1))),
        || second(&lock, &mut || read = at!(value.get())),
    );
    (write, read)
}

fn are_ordered(first: &[Locks], second: &[Locks]) {
    for first in first {
        for second in second {
            none(|| program(*first, *second));
        }
    }
}

fn race(first: &[Locks], second: &[Locks]) {
    for first in first {
        for second in second {
            races(|| program(*first, *second));
        }
    }
}

#[test]
fn a_write_orders_everybody() {
    are_ordered(WRITES, READS);
    are_ordered(WRITES, WRITES);
    are_ordered(WRITES, UPGRADABLE_READS);
    are_ordered(UPGRADES, READS);
}

#[test]
fn readers_order_writers_only() {
    are_ordered(READS, WRITES);
    are_ordered(READS, UPGRADES);
    race(READS, READS);
    race(READS, UPGRADABLE_READS);
}

#[test]
fn upgradable_readers_order_one_another() {
    are_ordered(UPGRADABLE_READS, UPGRADABLE_READS);
    are_ordered(UPGRADABLE_READS, WRITES);
    are_ordered(UPGRADABLE_READS, UPGRADES);
    race(UPGRADABLE_READS, READS);
}

#[test]
fn both_readers_are_named() {
    let race = &races(|| program(READS[0], UPGRADABLE_READS[0]))[0];
    for access in race.accesses() {
        assert_eq!(access.held()[0].kind(), "RwLock", "{race}");
    }
    assert!(
        race.help().contains("both hold a lock first locked at"),
        "{race}"
    );
}

/// What was done before a downgrade, the others see while the guard is there still. What is done after it, they don't.
#[test]
fn a_downgrade_releases() {
    let before: &[Locks] = &[
        |lock, access| {
            let guard = lock.write();
            access();
            mem::forget(RwLockWriteGuard::downgrade(guard));
        },
        |lock, access| {
            let guard = lock.write();
            access();
            mem::forget(RwLockWriteGuard::downgrade_to_upgradable(guard));
        },
        |lock, access| {
            let mut guard = lock.upgradable_read();
            guard.with_upgraded(|_| access());
            mem::forget(guard);
        },
    ];
    let after: &[Locks] = &[
        |lock, access| {
            let guard = RwLockWriteGuard::downgrade(lock.write());
            access();
            mem::forget(guard);
        },
        |lock, access| {
            let guard = RwLockWriteGuard::downgrade_to_upgradable(lock.write());
            access();
            mem::forget(guard);
        },
        |lock, access| {
            let mut guard = lock.upgradable_read();
            guard.with_upgraded(|_| ());
            access();
            mem::forget(guard);
        },
    ];
    are_ordered(before, READS);
    race(after, READS);
}

#[test]
fn an_upgradable_reader_that_goes_on_as_a_plain_one_orders_the_next() {
    let before: Locks = |lock, access| {
        let guard = lock.upgradable_read();
        access();
        mem::forget(RwLockUpgradableReadGuard::downgrade(guard));
    };
    let after: Locks = |lock, access| {
        let guard = RwLockUpgradableReadGuard::downgrade(lock.upgradable_read());
        access();
        mem::forget(guard);
    };
    are_ordered(&[before], UPGRADABLE_READS);
    race(&[before], READS);
    race(&[after], UPGRADABLE_READS);
}

#[test]
fn a_try_that_fails_orders_nothing() {
    let writer_stays: Locks = |lock, access| {
        drop(lock.write());
        access();
        mem::forget(lock.write());
    };
    race(
        &[writer_stays],
        &[
            |lock, access| {
                assert!(lock.try_read().is_none() && lock.try_read_for(SHORT).is_none());
                access();
            },
            |lock, access| {
                assert!(lock.try_write().is_none() && lock.try_write_for(SHORT).is_none());
                access();
            },
            |lock, access| {
                let until = Instant::now();
                assert!(lock.try_upgradable_read_until(until).is_none());
                access();
            },
            |lock, access| {
                assert!(lock.is_locked() && lock.is_locked_exclusive());
                access();
            },
        ],
    );
    let reader_stays: Locks = |lock, access| {
        access();
        mem::forget(lock.read());
    };
    race(
        &[reader_stays],
        &[
            |lock, access| {
                let guard = lock.upgradable_read();
                let guard = RwLockUpgradableReadGuard::try_upgrade(guard).unwrap_err();
                let until = Instant::now() + SHORT;
                let guard = RwLockUpgradableReadGuard::try_upgrade_until(guard, until);
                access();
                drop(guard.unwrap_err());
            },
            |lock, access| {
                assert!(lock.upgradable_read().try_with_upgraded(|_| ()).is_none());
                access();
            },
        ],
    );
}

/// A thread that has the lock all the time, and a writer that is let in by `lets_in`, which waits until it has been there.
fn let_in(
    second_locks: bool,
    lets_in: impl FnOnce(&RwLock<()>, &dyn Fn(), &dyn Fn() -> bool),
) -> (u32, u32) {
    let (lock, value) = (RwLock::new(()), Shared::new(0));
    let (is_held, is_done) = (AtomicBool::new(false), AtomicBool::new(false));
    let mut line = 0;
    thread::scope(|s| {
        let other = s.spawn(|| {
            while !is_held.load(Ordering::Relaxed) {
                thread::yield_now();
            }
            let _guard = second_locks.then(|| lock.write());
            let line = at!(value.set(2));
            is_done.store(true, Ordering::Relaxed);
            line
        });
        let hold = || {
            value.set(1);
            is_held.store(true, Ordering::Relaxed);
        };
        line = line!() - 3;
        lets_in(&lock, &hold, &|| is_done.load(Ordering::Relaxed));
        if second_locks {
            value.get();
        }
        (line, other.join().unwrap())
    })
}

#[test]
fn bump_and_unlocked_unlock_and_lock_again() {
    type LetsIn = fn(&RwLock<()>, &dyn Fn(), &dyn Fn() -> bool);
    fn wait(is_done: &dyn Fn() -> bool) {
        while !is_done() {
            thread::yield_now();
        }
    }
    let ways: [LetsIn; 6] = [
        |lock, hold, is_done| {
            let mut guard = lock.write();
            hold();
            while !is_done() {
                RwLockWriteGuard::bump(&mut guard);
            }
        },
        |lock, hold, is_done| {
            let mut guard = lock.upgradable_read();
            hold();
            while !is_done() {
                RwLockUpgradableReadGuard::bump(&mut guard);
            }
        },
        |lock, hold, is_done| {
            let mut guard = lock.write();
            hold();
            RwLockWriteGuard::unlocked(&mut guard, || wait(is_done));
        },
        |lock, hold, is_done| {
            let mut guard = lock.read();
            hold();
            RwLockReadGuard::unlocked_fair(&mut guard, || wait(is_done));
        },
        |lock, hold, is_done| {
            let mut guard = lock.upgradable_read();
            hold();
            RwLockUpgradableReadGuard::unlocked(&mut guard, || wait(is_done));
        },
        |lock, hold, is_done| {
            let guard = lock.write();
            hold();
            RwLockWriteGuard::unlock_fair(guard);
            wait(is_done);
            drop(lock.read());
        },
    ];
    for way in ways {
        none(|| let_in(true, way));
        races(|| let_in(false, way));
    }
}

/// `std`'s `Arc` isn't seen. That the lock is taken apart is.
#[test]
fn taking_it_apart_orders() {
    for has_lock in [true, false] {
        let program = || {
            let (lock, value) = (Arc::new(RwLock::new(())), Shared::new(0));
            let other = Arc::clone(&lock);
            let value = &value;
            one_after_the_other(
                move || {
                    let line = at!(value.set(1));
                    if has_lock {
                        drop(other.read());
                    }
                    line
                },
                move || {
                    Arc::into_inner(lock).unwrap().into_inner();
                    at!(value.get())
                },
            )
        };
        if has_lock {
            none(program);
        } else {
            races(program);
        }
    }
}
