//! Order that is not there: what looks like synchronisation, most of all to who looks at the clock.

use std::io::Write;
use std::sync::atomic::AtomicBool as StdBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use std::{hint, io};

use racecheck::sync::atomic::AtomicBool;
use racecheck::sync::{Condvar, Mutex, RwLock};
use racecheck::{Shared, thread};

use crate::{
    in_turn, none, one_after_the_other, races, says, says_join, until, wait_for, wait_for_scoped,
};

/// A result that another thread writes, `wait`ed for and read.
fn read_after(wait: impl Fn()) -> (u32, u32) {
    let result = Shared::new(0);
    thread::scope(|s| {
        let worker = s.spawn(|| at!(result.set(42)));
        wait();
        let line = at!(result.get());
        (worker.join().unwrap(), line)
    })
}

#[test]
fn fake_01_sleep() {
    // The sleep is the point. However long it is, and whichever access comes first, the verdict is the same.
    let race = &races(|| read_after(|| thread::sleep(Duration::from_millis(20))))[0];
    says(race, "nothing orders the two", "");
    says(race, "Last order between them", "");
    says(race, "spawned thread", "");
}

#[test]
fn fake_02_yield_and_spin() {
    let race = &races(|| read_after(|| (0..1000).for_each(|_| thread::yield_now())))[0];
    says(race, "nothing orders the two", "");
    let race = &races(|| read_after(|| (0..1000).for_each(|_| hint::spin_loop())))[0];
    says(race, "nothing orders the two", "");
}

#[test]
#[cfg_attr(
    racecheck_runtime,
    ignore = "std's lock of stdout is an order, where it is seen"
)]
fn fake_03_printing() {
    let race = &races(|| {
        let result = Shared::new(0);
        in_turn(
            || {
                let mut stdout = io::stdout().lock();
                let line = at!(result.set(42));
                stdout.flush().unwrap();
                line
            },
            || {
                let mut stdout = io::stdout().lock();
                let line = at!(result.get());
                stdout.flush().unwrap();
                line
            },
        )
    })[0];
    says(
        race,
        "released nothing since its write",
        "hold the same lock at both places",
    );
}

/// Its twin is prim-02.
#[test]
fn fake_04_is_finished() {
    let race = &races(|| {
        let result: &'static Shared<i32> = Box::leak(Box::new(Shared::new(0)));
        let worker = thread::spawn(|| at!(result.set(42)));
        wait_for(&worker);
        let line = at!(result.get());
        (worker.join().unwrap(), line)
    })[0];
    says_join(race);
}

#[test]
fn fake_05_failed_try_lock() {
    let program = |free: bool| {
        let (lock, result) = (Mutex::new(()), Shared::new(0));
        let (written, tried) = (StdBool::new(false), StdBool::new(false));
        thread::scope(|s| {
            let worker = s.spawn(|| {
                let guard = lock.lock().unwrap();
                let line = at!(result.set(42));
                if free {
                    drop(guard);
                    written.store(true, Relaxed);
                } else {
                    written.store(true, Relaxed);
                    until(&tried);
                }
                line
            });
            until(&written);
            let guard = lock.try_lock();
            assert_eq!(guard.is_ok(), free);
            let line = at!(result.get());
            tried.store(true, Relaxed);
            (worker.join().unwrap(), line)
        })
    };
    none(|| program(true));
    let race = &races(|| program(false))[0];
    says(
        race,
        "released nothing since its write",
        "hold the Mutex that is locked at",
    );
}

/// The flag is beside the mutex, so the waiting thread may take the lock before the notifying one, or not at all after it.
#[test]
fn fake_06_notification() {
    let race = &races(|| {
        let (lock, changed, result) = (Mutex::new(()), Condvar::new(), Shared::new(0));
        let done = AtomicBool::new(false);
        thread::scope(|s| {
            let worker = s.spawn(|| {
                let line = at!(result.set(42));
                done.store(true, Relaxed);
                changed.notify_one();
                line
            });
            let mut guard = lock.lock().unwrap();
            while !done.load(Relaxed) {
                // The notification may have come before.
                let short = Duration::from_millis(1);
                guard = changed.wait_timeout(guard, short).unwrap().0;
            }
            let line = at!(result.get());
            drop(guard);
            (worker.join().unwrap(), line)
        })
    })[0];
    says(race, "both are relaxed", "make the store Release");
    none(|| {
        let (done, changed, result) = (Mutex::new(false), Condvar::new(), Shared::new(0));
        thread::scope(|s| {
            s.spawn(|| {
                result.set(42);
                *done.lock().unwrap() = true;
                changed.notify_one();
            });
            let guard = changed.wait_while(done.lock().unwrap(), |done| !*done);
            result.get();
            drop(guard);
        });
    });
}

#[test]
#[cfg_attr(
    racecheck_runtime,
    ignore = "std's readers change one word, so that one's unlock is before the next one's lock"
)]
fn fake_07_reader_locks() {
    let program = |second_locks_for_writing: bool| {
        let (lock, hits) = (RwLock::new(()), Shared::new(0));
        in_turn(
            || {
                let _guard = lock.read().unwrap();
                at!(hits.get())
            },
            || {
                if second_locks_for_writing {
                    let _guard = lock.write().unwrap();
                    at!(hits.update(|n| n + 1))
                } else {
                    let _guard = lock.read().unwrap();
                    at!(hits.update(|n| n + 1))
                }
            },
        )
    };
    none(|| program(true));
    let race = &races(|| program(false))[0];
    says(
        race,
        "it unlocked an RwLock",
        "not as a reader where the value is written",
    );
}

#[test]
fn fake_08_earlier_by_the_clock() {
    let race = &races(|| {
        let result = Shared::new(0);
        let ((written, end), (start, read)) = one_after_the_other(
            || (at!(result.set(42)), Instant::now()),
            || (Instant::now(), at!(result.get())),
        );
        assert!(end <= start);
        (written, read)
    })[0];
    says(race, "nothing orders the two", "");
    says(race, "has acquired none of it", "");
    none(|| {
        let result = Shared::new(0);
        thread::scope(|s| {
            let worker = s.spawn(|| result.set(42));
            wait_for_scoped(&worker);
            worker.join().unwrap();
            s.spawn(|| result.get());
        });
    });
}
