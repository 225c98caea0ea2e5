//! A counter behind a POSIX spin lock.

use std::cell::UnsafeCell;
use std::ffi::{c_int, c_void};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use super::threads;

unsafe extern "C" {
    fn pthread_spin_init(lock: *mut c_void, shared: c_int) -> c_int;
    fn pthread_spin_destroy(lock: *mut c_void) -> c_int;
    fn pthread_spin_lock(lock: *mut c_void) -> c_int;
    fn pthread_spin_trylock(lock: *mut c_void) -> c_int;
    fn pthread_spin_unlock(lock: *mut c_void) -> c_int;
}

#[derive(Default)]
struct Counter {
    lock: UnsafeCell<c_int>,
    value: UnsafeCell<u64>,
}

unsafe impl Sync for Counter {}

/// Threads that have begun: `std` orders the end of one before the start of the next.
static BEGUN: AtomicUsize = AtomicUsize::new(0);

fn meet() {
    BEGUN.fetch_add(1, Relaxed);
    while BEGUN.load(Relaxed) < threads() {
        thread::yield_now();
    }
}

pub(crate) fn run() {
    let counter = Counter::default();
    unsafe { pthread_spin_init(counter.lock.get().cast(), 0) };
    let counter = &counter;
    thread::scope(|scope| {
        for _ in 0..threads() {
            scope.spawn(move || {
                meet();
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
