//! `api` on parking_lot's types.

pub(crate) use ::parking_lot as lib;

#[path = "api.rs"]
pub(crate) mod api;
