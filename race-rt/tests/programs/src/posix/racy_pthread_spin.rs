//! Each thread has a spin lock of its own.

use std::cell::UnsafeCell;
use std::ffi::{c_int, c_void};
use std::hint::black_box;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use super::threads;

unsafe extern "C" {
    fn pthread_spin_init(lock: *mut c_void, shared: c_int) -> c_int;
    fn pthread_spin_lock(lock: *mut c_void) -> c_int;
    fn pthread_spin_unlock(lock: *mut c_void) -> c_int;
}

static mut VALUE: u64 = 0;

/// Threads that have begun: `std` orders the end of one before the start of the next.
static BEGUN: AtomicUsize = AtomicUsize::new(0);

fn write() {
    BEGUN.fetch_add(1, Relaxed);
    while BEGUN.load(Relaxed) < threads() {
        thread::yield_now();
    }
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
    let writers: Vec<_> = (0..threads()).map(|_| thread::spawn(write)).collect();
    for writer in writers {
        writer.join().unwrap();
    }
}
