//! The engine under hostile conditions, one a file: it neither hangs nor panics, reports nothing false, and still finds what is there.
//!
//! What can't share a process with other tests is a program of `tests/programs`. Where something is lost on purpose, the test says what.

#![cfg(feature = "race-check")]

#[path = "../support/programs.rs"]
mod programs;

#[cfg(unix)]
mod allocators;
#[cfg(unix)]
mod forks;
mod many_at_once;
mod outside_main;
mod panics;
#[cfg(target_os = "linux")]
mod resources;
#[cfg(target_os = "linux")]
mod signals;
mod thread_locals;

use std::sync::mpsc;

use programs::{Run, reports};
use racecheck::report::Race;
use racecheck::{check, thread};

/// The races of `first`, on a thread of its own, and `second`, on this one, which run one after the other without an order.
fn unordered(first: impl FnOnce() + Send, second: impl FnOnce()) -> Vec<Race> {
    let outcome = check(|| {
        // Racecheck doesn't see `std`'s channel.
        let (done, wait) = mpsc::channel();
        thread::scope(|s| {
            s.spawn(move || {
                first();
                done.send(()).unwrap();
            });
            wait.recv().unwrap();
            second();
        });
    });
    outcome.races().to_vec()
}

/// Checks that a program went to its end without a race, or a word about one.
#[track_caller]
fn is_silent(run: &Run) {
    assert_eq!((run.status, &run.stderr[..]), (Some(0), ""), "{run:#?}");
}

/// Checks the log of a program that raced, and its status.
#[track_caller]
fn raced(times: usize, run: &Run) {
    assert_eq!(reports(&run.stderr), times, "{run:#?}");
    let found = format!("Found {times} data race(s)\n");
    assert!(run.stderr.ends_with(&found), "{run:#?}");
    assert_eq!(run.status, Some(66), "{run:#?}");
}
