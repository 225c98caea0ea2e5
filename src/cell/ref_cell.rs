//! `std::cell::RefCell`, tracked: what races is its borrow flag. It must never add exclusion or order of its own.

use std::cell::{BorrowError, BorrowMutError, RefCell as Real};
use std::cmp::Ordering;
use std::fmt;
use std::mem;
use std::panic::Location;

use super::guards::{Flag, Ref, RefMut};
use crate::shadow::{ShadowCell, Target};

/// `std::cell::RefCell`, tracked: a borrow of either kind reads and writes the flag that counts borrows, and its end writes it again.
///
/// So two threads at one race even if both only [`borrow`](RefCell::borrow): they may count wrongly. That is what an `unsafe impl Sync` around a
/// `RefCell` overlooks most often. The value itself is reached only inside a borrow, so the flag stands for it. A `try_borrow` that fails
/// only reads the flag.
///
/// # Example
///
/// ```
/// use racecheck::cell::RefCell;
/// use racecheck::{check, thread};
///
/// struct Names(RefCell<Vec<String>>);
/// // SAFETY: none; "nobody writes any more" is not enough.
/// unsafe impl Sync for Names {}
///
/// # if cfg!(feature = "race-check") {
/// let outcome = check(|| {
///     let names = Names(RefCell::new(vec!["a".to_owned()]));
///     let names = &names;
///     thread::scope(|s| {
///         let first = s.spawn(move || names.0.borrow().len());
///         while !first.is_finished() {} // not at once; but nothing orders them
///         names.0.borrow().len()
///     });
/// });
/// assert_eq!(outcome.races().len(), 1);
/// # }
/// ```
pub struct RefCell<T: ?Sized> {
    shadow: ShadowCell,
    inner: Real<T>,
}

impl<T> RefCell<T> {
    /// As `std::cell::RefCell::new`. The place of the call is the "created at" of the reports.
    ///
    /// # Example
    ///
    /// ```
    /// let cell = racecheck::cell::RefCell::new(1);
    /// assert_eq!(*cell.borrow(), 1);
    /// ```
    #[track_caller]
    pub const fn new(value: T) -> RefCell<T> {
        RefCell {
            shadow: ShadowCell::new(Location::caller()),
            inner: Real::new(value),
        }
    }

    /// As `std::cell::RefCell::into_inner`, without a check: nobody else has a reference.
    ///
    /// # Example
    ///
    /// ```
    /// assert_eq!(racecheck::cell::RefCell::new(1).into_inner(), 1);
    /// ```
    pub fn into_inner(self) -> T {
        self.inner.into_inner()
    }

    /// As `std::cell::RefCell::replace`.
    ///
    /// # Panics
    ///
    /// If it is borrowed.
    ///
    /// # Example
    ///
    /// ```
    /// assert_eq!(racecheck::cell::RefCell::new(1).replace(2), 1);
    /// ```
    #[track_caller]
    pub fn replace(&self, value: T) -> T {
        mem::replace(&mut *self.borrow_mut(), value)
    }

    /// As `std::cell::RefCell::replace_with`.
    ///
    /// # Panics
    ///
    /// If it is borrowed.
    ///
    /// # Example
    ///
    /// ```
    /// let cell = racecheck::cell::RefCell::new(1);
    /// assert_eq!(cell.replace_with(|n| *n + 1), 1);
    /// assert_eq!(*cell.borrow(), 2);
    /// ```
    #[track_caller]
    pub fn replace_with<F: FnOnce(&mut T) -> T>(&self, f: F) -> T {
        let value = &mut *self.borrow_mut();
        let replacement = f(value);
        mem::replace(value, replacement)
    }

    /// As `std::cell::RefCell::swap`.
    ///
    /// # Panics
    ///
    /// If one of the two is borrowed, or they are one.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::cell::RefCell;
    ///
    /// let (a, b) = (RefCell::new(1), RefCell::new(2));
    /// a.swap(&b);
    /// assert_eq!((a.into_inner(), b.into_inner()), (2, 1));
    /// ```
    #[track_caller]
    pub fn swap(&self, other: &RefCell<T>) {
        mem::swap(&mut *self.borrow_mut(), &mut *other.borrow_mut());
    }

    /// As `std::cell::RefCell::take`.
    ///
    /// # Panics
    ///
    /// If it is borrowed.
    ///
    /// # Example
    ///
    /// ```
    /// assert_eq!(racecheck::cell::RefCell::new(vec![1]).take(), [1]);
    /// ```
    #[track_caller]
    pub fn take(&self) -> T
    where
        T: Default,
    {
        self.replace(T::default())
    }
}

