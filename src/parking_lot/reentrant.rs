//! `parking_lot::ReentrantMutex`, tracked: lock_api's over the tracked raw mutex, and a wrapper that says who calls.
//!
//! lock_api's reentrant mutex doesn't tell the raw mutex its caller. The wrapper does that, and nothing else.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lock_api::{ArcReentrantMutexGuard, GetThreadId, RawMutex as _};

use super::mutex::RawMutex;
use super::{RawThreadId, lock_api};

type Inner<T> = lock_api::ReentrantMutex<RawMutex, RawThreadId, T>;
type ArcGuard<T> = ArcReentrantMutexGuard<RawMutex, RawThreadId, T>;

/// `parking_lot::ReentrantMutexGuard`, tracked.
pub type ReentrantMutexGuard<'a, T> = lock_api::ReentrantMutexGuard<'a, RawMutex, RawThreadId, T>;
/// `parking_lot::MappedReentrantMutexGuard`, tracked.
pub type MappedReentrantMutexGuard<'a, T> =
    lock_api::MappedReentrantMutexGuard<'a, RawMutex, RawThreadId, T>;

/// `parking_lot::ReentrantMutex`, tracked.
///
/// The unlock that lets others in happens before the next thread's first lock. Reports call it a Mutex. What isn't listed here is `lock_api`'s, by `Deref`.
///
/// # Example
///
/// ```
/// use racecheck::parking_lot::ReentrantMutex;
///
/// let total = ReentrantMutex::new(1);
/// let outer = total.lock();
/// assert_eq!(*total.lock() + *outer, 2);
/// ```
#[repr(transparent)]
pub struct ReentrantMutex<T: ?Sized>(Inner<T>);

/// As `parking_lot::const_reentrant_mutex`.
pub const fn const_reentrant_mutex<T>(value: T) -> ReentrantMutex<T> {
    ReentrantMutex::from_raw(RawMutex::INIT, RawThreadId::INIT, value)
}

impl<T> ReentrantMutex<T> {
    /// As `parking_lot::ReentrantMutex::new`.
    pub const fn new(value: T) -> ReentrantMutex<T> {
        ReentrantMutex(Inner::new(value))
    }

    /// As `parking_lot::ReentrantMutex::from_raw`.
    pub const fn from_raw(raw: RawMutex, id: RawThreadId, value: T) -> ReentrantMutex<T> {
        ReentrantMutex(Inner::from_raw(raw, id, value))
    }

    /// As `parking_lot::ReentrantMutex::into_inner`.
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<T: ?Sized> ReentrantMutex<T> {
    fn called(&self, caller: &'static Location<'static>) -> &Inner<T> {
        // SAFETY: nothing is unlocked.
        unsafe { self.0.raw() }.called(caller);
        &self.0
    }

    fn called_arc(self: &Arc<Self>, caller: &'static Location<'static>) -> Arc<Inner<T>> {
        self.called(caller);
        let this = Arc::into_raw(Arc::clone(self));
        // SAFETY: the wrapper is transparent, so its pointer is one to what it wraps, of the same size, alignment and metadata.
        unsafe { Arc::from_raw(this as *const Inner<T>) }
    }

    /// As `parking_lot::ReentrantMutex::lock`.
    #[track_caller]
    pub fn lock(&self) -> ReentrantMutexGuard<'_, T> {
        self.called(Location::caller()).lock()
    }

    /// As `parking_lot::ReentrantMutex::try_lock`; a failure orders nothing.
    #[track_caller]
    pub fn try_lock(&self) -> Option<ReentrantMutexGuard<'_, T>> {
        self.called(Location::caller()).try_lock()
    }

    /// As `parking_lot::ReentrantMutex::try_lock_for`; a failure orders nothing.
    #[track_caller]
    pub fn try_lock_for(&self, timeout: Duration) -> Option<ReentrantMutexGuard<'_, T>> {
        self.called(Location::caller()).try_lock_for(timeout)
    }

    /// As `parking_lot::ReentrantMutex::try_lock_until`; a failure orders nothing.
    #[track_caller]
    pub fn try_lock_until(&self, timeout: Instant) -> Option<ReentrantMutexGuard<'_, T>> {
        self.called(Location::caller()).try_lock_until(timeout)
    }

    /// As `parking_lot::ReentrantMutex::lock_arc`.
    #[track_caller]
    pub fn lock_arc(self: &Arc<Self>) -> ArcGuard<T> {
        self.called_arc(Location::caller()).lock_arc()
    }

    /// As `parking_lot::ReentrantMutex::try_lock_arc`; a failure orders nothing.
    #[track_caller]
    pub fn try_lock_arc(self: &Arc<Self>) -> Option<ArcGuard<T>> {
        self.called_arc(Location::caller()).try_lock_arc()
    }

    /// As `parking_lot::ReentrantMutex::try_lock_arc_for`; a failure orders nothing.
    #[track_caller]
    pub fn try_lock_arc_for(self: &Arc<Self>, timeout: Duration) -> Option<ArcGuard<T>> {
        self.called_arc(Location::caller())
            .try_lock_arc_for(timeout)
    }

    /// As `parking_lot::ReentrantMutex::try_lock_arc_until`; a failure orders nothing.
    #[track_caller]
    pub fn try_lock_arc_until(self: &Arc<Self>, timeout: Instant) -> Option<ArcGuard<T>> {
        self.called_arc(Location::caller())
            .try_lock_arc_until(timeout)
    }
}

impl<T: ?Sized> Deref for ReentrantMutex<T> {
    type Target = Inner<T>;

    fn deref(&self) -> &Inner<T> {
        &self.0
    }
}

impl<T: ?Sized> DerefMut for ReentrantMutex<T> {
    fn deref_mut(&mut self) -> &mut Inner<T> {
        &mut self.0
    }
}

impl<T: Default> Default for ReentrantMutex<T> {
    fn default() -> ReentrantMutex<T> {
        ReentrantMutex::new(T::default())
    }
}

impl<T> From<T> for ReentrantMutex<T> {
    fn from(value: T) -> ReentrantMutex<T> {
        ReentrantMutex::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for ReentrantMutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
