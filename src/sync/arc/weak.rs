//! `std::sync::Weak`, tracked: an upgrade comes after the `Arc`s that were dropped before it.

use std::fmt;
use std::mem::{self, ManuallyDrop};
use std::num::NonZero;
use std::panic::Location;
use std::ptr::{self, NonNull};

use super::Arc;
use super::block::Header;
use super::kinds::{DOWNGRADED, UPGRADED};

/// Where a [`Weak::new`] points to, as `std`'s: no value has this address, since a header comes before each.
const NOWHERE: NonZero<usize> = NonZero::<usize>::MAX;

/// `std::sync::Weak`, tracked.
///
/// An [`upgrade`](Weak::upgrade) that succeeds is ordered after every earlier drop of an [`Arc`] of the same value, and after the end of
/// [`Arc::new_cyclic`]. Dropping a `Weak` happens before a later [`Arc::get_mut`] that succeeds; the value isn't dropped by it.
/// Nothing else here orders anything.
///
/// # Example
///
/// ```
/// use racecheck::sync::{Arc, Weak};
///
/// let strong = Arc::new(7);
/// let weak: Weak<i32> = Arc::downgrade(&strong);
/// assert_eq!(weak.upgrade().as_deref(), Some(&7));
/// drop(strong);
/// assert!(weak.upgrade().is_none());
/// ```
pub struct Weak<T: ?Sized> {
    /// In a block in whose counts this handle has a share; or nowhere.
    pub(super) value: NonNull<T>,
}

// SAFETY: as `std`'s. Two threads with a handle can both get to the value, and either may drop it.
unsafe impl<T: ?Sized + Sync + Send> Send for Weak<T> {}
// SAFETY: a shared handle can be cloned.
unsafe impl<T: ?Sized + Sync + Send> Sync for Weak<T> {}

impl<T> Weak<T> {
    /// As `std::sync::Weak::new`: of no value.
    ///
    /// # Example
    ///
    /// ```
    /// static NONE: racecheck::sync::Weak<u8> = racecheck::sync::Weak::new();
    /// assert!(NONE.upgrade().is_none());
    /// ```
    #[must_use]
    pub const fn new() -> Weak<T> {
        Weak {
            value: NonNull::without_provenance(NOWHERE),
        }
    }
}

impl<T: ?Sized> Weak<T> {
    /// As `std::sync::Weak::upgrade`; what was done before each earlier drop of an [`Arc`] happens before the return, if there is one.
    ///
    /// `std` doesn't promise that, but its `upgrade` is an acquire operation, on a count that each drop releases into.
    #[must_use = "this returns a new `Arc`, without modifying the original weak pointer"]
    #[track_caller]
    pub fn upgrade(&self) -> Option<Arc<T>> {
        let header = self.header()?;
        // SAFETY: this is a `Weak`.
        let owner = unsafe { header.weak() }.upgrade()?;
        owner.block.arcs.acquire(&UPGRADED, Location::caller());
        // It is the new handle's.
        mem::forget(owner);
        Some(Arc { value: self.value })
    }

    /// As `std::sync::Weak::strong_count`: orders nothing.
    #[must_use]
    pub fn strong_count(&self) -> usize {
        // SAFETY: this is a `Weak`.
        let count = |header: &Header| unsafe { header.weak() }.strong_count();
        self.header().map_or(0, count)
    }

    /// As `std::sync::Weak::weak_count`; ordered after each `Weak` that was dropped before, as `std`'s own is.
    #[must_use]
    #[track_caller]
    pub fn weak_count(&self) -> usize {
        let Some(header) = self.header() else {
            return 0;
        };
        // SAFETY: this is a `Weak`.
        let count = unsafe { header.weak() }.weak_count();
        // SAFETY: this handle keeps the block.
        let block = unsafe { header.block() };
        block.weaks.acquire(&DOWNGRADED, Location::caller());
        count
    }

    /// As `std::sync::Weak::as_ptr`.
    #[must_use]
    pub fn as_ptr(&self) -> *const T {
        self.value.as_ptr()
    }

    /// As `std::sync::Weak::into_raw`.
    #[must_use = "losing the pointer will leak memory"]
    pub fn into_raw(self) -> *const T {
        ManuallyDrop::new(self).as_ptr()
    }

    /// As `std::sync::Weak::from_raw`.
    ///
    /// # Safety
    ///
    /// As `std` says: the pointer comes from [`into_raw`](Weak::into_raw) of this `Weak`, not `std`'s, and still owns its weak reference.
    pub unsafe fn from_raw(ptr: *const T) -> Weak<T> {
        Weak {
            // SAFETY: `into_raw` never gives null.
            value: unsafe { NonNull::new_unchecked(ptr.cast_mut()) },
        }
    }

    /// As `std::sync::Weak::ptr_eq`.
    #[must_use]
    pub fn ptr_eq(&self, other: &Weak<T>) -> bool {
        ptr::addr_eq(self.value.as_ptr(), other.value.as_ptr())
    }

    fn header(&self) -> Option<&Header> {
        let value = self.value.cast::<()>();
        // SAFETY: it is in a block, and this handle keeps that.
        (value.addr() != NOWHERE).then(|| unsafe { Header::of(value) })
    }
}

impl<T: ?Sized> Drop for Weak<T> {
    fn drop(&mut self) {
        let Some(header) = self.header().copied() else {
            return;
        };
        // SAFETY: this handle keeps the block.
        let block = unsafe { header.block() };
        block.weaks.release(&DOWNGRADED, block.created);
        // SAFETY: this handle is done.
        unsafe { header.drop_weak() };
    }
}

impl<T: ?Sized> Clone for Weak<T> {
    fn clone(&self) -> Weak<T> {
        if let Some(header) = self.header() {
            // SAFETY: this is a `Weak`, which keeps the block.
            unsafe { header.add_weak((*header.weak()).clone()) };
        }
        Weak { value: self.value }
    }
}

impl<T> Default for Weak<T> {
    fn default() -> Weak<T> {
        Weak::new()
    }
}

impl<T: ?Sized> fmt::Debug for Weak<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(Weak)")
    }
}
