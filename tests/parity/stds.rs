//! `api` on std's types.

pub(crate) mod lib {
    pub(crate) use std::{sync, thread};
}

#[path = "api.rs"]
pub(crate) mod api;
