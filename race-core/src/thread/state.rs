//! What one thread knows: its epoch, its vector clock, its fences, the locks it holds.
//!
//! The clock operations of FastTrack and of Lidbury & Donaldson ("Dynamic Race Detection for C++11", POPL 2017): C[t] is `base` with the
//! own entry taken from `epoch`; F[t] is `release_fence`; P[t] is `pending`.
//! Only the owning thread ever touches it, inside [`local::enter`]; what others may read of a thread is in its [`Record`].

use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use smallvec::SmallVec;

use crate::clock::VectorClock;
use crate::epoch::{Epoch, MAX_CLOCK};
use crate::report::scope::Scope;
use crate::stack::capture::{self, ContextCache};
use crate::stack::depot::{ContextId, Detail, HeldLock};
use crate::sync::edge::{self, EdgeId};
use crate::sync::{SyncClock, SyncKind};
use crate::thread::local;
use crate::thread::record::Record;
use crate::thread::registry;

/// A place in the program's text, where it is known: C and plain `std::thread` have none.
pub(crate) type Site = Option<&'static Location<'static>>;

pub(crate) struct ThreadState {
    epoch: Epoch,
    /// The clock value of the last epoch with a recorded access.
    last_access: u64,
    /// Everybody else's entries. Shared with what this thread released, until it learns something new.
    base: Arc<VectorClock>,
    /// Per slot, the edge by which `base` last learned of it; shorter than `base` where it was learned at birth.
    learned_by: Vec<Option<EdgeId>>,
    /// F[t]: what the last release fence published; empty before the first.
    release_fence: SyncClock,
    /// P[t]: what relaxed loads have seen and no acquire fence has taken yet.
    pending: VectorClock,
    held: SmallVec<[(usize, HeldLock); 4]>,
    contexts: ContextCache,
    pub(crate) scope: Option<Arc<Scope>>,
    pub(crate) record: Arc<Record>,
}

impl ThreadState {
    pub(crate) fn new(
        epoch: Epoch,
        base: Arc<VectorClock>,
        scope: Option<Arc<Scope>>,
        record: Arc<Record>,
    ) -> ThreadState {
        record.clock.store(epoch.bits(), Relaxed);
        ThreadState {
            epoch,
            last_access: 0,
            base,
            learned_by: Vec::new(),
            release_fence: SyncClock::new(),
            pending: VectorClock::new(),
            held: SmallVec::new(),
            contexts: ContextCache::new(),
            scope,
            record,
        }
    }

    #[inline]
    pub(crate) fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Whether everything done in `epoch` happens before what this thread does next.
    ///
    /// An epoch of its own slot always does: it is its own, or that of a dead thread whose end happens before this one's start.
    #[inline]
    pub(crate) fn knows(&self, epoch: Epoch) -> bool {
        epoch.slot() == self.epoch.slot() || self.base.knows(epoch)
    }

    /// Whether `clock` would teach this thread nothing.
    #[inline]
    pub(crate) fn knows_all(&self, clock: &SyncClock) -> bool {
        if clock.epoch.is_none() {
            clock.base.as_ref().is_none_or(|base| self.covers(base))
        } else {
            // The releaser's clock at that epoch is exactly what it published then: who knows the epoch knows the rest.
            self.knows(clock.epoch)
        }
    }

    fn covers(&self, other: &VectorClock) -> bool {
        self.base.covers_others(other, self.epoch.slot())
    }

    /// C[t] ⊔= `clock`, remembering what taught it.
    #[inline]
    pub(crate) fn acquire(&mut self, clock: &SyncClock, kind: &'static SyncKind, site: Site) {
        if !self.knows_all(clock) {
            self.acquire_slow(clock, kind, site);
        }
    }

    #[cold]
    fn acquire_slow(&mut self, clock: &SyncClock, kind: &'static SyncKind, site: Site) {
        let edge = edge::intern(kind, clock.site, site);
        if let Some(theirs) = &clock.base {
            self.join_base(theirs, edge);
        }
        if !clock.epoch.is_none() && Arc::make_mut(&mut self.base).raise(clock.epoch) {
            self.learn(clock.epoch.slot(), edge);
        }
    }

    fn join_base(&mut self, theirs: &VectorClock, edge: EdgeId) {
        let mut raised: SmallVec<[usize; 16]> = SmallVec::new();
        Arc::make_mut(&mut self.base).join(theirs, |slot| raised.push(slot));
        for slot in raised {
            self.learn(slot, edge);
        }
    }

    fn learn(&mut self, slot: usize, edge: EdgeId) {
        if self.learned_by.len() <= slot {
            self.learned_by.resize(slot + 1, None);
        }
        self.learned_by[slot] = Some(edge);
    }

    /// The last edge that taught this thread of `slot`, unless it was born knowing.
    pub(crate) fn learned_of(&self, slot: usize) -> Option<EdgeId> {
        self.learned_by.get(slot).copied().flatten()
    }

    /// How far this thread knows `slot`.
    pub(crate) fn known_clock(&self, slot: usize) -> u64 {
        self.base.get(slot)
    }

