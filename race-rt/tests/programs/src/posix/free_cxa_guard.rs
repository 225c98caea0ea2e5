//! The guard of a C++ static variable, as a compiler calls for it. Without C++ in the program, the runtime has these functions itself.

use std::cell::UnsafeCell;
use std::ffi::c_void;
use std::thread;

use super::threads;
use crate::c::{__cxa_guard_acquire, __cxa_guard_release};
use crate::support::Meeting;

struct Guard(UnsafeCell<u64>);

unsafe impl Sync for Guard {}

static GUARD: Guard = Guard(UnsafeCell::new(0));
static mut VALUE: u64 = 0;

pub(crate) fn run() {
    let begun = &Meeting::of(threads());
    thread::scope(|scope| {
        for _ in 0..threads() {
            scope.spawn(|| unsafe {
                begun.meet();
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
