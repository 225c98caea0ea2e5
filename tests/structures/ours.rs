//! The structures on racecheck's types.

pub(crate) mod lib {
    pub(crate) use racecheck::{cell, sync, thread};
}

#[path = "all.rs"]
pub(crate) mod all;