impl<T: ?Sized> RefCell<T> {
    /// As `std::cell::RefCell::borrow`.
    ///
    /// # Panics
    ///
    /// If it is borrowed mutably.
    ///
    /// # Example
    ///
    /// ```
    /// let cell = racecheck::cell::RefCell::new(1);
    /// let (one, two) = (cell.borrow(), cell.borrow());
    /// assert_eq!(*one, *two);
    /// ```
    #[track_caller]
    #[inline]
    pub fn borrow(&self) -> Ref<'_, T> {
        let flag = self.look(Location::caller());
        let inner = self.inner.borrow();
        Ref::begin(flag, inner)
    }

    /// As `std::cell::RefCell::try_borrow`.
    ///
    /// # Errors
    ///
    /// If it is borrowed mutably.
    ///
    /// # Example
    ///
    /// ```
    /// let cell = racecheck::cell::RefCell::new(1);
    /// let guard = cell.borrow_mut();
    /// assert!(cell.try_borrow().is_err());
    /// ```
    #[track_caller]
    #[inline]
    pub fn try_borrow(&self) -> Result<Ref<'_, T>, BorrowError> {
        let flag = self.look(Location::caller());
        let inner = self.inner.try_borrow()?;
        Ok(Ref::begin(flag, inner))
    }

    /// As `std::cell::RefCell::borrow_mut`.
    ///
    /// # Panics
    ///
    /// If it is borrowed.
    ///
    /// # Example
    ///
    /// ```
    /// let cell = racecheck::cell::RefCell::new(1);
    /// *cell.borrow_mut() += 1;
    /// assert_eq!(*cell.borrow(), 2);
    /// ```
    #[track_caller]
    #[inline]
    pub fn borrow_mut(&self) -> RefMut<'_, T> {
        let flag = self.look(Location::caller());
        let inner = self.inner.borrow_mut();
        RefMut::begin(flag, inner)
    }

    /// As `std::cell::RefCell::try_borrow_mut`.
    ///
    /// # Errors
    ///
    /// If it is borrowed.
    ///
    /// # Example
    ///
    /// ```
    /// let cell = racecheck::cell::RefCell::new(1);
    /// let guard = cell.borrow();
    /// assert!(cell.try_borrow_mut().is_err());
    /// ```
    #[track_caller]
    #[inline]
    pub fn try_borrow_mut(&self) -> Result<RefMut<'_, T>, BorrowMutError> {
        let flag = self.look(Location::caller());
        let inner = self.inner.try_borrow_mut()?;
        Ok(RefMut::begin(flag, inner))
    }

    /// As `std::cell::RefCell::as_ptr`. Taking it is no access, and what is done through it is seen only by [`crate::ptr`], apart from
    /// what the cell's methods do.
    ///
    /// # Example
    ///
    /// ```
    /// let cell = racecheck::cell::RefCell::new(1);
    /// // SAFETY: the pointer of a live cell that nobody has borrowed.
    /// assert_eq!(unsafe { *cell.as_ptr() }, 1);
    /// ```
    #[inline]
    pub fn as_ptr(&self) -> *mut T {
        self.inner.as_ptr()
    }

    /// As `std::cell::RefCell::get_mut`, without a check: `&mut self` excludes everybody. Counts as a write of this thread.
    ///
    /// # Example
    ///
    /// ```
    /// let mut cell = racecheck::cell::RefCell::new(1);
    /// *cell.get_mut() += 1;
    /// assert_eq!(cell.into_inner(), 2);
    /// ```
    #[track_caller]
    pub fn get_mut(&mut self) -> &mut T {
        self.shadow.adopt(Location::caller());
        self.inner.get_mut()
    }

    /// As `std::cell::RefCell::try_borrow_unguarded`: a read of the flag.
    ///
    /// # Errors
    ///
    /// If it is borrowed mutably.
    ///
    /// # Safety
    ///
    /// As `std` says: nobody may borrow it mutably while the reference lives.
    ///
    /// # Example
    ///
    /// ```
    /// let cell = racecheck::cell::RefCell::new(1);
    /// // SAFETY: nobody borrows it mutably.
    /// assert_eq!(unsafe { cell.try_borrow_unguarded() }.unwrap(), &1);
    /// ```
    #[track_caller]
    pub unsafe fn try_borrow_unguarded(&self) -> Result<&T, BorrowError> {
        self.look(Location::caller());
        // SAFETY: as the caller promises.
        unsafe { self.inner.try_borrow_unguarded() }
    }

    /// Whoever wants a borrow reads the flag.
    #[inline]
    fn look(&self, site: &'static Location<'static>) -> Flag<'_> {
        let flag = Flag {
            shadow: &self.shadow,
            target: Target {
                address: (&raw const self.inner).cast::<u8>().addr(),
                size: size_of_val(&self.inner),
                describe: || format!("borrow flag of RefCell<{}>", std::any::type_name::<T>()),
                label: None,
            },
            site,
        };
        flag.read();
        flag
    }
}

impl<T: Clone> Clone for RefCell<T> {
    #[track_caller]
    fn clone(&self) -> RefCell<T> {
        RefCell::new(self.borrow().clone())
    }

    #[track_caller]
    fn clone_from(&mut self, source: &RefCell<T>) {
        self.get_mut().clone_from(&source.borrow());
    }
}

impl<T: Default> Default for RefCell<T> {
    #[track_caller]
    fn default() -> RefCell<T> {
        RefCell::new(T::default())
    }
}

impl<T> From<T> for RefCell<T> {
    #[track_caller]
    fn from(value: T) -> RefCell<T> {
        RefCell::new(value)
    }
}

impl<T: ?Sized + PartialEq> PartialEq for RefCell<T> {
    #[track_caller]
    fn eq(&self, other: &RefCell<T>) -> bool {
        *self.borrow() == *other.borrow()
    }
}

impl<T: ?Sized + Eq> Eq for RefCell<T> {}

impl<T: ?Sized + PartialOrd> PartialOrd for RefCell<T> {
    #[track_caller]
    fn partial_cmp(&self, other: &RefCell<T>) -> Option<Ordering> {
        self.borrow().partial_cmp(&*other.borrow())
    }
}

impl<T: ?Sized + Ord> Ord for RefCell<T> {
    #[track_caller]
    fn cmp(&self, other: &RefCell<T>) -> Ordering {
        self.borrow().cmp(&*other.borrow())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RefCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("RefCell");
        match self.try_borrow() {
            Ok(value) => out.field("value", &value),
            Err(_) => out.field("value", &format_args!("<borrowed>")),
        };
        out.finish()
    }
}
