//! Atomics and fences: the clock that travels with the value.
//!
//! `L[m]` of Lidbury & Donaldson, "Dynamic Race Detection for C++11" (POPL 2017), with the release sequences of C++20 (P0982):
//!
//! - a release store: L := `C[t]`; a relaxed store: L := `F[t]`, which ends any release sequence, the thread's own included;
//! - an acquire load: `C[t]` ⊔= L; a relaxed load: `P[t]` ⊔= L, for the next acquire fence;
//! - a read-modify-write: its load side, then L ⊔= `C[t]` (release) or `F[t]` (relaxed), so it continues the sequence;
//! - a failed compare-exchange is a load with the failure ordering;
//! - `SeqCst` is `AcqRel` here: it adds no happens-before edge.
//!
//! Two deliberate deviations from the paper. The value a load returns is the one the hardware gave it, so there is no store buffer to
//! explore: one observed execution is checked, exactly. And value and clock change together under a sequence lock, because a load must
//! neither see a value whose clock isn't there yet nor take the clock of a later store. A load that has nothing to learn only
//! reads: sequence, epoch, value, sequence.
//!
//! A real operation must never run outside the lock, except a load between two equal sequence numbers.
//!
//! A value may lie elsewhere, or be reachable as one that does: then its clock is that of its address ([`outlying`]), and this one only points
//! there. It looks locked for ever, so the fast paths needn't ask.

use std::mem::ManuallyDrop;
use std::panic::Location;
use std::ptr;
use std::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};

use crate::clock::VectorClock;
use crate::epoch::Epoch;
use crate::fork;
use crate::primitive::sync::Arc;
use crate::primitive::sync::atomic::{AtomicPtr, AtomicU64, fence as real_fence};
use crate::primitive::thread::yield_now;
use crate::primitive::{Exclusive, const_fn, global, hint};
use crate::reentry;
use crate::stack::position::Position;
use crate::sync::lock_id::LockId;
use crate::sync::{SyncClock, SyncKind, outlying};
use crate::thread::local;
use crate::thread::registry;
use crate::thread::state::{NearMiss, Site, ThreadState};

static ATOMIC: SyncKind = SyncKind {
    name: "atomic",
    release: "stored to an atomic",
    acquire: "loaded it",
};

static FENCE: SyncKind = SyncKind {
    name: "fence",
    release: "passed a release fence",
    acquire: "passed an acquire fence after a relaxed load",
};

/// The bits of a sequence number that count.
const COUNT: u64 = (1 << 46) - 1;

/// In place of a sequence number: the clock is that of an address, and `base` points there. Odd.
const FORWARDED: u64 = 1 << 46 | 1;

/// Beside [`FORWARDED`]: the value is elsewhere too, and `site` points there.
const ELSEWHERE: u64 = 1 << 47;

/// From which bit on a sequence number that is locked holds the [`fork::generation`] of the process that locked it.
const GENERATION: u32 = 48;

global! {
    /// Held by who holds two clocks: that of a value and that of its address.
    static EXPOSING: fork::Lock<()> = fork::Lock::new(());
}

/// Marks the epoch of a store that released nothing.
const UNRELEASED: u64 = 1 << 63;

/// Where the value is that an operation is about.
#[derive(Clone, Copy, Debug)]
pub struct Place(usize);

impl Place {
    /// No value is at address 0.
    const BESIDE: Place = Place(0);

    /// None: beside its clock. Some: the address that a [view](outlying::view) was asked for.
    #[inline(always)]
    pub fn elsewhere(self) -> Option<usize> {
        (self.0 != 0).then_some(self.0)
    }
}

