//! The guard of a C++ static variable, as a compiler calls for it. Without C++ in the program, the runtime has these functions itself.

use std::cell::UnsafeCell;
use std::ffi::{c_int, c_void};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use super::threads;

unsafe extern "C" {
    fn __cxa_guard_acquire(guard: *mut c_void) -> c_int;
    fn __cxa_guard_release(guard: *mut c_void);
}

struct Guard(UnsafeCell<u64>);

unsafe impl Sync for Guard {}

static GUARD: Guard = Guard(UnsafeCell::new(0));
static mut VALUE: u64 = 0;

/// Threads that have begun: `std` orders the end of one before the start of the next.
static BEGUN: AtomicUsize = AtomicUsize::new(0);

fn meet() {
    BEGUN.fetch_add(1, Relaxed);
    while BEGUN.load(Relaxed) < threads() {
        thread::yield_now();
    }
}

pub(crate) fn run() {
    thread::scope(|scope| {
        for _ in 0..threads() {
            scope.spawn(|| unsafe {
                meet();
                let guard: *mut c_void = GUARD.0.get().cast();
                if __cxa_guard_acquire(guard) != 0 {
                    VALUE = 7;
                    __cxa_guard_release(guard);
                }
                assert_eq!((&raw const VALUE).read(), 7);
            });
        }
    });
}
