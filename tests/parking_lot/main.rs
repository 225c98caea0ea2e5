//! `racecheck::parking_lot`: the same results as the crate itself in both builds, and verdicts, each edge with and without.

#![expect(clippy::duplicate_mod, reason = "`api` is to be compiled twice")]

mod ours;
mod parity;
mod real;

#[cfg(feature = "race-check")]
#[macro_use]
#[path = "../support/judge.rs"]
#[expect(dead_code, reason = "not all of it is needed here")]
mod judge;

#[cfg(feature = "race-check")]
mod condvars;
#[cfg(feature = "race-check")]
mod deadlocks;
#[cfg(feature = "race-check")]
mod mutexes;
#[cfg(feature = "race-check")]
mod once;
#[cfg(feature = "race-check")]
mod places;
#[cfg(feature = "race-check")]
mod report;
#[cfg(feature = "race-check")]
mod rwlocks;

#[cfg(feature = "race-check")]
use judge::{none, one_after_the_other, races};
