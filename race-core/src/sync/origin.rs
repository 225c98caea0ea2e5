//! What tells a lock from others in a report: a place in the program.
//!
//! No rule of order looks at it.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::mem;
use std::panic::Location;
use std::ptr;

/// Where a lock comes from, as far as its wrapper knows.
///
/// # Example
///
/// ```
/// use std::panic::Location;
/// use race_core::sync::{Origin, SyncClock, SyncKind};
///
/// static SPIN: SyncKind = SyncKind { name: "SpinLock", release: "unlocked a SpinLock", acquire: "locked it" };
///
/// let here = Location::caller();
/// let mut clock = SyncClock::new();
/// clock.lock(&SPIN, Origin::FirstLocked(here), here);
/// clock.unlock(&SPIN, here);
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Origin {
    /// It was made here.
    Made(&'static Location<'static>),
    /// It was made where no wrapper was asked, and first locked here.
    FirstLocked(&'static Location<'static>),
}

impl Origin {
    pub(crate) fn place(self) -> &'static Location<'static> {
        match self {
            Origin::Made(place) | Origin::FirstLocked(place) => place,
        }
    }

    /// What happened there: "made".
    pub(crate) fn event(self) -> &'static str {
        match self {
            Origin::Made(_) => "made",
            Origin::FirstLocked(_) => "first locked",
        }
    }
}

impl From<&'static Location<'static>> for Origin {
    fn from(place: &'static Location<'static>) -> Origin {
        Origin::Made(place)
    }
}

/// As it stands after a lock's name: "made at src/main.rs:3:9".
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.event(), self.place())
    }
}

/// Places are the same if they are at one address, as everywhere in the engine: comparing their text takes too long.
impl PartialEq for Origin {
    fn eq(&self, other: &Origin) -> bool {
        mem::discriminant(self) == mem::discriminant(other) && ptr::eq(self.place(), other.place())
    }
}

impl Eq for Origin {}

impl Hash for Origin {
    fn hash<H: Hasher>(&self, state: &mut H) {
        ptr::from_ref(self.place()).hash(state);
    }
}
