//! `std::sync::atomic`, tracked: a value carries the clock of what was released with it.
//!
//! The rules are in [`race_core::sync::atomic`]. With the feature `race-check` an atomic is 32 bytes larger than `std`'s. What `from_ptr`
//! gives is then a view, whose value is elsewhere: see [`race_core::sync::outlying`]. An operation must go to the place that the clock gives it.

use std::fmt;
use std::panic::Location;
use std::ptr;
use std::sync::atomic as real;

use race_core::sync::atomic::{AtomicClock, Place};
use race_core::sync::outlying::{self, View};

#[expect(deprecated, reason = "std has it still")]
pub use std::sync::atomic::spin_loop_hint;
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

            /// As `std`'s, but not `const`: of what is done through the pointer, only what goes through [`from_ptr`](Self::from_ptr) is seen.
            #[inline]
            pub fn as_ptr(&self) -> *mut $value {
                let place = self.clock.place();
                if place.elsewhere().is_none() {
                    self.clock.expose(self.inner.as_ptr().addr());
                }
                self.at(place).as_ptr()
            }

            /// As `std`'s, but not `const`. All that is made of one address is one atomic, as is the one whose [`as_ptr`](Self::as_ptr) it came from.
            ///
            /// # Safety
            ///
            /// As for `std`'s: for `'a`, `ptr` must be aligned, valid for reads and writes, and not be used for unsynchronised plain
            /// accesses, or atomic ones of another size.
            #[inline]
            pub unsafe fn from_ptr<'a>(ptr: *mut $value) -> &'a Self {
                const {
                    assert!(size_of::<Self>() <= size_of::<View>());
                    assert!(align_of::<Self>() <= align_of::<View>());
                }
                let view = outlying::view(ptr.expose_provenance());
                // SAFETY: both are a clock and then a value, in C's layout; zeros are a value of each type, and the view lives for ever.
                unsafe { &*ptr::from_ref(view).cast() }
            }

            /// The real atomic, at the place that this one's clock has given.
            #[inline(always)]
            fn at(&self, place: Place) -> &$real {
                match place.elsewhere() {
                    None => &self.inner,
                    // SAFETY: this is a view, made by `from_ptr` with this address, which it exposed; its caller answers for the memory for
                    // as long as the view is used.
                    Some(address) => unsafe { &*ptr::with_exposed_provenance(address) },
                }
            }

            /// As `std`'s. `Acquire` and `SeqCst` take what the store that it reads from released.
            ///
            /// # Panics
            ///
            /// If `order` is `Release` or `AcqRel`.
            #[track_caller]
            #[inline]
            pub fn load(&self, order: Ordering) -> $value {
                self.clock.load(order, Location::caller(), |place| self.at(place).load(order))
            }

            /// As `std`'s. `Release` and `SeqCst` release what was done so far; `Relaxed` ends the release sequence of the value before.
            ///
            /// # Panics
            ///
            /// If `order` is `Acquire` or `AcqRel`.
            #[track_caller]
            #[inline]
            pub fn store(&self, value: $value, order: Ordering) {
                self.clock.store(order, Location::caller(), |place| self.at(place).store(value, order));
            }

            /// As `std`'s: a load and a store in one, which continues the release sequence.
            #[track_caller]
            #[inline]
            pub fn swap(&self, value: $value, order: Ordering) -> $value {
                self.clock.rmw(order, Location::caller(), |place| self.at(place).swap(value, order))
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
                self.clock.compare_exchange(success, failure, Location::caller(), |place| {
                    self.at(place).compare_exchange(current, new, success, failure)
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
                self.clock.compare_exchange(success, failure, Location::caller(), |place| {
                    self.at(place).compare_exchange_weak(current, new, success, failure)
                })
            }

            /// As `std`'s: [`compare_exchange`](Self::compare_exchange), with the strongest failure ordering that goes with `order`.
            #[deprecated = "use `compare_exchange` or `compare_exchange_weak`"]
            #[track_caller]
            #[inline]
            pub fn compare_and_swap(&self, current: $value, new: $value, order: Ordering) -> $value {
                let failure = match order {
                    Ordering::Release => Ordering::Relaxed,
                    Ordering::AcqRel => Ordering::Acquire,
                    other => other,
                };
                match self.compare_exchange(current, new, order, failure) {
                    Ok(before) | Err(before) => before,
                }
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
            pub fn try_update(
                &self,
                set_order: Ordering,
                fetch_order: Ordering,
                mut f: impl FnMut($value) -> Option<$value>,
            ) -> Result<$value, $value> {
                let mut before = self.load(fetch_order);
                while let Some(next) = f(before) {
                    match self.compare_exchange_weak(before, next, set_order, fetch_order) {
                        done @ Ok(_) => return done,
                        Err(now) => before = now,
                    }
                }
                Err(before)
            }

            /// As `std`'s: [`try_update`](Self::try_update), whose name it once was.
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
                f: F,
            ) -> Result<$value, $value>
            where
                F: FnMut($value) -> Option<$value>,
            {
                self.try_update(set_order, fetch_order, f)
            }

            /// As `std`'s: a load with `fetch_order`, then compare-exchanges until one succeeds. Returns the value before.
            ///
            /// # Panics
            ///
            /// If `fetch_order` is `Release` or `AcqRel`.
            #[track_caller]
            #[inline]
            pub fn update(
                &self,
                set_order: Ordering,
                fetch_order: Ordering,
                mut f: impl FnMut($value) -> $value,
            ) -> $value {
                match self.try_update(set_order, fetch_order, |before| Some(f(before))) {
                    Ok(before) | Err(before) => before,
                }
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
                fmt::Debug::fmt(self.at(self.clock.place()), f)
            }
        }
    };
}