/// The clock that an atomic's current value carries. 32 bytes, `const` to make, all zeros until somebody releases through it.
///
/// The caller hands the real operation in as a closure, which is told where the value is; it runs exactly once, except in
/// [`AtomicClock::load`], which may repeat it.
///
/// # Example
///
/// ```
/// use std::panic::Location;
/// use std::sync::atomic::{AtomicBool, Ordering};
/// use race_core::sync::atomic::AtomicClock;
///
/// static READY: AtomicBool = AtomicBool::new(false);
/// static CLOCK: AtomicClock = AtomicClock::new();
///
/// let here = Location::caller();
/// CLOCK.store(Ordering::Release, here, |_| READY.store(true, Ordering::Release));
/// assert!(CLOCK.load(Ordering::Acquire, here, |_| READY.load(Ordering::Acquire)));
/// ```
#[derive(Default)]
pub struct AtomicClock {
    /// Even: at rest. Odd: locked, or [`FORWARDED`]. It grows with each change, so a reader that sees it twice unchanged saw one moment.
    sequence: AtomicU64,
    /// The epoch of a [`SyncClock`]; 0 if that has none. With [`UNRELEASED`], the epoch of a store that carries no clock: it orders
    /// nothing, but a report can say which store it was.
    epoch: AtomicU64,
    /// Its base, as `Arc::into_raw` gave it, or null. Read and written under the lock only. Or a `&'static AtomicClock`: see [`FORWARDED`].
    base: AtomicPtr<VectorClock>,
    /// Its site, or null. Or the value: see [`ELSEWHERE`].
    site: AtomicPtr<Location<'static>>,
}

impl std::fmt::Debug for AtomicClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AtomicClock")
            .field("epoch", &Epoch::from_tagged(self.epoch.load(Relaxed)))
            .finish_non_exhaustive()
    }
}

impl AtomicClock {
    const_fn! {
        /// The clock of a value that nobody has stored yet.
        pub const fn new() -> AtomicClock {
            AtomicClock {
                sequence: AtomicU64::new(0),
                epoch: AtomicU64::new(0),
                base: AtomicPtr::new(ptr::null_mut()),
                site: AtomicPtr::new(ptr::null_mut()),
            }
        }
    }

    /// The clock of a value that is at `address`, where its clock is `shared`.
    pub(super) fn of_a_view(shared: &'static AtomicClock, address: usize) -> AtomicClock {
        AtomicClock {
            sequence: AtomicU64::new(FORWARDED | ELSEWHERE),
            epoch: AtomicU64::new(0),
            base: AtomicPtr::new(ptr::from_ref(shared).cast_mut().cast()),
            site: AtomicPtr::new(ptr::without_provenance_mut(address)),
        }
    }

    /// Where the value is.
    #[inline]
    pub fn place(&self) -> Place {
        // Set when a view was made, and never changed.
        if self.sequence.load(Relaxed) & ELSEWHERE == 0 {
            return Place::BESIDE;
        }
        Place(self.site.load(Relaxed).addr())
    }

    /// The address of the value beside this clock is about to be told, and somebody may ask for a view of it: from now on they share
    /// the clock of that address.
    pub fn expose(&self, address: usize) {
        local::enter_bare(|| self.forward_to(outlying::kept_clock_of(address)));
    }

    /// From here on this clock is `shared`, which takes over what the value carries. Call inside the engine.
    pub(crate) fn forward_to(&self, shared: &'static AtomicClock) {
        if self.forwarded().is_some_and(|now| ptr::eq(now, shared)) {
            return;
        }
        let _only = EXPOSING.lock();
        let from = self.lock();
        if ptr::eq(from.clock, shared) {
            return;
        }
        let to = shared.lock();
        let mut joined = to.carried().clock;
        // Not replaced: another value that was here, and has been moved, may carry it still.
        joined.join(from.carried().clock);
        let mut garbage = None;
        if !joined.is_empty() {
            garbage = to.replace_clock(joined);
        }
        let own = if ptr::eq(from.clock, self) {
            from.replace_base(None)
        } else {
            None
        };
        self.base
            .store(ptr::from_ref(shared).cast_mut().cast(), Relaxed);
        if ptr::eq(from.clock, self) {
            // In place of the unlock: whoever waits for it goes there.
            self.sequence.store(FORWARDED, Release);
            std::mem::forget(from);
        } else {
            drop(from);
        }
        drop(to);
        drop((garbage, own));
    }

    /// The value is gone, and whatever was released with it.
    pub(crate) fn forget(&self) {
        let locked = self.lock();
        locked.clock.epoch.store(0, Relaxed);
        locked.clock.site.store(ptr::null_mut(), Relaxed);
        let base = locked.replace_base(None);
        drop(locked);
        drop(base);
    }

