//! The engine of racecheck: decides which accesses race, and says so.
//!
//! It knows nothing of the types that feed it. Its face has four parts:
//!
//! | what happens | where |
//! | --- | --- |
//! | threads: fork, start, end, join | [`thread`] |
//! | synchronisation: release, acquire, atomics, fences, locks held | [`sync`] |
//! | waiting: for a lock, for a thread | [`deadlock`] |
//! | accesses: to a value with an inline shadow, to raw memory by address; allocation and freeing | [`shadow`] |
//! | findings: collected, or printed and counted | [`report`] |
//! | the same from a recorded [`trace`], without running anything | [`replay`] |
//!
//! The rules are in [`shadow`] (what races) and [`sync`] (what is ordered), each with its source. Calls into the engine never
//! panic because of the engine, and a thread that is inside already passes by. So do signal handlers, where they are seen (on Linux with glibc, linked
//! dynamically); elsewhere one that may interrupt the allocator must use nothing tracked. The engine allocates: the locks of a global allocator
//! must not be tracked.
//!
//! Users want the crate `racecheck`, whose types call this one.

#![cfg_attr(
    all(test, loom),
    expect(dead_code, reason = "no process starts or ends in a model")
)]

mod clock;
pub mod deadlock;
mod epoch;
mod errno;
mod fork;
pub mod instrumented;
#[cfg(all(
    target_os = "linux",
    target_env = "gnu",
    not(target_feature = "crt-static"),
    not(all(test, loom))
))]
mod last_words;
#[cfg(all(
    target_os = "linux",
    target_env = "gnu",
    not(target_feature = "crt-static"),
    any(target_arch = "x86_64", target_arch = "aarch64"),
    not(all(test, loom))
))]
mod malloc;
#[cfg(not(all(test, loom)))]
#[doc(hidden)]
pub mod measure;
#[cfg(all(test, loom))]
mod model;
pub mod options;
#[cfg(test)]
mod own_process;
mod pool;
mod primitive;
mod reentry;
pub mod replay;
pub mod report;
mod runtime;
pub mod shadow;
mod stack;
pub mod sync;
pub mod thread;
pub mod trace;
mod zeroed;

pub use stack::position::Position;
