//! C's locks, waited for in vain; and waits that end, however they look.
//!
//! SAFETY, of each call: the objects are static, and zeros are one that is free, or it is made first. That a thread waits for itself, or unlocks what another one has
//! locked, is what the programs are for: the runtime ends the first, and to glibc the second is an unlock.

use std::ffi::c_int;
use std::ptr;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use crate::c::{
    Object, mtx_init, mtx_lock, mtx_unlock, pthread_mutex_init, pthread_mutex_lock,
    pthread_mutex_timedlock, pthread_mutex_trylock, pthread_mutex_unlock, pthread_mutexattr_init,
    pthread_mutexattr_settype, pthread_rwlock_rdlock, pthread_rwlock_unlock, pthread_rwlock_wrlock,
    pthread_spin_init, pthread_spin_lock, pthread_spin_unlock,
};
use crate::support::{Meeting, Plain, until};

crate::programs! {
    deadlock: c_ring, c_ring_of_kinds, c_locked_twice, c11_locked_twice, c_spun_twice, c_written_while_read;
    none: c_waits_that_end, c_locked_twice_by_right, c_unlocked_by_another, c_made_anew_while_locked;
}

static MUTEXES: [Object; 8] = [const { Object::new() }; 8];
static RWLOCK: Object = Object::new();
static SPIN: Object = Object::new();
static MTX: Object = Object::new();

/// Each has one, and wants the next one's.
fn c_ring(threads: usize) {
    let all = Meeting::of(threads);
    thread::scope(|s| {
        for number in 0..threads {
            let all = &all;
            s.spawn(move || {
                unsafe { pthread_mutex_lock(MUTEXES[number].get()) };
                all.meet();
                unsafe { pthread_mutex_lock(MUTEXES[(number + 1) % threads].get()) }; // deadlock: c_ring
                unreachable!();
            });
        }
    });
}

/// Two read and want to write; what they read, a third one has written to, or was to.
fn c_ring_of_kinds(_: usize) {
    let both = Meeting::of(2);
    unsafe { mtx_init(MTX.get(), 0) };
    unsafe { pthread_spin_init(SPIN.get(), 0) };
    thread::scope(|s| {
        s.spawn(|| {
            unsafe { mtx_lock(MTX.get()) };
            unsafe { pthread_rwlock_rdlock(RWLOCK.get()) };
            both.meet();
            unsafe { pthread_spin_lock(SPIN.get()) }; // deadlock: c_ring_of_kinds
            unreachable!();
        });
        s.spawn(|| {
            unsafe { pthread_spin_lock(SPIN.get()) };
            both.meet();
            unsafe { pthread_rwlock_wrlock(RWLOCK.get()) }; // deadlock: c_ring_of_kinds
            unreachable!();
        });
    });
}

fn c_locked_twice(_: usize) {
    unsafe { pthread_mutex_lock(MUTEXES[0].get()) };
    unsafe { pthread_mutex_lock(MUTEXES[0].get()) }; // deadlock: c_locked_twice
    unreachable!();
}

fn c11_locked_twice(_: usize) {
    unsafe { mtx_init(MTX.get(), 0) };
    unsafe { mtx_lock(MTX.get()) };
    unsafe { mtx_lock(MTX.get()) }; // deadlock: c11_locked_twice
    unreachable!();
}

fn c_spun_twice(_: usize) {
    unsafe { pthread_spin_init(SPIN.get(), 0) };
    unsafe { pthread_spin_lock(SPIN.get()) };
    unsafe { pthread_spin_lock(SPIN.get()) }; // deadlock: c_spun_twice
    unreachable!();
}

/// A reader that wants to write waits for itself.
fn c_written_while_read(_: usize) {
    unsafe { pthread_rwlock_rdlock(RWLOCK.get()) };
    unsafe { pthread_rwlock_wrlock(RWLOCK.get()) }; // deadlock: c_written_while_read
    unreachable!();
}

static COUNT: Plain<usize> = Plain::new(0);

/// All wait for each other, in one order; and the other way round only for a time.
fn c_waits_that_end(threads: usize) {
    unsafe { mtx_init(MTX.get(), 0) };
    unsafe { pthread_spin_init(SPIN.get(), 0) };
    let [first, second] = [0, 1].map(|number| MUTEXES[number].get().addr());
    let count = move || unsafe {
        let [first, second] = [first, second].map(ptr::with_exposed_provenance_mut);
        for _ in 0..200 {
            pthread_mutex_lock(first);
            pthread_mutex_lock(second);
            pthread_rwlock_wrlock(RWLOCK.get());
            mtx_lock(MTX.get());
            pthread_spin_lock(SPIN.get());
            COUNT.set(COUNT.get() + 1);
            pthread_spin_unlock(SPIN.get());
            mtx_unlock(MTX.get());
            pthread_rwlock_unlock(RWLOCK.get());
            pthread_mutex_unlock(second);
            pthread_mutex_unlock(first);

            pthread_rwlock_rdlock(RWLOCK.get());
            let past = [1, 0];
            if pthread_mutex_timedlock(second, &past) == 0 {
                if pthread_mutex_trylock(first) == 0 {
                    pthread_mutex_unlock(first);
                }
                pthread_mutex_unlock(second);
            }
            pthread_rwlock_unlock(RWLOCK.get());
        }
    };
    thread::scope(|s| {
        for _ in 0..threads {
            s.spawn(count);
        }
    });
    assert_eq!(COUNT.get(), 200 * threads);
}

