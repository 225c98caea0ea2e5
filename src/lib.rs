//! A data-race detector for stable Rust: `std`'s concurrency under another name, checked.
//!
//! Write `racecheck::` where you would write `std::` and wrap the state that threads share. Without the feature `race-check` the types are
//! `std`'s own. With it a vector-clock engine tracks what happens before what, and every pair of accesses that nothing orders is
//! reported with both stacks, whether or not it went wrong this time.
//!
//! ```
//! use racecheck::{Shared, sync::Mutex, thread};
//!
//! let ledger = Mutex::new(());
//! let balance = Shared::new(100);
//! thread::scope(|s| {
//!     for _ in 0..2 {
//!         s.spawn(|| {
//!             let _guard = ledger.lock().unwrap(); // without this line: a race report, in every run
//!             balance.update(|b| b - 10);
//!         });
//!     }
//! });
//! assert_eq!(balance.get(), 80);
//! ```
//!
//! | to | use |
//! | --- | --- |
//! | share a value in a test or a model | [`Shared`] |
//! | check `unsafe` code | [`cell`], [`ptr`](mod@ptr), [`alloc`](mod@alloc) |
//! | synchronise | [`sync`], [`thread`]; with the cargo features `crossbeam`, `arc-swap` and `parking_lot` also `channel`, `arc_swap` and `parking_lot` |
//! | tell of synchronisation that racecheck can't see | [`hb`] |
//! | fail a test when its body races | [`macro@test`] |
//! | check code that is written on `std` | [`macro@instrument`] |
//! | have reports name fields, statics and variables | [`macro@shared`], [`label!`] |
//! | assert on the races of a piece of code | [`check()`] |
//!
//! Races that no test or [`check()`] collects are printed to stderr, and the process exits with status 66. The environment variable
//! `RACE_OPTIONS` changes where and how: see `docs/options.md`.
//!
//! Under `cargo race`, with the feature or without, the types are `std`'s, which the compiler then instruments, and one engine has all that they, labels,
//! annotations, tests and [`check()`] say; and with the feature, which locks they hold: see `docs/cargo-race.md`.

// Only `Shared` uses some of what is here, and it is left out below.
#![cfg_attr(all(test, loom), allow(dead_code, unused_imports))]

pub mod alloc;
#[cfg(all(feature = "race-check", not(racecheck_runtime), feature = "arc-swap"))]
pub mod arc_swap;
mod block_on;
pub mod cell;
#[cfg(all(feature = "race-check", not(racecheck_runtime), feature = "crossbeam"))]
pub mod channel;
mod exclusion;
mod from_std;
#[cfg(feature = "race-check")]
mod guards;
#[cfg(all(test, loom))]
mod model;
mod primitive;
pub mod ptr;
mod shadow;
// It is `const` to make, which `loom`'s types are not.
#[cfg(not(all(test, loom)))]
mod shared;
mod unsize;
mod waiting;

// The one place that decides between the tracked types and `std`'s. Under `cargo race` (`racecheck_runtime`) they are `std`'s, but for `locks`, and the engine is the runtime's.
#[cfg(any(feature = "race-check", racecheck_runtime))]
mod check;
#[cfg(any(feature = "race-check", racecheck_runtime))]
mod engine;
#[cfg(any(feature = "race-check", racecheck_runtime))]
pub mod hb;
#[cfg(feature = "race-check")]
mod instrument;
#[cfg(racecheck_runtime)]
mod linked;
#[cfg(feature = "race-check")]
mod locks;
#[cfg(all(
    feature = "race-check",
    not(racecheck_runtime),
    feature = "parking_lot"
))]
pub mod parking_lot;
#[cfg(feature = "race-check")]
mod run_test;
#[cfg(all(feature = "race-check", not(racecheck_runtime)))]
pub mod sync;
#[cfg(all(feature = "race-check", not(racecheck_runtime)))]
pub mod thread;
#[cfg(feature = "race-check")]
mod tracked;

#[cfg(any(not(feature = "race-check"), racecheck_runtime))]
mod plain;
#[cfg(not(any(feature = "race-check", racecheck_runtime)))]
pub use plain::hb;
#[cfg(all(
    any(not(feature = "race-check"), racecheck_runtime),
    feature = "parking_lot"
))]
pub use plain::parking_lot;
#[cfg(any(not(feature = "race-check"), racecheck_runtime))]
pub use plain::{sync, thread};

#[cfg(all(
    any(not(feature = "race-check"), racecheck_runtime),
    feature = "arc-swap"
))]
pub use plain::arc_swap;
#[cfg(all(
    any(not(feature = "race-check"), racecheck_runtime),
    feature = "crossbeam"
))]
pub use plain::channel;

#[cfg(any(feature = "race-check", racecheck_runtime))]
pub use check::{Outcome, check, report};
#[cfg(not(any(feature = "race-check", racecheck_runtime)))]
pub use plain::{Outcome, check, report};

pub use race_macros::{instrument, main, shared, test};
#[cfg(not(all(test, loom)))]
pub use shared::Shared;
/// `std`'s, in both builds: none of it orders anything. What a thread-local holds may be tracked, and its destructor is part of its thread.
#[doc(no_inline)]
pub use std::{hint, thread_local};

/// Gives a [`Shared`] value a name, which reports call it by. The name is a constant.
///
/// `#[racecheck::shared]` names fields, statics and variables by itself; this is for the rest.
///
/// # Example
///
/// ```
/// use racecheck::{Shared, label, thread};
///
/// static TOTAL: Shared<u64> = label!(Shared::new(0), "the total");
///
/// let outcome = racecheck::check(|| {
///     thread::scope(|s| {
///         s.spawn(|| TOTAL.set(1));
///         s.spawn(|| TOTAL.set(2));
///     });
/// });
/// for race in outcome.races() {
///     assert_eq!(race.location().label(), Some("the total"));
/// }
/// # assert_eq!(outcome.races().len(), usize::from(cfg!(feature = "race-check")));
/// ```
#[cfg(not(all(test, loom)))]
#[macro_export]
macro_rules! label {
    ($value:expr, $name:expr $(,)?) => {
        $value.labelled(
            const {
                &$crate::__private::Label {
                    kind: "",
                    name: $name,
                }
            },
        )
    };
}

/// What the macros expand to. Not for anybody else.
#[doc(hidden)]
pub mod __private {
    pub use crate::block_on::block_on;
    #[cfg(feature = "race-check")]
    pub mod instrument {
        pub use crate::instrument::*;
    }
    #[cfg(feature = "race-check")]
    pub use crate::run_test::{Test, observe, observe_async};
    pub use crate::shadow::Label;
    #[cfg(feature = "race-check")]
    pub mod tracked {
        pub use crate::tracked::{alloc, core, std};
    }
}
