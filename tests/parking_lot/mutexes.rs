//! The mutexes: every unlock before every later lock, by whichever method; a try that fails orders nothing.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use racecheck::parking_lot::lock_api::{self, RawMutex as _, RawMutexFair as _};
use racecheck::parking_lot::{
    FairMutex, FairMutexGuard, MappedMutexGuard, Mutex, MutexGuard, RawFairMutex, RawMutex,
    ReentrantMutex, ReentrantMutexGuard, const_mutex,
};
use racecheck::{Shared, thread};

use crate::{none, one_after_the_other, races};

const SHORT: Duration = Duration::from_millis(1);

#[test]
fn one_lock_at_both_places_orders() {
    none(|| {
        let (lock, value) = (Mutex::new(()), Shared::new(0));
        one_after_the_other(
            || {
                let _guard = lock.lock();
                value.set(1);
            },
            || {
                let _guard = lock.lock();
                value.get()
            },
        )
    });
}

#[test]
fn a_lock_at_one_place_only_does_not() {
    for (first_locks, second_locks) in [(true, false), (false, true)] {
        let race = &races(|| {
            let (lock, value) = (Mutex::new(()), Shared::new(0));
            one_after_the_other(
                || {
                    let _guard = first_locks.then(|| lock.lock());
                    at!(value.set(1))
                },
                || {
                    let _guard = second_locks.then(|| lock.lock());
                    at!(value.get())
                },
            )
        })[0];
        assert_eq!(race.previous().held().len(), usize::from(first_locks));
        assert_eq!(race.current().held().len(), usize::from(second_locks));
        let help = race.help();
        assert!(help.starts_with("hold the Mutex that is locked"), "{race}");
    }
}

#[test]
fn two_locks_do_not() {
    let race = &races(|| {
        let (a, b, value) = (FairMutex::new(()), FairMutex::new(()), Shared::new(0));
        one_after_the_other(
            || {
                let _guard = a.lock();
                at!(value.set(1))
            },
            || {
                let _guard = b.lock();
                at!(value.get())
            },
        )
    })[0];
    assert!(
        race.help().contains("the FairMutex first locked at"),
        "{race}"
    );
    assert_eq!(race.help().matches("first locked at").count(), 2, "{race}");
}