/// Kinds of mutexes that their owner may lock again, or is told that he may not.
fn c_locked_twice_by_right(threads: usize) {
    const RECURSIVE: c_int = 1;
    const ERROR_CHECKING: c_int = 2;
    const DEADLOCK: c_int = 35;
    for (kind, expected) in [(RECURSIVE, 0), (ERROR_CHECKING, DEADLOCK)] {
        let mut attributes = 0u64;
        let attributes = (&raw mut attributes).cast();
        unsafe {
            pthread_mutexattr_init(attributes);
            pthread_mutexattr_settype(attributes, kind);
            pthread_mutex_init(MUTEXES[kind as usize].get(), attributes);
        }
        thread::scope(|s| {
            for _ in 0..threads {
                s.spawn(move || unsafe {
                    let mutex = MUTEXES[kind as usize].get();
                    for _ in 0..50 {
                        assert_eq!(pthread_mutex_lock(mutex), 0);
                        assert_eq!(pthread_mutex_lock(mutex), expected);
                        if expected == 0 {
                            pthread_mutex_unlock(mutex);
                        }
                        pthread_mutex_unlock(mutex);
                        // Who writes to a read-write lock is told, too.
                        assert_eq!(pthread_rwlock_wrlock(RWLOCK.get()), 0);
                        assert_eq!(pthread_rwlock_wrlock(RWLOCK.get()), DEADLOCK);
                        assert_eq!(pthread_rwlock_rdlock(RWLOCK.get()), DEADLOCK);
                        pthread_rwlock_unlock(RWLOCK.get());
                    }
                });
            }
        });
    }
}

/// A thread waits for the mutex that it has locked: another has unlocked it since, and has it now. POSIX doesn't allow that, and glibc does it.
fn c_unlocked_by_another(_: usize) {
    let mutex = || MUTEXES[0].get();
    unsafe { pthread_mutex_lock(mutex()) };
    let taken_over = || {
        unsafe { pthread_mutex_unlock(mutex()) };
        unsafe { pthread_mutex_lock(mutex()) };
    };
    wait_for_another(taken_over, 100);
}

/// Waits for the first mutex, which another thread has by `lock`, and keeps for so many turns once it is wanted.
fn wait_for_another(lock: impl FnOnce() + Send, turns: usize) {
    let mutex = || MUTEXES[0].get();
    let (taken, wanted) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|s| {
        s.spawn(|| {
            lock();
            taken.store(true, Relaxed);
            until(&wanted);
            for _ in 0..turns {
                thread::yield_now();
            }
            unsafe { pthread_mutex_unlock(mutex()) };
        });
        until(&taken);
        wanted.store(true, Relaxed);
        unsafe { pthread_mutex_lock(mutex()) };
        unsafe { pthread_mutex_unlock(mutex()) };
    });
}

/// A mutex that is locked goes, and another one is made in its place, as where memory is used again. Who had the first has not the second: neither when its thread ends,
/// nor when it waits for it.
fn c_made_anew_while_locked(_: usize) {
    let mutex = || MUTEXES[0].get();
    let made_anew = || unsafe {
        assert_eq!(pthread_mutex_lock(mutex()), 0);
        assert_eq!(pthread_mutex_init(mutex(), ptr::null_mut()), 0);
    };
    let value = Plain::new(0);
    let [made, used, read] = [const { AtomicBool::new(false) }; 3];
    thread::scope(|s| {
        let former = s.spawn(|| {
            made_anew();
            made.store(true, Relaxed);
            until(&used);
        });
        s.spawn(|| {
            until(&made);
            unsafe { pthread_mutex_lock(mutex()) };
            value.set(7);
            unsafe { pthread_mutex_unlock(mutex()) };
            used.store(true, Relaxed);
            until(&read);
        });
        former.join().unwrap();
        unsafe { pthread_mutex_lock(mutex()) };
        assert_eq!(value.get(), 7);
        unsafe { pthread_mutex_unlock(mutex()) };
        read.store(true, Relaxed);
    });
    made_anew();
    let lock = || {
        unsafe { pthread_mutex_lock(mutex()) };
    };
    wait_for_another(lock, 10_000);
}
