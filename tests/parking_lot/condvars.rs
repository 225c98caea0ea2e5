//! `Condvar`: a wait unlocks its mutex and locks it again, and nothing else orders anything.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use racecheck::parking_lot::{Condvar, Mutex, MutexGuard};
use racecheck::{Shared, thread};

use crate::{none, one_after_the_other, races};

const SHORT: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_secs(600);

type Waits = fn(&Condvar, &mut MutexGuard<'_, bool>);

const WAITS: [Waits; 6] = [
    |condvar, guard| {
        while !**guard {
            condvar.wait(guard);
        }
    },
    |condvar, guard| {
        while !**guard {
            assert!(!condvar.wait_for(guard, LONG).timed_out());
        }
    },
    |condvar, guard| {
        while !**guard {
            assert!(!condvar.wait_until(guard, Instant::now() + LONG).timed_out());
        }
    },
    |condvar, guard| condvar.wait_while(guard, |is_ready| !*is_ready),
    |condvar, guard| {
        let result = condvar.wait_while_for(guard, |is_ready| !*is_ready, LONG);
        assert!(!result.timed_out());
    },
    |condvar, guard| {
        let until = Instant::now() + LONG;
        let result = condvar.wait_while_until(guard, |is_ready| !*is_ready, until);
        assert!(!result.timed_out());
    },
];

/// The waiter's write is before its wait, and the other's read after a lock: the wait has to unlock. And the other way round afterwards.
#[test]
fn a_wait_unlocks_its_mutex_and_locks_it_again() {
    for waits in WAITS {
        none(|| {
            let (mutex, condvar) = (Mutex::new(false), Condvar::new());
            let (before, after) = (Shared::new(0), Shared::new(0));
            let is_locked = AtomicBool::new(false);
            thread::scope(|s| {
                s.spawn(|| {
                    let mut guard = mutex.lock();
                    before.set(1);
                    is_locked.store(true, Ordering::Relaxed);
                    waits(&condvar, &mut guard);
                    assert_eq!(after.get(), 2);
                });
                s.spawn(|| {
                    while !is_locked.load(Ordering::Relaxed) {
                        thread::yield_now();
                    }
                    let mut guard = mutex.lock();
                    assert_eq!(before.get(), 1);
                    after.set(2);
                    *guard = true;
                    condvar.notify_one();
                });
            });
        });
    }
}

#[test]
fn a_notification_orders_nothing() {
    for waits in WAITS {
        let race = &races(|| {
            let (mutex, condvar, value) = (Mutex::new(false), Condvar::new(), Shared::new(0));
            one_after_the_other(
                || {
                    *mutex.lock() = true;
                    let line = at!(value.set(1));
                    condvar.notify_all();
                    line
                },
                || {
                    let mut guard = mutex.lock();
                    waits(&condvar, &mut guard);
                    at!(value.get())
                },
            )
        })[0];
        assert_eq!(race.current().held().len(), 1, "{race}");
        assert!(race.previous().held().is_empty(), "{race}");
    }
}

/// A notification counts those that wait, as parking_lot's does.
#[test]
fn a_notification_says_whom_it_woke() {
    none(|| {
        let (mutex, condvar) = (Mutex::new(0), Condvar::new());
        assert!(!condvar.notify_one());
        assert_eq!(condvar.notify_all(), 0);
        thread::scope(|s| {
            for _ in 0..3 {
                s.spawn(|| {
                    let mut waiting = mutex.lock();
                    *waiting += 1;
                    condvar.wait(&mut waiting);
                });
            }
            while *mutex.lock() < 3 {
                thread::yield_now();
            }
            assert!(condvar.notify_one());
            assert_eq!(condvar.notify_all(), 2);
        });
    });
}

/// After a wait that ran out, the lock is held, in the report and for the next one.
#[test]
fn a_wait_that_runs_out_locks_again() {
    type TimesOut = fn(&Condvar, &mut MutexGuard<'_, ()>) -> bool;
    let waits: [TimesOut; 4] = [
        |condvar, guard| condvar.wait_for(guard, SHORT).timed_out(),
        |condvar, guard| condvar.wait_until(guard, Instant::now()).timed_out(),
        |condvar, guard| condvar.wait_while_for(guard, |()| true, SHORT).timed_out(),
        |condvar, guard| {
            let until = Instant::now() + SHORT;
            condvar
                .wait_while_until(guard, |()| true, until)
                .timed_out()
        },
    ];
    for times_out in waits {
        let program = |second_locks: bool| {
            let (mutex, condvar, value) = (Mutex::new(()), Condvar::new(), Shared::new(0));
            one_after_the_other(
                || {
                    let mut guard = mutex.lock();
                    assert!(times_out(&condvar, &mut guard));
                    at!(value.set(1))
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
}

/// A panic in the middle of a wait leaves the lock as it was: held, once, and let go by its guard.
#[test]
fn a_panic_leaves_the_lock_held() {
    for looks_before_it in [0, 1] {
        let program = |second_locks: bool| {
            let (mutex, condvar, value) = (Mutex::new(()), Condvar::new(), Shared::new(0));
            let is_over = AtomicBool::new(false);
            one_after_the_other(
                || {
                    thread::scope(|s| {
                        s.spawn(|| {
                            while !is_over.load(Ordering::Relaxed) {
                                condvar.notify_all();
                            }
                        });
                        let mut guard = mutex.lock();
                        let mut looks = 0;
                        let look = |_: &mut ()| {
                            assert!(looks < looks_before_it, "in the condition");
                            looks += 1;
                            true
                        };
                        let wait = || condvar.wait_while(&mut guard, look);
                        assert!(catch_unwind(AssertUnwindSafe(wait)).is_err());
                        is_over.store(true, Ordering::Relaxed);
                        at!(value.set(1))
                    })
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
}

/// As parking_lot's: a second mutex, while somebody waits with the first, is a panic. It leaves that mutex locked.
#[test]
fn a_second_mutex_is_refused() {
    let program = |second_locks: bool| {
        let (first, second, condvar) = (Mutex::new(false), Mutex::new(()), Condvar::new());
        let (is_held, value) = (AtomicBool::new(false), Shared::new(0));
        thread::scope(|s| {
            let waiter = s.spawn(|| {
                let mut guard = first.lock();
                is_held.store(true, Ordering::Relaxed);
                condvar.wait_while(&mut guard, |is_over| !*is_over);
            });
            while !is_held.load(Ordering::Relaxed) {
                thread::yield_now();
            }
            // It has the lock until it waits.
            drop(first.lock());
            let lines = one_after_the_other(
                || {
                    let mut guard = second.lock();
                    let wait = || condvar.wait(&mut guard);
                    assert!(catch_unwind(AssertUnwindSafe(wait)).is_err());
                    at!(value.set(1))
                },
                || {
                    let _guard = second_locks.then(|| second.lock());
                    at!(value.get())
                },
            );
            *first.lock() = true;
            condvar.notify_all();
            waiter.join().unwrap();
            lines
        })
    };
    none(|| program(true));
    let race = &races(|| program(false))[0];
    assert_eq!(race.previous().held().len(), 1, "{race}");
}