/// Each way to unlock after a write, each with each way to lock before a read.
#[test]
fn every_unlock_orders_every_lock() {
    type Unlock = fn(MutexGuard<'_, i32>);
    type Lock = fn(&Arc<Mutex<i32>>) -> bool;
    let unlocks: [Unlock; 6] = [
        |guard| drop(guard),
        |guard| MutexGuard::unlock_fair(guard),
        |guard| drop(MutexGuard::map(guard, |value| value)),
        |guard| {
            let guard = MutexGuard::try_map(guard, |_| None::<&mut i32>).unwrap_err();
            MappedMutexGuard::unlock_fair(MutexGuard::map(guard, |value| value));
        },
        |guard| {
            let mutex = MutexGuard::mutex(&guard);
            mem::forget(guard);
            // SAFETY: this thread has the lock.
            unsafe { mutex.force_unlock() };
        },
        |guard| {
            let mutex = MutexGuard::mutex(&guard);
            mem::forget(guard);
            // SAFETY: this thread has the lock.
            unsafe { mutex.raw().unlock_fair() };
        },
    ];
    let locks: [Lock; 7] = [
        |mutex| *mutex.lock() == 0,
        |mutex| mutex.try_lock().is_some(),
        |mutex| mutex.try_lock_for(SHORT).is_some(),
        |mutex| mutex.try_lock_until(Instant::now() + SHORT).is_some(),
        |mutex| *mutex.lock_arc() == 0,
        |mutex| mutex.try_lock_arc_for(SHORT).is_some(),
        // SAFETY: nothing is unlocked.
        |mutex| unsafe { mutex.raw() }.try_lock(),
    ];
    for unlock in unlocks {
        for lock in locks {
            none(|| {
                let (mutex, value) = (Arc::new(Mutex::new(0)), Shared::new(0));
                one_after_the_other(
                    || {
                        let guard = mutex.lock();
                        value.set(1);
                        unlock(guard);
                    },
                    || {
                        assert!(lock(&mutex));
                        value.get();
                    },
                );
            });
        }
    }
}

#[test]
fn a_try_that_fails_orders_nothing() {
    type Try = fn(&Mutex<()>) -> bool;
    let tries: [Try; 4] = [
        |mutex| mutex.try_lock().is_none(),
        |mutex| mutex.try_lock_for(SHORT).is_none(),
        |mutex| mutex.try_lock_until(Instant::now()).is_none(),
        |mutex| mutex.is_locked(),
    ];
    for fails in tries {
        let race = &races(|| {
            let (mutex, value) = (Mutex::new(()), Shared::new(0));
            one_after_the_other(
                || {
                    drop(mutex.lock());
                    let line = at!(value.set(1));
                    mem::forget(mutex.lock());
                    line
                },
                || {
                    assert!(fails(&mutex));
                    at!(value.get())
                },
            )
        })[0];
        assert!(race.current().held().is_empty(), "{race}");
    }
}

/// A thread that has the lock all the time, and another that is let in by `lets_in`, which waits until it has been there.
fn let_in<R: lock_api::RawMutex>(
    second_locks: bool,
    lets_in: impl FnOnce(&mut lock_api::MutexGuard<'_, R, ()>, &dyn Fn() -> bool),
) -> (u32, u32)
where
    lock_api::Mutex<R, ()>: Sync,
{
    let (mutex, value) = (lock_api::Mutex::<R, ()>::new(()), Shared::new(0));
    let (is_held, is_done) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|s| {
        let other = s.spawn(|| {
            while !is_held.load(Ordering::Relaxed) {
                thread::yield_now();
            }
            let _guard = second_locks.then(|| mutex.lock());
            let line = at!(value.set(2));
            is_done.store(true, Ordering::Relaxed);
            line
        });
        let mut guard = mutex.lock();
        let line = at!(value.set(1));
        is_held.store(true, Ordering::Relaxed);
        lets_in(&mut guard, &|| is_done.load(Ordering::Relaxed));
        assert!(mutex.is_locked());
        if second_locks {
            value.get();
        }
        (line, other.join().unwrap())
    })
}

#[test]
fn unlocked_unlocks_and_locks_again() {
    let wait = |is_done: &dyn Fn() -> bool| {
        while !is_done() {
            thread::yield_now();
        }
    };
    let fair = |locks| {
        let_in::<RawMutex>(locks, |guard, is_done| {
            MutexGuard::unlocked_fair(guard, || wait(is_done));
        })
    };
    let unfair = |locks| {
        let_in::<RawFairMutex>(locks, |guard, is_done| {
            FairMutexGuard::unlocked(guard, || wait(is_done));
        })
    };
    none(|| fair(true));
    none(|| unfair(true));
    races(|| fair(false));
    races(|| unfair(false));
}

#[test]
fn a_bump_unlocks_and_locks_again() {
    let bumps = |locks| {
        let_in::<RawMutex>(locks, |guard, is_done| {
            while !is_done() {
                MutexGuard::bump(guard);
            }
        })
    };
    none(|| bumps(true));
    races(|| bumps(false));
}

#[test]
fn a_reentrant_mutex_orders_by_its_outermost_guard() {
    let program = |second_locks: bool| {
        let (mutex, value) = (Arc::new(ReentrantMutex::new(())), Shared::new(0));
        one_after_the_other(
            || {
                let outer = mutex.lock();
                drop(mutex.lock_arc());
                let line = at!(value.set(1));
                ReentrantMutexGuard::unlock_fair(outer);
                line
            },
            || {
                let _guard = second_locks.then(|| mutex.lock());
                at!(value.get())
            },
        )
    };
    none(|| program(true));
    let race = &races(|| program(false))[0];
    assert_eq!(race.previous().held().len(), 1, "{race}");
}

/// `std`'s `Arc` isn't seen. That the mutex is taken apart is.
#[test]
fn taking_it_apart_orders() {
    for has_mutex in [true, false] {
        let program = || {
            let (mutex, value) = (Arc::new(Mutex::new(())), Shared::new(0));
            let other = Arc::clone(&mutex);
            let value = &value;
            one_after_the_other(
                move || {
                    let line = at!(value.set(1));
                    if has_mutex {
                        drop(other.lock());
                    }
                    line
                },
                move || {
                    Arc::into_inner(mutex).unwrap().into_inner();
                    at!(value.get())
                },
            )
        };
        if has_mutex {
            none(program);
        } else {
            races(program);
        }
    }
}

#[test]
fn a_static_is_tracked() {
    static LOCK: Mutex<()> = const_mutex(());
    static VALUE: Shared<i32> = Shared::new(0);
    none(|| {
        let locked = || {
            let _guard = LOCK.lock();
            VALUE.update(|value| value + 1)
        };
        one_after_the_other(locked, locked)
    });
}
