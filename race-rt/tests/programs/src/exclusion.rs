//! Mutual exclusion of one's own: a spin lock, Peterson's and Dekker's algorithms.

use std::sync::atomic::Ordering::{self, Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::thread;

use crate::support::{Meeting, Plain, in_turn};

crate::programs! {
    race: prim_14_relaxed_unlock, prim_14_relaxed_lock, prim_16_both_entered;
    none: prim_14_spin_lock, prim_16_peterson, prim_16_dekker;
}

/// A spin lock with these orderings, around a counter.
struct SpinLock {
    locked: AtomicBool,
    lock: Ordering,
    unlock: Ordering,
    count: Plain<usize>,
}

impl SpinLock {
    fn new(lock: Ordering, unlock: Ordering) -> SpinLock {
        SpinLock {
            locked: AtomicBool::new(false),
            lock,
            unlock,
            count: Plain::new(0),
        }
    }

    fn count(&self) {
        while self
            .locked
            .compare_exchange_weak(false, true, self.lock, Relaxed)
            .is_err()
        {
            thread::yield_now();
        }
        *self.count.reach() += 1; // race: prim_14_relaxed_unlock, prim_14_relaxed_lock
        self.locked.store(false, self.unlock);
    }
}

fn prim_14_spin_lock(threads: usize) {
    let lock = SpinLock::new(Acquire, Release);
    thread::scope(|s| {
        for _ in 0..threads {
            s.spawn(|| (0..20).for_each(|_| lock.count()));
        }
    });
    assert_eq!(lock.count.get(), 20 * threads);
}

fn prim_14_relaxed_unlock(_: usize) {
    let lock = SpinLock::new(Acquire, Relaxed);
    in_turn(|| lock.count(), || lock.count());
}

fn prim_14_relaxed_lock(_: usize) {
    let lock = SpinLock::new(Relaxed, Release);
    in_turn(|| lock.count(), || lock.count());
}

/// Peterson's lock for two.
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

fn prim_16_peterson(_: usize) {
    let (count, lock) = (
        Plain::new(0),
        Peterson {
            interested: [const { AtomicBool::new(false) }; 2],
            turn: AtomicUsize::new(0),
        },
    );
    thread::scope(|s| {
        for me in 0..2 {
            let (lock, count) = (&lock, &count);
            s.spawn(move || {
                for _ in 0..50 {
                    lock.lock(me);
                    *count.reach() += 1;
                    lock.unlock(me);
                }
            });
        }
    });
    assert_eq!(count.get(), 100);
}

/// Who finds the others' flags down enters, else gives up.
fn prim_16_dekker(threads: usize) {
    for _ in 0..20 {
        let flags: Vec<_> = (0..threads).map(|_| AtomicBool::new(false)).collect();
        let (count, all) = (Plain::new(0), Meeting::of(threads));
        thread::scope(|s| {
            for me in 0..threads {
                let (flags, count, all) = (&flags, &count, &all);
                s.spawn(move || {
                    all.meet();
                    flags[me].store(true, SeqCst);
                    let others = flags.iter().enumerate().filter(|(number, _)| *number != me);
                    if !others.into_iter().any(|(_, flag)| flag.load(SeqCst)) {
                        *count.reach() += 1;
                    }
                });
            }
        });
        assert!(count.get() <= 1);
    }
}

/// What a store buffer does, done by hand: each one's load comes before the other's store. Only `SeqCst` forbids it.
fn prim_16_both_entered(_: usize) {
    let flags = [const { AtomicBool::new(false) }; 2];
    let (count, both) = (Plain::new(0), Meeting::of(2));
    thread::scope(|s| {
        for me in 0..2 {
            let (flags, count, both) = (&flags, &count, &both);
            s.spawn(move || {
                let other = flags[1 - me].load(Acquire);
                both.meet();
                flags[me].store(true, Release);
                if !other {
                    *count.reach() += 1; // race: prim_16_both_entered
                }
            });
        }
    });
}
