//! The order in which threads take locks: a deadlock that can happen is found without one happening.
//!
//! Goodlock (Havelund, "Using Runtime Analysis to Guide Model Checking of Java Programs", SPIN 2000), with what Bensalem & Havelund ("Dynamic
//! Deadlock Analysis of Multi-threaded Programs", 2005) and Agarwal, Wang & Stoller ("Detecting Potential Deadlocks with Static Analysis and
//! Run-Time Monitoring", 2005) add to it. A *request* is a lock that a thread waits for, or would have waited for, while it holds others. Requests form a
//! cycle if each wants what the next one holds. A cycle is reported only if
//!
//! - all its threads differ;
//! - no two of them hold the same lock, unless both as readers: otherwise that lock, a gate, keeps them apart;
//! - what is wanted and what is held exclude each other: two readers don't;
//! - nothing orders any two of its requests.
//!
//! **Order.** The mutexes' own edges order all that was ever locked one after the other, so they can't be what decides; nor can they be left out
//! altogether, because programs do hand things over by a mutex. So the edges of locks that *nest*, that were ever wanted while another was held or
//! the other way round, don't count here, and those of all other locks do. A thread's clock has a second vector for this
//! ([`VectorClock::order`]), which is there from the first time on that the two differ: never, in a program in which no lock nests. The
//! edges of a mutex that a condition variable was used with always count.
//!
//! **What remains.** Data that is handed over by a lock that nests, without a condition variable: if a thread takes its locks the other way round only
//! because it has seen, under one of these locks, that the other thread is done, then the report speaks of a deadlock that can't
//! happen. (Tunç, Mathur, Pavlogiannis & Viswanathan, "Sound Dynamic Deadlock Prediction in Linear Time", PLDI 2023, exclude it by what was read
//! under the locks; the values in a mutex aren't seen here.) That is why it is called potential.
//!
//! **Deviations.** A request is kept once for each thread, set of locks and pair of places, with its latest epoch: later ones know no less and are
//! known to no more. A cycle that fails for its order alone is looked at again when one of its requests is repeated. One that is ordered before a
//! like one of another thread's is dropped, as FastTrack drops reads. Cycles of three and more are looked for among older occurrences, and with a
//! limit on steps. Each of these can only lose a report.
//!
//! Locks go by their numbers (`sync::lock_id`), so a lock leaves nothing behind for the next one at its address.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};

use smallvec::SmallVec;

use super::{Claim, Claims, Goal, Mode, Party, Patience, Unlocking};
use crate::clock::VectorClock;
use crate::epoch::Epoch;
use crate::fork::{Lock, PerProcess};
use crate::primitive::sync::Arc;
use crate::report;
use crate::runtime;
use crate::stack::depot::{ContextId, Detail, HeldLock};
use crate::sync::lock_id::{self, LockId, Word};
use crate::thread::held::HeldLocks;
use crate::thread::record::Record;
use crate::thread::registry;
use crate::thread::state::ThreadState;

/// The longest cycle.
const MAX_THREADS: usize = 8;
/// Requests looked at in one search.
const MAX_STEPS: usize = 4096;
/// Cycles reported after one search.
const MAX_FOUND: usize = 4;
/// Requests kept of one pair of locks.
const MAX_ALIKE: usize = 32;

/// A thread wants a lock and holds others.
pub(crate) struct Request {
    record: Arc<Record>,
    wanted: Claim,
    held: Claims,
    /// Where the first one was.
    context: ContextId,
    /// The epoch of the last one.
    last: AtomicU64,
    /// One of them, with what was known there: for cycles of three and more.
    occurrence: Lock<Occurrence>,
    /// A cycle with this one failed for its order alone, which may be another the next time.
    is_armed: AtomicBool,
}

#[derive(Clone, Default)]
struct Occurrence {
    epoch: Epoch,
    base: Option<Arc<VectorClock>>,
}

