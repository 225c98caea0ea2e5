//! `RwLock`: write unlocks before all later locks, read unlocks before later write locks only.

use racecheck::Shared;
use racecheck::sync::{RwLock, RwLockWriteGuard};

use crate::{none, one_after_the_other, races};

fn write(value: &Shared<i32>) -> u32 {
    value.set(1);
    line!() - 1
}

fn read(value: &Shared<i32>) -> u32 {
    value.get();
    line!() - 1
}

#[derive(Clone, Copy)]
enum Lock {
    Read,
    TryRead,
    Write,
    TryWrite,
    Downgraded,
}

fn locked(lock: &RwLock<()>, how: Lock, access: impl FnOnce() -> u32) -> u32 {
    match how {
        Lock::Read => {
            let _guard = lock.read().unwrap();
            access()
        }
        Lock::TryRead => {
            let _guard = lock.try_read().unwrap();
            access()
        }
        Lock::Write => {
            let _guard = lock.write().unwrap();
            access()
        }
        Lock::TryWrite => {
            let _guard = lock.try_write().unwrap();
            access()
        }
        Lock::Downgraded => {
            let guard = lock.write().unwrap();
            let line = access();
            let _guard = RwLockWriteGuard::downgrade(guard);
            line
        }
    }
}

#[test]
fn a_write_lock_orders_all_that_come_after_it() {
    for first in [Lock::Write, Lock::TryWrite, Lock::Downgraded] {
        for second in [Lock::Read, Lock::TryRead, Lock::Write, Lock::TryWrite] {
            none(|| {
                let (lock, value) = (RwLock::new(()), Shared::new(0));
                one_after_the_other(
                    || locked(&lock, first, || write(&value)),
                    || locked(&lock, second, || read(&value)),
                )
            });
        }
    }
}

#[test]
fn a_read_lock_orders_writers_after_it() {
    for first in [Lock::Read, Lock::TryRead] {
        for second in [Lock::Write, Lock::TryWrite] {
            none(|| {
                let (lock, value) = (RwLock::new(()), Shared::new(0));
                one_after_the_other(
                    || locked(&lock, first, || read(&value)),
                    || locked(&lock, second, || write(&value)),
                )
            });
        }
    }
}

/// Scenario fake-07.
#[test]
fn readers_do_not_order_readers() {
    for second in [Lock::Read, Lock::TryRead] {
        let race = &races(|| {
            let (lock, value) = (RwLock::new(()), Shared::new(0));
            one_after_the_other(
                || locked(&lock, Lock::Read, || read(&value)),
                || locked(&lock, second, || write(&value)),
            )
        })[0];
        assert_eq!(race.current().held()[0].kind(), "RwLock");
        assert_eq!(race.previous().held()[0].kind(), "RwLock");
        assert!(
            race.help()
                .contains("not as a reader where the value is written"),
            "{race}"
        );
    }
}

/// Scenario cache-03: both hold the lock, one only for reading.
#[test]
fn a_write_under_a_read_lock_races_with_a_read_under_another() {
    races(|| {
        let (lock, value) = (RwLock::new(()), Shared::new(0));
        one_after_the_other(
            || locked(&lock, Lock::Read, || write(&value)),
            || locked(&lock, Lock::Read, || read(&value)),
        )
    });
    none(|| {
        let (lock, value) = (RwLock::new(()), Shared::new(0));
        one_after_the_other(
            || locked(&lock, Lock::Read, || read(&value)),
            || locked(&lock, Lock::Read, || read(&value)),
        )
    });
}

/// What a reader did after a downgrade isn't before another reader, though what it wrote before is.
#[test]
fn what_follows_a_downgrade_is_a_readers() {
    races(|| {
        let (lock, value) = (RwLock::new(()), Shared::new(0));
        one_after_the_other(
            || {
                let guard = RwLockWriteGuard::downgrade(lock.write().unwrap());
                let line = write(&value);
                drop(guard);
                line
            },
            || locked(&lock, Lock::Read, || read(&value)),
        )
    });
}

/// A writer passes on what the readers before it had released.
#[test]
fn readers_are_before_those_after_the_next_writer() {
    none(|| {
        let (lock, value) = (RwLock::new(()), Shared::new(0));
        one_after_the_other(
            || locked(&lock, Lock::Read, || read(&value)),
            || {
                drop(lock.write().unwrap());
                one_after_the_other(|| (), || locked(&lock, Lock::Read, || write(&value)))
            },
        );
    });
}

#[test]
fn exclusive_access_is_after_both() {
    none(|| {
        let (mut lock, value) = (RwLock::new(()), Shared::new(0));
        let other = Shared::new(0);
        std::thread::scope(|s| {
            s.spawn(|| locked(&lock, Lock::Write, || write(&value)));
        });
        std::thread::scope(|s| {
            s.spawn(|| locked(&lock, Lock::Read, || write(&other)));
        });
        lock.get_mut().unwrap();
        read(&value);
        read(&other);
    });
}

#[test]
fn failed_attempts_order_nothing() {
    races(|| {
        let (lock, value) = (RwLock::new(()), Shared::new(0));
        let (held, is_held) = std::sync::mpsc::channel();
        let (go, may_go) = std::sync::mpsc::channel::<()>();
        racecheck::thread::scope(|s| {
            let (lock, value) = (&lock, &value);
            let first = s.spawn(move || {
                let line = write(value);
                let _guard = lock.write().unwrap();
                held.send(()).unwrap();
                let _ = may_go.recv();
                line
            });
            is_held.recv().unwrap();
            assert!(lock.try_read().is_err() && lock.try_write().is_err());
            let second = read(value);
            drop(go);
            (first.join().unwrap(), second)
        })
    });
}
