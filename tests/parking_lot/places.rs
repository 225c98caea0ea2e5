//! The places that a report names: the program's lines, whichever of `lock_api`'s methods locked.

use std::sync::Arc;
use std::time::{Duration, Instant};

use racecheck::Shared;
use racecheck::parking_lot::lock_api::RawMutex as _;
use racecheck::parking_lot::{
    Condvar, FairMutex, Mutex, MutexGuard, ReentrantMutex, ReentrantMutexGuard, RwLock,
    RwLockReadGuard, RwLockUpgradableReadGuard as Upgradable, RwLockWriteGuard,
};
use racecheck::report::Race;

use crate::{one_after_the_other, races};

const LONG: Duration = Duration::from_secs(600);

/// The one lock held at the earlier access: its kind, and the lines where it was first locked and where it was locked, in this file.
fn held(race: &Race) -> (&str, u32, u32) {
    let [lock] = race.previous().held() else {
        panic!("one lock: {race}");
    };
    for place in [lock.created_at(), lock.locked_at()] {
        assert_eq!(place.file(), file!(), "{race}");
    }
    (
        lock.kind(),
        lock.created_at().line(),
        lock.locked_at().line(),
    )
}

/// Locks in some way, does `access` with the lock, and says where it locked.
type Locks<L> = fn(&Arc<L>, &mut dyn FnMut()) -> u32;

/// Each way to lock is named by its line; and in all of them, the first is what tells the lock from others.
fn are_named<L: Send + Sync>(kind: &str, new: fn() -> L, ways: &[Locks<L>]) {
    for way in ways {
        let (mut first, mut last) = (0, 0);
        let race = &races(|| {
            let (lock, value) = (Arc::new(new()), Shared::new(0));
            one_after_the_other(
                || {
                    first = way(&lock, &mut || ());
                    let mut line = 0;
                    last = way(&lock, &mut || line = at!(value.set(1)));
                    line
                },
                || at!(value.get()),
            )
        })[0];
        assert_eq!(held(race), (kind, first, last), "{race}");
    }
}

/// Locks by the expression, which is on the macro's line, and makes the access.
macro_rules! by {
    ($lock:ident => $guard:expr) => {
        |$lock, access| {
            let guard = $guard;
            access();
            drop(guard);
            line!()
        }
    };
}

fn late() -> Instant {
    Instant::now() + LONG
}

#[test]
fn a_mutex() {
    are_named::<Mutex<i32>>(
        "Mutex",
        || Mutex::new(0),
        &[
            by!(lock => lock.lock()),
            by!(lock => lock.try_lock().unwrap()),
            by!(lock => lock.try_lock_for(LONG).unwrap()),
            by!(lock => lock.try_lock_until(late()).unwrap()),
            by!(lock => lock.lock_arc()),
            by!(lock => lock.try_lock_arc().unwrap()),
            by!(lock => MutexGuard::map(lock.lock(), |value| value)),
        ],
    );
}

#[test]
fn a_mutex_that_was_unlocked_for_a_while() {
    fn locks(lock: &Arc<Mutex<i32>>, access: &mut dyn FnMut()) -> u32 {
        let mut guard = lock.lock();
        let first = line!() - 1;
        if *guard == 0 {
            *guard = 1;
            return first;
        }
        MutexGuard::unlocked(&mut guard, || drop(Mutex::new(0).lock()));
        let line = line!() - 1;
        access();
        line
    }
    are_named("Mutex", || Mutex::new(0), &[locks]);
}

#[test]
fn a_bumped_mutex() {
    fn locks(lock: &Arc<FairMutex<bool>>, access: &mut dyn FnMut()) -> u32 {
        use racecheck::parking_lot::FairMutexGuard as Guard;

        let mut guard = lock.lock();
        let first = line!() - 1;
        if !*guard {
            *guard = true;
            return first;
        }
        Guard::bump(&mut guard);
        let line = line!() - 1;
        access();
        line
    }
    are_named("FairMutex", || FairMutex::new(false), &[locks]);
}

#[test]
fn a_raw_mutex() {
    fn locks(lock: &Arc<Mutex<i32>>, access: &mut dyn FnMut()) -> u32 {
        // SAFETY: only what is locked here is unlocked.
        let raw = unsafe { lock.raw() };
        raw.lock();
        let line = line!() - 1;
        access();
        // SAFETY: this thread has the lock.
        unsafe { raw.unlock() };
        line
    }
    are_named("Mutex", || Mutex::new(0), &[locks]);
}

