//! A deadlock, as data: one that is, and one that could have been.
//!
//! Nothing in here knows the engine; everything is owned and final.

use std::fmt;

use serde::Serialize;

use super::race::{Frame, Site, ThreadInfo};
use super::text;

pub use super::kinds::{DeadlockKind, Goal};

/// A lock of a deadlock.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct DeadlockLock {
    pub(crate) number: usize,
    pub(crate) kind: &'static str,
    /// What happened at `created_at`, in a word or two.
    #[serde(skip)]
    pub(crate) origin: &'static str,
    pub(crate) created_at: Site,
}

impl DeadlockLock {
    /// Tells the locks of one deadlock apart, from 1.
    pub fn number(&self) -> usize {
        self.number
    }

    /// What it is: `Mutex`.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// Where it was made; of `parking_lot`'s, where it was first locked.
    pub fn created_at(&self) -> &Site {
        &self.created_at
    }
}

impl fmt::Display for DeadlockLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} #{}", self.kind, self.number)
    }
}

/// A lock that a thread of a deadlock held.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Holding {
    pub(crate) lock: DeadlockLock,
    pub(crate) shared: bool,
    pub(crate) locked_at: Site,
}

impl Holding {
    /// Which one.
    pub fn lock(&self) -> &DeadlockLock {
        &self.lock
    }

    /// Whether it was held for reading.
    pub fn is_shared(&self) -> bool {
        self.shared
    }

    /// Where it was locked.
    pub fn locked_at(&self) -> &Site {
        &self.locked_at
    }
}

/// One of the threads of a deadlock: it waits for the next one, and the last one for the first.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Waiter {
    pub(crate) thread: ThreadInfo,
    pub(crate) goal: Goal,
    pub(crate) stack: Vec<Frame>,
    pub(crate) held: Vec<Holding>,
}

impl Waiter {
    /// Who waits, or could have.
    pub fn thread(&self) -> &ThreadInfo {
        &self.thread
    }

    /// For what.
    pub fn goal(&self) -> &Goal {
        &self.goal
    }

    /// Where, innermost frame first.
    pub fn stack(&self) -> &[Frame] {
        &self.stack
    }

    /// The source line of the innermost frame.
    pub fn site(&self) -> Option<&Site> {
        self.stack.first()?.site()
    }

    /// The tracked locks that the thread held meanwhile, in the order in which it took them.
    pub fn held(&self) -> &[Holding] {
        &self.held
    }
}

/// Threads that wait for each other, or could have: see [`DeadlockKind`].
///
/// `Display` is the report as it is printed, without colours.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Deadlock {
    pub(crate) kind: DeadlockKind,
    pub(crate) waiters: Vec<Waiter>,
    pub(crate) why: Vec<String>,
    pub(crate) help: String,
}

impl Deadlock {
    /// What kind it is.
    pub fn kind(&self) -> DeadlockKind {
        self.kind
    }

    /// Its threads, the one that found it first. Each waits for what the next one holds, or for its end.
    pub fn waiters(&self) -> &[Waiter] {
        &self.waiters
    }

    /// Why it is one, line by line.
    pub fn why(&self) -> &[String] {
        &self.why
    }

    /// What would prevent it.
    pub fn help(&self) -> &str {
        &self.help
    }
}

impl fmt::Display for Deadlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        text::render_deadlock(self, false, f)
    }
}