    /// The clock of the value's address, if that is its clock.
    #[inline]
    fn forwarded(&self) -> Option<&'static AtomicClock> {
        if self.sequence.load(Acquire) & FORWARDED != FORWARDED {
            return None;
        }
        // SAFETY: with this mark, which is never taken back, `base` is a `&'static AtomicClock`.
        Some(unsafe { &*self.base.load(Relaxed).cast() })
    }

    /// An atomic load: `op` is the real one, with the same ordering. It may run more than once; the last result counts.
    #[inline]
    pub fn load<R>(
        &self,
        order: Ordering,
        site: impl Into<Position>,
        op: impl Fn(Place) -> R,
    ) -> R {
        let site = site.into();
        local::enter_unordered(|thread| self.load_by(thread, order, site, &op))
            .unwrap_or_else(|| self.load_unseen(order, op))
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn load_unseen<R>(&self, order: Ordering, op: impl Fn(Place) -> R) -> R {
        let value = unseen(order, false, || op(self.place()));
        reentry::note_atomic(false);
        value
    }

    /// A load in the middle of which nothing was stored, with the epoch of what it saw; unless what it saw carries a clock without an epoch.
    #[inline(always)]
    fn load_unlocked<R>(&self, op: impl Fn(Place) -> R) -> Option<(R, u64)> {
        let before = self.sequence.load(Acquire);
        let epoch = self.epoch.load(Relaxed);
        // The base is compared with null, never followed: it may be freed at any time outside the lock.
        let compound = epoch == 0 && !self.base.load(Relaxed).is_null();
        let value = op(Place::BESIDE);
        real_fence(Acquire);
        let undisturbed = before & 1 == 0 && self.sequence.load(Relaxed) == before;
        (undisturbed && !compound).then_some((value, epoch))
    }

    /// A load, if it tells the thread nothing. It may have been made if not, to no effect.
    #[inline(always)]
    pub(crate) fn load_known<R>(
        &self,
        thread: &ThreadState,
        order: Ordering,
        op: impl Fn(Place) -> R,
    ) -> Option<R> {
        let (value, epoch) = self.load_unlocked(op)?;
        let is_known = thread.knows_in_order(Epoch::from_tagged(epoch)) && !registry::is_assumed();
        (epoch == 0 || is_known || has_told(thread, epoch, order)).then_some(value)
    }

    #[inline]
    pub(crate) fn load_by<R>(
        &self,
        thread: &mut ThreadState,
        order: Ordering,
        site: impl Into<Position>,
        op: impl Fn(Place) -> R,
    ) -> R {
        match self.load_known(thread, order, &op) {
            Some(value) => value,
            None => self.load_slow(thread, order, site.into(), &op),
        }
    }

    #[cold]
    #[inline(never)]
    fn load_slow<R>(
        &self,
        thread: &mut ThreadState,
        order: Ordering,
        site: Position,
        op: impl Fn(Place) -> R,
    ) -> R {
        let locked = self.lock();
        let value = op(self.place_under(&locked));
        locked.load_side(thread, order, site);
        value
    }

    /// The calling thread has exclusive access, by `&mut` or ownership: whatever was released with the value is over, by what order we may
    /// not know.
    pub fn exclusive(&mut self, site: impl Into<Position>) {
        let site = site.into();
        local::enter(|thread| {
            let carried = self.lock().carried();
            thread.acquire(&carried.clock, &ATOMIC, Some(site));
        });
    }

    /// An atomic store: `op` is the real one, with the same ordering.
    #[inline]
    pub fn store<R>(
        &self,
        order: Ordering,
        site: impl Into<Position>,
        op: impl FnOnce(Place) -> R,
    ) -> R {
        let (site, mut op) = (site.into(), Some(op));
        let result = local::enter_unordered(|thread| {
            self.store_by(thread, order, site, |place| op.take().map(|op| op(place)))
        });
        self.finish(result, order, op, |_| true)
    }

    #[inline]
    pub(crate) fn store_by<R>(
        &self,
        thread: &mut ThreadState,
        order: Ordering,
        site: impl Into<Position>,
        op: impl FnOnce(Place) -> R,
    ) -> R {
        let site = site.into();
        let locked = self.lock();
        let value = op(self.place_under(&locked));
        let old = if releases(order) {
            locked.release(thread, site)
        } else {
            locked.replace(thread.release_fence().clone(), thread.epoch(), site)
        };
        drop(locked);
        drop(old);
        value
    }

    /// An atomic read-modify-write that always writes: `op` is the real one, with the same ordering.
    #[inline]
    pub fn rmw<R>(
        &self,
        order: Ordering,
        site: impl Into<Position>,
        op: impl FnOnce(Place) -> R,
    ) -> R {
        let (site, mut op) = (site.into(), Some(op));
        let result = local::enter_unordered(|thread| {
            self.rmw_by(thread, order, site, |place| op.take().map(|op| op(place)))
        });
        self.finish(result, order, op, |_| false)
    }

    #[inline]
    pub(crate) fn rmw_by<R>(
        &self,
        thread: &mut ThreadState,
        order: Ordering,
        site: impl Into<Position>,
        op: impl FnOnce(Place) -> R,
    ) -> R {
        self.rmw_recorded(thread, order, site.into(), op, |_| ())
    }

    /// As [`AtomicClock::rmw_by`]; `record` is called after its load side if that teaches the thread anything, and before its store side if that tells of it. With
    /// the clock locked only if both do.
    #[inline]
    pub(crate) fn rmw_recorded<R>(
        &self,
        thread: &mut ThreadState,
        order: Ordering,
        site: Position,
        op: impl FnOnce(Place) -> R,
        record: impl Fn(&mut ThreadState),
    ) -> R {
        let learns_nothing = releases(order) && !acquires(order);
        if learns_nothing {
            record(thread);
        }
        let locked = self.lock();
        let value = op(self.place_under(&locked));
        locked.read_modify_write(thread, order, site, |thread| {
            if !learns_nothing {
                record(thread);
            }
        });
        value
    }

    /// A compare-exchange: `op` is the real one. `Err` means that it was only a load, with the ordering `failure`.
    #[inline]
    pub fn compare_exchange<T, E>(
        &self,
        success: Ordering,
        failure: Ordering,
        site: impl Into<Position>,
        op: impl FnOnce(Place) -> Result<T, E>,
    ) -> Result<T, E> {
        let (site, mut op) = (site.into(), Some(op));
        let result = local::enter_unordered(|thread| {
            op.take().map(|op| {
                self.compare_exchange_recorded(thread, (success, failure), site, op, |_, _| ())
            })
        });
        // If it passes by, it may turn out to be either.
        let order = if success == Relaxed { failure } else { success };
        self.finish(result, order, op, Result::is_ok)
    }

    /// As [`AtomicClock::compare_exchange`]; `record` is told whether it was a read-modify-write, and called where [`AtomicClock::rmw_recorded`]
    /// says as soon as that is known, or after the load.
    #[inline]
    pub(crate) fn compare_exchange_recorded<T, E>(
        &self,
        thread: &mut ThreadState,
        (success, failure): (Ordering, Ordering),
        site: Position,
        op: impl FnOnce(Place) -> Result<T, E>,
        record: impl FnOnce(&mut ThreadState, bool),
    ) -> Result<T, E> {
        let locked = self.lock();
        let value = op(self.place_under(&locked));
        if value.is_ok() {
            locked.read_modify_write(thread, success, site, |thread| record(thread, true));
            return value;
        }
        if locked.is_known_to(thread) {
            drop(locked);
        } else {
            locked.load_side(thread, failure, site);
        }
        record(thread, false);
        value
    }

    /// The re-entrant case: the engine was passed by, and the operation hasn't run.
    #[inline]
    pub(crate) fn finish<R>(
        &self,
        result: Option<Option<R>>,
        order: Ordering,
        op: Option<impl FnOnce(Place) -> R>,
        succeeded: impl FnOnce(&R) -> bool,
    ) -> R {
        match (result.flatten(), op) {
            (Some(value), _) => value,
            (None, Some(op)) => {
                let value = unseen(order, true, || op(self.place()));
                reentry::note_atomic(succeeded(&value));
                value
            }
            (None, None) => unreachable!("an operation that ran gave a value"),
        }
    }

    #[inline]
    fn lock(&self) -> Locked<'_> {
        self.try_lock().unwrap_or_else(|| self.lock_slow())
    }

    /// Where the value is whose clock is locked now, this one or the one that it leads to.
    #[inline]
    fn place_under(&self, locked: &Locked<'_>) -> Place {
        if ptr::eq(locked.clock, self) {
            Place::BESIDE
        } else {
            self.place()
        }
    }

    #[inline]
    fn try_lock(&self) -> Option<Locked<'_>> {
        let sequence = self.sequence.load(Relaxed);
        let is_mine = sequence & 1 == 0
            && self
                .sequence
                .compare_exchange_weak(sequence, locked_here(sequence), Acquire, Relaxed)
                .is_ok();
        is_mine.then(|| Locked::new(self, sequence))
    }

    #[cold]
    fn lock_slow(&self) -> Locked<'_> {
        for attempt in 0u32.. {
            if let Some(shared) = self.forwarded() {
                let locked = shared.lock();
                // Unless the value has been moved, and has another address by now.
                if self.forwarded().is_some_and(|now| ptr::eq(now, shared)) {
                    return locked;
                }
                continue;
            }
            if let Some(locked) = self.try_lock().or_else(|| self.take_over()) {
                return locked;
            }
            // The holder runs a few dozen instructions; if it doesn't finish, it isn't running.
            if attempt % 64 == 63 {
                yield_now();
            } else {
                hint::spin_loop();
            }
        }
        unreachable!("the loop above has no end but the lock")
    }

    /// Takes the lock from a thread that was left behind by a `fork`. Whatever was released before that is known to everybody now.
    #[cold]
    fn take_over(&self) -> Option<Locked<'_>> {
        let sequence = self.sequence.load(Relaxed);
        let before = (sequence & COUNT).wrapping_sub(1) & COUNT;
        let is_locked = sequence & 1 != 0 && sequence & FORWARDED != FORWARDED;
        let is_abandoned = is_locked && sequence != locked_here(before);
        if !is_abandoned
            || self
                .sequence
                .compare_exchange(sequence, locked_here(before), Acquire, Relaxed)
                .is_err()
        {
            return None;
        }
        let locked = Locked::new(self, before);
        self.epoch.store(0, Relaxed);
        // Not dropped: its owner may have been about to.
        self.base.store(ptr::null_mut(), Relaxed);
        self.site.store(ptr::null_mut(), Relaxed);
        Some(locked)
    }
}

