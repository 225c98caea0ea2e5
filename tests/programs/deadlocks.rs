//! Deadlocks, or comes near to it, in the way that its argument names.

use std::process::exit;
use std::sync::Barrier as UntrackedBarrier;
use std::sync::mpsc as untracked;

use racecheck::sync::{Mutex, RwLock};
use racecheck::{check, thread};

static A: Mutex<i32> = Mutex::new(1);
static B: Mutex<i32> = Mutex::new(2);
static C: Mutex<i32> = Mutex::new(3);
static TABLE: RwLock<i32> = RwLock::new(4);

fn lock_both(first: &Mutex<i32>, second: &Mutex<i32>, between: impl FnOnce()) {
    let _first = first.lock().unwrap();
    between();
    let _second = second.lock().unwrap();
}

/// One after the other, with no order that racecheck sees: nobody ever waits.
fn opposite_orders() {
    let (done, is_done) = untracked::channel::<()>();
    let (quit, may_quit) = untracked::channel::<()>();
    let first = thread::spawn(move || {
        lock_both(&A, &B, || ());
        drop(done);
        let _ = may_quit.recv();
    });
    let _ = is_done.recv();
    lock_both(&B, &A, || ());
    drop(quit);
    first.join().unwrap();
}

/// Each has locked one before any of them waits for the next one's.
fn ring(locks: &[&Mutex<i32>]) {
    let all = UntrackedBarrier::new(locks.len());
    thread::scope(|s| {
        for index in 0..locks.len() {
            let all = &all;
            let next = locks[(index + 1) % locks.len()];
            s.spawn(move || {
                lock_both(locks[index], next, || {
                    all.wait();
                })
            });
        }
    });
}

/// The thread wants what its joiner holds.
fn join_while_locked() {
    let held = A.lock().unwrap();
    let worker = thread::spawn(|| *A.lock().unwrap() += 1);
    worker.join().unwrap();
    drop(held);
}

fn scope_while_locked() {
    let _held = A.lock().unwrap();
    thread::scope(|s| {
        s.spawn(|| *A.lock().unwrap() += 1);
    });
}

/// A reader and a writer of one lock, and a mutex.
fn ring_with_a_writer() {
    let both = UntrackedBarrier::new(2);
    thread::scope(|s| {
        s.spawn(|| {
            let _table = TABLE.read().unwrap();
            both.wait();
            let _a = A.lock().unwrap();
        });
        s.spawn(|| {
            let _a = A.lock().unwrap();
            both.wait();
            let _table = TABLE.write().unwrap();
        });
    });
}

fn lock_twice() {
    let _first = A.lock().unwrap();
    let _second = A.lock().unwrap();
}

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("orders") => opposite_orders(),
        Some("orders-checked") => {
            let outcome = check(opposite_orders);
            println!("collected {}", outcome.deadlocks().len());
        }
        // The ring ends the process, and what was collected must not be lost.
        Some("orders-checked-then-ring") => {
            let _ = check(|| {
                opposite_orders();
                ring(&[&B, &C]);
            });
        }
        // What `#[racecheck::test]` expands to.
        Some("orders-tested") => {
            use racecheck::__private::{Test, observe};
            Test::new(None, 1).verdict(observe(opposite_orders))
        }
        Some("ring-2") => ring(&[&A, &B]),
        Some("ring-3") => ring(&[&A, &B, &C]),
        Some("ring-with-a-writer") => ring_with_a_writer(),
        Some("join") => join_while_locked(),
        Some("scope") => scope_while_locked(),
        Some("twice") => lock_twice(),
        Some("none") => exit(3),
        way => panic!("unknown way {way:?}"),
    }
}
