//! A thread-local's destructor writes what another thread writes without order: the scope doesn't wait for it.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

static mut COUNT: u64 = 0;

struct Counts;

impl Drop for Counts {
    fn drop(&mut self) {
        unsafe { COUNT += 1 }; // race
    }
}

thread_local! {
    static LOCAL: Counts = const { Counts };
}

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
    let all: Vec<_> = (0..threads())
        .map(|_| thread::spawn(|| LOCAL.with(|_| meet())))
        .collect();
    for thread in all {
        thread.join().unwrap();
    }
}
