//! Runs a program and judges its races: between which lines, and no others.
//!
//! Where one thread has to come after another in real time, it waits by means that racecheck doesn't see ([`wait_for`]): that makes the run
//! the same every time, and orders nothing.

use std::panic::Location;

use racecheck::report::Race;
use racecheck::{check, thread};

/// Does something and says on which line.
macro_rules! at {
    ($access:expr) => {{
        let _ = $access;
        line!()
    }};
}

/// The races of a program that returns the two lines that should race.
#[track_caller]
pub(crate) fn races(program: impl FnOnce() -> (u32, u32)) -> Vec<Race> {
    several_races(|| [program()])
}

/// The races of a program that returns, of each race that it should have, the two lines; in this order.
#[track_caller]
pub(crate) fn several_races<const N: usize>(
    program: impl FnOnce() -> [(u32, u32); N],
) -> Vec<Race> {
    let outcome = check(program);
    let races = outcome.races();
    // Under `cargo race` what a value owns is memory, which races with it.
    if cfg!(racecheck_runtime) {
        assert!(races.len() >= N, "{:#?}", lines(races));
    } else {
        assert_eq!(races.len(), N, "{:#?}", lines(races));
    }
    for access in races.iter().flat_map(Race::accesses) {
        assert!(!access.stack().is_empty());
    }
    let file = Location::caller().file();
    let mut found = Vec::new();
    for (a, b) in outcome.value {
        let race = races
            .iter()
            .find(|race| race.is_between((file, a), (file, b)));
        let Some(race) = race else {
            panic!("expected lines {a} and {b}: {:#?}", lines(races));
        };
        found.push(race.clone());
    }
    found
}

/// Judges a program with no findings.
#[track_caller]
pub(crate) fn none<T>(program: impl FnOnce() -> T) {
    let outcome = check(program);
    if let Some(race) = outcome.races().first() {
        panic!("{race}");
    }
    if let Some(deadlock) = outcome.deadlocks().first() {
        panic!("{deadlock}");
    }
}

fn lines(races: &[Race]) -> Vec<String> {
    races.iter().map(Race::to_string).collect()
}

/// Waits until the thread is done, with no edge: `is_finished` orders nothing (scenario fake-04).
pub(crate) fn wait_for<T>(handle: &thread::JoinHandle<T>) {
    while !handle.is_finished() {
        thread::yield_now();
    }
}

/// [`wait_for`], for a thread of a scope.
pub(crate) fn wait_for_scoped<T>(handle: &thread::ScopedJoinHandle<'_, T>) {
    while !handle.is_finished() {
        thread::yield_now();
    }
}

/// Runs `first` and then `second`, each in a thread of its own, with no order between them but what they make themselves.
/// Returns what they return, once both have ended.
pub(crate) fn one_after_the_other<A: Send, B: Send>(
    first: impl FnOnce() -> A + Send,
    second: impl FnOnce() -> B + Send,
) -> (A, B) {
    thread::scope(|s| {
        let first = s.spawn(first);
        if cfg!(racecheck_runtime) {
            // What `std` counts its threads by is seen, so the second one is there before the first one ends. The handle has to go where it is waited for.
            let second = s.spawn(move || {
                wait_for_scoped(&first);
                (second(), first)
            });
            let (result, first) = second.join().unwrap();
            return (first.join().unwrap(), result);
        }
        wait_for_scoped(&first);
        let second = s.spawn(second);
        (first.join().unwrap(), second.join().unwrap())
    })
}
