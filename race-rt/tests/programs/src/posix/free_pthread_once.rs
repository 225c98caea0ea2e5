//! A value made by `pthread_once`, whose routine calls for another one; and by C11's `call_once`.

use std::cell::UnsafeCell;
use std::ffi::c_int;
use std::thread;

use super::threads;
use crate::c::{call_once, pthread_once};
use crate::support::Meeting;

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

pub(crate) fn run() {
    let begun = &Meeting::of(threads());
    thread::scope(|scope| {
        for _ in 0..threads() {
            scope.spawn(|| unsafe {
                begun.meet();
                pthread_once(OUTER.0.get().cast(), outer);
                call_once(C11.0.get().cast(), c11);
                assert_eq!((&raw const VALUES).read(), [1, 2, 3]);
            });
        }
    });
}
