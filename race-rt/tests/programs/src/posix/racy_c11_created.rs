//! A thread that C11 has started is used after it has ended, and before anybody has joined it. Others are detached.

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use super::threads;
use crate::c::{thrd_create, thrd_detach, thrd_join};

static mut VALUE: u64 = 0;
static DONE: AtomicUsize = AtomicUsize::new(0);

extern "C" fn write(_: *mut c_void) -> c_int {
    unsafe { (&raw mut VALUE).write(7) }; // race: racy_c11_created
    DONE.fetch_add(1, Relaxed);
    0
}

extern "C" fn nothing(_: *mut c_void) -> c_int {
    DONE.fetch_add(1, Relaxed);
    0
}

pub(crate) fn run() {
    let (mut writer, mut other) = (0, 0);
    assert_eq!(
        unsafe { thrd_create(&mut writer, write, ptr::null_mut()) },
        0
    );
    for _ in 1..threads() {
        assert_eq!(
            unsafe { thrd_create(&mut other, nothing, ptr::null_mut()) },
            0
        );
        assert_eq!(unsafe { thrd_detach(other) }, 0);
    }
    while DONE.load(Relaxed) < threads() {
        thread::yield_now();
    }
    let value = unsafe { (&raw const VALUE).read() }; // race: racy_c11_created
    std::hint::black_box(value);
    unsafe { thrd_join(writer, ptr::null_mut()) };
}
