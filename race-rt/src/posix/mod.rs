//! C's synchronisation: what POSIX, C11 and C++'s runtime have to order threads with.
//!
//! Crates link C, and C isn't instrumented; but what Rust does around a lock of C's is ordered by it. Each function here stands in front of libc's of
//! the same name, does as that one does, and tells the engine: an unlock or a post before the real one, a lock or a wait after it. Nothing that the
//! program would see without it may change.
//!
//! - [`mutex`], [`rwlock`], [`spin`]: locks.
//! - [`condvar`]: condition variables, which order nothing but by their mutex.
//! - [`semaphore`], [`barrier`], [`once`].
//! - [`c11`]: the same under C11's names, since glibc doesn't come by here from those.
//! - [`guard`]: the guards of C++'s static variables.
//!
//! What waits may be cancelled, which unwinds: these functions own nothing that needs dropping meanwhile.

/// Makes functions that call the definition behind ours, in a module `real`. Where there is none, the call has the value after `or`.
macro_rules! real {
    ($($name:ident($($argument:ident: $type:ty),*) -> $result:ty, or $missing:expr $(, version $version:literal)?;)*) => {
        /// The definitions behind ours.
        pub(in crate::posix) mod real {
            #[allow(unused_imports, reason = "some need none")]
            use super::*;

            /// # Safety
            ///
            /// As for the function of this name: so for all of these.
            $(pub(super) unsafe fn $name($($argument: $type),*) -> $result {
                type Function = unsafe extern "C-unwind" fn($($type),*) -> $result;
                match address::$name.get() {
                    Some(function) => {
                        // SAFETY: the next definition of this name has this signature.
                        let function = unsafe { std::mem::transmute::<*mut std::ffi::c_void, Function>(function.as_ptr()) };
                        // SAFETY: the caller's arguments.
                        unsafe { function($($argument),*) }
                    }
                    None => $missing,
                }
            })*

            #[expect(non_upper_case_globals, reason = "named after the functions")]
            mod address {
                use race_core::instrumented::Real;
                $(pub(super) static $name: Real = real!(@new $name $($version)?);)*
            }

            /// Looks them up.
            pub(in crate::posix) fn prepare() {
                $(address::$name.get();)*
            }
        }
    };
    (@new $name:ident) => {
        Real::new(real!(@name $name))
    };
    (@new $name:ident $version:literal) => {
        Real::versioned(real!(@name $name), $version)
    };
    (@name $name:ident) => {
        match std::ffi::CStr::from_bytes_with_nul(concat!(stringify!($name), "\0").as_bytes()) {
            Ok(name) => name,
            Err(_) => unreachable!(),
        }
    };
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
            let (_, list) = source.split_once("with_caller! {\n").unwrap();
            let (list, _) = list.split_once("\n}").unwrap();
            for line in list.lines() {
                let (name, _) = line.trim().split_once('(').unwrap();
                assert!(exports.contains(&name), "{name}");
            }
        }
    }
}
