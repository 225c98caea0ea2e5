//! A cancellation token: who is asked to stop sees it, and what was done before it was asked.

use std::fmt;
use std::panic::Location;
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use super::{SyncClock, SyncKind, lock};

static CANCELLATION: SyncKind = SyncKind {
    name: "CancellationToken",
    release: "cancelled a CancellationToken",
    acquire: "saw it cancelled",
};

/// Tells threads to stop: tokio-util's `CancellationToken`, where [`cancelled`](CancellationToken::cancelled) blocks the thread.
///
/// The `cancel` that did it happens before whoever sees it. A clone is the same token; a [child](CancellationToken::child_token) is cancelled with
/// its parent, and not the other way round.
///
/// # Example
///
/// ```
/// use racecheck::{Shared, sync::CancellationToken, thread};
///
/// let (reason, token) = (Shared::new(""), CancellationToken::new());
/// thread::scope(|s| {
///     s.spawn(|| {
///         while !token.is_cancelled() {
///             thread::yield_now(); // some work
///         }
///         assert_eq!(reason.get(), "enough");
///     });
///     reason.set("enough");
///     token.cancel();
/// });
/// ```
#[derive(Clone)]
pub struct CancellationToken {
    node: Arc<Node>,
}

struct Node {
    /// Set once, under the lock of `tree`, and not if a parent's is.
    cancelled: OnceLock<SyncClock>,
    parent: Option<Arc<Node>>,
    tree: Arc<Tree>,
}

/// What a token shares with all that descend from it.
#[derive(Default)]
struct Tree {
    lock: Mutex<()>,
    cancelled: Condvar,
}

impl CancellationToken {
    /// A token that isn't cancelled.
    pub fn new() -> CancellationToken {
        CancellationToken::in_tree(Arc::default(), None)
    }

    fn in_tree(tree: Arc<Tree>, parent: Option<Arc<Node>>) -> CancellationToken {
        CancellationToken {
            node: Arc::new(Node {
                cancelled: OnceLock::new(),
                parent,
                tree,
            }),
        }
    }

    /// A token that is cancelled when this one is; at once, if it has been.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::sync::CancellationToken;
    ///
    /// let token = CancellationToken::new();
    /// let (child, other) = (token.child_token(), token.child_token());
    /// child.cancel();
    /// assert!(!token.is_cancelled() && !other.is_cancelled());
    /// token.cancel();
    /// assert!(other.is_cancelled());
    /// ```
    pub fn child_token(&self) -> CancellationToken {
        CancellationToken::in_tree(self.node.tree.clone(), Some(self.node.clone()))
    }

    /// Cancels this token and those that descend from it. Does nothing, and orders nothing, if it has been.
    #[track_caller]
    pub fn cancel(&self) {
        let _guard = lock(&self.node.tree.lock);
        if self.node.clock().is_none() {
            let clock = SyncClock::released(&CANCELLATION, Location::caller());
            let first = self.node.cancelled.set(clock);
            debug_assert!(first.is_ok());
            self.node.tree.cancelled.notify_all();
        }
    }

    /// Whether it is cancelled. If it isn't, that orders nothing.
    #[track_caller]
    pub fn is_cancelled(&self) -> bool {
        self.node.is_cancelled(Location::caller())
    }

    /// Waits until it is cancelled.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::{sync::CancellationToken, thread};
    ///
    /// let token = CancellationToken::new();
    /// thread::scope(|s| {
    ///     s.spawn(|| token.cancelled());
    ///     token.cancel();
    /// });
    /// ```
    #[track_caller]
    pub fn cancelled(&self) {
        let tree = &self.node.tree;
        let waited = tree
            .cancelled
            .wait_while(lock(&tree.lock), |()| self.node.clock().is_none());
        drop(waited.unwrap_or_else(PoisonError::into_inner));
        self.node.is_cancelled(Location::caller());
    }

    /// Waits until it is cancelled, but not longer than that. Returns whether it is: a sleep that can be cut short.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::sync::CancellationToken;
    /// use std::time::Duration;
    ///
    /// assert!(!CancellationToken::new().cancelled_timeout(Duration::from_millis(1)));
    /// ```
    #[track_caller]
    pub fn cancelled_timeout(&self, timeout: Duration) -> bool {
        let tree = &self.node.tree;
        let waited = tree
            .cancelled
            .wait_timeout_while(lock(&tree.lock), timeout, |()| self.node.clock().is_none());
        drop(waited.unwrap_or_else(PoisonError::into_inner));
        self.node.is_cancelled(Location::caller())
    }

    /// A guard that cancels the token when it is dropped.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::sync::CancellationToken;
    ///
    /// let token = CancellationToken::new();
    /// let kept = token.clone().drop_guard().disarm();
    /// assert!(!kept.is_cancelled());
    /// drop(kept.drop_guard());
    /// assert!(token.is_cancelled());
    /// ```
    #[track_caller]
    pub fn drop_guard(self) -> DropGuard {
        DropGuard { token: Some(self) }
    }
}

impl Node {
    /// What the cancellation released. That of the nearest is the first one.
    fn clock(&self) -> Option<&SyncClock> {
        let mut node = self;
        loop {
            if let Some(clock) = node.cancelled.get() {
                return Some(clock);
            }
            node = node.parent.as_deref()?;
        }
    }

    fn is_cancelled(&self, site: &'static Location<'static>) -> bool {
        let clock = self.clock();
        if let Some(clock) = clock {
            clock.acquire(&CANCELLATION, site);
        }
        clock.is_some()
    }
}

/// One after the other: a long line of children would need as long a stack.
impl Drop for Node {
    fn drop(&mut self) {
        let mut parent = self.parent.take();
        while let Some(mut node) = parent.and_then(Arc::into_inner) {
            parent = node.parent.take();
        }
    }
}

impl Default for CancellationToken {
    fn default() -> CancellationToken {
        CancellationToken::new()
    }
}

impl fmt::Debug for CancellationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancellationToken")
            .field("is_cancelled", &self.node.clock().is_some())
            .finish()
    }
}

/// Cancels its token when it is dropped: made by [`CancellationToken::drop_guard`].
#[derive(Debug)]
#[must_use = "if unused the token is cancelled at once"]
pub struct DropGuard {
    token: Option<CancellationToken>,
}

impl DropGuard {
    /// Gives the token back, which is not cancelled.
    pub fn disarm(mut self) -> CancellationToken {
        self.token.take().expect("only a drop takes it otherwise")
    }
}

impl Drop for DropGuard {
    fn drop(&mut self) {
        if let Some(token) = &self.token {
            token.cancel();
        }
    }
}
