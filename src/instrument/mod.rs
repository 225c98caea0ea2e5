//! What `#[racecheck::instrument]` makes of the accesses in `unsafe` code: each is announced to the engine, and then done by the code as it stands.
//!
//! The macro sees names, not types. So its expansion asks the type of the pointer, by method lookup: [`Pointer`] has methods of its own for raw pointers, and
//! for all other types dereferences to [`NotRaw`], which has the same ones and does nothing. What would not compile, or not be harmless, for another type comes
//! after [`NotRaw::proof`], which never returns: the borrow checker leaves it out, and so does the optimiser.
//!
//! Nothing here may access the memory that it announces, nor make a reference to it: a place comes as a raw pointer, whose bytes another thread may be writing.
//! The one exception is [`freed`], for what has no size of its own.

use std::panic::Location;

use crate::ptr::bytes;
use crate::shadow::{AccessKind, range};

mod memory;
mod place;
mod pointer;
mod tracked;
mod value;

pub use memory::{Address, Memory, NoMemory};
pub use place::{Number, OtherPlace, Place, Scalar};
pub use pointer::{Never, NotRaw, Pointer};
pub use tracked::Tracked;
pub use value::Value;

/// The value, once the accesses before it have been announced. A function's arguments may have temporaries, which live as long as they would without it.
#[inline(always)]
pub fn then<T>(_announced: (), value: T) -> T {
    value
}

/// The value, whose making comes before the announcement of what is done with it.
#[inline(always)]
pub fn after<T>(value: T, _announced: ()) -> T {
    value
}

/// The value at this place is read next.
#[track_caller]
#[inline]
pub fn read<T>(at: *const T) -> *const T {
    access(at, AccessKind::Read, Location::caller());
    at
}

/// The value at this place is written next.
#[track_caller]
#[inline]
pub fn write<T>(at: *const T) {
    access(at, AccessKind::Write, Location::caller());
}

/// As [`write`], for a place that is evaluated only once.
#[track_caller]
#[inline]
pub fn writing<T>(at: *mut T) -> *mut T {
    access(at, AccessKind::Write, Location::caller());
    at
}

/// Part of a place is read next, by a pattern that binds it: unless the pattern goes through a reference there, in which case it is no part of the place,
/// and is only borrowed.
#[track_caller]
#[inline]
pub fn read_within<T>(whole: impl Extent, part: *const T) {
    let (start, size) = whole.extent();
    if part.addr().wrapping_sub(start) < size {
        access(part, AccessKind::Read, Location::caller());
    }
}

/// Pointers to what has a size that is known without a look at it.
pub trait Extent {
    /// Where it is, and how many bytes it has.
    fn extent(&self) -> (usize, usize);
}

impl<T> Extent for *const T {
    #[inline]
    fn extent(&self) -> (usize, usize) {
        (self.addr(), size_of::<T>())
    }
}

impl<T> Extent for *const [T] {
    #[inline]
    fn extent(&self) -> (usize, usize) {
        (self.addr(), bytes::<T>(self.len()))
    }
}

/// The box that is made of this pointer is dropped at once: a write of its value.
///
/// # Safety
///
/// As for `Box::from_raw`.
#[track_caller]
#[inline]
pub unsafe fn freed<T: ?Sized>(start: *mut T) -> *mut T {
    // SAFETY: the caller promises that it points to a valid value, which is his alone from now on.
    let size = size_of_val(unsafe { &*start });
    let site = Some(Location::caller());
    range::access(start.cast::<u8>().addr(), size, AccessKind::Write, site);
    start
}

/// The value is moved out of the box that is made of this pointer, which is then dropped: a read and a write.
#[track_caller]
#[inline]
pub fn taken<T>(start: *mut T) -> *mut T {
    access(start, AccessKind::Read, Location::caller());
    access(start, AccessKind::Write, Location::caller());
    start
}

#[inline]
fn access<T>(at: *const T, kind: AccessKind, site: &'static Location<'static>) {
    range::access(at.addr(), size_of::<T>(), kind, Some(site));
}