macro_rules! fetch {
    ($operand:ty => $value:ty: $($method:ident)*) => {$(
        /// As `std`'s: a read-modify-write, which continues the release sequence. Returns the value before.
        #[track_caller]
        #[inline]
        pub fn $method(&self, value: $operand, order: Ordering) -> $value {
            self.clock.rmw(order, Location::caller(), |place| self.at(place).$method(value, order))
        }
    )*};
}

macro_rules! integers {
    ($($name:ident $value:ident)*) => {$(
        #[doc = concat!("`std::sync::atomic::", stringify!($name), "`, tracked.")]
        #[derive(Default)]
        #[repr(C)]
        pub struct $name {
            clock: AtomicClock,
            inner: real::$name,
        }

        common!([] $name, real::$name, $value);

        impl $name {
            fetch!($value => $value: fetch_add fetch_sub fetch_and fetch_nand fetch_or fetch_xor fetch_max fetch_min);
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
#[repr(C)]
pub struct AtomicBool {
    clock: AtomicClock,
    inner: real::AtomicBool,
}

common!([] AtomicBool, real::AtomicBool, bool);

impl AtomicBool {
    fetch!(bool => bool: fetch_and fetch_nand fetch_or fetch_xor);

    /// As `std`'s: a read-modify-write, which continues the release sequence. Returns the value before.
    #[track_caller]
    #[inline]
    pub fn fetch_not(&self, order: Ordering) -> bool {
        self.clock.rmw(order, Location::caller(), |place| {
            self.at(place).fetch_not(order)
        })
    }
}

/// `std::sync::atomic::AtomicPtr`, tracked.
#[repr(C)]
pub struct AtomicPtr<T> {
    clock: AtomicClock,
    inner: real::AtomicPtr<T>,
}

common!([<T>] AtomicPtr<T>, real::AtomicPtr<T>, *mut T);

impl<T> AtomicPtr<T> {
    fetch!(usize => *mut T: fetch_ptr_add fetch_ptr_sub fetch_byte_add fetch_byte_sub fetch_or fetch_and fetch_xor);
}

impl<T> Default for AtomicPtr<T> {
    /// A null pointer.
    fn default() -> AtomicPtr<T> {
        AtomicPtr::new(std::ptr::null_mut())
    }
}

impl<T> fmt::Pointer for AtomicPtr<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Pointer::fmt(self.at(self.clock.place()), f)
    }
}

macro_rules! initial {
    ($($constant:ident: $name:ident = $value:expr,)*) => {$(
        #[doc = concat!("As `std`'s: `", stringify!($name), "::new(", stringify!($value), ")`.")]
        #[deprecated = "the `new` function is now preferred"]
        #[expect(clippy::declare_interior_mutable_const, reason = "std has it still")]
        pub const $constant: $name = $name::new($value);
    )*};
}

initial! {
    ATOMIC_BOOL_INIT: AtomicBool = false,
    ATOMIC_ISIZE_INIT: AtomicIsize = 0,
    ATOMIC_USIZE_INIT: AtomicUsize = 0,
}