impl Request {
    fn is(&self, held: &HeldLocks, wanted: &Claim) -> bool {
        self.wanted.lock == wanted.lock
            && self.wanted.mode == wanted.mode
            && self.wanted.info.locked == wanted.info.locked
            && self.held.len() == held.keys().len()
            && self
                .held
                .iter()
                .zip(held.keys())
                .zip(held.locks())
                .all(|((mine, key), lock)| {
                    mine.lock == key.number()
                        && mine.mode == key.mode()
                        && mine.info.locked == lock.locked
                })
    }

    /// How it holds that lock.
    fn holds(&self, lock: u64) -> Option<Mode> {
        let claim = self.held.iter().find(|claim| claim.lock == lock)?;
        Some(claim.mode)
    }

    /// Whether the two can't be where they are at the same time.
    fn is_kept_from(&self, other: &Request) -> bool {
        self.record.number == other.record.number
            || self.held.iter().any(|mine| {
                other
                    .holds(mine.lock)
                    .is_some_and(|theirs| mine.mode.excludes(theirs))
            })
    }

    /// Whether each cycle with `self` is one with `other` in its place, if other threads make up the rest.
    fn is_covered_by(&self, other: &Request) -> bool {
        self.wanted.mode == other.wanted.mode
            && other
                .held
                .iter()
                .all(|theirs| self.holds(theirs.lock) == Some(theirs.mode))
    }

    fn note(&self, thread: &ThreadState) {
        self.last.store(thread.epoch().bits(), Relaxed);
        *self.occurrence.lock() = Occurrence {
            epoch: thread.epoch(),
            base: Some(thread.base().clone()),
        };
    }

    fn last(&self) -> Epoch {
        Epoch::from_tagged(self.last.load(Relaxed))
    }

    fn party(&self) -> Party {
        Party {
            record: self.record.clone(),
            context: self.context,
            goal: Goal::Lock(self.wanted),
            unlocking: Unlocking::Guard,
            held: self.held.clone(),
        }
    }
}

const CACHED_BITS: u32 = 6;

/// The requests that one thread made lately.
#[derive(Default)]
pub(crate) struct NestedCache(Option<Box<[Option<Arc<Request>>; 1 << CACHED_BITS]>>);

impl NestedCache {
    fn at(&mut self, held: &HeldLocks, wanted: &Claim) -> &mut Option<Arc<Request>> {
        let mut hash = wanted.lock;
        for key in held.keys() {
            hash = hash.rotate_left(7) ^ key.number();
        }
        let hash = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let cache = self.0.get_or_insert_with(|| Box::new([const { None }; _]));
        &mut cache[(hash >> (u64::BITS - CACHED_BITS)) as usize]
    }

    /// The process is another one, which knows none of them.
    pub(crate) fn clear(&mut self) {
        self.0 = None;
    }
}

/// The thread has just locked this lock, whose word was `word`; it isn't on its list yet. Returns whether the lock's edges are order.
#[inline]
pub(crate) fn enter_lock(
    thread: &mut ThreadState,
    word: Word,
    mode: Mode,
    info: &HeldLock,
    patience: Patience,
    id: &LockId,
) -> bool {
    if nests(thread, patience) {
        nested(thread, word, mode, info, id);
    }
    is_order(thread, word, patience)
}

/// Whether a lock nests in what the thread holds, if it takes it now.
#[inline]
fn nests(thread: &ThreadState, patience: Patience) -> bool {
    !thread.held.is_empty() && patience == Patience::Endless
}

/// Whether the edges of the lock are order, if the thread takes it now.
#[inline]
pub(crate) fn is_order(thread: &ThreadState, word: Word, patience: Patience) -> bool {
    if nests(thread, patience) {
        !word.nesting().is_unordered()
    } else {
        !word.is_unordered()
    }
}

#[inline(never)]
fn nested(thread: &mut ThreadState, word: Word, mode: Mode, info: &HeldLock, id: &LockId) {
    let wanted = Claim {
        lock: word.number(),
        mode,
        info: *info,
    };
    let epoch = thread.epoch();
    if let Some(known) = thread.nested.at(&thread.held, &wanted)
        && known.is(&thread.held, &wanted)
    {
        thread.held.mark_nesting();
        known.last.store(epoch.bits(), Relaxed);
        if known.is_armed.load(Relaxed) {
            let known = known.clone();
            again(thread, &known);
        }
        return;
    }
    request(thread, wanted, id);
}

