//! What is kept of the threads that have ended: what a report says of them, and no more.
//!
//! A program may start millions of threads, and an access of any of them may be the earlier side of a race. So this is kept for ever, and has to
//! be small: 8 bytes for a thread like the ones around it, where a [`Record`] has 300. It becomes a record again only for a report.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::atomic::Ordering::Relaxed;

use crate::epoch::Epoch;
use crate::primitive::sync::Arc;
use crate::report::scope::SharedScope;
use crate::stack::depot::ContextId;
use crate::sync::edge::{self, Edge, EdgeId};
use crate::thread::record::{Origin, Record};

/// Among how many of the last threads one that is told of alike is looked for: as many kinds of threads may take turns.
const KINDS: usize = 8;

/// Who is, or was, in a slot.
pub(super) enum Who {
    Record(Arc<Record>),
    Former(Former),
}

/// A thread that has ended.
#[derive(Clone, Copy)]
pub(super) struct Former {
    number: u32,
    /// Where in `History::told`.
    told: u32,
}

/// What threads that do the same thing have in common, more often than not.
#[derive(PartialEq, Eq)]
struct Told {
    name: Option<Box<str>>,
    /// The kind and place of its last release; there is no acquire.
    last_release: Option<EdgeId>,
    scope: Option<SharedScope>,
}

/// Who created a thread, and where.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Birth {
    /// The creator's number; 0 if there is none.
    creator: u32,
    created: Option<ContextId>,
}

impl Birth {
    fn of(record: &Record) -> Birth {
        Birth {
            creator: record.creator.as_ref().map_or(0, |creator| creator.number),
            created: record.created,
        }
    }
}

/// Where in a [`History`] a time in a slot is: one more than its index.
#[derive(Clone, Copy)]
pub(super) struct PastId(NonZeroU32);

/// A thread's time in a slot, when another one has followed.
struct Past {
    who: Who,
    /// How many clock values it took, from its first one to the next thread's.
    lasted: u64,
    /// The one before it in the slot.
    before: Option<PastId>,
}

/// A [`Past`] as nearly all are: of a thread that didn't live much longer than others, and is told of like others.
struct Brief {
    /// The thread's number, less the index of this in the list: how many threads before it were still in their slots.
    number: i16,
    /// As `Former::told`.
    told: u16,
    /// 0, which none takes, if this `Past` is too large to be one of these.
    lasted: u16,
    /// How far back in the list the one before it in the slot is. 0 if there is none.
    before: u16,
}

impl Brief {
    const TOO_LARGE: Brief = Brief {
        number: 0,
        told: 0,
        lasted: 0,
        before: 0,
    };

    /// None if it doesn't fit.
    fn of(past: &Past, index: u32) -> Option<Brief> {
        let Who::Former(former) = &past.who else {
            return None;
        };
        let back = past.before.map_or(0, |before| index + 1 - before.0.get());
        Some(Brief {
            number: (i64::from(former.number) - i64::from(index))
                .try_into()
                .ok()?,
            told: former.told.try_into().ok()?,
            lasted: past.lasted.try_into().ok()?,
            before: back.try_into().ok()?,
        })
    }

    /// What this was made `of`.
    fn whole(&self, index: u32) -> Past {
        let before = match self.before {
            0 => None,
            back => NonZeroU32::new(index + 1 - u32::from(back)).map(PastId),
        };
        Past {
            who: Who::Former(Former {
                number: index.wrapping_add_signed(self.number.into()),
                told: self.told.into(),
            }),
            lasted: self.lasted.into(),
            before,
        }
    }
}

/// The threads that were in any slot before the one that is there now.
///
/// One list for all slots: ten thousand short ones that grow now and then, among all that a program allocates and frees, would keep ten thousand pages.
#[derive(Default)]
pub(super) struct History {
    past: Vec<Brief>,
    /// By their index in `past`.
    too_large: BTreeMap<u32, Past>,
    told: Vec<Told>,
    /// By the thread's number, of the first of those in a row that were born alike.
    births: BTreeMap<u32, Birth>,
    youngest: u32,
}

impl History {
    pub(super) const fn new() -> History {
        History {
            past: Vec::new(),
            too_large: BTreeMap::new(),
            told: Vec::new(),
            births: BTreeMap::new(),
            youngest: 0,
        }
    }

    pub(super) fn note_birth(&mut self, record: &Record) {
        let (number, birth) = (record.number, Birth::of(record));
        let (youngest, alike) = (self.youngest, self.birth_of(number));
        self.youngest = youngest.max(number);
        if alike == birth {
            return;
        }
        self.births.insert(number, birth);
        // Threads may come out of order: those after it are as they were.
        if number < youngest {
            self.births.entry(number + 1).or_insert(alike);
        }
    }

    fn birth_of(&self, number: u32) -> Birth {
        self.births
            .range(..=number)
            .next_back()
            .map_or_else(Birth::default, |(_, birth)| *birth)
    }

    /// What is to be kept of a thread that has ended. None if more of it may be asked for: whether its end was waited for unseen.
    pub(super) fn retire(&mut self, record: &Record) -> Option<Former> {
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
        let mut last = self.told.iter().enumerate().rev().take(KINDS);
        let index = if let Some((index, _)) = last.find(|(_, other)| **other == told) {
            index
        } else {
            self.told.push(told);
            self.told.len() - 1
        };
        Some(Former {
            number: record.number,
            told: u32::try_from(index).ok()?,
        })
    }

