//! What is kept of a thread for others to read: its number, name, origin and progress.
//!
//! A record outlives its thread, because a report may name an access of a thread that is gone; see [`super::former`].
//! Nothing here decides about order; clocks are in [`super::state`].

use std::ops::Range;
use std::panic::Location;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64};

use crate::clock::VectorClock;
use crate::epoch::Epoch;
use crate::fork::Lock;
use crate::primitive::sync::Arc;
use crate::report::scope::SharedScope;
use crate::stack::depot::ContextId;
use crate::stack::position::Position;
use crate::sync::{SyncClock, SyncKind, SyncObject};
use crate::thread::lifecycle::{OsName, Start};
use crate::thread::state::{Site, ThreadState};

/// How the engine came to know a thread: it decides what can be said about its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Origin {
    /// The thread that runs `main`.
    Main,
    /// Started through [`super::Handle`] by a wrapper, which sees every way of joining it but `pthread_join`.
    Tracked,
    /// Started by whoever, in a program that is [instrumented](crate::instrumented) as a whole: all that it does and learns is seen.
    Instrumented,
    /// Started by plain `std::thread` or C: its start was seen, and `pthread_join`. Once detached, its end may be learned of unseen.
    Foreign,
    /// Found running. Neither its start nor its end can be known.
    Unknown,
}

/// Creators in a row of whom it is kept when a thread was last seen alive.
const CREATORS: usize = 4;

/// A thread, as others see it.
pub(crate) struct Record {
    /// 1 is the main thread; then in the order of creation.
    pub(crate) number: u32,
    pub(crate) origin: Origin,
    pub(crate) creator: Option<Arc<Record>>,
    /// Where it was created.
    pub(crate) created: Option<ContextId>,
    /// The creator's epoch until it created this one.
    forked_in: OnceLock<Epoch>,
    /// The epochs that its creator, the creator's creator and so on were in when this thread was last seen alive.
    creators_in: [AtomicU64; CREATORS],
    /// The scope that it was born in.
    pub(crate) scope: Option<SharedScope>,
    /// The `std::thread::scope` that waits for its end: see [`crate::deadlock`].
    std_scope: OnceLock<usize>,
    name: OnceLock<Box<str>>,
    /// What the operating system called it when it started: its creator's name.
    born_as: OnceLock<OsName>,
    /// Where its stack is: only in an instrumented program.
    stack: OnceLock<Range<usize>>,
    /// The epoch it is in, or was last in.
    pub(crate) clock: AtomicU64,
    /// The operating system's thread id, once it runs.
    pub(crate) os_id: AtomicU32,
    started: AtomicBool,
    finished: AtomicBool,
    detached: AtomicBool,
    /// Whoever joins it does so through its `Handle`.
    awaited: AtomicBool,
    /// Once it has finished: who knows this clock value of its slot knows every access it made.
    quiet_from: AtomicU64,
    last_release_kind: AtomicPtr<SyncKind>,
    last_release_site: AtomicPtr<Location<'static>>,
    /// What the parent released for it; taken when it starts.
    pub(super) start: Lock<Option<Start>>,
    /// What its end released; taken by the join.
    pub(super) end: Lock<SyncClock>,
    /// What its `unpark`s released.
    pub(super) park: SyncObject,
    /// What it knows, or knew last: only of a thread whose end may be waited for unseen.
    known: Lock<Option<Arc<VectorClock>>>,
}

impl Record {
    pub(crate) fn new(
        number: u32,
        origin: Origin,
        creator: Option<Arc<Record>>,
        created: Option<ContextId>,
        scope: Option<SharedScope>,
    ) -> Record {
        Record {
            number,
            origin,
            creator,
            created,
            forked_in: OnceLock::new(),
            creators_in: Default::default(),
            scope,
            std_scope: OnceLock::new(),
            name: OnceLock::new(),
            born_as: OnceLock::new(),
            stack: OnceLock::new(),
            clock: AtomicU64::new(0),
            os_id: AtomicU32::new(0),
            started: AtomicBool::new(false),
            finished: AtomicBool::new(false),
            detached: AtomicBool::new(false),
            awaited: AtomicBool::new(false),
            quiet_from: AtomicU64::new(0),
            last_release_kind: AtomicPtr::new(ptr::null_mut()),
            last_release_site: AtomicPtr::new(ptr::null_mut()),
            start: Lock::new(None),
            end: Lock::new(SyncClock::new()),
            park: SyncObject::new(),
            known: Lock::new(None),
        }
    }

    /// The first name given counts.
    pub(crate) fn set_name(&self, name: &str) {
        let _ = self.name.set(name.into());
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.name.get().map(|name| &**name)
    }

    pub(super) fn set_born_as(&self, name: OsName) {
        let _ = self.born_as.set(name);
    }

    pub(super) fn born_as(&self) -> OsName {
        self.born_as.get().copied().unwrap_or_default()
    }

    pub(super) fn set_stack(&self, stack: Range<usize>) {
        let _ = self.stack.set(stack);
    }

    /// Whether its stack is known, and this address was there.
    pub(crate) fn has_on_stack(&self, address: usize) -> bool {
        self.stack
            .get()
            .is_some_and(|stack| stack.contains(&address))
    }

    pub(crate) fn epoch(&self) -> Epoch {
        Epoch::from_tagged(self.clock.load(Relaxed))
    }

    pub(super) fn set_started(&self) {
        self.started.store(true, Release);
    }

    pub(super) fn is_started(&self) -> bool {
        self.started.load(Acquire)
    }

