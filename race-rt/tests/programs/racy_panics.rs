//! A race after panics: its stacks are right.

use std::panic::{catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

static mut VALUE: u64 = 0;

#[inline(never)]
fn dive(depth: u64) -> u64 {
    if depth == 0 {
        resume_unwind(Box::new(depth));
    }
    let below = dive(depth - 1);
    std::hint::black_box(below + 1)
}

#[inline(never)]
fn write() {
    unsafe { VALUE += 1 }; // race
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
    thread::scope(|scope| {
        for _ in 0..threads() {
            scope.spawn(|| {
                assert!(catch_unwind(|| dive(10)).is_err());
                meet();
                write();
            });
        }
    });
}
