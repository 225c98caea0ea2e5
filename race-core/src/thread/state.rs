//! What one thread knows: its epoch, its vector clock, its fences, the locks it holds.
//!
//! The clock operations of FastTrack and of Lidbury & Donaldson ("Dynamic Race Detection for C++11", POPL 2017): `C[t]` is `base` with the
//! own entry taken from `epoch`; `F[t]` is `release_fence`; `P[t]` is `pending`.
//! Only the owning thread ever touches it, inside [`local::enter`]; what others may read of a thread is in its [`Record`].

use std::ptr;
use std::sync::atomic::Ordering::Relaxed;

use smallvec::SmallVec;

use crate::clock::VectorClock;
use crate::deadlock::order::NestedCache;
use crate::epoch::{Epoch, MAX_CLOCK};
use crate::primitive::sync::Arc;
use crate::report::scope::SharedScope;
use crate::shadow::atomic_reads::AtomicReads;
use crate::stack::capture::{self, ContextCache};
use crate::stack::depot::{ContextId, Detail};
use crate::stack::position::Position;
use crate::sync::edge::{EdgeCache, EdgeId};
use crate::sync::lock_id::LockId;
use crate::sync::{SyncClock, SyncKind};
use crate::thread::held::HeldLocks;
use crate::thread::lessons::{Learned, Lessons};
use crate::thread::local;
use crate::thread::record::Record;
use crate::thread::registry;

/// A place in the program, where it is known: C and plain `std::thread` have none.
pub(crate) type Site = Option<Position>;

/// Near misses kept of a thread: enough for a flag or two, and the report needs only the right one.
const NEAR_MISSES: usize = 4;

/// A load that saw a store of another thread without being ordered after it.
#[derive(Clone, Copy)]
pub(crate) struct NearMiss {
    /// The storing thread's epoch at the store.
    pub(crate) epoch: Epoch,
    pub(crate) stored: Site,
    pub(crate) loaded: Site,
    pub(crate) store_releases: bool,
    /// By its own ordering, or by a fence since.
    pub(crate) load_acquires: bool,
}

pub(crate) struct ThreadState {
    epoch: Epoch,
    /// The clock value of the last epoch with a recorded access.
    last_access: u64,
    /// Everybody else's entries. Shared with what this thread released, until it learns something new.
    base: Arc<VectorClock>,
    /// The clock value of the epoch in which `base` was last changed: who knows this epoch or a later one knows all of `base`.
    learned_in: u64,
    /// By which edges `base` came to know what it knows.
    lessons: Lessons,
    edges: EdgeCache,
    /// The last loads that saw another thread's store and were not ordered after it, newest last.
    near_misses: SmallVec<[NearMiss; NEAR_MISSES]>,
    /// `F[t]`: what the last release fence published; empty before the first.
    release_fence: SyncClock,
    /// `P[t]`: what relaxed loads have seen and no acquire fence has taken yet.
    pending: VectorClock,
    pub(crate) held: HeldLocks,
    pub(crate) nested: NestedCache,
    /// The thread runs the code of a lock that nests, as instrumented code: what its atomics teach is no more order than the lock's own edge.
    pub(crate) in_nesting_lock: bool,
    contexts: ContextCache,
    pub(crate) atomic_reads: AtomicReads,
    pub(crate) scope: Option<SharedScope>,
    /// [`Record::may_end_unseen`]
    may_end_unseen: bool,
    pub(crate) record: Arc<Record>,
}

