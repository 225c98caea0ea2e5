//! Verdicts: what is a race and what is not, one primitive a file, each edge with and without.
//!
//! A race test asserts *which* two lines are reported.

#![cfg(feature = "race-check")]

#[macro_use]
#[path = "../support/judge.rs"]
mod judge;

mod arcs;
mod atomics;
mod atomics_in_memory;
mod barriers;
mod cells;
mod channels;
mod condvars;
#[cfg(feature = "crossbeam")]
mod crossbeam;
mod hb;
mod lock_order;
mod mutexes;
mod once;
mod rwlocks;
#[cfg(feature = "arc-swap")]
mod snapshots;
mod threads;
mod waiting;

use judge::{none, one_after_the_other, races, wait_for, wait_for_scoped};
