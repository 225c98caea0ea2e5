//! Sync objects by address: for annotations, and for callers with no place to keep a [`SyncObject`].
//!
//! An address that was released into is remembered until [`forget`]: a stale entry can only add order, never a false report.

use std::sync::Arc;

use dashmap::DashMap;

use crate::errno;
use crate::fork::PerProcess;
use crate::stack::position::Position;
use crate::sync::{SyncKind, SyncObject};
use crate::thread::local;

/// What annotations of the program's are called in reports.
pub static ANNOTATION: SyncKind = SyncKind {
    name: "annotation",
    release: "called hb::release",
    acquire: "called hb::acquire",
};

static OBJECTS: PerProcess<DashMap<usize, Arc<SyncObject>>> = PerProcess::new();

/// Adds what the calling thread has done to what an acquire of `key` will see.
pub fn release(key: usize, kind: &'static SyncKind, site: impl Into<Position>) {
    let object =
        local::enter_bare(|| errno::keep(|| OBJECTS.get().entry(key).or_default().clone()));
    if let Some(object) = object {
        object.release(kind, site);
    }
}

/// Orders everything released into `key` so far before what the calling thread does next.
pub fn acquire(key: usize, kind: &'static SyncKind, site: impl Into<Position>) {
    let object =
        local::enter_bare(|| errno::keep(|| OBJECTS.get().get(&key).map(|object| object.clone())));
    if let Some(Some(object)) = object {
        object.acquire(kind, site);
    }
}

/// Drops what is remembered of `key`: its memory is about to mean something else.
pub fn forget(key: usize) {
    local::enter_bare(|| errno::keep(|| OBJECTS.get().remove(&key)));
}
