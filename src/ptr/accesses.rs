//! The functions of `std::ptr` that access memory: each records what it accesses, and calls `std`'s.
//!
//! They must never touch other bytes than `std`'s do, and record nothing that `std`'s wouldn't touch.

use std::mem;
use std::panic::Location;
use std::ptr as real;

use super::ranges::bytes;
use crate::shadow::{AccessKind, range};

#[inline]
fn access<T>(at: *const T, count: usize, kind: AccessKind, site: &'static Location<'static>) {
    range::access(at.addr(), bytes::<T>(count), kind, Some(site));
}

/// As `std::ptr::read`.
///
/// # Safety
///
/// As `std` says.
///
/// # Example
///
/// ```
/// let x = 7;
/// // SAFETY: the pointer of a live value.
/// assert_eq!(unsafe { racecheck::ptr::read(&raw const x) }, 7);
/// ```
#[track_caller]
#[inline]
pub unsafe fn read<T>(src: *const T) -> T {
    access(src, 1, AccessKind::Read, Location::caller());
    // SAFETY: as the caller promises.
    unsafe { real::read(src) }
}

/// As `std::ptr::read_volatile`: a read, named "volatile read" in reports.
///
/// # Safety
///
/// As `std` says.
///
/// # Example
///
/// ```
/// let x = 7;
/// // SAFETY: the pointer of a live value.
/// assert_eq!(unsafe { racecheck::ptr::read_volatile(&raw const x) }, 7);
/// ```
#[track_caller]
#[inline]
pub unsafe fn read_volatile<T>(src: *const T) -> T {
    let site = Location::caller();
    access(src, 1, AccessKind::VolatileRead, site);
    // SAFETY: as the caller promises.
    unsafe { real::read_volatile(src) }
}

/// As `std::ptr::read_unaligned`.
///
/// # Safety
///
/// As `std` says.
///
/// # Example
///
/// ```
/// let bytes = [0u8, 1, 0, 0];
/// // SAFETY: two bytes of a live array; any bits are a `u16`.
/// let n = unsafe { racecheck::ptr::read_unaligned(bytes.as_ptr().add(1).cast::<u16>()) };
/// assert_eq!(n.to_ne_bytes(), [1, 0]);
/// ```
#[track_caller]
#[inline]
pub unsafe fn read_unaligned<T>(src: *const T) -> T {
    let site = Location::caller();
    access(src, 1, AccessKind::Read, site);
    // SAFETY: as the caller promises.
    unsafe { real::read_unaligned(src) }
}

/// As `std::ptr::write`.
///
/// # Safety
///
/// As `std` says.
///
/// # Example
///
/// ```
/// let mut x = 0;
/// // SAFETY: the pointer of a live value.
/// unsafe { racecheck::ptr::write(&raw mut x, 7) };
/// assert_eq!(x, 7);
/// ```
#[track_caller]
#[inline]
pub unsafe fn write<T>(dst: *mut T, src: T) {
    let site = Location::caller();
    access(dst, 1, AccessKind::Write, site);
    // SAFETY: as the caller promises.
    unsafe { real::write(dst, src) }
}

/// As `std::ptr::write_volatile`: a write, named "volatile write" in reports.
///
/// # Safety
///
/// As `std` says.
///
/// # Example
///
/// ```
/// let mut x = 0;
/// // SAFETY: the pointer of a live value.
/// unsafe { racecheck::ptr::write_volatile(&raw mut x, 7) };
/// assert_eq!(x, 7);
/// ```
#[track_caller]
#[inline]
pub unsafe fn write_volatile<T>(dst: *mut T, src: T) {
    let site = Location::caller();
    access(dst, 1, AccessKind::VolatileWrite, site);
    // SAFETY: as the caller promises.
    unsafe { real::write_volatile(dst, src) }
}

/// As `std::ptr::write_unaligned`.
///
/// # Safety
///
/// As `std` says.
///
/// # Example
///
/// ```
/// let mut bytes = [0u8; 4];
/// // SAFETY: two bytes of a live array.
/// unsafe { racecheck::ptr::write_unaligned(bytes.as_mut_ptr().add(1).cast::<u16>(), 0x0101) };
/// assert_eq!(bytes, [0, 1, 1, 0]);
/// ```
#[track_caller]
#[inline]
pub unsafe fn write_unaligned<T>(dst: *mut T, src: T) {
    let site = Location::caller();
    access(dst, 1, AccessKind::Write, site);
    // SAFETY: as the caller promises.
    unsafe { real::write_unaligned(dst, src) }
}

/// As `std::ptr::write_bytes`.
///
/// # Safety
///
/// As `std` says.
///
/// # Example
///
/// ```
/// let mut list = [7u16; 3];
/// // SAFETY: two values of a live array; zeros are a `u16`.
/// unsafe { racecheck::ptr::write_bytes(list.as_mut_ptr(), 0, 2) };
/// assert_eq!(list, [0, 0, 7]);
/// ```
#[track_caller]
#[inline]
pub unsafe fn write_bytes<T>(dst: *mut T, val: u8, count: usize) {
    let site = Location::caller();
    access(dst, count, AccessKind::Write, site);
    // SAFETY: as the caller promises.
    unsafe { real::write_bytes(dst, val, count) }
}