    /// C[t] as something that can be acquired, in a new epoch from here on.
    #[inline]
    pub(crate) fn release(&mut self, kind: &'static SyncKind, site: Site) -> SyncClock {
        let clock = self.current(site);
        self.advance(kind, site);
        clock
    }

    /// `clock` := C[t]. What it held before must be known to this thread, as it is when a lock guards it, or meant to be forgotten.
    #[inline]
    pub(crate) fn release_into(
        &mut self,
        clock: &mut SyncClock,
        kind: &'static SyncKind,
        site: Site,
    ) {
        clock.epoch = self.epoch;
        clock.site = site;
        match &clock.base {
            Some(base) if Arc::ptr_eq(base, &self.base) => {}
            _ => clock.base = Some(self.base.clone()),
        }
        self.advance(kind, site);
    }

    /// `clock` ⊔= C[t].
    pub(crate) fn release_join(
        &mut self,
        clock: &mut SyncClock,
        kind: &'static SyncKind,
        site: Site,
    ) {
        let mine = self.release(kind, site);
        clock.join(mine);
    }

    fn current(&self, site: Site) -> SyncClock {
        SyncClock {
            epoch: self.epoch,
            base: Some(self.base.clone()),
            site,
        }
    }

    /// Starts a new epoch: what comes now was not released.
    #[inline]
    fn advance(&mut self, kind: &'static SyncKind, site: Site) {
        self.record.note_release(kind, site);
        if self.epoch.clock() + 1 >= MAX_CLOCK {
            self.move_to_new_slot();
        } else {
            self.set_epoch(Epoch::new(self.epoch.slot(), self.epoch.clock() + 1));
        }
    }

    #[inline]
    fn set_epoch(&mut self, epoch: Epoch) {
        self.epoch = epoch;
        self.record.clock.store(epoch.bits(), Relaxed);
        local::set_epoch(epoch);
    }

    /// The slot's clock is used up: go on in another, knowing all that was done in this one.
    #[cold]
    fn move_to_new_slot(&mut self) {
        Arc::make_mut(&mut self.base).raise(Epoch::new(self.epoch.slot(), MAX_CLOCK));
        self.last_access = 0;
        let epoch = registry::take_slot(&self.base, &self.record);
        self.set_epoch(epoch);
    }

    /// The thread's last release: its end.
    pub(crate) fn end_into(&mut self, clock: &mut SyncClock, kind: &'static SyncKind) {
        *clock = self.current(None);
        self.record.note_release(kind, None);
    }

    /// A release fence: F[t] := C[t].
    pub(crate) fn fence_release(&mut self, kind: &'static SyncKind, site: Site) {
        self.release_fence = self.release(kind, site);
    }

    /// F[t], to be carried by relaxed stores.
    pub(crate) fn release_fence(&self) -> &SyncClock {
        &self.release_fence
    }

    /// A relaxed load that saw `clock`: P[t] ⊔= `clock`.
    pub(crate) fn defer(&mut self, clock: &SyncClock) {
        if let Some(base) = &clock.base {
            self.pending.join(base, |_| ());
        }
        if !clock.epoch.is_none() {
            self.pending.raise(clock.epoch);
        }
    }

    /// Whether a relaxed load has seen `epoch` and only the acquire fence is missing.
    pub(crate) fn has_pending(&self, epoch: Epoch) -> bool {
        self.pending.knows(epoch)
    }

    /// An acquire fence: C[t] ⊔= P[t].
    pub(crate) fn fence_acquire(&mut self, kind: &'static SyncKind, site: Site) {
        if !self.covers(&self.pending) {
            let pending = std::mem::take(&mut self.pending);
            let edge = edge::intern(kind, None, site);
            self.join_base(&pending, edge);
        }
    }

    /// Takes a lock onto the list of those held. `key` tells it apart from others.
    #[inline]
    pub(crate) fn push_held(&mut self, key: usize, lock: HeldLock) {
        self.held.push((key, lock));
    }

    /// Takes it off again; returns where it was locked. `None` if this thread didn't lock it.
    #[inline]
    pub(crate) fn pop_held(&mut self, key: usize) -> Option<&'static Location<'static>> {
        let index = self.held.iter().rposition(|(held, _)| *held == key)?;
        Some(self.held.remove(index).1.locked)
    }

    /// The context of an access that is about to be recorded in this epoch.
    #[inline]
    pub(crate) fn access_context(&mut self, site: Site, detail: Detail) -> ContextId {
        self.last_access = self.epoch.clock();
        self.context(site, detail)
    }

    /// Where this thread is now, with the locks it holds.
    #[inline]
    pub(crate) fn context(&mut self, site: Site, detail: Detail) -> ContextId {
        let held: SmallVec<[HeldLock; 4]> = self.held.iter().map(|(_, lock)| *lock).collect();
        capture::capture(&mut self.contexts, site, detail, &held)
    }

    /// Whether nothing was recorded in the current epoch: then whoever knows the one before knows all that this thread did.
    pub(crate) fn is_quiet(&self) -> bool {
        self.last_access < self.epoch.clock()
    }
}
