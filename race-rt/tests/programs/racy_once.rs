//! A lazy value with a flag of its own, which is checked without order.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

static LOCK: Mutex<()> = Mutex::new(());
static MADE: AtomicBool = AtomicBool::new(false);
static mut VALUE: u64 = 0;

fn threads() -> usize {
    std::env::args().nth(1).map_or(2, |n| n.parse().unwrap())
}

fn make() {
    let _guard = LOCK.lock().unwrap();
    unsafe { VALUE = 7 }; // race
    MADE.store(true, Relaxed);
}

fn get() -> u64 {
    while !MADE.load(Relaxed) {
        thread::yield_now();
    }
    unsafe { (&raw const VALUE).read() } // race
}

fn main() {
    let readers: Vec<_> = (1..threads()).map(|_| thread::spawn(get)).collect();
    make();
    for reader in readers {
        assert_eq!(reader.join().unwrap(), 7);
    }
}
