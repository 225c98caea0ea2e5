//! The engine's lock-free parts and its locks under `loom`: interleavings of a few threads, and the values that a load may see.
//!
//! One file a part. A model runs the part's own code, never a copy, and asserts what the part promises. Its threads are `loom`'s, and what
//! it asserts with must not be: what only the assertions share is `std`'s, so that it orders nothing. Run them with
//! `RUSTFLAGS="--cfg loom" cargo test -p race-core --lib model::`; `docs/internals.md` says more.

mod atomic;
mod blocks;
mod depot;
mod edge;
mod line;
mod outlying;
mod page;
mod pool;
mod registry;
mod sync_object;
mod words;

use std::panic::Location;

use loom::thread::JoinHandle;

use crate::epoch::Epoch;
use crate::primitive::sync::Arc;
use crate::sync::SyncKind;
use crate::thread::local;
use crate::thread::record::{Origin, Record};
use crate::thread::state::ThreadState;

static KIND: SyncKind = SyncKind {
    name: "model",
    release: "released",
    acquire: "acquired",
};

/// A thread that knows of nobody, in its first epoch.
fn thread(slot: usize) -> ThreadState {
    let record = Arc::new(Record::new(1, Origin::Tracked, None, None, None));
    ThreadState::new(Epoch::new(slot, 1), Arc::default(), None, record)
}

/// Runs `body` on the calling thread, which the engine knows as `state` meanwhile.
fn run_as<R>(state: ThreadState, body: impl FnOnce() -> R) -> R {
    local::enter_bare(|| local::install(state));
    let result = body();
    drop(local::enter_bare(local::uninstall));
    result
}

/// Which of two threads is the model's own. `loom` looks only at the last conflicting step when it chooses what else to try, and so
/// finds some interleavings one way round and not the other: each model of two threads is run both ways.
#[derive(Clone, Copy)]
struct Sides {
    swapped: bool,
}

impl Sides {
    /// Runs both at once, and waits for them.
    fn run<A: 'static, B: 'static>(
        self,
        one: impl FnOnce() -> A + 'static,
        other: impl FnOnce() -> B + 'static,
    ) -> (A, B) {
        if self.swapped {
            let one = loom::thread::spawn(one);
            let other = other();
            (one.join().unwrap(), other)
        } else {
            let other = loom::thread::spawn(other);
            (one(), other.join().unwrap())
        }
    }
}

/// Explores a model of two threads, both ways round.
fn model(body: impl Fn(Sides) + Copy + Send + Sync + 'static) {
    for swapped in [false, true] {
        loom::model(move || body(Sides { swapped }));
    }
}

/// Starts `body` on a thread of its own in `slot`.
fn spawn<R: 'static>(slot: usize, body: impl FnOnce() -> R + 'static) -> JoinHandle<R> {
    loom::thread::spawn(move || run_as(thread(slot), body))
}

/// Whether the calling thread knows the epoch.
fn knows(slot: usize, clock: u64) -> bool {
    local::enter(|thread| thread.knows(Epoch::new(slot, clock))).expect("outside the engine")
}

#[track_caller]
fn here() -> &'static Location<'static> {
    Location::caller()
}
