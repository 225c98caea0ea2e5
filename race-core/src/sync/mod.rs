//! Sync objects: what a release leaves behind, and an acquire takes.
//!
//! - [`SyncClock`]: the clock that a release published. For state that the real primitive guards already: a mutex's, a message's.
//! - [`SyncObject`]: a `SyncClock` with a lock of its own, for everything else.
//! - [`atomic`]: the clock that travels with an atomic's value, and fences.
//! - [`outlying`]: the same by address, for a value that has no clock beside it.
//! - [`keyed`]: sync objects by address, for annotations and for code that has no place to put one.
//! - [`rw`]: the clocks of a read-write lock.
//! - `lock_id`: which lock it is, wherever it is.
//! - [`Origin`]: what tells a lock from others in a report.
//! - `edge`: where a happens-before edge came from, for the reports.

pub mod atomic;
pub(crate) mod edge;
pub mod keyed;
pub(crate) mod lock_id;
mod origin;
pub mod outlying;
pub mod rw;

use crate::clock::VectorClock;
use crate::deadlock::{self, Mode, Patience};
use crate::epoch::Epoch;
use crate::fork::Lock;
use crate::primitive::const_fn;
use crate::primitive::sync::Arc;
use crate::stack::depot::HeldLock;
use crate::stack::position::Position;
use crate::sync::lock_id::LockId;
use crate::thread::local;
use crate::thread::registry;
use crate::thread::state::{Site, ThreadState};
use std::panic::Location;
use std::ptr;

pub use origin::Origin;

/// The words in which a report speaks of a kind of synchronisation.
///
/// # Example
///
/// ```
/// use race_core::sync::SyncKind;
///
/// // "thread 2 unlocked a Mutex (src/a.rs:10), and thread 3 then locked it (src/b.rs:20)"
/// pub static MUTEX: SyncKind = SyncKind {
///     name: "Mutex",
///     release: "unlocked a Mutex",
///     acquire: "locked it",
/// };
/// ```
#[derive(Debug)]
pub struct SyncKind {
    /// What it is called where a lock of this kind is listed: "Mutex".
    pub name: &'static str,
    /// What the releasing thread did: "unlocked a Mutex".
    pub release: &'static str,
    /// What the acquiring thread did: "locked it".
    pub acquire: &'static str,
}

/// The clock that a release published, to be kept where the real primitive keeps what it hands over.
///
/// Nothing here is synchronised: the owner of the place does that, as a mutex does for its holder or a channel for a message.
/// 32 bytes; `const` to make; cheap to move. What is cloned is the clock: the copy is no lock's yet.
///
/// # Example
///
/// ```
/// use std::panic::Location;
/// use race_core::sync::{SyncClock, SyncKind};
///
/// static MESSAGE: SyncKind = SyncKind { name: "channel", release: "sent a message", acquire: "received it" };
///
/// // The sender puts the clock beside the message; the receiver acquires it.
/// let (tx, rx) = std::sync::mpsc::channel();
/// tx.send((7, SyncClock::released(&MESSAGE, Location::caller()))).unwrap();
/// let (value, clock) = rx.recv().unwrap();
/// clock.acquire(&MESSAGE, Location::caller());
/// assert_eq!(value, 7);
/// ```
#[derive(Clone, Debug, Default)]
pub struct SyncClock {
    /// Whose clock `base` completes. None if it is the join of several threads' clocks, or empty.
    pub(crate) epoch: Epoch,
    pub(crate) base: Option<Arc<VectorClock>>,
    /// Where the last release was.
    pub(crate) site: Site,
    /// Of a lock.
    pub(crate) id: LockId,
}

impl SyncClock {
    /// An empty clock: acquiring it orders nothing.
    pub const fn new() -> SyncClock {
        SyncClock {
            epoch: Epoch::NONE,
            base: None,
            site: None,
            id: LockId::new(),
        }
    }

    /// What the calling thread releases now. Empty if the thread is inside the engine already.
    #[inline]
    pub fn released(kind: &'static SyncKind, site: &'static Location<'static>) -> SyncClock {
        local::enter(|thread| thread.release(kind, Some(site.into()))).unwrap_or_default()
    }

