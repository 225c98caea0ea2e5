//! A plain write of what others use as an atomic.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};
use std::thread;

static COUNT: AtomicU64 = AtomicU64::new(0);

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
    thread::scope(|scope| {
        for _ in 1..threads() {
            scope.spawn(|| {
                meet();
                COUNT.fetch_add(1, SeqCst) // race
            });
        }
        meet();
        unsafe { COUNT.as_ptr().write(7) }; // race
    });
}
