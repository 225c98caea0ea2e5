//! The engine under hostile conditions, one a file: it neither hangs nor panics, reports nothing false, and still finds what is there.
//!
//! What can't share a process with other tests is a program of `tests/programs`. Where something is lost on purpose, the test says what.

#![cfg(feature = "race-check")]

#[path = "../support/programs.rs"]
mod programs;

#[cfg(unix)]
mod forks;
#[cfg(target_os = "linux")]
mod signals;

use programs::{Run, reports};

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
