//! A reader of an `RwLock` writes through a raw pointer.

use std::sync::RwLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

struct Slot(*mut u64);

unsafe impl Send for Slot {}
unsafe impl Sync for Slot {}

fn threads() -> usize {
    std::env::args().nth(1).map_or(2, |n| n.parse().unwrap())
}

static MET: AtomicUsize = AtomicUsize::new(0);

/// All threads are there at once, which orders nothing: none ends before another begins.
fn meet() {
    MET.fetch_add(1, Relaxed);
    while MET.load(Relaxed) < threads() {
        thread::yield_now();
    }
}

fn main() {
    let mut value = 0u64;
    let shared = RwLock::new(Slot(&raw mut value));
    thread::scope(|scope| {
        for _ in 0..threads() {
            scope.spawn(|| {
                let slot = shared.read().unwrap();
                meet();
                unsafe { slot.0.write(7) }; // race
            });
        }
    });
    assert_eq!(value, 7);
}
