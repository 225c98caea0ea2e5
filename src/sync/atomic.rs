//! `std::sync::atomic`, tracked: a value carries the clock of what was released with it.
//!
//! The rules are in [`race_core::sync::atomic`]. With the feature `race-check` an atomic is 32 bytes larger than `std`'s, so `from_ptr`, which
//! makes one out of any memory, has no tracked form.

use std::fmt;
use std::panic::Location;
use std::sync::atomic as real;

use race_core::sync::atomic::AtomicClock;

pub use std::sync::atomic::{Ordering, compiler_fence};

/// As `std::sync::atomic::fence`.
///
/// A release fence lets later relaxed stores carry what came before it; an acquire fence takes what earlier relaxed loads have seen.
///
/// # Panics
///
/// If `order` is `Relaxed`.
#[track_caller]
#[inline]
pub fn fence(order: Ordering) {
    real::fence(order);
    race_core::sync::atomic::fence(order, Location::caller());
}

macro_rules! common {
    ([$($generics:tt)*] $name:ty, $real:path, $value:ty) => {
        impl $($generics)* $name {
            /// As `std`'s.
            #[inline]
            pub const fn new(value: $value) -> Self {
                Self {
                    clock: AtomicClock::new(),
                    inner: <$real>::new(value),
                }
            }

            /// As `std`'s: `&mut self` excludes everybody.
            #[track_caller]
            #[inline]
            pub fn get_mut(&mut self) -> &mut $value {
                self.clock.exclusive(Location::caller());
                self.inner.get_mut()
            }

            /// As `std`'s.
            #[track_caller]
            #[inline]
            pub fn into_inner(mut self) -> $value {
                self.clock.exclusive(Location::caller());
                self.inner.into_inner()
            }

            /// As `std`'s. What is done through the pointer isn't seen.
            #[inline]
            pub const fn as_ptr(&self) -> *mut $value {
                self.inner.as_ptr()
            }

            /// As `std`'s. `Acquire` and `SeqCst` take what the store that it reads from released.
            ///
            /// # Panics
            ///
            /// If `order` is `Release` or `AcqRel`.
            #[track_caller]
            #[inline]
            pub fn load(&self, order: Ordering) -> $value {
                self.clock.load(order, Location::caller(), || self.inner.load(order))
            }

            /// As `std`'s. `Release` and `SeqCst` release what was done so far; `Relaxed` ends the release sequence of the value before.
            ///
            /// # Panics
            ///
            /// If `order` is `Acquire` or `AcqRel`.
            #[track_caller]
            #[inline]
            pub fn store(&self, value: $value, order: Ordering) {
                self.clock.store(order, Location::caller(), || self.inner.store(value, order));
            }

            /// As `std`'s: a load and a store in one, which continues the release sequence.
            #[track_caller]
            #[inline]
            pub fn swap(&self, value: $value, order: Ordering) -> $value {
                self.clock.rmw(order, Location::caller(), || self.inner.swap(value, order))
            }

            /// As `std`'s. A failure is a load with the ordering `failure`.
            ///
            /// # Errors
            ///
            /// The value found, if it wasn't `current`.
            ///
            /// # Panics
            ///
            /// If `failure` is `Release` or `AcqRel`.
            #[track_caller]
            #[inline]
            pub fn compare_exchange(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.clock.compare_exchange(success, failure, Location::caller(), || {
                    self.inner.compare_exchange(current, new, success, failure)
                })
            }

            /// As `std`'s: like [`compare_exchange`](Self::compare_exchange), but it may fail for no reason.
            ///
            /// # Errors
            ///
            /// The value found, if it wasn't exchanged.
            ///
            /// # Panics
            ///
            /// If `failure` is `Release` or `AcqRel`.
            #[track_caller]
            #[inline]
            pub fn compare_exchange_weak(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.clock.compare_exchange(success, failure, Location::caller(), || {
                    self.inner.compare_exchange_weak(current, new, success, failure)
                })
            }

            /// As `std`'s: a load with `fetch_order`, then compare-exchanges until one succeeds or `f` gives up.
            ///
            /// # Errors
            ///
            /// The value found, if `f` returned `None`.
            ///
            /// # Panics
            ///
            /// If `fetch_order` is `Release` or `AcqRel`.
            #[track_caller]
            #[inline]
            pub fn fetch_update<F>(
                &self,
                set_order: Ordering,
                fetch_order: Ordering,
                mut f: F,
            ) -> Result<$value, $value>
            where
                F: FnMut($value) -> Option<$value>,
            {
                let mut before = self.load(fetch_order);
                while let Some(next) = f(before) {
                    match self.compare_exchange_weak(before, next, set_order, fetch_order) {
                        done @ Ok(_) => return done,
                        Err(now) => before = now,
                    }
                }
                Err(before)
            }
        }

        impl $($generics)* From<$value> for $name {
            #[inline]
            fn from(value: $value) -> Self {
                Self::new(value)
            }
        }

        impl $($generics)* fmt::Debug for $name {
            /// Loads the value, relaxed, and orders nothing.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.inner, f)
            }
        }
    };
}

macro_rules! fetch {
    ($value:ty: $($method:ident)*) => {$(
        /// As `std`'s: a read-modify-write, which continues the release sequence. Returns the value before.
        #[track_caller]
        #[inline]
        pub fn $method(&self, value: $value, order: Ordering) -> $value {
            self.clock.rmw(order, Location::caller(), || self.inner.$method(value, order))
        }
    )*};
}

macro_rules! integers {
    ($($name:ident $value:ident)*) => {$(
        #[doc = concat!("`std::sync::atomic::", stringify!($name), "`, tracked.")]
        #[derive(Default)]
        pub struct $name {
            clock: AtomicClock,
            inner: real::$name,
        }

        common!([] $name, real::$name, $value);

        impl $name {
            fetch!($value: fetch_add fetch_sub fetch_and fetch_nand fetch_or fetch_xor fetch_max fetch_min);
        }
    )*};
}

integers! {
    AtomicI8 i8
    AtomicU8 u8
    AtomicI16 i16
    AtomicU16 u16
    AtomicI32 i32
    AtomicU32 u32
    AtomicI64 i64
    AtomicU64 u64
    AtomicIsize isize
    AtomicUsize usize
}

/// `std::sync::atomic::AtomicBool`, tracked.
#[derive(Default)]
pub struct AtomicBool {
    clock: AtomicClock,
    inner: real::AtomicBool,
}

common!([] AtomicBool, real::AtomicBool, bool);

impl AtomicBool {
    fetch!(bool: fetch_and fetch_nand fetch_or fetch_xor);

    /// As `std`'s: a read-modify-write, which continues the release sequence. Returns the value before.
    #[track_caller]
    #[inline]
    pub fn fetch_not(&self, order: Ordering) -> bool {
        self.clock
            .rmw(order, Location::caller(), || self.inner.fetch_not(order))
    }
}

/// `std::sync::atomic::AtomicPtr`, tracked.
pub struct AtomicPtr<T> {
    clock: AtomicClock,
    inner: real::AtomicPtr<T>,
}

common!([<T>] AtomicPtr<T>, real::AtomicPtr<T>, *mut T);

impl<T> Default for AtomicPtr<T> {
    /// A null pointer.
    fn default() -> AtomicPtr<T> {
        AtomicPtr::new(std::ptr::null_mut())
    }
}

impl<T> fmt::Pointer for AtomicPtr<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Pointer::fmt(&self.inner, f)
    }
}
