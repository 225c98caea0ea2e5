//! `std::cell::UnsafeCell`, for real `unsafe` code, with accesses that can be seen.
//!
//! Compiled in both builds; in the plain one it is a newtype without overhead. It must never add exclusion or order of its own.

use std::cell::UnsafeCell as StdUnsafeCell;
use std::fmt;
use std::panic::Location;

use crate::shadow::{ShadowCell, Target};

/// `std::cell::UnsafeCell`, with accesses that can be seen: Loom's [`with`](UnsafeCell::with) and [`with_mut`](UnsafeCell::with_mut).
///
/// It adds no exclusion. With the feature `race-check`, two accesses that race are reported, and then happen: what `unsafe` code does with the
/// pointer is as undefined as it would be with `std`'s cell. With the feature the cell is 32 bytes larger than `T`; without it, it is `T`.
///
/// Of what `std`'s has on stable, it lacks, in both builds:
///
/// - `from_mut`: a `&mut T` has no place for the cell's 32 bytes. Make the cell where the value is made.
/// - `const` for `into_inner` and `get_mut`: the one drops what records accesses, the other records one.
/// - [`raw_get`](UnsafeCell::raw_get) for types without a size: where their value lies depends on a pointer that may be anything.
/// - the coercion of `UnsafeCell<&T>` to `UnsafeCell<&dyn Trait>`, which only `std` may implement.
///
/// # Example
///
/// ```
/// use racecheck::cell::UnsafeCell;
/// use racecheck::sync::atomic::{AtomicBool, Ordering};
/// use racecheck::thread;
///
/// struct Slot {
///     value: UnsafeCell<u64>,
///     ready: AtomicBool,
/// }
/// // SAFETY: `value` is read only after `ready`, which is set after the write.
/// unsafe impl Sync for Slot {}
///
/// let slot = &Slot { value: UnsafeCell::new(0), ready: AtomicBool::new(false) };
/// thread::scope(|s| {
///     s.spawn(move || {
///         // SAFETY: nobody reads before `ready`.
///         slot.value.with_mut(|p| unsafe { *p = 7 });
///         slot.ready.store(true, Ordering::Release); // `Relaxed` here: a race report
///     });
///     while !slot.ready.load(Ordering::Acquire) {
///         thread::yield_now();
///     }
///     // SAFETY: nobody writes after `ready`.
///     assert_eq!(slot.value.with(|p| unsafe { *p }), 7);
/// });
/// ```
pub struct UnsafeCell<T: ?Sized> {
    shadow: ShadowCell,
    value: StdUnsafeCell<T>,
}

impl<T> UnsafeCell<T> {
    /// Wraps a value. The place of the call is the "created at" of the reports.
    ///
    /// # Example
    ///
    /// ```
    /// let cell = racecheck::cell::UnsafeCell::new(7);
    /// assert_eq!(cell.into_inner(), 7);
    /// ```
    #[track_caller]
    pub const fn new(value: T) -> UnsafeCell<T> {
        UnsafeCell {
            shadow: ShadowCell::new(Location::caller()),
            value: StdUnsafeCell::new(value),
        }
    }

    /// The value, without a check: nobody else has a reference.
    ///
    /// # Example
    ///
    /// ```
    /// assert_eq!(racecheck::cell::UnsafeCell::new(7).into_inner(), 7);
    /// ```
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }

    /// The pointer, as `std`'s `raw_get`, without a reference to the cell on the way: any pointer will do. It is no access.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::cell::UnsafeCell;
    ///
    /// let cell = UnsafeCell::new(7);
    /// assert_eq!(UnsafeCell::raw_get(&raw const cell), cell.get());
    /// ```
    #[inline]
    pub const fn raw_get(this: *const UnsafeCell<T>) -> *mut T {
        let value = std::mem::offset_of!(UnsafeCell<T>, value);
        this.wrapping_byte_add(value).cast::<T>().cast_mut()
    }
}

impl<T: ?Sized> UnsafeCell<T> {
    /// Calls `f` with a pointer to read through: a read of the whole value, now.
    ///
    /// # Example
    ///
    /// ```
    /// let cell = racecheck::cell::UnsafeCell::new(7);
    /// // SAFETY: nobody writes.
    /// assert_eq!(cell.with(|p| unsafe { *p }), 7);
    /// ```
    #[track_caller]
    #[inline]
    pub fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        self.shadow.read(|| self.target(), Location::caller());
        f(self.value.get())
    }

    /// Calls `f` with a pointer to write through: a write of the whole value, now.
    ///
    /// # Example
    ///
    /// ```
    /// let cell = racecheck::cell::UnsafeCell::new(7);
    /// // SAFETY: no other thread has the cell.
    /// cell.with_mut(|p| unsafe { *p += 1 });
    /// assert_eq!(cell.into_inner(), 8);
    /// ```
    #[track_caller]
    #[inline]
    pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        self.shadow.write(|| self.target(), Location::caller());
        f(self.value.get())
    }

    /// The pointer, as `std`'s. Taking it is no access, and what is done through it is seen only by [`crate::ptr`], apart from
    /// what `with` and `with_mut` do.
    ///
    /// # Example
    ///
    /// ```
    /// let cell = racecheck::cell::UnsafeCell::new(7);
    /// // SAFETY: no other thread has the cell.
    /// assert_eq!(unsafe { *cell.get() }, 7);
    /// ```
    #[inline]
    pub const fn get(&self) -> *mut T {
        self.value.get()
    }

    /// The value, without a check: `&mut self` excludes everybody. Counts as a write of this thread.
    ///
    /// # Example
    ///
    /// ```
    /// let mut cell = racecheck::cell::UnsafeCell::new(7);
    /// *cell.get_mut() += 1;
    /// assert_eq!(cell.into_inner(), 8);
    /// ```
    #[track_caller]
    #[inline]
    pub fn get_mut(&mut self) -> &mut T {
        self.shadow.adopt(Location::caller());
        self.value.get_mut()
    }

    fn target(&self) -> Target {
        Target {
            address: self.value.get().cast::<u8>().addr(),
            size: size_of_val(&self.value),
            describe: || format!("UnsafeCell<{}>", std::any::type_name::<T>()),
            label: None,
        }
    }
}

impl<T: ?Sized> fmt::Debug for UnsafeCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnsafeCell").finish_non_exhaustive()
    }
}

impl<T: Default> Default for UnsafeCell<T> {
    #[track_caller]
    fn default() -> UnsafeCell<T> {
        UnsafeCell::new(T::default())
    }
}

impl<T> From<T> for UnsafeCell<T> {
    #[track_caller]
    fn from(value: T) -> UnsafeCell<T> {
        UnsafeCell::new(value)
    }
}