impl ThreadState {
    pub(crate) fn new(
        epoch: Epoch,
        base: Arc<VectorClock>,
        scope: Option<SharedScope>,
        record: Arc<Record>,
    ) -> ThreadState {
        record.clock.store(epoch.bits(), Relaxed);
        if record.may_end_unseen() {
            record.publish_known(&base);
            registry::watch(&record);
        }
        ThreadState {
            epoch,
            last_access: 0,
            base,
            learned_in: epoch.clock(),
            lessons: Lessons::default(),
            edges: EdgeCache::default(),
            near_misses: SmallVec::new(),
            release_fence: SyncClock::new(),
            pending: VectorClock::new(),
            held: HeldLocks::default(),
            nested: NestedCache::default(),
            in_nesting_lock: false,
            contexts: ContextCache::new(),
            atomic_reads: AtomicReads::default(),
            scope,
            may_end_unseen: record.may_end_unseen(),
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
    #[inline(always)]
    pub(crate) fn knows(&self, epoch: Epoch) -> bool {
        epoch.slot() == self.epoch.slot() || self.base.knows(epoch)
    }

    /// Whether it does by other edges than those of locks that nest.
    #[inline]
    pub(crate) fn knows_in_order(&self, epoch: Epoch) -> bool {
        epoch.slot() == self.epoch.slot() || self.base.order().knows(epoch)
    }

    /// Whether `clock` would teach this thread nothing, nor give it an order that it lacks.
    #[inline]
    pub(crate) fn knows_all(&self, clock: &SyncClock) -> bool {
        self.knows_content(clock) && (!self.base.has_order() || self.has_order_of(clock))
    }

    #[inline(never)]
    fn has_order_of(&self, clock: &SyncClock) -> bool {
        let order = self.base.order();
        let covers = |base: &VectorClock| order.covers_others(base.order(), self.epoch.slot());
        if clock.epoch.is_none() {
            clock.base.as_deref().is_none_or(covers)
        } else {
            self.knows_in_order(clock.epoch)
                && (!registry::is_assumed() || clock.base.as_deref().is_none_or(covers))
        }
    }

    /// Whether `clock` would teach this thread nothing.
    #[inline]
    pub(crate) fn knows_content(&self, clock: &SyncClock) -> bool {
        if clock.epoch.is_none() {
            clock.base.as_ref().is_none_or(|base| self.covers(base))
        } else {
            // The releaser's clock at that epoch is exactly what it published then: who knows the epoch knows the rest.
            self.knows(clock.epoch)
                && (!registry::is_assumed()
                    || clock.base.as_ref().is_none_or(|base| self.covers(base)))
        }
    }

    fn covers(&self, other: &VectorClock) -> bool {
        self.base.covers_others(other, self.epoch.slot())
    }

    /// `C[t]` ⊔= `clock`, remembering what taught it.
    #[inline]
    pub(crate) fn acquire(&mut self, clock: &SyncClock, kind: &'static SyncKind, site: Site) {
        if !self.knows_all(clock) {
            self.acquire_slow(clock, kind, site);
        }
    }

    #[cold]
    fn acquire_slow(&mut self, clock: &SyncClock, kind: &'static SyncKind, site: Site) {
        if self.in_nesting_lock {
            return self.acquire_by(clock, kind, site, false);
        }
        let order = match clock.base.as_deref() {
            Some(theirs) => self.base.joined_order(theirs, clock.epoch),
            None => self.base.joined_order(&VectorClock::new(), clock.epoch),
        };
        self.learn(clock, kind, site, order);
    }

    /// As [`ThreadState::acquire`], by an edge that is no order unless `is_order` says so: that of a lock that nests is none.
    #[inline]
    pub(crate) fn acquire_by(
        &mut self,
        clock: &SyncClock,
        kind: &'static SyncKind,
        site: Site,
        is_order: bool,
    ) {
        if is_order {
            self.acquire(clock, kind, site);
        } else if !self.knows_content(clock) {
            let order = self.base.kept_order();
            self.learn(clock, kind, site, Some(order));
        }
    }

    /// `C[t]` ⊔= `clock`, by way of this edge; what is known without the edges of locks that nest is `order` from now on.
    fn learn(
        &mut self,
        clock: &SyncClock,
        kind: &'static SyncKind,
        site: Site,
        order: Option<std::sync::Arc<VectorClock>>,
    ) {
        let edge = self.edges.intern(kind, clock.site, site);
        let is_taken = self.is_known_to(clock);
        let theirs = clock.base.as_deref();
        let base = match theirs.filter(|theirs| !self.knows_source(theirs)) {
            // Nothing is new but the releaser's epoch.
            None => Arc::make_mut(&mut self.base),
            Some(theirs) if is_taken && theirs.is_large() => {
                self.lessons.learn_all(edge);
                take_over(&mut self.base, theirs)
            }
            Some(theirs) => join(&mut self.base, theirs, &mut self.lessons, edge),
        };
        if !clock.epoch.is_none() {
            if base.raise(clock.epoch) {
                self.lessons.learn_releaser(clock.epoch.slot(), edge);
            }
            if is_taken {
                base.set_source(clock.epoch);
            }
        }
        base.set_order(order);
        self.learned_in = self.epoch.clock();
        self.record.publish_known(&self.base);
    }

    /// Whether `clock` is known to know all of `base`. Then the join of the two is `clock`.
    ///
    /// It does if it knows something that this thread released since it learned anything, or what taught it all of it.
    fn is_known_to(&self, clock: &SyncClock) -> bool {
        let Some(theirs) = &clock.base else {
            return false;
        };
        if registry::is_assumed() {
            return false;
        }
        let mine = Epoch::new(self.epoch.slot(), self.learned_in);
        let source = self.base.source();
        theirs.knows(mine)
            || !source.is_none()
                && (theirs.knows(source)
                    || source.slot() == clock.epoch.slot() && source.clock() <= clock.epoch.clock())
    }

    /// Whether this thread is known to know all of `theirs`.
    fn knows_source(&self, theirs: &VectorClock) -> bool {
        let source = theirs.source();
        !source.is_none() && self.knows(source) && !registry::is_assumed()
    }

    /// Takes it that all in `clock` happens before now, as if this thread had been born knowing it.
    pub(crate) fn assume(&mut self, clock: &VectorClock) {
        let joined = Arc::make_mut(&mut self.base).join_ordered(clock);
        self.lessons.unlearn(&joined);
        self.learned_in = self.epoch.clock();
        self.record.publish_known(&self.base);
    }

    /// The last edge that taught this thread of `slot`, unless it was born knowing.
    pub(crate) fn learned_of(&self, slot: usize) -> Option<Learned> {
        self.lessons.of(slot)
    }

    /// How far this thread knows `slot`.
    pub(crate) fn known_clock(&self, slot: usize) -> u64 {
        self.base.get(slot)
    }

    /// `C[t]` without the own entry.
    #[inline]
    pub(crate) fn base(&self) -> &Arc<VectorClock> {
        &self.base
    }

    /// Whether `base` is [`ThreadState::base`], unchanged.
    #[inline]
    pub(crate) fn has_base(&self, base: *const VectorClock) -> bool {
        ptr::eq(Arc::as_ptr(&self.base), base)
    }

    /// `C[t]` as something that can be acquired, in a new epoch from here on.
    #[inline]
    pub(crate) fn release(&mut self, kind: &'static SyncKind, site: Site) -> SyncClock {
        let clock = self.current(site);
        self.advance(kind, site);
        clock
    }

    /// `clock` := `C[t]`. What it held before must be known to this thread, as it is when a lock guards it, or meant to be forgotten.
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

    /// `clock` ⊔= `C[t]`.
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
            id: LockId::new(),
        }
    }

