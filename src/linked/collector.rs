//! Collects what is found on a thread and on those that it starts.

use std::ffi::c_void;

use race_interface::Sink;
use serde::Deserialize;

use super::report::{Deadlock, Finding, Race};
use super::runtime;

/// What a [`Collector`] found, each in the order in which it was found.
pub(crate) struct Collected {
    pub(crate) races: Vec<Race>,
    pub(crate) deadlocks: Vec<Deadlock>,
}

/// As the runtime sends it.
#[derive(Deserialize)]
struct Sent {
    races: Vec<Finding<Race>>,
    deadlocks: Vec<Finding<Deadlock>>,
}

/// The runtime's collector. It belongs to the thread that opened it; a pointer keeps it there.
pub(crate) struct Collector(*mut c_void);

impl Collector {
    pub(crate) fn open() -> Collector {
        Collector((runtime().open_collector)())
    }

    pub(crate) fn close_all(self) -> Collected {
        let mut found = String::new();
        // SAFETY: opened on this thread, as it can't leave it, and not dropped, since it is forgotten; the string is there until the call returns.
        unsafe { (runtime().close_collector)(self.0, Sink::new(&mut found)) };
        std::mem::forget(self);
        let sent: Sent = serde_json::from_str(&found).unwrap_or_else(|error| {
            panic!("racecheck: the runtime's own version sends this: {error}: {found}")
        });
        Collected {
            races: sent.races.into_iter().map(Finding::into).collect(),
            deadlocks: sent.deadlocks.into_iter().map(Finding::into).collect(),
        }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        // SAFETY: opened on this thread, as it can't leave it, and not closed, which would have forgotten it.
        unsafe { (runtime().drop_collector)(self.0) };
    }
}
