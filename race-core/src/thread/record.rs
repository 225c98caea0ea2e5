//! What is kept of a thread for others to read: its number, name, origin and progress.
//!
//! A record outlives its thread, because a report may name an access of a thread that is long gone.
//! Nothing here decides about order; clocks are in [`super::state`].

use std::panic::Location;
use std::ptr;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64};
use std::sync::{Arc, Mutex, OnceLock};

use crate::epoch::Epoch;
use crate::report::scope::Scope;
use crate::stack::depot::ContextId;
use crate::sync::{SyncClock, SyncKind, SyncObject};
use crate::thread::lifecycle::{OsName, Start};
use crate::thread::state::Site;

/// How the engine came to know a thread: it decides what can be said about its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Origin {
    /// The thread that runs `main`.
    Main,
    /// Started through [`super::Handle`] by a wrapper, which sees every way of joining it.
    Tracked,
    /// Started by plain `std::thread` or C: its start was seen, and `pthread_join`. Once detached, its end may be learned of unseen.
    Foreign,
    /// Found running. Neither its start nor its end can be known.
    Unknown,
}

/// A thread, as others see it.
pub(crate) struct Record {
    /// 1 is the main thread; then in the order of creation.
    pub(crate) number: u32,
    pub(crate) origin: Origin,
    pub(crate) creator: Option<Arc<Record>>,
    /// Where it was created.
    pub(crate) created: Option<ContextId>,
    /// The scope that it was born in.
    pub(crate) scope: Option<Arc<Scope>>,
    name: OnceLock<Box<str>>,
    /// What the operating system called it when it started: its creator's name.
    born_as: OnceLock<OsName>,
    /// The epoch it is in, or was last in.
    pub(crate) clock: AtomicU64,
    /// The operating system's thread id, once it runs.
    pub(crate) os_id: AtomicU32,
    started: AtomicBool,
    finished: AtomicBool,
    detached: AtomicBool,
    /// Once it has finished: who knows this clock value of its slot knows every access it made.
    quiet_from: AtomicU64,
    last_release_kind: AtomicPtr<SyncKind>,
    last_release_site: AtomicPtr<Location<'static>>,
    /// What the parent released for it; taken when it starts.
    pub(super) start: Mutex<Option<Start>>,
    /// What its end released; taken by the join.
    pub(super) end: Mutex<SyncClock>,
    /// What its `unpark`s released.
    pub(super) park: SyncObject,
}

impl Record {
    pub(super) fn new(
        number: u32,
        origin: Origin,
        creator: Option<Arc<Record>>,
        created: Option<ContextId>,
        scope: Option<Arc<Scope>>,
    ) -> Record {
        Record {
            number,
            origin,
            creator,
            created,
            scope,
            name: OnceLock::new(),
            born_as: OnceLock::new(),
            clock: AtomicU64::new(0),
            os_id: AtomicU32::new(0),
            started: AtomicBool::new(false),
            finished: AtomicBool::new(false),
            detached: AtomicBool::new(false),
            quiet_from: AtomicU64::new(0),
            last_release_kind: AtomicPtr::new(ptr::null_mut()),
            last_release_site: AtomicPtr::new(ptr::null_mut()),
            start: Mutex::new(None),
            end: Mutex::new(SyncClock::new()),
            park: SyncObject::new(),
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

    pub(super) fn set_quiet_from(&self, clock: u64) {
        self.quiet_from.store(clock, Relaxed);
    }

    pub(super) fn quiet_from(&self) -> u64 {
        self.quiet_from.load(Relaxed)
    }

    /// Whether somebody may have waited for this thread's end in a way that the engine can't see.
    ///
    /// `std::thread::scope` waits for detached threads by a counter of its own; so may C. For a thread found running, every join is unseen.
    pub(crate) fn end_may_be_known_unseen(&self) -> bool {
        match self.origin {
            Origin::Main | Origin::Tracked => false,
            Origin::Foreign => self.is_detached(),
            Origin::Unknown => true,
        }
    }

    /// Remembers the last release, for the report's "why".
    #[inline]
    pub(crate) fn note_release(&self, kind: &'static SyncKind, site: Site) {
        self.last_release_kind
            .store(ptr::from_ref(kind).cast_mut(), Relaxed);
        self.last_release_site
            .store(site.map_or(ptr::null(), ptr::from_ref).cast_mut(), Relaxed);
    }

    /// The last release, if there was one. The two halves may be of neighbouring releases if the thread is running.
    pub(crate) fn last_release(&self) -> Option<(&'static SyncKind, Site)> {
        // SAFETY: both are null or came from a `&'static` in `note_release`.
        unsafe {
            Some((
                self.last_release_kind.load(Relaxed).as_ref()?,
                self.last_release_site.load(Relaxed).as_ref(),
            ))
        }
    }
}
