//! `std::ptr`, tracked: accesses to raw memory, by address and exact to the byte.
//!
//! What isn't listed below as tracked, and everything without the feature `race-check`, is `std`'s own. With it, each tracked function tells the engine
//! which bytes it reads and writes, and then does what `std`'s does.
//!
//! | what | counts as |
//! | --- | --- |
//! | [`read`], [`read_unaligned`] | a read of the value's bytes |
//! | [`write`](fn@write), [`write_unaligned`], [`write_bytes`], [`replace`] | a write |
//! | [`read_volatile`], [`write_volatile`] | the same as without "volatile", which is for devices and orders nothing; reports name them |
//! | [`copy`], [`copy_nonoverlapping`] | a read of the source, then a write of the destination |
//! | [`swap`], [`swap_nonoverlapping`] | a write of both |
//! | [`drop_in_place`] | a write, if the type has anything to drop: a destructor may do anything with the value |
//! | [`read_range`], [`write_range`] | what other code does: C, the kernel, a library. Put it before the call |
//! | [`forget_range`] | nothing: the memory is given to something else |
//!
//! Accesses to no bytes never race. What is not seen: `*p`, references, and the methods of pointers and [`NonNull`] (`p.read()`, `p.write(x)`), which call
//! `std`'s functions: write `ptr::read(p)`, or put `#[racecheck::instrument]` on the code, which has all but references announced. Nor is what a [`cell`](crate::cell) or an [atomic](crate::sync::atomic) records compared with accesses through a
//! pointer to its value. The tracked functions are not `const`.
//!
//! # Memory that is used again
//!
//! When memory is given out by an allocator, whatever was recorded of it is forgotten: the allocator has ordered the old owner's free before it,
//! where nobody sees. On Linux with glibc, linked dynamically, all memory that comes from `malloc`, `mmap` and their like is noticed, `Box` and `Vec`
//! included; so is a thread's stack when a thread begins. With a global allocator that has memory of its own (jemalloc, mimalloc, a pool), or on another
//! system, wrap the global allocator in [`alloc::Tracked`](crate::alloc::Tracked). Without it *nothing* is recorded of raw memory: a line on standard
//! error says so at the first access. That is found out by trying, so there is nothing to configure, and no report that isn't a race.
//!
//! A pool that hands memory from one thread to another under an untracked lock is synchronisation that racecheck can't see, as any other: tell it by
//! [`hb`](crate::hb), or call [`forget_range`] for what is taken out.
//!
//! # Example
//!
//! ```
//! use racecheck::sync::atomic::{AtomicPtr, Ordering};
//! use racecheck::{ptr, thread};
//!
//! let slot = AtomicPtr::new(ptr::null_mut());
//! thread::scope(|s| {
//!     s.spawn(|| {
//!         let node = Box::into_raw(Box::new(0));
//!         // SAFETY: the pointer of a box that nobody else has.
//!         unsafe { ptr::write(node, 7) };
//!         slot.store(node, Ordering::Release); // `Relaxed` here: a race report
//!     });
//!     let node = loop {
//!         let node = slot.load(Ordering::Acquire);
//!         if !node.is_null() {
//!             break node;
//!         }
//!         thread::yield_now();
//!     };
//!     // SAFETY: nobody else uses the box any more.
//!     assert_eq!(unsafe { ptr::read(node) }, 7);
//!     // SAFETY: made by `Box::into_raw`.
//!     drop(unsafe { Box::from_raw(node) });
//! });
//! ```

// Shadowed by the names below.
#[doc(no_inline)]
pub use std::ptr::*;

mod ranges;
#[cfg(feature = "race-check")]
pub(crate) use ranges::bytes;
pub use ranges::{forget_range, read_range, write_range};

#[cfg(all(feature = "race-check", not(racecheck_runtime)))]
mod accesses;
#[cfg(all(feature = "race-check", not(racecheck_runtime)))]
pub use accesses::{
    copy, copy_nonoverlapping, drop_in_place, read, read_unaligned, read_volatile, replace, swap,
    swap_nonoverlapping, write, write_bytes, write_unaligned, write_volatile,
};
