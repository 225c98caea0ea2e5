//! Atomics and fences: which events synchronise, by the text of C++20 ([intro.races], [atomics.order], [atomics.fences]; P0982).
//!
//! - A *release sequence* headed by a release operation A is A and all read-modify-writes that follow it in the modification order without another
//!   store between them, whoever does them.
//! - A synchronises with an acquire operation B that reads from any of the sequence.
//! - A release fence before a store X (in its thread) takes A's place for the sequence that X would head if it were a release.
//! - An acquire fence after a load takes B's place for it.
//! - A failed compare-exchange is a load. `SeqCst` is acquire and release; a fence that is both synchronises on both sides.
//!
//! Which store a load read from is given, so nothing here depends on an order of stores other than through read-modify-writes.

use std::collections::HashMap;
use std::sync::atomic::Ordering::{self, AcqRel, Acquire, Release, SeqCst};

use crate::order::{EventId, Order};
use crate::program::Place;

/// A store, or the store of a read-modify-write.
#[derive(Debug)]
struct Store {
    /// What it read from, if it is a read-modify-write.
    read_from: Option<EventId>,
    is_read_modify_write: bool,
    releases: bool,
    /// The last release fence before it in its thread. Earlier ones happen before that.
    fence: Option<EventId>,
}

/// The stores so far, and what each thread's fences need to know.
#[derive(Debug)]
pub struct Atomics {
    stores: HashMap<EventId, Store>,
    /// The last store to each place, in the order of execution.
    last: HashMap<Place, EventId>,
    release_fences: Vec<Option<EventId>>,
    /// All that the next acquire fence of each thread synchronises with.
    loaded: Vec<Vec<EventId>>,
}

fn acquires(order: Ordering) -> bool {
    matches!(order, Acquire | AcqRel | SeqCst)
}

fn releases(order: Ordering) -> bool {
    matches!(order, Release | AcqRel | SeqCst)
}

impl Atomics {
    /// No store yet, of this many threads.
    pub fn new(threads: usize) -> Atomics {
        Atomics {
            stores: HashMap::new(),
            last: HashMap::new(),
            release_fences: vec![None; threads],
            loaded: vec![Vec::new(); threads],
        }
    }

    /// The last store to a place in the order of execution, if there was one.
    pub fn last(&self, place: Place) -> Option<EventId> {
        self.last.get(&place).copied()
    }

    /// Makes a store the last one to its place.
    pub fn set_last(&mut self, place: Place, store: EventId) {
        self.last.insert(place, store);
    }

    /// The memory is new: loads read from no store there.
    pub fn forget(&mut self, place: Place) {
        let inside = |atomic: &Place| place.start <= atomic.start && atomic.start < place.end();
        self.last.retain(|atomic, _| !inside(atomic));
    }

    /// What synchronises with an acquire operation that reads from `store`: every release that heads a sequence with it.
    fn heads(&self, store: Option<EventId>) -> Vec<EventId> {
        let mut heads = Vec::new();
        let mut next = store;
        while let Some(id) = next {
            let store = &self.stores[&id];
            if store.releases {
                heads.push(id);
            }
            heads.extend(store.fence);
            // A plain store begins the sequence; it continues none.
            next = store.read_from.filter(|_| store.is_read_modify_write);
        }
        heads
    }

    fn read(&mut self, thread: usize, order: Ordering, from: Option<EventId>) -> Vec<EventId> {
        let heads = self.heads(from);
        // An acquire operation is a load, too, for the fences after it.
        self.loaded[thread].extend(&heads);
        if acquires(order) { heads } else { Vec::new() }
    }

    /// A load that read from the store `from`, or the initial value.
    pub fn load(
        &mut self,
        order: &mut Order,
        thread: usize,
        ordering: Ordering,
        from: Option<EventId>,
    ) -> EventId {
        let after = self.read(thread, ordering, from);
        order.event(thread, &after)
    }

    /// A store.
    pub fn store(&mut self, order: &mut Order, thread: usize, ordering: Ordering) -> EventId {
        let event = order.event(thread, &[]);
        self.stored(event, thread, ordering, false, None);
        event
    }

    /// A read-modify-write that read from `from`.
    pub fn read_modify_write(
        &mut self,
        order: &mut Order,
        thread: usize,
        ordering: Ordering,
        from: Option<EventId>,
    ) -> EventId {
        let after = self.read(thread, ordering, from);
        let event = order.event(thread, &after);
        self.stored(event, thread, ordering, true, from);
        event
    }

    fn stored(
        &mut self,
        event: EventId,
        thread: usize,
        ordering: Ordering,
        is_read_modify_write: bool,
        read_from: Option<EventId>,
    ) {
        let store = Store {
            read_from,
            is_read_modify_write,
            releases: releases(ordering),
            fence: self.release_fences[thread],
        };
        self.stores.insert(event, store);
    }

    /// A fence.
    pub fn fence(&mut self, order: &mut Order, thread: usize, ordering: Ordering) -> EventId {
        let after = if acquires(ordering) {
            self.loaded[thread].clone()
        } else {
            Vec::new()
        };
        let event = order.event(thread, &after);
        if releases(ordering) {
            self.release_fences[thread] = Some(event);
        }
        event
    }
}
