//! Stacks of accesses: a million calls old, deep, after panics that were caught.

use std::hint::black_box;
use std::panic::{catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use crate::support::{Meeting, until};

crate::programs! {
    race: old_access, deep_access, after_panics, two_ways_to_one_line;
    none: panics_and_recursion;
}

static mut VALUE: u64 = 0;

#[inline(never)]
fn write_early() {
    unsafe { VALUE = 1 }; // race: old_access
}

#[inline(never)]
fn write_late() {
    unsafe { VALUE = 2 }; // race: old_access
}

#[inline(never)]
fn call(n: u64) -> u64 {
    black_box(n)
}

/// The thread goes on after its write, with a million calls; and doesn't end before its handle is gone, which would order the two.
fn old_access(_: usize) {
    let (done, is_let_go) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|s| {
        s.spawn(|| {
            write_early();
            black_box((0..1_000_000).map(call).sum::<u64>());
            done.store(true, Relaxed);
            until(&is_let_go);
        });
        is_let_go.store(true, Relaxed);
        until(&done);
        write_late();
    });
}

#[inline(never)]
fn at_depth(depth: u64, access: fn()) -> u64 {
    if depth == 0 {
        access();
        return 0;
    }
    black_box(at_depth(depth - 1, access)) + 1
}

#[inline(never)]
fn write_deep_down() {
    unsafe { VALUE += 1 }; // race: deep_access
}

fn deep_access(threads: usize) {
    let all = Meeting::of(threads);
    thread::scope(|s| {
        for _ in 0..threads {
            s.spawn(|| {
                all.meet();
                assert_eq!(at_depth(300, write_deep_down), 300);
            });
        }
    });
}

#[inline(never)]
fn dive(depth: u64) -> u64 {
    if depth == 0 {
        resume_unwind(Box::new(depth));
    }
    black_box(dive(depth - 1) + 1)
}

#[inline(never)]
fn write_after_panics() {
    unsafe { VALUE = 3 }; // race: after_panics
}

fn after_panics(threads: usize) {
    let all = Meeting::of(threads);
    thread::scope(|s| {
        for _ in 0..threads {
            s.spawn(|| {
                for depth in 0..50 {
                    assert!(catch_unwind(|| dive(depth)).is_err());
                }
                all.meet();
                write_after_panics();
            });
        }
    });
}

/// One line, which is reached in two ways.
fn two_ways_to_one_line(_: usize) {
    #[inline(never)]
    fn write() {
        unsafe { VALUE += 2 }; // race: two_ways_to_one_line
    }
    #[inline(never)]
    fn by_one_way() {
        write();
        black_box(());
    }
    #[inline(never)]
    fn by_another() {
        write();
        black_box(());
    }
    thread::scope(|s| {
        let _one = s.spawn(by_one_way);
        let _another = s.spawn(by_another);
    });
}

static TOTAL: Mutex<u64> = Mutex::new(0);

/// Unwinding leaves functions without their ends, whose stacks are right again afterwards.
fn panics_and_recursion(threads: usize) {
    thread::scope(|s| {
        for _ in 0..threads {
            s.spawn(|| {
                for depth in 0..50 {
                    assert!(catch_unwind(|| dive(depth)).is_err());
                }
                *TOTAL.lock().unwrap() += at_depth(3000, || ());
            });
        }
    });
    assert_eq!(*TOTAL.lock().unwrap(), 3000 * threads as u64);
}
