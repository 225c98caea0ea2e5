//! Where a happens-before edge came from, interned: so that a report can name the last order there was.
//!
//! An edge is a kind and two places in the program, so there are as many as the program's text has; never one per event.

use std::ptr;
use std::sync::PoisonError;

use crate::errno;
use crate::fork::PerProcess;
use crate::primitive::sync::{Mutex, MutexGuard};
use crate::primitive::{DashMap, global};
use crate::stack::position::Position;
use crate::sync::SyncKind;
use crate::thread::state::Site;

/// The name of an interned edge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct EdgeId(u32);

/// One kind of synchronisation between one place that released and one that acquired.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edge {
    pub(crate) kind: &'static SyncKind,
    /// Not known for fences: what they order came from whatever the relaxed loads had read.
    pub(crate) released: Site,
    pub(crate) acquired: Site,
}

type Key = (usize, usize, usize);

global! {
    static IDS: PerProcess<DashMap<Key, EdgeId>> = PerProcess::new();
}
global! {
    static EDGES: Mutex<Vec<Edge>> = Mutex::new(Vec::new());
}

pub(crate) type Still = MutexGuard<'static, Vec<Edge>>;

/// Nothing changes while the guard lives.
pub(crate) fn hold_still() -> Still {
    EDGES.lock().unwrap_or_else(PoisonError::into_inner)
}

fn key(kind: &'static SyncKind, released: Site, acquired: Site) -> Key {
    let address = |site: Site| Position::into_raw(site).addr();
    (
        ptr::from_ref(kind).addr(),
        address(released),
        address(acquired),
    )
}

const CACHED: usize = 8;

/// The edges that one thread learned by lately: interning hashes and locks, which is most of the time that learning takes.
#[derive(Default)]
pub(crate) struct EdgeCache {
    entries: [Option<(Key, EdgeId)>; CACHED],
}

impl EdgeCache {
    /// The name of an edge.
    pub(crate) fn intern(
        &mut self,
        kind: &'static SyncKind,
        released: Site,
        acquired: Site,
    ) -> EdgeId {
        let key = key(kind, released, acquired);
        // Locations are 8-aligned and lie side by side.
        let index = ((key.1 >> 3) ^ (key.2 >> 4)) % CACHED;
        match self.entries[index] {
            Some((cached, id)) if cached == key => id,
            _ => {
                let id = intern(kind, released, acquired);
                self.entries[index] = Some((key, id));
                id
            }
        }
    }
}

pub(crate) fn intern(kind: &'static SyncKind, released: Site, acquired: Site) -> EdgeId {
    errno::keep(|| intern_inside(kind, released, acquired))
}

fn intern_inside(kind: &'static SyncKind, released: Site, acquired: Site) -> EdgeId {
    let key = key(kind, released, acquired);
    if let Some(id) = IDS.get().get(&key) {
        return *id;
    }
    *IDS.get().entry(key).or_insert_with(|| {
        let mut edges = hold_still();
        edges.push(Edge {
            kind,
            released,
            acquired,
        });
        EdgeId(
            u32::try_from(edges.len() - 1)
                .expect("a program with 2^32 pairs of places doesn't fit in memory"),
        )
    })
}

pub(crate) fn get(id: EdgeId) -> Edge {
    hold_still()[id.0 as usize]
}
