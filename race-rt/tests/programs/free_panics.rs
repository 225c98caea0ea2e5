//! Panics unwind through instrumented functions, which come back with their stacks in order; recursion is deep.

use std::panic::{catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::thread;

static TOTAL: Mutex<u64> = Mutex::new(0);

#[inline(never)]
fn dive(depth: u64) -> u64 {
    if depth == 0 {
        resume_unwind(Box::new(depth));
    }
    let below = dive(depth - 1);
    std::hint::black_box(below + 1)
}

#[inline(never)]
fn sum(depth: u64) -> u64 {
    if depth == 0 { 0 } else { std::hint::black_box(sum(depth - 1)) + 1 }
}

fn threads() -> usize {
    std::env::args().nth(1).map_or(2, |n| n.parse().unwrap())
}

fn main() {
    thread::scope(|scope| {
        for _ in 0..threads() {
            scope.spawn(|| {
                for round in 0..50 {
                    assert!(catch_unwind(|| dive(round)).is_err());
                }
                *TOTAL.lock().unwrap() += sum(5000);
            });
        }
    });
    assert_eq!(*TOTAL.lock().unwrap(), 5000 * threads() as u64);
}
