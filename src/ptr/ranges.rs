//! Annotations: accesses to memory by code that isn't tracked. Compiled in both builds; in the plain one they do nothing.

use std::panic::Location;

use crate::shadow::{AccessKind, range};

/// Other code, called next on this thread, reads `count` values at `start`: a read of all their bytes.
///
/// The memory itself isn't touched. Call it before the read, so that the report comes before any damage.
///
/// # Example
///
/// ```
/// use racecheck::ptr;
/// use std::io::Write;
///
/// let buffer = [1u8, 2, 3];
/// ptr::read_range(buffer.as_ptr(), buffer.len());
/// std::io::sink().write_all(&buffer).unwrap();
/// ```
#[track_caller]
#[inline]
pub fn read_range<T>(start: *const T, count: usize) {
    range::access(
        start.addr(),
        bytes::<T>(count),
        AccessKind::Read,
        Some(Location::caller()),
    );
}

/// Other code, called next on this thread, writes `count` values at `start`: a write of all their bytes.
///
/// The memory itself isn't touched.
///
/// # Example
///
/// ```
/// use racecheck::ptr;
/// use std::io::Read;
///
/// let mut buffer = [0u8; 3];
/// ptr::write_range(buffer.as_mut_ptr(), buffer.len());
/// std::io::repeat(7).read_exact(&mut buffer).unwrap();
/// assert_eq!(buffer, [7; 3]);
/// ```
#[track_caller]
#[inline]
pub fn write_range<T>(start: *mut T, count: usize) {
    range::access(
        start.addr(),
        bytes::<T>(count),
        AccessKind::Write,
        Some(Location::caller()),
    );
}

/// `count` values at `start` are given to something else: whatever was recorded of their bytes is forgotten.
///
/// For memory that is used again without going through an allocator, where racecheck doesn't see what orders the old use before the new one. Call it
/// when the memory is taken, by whoever takes it.
///
/// # Example
///
/// ```
/// use racecheck::ptr;
/// use std::sync::Mutex; // racecheck doesn't see it
///
/// static POOL: Mutex<Vec<Box<[u8; 64]>>> = Mutex::new(Vec::new());
///
/// fn take() -> Box<[u8; 64]> {
///     let buffer = POOL.lock().unwrap().pop().unwrap_or_else(|| Box::new([0; 64]));
///     ptr::forget_range(buffer.as_ptr(), buffer.len());
///     buffer
/// }
/// assert_eq!(take().len(), 64);
/// ```
#[inline]
pub fn forget_range<T>(start: *const T, count: usize) {
    range::forget(start.addr(), bytes::<T>(count));
}

/// How many bytes so many values have. No object has more than an `isize` can count: such a count is the caller's mistake, and no bytes.
#[inline]
pub(crate) fn bytes<T>(count: usize) -> usize {
    match size_of::<T>().checked_mul(count) {
        Some(bytes) if isize::try_from(bytes).is_ok() => bytes,
        _ => 0,
    }
}
