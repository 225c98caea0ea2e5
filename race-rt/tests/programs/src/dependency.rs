//! A crate that the programs depend on: whose lines a report is about.

use std::cell::UnsafeCell;

/// Counts calls. Not from several threads at once, whatever it says.
pub struct Calls(UnsafeCell<u64>);

// SAFETY: none, and that is its bug.
unsafe impl Sync for Calls {}

impl Calls {
    #[allow(clippy::new_without_default, reason = "it is for a static")]
    pub const fn new() -> Calls {
        Calls(UnsafeCell::new(0))
    }

    pub fn count(&self) {
        unsafe { *self.0.get() += 1 }; // race: in_a_dependency
    }
}

/// A list of anything, likewise.
pub struct Log<T>(UnsafeCell<Vec<T>>);

// SAFETY: none, and that is its bug.
unsafe impl<T> Sync for Log<T> {}

impl<T> Log<T> {
    pub const fn new() -> Log<T> {
        Log(UnsafeCell::new(Vec::new()))
    }

    /// Compiled where it is used.
    pub fn add(&self, entry: T) {
        unsafe { (*self.0.get()).push(entry) }; // race: in_a_generic_of_a_dependency
    }

    pub fn last(&self) -> Option<&T> {
        unsafe { (*self.0.get()).last() } // race: in_a_generic_of_a_dependency
    }
}

impl<T> Default for Log<T> {
    fn default() -> Self {
        Log::new()
    }
}
