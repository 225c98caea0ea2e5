//! Random programs on real threads, through the public types, against the oracle.
//!
//! - `program`: what each thread does.
//! - `run`: does it, and notes what each operation was seen to do: which store a load read from, whose turn at a lock it was, which message came.
//! - `judge`: puts the notes into an order that could have been, and asks the oracle which pairs race.
//! - `compare`: the test.
//!
//! The notes come from the values that the program itself sees. So nothing here depends on what the engine believes, nor on timing: whatever order the threads
//! ran in, the engine's races must be the oracle's.

#![cfg(feature = "race-check")]

mod compare;
mod judge;
mod program;
mod run;

#[test]
fn the_engine_agrees_with_the_definition() {
    compare::the_engine_agrees_with_the_definition();
}
