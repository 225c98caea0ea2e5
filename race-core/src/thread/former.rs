//! What is kept of a thread when its slot has gone to another one: what a report says of it, and no more.
//!
//! A program may start millions of threads, and an access of any of them may be the earlier side of a race. So this is kept for ever, and has to
//! be small: a tenth of a [`Record`]. It becomes a record again only for a report.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use crate::epoch::Epoch;
use crate::report::scope::Scope;
use crate::stack::depot::ContextId;
use crate::sync::edge::{self, Edge, EdgeId};
use crate::thread::record::{Origin, Record};

/// A thread that has ended and was joined, or will never be.
pub(super) struct Former {
    number: u32,
    /// The kind and place of its last release; there is no acquire.
    last_release: Option<EdgeId>,
    name: Option<Box<str>>,
    scope: Option<Arc<Scope>>,
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
    pub(super) fn of(record: &Record) -> Option<Former> {
        let Origin::Tracked = record.origin else {
            return None;
        };
        let last_release = record
            .last_release()
            .map(|(kind, site)| edge::intern(kind, site, None));
        Some(Former {
            number: record.number,
            last_release,
            name: record.name().map(Box::from),
            scope: record.scope.clone(),
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
        let scope = self.scope.clone();
        let record = Record::new(self.number, Origin::Tracked, creator, birth.created, scope);
        if let Some(name) = &self.name {
            record.set_name(name);
        }
        if let Some(Edge { kind, released, .. }) = self.last_release.map(edge::get) {
            record.note_release(kind, released);
        }
        record.clock.store(last.bits(), Relaxed);
        record.set_started();
        record.set_finished();
        Arc::new(record)
    }
}
