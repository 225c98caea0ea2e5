//! `std::cell::LazyCell`, tracked: `std`'s `OnceCell`, what to set it to, and the shadow of both.

use std::cell::{Cell as RealCell, OnceCell as Real};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::Location;

use crate::shadow::{ShadowCell, Target};

/// `std::cell::LazyCell`, tracked: each look at the value is a read; making it is a write, from the beginning of the initializer to its end.
///
/// It is no more `Sync` than `std`'s; two threads at one, behind an `unsafe impl Sync`, are reported if nothing orders the one that
/// makes the value and the others. [`crate::sync::LazyLock`] orders them itself.
///
/// # Example
///
/// ```
/// use racecheck::cell::LazyCell;
///
/// let primes = LazyCell::new(|| vec![2, 3, 5]);
/// assert_eq!(primes.len(), 3);
/// ```
pub struct LazyCell<T, F = fn() -> T> {
    shadow: ShadowCell,
    value: Real<T>,
    /// Taken by whoever makes the value: one that panics leaves nothing.
    initializer: RealCell<Option<F>>,
}

impl<T, F: FnOnce() -> T> LazyCell<T, F> {
    /// As `std::cell::LazyCell::new`. The place of the call is the "created at" of the reports.
    ///
    /// # Example
    ///
    /// ```
    /// assert_eq!(*racecheck::cell::LazyCell::new(|| 7), 7);
    /// ```
    #[track_caller]
    pub const fn new(f: F) -> LazyCell<T, F> {
        LazyCell {
            shadow: ShadowCell::new(Location::caller()),
            value: Real::new(),
            initializer: RealCell::new(Some(f)),
        }
    }

    /// As `std::cell::LazyCell::force`.
    ///
    /// # Panics
    ///
    /// If the initializer does, now or did before, or if it looks at this value.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::cell::LazyCell;
    ///
    /// let lazy = LazyCell::new(|| 7);
    /// assert_eq!(LazyCell::force(&lazy), &7);
    /// ```
    #[track_caller]
    #[inline]
    pub fn force(this: &LazyCell<T, F>) -> &T {
        let site = Location::caller();
        this.shadow.read(|| this.target(), site);
        this.value.get_or_init(|| this.initialize(site))
    }

    /// As `std::cell::LazyCell::force_mut`.
    ///
    /// # Panics
    ///
    /// If the initializer does, now or did before.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::cell::LazyCell;
    ///
    /// let mut lazy = LazyCell::new(|| 7);
    /// *LazyCell::force_mut(&mut lazy) += 1;
    /// assert_eq!(*lazy, 8);
    /// ```
    #[track_caller]
    pub fn force_mut(this: &mut LazyCell<T, F>) -> &mut T {
        this.shadow.adopt(Location::caller());
        LazyCell::force(this);
        this.value.get_mut().expect("it was just set")
    }

    #[cold]
    fn initialize(&self, site: &'static Location<'static>) -> T {
        let Some(initializer) = self.initializer.take() else {
            poisoned()
        };
        self.shadow.write(|| self.target(), site);
        let value = initializer();
        self.shadow.write(|| self.target(), site);
        value
    }
}

impl<T, F> LazyCell<T, F> {
    /// As `std::cell::LazyCell::get`: the value, if it is there already. A read.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::cell::LazyCell;
    ///
    /// let lazy = LazyCell::new(|| 7);
    /// assert_eq!(LazyCell::get(&lazy), None);
    /// ```
    #[track_caller]
    pub fn get(this: &LazyCell<T, F>) -> Option<&T> {
        this.shadow.read(|| this.target(), Location::caller());
        this.value.get()
    }

    /// As `std::cell::LazyCell::get_mut`: the value, if it is there already. Without a check: `&mut` excludes everybody.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::cell::LazyCell;
    ///
    /// let mut lazy = LazyCell::new(|| 7);
    /// assert_eq!(LazyCell::get_mut(&mut lazy), None);
    /// ```
    #[track_caller]
    pub fn get_mut(this: &mut LazyCell<T, F>) -> Option<&mut T> {
        this.shadow.adopt(Location::caller());
        this.value.get_mut()
    }

    fn target(&self) -> Target {
        Target {
            address: (&raw const self.value).addr(),
            size: size_of::<Real<T>>(),
            describe: || format!("LazyCell<{}>", std::any::type_name::<T>()),
            label: None,
        }
    }
}

#[cold]
fn poisoned() -> ! {
    panic!("LazyCell instance has previously been poisoned")
}

impl<T, F: FnOnce() -> T> Deref for LazyCell<T, F> {
    type Target = T;

    #[track_caller]
    #[inline]
    fn deref(&self) -> &T {
        LazyCell::force(self)
    }
}

impl<T, F: FnOnce() -> T> DerefMut for LazyCell<T, F> {
    #[track_caller]
    fn deref_mut(&mut self) -> &mut T {
        LazyCell::force_mut(self)
    }
}

impl<T: Default> Default for LazyCell<T> {
    #[track_caller]
    fn default() -> LazyCell<T> {
        LazyCell::new(T::default)
    }
}

impl<T: fmt::Debug, F> fmt::Debug for LazyCell<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_tuple("LazyCell");
        match LazyCell::get(self) {
            Some(value) => out.field(value),
            None => out.field(&format_args!("<uninit>")),
        };
        out.finish()
    }
}
