//! What tells a lock from others in a report: a place in the program.
//!
//! No rule of order looks at it.

use std::fmt;
use std::panic::Location;

use crate::stack::position::Position;

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
/// clock.lock(&SPIN, Origin::FirstLocked(here.into()), here);
/// clock.unlock(&SPIN, here);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Origin {
    /// It was made here.
    Made(Position),
    /// It was made where no wrapper was asked, and first locked here.
    FirstLocked(Position),
}

impl Origin {
    pub(crate) fn place(self) -> Position {
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
        Origin::Made(place.into())
    }
}

/// As it stands after a lock's name: "made at src/main.rs:3:9".
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {:?}", self.event(), self.place())
    }
}