    /// Starts a new epoch: what comes now was not released.
    #[inline]
    pub(crate) fn advance(&mut self, kind: &'static SyncKind, site: Site) {
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
        Arc::make_mut(&mut self.base).raise_ordered(Epoch::new(self.epoch.slot(), MAX_CLOCK));
        self.last_access = 0;
        let epoch = registry::take_slot(&self.base, &self.record);
        self.learned_in = epoch.clock();
        self.set_epoch(epoch);
    }

    /// The thread's last release: its end.
    pub(crate) fn end_into(&mut self, clock: &mut SyncClock, kind: &'static SyncKind) {
        *clock = self.current(None);
        self.record.note_release(kind, None);
    }

    /// A release fence: `F[t]` := `C[t]`.
    pub(crate) fn fence_release(&mut self, kind: &'static SyncKind, site: Site) {
        self.release_fence = self.release(kind, site);
    }

    /// `F[t]`, to be carried by relaxed stores.
    pub(crate) fn release_fence(&self) -> &SyncClock {
        &self.release_fence
    }

    /// A relaxed load that saw `clock`: `P[t]` ⊔= `clock`.
    pub(crate) fn defer(&mut self, clock: &SyncClock) {
        let order = (self.in_nesting_lock).then(|| self.pending.kept_order());
        if let Some(base) = &clock.base {
            self.pending.join_ordered(base);
        }
        if !clock.epoch.is_none() {
            self.pending.raise_ordered(clock.epoch);
        }
        if order.is_some() {
            self.pending.set_order(order);
        }
    }

