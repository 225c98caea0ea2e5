//! Each thread locks a mutex of its own.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

static mut COUNT: u64 = 0;

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

fn count(lock: &Mutex<()>) {
    let _guard = lock.lock().unwrap();
    unsafe { COUNT += 1 }; // race
}

fn main() {
    let locks: Vec<Mutex<()>> = (0..threads()).map(|_| Mutex::new(())).collect();
    thread::scope(|scope| {
        for lock in &locks {
            scope.spawn(move || {
                meet();
                count(lock);
            });
        }
    });
}
