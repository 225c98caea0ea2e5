//! `api` on std's types.

pub(crate) mod lib {
    pub(crate) use std::{sync, thread};
}

#[path = "api/mod.rs"]
pub(crate) mod api;
