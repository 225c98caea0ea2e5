//! `crossbeam_utils::sync::WaitGroup`, tracked: what each member did before it left happens before the return of a `wait`.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use crossbeam_utils::sync as real;
use race_core::sync::{SyncKind, SyncObject};

static WAIT_GROUP: SyncKind = SyncKind {
    name: "WaitGroup",
    release: "left the WaitGroup made at",
    acquire: "waited for it",
};

/// `crossbeam_utils::sync::WaitGroup`, tracked: dropping a clone happens before the return of every `wait`.
///
/// # Example
///
/// ```
/// use racecheck::{Shared, sync::WaitGroup, thread};
///
/// let (results, group) = ([Shared::new(0), Shared::new(0)], WaitGroup::new());
/// thread::scope(|s| {
///     for result in &results {
///         let group = group.clone();
///         s.spawn(move || {
///             result.set(1);
///             drop(group);
///         });
///     }
///     group.wait();
///     assert_eq!(results[0].get() + results[1].get(), 2);
/// });
/// ```
#[derive(Clone)]
pub struct WaitGroup {
    /// Dropped before `inner`.
    member: Member,
    inner: real::WaitGroup,
}

/// Releases when it is dropped.
#[derive(Clone)]
struct Member {
    left: Arc<SyncObject>,
    /// Stands for the place of a drop, which nobody tells.
    made: &'static Location<'static>,
}

impl Drop for Member {
    fn drop(&mut self) {
        self.left.release(&WAIT_GROUP, self.made);
    }
}

impl WaitGroup {
    /// As `crossbeam_utils::sync::WaitGroup::new`.
    #[track_caller]
    pub fn new() -> WaitGroup {
        WaitGroup {
            member: Member {
                left: Arc::default(),
                made: Location::caller(),
            },
            inner: real::WaitGroup::new(),
        }
    }

    /// As `crossbeam_utils::sync::WaitGroup::wait`: leaves the group, and waits until all have.
    #[track_caller]
    pub fn wait(self) {
        let site = Location::caller();
        let left = self.member.left.clone();
        drop(self.member);
        self.inner.wait();
        left.acquire(&WAIT_GROUP, site);
    }
}

impl Default for WaitGroup {
    #[track_caller]
    fn default() -> WaitGroup {
        WaitGroup::new()
    }
}

impl fmt::Debug for WaitGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
