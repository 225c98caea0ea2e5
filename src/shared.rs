//! [`Shared`]: a value that threads share without any order, for tests and models.
//!
//! Compiled in both builds: the exclusion makes it sound, the shadow (empty in the plain build) makes it checked. It must never order anything
//! as far as the engine can see.

use std::cell::UnsafeCell;
use std::cmp::Ordering;
use std::fmt;
use std::mem;
use std::panic::Location;

use crate::exclusion::{Exclusion, Mode, Refused};
use crate::shadow::{Label, Labelled, ShadowCell, Target};

/// A value that several threads may read and write, with no synchronisation of its own.
///
/// Use it in tests and models wherever the real program has plain shared state. It is safe: accesses exclude each other physically, so the value is
/// never torn. But that exclusion orders nothing. Two accesses from different threads, at least one of them a write, must be ordered by
/// something else, such as a [`Mutex`](crate::sync::Mutex), a channel or a join; with the feature `race-check`, those that aren't are reported
/// as a data race, with both stacks.
///
/// `Sync` where `T: Send`, as a mutex is. With the feature 40 bytes of shadow state and label lie beside the value, without it nothing; the
/// exclusion takes 16 bytes in both. Reports name a value by its type, or by the label that [`label!`](crate::label) or
/// [`#[shared]`](macro@crate::shared) has given it.
///
/// # Example
///
/// ```
/// use racecheck::{Shared, thread};
///
/// let hits = Shared::new(0);
/// let outcome = racecheck::check(|| {
///     thread::scope(|s| {
///         s.spawn(|| hits.update(|n| n + 1));
///         s.spawn(|| hits.update(|n| n + 1));
///     });
/// });
/// # if cfg!(feature = "race-check") {
/// assert_eq!(outcome.races().len(), 1);
/// # }
/// ```
///
/// # Panics
///
/// Like `RefCell`, every access panics if the same thread is inside [`with`](Shared::with) or [`with_mut`](Shared::with_mut) of the same value in a
/// way that excludes it. An access also panics if another thread stays inside for 10 seconds: the overlap is a race, it is reported as such, and
/// waiting for its end might be waiting forever.
pub struct Shared<T> {
    shadow: ShadowCell,
    label: Labelled,
    exclusion: Exclusion,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached through `&self` only inside the exclusion, by one thread at a time: like a mutex, that needs `T: Send`.
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// Wraps a value. The place of the call is the "created at" of the reports.
    ///
    /// Making it is not an access: it is `const`, and whoever gets a reference gets it in some order.
    #[track_caller]
    pub const fn new(value: T) -> Shared<T> {
        Shared {
            shadow: ShadowCell::new(Location::caller()),
            label: Labelled::NOT,
            exclusion: Exclusion::new(),
            value: UnsafeCell::new(value),
        }
    }

    /// The same value under a name. What [`label!`](crate::label) calls.
    #[doc(hidden)]
    #[must_use]
    pub const fn labelled(mut self, label: &'static Label) -> Shared<T> {
        self.label = Labelled::by(label);
        self
    }

    /// Calls `f` with the value: a read, from the beginning of the call to its end.
    ///
    /// Closures of different threads exclude each other, also when both only read.
    ///
    /// # Panics
    ///
    /// See [`Shared`].
    #[track_caller]
    pub fn with<R>(&self, f: impl FnOnce(&T) -> R) -> R {
        let _access = Lasting(self.access(Mode::Shared, Location::caller()));
        // SAFETY: inside the exclusion, and any other borrow of this thread is shared too.
        f(unsafe { &*self.value.get() })
    }

