//! `std::cell::Cell`, tracked. It must never add exclusion or order of its own.

use std::cell::Cell as Real;
use std::cmp::Ordering;
use std::fmt;
use std::panic::Location;

use crate::shadow::{ShadowCell, Target};

/// `std::cell::Cell`, tracked: `get` is a read, `set` and the like are writes, [`update`](Cell::update) is one and then the other.
///
/// It is no more `Sync` than `std`'s. What shares it across threads is an `unsafe impl Sync` around it, and if that promised too much, it is
/// reported, with both accesses; then they happen. The cell is 32 bytes larger than `T`. What `std`'s has and this one lacks is in the
/// [module's](crate::cell) documentation.
///
/// # Example
///
/// ```
/// use racecheck::cell::Cell;
/// use racecheck::{check, thread};
///
/// struct Hits(Cell<u32>);
/// // SAFETY: none; that is the mistake.
/// unsafe impl Sync for Hits {}
///
/// # if cfg!(feature = "race-check") {
/// let outcome = check(|| {
///     let hits = Hits(Cell::new(0));
///     let hits = &hits;
///     thread::scope(|s| {
///         let first = s.spawn(move || hits.0.set(1));
///         while !first.is_finished() {} // not at once; but nothing orders them
///         hits.0.set(2);
///     });
/// });
/// assert_eq!(outcome.races().len(), 1);
/// # }
/// ```
pub struct Cell<T: ?Sized> {
    shadow: ShadowCell,
    value: Real<T>,
}

impl<T> Cell<T> {
    /// As `std::cell::Cell::new`. The place of the call is the "created at" of the reports.
    ///
    /// # Example
    ///
    /// ```
    /// let cell = racecheck::cell::Cell::new(1);
    /// assert_eq!(cell.get(), 1);
    /// ```
    #[track_caller]
    pub const fn new(value: T) -> Cell<T> {
        Cell {
            shadow: ShadowCell::new(Location::caller()),
            value: Real::new(value),
        }
    }

    /// As `std::cell::Cell::set`: a write.
    ///
    /// # Example
    ///
    /// ```
    /// let cell = racecheck::cell::Cell::new(1);
    /// cell.set(2);
    /// assert_eq!(cell.get(), 2);
    /// ```
    #[track_caller]
    #[inline]
    pub fn set(&self, value: T) {
        drop(self.replace(value));
    }

    /// As `std::cell::Cell::swap`: a write to both, unless they are one.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::cell::Cell;
    ///
    /// let (a, b) = (Cell::new(1), Cell::new(2));
    /// a.swap(&b);
    /// assert_eq!((a.get(), b.get()), (2, 1));
    /// ```
    #[track_caller]
    #[inline]
    pub fn swap(&self, other: &Cell<T>) {
        if std::ptr::eq(self, other) {
            return;
        }
        self.write(Location::caller());
        other.write(Location::caller());
        self.value.swap(&other.value);
    }

    /// As `std::cell::Cell::replace`: a write.
    ///
    /// # Example
    ///
    /// ```
    /// let cell = racecheck::cell::Cell::new(1);
    /// assert_eq!(cell.replace(2), 1);
    /// ```
    #[track_caller]
    #[inline]
    pub fn replace(&self, value: T) -> T {
        self.write(Location::caller());
        self.value.replace(value)
    }

