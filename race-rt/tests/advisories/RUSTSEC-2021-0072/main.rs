//! crate: tokio
//! race: abort / main
//!
//! `JoinHandle::abort` drops a future that isn't running on the spot, and so that of a `LocalSet` in a thread which it must never be in. What is
//! dropped here is an `Rc` of the thread that made it. Mended: the thread of the `LocalSet` drops it.

use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;
use std::thread;

use tokio::runtime::Builder;
use tokio::task::{LocalSet, yield_now};

fn main() {
    let runtime = Builder::new_current_thread().build().unwrap();
    let local = LocalSet::new();
    let here = Rc::new(Cell::new(0));
    let there = Rc::clone(&here);
    let task = local.spawn_local(async move {
        there.set(1);
        pending::<()>().await;
    });
    // The task has to be suspended: one that has never run is dropped no differently, but is not what the advisory tells of.
    while here.get() == 0 {
        local.block_on(&runtime, yield_now());
    }

    let aborting = thread::spawn(move || task.abort());
    drop(Rc::clone(&here));
    // Affected, tokio panics there once it has dropped the future.
    let _ = aborting.join();
    local.block_on(&runtime, yield_now());
}
