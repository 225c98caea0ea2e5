//! Whoever finds the value there doesn't ask whether it is done.

use std::cell::UnsafeCell;
use std::ffi::c_int;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use super::threads;
use crate::c::pthread_once;

struct Control(UnsafeCell<c_int>);

unsafe impl Sync for Control {}

static CONTROL: Control = Control(UnsafeCell::new(0));
static MADE: AtomicBool = AtomicBool::new(false);
static mut VALUE: u64 = 0;

extern "C" fn make() {
    unsafe { (&raw mut VALUE).write(7) }; // race: racy_pthread_once
    MADE.store(true, Relaxed);
}

fn read() {
    while !MADE.load(Relaxed) {
        thread::yield_now();
    }
    let value = unsafe { (&raw const VALUE).read() }; // race: racy_pthread_once
    std::hint::black_box(value);
}

pub(crate) fn run() {
    let readers: Vec<_> = (1..threads()).map(|_| thread::spawn(read)).collect();
    unsafe { pthread_once(CONTROL.0.get().cast(), make) };
    for reader in readers {
        reader.join().unwrap();
    }
}
