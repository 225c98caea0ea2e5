//! `api` on std's types.

pub(crate) mod lib {
    pub(crate) use std::{alloc, cell, ptr, sync, thread};
}

#[path = "api.rs"]
pub(crate) mod api;

#[path = "api_memory.rs"]
pub(crate) mod api_memory;
