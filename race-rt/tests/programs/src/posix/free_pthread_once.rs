//! A value made by `pthread_once`, whose routine calls for another one; and by C11's `call_once`.

use std::cell::UnsafeCell;
use std::ffi::{c_int, c_void};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use super::threads;

unsafe extern "C" {
    fn pthread_once(control: *mut c_void, routine: extern "C" fn()) -> c_int;
    fn call_once(flag: *mut c_void, routine: extern "C" fn());
}

struct Control(UnsafeCell<c_int>);

unsafe impl Sync for Control {}

static OUTER: Control = Control(UnsafeCell::new(0));
static INNER: Control = Control(UnsafeCell::new(0));
static C11: Control = Control(UnsafeCell::new(0));
static mut VALUES: [u64; 3] = [0; 3];

extern "C" fn inner() {
    unsafe { VALUES[0] = 1 };
}

extern "C" fn outer() {
    unsafe {
        pthread_once(INNER.0.get().cast(), inner);
        VALUES[1] = VALUES[0] + 1;
    }
}

extern "C" fn c11() {
    unsafe { VALUES[2] = 3 };
}

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
                pthread_once(OUTER.0.get().cast(), outer);
                call_once(C11.0.get().cast(), c11);
                assert_eq!((&raw const VALUES).read(), [1, 2, 3]);
            });
        }
    });
}
