//! Random programs on real threads, in a process with many more: that makes every clock a long one, which the engine keeps in another form.
//!
//! A process of its own: the slots of threads that are gone are used again.

#![cfg(feature = "race-check")]

#[path = "random_programs/compare.rs"]
mod compare;
#[path = "random_programs/judge.rs"]
mod judge;
#[path = "random_programs/program.rs"]
mod program;
#[path = "random_programs/run.rs"]
mod run;

use std::panic::Location;

use race_core::thread::Handle;

#[test]
fn the_engine_agrees_with_the_definition() {
    let threads = [(); 60].map(|()| Handle::fork(None, Location::caller()));
    compare::the_engine_agrees_with_the_definition();
    for thread in threads {
        thread.cancel();
    }
}