#[test]
fn a_mutex_after_a_wait() {
    fn locks(lock: &Arc<Mutex<i32>>, access: &mut dyn FnMut()) -> u32 {
        let mut guard = lock.lock();
        let first = line!() - 1;
        if *guard == 0 {
            *guard = 1;
            return first;
        }
        let never = Condvar::new();
        let result = never.wait_for(&mut guard, Duration::from_millis(1));
        let line = line!() - 1;
        assert!(result.timed_out());
        access();
        line
    }
    are_named("Mutex", || Mutex::new(0), &[locks]);
}

#[test]
fn a_reentrant_mutex() {
    are_named::<ReentrantMutex<i32>>(
        "Mutex",
        || ReentrantMutex::new(0),
        &[
            by!(lock => lock.lock()),
            by!(lock => lock.try_lock().unwrap()),
            by!(lock => lock.try_lock_for(LONG).unwrap()),
            by!(lock => lock.try_lock_until(late()).unwrap()),
            by!(lock => lock.lock_arc()),
            by!(lock => lock.try_lock_arc().unwrap()),
            by!(lock => lock.try_lock_arc_for(LONG).unwrap()),
            by!(lock => lock.try_lock_arc_until(late()).unwrap()),
            by!(lock => ReentrantMutexGuard::map(lock.lock(), |value| value)),
        ],
    );
}

#[test]
fn a_read_write_lock() {
    are_named::<RwLock<i32>>(
        "RwLock",
        || RwLock::new(0),
        &[
            by!(lock => lock.read()),
            by!(lock => lock.try_read().unwrap()),
            by!(lock => lock.try_read_for(LONG).unwrap()),
            by!(lock => lock.try_read_until(late()).unwrap()),
            by!(lock => lock.read_recursive()),
            by!(lock => lock.try_read_recursive().unwrap()),
            by!(lock => lock.read_arc()),
            by!(lock => lock.write()),
            by!(lock => lock.try_write().unwrap()),
            by!(lock => lock.try_write_for(LONG).unwrap()),
            by!(lock => lock.try_write_until(late()).unwrap()),
            by!(lock => lock.write_arc()),
            by!(lock => lock.upgradable_read()),
            by!(lock => lock.try_upgradable_read().unwrap()),
            by!(lock => lock.try_upgradable_read_for(LONG).unwrap()),
            by!(lock => lock.try_upgradable_read_until(late()).unwrap()),
            by!(lock => lock.upgradable_read_arc()),
            by!(lock => Upgradable::upgrade(lock.upgradable_read())),
            by!(lock => RwLockWriteGuard::downgrade(lock.write())),
            by!(lock => RwLockWriteGuard::downgrade_to_upgradable(lock.write())),
            by!(lock => Upgradable::downgrade(lock.upgradable_read())),
        ],
    );
}

#[test]
fn a_read_write_lock_that_was_unlocked_for_a_while() {
    fn locks(lock: &Arc<RwLock<()>>, access: &mut dyn FnMut()) -> u32 {
        let mut guard = lock.read();
        RwLockReadGuard::unlocked(&mut guard, || drop(lock.write()));
        let line = line!() - 1;
        access();
        line
    }
    let mut lines = (0, 0);
    let race = &races(|| {
        let (lock, value) = (Arc::new(RwLock::new(())), Shared::new(0));
        one_after_the_other(
            || {
                let mut line = 0;
                lines.0 = locks(&lock, &mut || line = at!(value.set(1)));
                line
            },
            || at!(value.get()),
        )
    })[0];
    let (kind, first, last) = held(race);
    assert_eq!(
        (kind, first, last),
        ("RwLock", lines.0 - 1, lines.0),
        "{race}"
    );
}

/// The last order there was: named by the lines of the guards, not by that of lock_api's that drops them.
#[test]
fn what_a_guard_released() {
    let (mut locked, mut upgraded) = (0, 0);
    let race = &races(|| {
        let (lock, value) = (RwLock::new(()), Shared::new(0));
        one_after_the_other(
            || {
                let mut guard = lock.upgradable_read();
                guard.with_upgraded(|()| ());
                upgraded = line!() - 1;
                drop(guard);
                at!(value.set(1))
            },
            || {
                drop(lock.read());
                locked = line!() - 1;
                at!(value.get())
            },
        )
    })[0];
    let file = file!();
    let released = format!("unlocked an RwLock ({file}:{upgraded})");
    let acquired = format!("locked it ({file}:{locked})");
    let why = race.why().join("\n");
    assert!(why.contains(&released) && why.contains(&acquired), "{race}");
}
