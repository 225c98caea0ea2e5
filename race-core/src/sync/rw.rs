//! The clocks of a read-write lock: what a writer releases everybody acquires, what a reader releases only writers do.
//!
//! Readers don't order one another: two of them may hold the lock at once, and which of two unlocks came first means nothing to the other
//! (scenario fake-07).

use std::ptr;

use crate::deadlock::{self, Mode, Patience};
use crate::primitive::const_fn;
use crate::stack::depot::HeldLock;
use crate::stack::position::Position;
use crate::sync::{Origin, SyncClock, SyncKind, SyncObject};
use crate::thread::local;
use crate::thread::state::ThreadState;

/// The clocks of a read-write lock, to be kept beside the real one.
///
/// Whoever has the real lock for reading may use it by shared reference, whoever has it for writing by `&mut`. It must not move while the lock is held:
/// its address tells locks apart. 80 bytes, `const` to make.
///
/// # Example
///
/// ```
/// use std::panic::Location;
/// use race_core::sync::SyncKind;
/// use race_core::sync::rw::RwClock;
///
/// static RWLOCK: SyncKind = SyncKind { name: "RwLock", release: "unlocked an RwLock", acquire: "locked it" };
///
/// let here = Location::caller();
/// let mut clock = RwClock::new();
/// clock.lock_write(&RWLOCK, here, here);
/// clock.unlock_write(&RWLOCK, here);
/// clock.lock_read(&RWLOCK, here, here);
/// clock.unlock_read(&RWLOCK, here);
/// ```
#[derive(Debug, Default)]
pub struct RwClock {
    /// The last unlock after writing.
    writes: SyncClock,
    /// The unlocks after reading since then.
    reads: SyncObject,
}

impl RwClock {
    const_fn! {
        /// Of a lock that nobody has had.
        pub const fn new() -> RwClock {
            RwClock {
                writes: SyncClock::new(),
                reads: SyncObject::new(),
            }
        }
    }

    /// The calling thread has just got the real lock for reading, and would have waited for it.
    pub fn lock_read(
        &self,
        kind: &'static SyncKind,
        created: impl Into<Origin>,
        locked: impl Into<Position>,
    ) {
        self.locked(
            held(kind, created.into(), locked.into()),
            Mode::Shared,
            Patience::Endless,
        );
    }

    /// As [`RwClock::lock_read`], by a try, or with a timeout: it is part of no deadlock.
    pub fn try_lock_read(
        &self,
        kind: &'static SyncKind,
        created: impl Into<Origin>,
        locked: impl Into<Position>,
    ) {
        self.locked(
            held(kind, created.into(), locked.into()),
            Mode::Shared,
            Patience::Limited,
        );
    }

    /// It is about to give it back. `site` is where it was locked, for a thread that doesn't have it on its list.
    pub fn unlock_read(&self, kind: &'static SyncKind, site: impl Into<Position>) {
        local::enter(|thread| self.unlocked_read_by(thread, self.key(), kind, site.into()));
    }

    /// The calling thread has just got the real lock for writing, and would have waited for it.
    pub fn lock_write(
        &mut self,
        kind: &'static SyncKind,
        created: impl Into<Origin>,
        locked: impl Into<Position>,
    ) {
        self.locked(
            held(kind, created.into(), locked.into()),
            Mode::Exclusive,
            Patience::Endless,
        );
    }

    /// As [`RwClock::lock_write`], by a try, or with a timeout: it is part of no deadlock.
    pub fn try_lock_write(
        &mut self,
        kind: &'static SyncKind,
        created: impl Into<Origin>,
        locked: impl Into<Position>,
    ) {
        self.locked(
            held(kind, created.into(), locked.into()),
            Mode::Exclusive,
            Patience::Limited,
        );
    }

    /// It is about to give it back. `site` is where it was locked, for a thread that doesn't have it on its list.
    pub fn unlock_write(&mut self, kind: &'static SyncKind, site: impl Into<Position>) {
        local::enter(|thread| self.unlocked_write_by(thread, self.key(), kind, site.into()));
    }

    /// It is about to keep it, but for reading only: readers and writers after it see what it has written.
    pub fn downgrade(&mut self, kind: &'static SyncKind, site: impl Into<Position>) {
        local::enter(|thread| self.downgraded_by(thread, self.key(), kind, site.into()));
    }

