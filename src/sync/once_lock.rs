//! `std::sync::OnceLock`, tracked: the end of the initializer happens before every call that sees its value.

use std::fmt;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::sync as real;

use race_core::sync::{SyncClock, SyncKind};

use super::once::Attempts;

static ONCE_LOCK: SyncKind = SyncKind {
    name: "OnceLock",
    release: "set a OnceLock",
    acquire: "saw its value",
};

/// The value, with the clock of who set it.
struct Set<T> {
    value: T,
    clock: SyncClock,
}

/// `std::sync::OnceLock`, tracked.
///
/// Setting it happens before every call that sees the value, a `set` that comes too late included. `get` that finds nothing orders nothing.
///
/// # Example
///
/// ```
/// use racecheck::sync::OnceLock;
///
/// static NAME: OnceLock<String> = OnceLock::new();
/// assert_eq!(NAME.get(), None);
/// assert_eq!(NAME.get_or_init(|| "racecheck".to_owned()), "racecheck");
/// ```
pub struct OnceLock<T> {
    inner: real::OnceLock<Set<T>>,
    attempts: Attempts,
}

impl<T> OnceLock<T> {
    /// As `std::sync::OnceLock::new`.
    pub const fn new() -> OnceLock<T> {
        OnceLock {
            inner: real::OnceLock::new(),
            attempts: Attempts::new(),
        }
    }

    /// As `std::sync::OnceLock::get`.
    #[track_caller]
    #[inline]
    pub fn get(&self) -> Option<&T> {
        self.inner.get().map(|set| see(set, Location::caller()))
    }

    /// As `std::sync::OnceLock::get_mut`.
    #[track_caller]
    pub fn get_mut(&mut self) -> Option<&mut T> {
        let site = Location::caller();
        let set = self.inner.get_mut()?;
        set.clock.acquire(&ONCE_LOCK, site);
        Some(&mut set.value)
    }

    /// As `std::sync::OnceLock::wait`.
    #[track_caller]
    pub fn wait(&self) -> &T {
        see(self.inner.wait(), Location::caller())
    }

    /// As `std::sync::OnceLock::set`.
    ///
    /// # Errors
    ///
    /// The value, if there was one already.
    #[track_caller]
    pub fn set(&self, value: T) -> Result<(), T> {
        let mut value = Some(value);
        self.get_or_init(|| value.take().expect("an initializer runs once"));
        value.map_or(Ok(()), Err)
    }

    /// As `std::sync::OnceLock::get_or_init`.
    ///
    /// # Panics
    ///
    /// If `f` does; the next one may try again.
    #[track_caller]
    #[inline]
    pub fn get_or_init<F>(&self, f: F) -> &T
    where
        F: FnOnce() -> T,
    {
        let site = Location::caller();
        let initialize = || Set {
            value: self.attempts.run(site, f),
            clock: SyncClock::released(&ONCE_LOCK, site),
        };
        see(self.inner.get_or_init(initialize), site)
    }

    /// As `std::sync::OnceLock::into_inner`.
    #[track_caller]
    pub fn into_inner(mut self) -> Option<T> {
        self.take_at(Location::caller())
    }

    /// As `std::sync::OnceLock::take`.
    #[track_caller]
    pub fn take(&mut self) -> Option<T> {
        self.take_at(Location::caller())
    }

    fn take_at(&mut self, site: &'static Location<'static>) -> Option<T> {
        let set = self.inner.take()?;
        set.clock.acquire(&ONCE_LOCK, site);
        Some(set.value)
    }
}

#[inline]
fn see<'a, T>(set: &'a Set<T>, site: &'static Location<'static>) -> &'a T {
    set.clock.acquire(&ONCE_LOCK, site);
    &set.value
}

// As `std`'s: neither depends on what isn't the value's.
impl<T: UnwindSafe> UnwindSafe for OnceLock<T> {}
impl<T: RefUnwindSafe + UnwindSafe> RefUnwindSafe for OnceLock<T> {}

impl<T> Default for OnceLock<T> {
    fn default() -> OnceLock<T> {
        OnceLock::new()
    }
}

impl<T: fmt::Debug> fmt::Debug for OnceLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_tuple("OnceLock");
        match self.get() {
            Some(value) => out.field(value),
            None => out.field(&format_args!("<uninit>")),
        };
        out.finish()
    }
}

impl<T: Clone> Clone for OnceLock<T> {
    #[track_caller]
    fn clone(&self) -> OnceLock<T> {
        match self.get() {
            Some(value) => OnceLock::from(value.clone()),
            None => OnceLock::new(),
        }
    }
}

impl<T> From<T> for OnceLock<T> {
    #[track_caller]
    fn from(value: T) -> OnceLock<T> {
        let cell = OnceLock::new();
        let _ = cell.set(value);
        cell
    }
}

impl<T: PartialEq> PartialEq for OnceLock<T> {
    fn eq(&self, other: &OnceLock<T>) -> bool {
        self.get() == other.get()
    }
}

impl<T: Eq> Eq for OnceLock<T> {}
