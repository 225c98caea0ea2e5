//! `api` on racecheck's types.

pub(crate) mod lib {
    pub(crate) use racecheck::{alloc, cell, hint, ptr, sync, thread, thread_local};
}

#[path = "api/mod.rs"]
pub(crate) mod api;
