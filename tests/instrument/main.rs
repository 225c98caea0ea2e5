//! `#[racecheck::instrument]`: which accesses in `unsafe` code are announced, that nothing else is, and that the code means what it meant.

#[cfg(feature = "race-check")]
#[macro_use]
#[path = "../support/judge.rs"]
mod judge;

#[cfg(feature = "race-check")]
mod forms;
mod meaning;