/// A request that this thread hasn't made lately.
#[cold]
#[inline(never)]
fn request(thread: &mut ThreadState, wanted: Claim, id: &LockId) {
    if !runtime::options().deadlocks {
        return;
    }
    thread.held.forget(lock_id::is_disowned);
    let again_locked = |key: &crate::thread::held::HeldKey| key.number() == wanted.lock;
    if thread.held.is_empty() || thread.held.keys().iter().any(again_locked) {
        return;
    }
    thread.held.mark_nesting();
    id.mark_nesting();
    let context = thread.context(Some(wanted.info.locked), Detail::Plain);
    let claim = |(key, info): (&crate::thread::held::HeldKey, &HeldLock)| Claim {
        lock: key.number(),
        mode: key.mode(),
        info: *info,
    };
    let held: Claims = (thread.held.keys().iter())
        .zip(thread.held.locks())
        .map(claim)
        .collect();
    let new = Request {
        record: thread.record.clone(),
        wanted,
        held,
        context,
        last: AtomicU64::new(0),
        occurrence: Lock::default(),
        is_armed: AtomicBool::new(false),
    };
    new.note(thread);
    let (request, cycles) = {
        let mut graph = GRAPH.get().lock();
        match graph.find(&thread.held, &new) {
            // It was pushed out of the cache.
            Some(known) => {
                known.note(thread);
                let is_armed = known.is_armed.load(Relaxed);
                let cycles = is_armed.then(|| graph.search(thread, &known));
                (known, cycles.unwrap_or_default())
            }
            None => {
                let new = Arc::new(new);
                graph.insert(thread, &new);
                let cycles = graph.search(thread, &new);
                (new, cycles)
            }
        }
    };
    *thread.nested.at(&thread.held, &wanted) = Some(request);
    tell(thread, &cycles);
}

/// A request is repeated that is in a cycle whose order may be another by now.
#[cold]
fn again(thread: &mut ThreadState, known: &Arc<Request>) {
    known.note(thread);
    let cycles = GRAPH.get().lock().search(thread, known);
    tell(thread, &cycles);
}

fn tell(thread: &mut ThreadState, cycles: &[Cycle]) {
    for cycle in cycles {
        let parties: Vec<Party> = cycle.iter().map(|request| request.party()).collect();
        report::lock_order(thread, &parties);
    }
}

/// The lock with this number is no more.
pub(crate) fn forget(number: u64) {
    GRAPH.get().lock().forget(number);
}

static GRAPH: PerProcess<Lock<Graph>> = PerProcess::new();

/// In the order of waiting: each wants what the next one holds, the last what the first holds.
type Cycle = SmallVec<[Arc<Request>; 4]>;

/// The requests, by what is held and by what is wanted.
#[derive(Default)]
struct Graph {
    from: HashMap<u64, HashMap<u64, Vec<Arc<Request>>>>,
    /// What is held where this one is wanted.
    to: HashMap<u64, HashSet<u64>>,
}

impl Graph {
    fn find(&self, held: &HeldLocks, new: &Request) -> Option<Arc<Request>> {
        let first = new.held.first()?;
        let alike = self.from.get(&first.lock)?.get(&new.wanted.lock)?;
        let is_same = |known: &&Arc<Request>| {
            known.record.number == new.record.number && known.is(held, &new.wanted)
        };
        alike.iter().find(is_same).cloned()
    }

    fn insert(&mut self, thread: &ThreadState, new: &Arc<Request>) {
        let wanted = new.wanted.lock;
        for held in &new.held {
            let alike = (self.from.entry(held.lock).or_default())
                .entry(wanted)
                .or_default();
            alike.retain(|old| !(old.is_covered_by(new) && thread.knows_in_order(old.last())));
            if alike.len() >= MAX_ALIKE {
                let ended = alike.iter().position(|old| old.record.is_finished());
                alike.remove(ended.unwrap_or(0));
            }
            alike.push(new.clone());
            self.to.entry(wanted).or_default().insert(held.lock);
        }
    }