    /// Calls `f` with the value: a write, from the beginning of the call to its end.
    ///
    /// # Panics
    ///
    /// See [`Shared`].
    #[track_caller]
    pub fn with_mut<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        let _access = Lasting(self.access(Mode::Exclusive, Location::caller()));
        // SAFETY: inside the exclusion, and this thread has no other borrow.
        f(unsafe { &mut *self.value.get() })
    }

    /// Writes the value and returns the old one.
    ///
    /// # Panics
    ///
    /// See [`Shared`].
    #[track_caller]
    #[inline]
    pub fn replace(&self, value: T) -> T {
        let _access = self.access(Mode::Exclusive, Location::caller());
        // SAFETY: inside the exclusion, and this thread has no other borrow; no code of the user's runs here.
        mem::replace(unsafe { &mut *self.value.get() }, value)
    }

    /// Writes the value.
    ///
    /// # Panics
    ///
    /// See [`Shared`].
    #[track_caller]
    #[inline]
    pub fn set(&self, value: T) {
        drop(self.replace(value));
    }

    /// Reads the value.
    ///
    /// # Panics
    ///
    /// See [`Shared`].
    #[track_caller]
    #[inline]
    pub fn get(&self) -> T
    where
        T: Copy,
    {
        let _access = self.access(Mode::Shared, Location::caller());
        // SAFETY: inside the exclusion, and any other borrow of this thread is shared too.
        unsafe { *self.value.get() }
    }

    /// Reads the value, calls `f` with it, and writes what that returns: `counter += 1` is `counter.update(|n| n + 1)`.
    ///
    /// As with `+=`, another thread may come between the read and the write, and its update is lost; a report says so.
    ///
    /// # Panics
    ///
    /// See [`Shared`].
    #[track_caller]
    #[inline]
    pub fn update(&self, f: impl FnOnce(T) -> T)
    where
        T: Copy,
    {
        let site = Location::caller();
        let access = self.access(Mode::Shared, site);
        // SAFETY: inside the exclusion, and any other borrow of this thread is shared too.
        let old = unsafe { *self.value.get() };
        drop(access);
        let new = f(old);
        let _access = self.access(Mode::Exclusive, site);
        // SAFETY: inside the exclusion, and this thread has no other borrow.
        unsafe { *self.value.get() = new };
    }

    /// Writes the default value and returns the old one.
    ///
    /// # Panics
    ///
    /// See [`Shared`].
    #[track_caller]
    pub fn take(&self) -> T
    where
        T: Default,
    {
        self.replace(T::default())
    }

    /// The value, without a check: `&mut self` excludes everybody. Counts as a write of this thread.
    #[track_caller]
    pub fn get_mut(&mut self) -> &mut T {
        self.shadow.adopt(Location::caller());
        self.value.get_mut()
    }

    /// The value, without a check: nobody else has a reference.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }

    #[inline]
    fn access(&self, mode: Mode, site: &'static Location<'static>) -> Access<'_, T> {
        match self.exclusion.borrow(mode) {
            Ok(borrow) => {
                let access = Access {
                    shared: self,
                    mode,
                    site,
                    _borrow: borrow,
                };
                access.record();
                access
            }
            Err(refused) => self.refuse(refused, mode, site),
        }
    }

    #[inline]
    fn target(&self) -> Target {
        Target {
            address: self.value.get().addr(),
            size: size_of::<T>(),
            describe: || format!("Shared<{}>", std::any::type_name::<T>()),
            label: self.label.get(),
        }
    }

    #[cold]
    #[inline(never)]
    fn refuse(&self, refused: Refused, mode: Mode, site: &'static Location<'static>) -> ! {
        match refused {
            Refused::BorrowedHere => {
                panic!(
                    "racecheck: Shared accessed at {site} inside a `with` or `with_mut` of the same value that excludes it"
                )
            }
            Refused::Lasting(other) => {
                // Two reads don't race, however long they take.
                if (mode, other) != (Mode::Shared, Mode::Shared) {
                    let write = mode == Mode::Exclusive;
                    let other_writes = other == Mode::Exclusive;
                    self.shadow
                        .overlapping(write, other_writes, self.target(), site);
                }
                panic!(
                    "racecheck: Shared accessed at {site} while another thread was inside `with` or `with_mut` of the same value, and stayed there"
                )
            }
        }
    }
}

/// An access that is going on.
struct Access<'a, T> {
    shared: &'a Shared<T>,
    mode: Mode,
    site: &'static Location<'static>,
    _borrow: crate::exclusion::Borrow<'a>,
}

impl<T> Access<'_, T> {
    #[inline]
    fn record(&self) {
        let target = || self.shared.target();
        match self.mode {
            Mode::Shared => self.shared.shadow.read(target, self.site),
            Mode::Exclusive => self.shared.shadow.write(target, self.site),
        }
    }
}

/// An access around a closure of the user's. If the thread released anything meanwhile, that didn't order what came after: the access is
/// recorded again when it ends.
struct Lasting<'a, T>(Access<'a, T>);

impl<T> Drop for Lasting<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.0.record();
    }
}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    /// Reads the value.
    #[track_caller]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with(|value| f.debug_tuple("Shared").field(value).finish())
    }
}

impl<T: Clone> Clone for Shared<T> {
    /// Reads the value; the new one has the same label.
    #[track_caller]
    fn clone(&self) -> Shared<T> {
        let mut clone = Shared::new(self.with(T::clone));
        clone.label = self.label;
        clone
    }
}

// As for `std`'s `Cell`: values are compared outside, so that nobody is inside of two of them at once.
impl<T: Copy + PartialEq> PartialEq for Shared<T> {
    /// Reads both values.
    #[track_caller]
    fn eq(&self, other: &Shared<T>) -> bool {
        self.get() == other.get()
    }
}

impl<T: Copy + Eq> Eq for Shared<T> {}

impl<T: Copy + PartialOrd> PartialOrd for Shared<T> {
    /// Reads both values.
    #[track_caller]
    fn partial_cmp(&self, other: &Shared<T>) -> Option<Ordering> {
        self.get().partial_cmp(&other.get())
    }
}

impl<T: Copy + Ord> Ord for Shared<T> {
    /// Reads both values.
    #[track_caller]
    fn cmp(&self, other: &Shared<T>) -> Ordering {
        self.get().cmp(&other.get())
    }
}

impl<T: Default> Default for Shared<T> {
    #[track_caller]
    fn default() -> Shared<T> {
        Shared::new(T::default())
    }
}

impl<T> From<T> for Shared<T> {
    #[track_caller]
    fn from(value: T) -> Shared<T> {
        Shared::new(value)
    }
}
