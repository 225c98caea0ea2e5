//! Accesses that depend on the type of what is accessed: on scalars an operator or a comparison is a load, on all else it is a function that gets a reference.

use std::ops::Deref;
use std::panic::Location;
use std::ptr::NonNull;

use super::access;
use crate::shadow::AccessKind;

/// A place in raw memory. What it can't say of a type it leaves to [`OtherPlace`].
#[derive(Debug)]
pub struct Place<T: ?Sized>(OtherPlace<T>);

/// A place of which nothing is announced.
#[derive(Debug)]
pub struct OtherPlace<T: ?Sized>(*const T);

// SAFETY: it is an address, through which nothing is accessed here. A future may be sent with one in it, as with a reference to the same place.
unsafe impl<T: ?Sized> Send for OtherPlace<T> {}

// SAFETY: as above.
unsafe impl<T: ?Sized> Sync for OtherPlace<T> {}

impl<T: ?Sized> Place<T> {
    /// Nothing is announced yet.
    #[inline(always)]
    pub const fn new(at: *const T) -> Place<T> {
        Place(OtherPlace::new(at))
    }
}

impl<T: ?Sized> Deref for Place<T> {
    type Target = OtherPlace<T>;

    #[inline(always)]
    fn deref(&self) -> &OtherPlace<T> {
        &self.0
    }
}

impl<T: ?Sized> OtherPlace<T> {
    /// Nothing will be announced.
    #[inline(always)]
    pub const fn new(at: *const T) -> OtherPlace<T> {
        OtherPlace(at)
    }

    /// `at == x`, which takes a reference.
    #[inline(always)]
    pub const fn compared(&self) -> *const T {
        self.0
    }

    /// `at += x`, which takes a reference. The place came as a mutable one.
    #[inline(always)]
    pub const fn updated(&self) -> *mut T {
        self.0.cast_mut()
    }

    /// `at.method()`, which may take a reference.
    #[inline(always)]
    pub const fn received(&self) {}
}

impl<T: Scalar> Place<T> {
    /// `at == x`: a read.
    #[track_caller]
    #[inline]
    pub fn compared(&self) -> *const T {
        access(self.0.0, AccessKind::Read, Location::caller());
        self.0.0
    }
}

impl<T: Number> Place<T> {
    /// `at += x`: a read, and then a write.
    #[track_caller]
    #[inline]
    pub fn updated(&self) -> *mut T {
        let site = Location::caller();
        access(self.0.0, AccessKind::Read, site);
        access(self.0.0, AccessKind::Write, site);
        self.0.0.cast_mut()
    }
}

impl<T: Scalar> Place<T> {
    /// `at.method()`, of a method that takes scalars by value: a read.
    #[track_caller]
    #[inline]
    pub fn received(&self) {
        access(self.0.0, AccessKind::Read, Location::caller());
    }
}

/// Types whose comparisons read all of both values.
pub trait Scalar {}

/// Types whose assigning operators read and write all of the value.
pub trait Number {}

macro_rules! numbers {
    ($($number:ty),*) => { $(
        impl Scalar for $number {}
        impl Number for $number {}
    )* };
}

numbers!(
    u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize, f32, f64, bool
);

impl Scalar for char {}
impl<T: ?Sized> Scalar for *const T {}
impl<T: ?Sized> Scalar for *mut T {}
impl<T: ?Sized> Scalar for NonNull<T> {}
