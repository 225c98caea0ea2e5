//! Shadow state: who accessed a location last, and what that means for the next access.
//!
//! - `state`: the state machine, FastTrack's, over plain values.
//! - `word`: how a state is packed into words that a fast path can read, and the lock in them.
//! - [`cell`]: the state of one value, inline beside it.
//! - [`range`]: the state of raw memory, by address, byte-exact.
//! - [`handed_out`]: memory that changes hands unseen, and must forget.
//! - `blocks`: where heap blocks were allocated, for reports.

pub(crate) mod blocks;
pub mod cell;
pub mod handed_out;
pub mod range;
pub(crate) mod state;
pub(crate) mod word;
