//! `api` on racecheck's types.

pub(crate) mod lib {
    pub(crate) use racecheck::{sync, thread};
}

#[path = "api/mod.rs"]
pub(crate) mod api;
