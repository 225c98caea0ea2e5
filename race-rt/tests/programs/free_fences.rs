//! Data published by relaxed operations with fences around them.

use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering::*, fence};
use std::{hint, ptr, thread};

static mut VALUE: [u64; 4] = [0; 4];
static READY: AtomicBool = AtomicBool::new(false);
static BOXED: AtomicPtr<Vec<u64>> = AtomicPtr::new(ptr::null_mut());
static DONE: AtomicUsize = AtomicUsize::new(0);

fn threads() -> usize {
    std::env::args().nth(1).map_or(2, |n| n.parse().unwrap())
}

fn read() {
    while !READY.load(Relaxed) {
        hint::spin_loop();
        thread::yield_now();
    }
    fence(Acquire);
    let value = unsafe { (&raw const VALUE).read() };
    assert_eq!(value, [7; 4]);
    let boxed = BOXED.load(Relaxed);
    fence(SeqCst);
    assert_eq!(unsafe { &*boxed }.len(), 3);
    if DONE.fetch_add(1, Release) + 2 == threads() {
        fence(Acquire);
        drop(unsafe { Box::from_raw(boxed) });
    }
}

fn main() {
    let readers: Vec<_> = (1..threads()).map(|_| thread::spawn(read)).collect();
    unsafe { VALUE = [7; 4] };
    BOXED.store(Box::into_raw(Box::new(vec![1, 2, 3])), Relaxed);
    fence(Release);
    READY.store(true, Relaxed);
    for reader in readers {
        reader.join().unwrap();
    }
}
