//! Mutual exclusion of one's own: a spin lock, Peterson's and Dekker's algorithms.

use std::sync::Barrier as StdBarrier;
use std::sync::atomic::Ordering::{self, Acquire, Relaxed, Release, SeqCst};

use racecheck::cell::UnsafeCell;
use racecheck::sync::atomic::{AtomicBool, AtomicUsize};
use racecheck::{Shared, check, thread};

use crate::{in_turn, none, races, says};

/// A spin lock with these orderings, around a counter.
struct SpinLock {
    locked: AtomicBool,
    lock: Ordering,
    unlock: Ordering,
    count: UnsafeCell<u64>,
}

// SAFETY: `count` is used only by who holds the lock. Where an ordering is too weak for that, the test's threads take turns.
unsafe impl Sync for SpinLock {}

impl SpinLock {
    fn new(lock: Ordering, unlock: Ordering) -> SpinLock {
        SpinLock {
            locked: AtomicBool::new(false),
            lock,
            unlock,
            count: UnsafeCell::new(0),
        }
    }

    fn count(&self) -> u32 {
        while self
            .locked
            .compare_exchange_weak(false, true, self.lock, Relaxed)
            .is_err()
        {
            thread::yield_now();
        }
        // SAFETY: the lock is held.
        let line = at!(self.count.with_mut(|count| unsafe { *count += 1 }));
        self.locked.store(false, self.unlock);
        line
    }
}

#[test]
fn prim_14_spin_lock() {
    none(|| {
        let lock = SpinLock::new(Acquire, Release);
        thread::scope(|s| {
            for _ in 0..3 {
                s.spawn(|| {
                    for _ in 0..20 {
                        lock.count();
                    }
                });
            }
        });
        assert_eq!(lock.count.into_inner(), 60);
    });
    let program = |lock: SpinLock| in_turn(|| lock.count(), || lock.count());
    let race = &races(|| program(SpinLock::new(Acquire, Relaxed)))[0];
    says(race, "the store is relaxed", "make the store Release");
    let race = &races(|| program(SpinLock::new(Relaxed, Release)))[0];
    says(race, "the load is relaxed", "make the load Acquire");
}

/// Peterson's lock for two.
#[derive(Default)]
struct Peterson {
    interested: [AtomicBool; 2],
    turn: AtomicUsize,
}

impl Peterson {
    fn lock(&self, me: usize) {
        let other = 1 - me;
        self.interested[me].store(true, SeqCst);
        self.turn.store(other, SeqCst);
        while self.interested[other].load(SeqCst) && self.turn.load(SeqCst) == other {
            thread::yield_now();
        }
    }

    fn unlock(&self, me: usize) {
        self.interested[me].store(false, SeqCst);
    }
}

#[test]
fn prim_16_peterson() {
    none(|| {
        let (lock, count) = (Peterson::default(), Shared::new(0));
        thread::scope(|s| {
            for me in 0..2 {
                let (lock, count) = (&lock, &count);
                s.spawn(move || {
                    for _ in 0..50 {
                        lock.lock(me);
                        count.update(|n| n + 1);
                        lock.unlock(me);
                    }
                });
            }
        });
        assert_eq!(count.get(), 100);
    });
}

/// Dekker's entry: who finds the other's flag down enters, else gives up. Returns who entered, with the line.
fn dekker(store: Ordering, load: Ordering, load_early: bool) -> [Option<u32>; 2] {
    let (flags, count) = (
        [AtomicBool::new(false), AtomicBool::new(false)],
        Shared::new(0),
    );
    let together = StdBarrier::new(2);
    let enter = |me: usize| {
        together.wait();
        let mut other = flags[1 - me].load(load);
        if load_early {
            together.wait();
        }
        flags[me].store(true, store);
        if !load_early {
            other = flags[1 - me].load(load);
        }
        (!other).then(|| at!(count.update(|n| n + 1)))
    };
    thread::scope(|s| {
        [0, 1]
            .map(|me| s.spawn(move || enter(me)))
            .map(|thread| thread.join().unwrap())
    })
}

#[test]
fn prim_16_dekker() {
    // Whether both enter is up to the hardware; that decides whether there is a race.
    for (store, load) in [(SeqCst, SeqCst), (Release, Acquire)] {
        for _ in 0..50 {
            let outcome = check(|| dekker(store, load, false));
            let both_entered = outcome.value.iter().all(Option::is_some);
            assert!(!(both_entered && store == SeqCst));
            assert_eq!(outcome.races().len(), usize::from(both_entered));
        }
    }
    // What a store buffer does, done by hand: each one's load comes before the other's store. Only `SeqCst` forbids it.
    let race = &races(|| {
        let [a, b] = dekker(Release, Acquire, true);
        (a.unwrap(), b.unwrap())
    })[0];
    says(race, "nothing orders the two", "");
}
