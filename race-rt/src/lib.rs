//! The runtime under an instrumented program: what LLVM's ThreadSanitizer pass emits, told to [`race_core`].
//!
//! The pass puts a call before each load and store, in place of each atomic operation, and at the beginning and the end of each function. The names,
//! the arguments and their meaning are those of LLVM's `tsan_interface.h` and `ThreadSanitizer.cpp`.
//!
//! - [`access`]: plain loads and stores, and `memcpy` and its like.
//! - [`atomics`]: atomic operations and fences, which are done here.
//! - `values`: the real operations on the values.
//! - `threads_lock`: a lock of std's that orders nothing.
//! - [`frames`]: functions entered and left, and the start.
//! - [`descriptors`]: pipes and sockets, by which programs speak.
//! - [`posix`]: C's locks, semaphores, barriers and what else orders threads.
//! - [`allocator`]: the program's global allocator.
//! - `own_memory`: the runtime's own.
//! - `library`: what the crate `racecheck` has to say of a program that uses it.
//! - `locks`: the locks of such a program.
//! - `interpose`: how functions of libc are put in front of the real ones.
//!
//! What else lies below Rust (threads, `malloc`, signals, `fork`, the exit) is interposed by `race-core` itself, which this crate switches to a program that
//! is instrumented as a whole. `exports.txt` lists the names that the program is to find here.
//!
//! No rule of order or of races may be here. Nothing here may be instrumented, and nothing may panic: there is nobody to catch it.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

/// Defines functions by their C names. Each adds the address that it returns to, in the register after its arguments, and goes on to `function`.
macro_rules! with_caller {
    ($($name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)? = $function:expr, in $register:literal;)*) => {$(
        #[doc = concat!("`", stringify!($name), "`, as LLVM's pass calls it.")]
        ///
        /// # Safety
        ///
        /// To be called by instrumented code only.
        #[unsafe(no_mangle)]
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name($($argument: $type),*) $(-> $result)? {
            std::arch::naked_asm!(
                concat!("mov ", $register, ", [rsp]"),
                "jmp {function}",
                function = sym $function,
            )
        }
    )*};
}

pub mod access;
pub mod allocator;
pub mod atomics;
pub mod descriptors;
pub mod frames;
mod interpose;
mod library;
mod locks;
#[cfg(feature = "object")]
mod own_memory;
pub mod posix;
mod threads_lock;
mod values;
