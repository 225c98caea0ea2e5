//! `std::sync::LazyLock`, tracked: a [`OnceLock`] and what to set it to.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::{Mutex as Unseen, PoisonError};

use super::once_lock::OnceLock;

/// `std::sync::LazyLock`, tracked: the end of the initializer happens before every access to its value.
///
/// # Example
///
/// ```
/// use racecheck::sync::LazyLock;
///
/// static PRIMES: LazyLock<Vec<u32>> = LazyLock::new(|| vec![2, 3, 5]);
/// assert_eq!(PRIMES.len(), 3);
/// ```
pub struct LazyLock<T, F = fn() -> T> {
    cell: OnceLock<T>,
    /// Taken by the one thread that initializes `cell`: the lock is never waited for, and orders nothing for the engine.
    initializer: Unseen<Option<F>>,
}

impl<T, F: FnOnce() -> T> LazyLock<T, F> {
    /// As `std::sync::LazyLock::new`.
    pub const fn new(f: F) -> LazyLock<T, F> {
        LazyLock {
            cell: OnceLock::new(),
            initializer: Unseen::new(Some(f)),
        }
    }

    /// As `std::sync::LazyLock::force`.
    ///
    /// # Panics
    ///
    /// If the initializer does, now or did before.
    #[track_caller]
    #[inline]
    pub fn force(this: &LazyLock<T, F>) -> &T {
        this.cell.get_or_init(|| this.take_initializer()())
    }

    /// As `std::sync::LazyLock::force_mut`.
    ///
    /// # Panics
    ///
    /// If the initializer does, now or did before.
    #[track_caller]
    pub fn force_mut(this: &mut LazyLock<T, F>) -> &mut T {
        LazyLock::force(this);
        this.cell.get_mut().expect("it was just set")
    }

    fn take_initializer(&self) -> F {
        let mut initializer = self
            .initializer
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match initializer.take() {
            Some(initializer) => initializer,
            None => panic!("LazyLock instance has previously been poisoned"),
        }
    }
}

impl<T, F> LazyLock<T, F> {
    /// As `std::sync::LazyLock::get`: the value, if it is there already.
    #[track_caller]
    pub fn get(this: &LazyLock<T, F>) -> Option<&T> {
        this.cell.get()
    }

    /// As `std::sync::LazyLock::get_mut`: the value, if it is there already.
    #[track_caller]
    pub fn get_mut(this: &mut LazyLock<T, F>) -> Option<&mut T> {
        this.cell.get_mut()
    }
}

// As `std`'s.
impl<T: UnwindSafe, F: UnwindSafe> UnwindSafe for LazyLock<T, F> {}
impl<T: RefUnwindSafe + UnwindSafe, F: UnwindSafe> RefUnwindSafe for LazyLock<T, F> {}

impl<T, F: FnOnce() -> T> Deref for LazyLock<T, F> {
    type Target = T;

    #[track_caller]
    #[inline]
    fn deref(&self) -> &T {
        LazyLock::force(self)
    }
}

impl<T, F: FnOnce() -> T> DerefMut for LazyLock<T, F> {
    #[track_caller]
    fn deref_mut(&mut self) -> &mut T {
        LazyLock::force_mut(self)
    }
}

impl<T: Default> Default for LazyLock<T> {
    fn default() -> LazyLock<T> {
        LazyLock::new(T::default)
    }
}

impl<T: fmt::Debug, F> fmt::Debug for LazyLock<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_tuple("LazyLock");
        match LazyLock::get(self) {
            Some(value) => out.field(value),
            None => out.field(&format_args!("<uninit>")),
        };
        out.finish()
    }
}
