//! `api` on racecheck's types.

pub(crate) use racecheck::parking_lot as lib;

#[path = "api.rs"]
pub(crate) mod api;
