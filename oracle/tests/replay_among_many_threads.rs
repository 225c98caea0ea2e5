//! The same programs, in a process with many more threads: that makes every clock a long one, which the engine keeps in another form.
//!
//! A process of its own: the slots of threads that are gone are used again.

#[path = "replay/judge.rs"]
mod judge;

use std::panic::Location;

use race_core::thread::Handle;

#[test]
fn the_engine_agrees_with_the_definition() {
    let threads = [(); 60].map(|()| Handle::fork(None, Location::caller()));
    judge::the_engine_agrees_with_the_definition();
    for thread in threads {
        thread.cancel();
    }
}
