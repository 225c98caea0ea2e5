//! Races: two accesses to a common byte by two threads, at least one a write, at least one not atomic, neither happening before the other.

use crate::order::{EventId, Order};
use crate::program::Place;

/// What an access is, as far as it decides about races.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Kind {
    /// Whether it stores.
    pub writes: bool,
    /// Whether it is atomic.
    pub atomic: bool,
}

/// Two accesses that race, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pair {
    /// The earlier one in the order of execution.
    pub earlier: EventId,
    /// The later one.
    pub later: EventId,
    /// The bytes that they have in common.
    pub bytes: Vec<u64>,
}

#[derive(Debug)]
struct Access {
    event: EventId,
    kind: Kind,
    place: Place,
    /// What has been allocated anew since.
    gone: Vec<Place>,
}

impl Access {
    fn bytes_in_common(&self, place: Place) -> Vec<u64> {
        let is_gone = |byte: &u64| self.gone.iter().any(|gone| gone.contains(*byte));
        let bytes = self.place.start.max(place.start)..self.place.end().min(place.end());
        bytes.filter(|byte| !is_gone(byte)).collect()
    }
}

/// Every access so far.
#[derive(Debug, Default)]
pub struct Accesses {
    all: Vec<Access>,
}

impl Accesses {
    /// Adds an access, and compares it with every one before.
    pub fn access(&mut self, order: &Order, event: EventId, place: Place, kind: Kind) -> Vec<Pair> {
        let mut races = Vec::new();
        for earlier in &self.all {
            let conflict = (earlier.kind.writes || kind.writes)
                && !(earlier.kind.atomic && kind.atomic)
                && order.thread(earlier.event) != order.thread(event);
            if !conflict || order.happens_before(earlier.event, event) {
                continue;
            }
            let bytes = earlier.bytes_in_common(place);
            if !bytes.is_empty() {
                races.push(Pair {
                    earlier: earlier.event,
                    later: event,
                    bytes,
                });
            }
        }
        self.all.push(Access {
            event,
            kind,
            place,
            gone: Vec::new(),
        });
        races
    }

    /// The memory is new: what was done to it before is no access to it.
    pub fn forget(&mut self, place: Place) {
        for access in &mut self.all {
            if access.place.start < place.end() && place.start < access.place.end() {
                access.gone.push(place);
            }
        }
    }
}
