//! `api` on std's types.

pub(crate) mod lib {
    pub(crate) use std::{hint, sync, thread, thread_local};
}

#[path = "api.rs"]
pub(crate) mod api;