/// The sequence number `before`, locked by a thread of this process.
#[inline]
fn locked_here(before: u64) -> u64 {
    (before + 1) | u64::from(fork::generation()) << GENERATION
}

impl Drop for AtomicClock {
    fn drop(&mut self) {
        let base = self.base.exclusive();
        let is_own = self.sequence.exclusive() & FORWARDED != FORWARDED;
        if is_own && !base.is_null() {
            // SAFETY: a clock's own non-null bases come from `Arc::into_raw` in `replace`, which owns one count; nobody else has access now.
            drop(unsafe { Arc::from_raw(base) });
        }
    }
}

/// An operation that passes the engine by.
#[cold]
#[inline(never)]
fn unseen<R>(order: Ordering, stores: bool, op: impl FnOnce() -> R) -> R {
    if order == Relaxed {
        local::unseen_relaxed(stores);
        return op();
    }
    // Before it, since it may release what was done so far; after it, since it may acquire what others have.
    local::unseen_order();
    let value = op();
    local::unseen_order();
    value
}

/// Whether a thread that loads again what was stored in the epoch of this word learns no more than it did: such as one that waits.
///
/// Then the near miss has been noted. A store that released nothing teaches nothing. What another one did a relaxed load has deferred before; who acquires
/// must acquire it all the same.
#[inline]
fn has_told(thread: &ThreadState, epoch: u64, order: Ordering) -> bool {
    let stored = Epoch::from_tagged(epoch);
    thread.has_just_missed(stored)
        && (epoch & UNRELEASED != 0
            || !acquires(order) && thread.has_deferred(stored) && !registry::is_assumed())
}