    /// As `std::cell::Cell::into_inner`, without a check: nobody else has a reference.
    ///
    /// # Example
    ///
    /// ```
    /// assert_eq!(racecheck::cell::Cell::new(1).into_inner(), 1);
    /// ```
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }

    /// As `std::cell::Cell::get`: a read.
    ///
    /// # Example
    ///
    /// ```
    /// let cell = racecheck::cell::Cell::new('a');
    /// assert_eq!(cell.get(), 'a');
    /// ```
    #[track_caller]
    #[inline]
    pub fn get(&self) -> T
    where
        T: Copy,
    {
        self.read(Location::caller());
        self.value.get()
    }

    /// As `std::cell::Cell::update`: a read, and then a write.
    ///
    /// # Example
    ///
    /// ```
    /// let cell = racecheck::cell::Cell::new(1);
    /// cell.update(|n| n + 1);
    /// assert_eq!(cell.get(), 2);
    /// ```
    #[track_caller]
    #[inline]
    pub fn update(&self, f: impl FnOnce(T) -> T)
    where
        T: Copy,
    {
        let old = self.get();
        self.set(f(old));
    }

    /// As `std::cell::Cell::take`: a write.
    ///
    /// # Example
    ///
    /// ```
    /// let cell = racecheck::cell::Cell::new(vec![1]);
    /// assert_eq!(cell.take(), [1]);
    /// assert!(cell.into_inner().is_empty());
    /// ```
    #[track_caller]
    pub fn take(&self) -> T
    where
        T: Default,
    {
        self.replace(T::default())
    }
}

impl<T: ?Sized> Cell<T> {
    /// As `std::cell::Cell::as_ptr`. Taking it is no access, and what is done through it is seen only by [`crate::ptr`], apart from
    /// what the cell's methods do.
    ///
    /// # Example
    ///
    /// ```
    /// let cell = racecheck::cell::Cell::new(1);
    /// // SAFETY: the pointer of a live cell that no other thread has.
    /// assert_eq!(unsafe { *cell.as_ptr() }, 1);
    /// ```
    #[inline]
    pub const fn as_ptr(&self) -> *mut T {
        self.value.as_ptr()
    }

    /// As `std::cell::Cell::get_mut`, without a check: `&mut self` excludes everybody. Counts as a write of this thread.
    ///
    /// # Example
    ///
    /// ```
    /// let mut cell = racecheck::cell::Cell::new(1);
    /// *cell.get_mut() += 1;
    /// assert_eq!(cell.get(), 2);
    /// ```
    #[track_caller]
    #[inline]
    pub fn get_mut(&mut self) -> &mut T {
        self.shadow.adopt(Location::caller());
        self.value.get_mut()
    }

    #[inline]
    fn read(&self, site: &'static Location<'static>) {
        self.shadow.read(|| self.target(), site);
    }

    #[inline]
    fn write(&self, site: &'static Location<'static>) {
        self.shadow.write(|| self.target(), site);
    }

    fn target(&self) -> Target {
        Target {
            address: self.value.as_ptr().cast::<u8>().addr(),
            size: size_of_val(&self.value),
            describe: || format!("Cell<{}>", std::any::type_name::<T>()),
            label: None,
        }
    }
}

impl<T: Copy> Clone for Cell<T> {
    #[track_caller]
    fn clone(&self) -> Cell<T> {
        Cell::new(self.get())
    }
}

impl<T: Default> Default for Cell<T> {
    #[track_caller]
    fn default() -> Cell<T> {
        Cell::new(T::default())
    }
}

impl<T> From<T> for Cell<T> {
    #[track_caller]
    fn from(value: T) -> Cell<T> {
        Cell::new(value)
    }
}

impl<T: Copy + PartialEq> PartialEq for Cell<T> {
    #[track_caller]
    fn eq(&self, other: &Cell<T>) -> bool {
        self.get() == other.get()
    }
}

impl<T: Copy + Eq> Eq for Cell<T> {}

impl<T: Copy + PartialOrd> PartialOrd for Cell<T> {
    #[track_caller]
    fn partial_cmp(&self, other: &Cell<T>) -> Option<Ordering> {
        self.get().partial_cmp(&other.get())
    }
}

impl<T: Copy + Ord> Ord for Cell<T> {
    #[track_caller]
    fn cmp(&self, other: &Cell<T>) -> Ordering {
        self.get().cmp(&other.get())
    }
}

impl<T: Copy + fmt::Debug> fmt::Debug for Cell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cell").field("value", &self.get()).finish()
    }
}