    /// The calling thread has exclusive access, by `&mut` or ownership: whatever was released is over.
    pub fn exclusive(&mut self, kind: &'static SyncKind, site: impl Into<Position>) {
        local::enter(|thread| self.exclusive_by(thread, kind, site.into()));
    }

    /// What tells it from other locks while it is held.
    fn key(&self) -> usize {
        ptr::from_ref(self).addr()
    }

    fn locked(&self, lock: HeldLock, mode: Mode, patience: Patience) {
        local::enter(|thread| self.locked_by(thread, self.key(), lock, mode, patience));
    }

    /// `thread` has just got the real lock, which is known by `key` while it is held.
    pub(crate) fn locked_by(
        &self,
        thread: &mut ThreadState,
        key: usize,
        lock: HeldLock,
        mode: Mode,
        patience: Patience,
    ) {
        let HeldLock { kind, locked, .. } = lock;
        let id = self.writes.id.lock(mode);
        let is_order =
            deadlock::order::enter_lock(thread, id, mode, &lock, patience, &self.writes.id);
        thread.acquire_by(&self.writes, kind, Some(locked), is_order);
        if mode == Mode::Exclusive {
            self.reads.acquired_by(thread, kind, locked, is_order);
        }
        thread.held.push(key, id.number(), mode, lock);
    }

    /// `thread` is about to give it back after reading.
    pub(crate) fn unlocked_read_by(
        &self,
        thread: &mut ThreadState,
        key: usize,
        kind: &'static SyncKind,
        site: Position,
    ) {
        let locked = self.let_go(thread, key, Mode::Shared);
        self.reads.released_by(thread, kind, locked.unwrap_or(site));
    }

    /// `thread` is about to give it back after writing.
    pub(crate) fn unlocked_write_by(
        &mut self,
        thread: &mut ThreadState,
        key: usize,
        kind: &'static SyncKind,
        site: Position,
    ) {
        let locked = self.let_go(thread, key, Mode::Exclusive);
        self.release_by(thread, kind, locked.unwrap_or(site));
    }

    /// `thread` is about to keep it for reading only.
    pub(crate) fn downgraded_by(
        &mut self,
        thread: &mut ThreadState,
        key: usize,
        kind: &'static SyncKind,
        site: Position,
    ) {
        self.writes.id.downgrade();
        thread.held.downgrade(key);
        self.release_by(thread, kind, site);
    }

    fn release_by(&mut self, thread: &mut ThreadState, kind: &'static SyncKind, site: Position) {
        // The writer has acquired what the readers had released: its own clock says it all.
        self.reads = SyncObject::new();
        thread.release_into(&mut self.writes, kind, Some(site));
    }

    pub(super) fn exclusive_by(
        &self,
        thread: &mut ThreadState,
        kind: &'static SyncKind,
        site: Position,
    ) {
        thread.acquire(&self.writes, kind, Some(site));
        self.reads.acquired_by(thread, kind, site, true);
    }

    /// Which lock it is, 0 if nobody has locked it yet.
    pub(super) fn number(&self) -> u64 {
        self.writes.id.word().number()
    }

    /// The lock is no more, and is held by readers if this says so: see [`LockId::end`](super::lock_id::LockId::end). Inside the engine.
    pub(super) fn end(&mut self, is_read: bool) {
        self.writes.id.end(is_read);
    }

    /// Whether its edges are order, if `thread` takes it now.
    pub(crate) fn is_order(&self, thread: &ThreadState, patience: Patience) -> bool {
        deadlock::order::is_order(thread, self.writes.id.word(), patience)
    }

    /// See [`SyncClock::hand_over`].
    pub(crate) fn hand_over_by(
        &self,
        thread: &mut ThreadState,
        kind: &'static SyncKind,
        site: Position,
    ) {
        self.writes.hand_over_by(thread, kind, site);
    }

    /// Where the calling thread locked it.
    fn let_go(&self, thread: &mut ThreadState, key: usize, mode: Mode) -> Option<Position> {
        let held = thread.held.pop(key);
        self.writes.id.unlock(mode, held.as_ref());
        held.map(|held| held.locked)
    }
}

fn held(kind: &'static SyncKind, created: Origin, locked: Position) -> HeldLock {
    HeldLock {
        kind,
        created,
        locked,
    }
}
