//! `std::cell::OnceCell`, tracked. It must never add exclusion or order of its own.

use std::cell::OnceCell as Real;
use std::fmt;
use std::panic::Location;

use crate::shadow::{ShadowCell, Target};

/// `std::cell::OnceCell`, tracked: each look at the value is a read, setting it is a write.
///
/// It is no more `Sync` than `std`'s; two threads at one, behind an `unsafe impl Sync`, are reported if nothing orders the one that
/// sets it and the others. [`crate::sync::OnceLock`] orders them itself.
///
/// # Example
///
/// ```
/// use racecheck::cell::OnceCell;
///
/// let cell = OnceCell::new();
/// assert_eq!(cell.get_or_init(|| 7), &7);
/// assert_eq!(cell.set(8), Err(8));
/// ```
pub struct OnceCell<T> {
    shadow: ShadowCell,
    value: Real<T>,
}

impl<T> OnceCell<T> {
    /// As `std::cell::OnceCell::new`. The place of the call is the "created at" of the reports.
    ///
    /// # Example
    ///
    /// ```
    /// let cell = racecheck::cell::OnceCell::<u8>::new();
    /// assert_eq!(cell.get(), None);
    /// ```
    #[track_caller]
    pub const fn new() -> OnceCell<T> {
        OnceCell {
            shadow: ShadowCell::new(Location::caller()),
            value: Real::new(),
        }
    }

    /// As `std::cell::OnceCell::get`: a read.
    ///
    /// # Example
    ///
    /// ```
    /// let cell = racecheck::cell::OnceCell::from(7);
    /// assert_eq!(cell.get(), Some(&7));
    /// ```
    #[track_caller]
    #[inline]
    pub fn get(&self) -> Option<&T> {
        self.shadow.read(|| self.target(), Location::caller());
        self.value.get()
    }

    /// As `std::cell::OnceCell::get_mut`, without a check: `&mut self` excludes everybody. Counts as a write of this thread.
    ///
    /// # Example
    ///
    /// ```
    /// let mut cell = racecheck::cell::OnceCell::from(7);
    /// *cell.get_mut().unwrap() += 1;
    /// assert_eq!(cell.get(), Some(&8));
    /// ```
    #[track_caller]
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.shadow.adopt(Location::caller());
        self.value.get_mut()
    }

    /// As `std::cell::OnceCell::set`: a read, and a write if there was nothing.
    ///
    /// # Errors
    ///
    /// The value, if there was one already.
    ///
    /// # Example
    ///
    /// ```
    /// let cell = racecheck::cell::OnceCell::new();
    /// assert_eq!((cell.set(7), cell.set(8)), (Ok(()), Err(8)));
    /// ```
    #[track_caller]
    pub fn set(&self, value: T) -> Result<(), T> {
        if self.get().is_some() {
            return Err(value);
        }
        self.shadow.write(|| self.target(), Location::caller());
        self.value.set(value)
    }

    /// As `std::cell::OnceCell::get_or_init`: a read, and a write if there was nothing, when `f` has returned.
    ///
    /// # Panics
    ///
    /// If `f` does, or if it sets this cell.
    ///
    /// # Example
    ///
    /// ```
    /// let cell = racecheck::cell::OnceCell::new();
    /// assert_eq!(cell.get_or_init(|| 7), &7);
    /// ```
    #[track_caller]
    #[inline]
    pub fn get_or_init<F>(&self, f: F) -> &T
    where
        F: FnOnce() -> T,
    {
        let site = Location::caller();
        self.shadow.read(|| self.target(), site);
        self.value.get_or_init(|| {
            let value = f();
            self.shadow.write(|| self.target(), site);
            value
        })
    }

    /// As `std::cell::OnceCell::into_inner`, without a check: nobody else has a reference.
    ///
    /// # Example
    ///
    /// ```
    /// assert_eq!(racecheck::cell::OnceCell::from(7).into_inner(), Some(7));
    /// ```
    pub fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }

    /// As `std::cell::OnceCell::take`, without a check, as [`get_mut`](OnceCell::get_mut).
    ///
    /// # Example
    ///
    /// ```
    /// let mut cell = racecheck::cell::OnceCell::from(7);
    /// assert_eq!((cell.take(), cell.take()), (Some(7), None));
    /// ```
    #[track_caller]
    pub fn take(&mut self) -> Option<T> {
        self.shadow.adopt(Location::caller());
        self.value.take()
    }

    fn target(&self) -> Target {
        Target {
            address: (&raw const self.value).addr(),
            size: size_of::<Real<T>>(),
            describe: || format!("OnceCell<{}>", std::any::type_name::<T>()),
            label: None,
        }
    }
}

impl<T> Default for OnceCell<T> {
    #[track_caller]
    fn default() -> OnceCell<T> {
        OnceCell::new()
    }
}

impl<T> From<T> for OnceCell<T> {
    #[track_caller]
    fn from(value: T) -> OnceCell<T> {
        OnceCell {
            shadow: ShadowCell::new(Location::caller()),
            value: Real::from(value),
        }
    }
}

impl<T: Clone> Clone for OnceCell<T> {
    #[track_caller]
    fn clone(&self) -> OnceCell<T> {
        match self.get() {
            Some(value) => OnceCell::from(value.clone()),
            None => OnceCell::new(),
        }
    }
}

impl<T: PartialEq> PartialEq for OnceCell<T> {
    #[track_caller]
    fn eq(&self, other: &OnceCell<T>) -> bool {
        self.get() == other.get()
    }
}

impl<T: Eq> Eq for OnceCell<T> {}

impl<T: fmt::Debug> fmt::Debug for OnceCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_tuple("OnceCell");
        match self.get() {
            Some(value) => out.field(value),
            None => out.field(&format_args!("<uninit>")),
        };
        out.finish()
    }
}
