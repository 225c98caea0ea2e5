//! C's own synchronisation: the mutexes, read-write locks, spin locks, condition variables, semaphores, barriers and once-controls of POSIX threads.
//!
//! Rust's std has its own, of atomics; these are what crates get from C, or call themselves. Each object is known by its address. What an unlock, a
//! post or a wait gives is released before the real function, and what it takes is acquired after it. Semaphores and barriers only ever add to what they
//! give: that may hide a race, and never invents one.
//!
//! What is done under a lock inside C itself isn't seen, and needs no order.

use std::cell::Cell;
use std::ffi::c_int;

use libc::{
    clockid_t, pthread_barrier_t, pthread_cond_t, pthread_mutex_t, pthread_once_t,
    pthread_rwlock_t, pthread_spinlock_t, sem_t, timespec,
};
use race_core::Position;
use race_core::sync::{SyncKind, keyed};

use crate::interpose::interpose;

static MUTEX: SyncKind = SyncKind {
    name: "pthread mutex",
    release: "unlocked a pthread mutex",
    acquire: "locked it",
};

static RWLOCK: SyncKind = SyncKind {
    name: "pthread rwlock",
    release: "unlocked a pthread rwlock",
    acquire: "locked it",
};

static SEMAPHORE: SyncKind = SyncKind {
    name: "semaphore",
    release: "posted a semaphore",
    acquire: "waited for it",
};

static BARRIER: SyncKind = SyncKind {
    name: "pthread barrier",
    release: "came to a pthread barrier",
    acquire: "passed it",
};

static ONCE: SyncKind = SyncKind {
    name: "pthread_once",
    release: "ran a routine once",
    acquire: "found that it had been run",
};

/// After a lock: `result` is the real function's. The owner may have died with the lock in its hand, which is this thread's now.
fn locked<T>(lock: *mut T, kind: &'static SyncKind, site: Position, result: c_int) -> c_int {
    if result == 0 || result == libc::EOWNERDEAD {
        keyed::acquire(lock.addr(), kind, site);
    }
    result
}

/// Around a wait: the mutex is unlocked, and locked again, unless the wait is refused.
fn waited(mutex: *mut pthread_mutex_t, site: Position, wait: impl FnOnce() -> c_int) -> c_int {
    keyed::release(mutex.addr(), &MUTEX, site);
    let result = wait();
    keyed::acquire(mutex.addr(), &MUTEX, site);
    result
}

/// Where readers release to. Nothing else has this address: the lock is longer than a byte.
fn readers(lock: *mut pthread_rwlock_t) -> usize {
    lock.addr() + 1
}

/// Read-write locks that one thread has for writing: more than these are taken for such at every unlock.
const WRITING: usize = 16;

thread_local! {
    static WRITES: [Cell<usize>; WRITING] = const { [const { Cell::new(0) }; WRITING] };
    static IS_FULL: Cell<bool> = const { Cell::new(false) };
}

fn wrote(lock: *mut pthread_rwlock_t, site: Position, result: c_int) -> c_int {
    if result == 0 {
        keyed::acquire(lock.addr(), &RWLOCK, site);
        keyed::acquire(readers(lock), &RWLOCK, site);
        let free = WRITES.with(|writes| {
            let free = writes.iter().find(|write| write.get() == 0);
            free.map(|free| free.set(lock.addr()))
        });
        if free.is_none() {
            IS_FULL.set(true);
        }
    }
    result
}

fn unlocks(lock: *mut pthread_rwlock_t, site: Position) {
    let writes = WRITES.with(|writes| {
        let held = writes.iter().find(|write| write.get() == lock.addr());
        held.map(|held| held.set(0))
    });
    if writes.is_some() || IS_FULL.get() {
        keyed::release(lock.addr(), &RWLOCK, site);
    }
    if writes.is_none() {
        keyed::release(readers(lock), &RWLOCK, site);
    }
}

thread_local! {
    /// The routine that `pthread_once` may run next on this thread, and for which control.
    static ROUTINE: Cell<Option<(extern "C-unwind" fn(), usize, Position)>> = const { Cell::new(None) };
}

/// Runs in place of the program's routine: whoever finds it done is ordered after this.
extern "C-unwind" fn run_once() {
    if let Some((routine, control, site)) = ROUTINE.take() {
        routine();
        keyed::release(control, &ONCE, site);
    }
}

/// A function that locks: its arguments, and how what it has locked is acquired.
macro_rules! locking {
    ($real:ident, $caller:ident, $kind:ident, $lock:ident $(, $argument:ident)*) => {
        // SAFETY: the caller's arguments.
        locked($lock, &$kind, $caller, unsafe { $real($lock $(, $argument)*) })
    };
}

