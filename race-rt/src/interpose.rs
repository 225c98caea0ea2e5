//! Functions of libc that are put in front of the real ones: the macro that defines them.
//!
//! Each does what the real one does, with the caller's arguments, and changes nothing that the program would see. They may unwind, by a thread's
//! cancellation, and have nothing to drop while the real one runs.

use std::ffi::c_void;
use std::ptr::NonNull;

use race_core::instrumented::Real;

/// The address of the real function. Without it the program can't go on: it was linked to one.
pub(crate) fn real(function: &Real) -> NonNull<c_void> {
    match function.get() {
        Some(address) => address,
        None => std::process::abort(),
    }
}

/// Defines functions of libc. Each body is given the real function, and the address that the call returns to if a register is named, which comes after
/// the arguments' own.
macro_rules! interpose {
    ($($name:ident($($argument:ident: $type:ty),*) -> $result:ty, $register:literal, |$real:ident, $caller:ident| $body:expr;)*) => {$(
        #[doc = concat!("libc's `", stringify!($name), "`, told to the engine.")]
        ///
        /// # Safety
        ///
        /// As the real one's.
        #[unsafe(no_mangle)]
        #[unsafe(naked)]
        pub unsafe extern "C-unwind" fn $name($($argument: $type),*) -> $result {
            static REAL: race_core::instrumented::Real =
                match std::ffi::CStr::from_bytes_with_nul(concat!(stringify!($name), "\0").as_bytes()) {
                    Ok(name) => race_core::instrumented::Real::new(name),
                    Err(_) => unreachable!(),
                };
            unsafe extern "C-unwind" fn told($($argument: $type,)* caller: usize) -> $result {
                type Function = unsafe extern "C-unwind" fn($($type),*) -> $result;
                // SAFETY: the next definition of this name has this signature.
                let $real: Function = unsafe {
                    std::mem::transmute($crate::interpose::real(&REAL).as_ptr())
                };
                let $caller = race_core::Position::of_code(caller);
                $body
            }
            std::arch::naked_asm!(
                concat!("mov ", $register, ", [rsp]"),
                "jmp {told}",
                told = sym told,
            )
        }
    )*};
}
pub(crate) use interpose;
