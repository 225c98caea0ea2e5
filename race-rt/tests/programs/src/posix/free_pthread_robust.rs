//! A robust mutex whose owner has ended: who gets it next sees what the owner did.

use std::cell::UnsafeCell;
use std::ffi::{c_int, c_void};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use super::threads;
use crate::c::{
    pthread_mutex_consistent, pthread_mutex_init, pthread_mutex_lock, pthread_mutex_unlock,
    pthread_mutexattr_init, pthread_mutexattr_setrobust,
};

const OWNER_DEAD: c_int = 130;

#[repr(align(16))]
struct Robust {
    mutex: UnsafeCell<[u64; 8]>,
    value: UnsafeCell<u64>,
}

unsafe impl Sync for Robust {}

static ROBUST: Robust = Robust {
    mutex: UnsafeCell::new([0; 8]),
    value: UnsafeCell::new(0),
};
static LOCKED: AtomicBool = AtomicBool::new(false);

fn own() {
    assert_eq!(unsafe { pthread_mutex_lock(ROBUST.mutex.get().cast()) }, 0);
    LOCKED.store(true, Relaxed);
    unsafe { *ROBUST.value.get() = 7 };
}

fn inherit() {
    while !LOCKED.load(Relaxed) {
        thread::yield_now();
    }
    let mutex: *mut c_void = ROBUST.mutex.get().cast();
    match unsafe { pthread_mutex_lock(mutex) } {
        OWNER_DEAD => assert_eq!(unsafe { pthread_mutex_consistent(mutex) }, 0),
        result => assert_eq!(result, 0),
    }
    assert!(unsafe { *ROBUST.value.get() } >= 7);
    unsafe { *ROBUST.value.get() += 1 };
    unsafe { pthread_mutex_unlock(mutex) };
}

pub(crate) fn run() {
    let mut attributes = 0u64;
    let attributes: *mut c_void = (&raw mut attributes).cast();
    unsafe {
        pthread_mutexattr_init(attributes);
        pthread_mutexattr_setrobust(attributes, 1);
        pthread_mutex_init(ROBUST.mutex.get().cast(), attributes);
    }
    let heirs: Vec<_> = (1..threads()).map(|_| thread::spawn(inherit)).collect();
    let owner = thread::spawn(own);
    for thread in heirs {
        thread.join().unwrap();
    }
    owner.join().unwrap();
}
