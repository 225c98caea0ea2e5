//! Publication by atomics and fences: which orderings make an edge, and which only look like it.

use std::sync::Mutex;
use std::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, fence};
use std::sync::mpsc;
use std::{ptr, thread};

use crate::support::{Plain, in_turn, take_turns};

crate::programs! {
    race: pub_18_relaxed_step, pub_19_no_release_fence, pub_19_no_acquire_fence, pub_20_relaxed_store_by_another, pub_22_relaxed_store_by_itself,
        pub_23_relaxed_failure, pub_24_no_lock;
    none: pub_18_sequentially_consistent_steps, pub_19_fences, pub_19_fences_and_pointers, pub_21_relaxed_rmw_by_another, pub_22_release_store_by_itself,
        pub_23_acquire_failure, pub_24_lock_then_channel;
}

/// Two steps of a start-up, stored in this order; who sees the second must have the first.
fn start_up(threads: usize, second: Ordering, look_at_the_first: bool) {
    let (tables, loaded, listening) = (
        Plain::new(0),
        AtomicBool::new(false),
        AtomicBool::new(false),
    );
    thread::scope(|s| {
        for _ in 1..threads {
            s.spawn(|| {
                while !listening.load(second) {
                    thread::yield_now();
                }
                if look_at_the_first {
                    assert!(loaded.load(SeqCst));
                }
                assert_eq!(tables.get(), 1); // race: pub_18_relaxed_step
            });
        }
        tables.set(1); // race: pub_18_relaxed_step
        loaded.store(true, SeqCst);
        listening.store(true, second);
    });
}

fn pub_18_sequentially_consistent_steps(threads: usize) {
    start_up(threads, SeqCst, true);
    start_up(threads, SeqCst, false);
}

fn pub_18_relaxed_step(threads: usize) {
    start_up(threads, Relaxed, false);
}

/// A sample and its relaxed sequence number, with fences in between; either can be left out.
fn sample(release: bool, acquire: bool) {
    let (sample, number) = (Plain::new(0.0), AtomicU64::new(0));
    in_turn(
        || {
            sample.set(21.5); // race: pub_19_no_release_fence, pub_19_no_acquire_fence
            if release {
                fence(Release);
            }
            number.store(1, Relaxed);
        },
        || {
            assert_eq!(number.load(Relaxed), 1);
            if acquire {
                fence(Acquire);
            }
            sample.get(); // race: pub_19_no_release_fence, pub_19_no_acquire_fence
        },
    );
}

fn pub_19_fences(_: usize) {
    sample(true, true);
}

fn pub_19_no_release_fence(_: usize) {
    sample(false, true);
}

fn pub_19_no_acquire_fence(_: usize) {
    sample(true, false);
}

/// Fences of all kinds, and what they publish is found by pointers, read by many and freed by the last.
fn pub_19_fences_and_pointers(threads: usize) {
    let samples: AtomicPtr<Vec<u64>> = AtomicPtr::new(ptr::null_mut());
    let readers = AtomicUsize::new(threads);
    thread::scope(|s| {
        for _ in 0..threads {
            s.spawn(|| {
                let mut found = samples.load(Relaxed);
                while found.is_null() {
                    thread::yield_now();
                    found = samples.load(Relaxed);
                }
                fence(SeqCst);
                // SAFETY: it lives until the last reader has gone.
                assert_eq!(unsafe { &*found }.iter().sum::<u64>(), 6);
                fence(Release);
                if readers.fetch_sub(1, Relaxed) == 1 {
                    fence(Acquire);
                    // SAFETY: this is the last.
                    drop(unsafe { Box::from_raw(found) });
                }
            });
        }
        let made = Box::into_raw(Box::new(vec![1, 2, 3]));
        fence(AcqRel);
        samples.store(made, Relaxed);
    });
}

const QUEUED: usize = 0;
const DONE: usize = 1;
const SEEN: usize = 2;

/// A job's result is published by its state, somebody else touches the state, and then it is acquired.
fn job(touch: impl FnOnce(&AtomicUsize) + Send) {
    let (result, state) = (Plain::new(0), AtomicUsize::new(QUEUED));
    take_turns(vec![
        Box::new(|| {
            result.set(42); // race: pub_20_relaxed_store_by_another
            state.store(DONE, Release);
        }),
        Box::new(|| touch(&state)),
        Box::new(|| {
            assert_eq!(state.load(Acquire), SEEN);
            result.get(); // race: pub_20_relaxed_store_by_another
        }),
    ]);
}

fn pub_20_relaxed_store_by_another(_: usize) {
    job(|state| state.store(SEEN, Relaxed));
}

fn pub_21_relaxed_rmw_by_another(_: usize) {
    job(|state| assert_eq!(state.fetch_add(1, Relaxed), DONE));
}

fn progress(last: Ordering) {
    let (result, progress) = (Plain::new(0), AtomicUsize::new(0));
    in_turn(
        || {
            result.set(42); // race: pub_22_relaxed_store_by_itself
            progress.store(50, Release);
            progress.store(100, last);
        },
        || {
            assert_eq!(progress.load(Acquire), 100);
            result.get(); // race: pub_22_relaxed_store_by_itself
        },
    );
}

/// Since C++20 it is no part of the release sequence.
fn pub_22_relaxed_store_by_itself(_: usize) {
    progress(Relaxed);
}

fn pub_22_release_store_by_itself(_: usize) {
    progress(Release);
}

/// Whoever comes too late to claim the job finds its result.
fn claim(failure: Ordering) {
    let (result, state) = (Plain::new(0), AtomicUsize::new(QUEUED));
    in_turn(
        || {
            result.set(42); // race: pub_23_relaxed_failure
            state.store(DONE, Release);
        },
        || {
            let claimed = state.compare_exchange(QUEUED, SEEN, AcqRel, failure);
            assert_eq!(claimed, Err(DONE));
            result.get(); // race: pub_23_relaxed_failure
        },
    );
}

fn pub_23_acquire_failure(_: usize) {
    claim(Acquire);
}

fn pub_23_relaxed_failure(_: usize) {
    claim(Relaxed);
}

/// A deposit under a lock; an audit locks it later and sends a message; who gets that reads the balance.
fn audit(audit_locks: bool) {
    let (lock, balance) = (&Mutex::new(()), &Plain::new(0));
    let (tx, rx) = mpsc::channel();
    take_turns(vec![
        Box::new(|| {
            let _guard = lock.lock().unwrap();
            balance.set(100); // race: pub_24_no_lock
        }),
        Box::new(|| {
            let _guard = audit_locks.then(|| lock.lock().unwrap());
            tx.send("audited").unwrap();
        }),
        Box::new(move || {
            rx.recv().unwrap();
            balance.get(); // race: pub_24_no_lock
        }),
    ]);
}

fn pub_24_lock_then_channel(_: usize) {
    audit(true);
}

fn pub_24_no_lock(_: usize) {
    audit(false);
}
