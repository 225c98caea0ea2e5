//! Functions of libc that are put in front of the real ones: the macro that defines them.
//!
//! Each does what the real one does, with the caller's arguments, and changes nothing that the program would see. They may unwind, by a thread's
//! cancellation, and have nothing to drop while the real one runs.
//!
//! Until the program has begun ([`instrumented::begin`](race_core::instrumented::begin)) they tell nothing. None of its instrumented code has run by then; but what else has,
//! such as an allocator that replaces `malloc`, would have the engine meet the main thread too early, and not know its stack.

/// Defines functions of libc. What stands behind the arrow is done in the place of each, with the arguments and the address that the call returns to; it calls the
/// definition behind ours in the module `real`. Where there is no such definition, the call has the value after `or`.
macro_rules! interpose {
    ($($name:ident($($argument:ident: $type:ty),*) -> $result:ty, or $missing:expr $(, version $version:literal)? $(, from $caller:ident)? => $told:expr;)*) => {
        /// The definitions behind ours.
        pub(crate) mod real {
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
                $(pub(super) static $name: Real = $crate::interpose::interpose!(@new $name $($version)?);)*
            }

            /// Looks them up, at the start: later a signal handler may ask, and the loader may not be asked there.
            pub(crate) fn prepare() {
                $(address::$name.get();)*
            }
        }

        mod told {
            use super::*;

            /// # Safety
            ///
            /// As for the real function of this name: so for all of these.
            $(pub(super) unsafe extern "C-unwind" fn $name($($argument: $type,)* $($caller: usize)?) -> $result {
                if race_core::instrumented::is_on() {
                    // SAFETY: the caller's arguments.
                    unsafe { $told }
                } else {
                    // SAFETY: the caller's arguments.
                    unsafe { real::$name($($argument),*) }
                }
            })*
        }

        $($crate::interpose::interpose!(@define $name($($argument: $type),*) -> $result);)*
    };

    (@define $name:ident($a:ident: $A:ty) -> $result:ty) => {
        with_caller! { $name($a: $A) -> $result = told::$name, in "rsi"; }
    };
    (@define $name:ident($a:ident: $A:ty, $b:ident: $B:ty) -> $result:ty) => {
        with_caller! { $name($a: $A, $b: $B) -> $result = told::$name, in "rdx"; }
    };
    (@define $name:ident($a:ident: $A:ty, $b:ident: $B:ty, $c:ident: $C:ty) -> $result:ty) => {
        with_caller! { $name($a: $A, $b: $B, $c: $C) -> $result = told::$name, in "rcx"; }
    };
    (@define $name:ident($a:ident: $A:ty, $b:ident: $B:ty, $c:ident: $C:ty, $d:ident: $D:ty) -> $result:ty) => {
        with_caller! { $name($a: $A, $b: $B, $c: $C, $d: $D) -> $result = told::$name, in "r8"; }
    };
    (@define $name:ident($a:ident: $A:ty, $b:ident: $B:ty, $c:ident: $C:ty, $d:ident: $D:ty, $e:ident: $E:ty) -> $result:ty) => {
        with_caller! { $name($a: $A, $b: $B, $c: $C, $d: $D, $e: $E) -> $result = told::$name, in "r9"; }
    };
    // With six arguments there is no register left for the caller.
    (@define $name:ident($($argument:ident: $type:ty),*) -> $result:ty) => {
        #[doc = concat!("libc's `", stringify!($name), "`, told to the engine.")]
        ///
        /// # Safety
        ///
        /// As the real one's.
        #[unsafe(no_mangle)]
        pub unsafe extern "C-unwind" fn $name($($argument: $type),*) -> $result {
            // SAFETY: the caller's arguments.
            unsafe { told::$name($($argument),*) }
        }
    };

    (@new $name:ident) => {
        Real::new($crate::interpose::interpose!(@name $name))
    };
    (@new $name:ident $version:literal) => {
        Real::versioned($crate::interpose::interpose!(@name $name), $version)
    };
    (@name $name:ident) => {
        match std::ffi::CStr::from_bytes_with_nul(concat!(stringify!($name), "\0").as_bytes()) {
            Ok(name) => name,
            Err(_) => unreachable!(),
        }
    };
}
pub(crate) use interpose;
