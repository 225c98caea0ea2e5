//! The scenario catalogue: every pattern here is a program that someone writes, in their terms, with its verdict and its twin.
//!
//! A test is named after its entry: `pub_02` publishes something, `cnt` counts, `cache` caches, `life` is about the lifecycle of something,
//! `fake` about order that isn't there, `lock` about deadlocks, and `prim` about a primitive or an algorithm of one's own. A race test asserts both lines, that
//! nothing else is reported, and that the report names what is missing. Where the report would depend on who comes first, the threads take
//! turns by means that racecheck doesn't see ([`in_turn`], [`until`]); where none is expected they run as they like, since it must be silent
//! in any schedule.
//!
//! `cargo race test` runs them as well. The verdicts are the same but where a test says that `std` orders more than it promises, or less.

#![cfg(feature = "race-check")]

#[macro_use]
#[path = "../support/judge.rs"]
mod judge;

mod algorithms;
mod caches;
#[cfg(feature = "crossbeam")]
mod channels;
mod counters;
mod deadlocks;
mod exclusion;
mod fake_order;
mod lifecycles;
mod orderings;
mod primitives;
mod publication;
#[cfg(feature = "arc-swap")]
mod snapshots;
mod waiting;

use std::sync::atomic::AtomicBool as StdBool;
use std::sync::atomic::Ordering::Relaxed;

use judge::{none, one_after_the_other, races, several_races, wait_for, wait_for_scoped};
use racecheck::report::Race;
use racecheck::thread;

/// Asserts that the report's "Why" and its "Help" contain these. Under `cargo race` they speak of what `std`'s types are made of.
#[track_caller]
fn says(race: &Race, why: &str, help: &str) {
    if cfg!(racecheck_runtime) {
        return;
    }
    let given = race.why().join("\n");
    assert!(given.contains(why), "not in the \"Why\": {why}\n{race}");
    assert!(
        race.help().contains(help),
        "not in the \"Help\": {help}\n{race}"
    );
}

/// Asserts that the report says that the earlier thread has released nothing and, if it has ended, that it should be joined. It is a moment
/// later that a thread has ended than that `is_finished` says so.
#[track_caller]
fn says_join(race: &Race) {
    if cfg!(racecheck_runtime) {
        return;
    }
    says(race, "released nothing since its write", "");
    let joined = race.help().starts_with("join thread");
    assert_eq!(joined, race.previous().thread().is_finished(), "{race}");
}

/// Waits for another thread, with no edge: racecheck doesn't see `std`'s own atomics, and relaxed ones order nothing where they are seen.
fn until(flag: &StdBool) {
    while !flag.load(Relaxed) {
        std::thread::yield_now();
    }
}

/// Tells of an end, on a panic too.
struct SetWhenDropped<'a>(&'a StdBool);

impl Drop for SetWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// Runs `first` and then `second`, each in a thread of its own, with no order between them but what they make themselves. As in a program
/// whose threads live long, the first thread is still there when the second runs. Returns what they return.
fn in_turn<A: Send, B: Send>(
    first: impl FnOnce() -> A + Send,
    second: impl FnOnce() -> B + Send,
) -> (A, B) {
    let (first_is_done, second_is_done) = (StdBool::new(false), StdBool::new(false));
    thread::scope(|s| {
        let first = s.spawn(|| {
            let done = SetWhenDropped(&first_is_done);
            let result = first();
            drop(done);
            until(&second_is_done);
            result
        });
        until(&first_is_done);
        let second = s.spawn(|| {
            let _done = SetWhenDropped(&second_is_done);
            second()
        });
        (first.join().unwrap(), second.join().unwrap())
    })
}
