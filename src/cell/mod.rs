//! `std::cell`, tracked.
//!
//! These types are not `Sync`: only an `unsafe impl Sync` around them lets two threads at one, and whether that was right is what is checked.
//! Without the feature `race-check`, all but [`UnsafeCell`] are `std`'s own. No algorithm lives here.
//!
//! | type | what an access is |
//! | --- | --- |
//! | [`UnsafeCell`] | `with` reads, `with_mut` writes; what is done through `get` isn't seen |
//! | [`Cell`] | `get` reads, the others write |
//! | [`RefCell`] | every borrow, shared or not, writes the borrow flag when it begins and when it ends: so two `borrow`s can race |
//! | [`OnceCell`], [`LazyCell`] | each look at the value reads; setting it writes |
//!
//! What isn't there, because a tracked cell is larger than its value, or because only `std` may implement it:
//!
//! | `std` has | instead |
//! | --- | --- |
//! | `Cell::from_mut`, `UnsafeCell::from_mut` | make the cell where the value is made |
//! | `Cell::as_slice_of_cells`, `as_array_of_cells`, `AsRef<[Cell<T>]>` | a slice or an array of cells |
//! | `const` for what accesses or takes apart: `get`, `replace`, `get_mut`, `into_inner` | `new`, `as_ptr` and `UnsafeCell::get` and `raw_get` are `const` |
//! | the coercion of `Cell<&T>` to `Cell<&dyn Trait>`, and of guards | coerce the value; `&Cell<T>` does coerce to `&Cell<dyn Trait>` |
//! | `LocalKey<Cell<T>>::set`, `LocalKey<RefCell<T>>::with_borrow` and so on | `with`; or `std`'s cells, since thread-locals are one thread's |
//!
//! A tracked cell in a `thread_local!` has a destructor, so it can't be used by other thread-locals' destructors that run later.

// Shadowed by the names below.
#[doc(no_inline)]
pub use std::cell::*;

mod unsafe_cell;
pub use unsafe_cell::UnsafeCell;

#[cfg(all(feature = "race-check", not(racecheck_runtime)))]
#[expect(clippy::module_inception, reason = "the type is called like that")]
mod cell;
#[cfg(all(feature = "race-check", not(racecheck_runtime)))]
mod guards;
#[cfg(all(feature = "race-check", not(racecheck_runtime)))]
mod lazy_cell;
#[cfg(all(feature = "race-check", not(racecheck_runtime)))]
mod once_cell;
#[cfg(all(feature = "race-check", not(racecheck_runtime)))]
mod ref_cell;

#[cfg(all(feature = "race-check", not(racecheck_runtime)))]
pub use {
    cell::Cell,
    guards::{Ref, RefMut},
    lazy_cell::LazyCell,
    once_cell::OnceCell,
    ref_cell::RefCell,
};