/// As `std::ptr::copy`: a read, and then a write.
///
/// # Safety
///
/// As `std` says.
///
/// # Example
///
/// ```
/// let mut list = [1, 2, 3];
/// let start = list.as_mut_ptr();
/// // SAFETY: within a live array.
/// unsafe { racecheck::ptr::copy(start, start.add(1), 2) };
/// assert_eq!(list, [1, 1, 2]);
/// ```
#[track_caller]
#[inline]
pub unsafe fn copy<T>(src: *const T, dst: *mut T, count: usize) {
    let site = Location::caller();
    access(src, count, AccessKind::Read, site);
    access(dst, count, AccessKind::Write, site);
    // SAFETY: as the caller promises.
    unsafe { real::copy(src, dst, count) }
}

/// As `std::ptr::copy_nonoverlapping`: a read, and then a write.
///
/// # Safety
///
/// As `std` says.
///
/// # Example
///
/// ```
/// let (from, mut to) = ([1, 2, 3], [0; 3]);
/// // SAFETY: two live arrays.
/// unsafe { racecheck::ptr::copy_nonoverlapping(from.as_ptr(), to.as_mut_ptr(), 2) };
/// assert_eq!(to, [1, 2, 0]);
/// ```
#[track_caller]
#[inline]
pub unsafe fn copy_nonoverlapping<T>(src: *const T, dst: *mut T, count: usize) {
    let site = Location::caller();
    access(src, count, AccessKind::Read, site);
    access(dst, count, AccessKind::Write, site);
    // SAFETY: as the caller promises.
    unsafe { real::copy_nonoverlapping(src, dst, count) }
}

/// As `std::ptr::replace`.
///
/// # Safety
///
/// As `std` says.
///
/// # Example
///
/// ```
/// let mut x = 1;
/// // SAFETY: the pointer of a live value.
/// assert_eq!(unsafe { racecheck::ptr::replace(&raw mut x, 2) }, 1);
/// assert_eq!(x, 2);
/// ```
#[track_caller]
#[inline]
pub unsafe fn replace<T>(dst: *mut T, src: T) -> T {
    let site = Location::caller();
    access(dst, 1, AccessKind::Write, site);
    // SAFETY: as the caller promises.
    unsafe { real::replace(dst, src) }
}

/// As `std::ptr::swap`: a write to both.
///
/// # Safety
///
/// As `std` says.
///
/// # Example
///
/// ```
/// let (mut x, mut y) = (1, 2);
/// // SAFETY: the pointers of live values.
/// unsafe { racecheck::ptr::swap(&raw mut x, &raw mut y) };
/// assert_eq!((x, y), (2, 1));
/// ```
#[track_caller]
#[inline]
pub unsafe fn swap<T>(x: *mut T, y: *mut T) {
    let site = Location::caller();
    access(x, 1, AccessKind::Write, site);
    access(y, 1, AccessKind::Write, site);
    // SAFETY: as the caller promises.
    unsafe { real::swap(x, y) }
}

/// As `std::ptr::swap_nonoverlapping`: a write to both.
///
/// # Safety
///
/// As `std` says.
///
/// # Example
///
/// ```
/// let (mut x, mut y) = ([1, 2], [3, 4]);
/// // SAFETY: two live arrays.
/// unsafe { racecheck::ptr::swap_nonoverlapping(x.as_mut_ptr(), y.as_mut_ptr(), 2) };
/// assert_eq!((x, y), ([3, 4], [1, 2]));
/// ```
#[track_caller]
#[inline]
pub unsafe fn swap_nonoverlapping<T>(x: *mut T, y: *mut T, count: usize) {
    let site = Location::caller();
    access(x, count, AccessKind::Write, site);
    access(y, count, AccessKind::Write, site);
    // SAFETY: as the caller promises.
    unsafe { real::swap_nonoverlapping(x, y, count) }
}

/// As `std::ptr::drop_in_place`: a write of the whole value, if its type has anything to drop, and no access if it hasn't.
///
/// What the destructor itself does is seen as far as it is tracked. Whatever else accesses the value must be ordered before.
///
/// # Safety
///
/// As `std` says.
///
/// # Example
///
/// ```
/// let mut list = std::mem::ManuallyDrop::new(vec![1]);
/// // SAFETY: the pointer of a live value, which nobody uses afterwards.
/// unsafe { racecheck::ptr::drop_in_place(&raw mut *list) };
/// ```
#[track_caller]
#[inline]
pub unsafe fn drop_in_place<T: ?Sized>(to_drop: *mut T) {
    if mem::needs_drop::<T>() {
        // SAFETY: the caller promises that it points to a valid value that nobody else uses meanwhile.
        let size = size_of_val(unsafe { &*to_drop });
        let site = Location::caller();
        range::access(
            to_drop.cast::<u8>().addr(),
            size,
            AccessKind::Write,
            Some(site),
        );
    }
    // SAFETY: as the caller promises.
    unsafe { real::drop_in_place(to_drop) }
}
