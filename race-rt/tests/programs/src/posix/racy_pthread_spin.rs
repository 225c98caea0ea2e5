//! Each thread has a spin lock of its own.

use std::cell::UnsafeCell;
use std::ffi::{c_int, c_void};
use std::hint::black_box;
use std::thread;

use super::threads;
use crate::c::{pthread_spin_init, pthread_spin_lock, pthread_spin_unlock};
use crate::support::Meeting;

static mut VALUE: u64 = 0;

fn write(begun: &Meeting) {
    begun.meet();
    let lock: UnsafeCell<c_int> = UnsafeCell::new(0);
    let lock: *mut c_void = lock.get().cast();
    unsafe {
        pthread_spin_init(lock, 0);
        pthread_spin_lock(lock);
        black_box(&raw mut VALUE).write(7); // race: racy_pthread_spin
        pthread_spin_unlock(lock);
    }
}

pub(crate) fn run() {
    let begun = &Meeting::of(threads());
    thread::scope(|scope| {
        for _ in 0..threads() {
            scope.spawn(|| write(begun));
        }
    });
}