    /// Orders everything released into this clock before what the calling thread does next.
    #[inline]
    pub fn acquire(&self, kind: &'static SyncKind, site: &'static Location<'static>) {
        local::enter(|thread| thread.acquire(self, kind, Some(site.into())));
    }

    /// Replaces what this clock held by what the calling thread releases now.
    #[inline]
    pub fn release(&mut self, kind: &'static SyncKind, site: &'static Location<'static>) {
        local::enter(|thread| thread.release_into(self, kind, Some(site.into())));
    }

    /// Adds what the calling thread releases now to what this clock holds.
    pub fn release_join(&mut self, kind: &'static SyncKind, site: &'static Location<'static>) {
        local::enter(|thread| thread.release_join(self, kind, Some(site.into())));
    }

    /// The calling thread has just locked the real lock that guards this clock, and would have waited for it: acquires it and lists the lock as
    /// held.
    ///
    /// `created` is where the lock was made, or an [`Origin`]. The clock must not move until [`SyncClock::unlock`]: its address tells locks apart.
    #[inline]
    pub fn lock(
        &self,
        kind: &'static SyncKind,
        created: impl Into<Origin>,
        locked: &'static Location<'static>,
    ) {
        self.locked(kind, created, locked, Patience::Endless);
    }

    /// As [`SyncClock::lock`], by a `try_lock` or a lock with a timeout, which never waits for ever: it is part of no deadlock, though others may
    /// wait for what it has locked.
    #[inline]
    pub fn try_lock(
        &self,
        kind: &'static SyncKind,
        created: impl Into<Origin>,
        locked: &'static Location<'static>,
    ) {
        self.locked(kind, created, locked, Patience::Limited);
    }

    #[inline]
    fn locked(
        &self,
        kind: &'static SyncKind,
        created: impl Into<Origin>,
        locked: &'static Location<'static>,
        patience: Patience,
    ) {
        local::enter(|thread| {
            let lock = HeldLock {
                kind,
                created: created.into(),
                locked,
            };
            let key = ptr::from_ref(self).addr();
            let id = self.id.lock(Mode::Exclusive);
            let is_order =
                deadlock::order::enter_lock(thread, id, Mode::Exclusive, &lock, patience, &self.id);
            thread.acquire_by(self, kind, Some(locked.into()), is_order);
            thread.held.push(key, id.number(), Mode::Exclusive, lock);
        });
    }

    /// The calling thread is about to unlock it: releases into the clock and takes the lock off the list.
    #[inline]
    pub fn unlock(&mut self, kind: &'static SyncKind, site: &'static Location<'static>) {
        let key = ptr::from_ref(self).addr();
        local::enter(|thread| {
            let held = thread.held.pop(key);
            self.id.unlock(Mode::Exclusive, held.as_ref());
            let locked = held.map_or(site, |held| held.locked);
            thread.release_into(self, kind, Some(locked.into()));
        });
    }

