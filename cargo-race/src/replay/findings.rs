//! What a replay has found, as plain data: collected in one pass, rendered by [`super::text`] and [`super::json`].
//!
//! Memory grows with the different variables and pairs of places that race, never with the number of races.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::Duration;

use foldhash::fast::RandomState;
use race_core::replay::{Access, Kind, Race};
use race_core::trace::names::{Names, Printable, Table};
use race_core::trace::{Id, Place};

/// An access as far as a pair of places goes: without its thread.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Side {
    pub(super) site: Id,
    pub(super) kind: Kind,
}

impl From<Access> for Side {
    fn from(access: Access) -> Side {
        Side {
            site: access.site,
            kind: access.kind,
        }
    }
}

/// What the reports of live races call it, too.
pub(super) fn operation(kind: Kind) -> &'static str {
    match kind {
        Kind::Read => "read",
        Kind::Write => "write",
        Kind::AtomicRead => "atomic-read",
        Kind::AtomicWrite => "atomic-write",
    }
}

/// The first event that raced.
pub(super) struct First {
    /// Which event it is, counted from 1.
    pub(super) event: u64,
    /// Its line in the trace.
    pub(super) line: u64,
    /// Its races, at least one.
    pub(super) races: Vec<Race>,
}

#[derive(Default)]
pub(super) struct Findings {
    pub(super) events: u64,
    pub(super) took: Duration,
    pub(super) names: Names,
    pub(super) first: Option<First>,
    /// Events with at least one race.
    pub(super) racy_events: u64,
    /// Races by what is accessed, and by the two sides, the smaller one first.
    places: HashMap<Place, u64, RandomState>,
    pairs: HashMap<(Side, Side), u64, RandomState>,
}

impl Findings {
    /// The event that was counted last has races.
    pub(super) fn add(&mut self, line: u64, races: &[Race]) {
        self.racy_events += 1;
        if self.first.is_none() {
            self.first = Some(First {
                event: self.events,
                line,
                races: races.to_vec(),
            });
        }
        for race in races {
            *self.places.entry(race.place).or_default() += 1;
            let (earlier, later) = (Side::from(race.earlier), Side::from(race.later));
            let pair = (earlier.min(later), earlier.max(later));
            *self.pairs.entry(pair).or_default() += 1;
        }
    }

    /// All races of all events.
    pub(super) fn races(&self) -> u64 {
        self.places.values().sum()
    }

    /// What raced, and how often: variables in the order in which the trace names them, then memory by address.
    pub(super) fn places(&self) -> Vec<(Place, u64)> {
        let mut places: Vec<_> = self.places.iter().map(|(place, n)| (*place, *n)).collect();
        places.sort_by_key(|(place, _)| match *place {
            Place::Variable(id) => (0, u64::from(id), 0),
            Place::Range { address, size } => (1, address, size),
        });
        places
    }

    /// The pairs of places that raced, and how often; the most frequent first, then in the order in which the trace names them.
    pub(super) fn pairs(&self) -> Vec<((Side, Side), u64)> {
        let mut pairs: Vec<_> = self.pairs.iter().map(|(pair, n)| (*pair, *n)).collect();
        pairs.sort_by_key(|(pair, times)| (Reverse(*times), *pair));
        pairs
    }

    pub(super) fn events_per_second(&self) -> f64 {
        let seconds = self.took.as_secs_f64();
        if seconds == 0.0 {
            0.0
        } else {
            self.events as f64 / seconds
        }
    }
}

/// The name of a number that the reader gave.
pub(super) fn name(table: &Table, id: Id) -> String {
    let name = table.name(id).unwrap_or_default();
    Printable(name).to_string()
}