    pub(super) fn set_finished(&self) {
        self.finished.store(true, Release);
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.finished.load(Acquire)
    }

    pub(super) fn set_detached(&self) {
        self.detached.store(true, Release);
    }

    pub(super) fn is_detached(&self) -> bool {
        self.detached.load(Acquire)
    }

    pub(super) fn set_awaited(&self) {
        self.awaited.store(true, Relaxed);
    }

    pub(super) fn is_awaited(&self) -> bool {
        self.awaited.load(Relaxed)
    }

    pub(super) fn set_quiet_from(&self, clock: u64) {
        self.quiet_from.store(clock, Relaxed);
    }

    pub(super) fn quiet_from(&self) -> u64 {
        self.quiet_from.load(Relaxed)
    }

    pub(super) fn set_forked_in(&self, epoch: Epoch) {
        let _ = self.forked_in.set(epoch);
    }

    /// Whether this thread's end may be waited for in a way that the engine can't see.
    #[inline]
    pub(super) fn may_end_unseen(&self) -> bool {
        matches!(self.origin, Origin::Foreign | Origin::Unknown)
    }

    pub(super) fn set_std_scope(&self, scope: usize) {
        let _ = self.std_scope.set(scope);
    }

    /// Whether this scope waits for its end. A scope that is waited in is there, so nothing else is at its address.
    pub(crate) fn is_in_std_scope(&self, scope: usize) -> bool {
        self.std_scope.get() == Some(&scope)
    }

    /// Whether all that it learns is seen.
    pub(crate) fn is_seen_throughout(&self) -> bool {
        !self.may_end_unseen()
    }

    /// Publishes what the thread knows, if its end may be waited for unseen.
    #[inline]
    pub(super) fn publish_known(&self, known: &Arc<VectorClock>) {
        if self.may_end_unseen() {
            *self.known.lock() = Some(known.clone());
        }
    }

    /// Its end was waited for, and that was seen.
    pub(super) fn forget_known(&self) {
        *self.known.lock() = None;
    }

    /// Whether this thread, if its end may be waited for unseen, knows `epoch`.
    pub(super) fn knows(&self, epoch: Epoch) -> bool {
        self.known
            .lock()
            .as_ref()
            .is_some_and(|known| known.knows(epoch))
    }

    /// Whether `thread` may know of this thread's end in a way that the engine can't see.
    ///
    /// `std::thread::scope` waits for detached threads by a counter of its own; so may C. Who waits created the thread, or its creator, and so
    /// on; `thread` is one of these, or has heard of one since this thread was last seen alive. For a thread found running, anybody may have waited.
    pub(crate) fn end_may_be_known_unseen(&self, thread: &ThreadState) -> bool {
        match self.origin {
            Origin::Main | Origin::Tracked | Origin::Instrumented => false,
            Origin::Unknown => true,
            Origin::Foreign => self.is_detached() && self.has_ancestor_known_to(thread),
        }
    }

    fn has_ancestor_known_to(&self, thread: &ThreadState) -> bool {
        let mut child = self;
        let mut seen = self.creators_in.iter();
        loop {
            let (Some(forked), Some(creator)) = (child.forked_in.get(), &child.creator) else {
                return child.origin != Origin::Main;
            };
            // What the creator released before that, it released while this thread was alive.
            let alive_in = seen
                .next()
                .map_or(Epoch::NONE, |seen| Epoch::from_tagged(seen.load(Relaxed)));
            let waited_from = if alive_in.slot() == forked.slot() {
                alive_in.clock().max(forked.clock() + 1)
            } else {
                forked.clock() + 1
            };
            if thread.epoch().slot() == forked.slot()
                || thread.known_clock(forked.slot()) >= waited_from
            {
                return true;
            }
            child = creator;
        }
    }

    /// The thread does something: until now, nobody can have waited for its end.
    pub(super) fn note_alive(&self) {
        let mut child = self;
        for seen in &self.creators_in {
            let Some(creator) = &child.creator else {
                break;
            };
            seen.store(creator.clock.load(Relaxed), Relaxed);
            child = creator;
        }
    }

    /// Remembers the last release, for the report's "why".
    #[inline]
    pub(crate) fn note_release(&self, kind: &'static SyncKind, site: Site) {
        self.last_release_kind
            .store(ptr::from_ref(kind).cast_mut(), Relaxed);
        self.last_release_site
            .store(Position::into_raw(site), Relaxed);
    }

    /// The last release, if there was one. The two halves may be of neighbouring releases if the thread is running.
    pub(crate) fn last_release(&self) -> Option<(&'static SyncKind, Site)> {
        // SAFETY: both came from `note_release`, or are null: a `&'static`, and a position.
        unsafe {
            Some((
                self.last_release_kind.load(Relaxed).as_ref()?,
                Position::from_raw(self.last_release_site.load(Relaxed)),
            ))
        }
    }
}

impl Drop for Record {
    /// A thread's creator's creator's … may be as many as the program ever had: one after another, for the stack's sake.
    fn drop(&mut self) {
        let mut creator = self.creator.take();
        while let Some(record) = creator {
            creator = Arc::into_inner(record).and_then(|mut record| record.creator.take());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_of_creators_is_dropped_on_a_small_stack() {
        let youngest = (0..200_000).fold(None, |creator, number| {
            let record = Record::new(number, Origin::Tracked, creator, None, None);
            Some(Arc::new(record))
        });
        drop(youngest);
    }
}
