//! What a thread that POSIX has started wrote is read after it has ended, and before anybody has joined it.

use std::ffi::c_void;
use std::hint::black_box;
use std::ptr;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use super::threads;
use crate::c::{pthread_create, pthread_join};

static mut VALUE: u64 = 0;
static DONE: AtomicUsize = AtomicUsize::new(0);

extern "C" fn write(_: *mut c_void) -> *mut c_void {
    unsafe { (&raw mut VALUE).write(black_box(7)) }; // race: racy_pthread_created
    DONE.fetch_add(1, Relaxed);
    ptr::null_mut()
}

extern "C" fn nothing(_: *mut c_void) -> *mut c_void {
    DONE.fetch_add(1, Relaxed);
    ptr::null_mut()
}

fn create(start: extern "C" fn(*mut c_void) -> *mut c_void) -> usize {
    let mut thread = 0;
    let result = unsafe { pthread_create(&mut thread, ptr::null(), start, ptr::null_mut()) };
    assert_eq!(result, 0);
    thread
}

pub(crate) fn run() {
    let mut all = vec![create(write)];
    all.extend((1..threads()).map(|_| create(nothing)));
    while DONE.load(Relaxed) < threads() {
        thread::yield_now();
    }
    let value = unsafe { (&raw const VALUE).read() }; // race: racy_pthread_created
    black_box(value);
    for thread in all {
        assert_eq!(unsafe { pthread_join(thread, ptr::null_mut()) }, 0);
    }
}
