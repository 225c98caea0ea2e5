//! Shadow state: who accessed a location last, and what that means for the next access.
//!
//! - `state`: the state machine, FastTrack's, over plain values.
//! - `lock`: a word of shadow that is a lock as well.
//! - `word`: how a state is packed into words that a fast path can read, and the lock in them.
//! - [`cell`]: the state of one value, inline beside it.
//! - `line`: the state of 64 bytes of raw memory.
//! - `atomic_reads`: which atomics a thread has read in its epoch.
//! - `slots`, `annex`: the accesses that are recorded of a line, and room for more.
//! - `overflow`, `crowd`: where these are, and those of many threads, by thread.
//! - `page`: the state of 2 KiB of raw memory at once.
//! - `directory`: where the line of an address is.
//! - [`range`]: accesses to raw memory, by address, byte-exact.
//! - [`handed_out`]: memory that changes hands unseen, and must forget.
//! - `blocks`: where heap blocks were allocated, for reports.

pub(crate) mod annex;
pub(crate) mod atomic_reads;
pub(crate) mod blocks;
pub mod cell;
mod crowd;
pub(crate) mod directory;
pub mod handed_out;
pub(crate) mod line;
pub(crate) mod lock;
mod overflow;
pub(crate) mod page;
pub mod range;
mod slots;
pub(crate) mod state;
pub(crate) mod word;
