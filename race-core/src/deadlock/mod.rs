//! Deadlocks: those that could have been, and those that are.
//!
//! - `order`: locks that one thread takes in one order and another in the other. Found without any of them ever waiting.
//! - `wait`: who waits for whom, and the wait that closes a ring; a thread that waits for itself.
//!
//! Neither is timed: the thread that makes the last step finds what there is to find.

pub(crate) mod order;
mod wait;

pub use wait::{OwnLock, Waiting, Wanted, wait_for_scope, wait_for_thread};
pub(crate) use wait::{try_for_a_moment, wait_for_end, wait_for_lock};

use smallvec::SmallVec;

use crate::primitive::sync::Arc;
use crate::stack::depot::{ContextId, HeldLock};
use crate::thread::record::Record;

/// How a lock is held or wanted. Two that are shared don't exclude each other.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Mode {
    /// By one thread at a time, as a mutex.
    Exclusive,
    /// Together with others, as readers.
    Shared,
}

impl Mode {
    /// Whether who has it in this mode keeps out who wants it in the other.
    pub(crate) fn excludes(self, other: Mode) -> bool {
        self == Mode::Exclusive || other == Mode::Exclusive
    }
}

/// How long a thread would have waited for a lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Patience {
    Endless,
    /// Not at all, or for a time: it never waits for ever.
    Limited,
}

/// A lock as one party of a deadlock has or wants it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    /// The same for the same lock, among the parties.
    pub(crate) lock: u64,
    pub(crate) mode: Mode,
    pub(crate) info: HeldLock,
}

/// What a party waits for.
pub(crate) enum Goal {
    Lock(Claim),
    Thread(Arc<Record>),
    Scope,
}

pub(crate) type Claims = SmallVec<[Claim; 2]>;

/// How a lock is let go of, for what a report says of one that its owner waits for.
#[derive(Clone, Copy)]
pub(crate) enum Unlocking {
    /// By the end of a guard.
    Guard,
    /// By a call. What makes such a lock one that its owner may lock again, if anything does.
    Call { recursive: Option<&'static str> },
}

/// One of the threads of a deadlock, waiting for the next.
pub(crate) struct Party {
    pub(crate) record: Arc<Record>,
    /// Where it waits.
    pub(crate) context: ContextId,
    pub(crate) goal: Goal,
    /// Of the lock that it waits for, if it does.
    pub(crate) unlocking: Unlocking,
    pub(crate) held: Claims,
}
