//! `api` on std's types.

pub(crate) mod lib {
    pub(crate) use std::{alloc, cell, hint, ptr, sync, thread, thread_local};
}

#[path = "api/mod.rs"]
pub(crate) mod api;
