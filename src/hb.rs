//! Annotations for synchronisation that racecheck can't see: FFI, shared memory, a lock of your own over system calls.
//!
//! `release(key)` happens before every `acquire(key)` that comes later in time. Put the release before the real operation, and the acquire
//! after it, as Go's `internal/race` does. The key is an address that both sides know; it is never followed.

use std::panic::Location;

use crate::engine;

/// What this thread has done so far happens before whatever follows a later [`acquire`] of the same key.
///
/// Releases of one key add up. A key that has been released into is remembered until [`forget`].
///
/// # Example
///
/// ```
/// use racecheck::{Shared, hb, thread};
///
/// let value = Shared::new(0);
/// let (read, write) = std::io::pipe().unwrap(); // a pipe orders reads after writes; racecheck doesn't know
/// thread::scope(|s| {
///     s.spawn(|| {
///         value.set(7);
///         hb::release(&value);
///         drop(write);
///     });
///     std::io::read_to_string(read).unwrap();
///     hb::acquire(&value);
///     assert_eq!(value.get(), 7);
/// });
/// ```
#[track_caller]
pub fn release<T: ?Sized>(key: *const T) {
    engine::release(key.cast::<u8>().addr(), Location::caller());
}

/// What was done before every earlier [`release`] of the same key happens before what this thread does next.
#[track_caller]
pub fn acquire<T: ?Sized>(key: *const T) {
    engine::acquire(key.cast::<u8>().addr(), Location::caller());
}

/// Forgets what was released into a key: call it when the memory is given to something else.
pub fn forget<T: ?Sized>(key: *const T) {
    engine::forget(key.cast::<u8>().addr());
}