#[inline]
fn acquires(order: Ordering) -> bool {
    matches!(order, Acquire | AcqRel | SeqCst)
}

#[inline]
fn releases(order: Ordering) -> bool {
    matches!(order, Release | AcqRel | SeqCst)
}

/// What the current value carries.
struct Carried {
    clock: SyncClock,
    /// Who stored it, if that released nothing.
    unreleased: Option<(Epoch, Site)>,
}

impl Carried {
    /// What reading the value means for the reader.
    #[inline]
    fn load_side(&self, thread: &mut ThreadState, order: Ordering, site: Position) {
        if acquires(order) {
            thread.acquire(&self.clock, &ATOMIC, Some(site));
        } else if !thread.knows_all(&self.clock) {
            let is_news = !thread.knows_content(&self.clock);
            thread.defer(&self.clock);
            if is_news {
                self.note_near_miss(thread, self.clock.epoch, self.clock.site, order, site);
            }
        }
        if let Some((epoch, stored)) = self.unreleased
            && !thread.knows(epoch)
        {
            self.note_near_miss(thread, epoch, stored, order, site);
        }
    }

    #[cold]
    fn note_near_miss(
        &self,
        thread: &mut ThreadState,
        epoch: Epoch,
        stored: Site,
        order: Ordering,
        loaded: Position,
    ) {
        thread.note_near_miss(NearMiss {
            epoch,
            stored,
            loaded: Some(loaded),
            store_releases: self.unreleased.is_none(),
            load_acquires: acquires(order),
        });
    }
}

