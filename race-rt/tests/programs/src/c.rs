//! C's functions for threads, and what they work on.

use std::ffi::{c_char, c_int, c_uint, c_void};

use crate::support::Plain;

/// Room for any of C's objects. All zeros is an initialised mutex, condition variable, read-write lock and once-control.
#[repr(align(16))]
pub(crate) struct Object(Plain<[u8; 128]>);

impl Object {
    pub(crate) const fn new() -> Object {
        Object(Plain::new([0; 128]))
    }

    pub(crate) fn get(&self) -> *mut c_void {
        self.0.pointer().cast()
    }
}

unsafe extern "C" {
    pub(crate) fn __cxa_guard_acquire(guard: *mut c_void) -> c_int;
    pub(crate) fn __cxa_guard_release(guard: *mut c_void);
    pub(crate) fn call_once(flag: *mut c_void, routine: extern "C" fn());
    pub(crate) fn cnd_broadcast(condition: *mut c_void) -> c_int;
    pub(crate) fn cnd_init(condition: *mut c_void) -> c_int;
    pub(crate) fn cnd_timedwait(
        condition: *mut c_void,
        mutex: *mut c_void,
        until: *const [i64; 2],
    ) -> c_int;
    pub(crate) fn cnd_wait(condition: *mut c_void, mutex: *mut c_void) -> c_int;
    pub(crate) fn mtx_destroy(mutex: *mut c_void);
    pub(crate) fn mtx_init(mutex: *mut c_void, kind: c_int) -> c_int;
    pub(crate) fn mtx_lock(mutex: *mut c_void) -> c_int;
    pub(crate) fn mtx_timedlock(mutex: *mut c_void, until: *const [i64; 2]) -> c_int;
    pub(crate) fn mtx_trylock(mutex: *mut c_void) -> c_int;
    pub(crate) fn mtx_unlock(mutex: *mut c_void) -> c_int;
    pub(crate) fn pthread_barrier_destroy(barrier: *mut c_void) -> c_int;
    pub(crate) fn pthread_barrier_init(
        barrier: *mut c_void,
        attributes: *const c_void,
        count: c_uint,
    ) -> c_int;
    pub(crate) fn pthread_barrier_wait(barrier: *mut c_void) -> c_int;
    pub(crate) fn pthread_cond_broadcast(condition: *mut c_void) -> c_int;
    pub(crate) fn pthread_cond_clockwait(
        condition: *mut c_void,
        mutex: *mut c_void,
        clock: c_int,
        until: *const [i64; 2],
    ) -> c_int;
    pub(crate) fn pthread_cond_timedwait(
        condition: *mut c_void,
        mutex: *mut c_void,
        until: *const [i64; 2],
    ) -> c_int;
    pub(crate) fn pthread_cond_wait(condition: *mut c_void, mutex: *mut c_void) -> c_int;
    pub(crate) fn pthread_mutex_clocklock(
        mutex: *mut c_void,
        clock: c_int,
        until: *const [i64; 2],
    ) -> c_int;
    pub(crate) fn pthread_mutex_consistent(mutex: *mut c_void) -> c_int;
    pub(crate) fn pthread_create(
        thread: *mut usize,
        attributes: *const c_void,
        start: extern "C" fn(*mut c_void) -> *mut c_void,
        argument: *mut c_void,
    ) -> c_int;
    pub(crate) fn pthread_join(thread: usize, result: *mut *mut c_void) -> c_int;
    pub(crate) fn pthread_mutex_destroy(mutex: *mut c_void) -> c_int;
    pub(crate) fn pthread_mutex_init(mutex: *mut c_void, attributes: *const c_void) -> c_int;
    pub(crate) fn pthread_mutex_lock(mutex: *mut c_void) -> c_int;
    pub(crate) fn pthread_mutex_timedlock(mutex: *mut c_void, until: *const [i64; 2]) -> c_int;
    pub(crate) fn pthread_mutex_trylock(mutex: *mut c_void) -> c_int;
    pub(crate) fn pthread_mutex_unlock(mutex: *mut c_void) -> c_int;
    pub(crate) fn pthread_mutexattr_init(attributes: *mut c_void) -> c_int;
    pub(crate) fn pthread_mutexattr_setrobust(attributes: *mut c_void, robust: c_int) -> c_int;
    pub(crate) fn pthread_mutexattr_settype(attributes: *mut c_void, kind: c_int) -> c_int;
    pub(crate) fn pthread_once(control: *mut c_void, routine: extern "C" fn()) -> c_int;
    pub(crate) fn pthread_rwlock_destroy(lock: *mut c_void) -> c_int;
    pub(crate) fn pthread_rwlock_init(lock: *mut c_void, attributes: *const c_void) -> c_int;
    pub(crate) fn pthread_rwlock_rdlock(lock: *mut c_void) -> c_int;
    pub(crate) fn pthread_rwlock_timedrdlock(lock: *mut c_void, until: *const [i64; 2]) -> c_int;
    pub(crate) fn pthread_rwlock_timedwrlock(lock: *mut c_void, until: *const [i64; 2]) -> c_int;
    pub(crate) fn pthread_rwlock_tryrdlock(lock: *mut c_void) -> c_int;
    pub(crate) fn pthread_rwlock_trywrlock(lock: *mut c_void) -> c_int;
    pub(crate) fn pthread_rwlock_unlock(lock: *mut c_void) -> c_int;
    pub(crate) fn pthread_rwlock_wrlock(lock: *mut c_void) -> c_int;
    pub(crate) fn pthread_spin_destroy(lock: *mut c_void) -> c_int;
    pub(crate) fn pthread_spin_init(lock: *mut c_void, shared: c_int) -> c_int;
    pub(crate) fn pthread_spin_lock(lock: *mut c_void) -> c_int;
    pub(crate) fn pthread_spin_trylock(lock: *mut c_void) -> c_int;
    pub(crate) fn pthread_spin_unlock(lock: *mut c_void) -> c_int;
    pub(crate) fn sem_close(semaphore: *mut c_void) -> c_int;
    pub(crate) fn sem_destroy(semaphore: *mut c_void) -> c_int;
    pub(crate) fn sem_init(semaphore: *mut c_void, shared: c_int, value: c_uint) -> c_int;
    pub(crate) fn sem_open(
        name: *const c_char,
        flags: c_int,
        mode: c_uint,
        value: c_uint,
    ) -> *mut c_void;
    pub(crate) fn sem_post(semaphore: *mut c_void) -> c_int;
    pub(crate) fn sem_timedwait(semaphore: *mut c_void, until: *const [i64; 2]) -> c_int;
    pub(crate) fn sem_trywait(semaphore: *mut c_void) -> c_int;
    pub(crate) fn sem_unlink(name: *const c_char) -> c_int;
    pub(crate) fn sem_wait(semaphore: *mut c_void) -> c_int;
    pub(crate) fn thrd_create(
        thread: *mut usize,
        start: extern "C" fn(*mut c_void) -> c_int,
        argument: *mut c_void,
    ) -> c_int;
    pub(crate) fn thrd_join(thread: usize, result: *mut c_int) -> c_int;
    pub(crate) fn thrd_detach(thread: usize) -> c_int;
}