interpose! {
    pthread_mutex_lock(mutex: *mut pthread_mutex_t) -> c_int, "rsi", |real, caller|
        locking!(real, caller, MUTEX, mutex);
    pthread_mutex_trylock(mutex: *mut pthread_mutex_t) -> c_int, "rsi", |real, caller|
        locking!(real, caller, MUTEX, mutex);
    pthread_mutex_timedlock(mutex: *mut pthread_mutex_t, until: *const timespec) -> c_int, "rdx", |real, caller|
        locking!(real, caller, MUTEX, mutex, until);
    pthread_mutex_clocklock(mutex: *mut pthread_mutex_t, clock: clockid_t, until: *const timespec) -> c_int, "rcx", |real, caller|
        locking!(real, caller, MUTEX, mutex, clock, until);
    pthread_mutex_unlock(mutex: *mut pthread_mutex_t) -> c_int, "rsi", |real, caller| {
        keyed::release(mutex.addr(), &MUTEX, caller);
        // SAFETY: the caller's argument.
        unsafe { real(mutex) }
    };
    pthread_mutex_destroy(mutex: *mut pthread_mutex_t) -> c_int, "rsi", |real, _caller| {
        keyed::forget(mutex.addr());
        // SAFETY: the caller's argument.
        unsafe { real(mutex) }
    };

    pthread_cond_wait(condition: *mut pthread_cond_t, mutex: *mut pthread_mutex_t) -> c_int, "rdx", |real, caller|
        // SAFETY: the caller's arguments.
        waited(mutex, caller, || unsafe { real(condition, mutex) });
    pthread_cond_timedwait(condition: *mut pthread_cond_t, mutex: *mut pthread_mutex_t, until: *const timespec) -> c_int, "rcx", |real, caller|
        // SAFETY: the caller's arguments.
        waited(mutex, caller, || unsafe { real(condition, mutex, until) });
    pthread_cond_clockwait(condition: *mut pthread_cond_t, mutex: *mut pthread_mutex_t, clock: clockid_t, until: *const timespec) -> c_int, "r8", |real, caller|
        // SAFETY: the caller's arguments.
        waited(mutex, caller, || unsafe { real(condition, mutex, clock, until) });

    pthread_rwlock_rdlock(lock: *mut pthread_rwlock_t) -> c_int, "rsi", |real, caller|
        locking!(real, caller, RWLOCK, lock);
    pthread_rwlock_tryrdlock(lock: *mut pthread_rwlock_t) -> c_int, "rsi", |real, caller|
        locking!(real, caller, RWLOCK, lock);
    pthread_rwlock_timedrdlock(lock: *mut pthread_rwlock_t, until: *const timespec) -> c_int, "rdx", |real, caller|
        locking!(real, caller, RWLOCK, lock, until);
    pthread_rwlock_wrlock(lock: *mut pthread_rwlock_t) -> c_int, "rsi", |real, caller|
        // SAFETY: the caller's argument.
        wrote(lock, caller, unsafe { real(lock) });
    pthread_rwlock_trywrlock(lock: *mut pthread_rwlock_t) -> c_int, "rsi", |real, caller|
        // SAFETY: the caller's argument.
        wrote(lock, caller, unsafe { real(lock) });
    pthread_rwlock_timedwrlock(lock: *mut pthread_rwlock_t, until: *const timespec) -> c_int, "rdx", |real, caller|
        // SAFETY: the caller's arguments.
        wrote(lock, caller, unsafe { real(lock, until) });
    pthread_rwlock_unlock(lock: *mut pthread_rwlock_t) -> c_int, "rsi", |real, caller| {
        unlocks(lock, caller);
        // SAFETY: the caller's argument.
        unsafe { real(lock) }
    };

    pthread_spin_lock(lock: *mut pthread_spinlock_t) -> c_int, "rsi", |real, caller|
        locking!(real, caller, MUTEX, lock);
    pthread_spin_trylock(lock: *mut pthread_spinlock_t) -> c_int, "rsi", |real, caller|
        locking!(real, caller, MUTEX, lock);
    pthread_spin_unlock(lock: *mut pthread_spinlock_t) -> c_int, "rsi", |real, caller| {
        keyed::release(lock.addr(), &MUTEX, caller);
        // SAFETY: the caller's argument.
        unsafe { real(lock) }
    };

    sem_wait(semaphore: *mut sem_t) -> c_int, "rsi", |real, caller|
        locking!(real, caller, SEMAPHORE, semaphore);
    sem_trywait(semaphore: *mut sem_t) -> c_int, "rsi", |real, caller|
        locking!(real, caller, SEMAPHORE, semaphore);
    sem_timedwait(semaphore: *mut sem_t, until: *const timespec) -> c_int, "rdx", |real, caller|
        locking!(real, caller, SEMAPHORE, semaphore, until);
    sem_clockwait(semaphore: *mut sem_t, clock: clockid_t, until: *const timespec) -> c_int, "rcx", |real, caller|
        locking!(real, caller, SEMAPHORE, semaphore, clock, until);
    sem_post(semaphore: *mut sem_t) -> c_int, "rsi", |real, caller| {
        keyed::release(semaphore.addr(), &SEMAPHORE, caller);
        // SAFETY: the caller's argument.
        unsafe { real(semaphore) }
    };

    pthread_barrier_wait(barrier: *mut pthread_barrier_t) -> c_int, "rsi", |real, caller| {
        keyed::release(barrier.addr(), &BARRIER, caller);
        // SAFETY: the caller's argument.
        let result = unsafe { real(barrier) };
        keyed::acquire(barrier.addr(), &BARRIER, caller);
        result
    };

    pthread_once(control: *mut pthread_once_t, routine: extern "C-unwind" fn()) -> c_int, "rdx", |real, caller| {
        let outer = ROUTINE.replace(Some((routine, control.addr(), caller)));
        // SAFETY: the caller's control, and a routine that runs the caller's.
        let result = unsafe { real(control, run_once) };
        ROUTINE.set(outer);
        keyed::acquire(control.addr(), &ONCE, caller);
        result
    };
}
