//! The reader has no fence.

use std::sync::atomic::{AtomicBool, Ordering::*, fence};
use std::{hint, thread};

static mut VALUE: [u64; 4] = [0; 4];
static READY: AtomicBool = AtomicBool::new(false);

fn threads() -> usize {
    std::env::args().nth(1).map_or(2, |n| n.parse().unwrap())
}

fn read() {
    while !READY.load(Relaxed) {
        hint::spin_loop();
        thread::yield_now();
    }
    let value = unsafe { (&raw const VALUE[2]).read() }; // race
    std::hint::black_box(value);
}

fn main() {
    let readers: Vec<_> = (1..threads()).map(|_| thread::spawn(read)).collect();
    unsafe { VALUE[2] = 7 }; // race
    fence(Release);
    READY.store(true, Relaxed);
    for reader in readers {
        reader.join().unwrap();
    }
}
