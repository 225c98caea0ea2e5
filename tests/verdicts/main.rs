//! Verdicts: what is a race and what is not, one primitive a file, each edge with and without.
//!
//! A race test asserts *which* two lines are reported. Where one thread has to come after another in real time, it waits by means that
//! racecheck doesn't see ([`wait_for`]): that makes the run the same every time, and orders nothing.

#![cfg(feature = "race-check")]

/// Does something and says on which line.
macro_rules! at {
    ($access:expr) => {{
        let _ = $access;
        line!()
    }};
}

mod atomics;
mod barriers;
mod cells;
mod channels;
mod condvars;
mod hb;
mod mutexes;
mod once;
mod rwlocks;
mod threads;

use racecheck::report::Race;
use racecheck::{check, thread};

/// The races of a program that returns the two lines that should race.
#[track_caller]
fn races(program: impl FnOnce() -> (u32, u32)) -> Vec<Race> {
    let outcome = check(program);
    let (a, b) = outcome.value;
    let file = std::panic::Location::caller().file();
    assert_eq!(outcome.races().len(), 1, "{:#?}", lines(outcome.races()));
    let race = &outcome.races()[0];
    assert!(
        race.is_between((file, a), (file, b)),
        "expected lines {a} and {b}:\n{race}"
    );
    assert!(
        race.accesses()
            .iter()
            .all(|access| !access.stack().is_empty())
    );
    outcome.races().to_vec()
}

/// The races of a program with none.
#[track_caller]
fn none<T>(program: impl FnOnce() -> T) {
    let outcome = check(program);
    if let Some(race) = outcome.races().first() {
        panic!("{race}");
    }
}

fn lines(races: &[Race]) -> Vec<String> {
    races.iter().map(Race::to_string).collect()
}

/// Waits until the thread is done, with no edge: `is_finished` orders nothing (scenario fake-04).
fn wait_for<T>(handle: &thread::JoinHandle<T>) {
    while !handle.is_finished() {
        thread::yield_now();
    }
}

/// [`wait_for`], for a thread of a scope.
fn wait_for_scoped<T>(handle: &thread::ScopedJoinHandle<'_, T>) {
    while !handle.is_finished() {
        thread::yield_now();
    }
}

/// Runs `first` and then `second`, each in a thread of its own, with no order between them but what they make themselves.
/// Returns what they return, once both have ended.
fn one_after_the_other<A: Send, B: Send>(
    first: impl FnOnce() -> A + Send,
    second: impl FnOnce() -> B + Send,
) -> (A, B) {
    thread::scope(|s| {
        let first = s.spawn(first);
        while !first.is_finished() {
            thread::yield_now();
        }
        let second = s.spawn(second);
        (first.join().unwrap(), second.join().unwrap())
    })
}