    /// `who` was in a slot for `lasted` clock values; another one follows. None if there is no number for it any more.
    pub(super) fn push(&mut self, who: Who, lasted: u64, before: Option<PastId>) -> Option<PastId> {
        let index = u32::try_from(self.past.len()).ok()?;
        let id = PastId(NonZeroU32::new(index.checked_add(1)?)?);
        let past = Past {
            who,
            lasted,
            before,
        };
        let brief = Brief::of(&past, index).unwrap_or_else(|| {
            self.too_large.insert(index, past);
            Brief::TOO_LARGE
        });
        self.past.push(brief);
        Some(id)
    }

    /// Who was in the epoch `epoch` of a slot, where `last` was the last to be followed by another, whose first clock value is `next`.
    pub(super) fn record_of(
        &self,
        epoch: Epoch,
        last: Option<PastId>,
        mut next: u64,
    ) -> Option<Arc<Record>> {
        let mut id = last;
        loop {
            let index = id?.0.get() - 1;
            let brief = self.past[index as usize].whole(index);
            let past = self.too_large.get(&index).unwrap_or(&brief);
            let first = next - past.lasted;
            if epoch.clock() >= first {
                return Some(self.record(&past.who, Epoch::new(epoch.slot(), next - 1)));
            }
            next = first;
            id = past.before;
        }
    }

    /// `who`, as it was when it ended, in the epoch `last`.
    pub(super) fn record(&self, who: &Who, last: Epoch) -> Arc<Record> {
        let former = match who {
            Who::Record(record) => return record.clone(),
            Who::Former(former) => former,
        };
        let birth = self.birth_of(former.number);
        let creators: Vec<u32> = std::iter::successors(Some(birth.creator), |number| {
            Some(self.birth_of(*number).creator)
        })
        .take_while(|number| *number != 0)
        .collect();
        let creator = creators.into_iter().rev().fold(None, |creator, number| {
            let created = self.birth_of(number).created;
            let record = Record::new(number, Origin::Tracked, creator, created, None);
            Some(Arc::new(record))
        });
        let told = &self.told[former.told as usize];
        let scope = told.scope.clone();
        let record = Record::new(
            former.number,
            Origin::Tracked,
            creator,
            birth.created,
            scope,
        );
        if let Some(name) = &told.name {
            record.set_name(name);
        }
        if let Some(Edge { kind, released, .. }) = told.last_release.map(edge::get) {
            record.note_release(kind, released);
        }
        record.clock.store(last.bits(), Relaxed);
        record.set_started();
        record.set_finished();
        Arc::new(record)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn record(number: u32, creator: Option<&Arc<Record>>, created: u32) -> Arc<Record> {
        Arc::new(Record::new(
            number,
            Origin::Tracked,
            creator.cloned(),
            ContextId::from_bits(created),
            None,
        ))
    }

    /// A record has 300 bytes.
    #[test]
    fn little_is_kept_of_a_thread_like_its_neighbours() {
        assert_eq!(size_of::<Brief>(), 8);
        let mut history = History::new();
        let main = record(1, None, 0);
        let mut before = None;
        for number in 2..1_000 {
            let thread = record(number, Some(&main), 7);
            history.note_birth(&thread);
            let former = history.retire(&thread).unwrap();
            before = history.push(Who::Former(former), 3, before);
        }
        assert_eq!(history.births.len(), 1);
        assert_eq!(history.told.len(), 1);
        assert!(history.too_large.is_empty());
        let second = history.record_of(Epoch::new(5, 4), before, 1 + 3 * 998);
        assert_eq!(second.unwrap().number, 3);
    }

    #[test]
    fn births_are_kept_in_any_order() {
        // Runs, gaps, and every number later than some greater one.
        let birth = |number: u32| (number % 7 / 3, number % 5 / 2);
        let creators = [record(900, None, 0), record(901, None, 0)];
        for step in [1, 3, 5, 9, 63] {
            let mut history = History::new();
            let mut known = Vec::new();
            for at in 0..64 {
                let number = 1 + at * step % 64;
                let (creator, created) = birth(number);
                let creator = creators.get(creator as usize);
                history.note_birth(&record(number, creator, created));
                known.push(number);
                for number in &known {
                    let (creator, created) = birth(*number);
                    let expected = Birth {
                        creator: creators.get(creator as usize).map_or(0, |c| c.number),
                        created: ContextId::from_bits(created),
                    };
                    assert!(
                        history.birth_of(*number) == expected,
                        "{number} of {known:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_kept_all_the_same() {
        let mut history = History::new();
        let retire = |history: &mut History, number: u32| {
            let thread = record(number, None, 0);
            thread.set_name(&number.to_string());
            Who::Former(history.retire(&thread).unwrap())
        };
        // Each with a name of its own; some long-lived, one of which more may be asked for.
        let mut before = None;
        let mut ends = Vec::new();
        let mut next = 1;
        for number in 1..70_000 {
            let lasted = if number % 1_000 == 1 { 1 << 30 } else { 2 };
            let who = if number == 500 {
                let foreign = Record::new(number, Origin::Foreign, None, None, None);
                foreign.clock.store(Epoch::new(3, next + 1).bits(), Relaxed);
                assert!(history.retire(&foreign).is_none());
                Who::Record(Arc::new(foreign))
            } else {
                retire(&mut history, number)
            };
            before = history.push(who, lasted, before);
            ends.push((number, next, next + lasted - 1));
            next += lasted;
        }
        for (number, first, last) in ends.into_iter().step_by(499) {
            for clock in [first, last] {
                let found = history.record_of(Epoch::new(3, clock), before, next);
                let found = found.unwrap();
                assert_eq!(found.number, number);
                assert_eq!(found.epoch(), Epoch::new(3, last));
                if number != 500 {
                    assert_eq!(found.name(), Some(&*number.to_string()));
                }
            }
        }
    }
}
