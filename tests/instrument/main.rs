//! `#[racecheck::instrument]`: which accesses in `unsafe` code are announced, that nothing else is, and that the code means what it meant.

#[cfg(feature = "race-check")]
#[allow(
    dead_code,
    unused_macros,
    reason = "these tests have lines and waits of their own"
)]
#[path = "../support/judge.rs"]
mod judge;

#[cfg(feature = "race-check")]
mod forms;
mod hygiene;
#[cfg(feature = "race-check")]
mod links;
mod meaning;
#[cfg(feature = "race-check")]
mod programs;
#[cfg(feature = "race-check")]
mod silent;
#[cfg(feature = "race-check")]
mod statics;
