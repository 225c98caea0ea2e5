//! Publication by atomics and fences: which orderings make an edge, and which only look like it.

use std::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};

use racecheck::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, fence};
use racecheck::sync::{Mutex, mpsc};
use racecheck::{Shared, thread};

use crate::{in_turn, none, races, says};

/// Two steps of a start-up, stored in this order; who sees the second must have the first.
fn start_up(second: Ordering, look_at_the_first: bool) -> (u32, u32) {
    let (tables, loaded, listening) = (
        Shared::new(0),
        AtomicBool::new(false),
        AtomicBool::new(false),
    );
    thread::scope(|s| {
        let client = s.spawn(|| {
            while !listening.load(second) {
                thread::yield_now();
            }
            if look_at_the_first {
                assert!(loaded.load(SeqCst));
            }
            at!(tables.get())
        });
        let line = at!(tables.set(1));
        loaded.store(true, SeqCst);
        listening.store(true, if second == SeqCst { SeqCst } else { Relaxed });
        (line, client.join().unwrap())
    })
}

#[test]
fn pub_18_sequentially_consistent_steps() {
    none(|| start_up(SeqCst, true));
    none(|| start_up(SeqCst, false));
    let race = &races(|| start_up(Relaxed, false))[0];
    says(race, "both are relaxed", "make the store Release");
}

/// A sample and its relaxed sequence number, with fences in between; either can be left out.
fn sample(release: bool, acquire: bool) -> (u32, u32) {
    let (sample, number) = (Shared::new(0.0), AtomicU64::new(0));
    in_turn(
        || {
            let line = at!(sample.set(21.5));
            if release {
                fence(Release);
            }
            number.store(1, Relaxed);
            line
        },
        || {
            assert_eq!(number.load(Relaxed), 1);
            if acquire {
                fence(Acquire);
            }
            at!(sample.get())
        },
    )
}

#[test]
fn pub_19_fences() {
    none(|| sample(true, true));
    let race = &races(|| sample(false, true))[0];
    says(
        race,
        "the store is relaxed, with no release fence",
        "make the store Release",
    );
    let race = &races(|| sample(true, false))[0];
    says(
        race,
        "the load is relaxed, with no acquire fence",
        "make the load Acquire",
    );
}

const QUEUED: usize = 0;
const DONE: usize = 1;
const SEEN: usize = 2;

/// A job's result is published by its state, somebody else touches the state, and then it is acquired.
fn job(touch: impl FnOnce(&AtomicUsize) + Send) -> (u32, u32) {
    let (result, state) = (Shared::new(0), AtomicUsize::new(QUEUED));
    let (written, ((), read)) = in_turn(
        || {
            let line = at!(result.set(42));
            state.store(DONE, Release);
            line
        },
        || {
            in_turn(
                || touch(&state),
                || {
                    assert_eq!(state.load(Acquire), SEEN);
                    at!(result.get())
                },
            )
        },
    );
    (written, read)
}

#[test]
fn pub_20_relaxed_store_by_another_thread() {
    let race = &races(|| job(|state| state.store(SEEN, Relaxed)))[0];
    says(
        race,
        "released something since its write",
        "hold the same lock",
    );
    says(race, "has acquired none of it", "");
}

#[test]
fn pub_21_relaxed_rmw_by_another_thread() {
    none(|| job(|state| assert_eq!(state.fetch_add(1, Relaxed), DONE)));
}

#[test]
fn pub_22_relaxed_store_by_the_same_thread() {
    let program = |last: Ordering| {
        let (result, progress) = (Shared::new(0), AtomicUsize::new(0));
        in_turn(
            || {
                let line = at!(result.set(42));
                progress.store(50, Release);
                progress.store(100, last);
                line
            },
            || {
                assert_eq!(progress.load(Acquire), 100);
                at!(result.get())
            },
        )
    };
    none(|| program(Release));
    let race = &races(|| program(Relaxed))[0];
    says(race, "the store is relaxed", "make the store Release");
}

/// Whoever comes too late to claim the job finds its result.
#[test]
fn pub_23_failed_compare_exchange() {
    let program = |failure: Ordering| {
        let (result, state) = (Shared::new(0), AtomicUsize::new(QUEUED));
        in_turn(
            || {
                let line = at!(result.set(42));
                state.store(DONE, Release);
                line
            },
            || {
                let claimed = state.compare_exchange(QUEUED, SEEN, AcqRel, failure);
                assert_eq!(claimed, Err(DONE));
                at!(result.get())
            },
        )
    };
    none(|| program(Acquire));
    let race = &races(|| program(Relaxed))[0];
    says(race, "the load is relaxed", "make the load Acquire");
}

/// A deposits under a lock; an audit locks it later and sends a message; who gets that reads the balance.
#[test]
fn pub_24_by_a_lock_and_then_a_channel() {
    let program = |audit_locks: bool| {
        let (lock, balance) = (Mutex::new(()), Shared::new(0));
        let (tx, rx) = mpsc::channel();
        let rx = std::sync::Mutex::new(rx);
        let (written, ((), read)) = in_turn(
            || {
                let _guard = lock.lock().unwrap();
                at!(balance.set(100))
            },
            || {
                in_turn(
                    || {
                        let _guard = audit_locks.then(|| lock.lock().unwrap());
                        tx.send("audited").unwrap();
                    },
                    || {
                        rx.lock().unwrap().recv().unwrap();
                        at!(balance.get())
                    },
                )
            },
        );
        (written, read)
    };
    none(|| program(true));
    let race = &races(|| program(false))[0];
    says(race, "it unlocked a Mutex", "hold the Mutex");
}
