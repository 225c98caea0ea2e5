//! Verdicts: what is a race and what is not, one primitive a file, each edge with and without.
//!
//! A race test asserts *which* two lines are reported.

#![cfg(feature = "race-check")]

#[macro_use]
#[path = "../support/judge.rs"]
mod judge;
#[path = "../examples/normalise.rs"]
mod normalise;

mod allocs;
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
mod ptrs;
mod rwlocks;
#[cfg(feature = "arc-swap")]
mod snapshots;
mod std_cells;
mod threads;
mod waiting;

use judge::{none, one_after_the_other, races, several_races, wait_for, wait_for_scoped};

/// Tries until memory is given out again, which is for the allocator and the other tests' threads to decide. `round` says whether it was; what it
/// asserts holds either way.
#[track_caller]
fn until_it_is_used_again(mut round: impl FnMut() -> bool) {
    assert!(
        (0..1000).any(|_| round()),
        "the memory was never given out again"
    );
}
