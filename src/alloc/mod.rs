//! `std::alloc`, tracked: allocating and freeing by hand.
//!
//! What isn't listed below, and everything without the feature `race-check`, is `std`'s own.
//!
//! | what | counts as |
//! | --- | --- |
//! | [`alloc`](fn@alloc) | no access: whatever was recorded of the memory before is forgotten |
//! | [`alloc_zeroed`] | a write of the zeros |
//! | [`dealloc`] | a write of the whole block, called "free" in reports |
//! | [`realloc`] | a free of the old block, and a write of what the new one has from it |
//! | [`Tracked`] | a global allocator of your own, so that what it gives out is seen |
//!
//! So a use that isn't ordered before the free is a race, and so is one that comes after it while the memory isn't used for anything else. A report
//! about memory from here says which block it is part of and where that was allocated, also once it has been freed. A block may be given back
//! in other ways (`Box::from_raw`, C's `free`): that is not seen as a free, and does no harm.
//!
//! What is accessed in parts costs 2 bytes of shadow for each byte, until the program ends or a block of 256 KiB or more is freed; zeroing, freeing and
//! reallocating as a whole cost next to nothing.
//!
//! Only accesses by [`ptr`](mod@crate::ptr) are seen; its documentation says what becomes of memory that is used again.
//!
//! # Example
//!
//! ```
//! use racecheck::alloc::{self, Layout};
//! use racecheck::{check, ptr, thread};
//!
//! # if cfg!(all(feature = "race-check", target_os = "linux", target_env = "gnu")) {
//! let outcome = check(|| {
//!     let layout = Layout::new::<u64>();
//!     // SAFETY: the layout has a size.
//!     let block = unsafe { alloc::alloc_zeroed(layout) } as usize;
//!     thread::scope(|s| {
//!         // SAFETY: the block is still allocated.
//!         let user = s.spawn(move || unsafe { ptr::read(block as *const u64) });
//!         while !user.is_finished() {} // not at once; but nothing orders them
//!         // SAFETY: allocated above, with this layout.
//!         unsafe { alloc::dealloc(block as *mut u8, layout) };
//!     });
//! });
//! assert_eq!(outcome.races()[0].location().block().unwrap().size(), 8);
//! # }
//! ```

// Shadowed by the names below.
#[doc(no_inline)]
pub use std::alloc::*;

mod tracked;
pub use tracked::Tracked;

#[cfg(all(feature = "race-check", not(racecheck_runtime)))]
mod functions;
#[cfg(all(feature = "race-check", not(racecheck_runtime)))]
pub use functions::{alloc, alloc_zeroed, dealloc, realloc};
