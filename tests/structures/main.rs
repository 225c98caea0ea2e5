//! Algorithms from the literature, on `std` and on racecheck: silent as they should be written, reported when an ordering is weakened.
//!
//! Each structure is one file, written from its paper, that knows its concurrency only by its `use` lines. It is compiled twice: on `std`'s
//! types (`stds`) and on racecheck's (`ours`). Its orderings are a table, so that a test can weaken one by name; the schedule that shows the
//! weakening is forced by channels that racecheck doesn't see (`schedule`), so the verdict is the same in every run.
//! `docs/structures.md` has the verdicts, and is held against the tests here.

#![expect(clippy::duplicate_mod, reason = "that is what it is for")]

#[macro_use]
mod orderings;

mod judge;
mod ours;
mod stds;

/// How often each structure runs under contention.
const RUNS: usize = 1000;

/// The tests of each structure, named after its file.
macro_rules! structures {
    ($($name:ident)*) => {$(
        mod $name {
            use crate::orderings::Table;
            use crate::{RUNS, judge, ours, stds};

            #[test]
            fn is_right_on_std() {
                let suite = stds::all::schedules::$name::SUITE;
                for case in suite.cases {
                    (case.schedule)(Table::RIGHT);
                }
                for _ in 0..RUNS {
                    suite.run();
                }
            }

            #[test]
            fn is_right_and_silent_on_racecheck() {
                let suite = ours::all::schedules::$name::SUITE;
                for _ in 0..RUNS {
                    let outcome = racecheck::check(|| suite.run());
                    assert!(outcome.races().is_empty(), "{}", outcome.races()[0]);
                }
            }

            #[test]
            fn each_weakening_has_its_verdict() {
                judge::verdicts(&ours::all::schedules::$name::SUITE);
            }

            #[test]
            fn the_documentation_has_the_verdicts() {
                judge::documented(&ours::all::schedules::$name::SUITE);
            }
        }
    )*};
}

structures! {
    deque
    hazard
    mcs
    msqueue
    ring
    seqlock
    ticket
    treiber
}