    /// Whether the next acquire fence will take all that was released in `epoch`. False if it takes more than a glance to tell.
    #[inline]
    pub(crate) fn has_deferred(&self, epoch: Epoch) -> bool {
        !self.pending.has_order() && self.pending.knows(epoch)
    }

    /// Whether this thread's latest near miss was with this very store.
    #[inline]
    pub(crate) fn has_just_missed(&self, epoch: Epoch) -> bool {
        self.near_misses
            .last()
            .is_some_and(|last| last.epoch == epoch)
    }

    /// Remembers a load that was not ordered after the store that it saw.
    pub(crate) fn note_near_miss(&mut self, miss: NearMiss) {
        if self.near_misses.len() == NEAR_MISSES {
            self.near_misses.remove(0);
        }
        self.near_misses.push(miss);
    }

    /// The latest near miss with a store in `epoch` or later, by the same thread.
    pub(crate) fn near_miss_after(&self, epoch: Epoch) -> Option<NearMiss> {
        let after = |miss: &&NearMiss| {
            miss.epoch.slot() == epoch.slot() && miss.epoch.clock() >= epoch.clock()
        };
        self.near_misses.iter().rev().find(after).copied()
    }

    /// An acquire fence: `C[t]` ⊔= `P[t]`.
    pub(crate) fn fence_acquire(&mut self, kind: &'static SyncKind, site: Site) {
        for miss in &mut self.near_misses {
            miss.load_acquires = true;
        }
        let has_order = || {
            let (mine, theirs) = (self.base.order(), self.pending.order());
            mine.covers_others(theirs, self.epoch.slot())
        };
        if !self.covers(&self.pending) || self.base.has_order() && !has_order() {
            let pending = std::mem::take(&mut self.pending);
            let edge = self.edges.intern(kind, None, site);
            let order = self.base.joined_order(&pending, Epoch::NONE);
            join(&mut self.base, &pending, &mut self.lessons, edge).set_order(order);
            self.learned_in = self.epoch.clock();
            self.record.publish_known(&self.base);
        }
    }

    /// The context of an access that is about to be recorded in this epoch.
    #[inline]
    pub(crate) fn access_context(&mut self, site: Site, detail: Detail) -> ContextId {
        self.note_access();
        if self.may_end_unseen {
            self.record.note_alive();
        }
        self.context(site, detail)
    }

    /// [`ThreadState::access_context`] at a position in code, if that is known at a glance.
    #[inline(always)]
    pub(crate) fn known_access_context(
        &mut self,
        site: Position,
        detail: Detail,
    ) -> Option<ContextId> {
        if !self.held.is_empty() || self.may_end_unseen {
            return None;
        }
        let known = capture::known(&mut self.contexts, site, detail)?;
        self.note_access();
        Some(known)
    }

    /// An access is about to be recorded in this epoch.
    #[inline]
    pub(crate) fn note_access(&mut self) {
        self.last_access = self.epoch.clock();
    }

    /// Where this thread is now, with the locks it holds.
    #[inline]
    pub(crate) fn context(&mut self, site: Site, detail: Detail) -> ContextId {
        capture::capture(&mut self.contexts, site, detail, self.held.locks())
    }

    /// Who knows this clock value of the slot knows all that this thread did, and all that it has released so far.
    pub(crate) fn quiet_from(&self) -> u64 {
        let current = self.epoch.clock();
        if self.last_access == current {
            return current;
        }
        // Later releases told nothing new. What was learned in this epoch, none has told yet.
        self.last_access.max(self.learned_in).min(current - 1)
    }
}

/// `base` := `theirs`.
fn take_over<'a>(base: &'a mut Arc<VectorClock>, theirs: &VectorClock) -> &'a mut VectorClock {
    let is_shared = Arc::strong_count(base) > 1;
    if is_shared {
        *base = Arc::new(theirs.clone());
    }
    let own = Arc::make_mut(base);
    if !is_shared {
        own.clone_from(theirs);
    }
    own
}

