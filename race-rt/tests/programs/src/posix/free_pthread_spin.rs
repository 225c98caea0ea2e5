//! A counter behind a POSIX spin lock.

use std::cell::UnsafeCell;
use std::ffi::{c_int, c_void};
use std::thread;

use super::threads;
use crate::c::{
    pthread_spin_destroy, pthread_spin_init, pthread_spin_lock, pthread_spin_trylock,
    pthread_spin_unlock,
};
use crate::support::Meeting;

#[derive(Default)]
struct Counter {
    lock: UnsafeCell<c_int>,
    value: UnsafeCell<u64>,
}

unsafe impl Sync for Counter {}

pub(crate) fn run() {
    let begun = &Meeting::of(threads());
    let counter = Counter::default();
    unsafe { pthread_spin_init(counter.lock.get().cast(), 0) };
    let counter = &counter;
    thread::scope(|scope| {
        for _ in 0..threads() {
            scope.spawn(move || {
                begun.meet();
                for turn in 0..20 {
                    let lock: *mut c_void = counter.lock.get().cast();
                    unsafe {
                        if turn % 2 == 0 {
                            pthread_spin_lock(lock);
                        } else {
                            while pthread_spin_trylock(lock) != 0 {
                                thread::yield_now();
                            }
                        }
                        *counter.value.get() += 1;
                        pthread_spin_unlock(lock);
                    }
                }
            });
        }
    });
    unsafe { pthread_spin_destroy(counter.lock.get().cast()) };
    assert_eq!(unsafe { *counter.value.get() }, 20 * threads() as u64);
}
