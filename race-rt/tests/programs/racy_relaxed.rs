//! A flag that is stored relaxed.

use std::sync::atomic::{AtomicBool, Ordering::*};
use std::thread;

static FLAG: AtomicBool = AtomicBool::new(false);
static mut VALUE: u32 = 0;

fn threads() -> usize {
    std::env::args().nth(1).map_or(2, |n| n.parse().unwrap())
}

fn wait() {
    while !FLAG.load(Acquire) {
        thread::yield_now();
    }
    let value = unsafe { (&raw const VALUE).read() }; // race
    std::hint::black_box(value);
}

fn main() {
    let waiting: Vec<_> = (1..threads()).map(|_| thread::spawn(wait)).collect();
    unsafe { VALUE = 7 }; // race
    FLAG.store(true, Relaxed);
    for thread in waiting {
        thread.join().unwrap();
    }
}