    fn forget(&mut self, number: u64) {
        for wanted in self.from.remove(&number).into_iter().flatten() {
            if let Some(held) = self.to.get_mut(&wanted.0) {
                held.remove(&number);
            }
        }
        for held in self.to.remove(&number).into_iter().flatten() {
            if let Some(wanted) = self.from.get_mut(&held) {
                wanted.remove(&number);
            }
        }
    }

    /// The cycles that `start` closes, which the thread is just making.
    fn search(&self, thread: &ThreadState, start: &Arc<Request>) -> Vec<Cycle> {
        start.is_armed.store(false, Relaxed);
        let mut search = Search {
            graph: self,
            thread,
            path: SmallVec::new(),
            steps: 0,
            found: Vec::new(),
        };
        search.path.push(start.clone());
        search.go_on();
        search.found
    }
}

struct Search<'a> {
    graph: &'a Graph,
    thread: &'a ThreadState,
    path: Cycle,
    steps: usize,
    found: Vec<Cycle>,
}

impl Search<'_> {
    /// Extends the path, depth first, by whoever holds what its last one wants.
    fn go_on(&mut self) {
        let Some(wanted) = self.path.last().map(|last| last.wanted) else {
            return;
        };
        let graph = self.graph;
        for next in graph.from.get(&wanted.lock).into_iter().flatten() {
            for next in next.1 {
                self.steps += 1;
                if self.steps > MAX_STEPS || self.found.len() >= MAX_FOUND {
                    return;
                }
                let excludes = next
                    .holds(wanted.lock)
                    .is_some_and(|held| held.excludes(wanted.mode));
                if !excludes || self.path.iter().any(|request| request.is_kept_from(next)) {
                    continue;
                }
                self.path.push(next.clone());
                let closes = self.path[0]
                    .holds(next.wanted.lock)
                    .is_some_and(|held| held.excludes(next.wanted.mode));
                if closes {
                    self.judge();
                } else if self.path.len() < MAX_THREADS {
                    self.go_on();
                }
                self.path.pop();
            }
        }
    }

    /// The path is a cycle.
    fn judge(&mut self) {
        if is_ordered(self.thread, &self.path) {
            for request in &self.path {
                request.is_armed.store(true, Relaxed);
            }
        } else {
            self.found.push(self.path.clone());
        }
    }
}

/// Whether any two requests of the cycle are ordered, or might be. The first one is being made by `thread`.
fn is_ordered(thread: &ThreadState, cycle: &[Arc<Request>]) -> bool {
    let others = &cycle[1..];
    if let [other] = others {
        return is_before(thread, other, other.last());
    }
    let occurrences: SmallVec<[Occurrence; 4]> = others
        .iter()
        .map(|other| other.occurrence.lock().clone())
        .collect();
    let before_now = others
        .iter()
        .zip(&occurrences)
        .any(|(other, occurrence)| is_before(thread, other, occurrence.epoch));
    before_now
        || occurrences.iter().enumerate().any(|(index, one)| {
            (occurrences[..index].iter()).any(|other| are_ordered(one, other))
        })
        // Of those that are running nobody knows what they have learned unseen.
        || others.iter().any(|other| !other.record.is_seen_throughout())
}

/// Whether that happens before what `thread` does now, or may do so unseen.
fn is_before(thread: &ThreadState, request: &Request, epoch: Epoch) -> bool {
    thread.knows_in_order(epoch)
        || request.record.end_may_be_known_unseen(thread)
        || registry::may_be_known_unseen(epoch, thread)
        || registry::is_before_the_line(epoch)
}

fn are_ordered(one: &Occurrence, other: &Occurrence) -> bool {
    let (Some(mine), Some(theirs)) = (&one.base, &other.base) else {
        return true;
    };
    one.epoch.slot() == other.epoch.slot()
        || mine.order().knows(other.epoch)
        || theirs.order().knows(one.epoch)
}