/// The sequence lock, held. Unlocks when dropped, on unwinding too: the real operation panics on an impossible ordering.
struct Locked<'a> {
    clock: &'a AtomicClock,
    sequence: u64,
}

impl<'a> Locked<'a> {
    #[inline]
    fn new(clock: &'a AtomicClock, sequence: u64) -> Locked<'a> {
        // A reader that sees anything written from here on also sees the odd sequence number (Boehm, "Can seqlocks get along with
        // programming language memory models?", MSPC 2012).
        real_fence(Release);
        Locked { clock, sequence }
    }

    /// What reading the value means for the reader, and the unlock.
    fn load_side(self, thread: &mut ThreadState, order: Ordering, site: Position) {
        if acquires(order) {
            let carried = self.carried();
            drop(self);
            carried.load_side(thread, order, site);
        } else {
            // What is deferred is a few words. A count of its own for the base would cost the releaser more: a thread that spins comes here for each new value.
            self.borrowed().load_side(thread, order, site);
        }
    }

    /// What the value carries, with a count of its own for the base.
    fn carried(&self) -> Carried {
        let carried = self.borrowed();
        let count = carried.clock.base.clone();
        std::mem::forget(count);
        ManuallyDrop::into_inner(carried)
    }

    /// What the value carries, for as long as it is locked: the count of the base is the clock's.
    fn borrowed(&self) -> ManuallyDrop<Carried> {
        let epoch = self.clock.epoch.load(Relaxed);
        let base = self.clock.base.load(Relaxed);
        // SAFETY: null, or what `replace` or `release` stored.
        let site = unsafe { Position::from_raw(self.clock.site.load(Relaxed)) };
        if epoch & UNRELEASED != 0 {
            return ManuallyDrop::new(Carried {
                clock: SyncClock::new(),
                unreleased: Some((Epoch::from_tagged(epoch), site)),
            });
        }
        let clock = SyncClock {
            epoch: Epoch::from_tagged(epoch),
            // SAFETY: a non-null base holds one count of its own, and it can't be replaced while the lock is held. It isn't given back here.
            base: (!base.is_null()).then(|| unsafe { Arc::from_raw(base) }),
            site,
            id: LockId::new(),
        };
        ManuallyDrop::new(Carried {
            clock,
            unreleased: None,
        })
    }

    /// L := `clock`, by a store in the epoch `stored_in` at `site`. Returns what was there, to be dropped outside the lock.
    fn replace(
        &self,
        clock: SyncClock,
        stored_in: Epoch,
        site: Position,
    ) -> Option<Arc<VectorClock>> {
        if clock.is_empty() {
            self.clock
                .epoch
                .store(stored_in.bits() | UNRELEASED, Relaxed);
            self.clock
                .site
                .store(Position::into_raw(Some(site)), Relaxed);
            return self.replace_base(None);
        }
        self.replace_clock(clock)
    }

    /// L := `clock`, which isn't empty.
    fn replace_clock(&self, clock: SyncClock) -> Option<Arc<VectorClock>> {
        self.clock.epoch.store(clock.epoch.bits(), Relaxed);
        self.clock
            .site
            .store(Position::into_raw(clock.site), Relaxed);
        self.replace_base(clock.base)
    }

    /// Whether a load of the current value would teach the thread nothing, as far as one epoch can tell.
    #[inline]
    fn is_known_to(&self, thread: &ThreadState) -> bool {
        match self.clock.epoch.load(Relaxed) {
            0 => self.clock.base.load(Relaxed).is_null(),
            epoch => thread.knows_in_order(Epoch::from_tagged(epoch)) && !registry::is_assumed(),
        }
    }

    /// L := `C[t]`, in a new epoch from here on.
    #[inline]
    fn release(&self, thread: &mut ThreadState, site: Position) -> Option<Arc<VectorClock>> {
        let epoch = thread.epoch();
        let mut old = None;
        if !thread.has_base(self.clock.base.load(Relaxed)) {
            old = self.replace_base(Some(thread.base().clone()));
        }
        self.clock.epoch.store(epoch.bits(), Relaxed);
        self.clock
            .site
            .store(Position::into_raw(Some(site)), Relaxed);
        thread.advance(&ATOMIC, Some(site));
        old
    }

    /// A relaxed read-modify-write in the epoch `stored_in` leaves the clock alone; but if there is none, the last store is now this one.
    #[inline]
    fn continue_unreleased(&self, stored_in: Epoch, site: Position) {
        let epoch = self.clock.epoch.load(Relaxed);
        if epoch & UNRELEASED != 0 || epoch == 0 && self.clock.base.load(Relaxed).is_null() {
            self.clock
                .epoch
                .store(stored_in.bits() | UNRELEASED, Relaxed);
            self.clock
                .site
                .store(Position::into_raw(Some(site)), Relaxed);
        }
    }

    fn replace_base(&self, base: Option<Arc<VectorClock>>) -> Option<Arc<VectorClock>> {
        let base = base.map_or(ptr::null(), Arc::into_raw).cast_mut();
        let old = self.clock.base.load(Relaxed);
        self.clock.base.store(base, Relaxed);
        // SAFETY: the count that came from `Arc::into_raw` when `old` was stored; it has just been taken out.
        (!old.is_null()).then(|| unsafe { Arc::from_raw(old) })
    }

    #[cold]
    #[inline(never)]
    fn read_modify_write_slow(
        &self,
        thread: &mut ThreadState,
        order: Ordering,
        site: Position,
        record: impl FnOnce(&mut ThreadState),
    ) -> Option<Arc<VectorClock>> {
        let stored_in = thread.epoch();
        let carried = self.carried();
        carried.load_side(thread, order, site);
        record(thread);
        let addition = if releases(order) {
            thread.release(&ATOMIC, Some(site))
        } else {
            thread.release_fence().clone()
        };
        let mut joined = carried.clock;
        if !addition.is_empty() {
            joined.join(addition);
        }
        self.replace(joined, stored_in, site)
    }

    /// The clock side of a successful read-modify-write, and the unlock: before `record`, if nothing is released that would tell of it.
    #[inline]
    fn read_modify_write(
        self,
        thread: &mut ThreadState,
        order: Ordering,
        site: Position,
        record: impl FnOnce(&mut ThreadState),
    ) {
        let is_known = self.is_known_to(thread);
        if releases(order) {
            let garbage = if is_known {
                // The join with what this thread knows already is what it publishes now.
                record(thread);
                self.release(thread, site)
            } else {
                self.read_modify_write_slow(thread, order, site, record)
            };
            drop(self);
            drop(garbage);
        } else {
            let garbage = if is_known && thread.release_fence().is_empty() {
                self.continue_unreleased(thread.epoch(), site);
                None
            } else {
                self.read_modify_write_slow(thread, order, site, |_| ())
            };
            drop(self);
            drop(garbage);
            record(thread);
        }
    }
}

impl Drop for Locked<'_> {
    #[inline]
    fn drop(&mut self) {
        self.clock
            .sequence
            .store((self.sequence + 2) & COUNT, Release);
    }
}

/// `std::sync::atomic::fence` with this ordering has just been, or is just being, called.
///
/// A release fence lets later relaxed stores carry what came before it; an acquire fence takes what earlier relaxed loads have seen.
/// A fence that is both does the acquire side first.
pub fn fence(order: Ordering, site: impl Into<Position>) {
    let site = site.into();
    local::enter(|thread| {
        local::fence(acquires(order), releases(order));
        fence_by(thread, order, site);
    });
}

pub(crate) fn fence_by(thread: &mut ThreadState, order: Ordering, site: impl Into<Position>) {
    let site = site.into();
    if acquires(order) {
        thread.fence_acquire(&FENCE, Some(site));
    }
    if releases(order) {
        thread.fence_release(&FENCE, Some(site));
    }
}

#[cfg(test)]
mod tests;
