//! Where the engine is: in the program, as the crate `race-core`; or, under `cargo race`, in the runtime that the program is linked with.
//!
//! Decided here for what reports findings and for annotations. Under `cargo race` the types are `std`'s whatever the features, because the compiler
//! announces what they do; `shadow` decides for the values that are more than that.

#[cfg(not(racecheck_runtime))]
pub use within::report;
#[cfg(not(racecheck_runtime))]
pub(crate) use within::{Collected, Collector, acquire, forget, name_current, release};

#[cfg(racecheck_runtime)]
pub(crate) use crate::linked::collector::{Collected, Collector};
#[cfg(all(racecheck_runtime, feature = "race-check"))]
pub(crate) use crate::linked::name_current;
#[cfg(racecheck_runtime)]
pub use crate::linked::report;
#[cfg(racecheck_runtime)]
pub(crate) use crate::linked::{acquire, forget, release};

/// What the locks tell the engine.
#[cfg(all(feature = "race-check", not(racecheck_runtime)))]
pub(crate) mod locks {
    pub(crate) use crate::locks::clocks::{MutexClock, RwLockClock};
    pub(crate) use race_core::deadlock::Mode;
    pub(crate) use race_core::sync::SyncKind;
}
#[cfg(all(feature = "race-check", racecheck_runtime))]
pub(crate) use crate::linked::lock as locks;

#[cfg(not(racecheck_runtime))]
mod within {
    use std::panic::Location;

    use race_core::sync::keyed;

    pub(crate) use keyed::forget;
    pub(crate) use race_core::report::{Collected, Collector};
    pub(crate) use race_core::thread::name_current;

    /// A finding, as data: see [`Race`](report::Race).
    pub mod report {
        pub use race_core::report::deadlock::{
            Deadlock, DeadlockKind, DeadlockLock, Goal, Holding, Waiter,
        };
        pub use race_core::report::race::Place;
        pub use race_core::report::{
            Access, Frame, HeapBlock, HeldLock, Operation, Race, Site, ThreadInfo,
        };
    }

    pub(crate) fn release(key: usize, site: &'static Location<'static>) {
        keyed::release(key, &keyed::ANNOTATION, site);
    }

    pub(crate) fn acquire(key: usize, site: &'static Location<'static>) {
        keyed::acquire(key, &keyed::ANNOTATION, site);
    }
}
