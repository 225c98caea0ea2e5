//! What is kept of a thread that has ended: what a report says of it, and no more.
//!
//! A program may start millions of threads, and an access of any of them may be the earlier side of a race. So this is kept for ever, and has to
//! be small: a tenth of a [`Record`]. It becomes a record again only for a report.

use std::sync::atomic::Ordering::Relaxed;

use crate::epoch::Epoch;
use crate::primitive::sync::Arc;
use crate::report::scope::SharedScope;
use crate::stack::depot::ContextId;
use crate::sync::edge::{self, Edge, EdgeId};
use crate::thread::record::{Origin, Record};

/// A thread that has ended.
pub(super) struct Former {
    number: u32,
    told: std::sync::Arc<Told>,
}

/// What threads that do the same thing have in common, more often than not.
#[derive(PartialEq, Eq)]
struct Told {
    name: Option<Box<str>>,
    /// The kind and place of its last release; there is no acquire.
    last_release: Option<EdgeId>,
    scope: Option<SharedScope>,
}

/// The last thread's: the next one's may be the same.
#[derive(Default)]
pub(super) struct LastTold(Option<std::sync::Arc<Told>>);

impl LastTold {
    pub(super) const fn new() -> LastTold {
        LastTold(None)
    }

    fn share(&mut self, told: Told) -> std::sync::Arc<Told> {
        match &self.0 {
            Some(last) if **last == told => last.clone(),
            _ => self.0.insert(std::sync::Arc::new(told)).clone(),
        }
    }
}

/// Who created a thread, and where.
#[derive(Clone, Copy, Default)]
pub(super) struct Birth {
    /// The creator's number; 0 if there is none.
    creator: u32,
    created: Option<ContextId>,
}

impl Birth {
    pub(super) fn of(record: &Record) -> Birth {
        Birth {
            creator: record.creator.as_ref().map_or(0, |creator| creator.number),
            created: record.created,
        }
    }
}

impl Former {
    /// None if more of the thread may be asked for: whether its end was waited for unseen.
    pub(super) fn of(record: &Record, last_told: &mut LastTold) -> Option<Former> {
        let Origin::Tracked = record.origin else {
            return None;
        };
        let last_release = record
            .last_release()
            .map(|(kind, site)| edge::intern(kind, site, None));
        let told = Told {
            name: record.name().map(Box::from),
            last_release,
            scope: record.scope.clone(),
        };
        Some(Former {
            number: record.number,
            told: last_told.share(told),
        })
    }

    /// As it was when it ended, in the epoch `last`. `births` has all threads', by number.
    pub(super) fn record(&self, last: Epoch, births: &[Birth]) -> Arc<Record> {
        let birth_of = |number: u32| births.get(number as usize).copied().unwrap_or_default();
        let birth = birth_of(self.number);
        let creators: Vec<u32> = std::iter::successors(Some(birth.creator), |number| {
            Some(birth_of(*number).creator)
        })
        .take_while(|number| *number != 0)
        .collect();
        let creator = creators.into_iter().rev().fold(None, |creator, number| {
            let created = birth_of(number).created;
            let record = Record::new(number, Origin::Tracked, creator, created, None);
            Some(Arc::new(record))
        });
        let scope = self.told.scope.clone();
        let record = Record::new(self.number, Origin::Tracked, creator, birth.created, scope);
        if let Some(name) = &self.told.name {
            record.set_name(name);
        }
        if let Some(Edge { kind, released, .. }) = self.told.last_release.map(edge::get) {
            record.note_release(kind, released);
        }
        record.clock.store(last.bits(), Relaxed);
        record.set_started();
        record.set_finished();
        Arc::new(record)
    }
}
