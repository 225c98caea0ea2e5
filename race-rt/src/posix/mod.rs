//! C's synchronisation: what POSIX, C11 and C++'s runtime have to order threads with.
//!
//! Crates link C, and C isn't instrumented; but what Rust does around a lock of C's is ordered by it. Each function here stands in front of libc's of
//! the same name, does as that one does, and tells the engine: an unlock or a post before the real one, a lock or a wait after it. Nothing that the
//! program would see without it may change.
//!
//! - [`mutex`], [`rwlock`], [`spin`]: locks.
//! - [`condvar`]: condition variables, which order nothing but by their mutex.
//! - [`semaphore`], [`barrier`], [`once`].
//! - [`c11`]: the same under C11's names, and threads, since glibc doesn't come by here from those.
//! - [`guard`]: the guards of C++'s static variables.
//!
//! What waits may be cancelled, which unwinds: these functions own nothing that needs dropping meanwhile.

use std::ffi::{c_int, c_void};
use std::ptr;

/// A time that has been: a function that is to wait until then doesn't.
const PAST: *const c_void = ptr::from_ref(&libc::timespec {
    tv_sec: 1,
    tv_nsec: 0,
})
.cast();

/// A result that isn't this one.
fn unless(this: c_int, result: c_int) -> Option<c_int> {
    (result != this).then_some(result)
}

pub mod barrier;
pub mod c11;
pub mod condvar;
pub mod guard;
pub mod mutex;
pub mod once;
pub mod rwlock;
pub mod semaphore;
pub mod spin;

/// Looks the real functions up, at the start: later a signal handler may ask, and the loader may not be asked there.
pub(crate) fn prepare() {
    mutex::real::prepare();
    rwlock::real::prepare();
    spin::real::prepare();
    condvar::real::prepare();
    semaphore::real::prepare();
    barrier::real::prepare();
    once::real::prepare();
    c11::real::prepare();
    guard::real::prepare();
}

#[cfg(test)]
mod tests {
    /// One that isn't visible in the program stands in front of nothing.
    #[test]
    fn all_of_them_are_exported() {
        let exports: Vec<&str> = include_str!("../../exports.txt").lines().collect();
        for source in [
            include_str!("barrier.rs"),
            include_str!("c11.rs"),
            include_str!("condvar.rs"),
            include_str!("guard.rs"),
            include_str!("mutex.rs"),
            include_str!("once.rs"),
            include_str!("rwlock.rs"),
            include_str!("semaphore.rs"),
            include_str!("spin.rs"),
        ] {
            let (_, list) = source.split_once("interpose! {\n").unwrap();
            let (list, _) = list.split_once("\n}").unwrap();
            for line in list.lines().filter(|line| line.ends_with("=>")) {
                let (name, _) = line.trim().split_once('(').unwrap();
                assert!(exports.contains(&name), "{name}");
            }
        }
    }
}