/// `base` ⊔= `theirs`, by way of `edge`.
fn join<'a>(
    base: &'a mut Arc<VectorClock>,
    theirs: &VectorClock,
    lessons: &mut Lessons,
    edge: EdgeId,
) -> &'a mut VectorClock {
    let base = Arc::make_mut(base);
    if base.is_large() || theirs.is_large() {
        let joined = base.join(theirs);
        lessons.learn_joined(&joined, edge);
    } else {
        base.join_small(theirs, |slot| lessons.learn(slot, edge));
    }
    base
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::thread::record::Origin;

    static KIND: SyncKind = SyncKind {
        name: "test",
        release: "released",
        acquire: "acquired",
    };

    fn thread(first_clock: u64) -> ThreadState {
        let record = Arc::new(Record::new(
            registry::next_number(),
            Origin::Tracked,
            None,
            None,
            None,
        ));
        let slot = registry::take_slot(&VectorClock::new(), &record).slot();
        let epoch = Epoch::new(slot, first_clock);
        ThreadState::new(epoch, Arc::default(), None, record)
    }

    /// Runs on a thread of its own: a state publishes its epoch to the fast path of whoever runs it.
    fn apart(test: fn()) {
        std::thread::spawn(test).join().unwrap();
    }

    #[test]
    fn a_slot_that_is_used_up_is_left_for_another() {
        apart(|| {
            let mut thread = thread(MAX_CLOCK - 3);
            let first = thread.epoch();
            let released: Vec<SyncClock> = (0..6).map(|_| thread.release(&KIND, None)).collect();
            assert_ne!(thread.epoch().slot(), first.slot());
            assert!(released.iter().all(|clock| thread.knows_all(clock)));
            let mut other = self::thread(1);
            other.acquire(released.last().unwrap(), &KIND, None);
            assert!(
                other.knows(first),
                "the old slot's epochs are known through the new one's"
            );
            assert!(!other.knows(thread.epoch()));
        });
    }

    #[test]
    fn a_release_starts_an_epoch_that_it_did_not_release() {
        apart(|| {
            let (mut releaser, mut acquirer) = (thread(1), thread(1));
            let before = releaser.epoch();
            let clock = releaser.release(&KIND, None);
            acquirer.acquire(&clock, &KIND, None);
            assert!(acquirer.knows(before));
            assert!(!acquirer.knows(releaser.epoch()));
        });
    }

    #[test]
    fn the_edge_that_taught_a_thread_is_remembered() {
        apart(|| {
            let (mut first, mut second, mut third) = (thread(1), thread(1), thread(1));
            second.acquire(&first.release(&KIND, None), &KIND, None);
            third.acquire(&second.release(&KIND, None), &KIND, None);
            let learned = |of: &ThreadState| {
                third
                    .learned_of(of.epoch().slot())
                    .map(|learned| learned.direct)
            };
            assert_eq!(learned(&second), Some(true));
            assert_eq!(learned(&first), Some(false));
        });
    }

    /// Such as the atomics of the lock, by which its last owner has released it.
    #[test]
    fn what_is_learned_while_a_lock_that_nests_is_taken_is_known_and_no_order() {
        apart(|| {
            let (mut thread, mut other) = (thread(1), thread(1));
            let knows = |thread: &ThreadState, clock: &SyncClock| {
                let of_order = thread.base().order();
                [thread.knows(clock.epoch), of_order.knows(clock.epoch)]
            };
            let [acquired, deferred, later] = [(); 3].map(|()| other.release(&KIND, None));
            thread.in_nesting_lock = true;
            thread.acquire(&acquired, &KIND, None);
            thread.defer(&deferred);
            thread.in_nesting_lock = false;
            assert_eq!(knows(&thread, &acquired), [true, false]);
            assert_eq!(knows(&thread, &deferred), [false, false]);
            thread.fence_acquire(&KIND, None);
            assert_eq!(knows(&thread, &deferred), [true, false]);
            // The same by an edge that is one.
            thread.acquire(&acquired, &KIND, None);
            assert_eq!(knows(&thread, &acquired), [true, true]);
            assert_eq!(knows(&thread, &deferred), [true, false]);
            thread.acquire(&later, &KIND, None);
            assert_eq!(knows(&thread, &deferred), [true, true]);
        });
    }

    #[test]
    fn the_last_near_misses_are_remembered() {
        apart(|| {
            let mut thread = thread(1);
            let miss = |slot, clock| NearMiss {
                epoch: Epoch::new(slot, clock),
                stored: None,
                loaded: None,
                store_releases: true,
                load_acquires: false,
            };
            assert!(!thread.has_just_missed(Epoch::new(100, 1)));
            let epochs = [(100, 1), (101, 5), (102, 1), (103, 1), (101, 7)];
            for (slot, clock) in epochs {
                thread.note_near_miss(miss(slot, clock));
            }
            assert!(thread.has_just_missed(Epoch::new(101, 7)));
            assert!(!thread.has_just_missed(Epoch::new(101, 5)));
            let after = |thread: &ThreadState, slot, clock| {
                let miss = thread.near_miss_after(Epoch::new(slot, clock));
                miss.map(|miss| (miss.epoch.slot(), miss.epoch.clock(), miss.load_acquires))
            };
            assert_eq!(after(&thread, 100, 1), None, "the oldest has gone");
            assert_eq!(after(&thread, 101, 4), Some((101, 7, false)));
            assert_eq!(after(&thread, 101, 7), Some((101, 7, false)));
            assert_eq!(after(&thread, 101, 8), None);
            assert_eq!(after(&thread, 102, 1), Some((102, 1, false)));
            thread.fence_acquire(&KIND, None);
            assert_eq!(after(&thread, 102, 1), Some((102, 1, true)));
        });
    }

    #[test]
    fn a_thread_is_quiet_until_it_does_or_learns_something() {
        apart(|| {
            let (mut thread, mut other) = (thread(5), thread(1));
            assert_eq!(thread.quiet_from(), 4);
            thread.note_access();
            assert_eq!(thread.quiet_from(), 5);
            for _ in 0..3 {
                thread.advance(&KIND, None);
                assert_eq!(thread.quiet_from(), 5);
            }
            thread.acquire(&other.release(&KIND, None), &KIND, None);
            assert_eq!(thread.quiet_from(), 7, "it hasn't told anybody");
            thread.advance(&KIND, None);
            assert_eq!(thread.quiet_from(), 8);
            thread.advance(&KIND, None);
            assert_eq!(thread.quiet_from(), 8);
        });
    }

    #[test]
    fn what_is_assumed_is_known_and_nobody_taught_it() {
        apart(|| {
            let (mut thread, mut other) = (thread(1), thread(1));
            let before = other.epoch();
            let mut clock = VectorClock::new();
            clock.raise(before);
            thread.assume(&clock);
            assert!(thread.knows(before));
            assert!(thread.learned_of(before.slot()).is_none());
            other.advance(&KIND, None);
            assert!(!thread.knows(other.epoch()));
        });
    }

    /// A clock of nobody's has no epoch, and that looks like one of slot 0.
    #[test]
    fn a_large_clock_of_several_threads_is_not_taken_for_that_of_slot_0() {
        apart(|| {
            let mut thread = thread(1);
            let record = thread.record.clone();
            let mut first = ThreadState::new(Epoch::new(0, 5), Arc::default(), None, record);
            first.acquire(&thread.release(&KIND, None), &KIND, None);
            let released = first.release(&KIND, None);
            thread.acquire(&released, &KIND, None);
            assert!(thread.knows(released.epoch));
            let several = [Epoch::new(900, 1), Epoch::new(901, 1)];
            let mut base = VectorClock::new();
            for epoch in several {
                base.raise(epoch);
            }
            assert!(base.is_large());
            let clock = SyncClock {
                base: Some(Arc::new(base)),
                ..SyncClock::new()
            };
            thread.acquire(&clock, &KIND, None);
            assert!(several.iter().all(|epoch| thread.knows(*epoch)));
            assert!(thread.knows(released.epoch), "it was known before");
        });
    }
}