    /// The holder uses this lock with a condition variable: it is one by which threads tell each other when to go on. What its last unlock released is
    /// in order before what comes next, even if the lock nests.
    pub fn hand_over(&mut self, kind: &'static SyncKind, site: &'static Location<'static>) {
        if self.id.hand_over() {
            local::enter(|thread| thread.acquire(self, kind, Some(site.into())));
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.epoch.is_none() && self.base.is_none()
    }

    /// The whole of what was released, for a thread that is born with it.
    pub(crate) fn into_base(self) -> VectorClock {
        let mut base = self
            .base
            .map_or_else(VectorClock::new, Arc::unwrap_or_clone);
        base.raise_ordered(self.epoch);
        base.set_source(self.epoch);
        base
    }

    /// L ⊔= `addition`, where `addition` is one thread's clock, now or at its last release fence.
    pub(crate) fn join(&mut self, addition: SyncClock) {
        if self.is_known_by(&addition) && self.has_order_by(&addition) {
            *self = addition;
        } else if !addition.is_known_by(self) || !addition.has_order_by(self) {
            self.merge(&addition);
        }
    }

    /// Whether `other` is a single thread's clock that covers this one, as far as epochs alone can tell.
    fn is_known_by(&self, other: &SyncClock) -> bool {
        if self.epoch.is_none() || other.epoch.is_none() {
            return self.is_empty();
        }
        let Some(theirs) = &other.base else {
            return false;
        };
        let slot = other.epoch.slot();
        let known = if self.epoch.slot() == slot {
            self.epoch.clock() <= other.epoch.clock()
        } else {
            theirs.knows(self.epoch)
        };
        known
            && (!registry::is_assumed()
                || self
                    .base
                    .as_ref()
                    .is_none_or(|mine| theirs.covers_others(mine, slot)))
    }

    /// Whether `other` covers this one's order too, as far as that can be told from [`SyncClock::is_known_by`] and epochs.
    fn has_order_by(&self, other: &SyncClock) -> bool {
        let Some(theirs) = other.base.as_ref().filter(|base| base.has_order()) else {
            // All that it knows is its order.
            return true;
        };
        if self.epoch.is_none() {
            return self.is_empty();
        }
        if registry::is_assumed() {
            return false;
        }
        if self.epoch.slot() == other.epoch.slot() {
            self.epoch.clock() <= other.epoch.clock()
        } else {
            theirs.order().knows(self.epoch)
        }
    }

    /// The join of two clocks that don't know each other: the epoch that stood for everything is gone.
    fn merge(&mut self, other: &SyncClock) {
        let mut joined = match self.base.take() {
            Some(base) => Arc::unwrap_or_clone(base),
            None => VectorClock::new(),
        };
        if let Some(base) = &other.base {
            joined.join_ordered(base);
        }
        for epoch in [self.epoch, other.epoch] {
            if !epoch.is_none() {
                joined.raise_ordered(epoch);
            }
        }
        self.epoch = Epoch::NONE;
        self.base = Some(Arc::new(joined));
        self.site = other.site.or(self.site);
    }
}

/// A clock that any thread may release into and acquire from at any time.
///
/// Releases add up: who acquires is ordered after everyone who released before.
///
/// # Example
///
/// ```
/// use std::panic::Location;
/// use race_core::sync::{SyncKind, SyncObject};
///
/// static SCOPE: SyncKind = SyncKind { name: "scope", release: "ended", acquire: "left thread::scope" };
/// static ENDS: SyncObject = SyncObject::new();
///
/// std::thread::scope(|s| {
///     s.spawn(|| ENDS.release(&SCOPE, Location::caller()));
/// });
/// ENDS.acquire(&SCOPE, Location::caller());
/// ```
#[derive(Debug, Default)]
pub struct SyncObject {
    clock: Lock<SyncClock>,
}

impl SyncObject {
    const_fn! {
        /// A sync object that nobody has released into.
        pub const fn new() -> SyncObject {
            SyncObject {
                clock: Lock::new(SyncClock::new()),
            }
        }
    }

    /// Adds what the calling thread has done to what an acquire will see.
    pub fn release(&self, kind: &'static SyncKind, site: impl Into<Position>) {
        local::enter(|thread| {
            let mut clock = self.clock.lock();
            thread.release_join(&mut clock, kind, Some(site.into()));
        });
    }

    /// Orders everything released so far before what the calling thread does next.
    pub fn acquire(&self, kind: &'static SyncKind, site: impl Into<Position>) {
        local::enter(|thread| {
            let clock = self.clock.lock().clone();
            thread.acquire(&clock, kind, Some(site.into()));
        });
    }

    /// `thread` acquires it, as [`ThreadState::acquire_by`] does.
    pub(crate) fn acquired_by(
        &self,
        thread: &mut ThreadState,
        kind: &'static SyncKind,
        site: &'static Location<'static>,
        is_order: bool,
    ) {
        let clock = self.clock.lock().clone();
        thread.acquire_by(&clock, kind, Some(site.into()), is_order);
    }
}
