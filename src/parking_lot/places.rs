//! The places that a report names for a lock: where the program called, and never a line of `lock_api`'s if that can be helped.
//!
//! Most of lock_api's methods pass their caller on. Those that lock again after a closure (`unlocked`, `with_upgraded`), a reentrant mutex and `Debug` don't:
//! then the place is where the thread last called a method that does, of the same lock, or else where that was first locked.

use std::cell::Cell;
use std::panic::Location;
use std::ptr;
use std::sync::OnceLock;

use race_core::sync::Origin;

type Place = &'static Location<'static>;

thread_local! {
    /// Where this thread last called a method after which lock_api may lock by itself, and of which lock.
    static CALLED: Cell<Option<(usize, Place)>> = const { Cell::new(None) };
}

/// What is known of one lock.
pub(super) struct Places {
    first: OnceLock<Place>,
}

impl Places {
    pub(super) const fn new() -> Places {
        Places {
            first: OnceLock::new(),
        }
    }

    /// A method after which lock_api may lock by itself has been called from `caller`. Returns as [`site`](Self::site).
    pub(super) fn called(&self, caller: Place) -> Place {
        if is_in_lock_api(caller) {
            return self.outside(caller);
        }
        CALLED.set(Some((ptr::from_ref(self).addr(), caller)));
        caller
    }

    /// Where the program called, if the raw lock was called from `caller`.
    pub(super) fn site(&self, caller: Place) -> Place {
        if is_in_lock_api(caller) {
            self.outside(caller)
        } else {
            caller
        }
    }

    /// A line of the program's in the place of one of `lock_api`'s.
    fn outside(&self, caller: Place) -> Place {
        match CALLED.get() {
            Some((lock, place)) if lock == ptr::from_ref(self).addr() => place,
            _ => self.first().unwrap_or(caller),
        }
    }

    /// What tells the lock from others. It has been locked at `site`.
    pub(super) fn origin(&self, site: Place) -> Origin {
        Origin::FirstLocked((*self.first.get_or_init(|| site)).into())
    }

    /// Where it was first locked, if it was.
    pub(super) fn first(&self) -> Option<Place> {
        self.first.get().copied()
    }
}

/// Asked at each lock: the end of the path comes first, which rules nearly all others out.
fn is_in_lock_api(place: Place) -> bool {
    let file = place.file();
    let ends = ["mutex.rs", "rwlock.rs"];
    ends.iter().any(|end| file.ends_with(end)) && file.contains("lock_api")
}
