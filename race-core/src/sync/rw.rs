//! The clocks of a read-write lock: what a writer releases everybody acquires, what a reader releases only writers do.
//!
//! Readers don't order one another: two of them may hold the lock at once, and which of two unlocks came first means nothing to the other
//! (scenario fake-07).

use std::panic::Location;
use std::ptr;

use crate::deadlock::{self, Mode, Patience};
use crate::primitive::const_fn;
use crate::stack::depot::HeldLock;
use crate::sync::{Origin, SyncClock, SyncKind, SyncObject};
use crate::thread::local;

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
        locked: &'static Location<'static>,
    ) {
        self.read(kind, created, locked, Patience::Endless);
    }

    /// As [`RwClock::lock_read`], by a try, or with a timeout: it is part of no deadlock.
    pub fn try_lock_read(
        &self,
        kind: &'static SyncKind,
        created: impl Into<Origin>,
        locked: &'static Location<'static>,
    ) {
        self.read(kind, created, locked, Patience::Limited);
    }

    fn read(
        &self,
        kind: &'static SyncKind,
        created: impl Into<Origin>,
        locked: &'static Location<'static>,
        patience: Patience,
    ) {
        self.locked(kind, created, locked, Mode::Shared, patience);
    }

    /// It is about to give it back. `site` is where it was locked, for a thread that doesn't have it on its list.
    pub fn unlock_read(&self, kind: &'static SyncKind, site: &'static Location<'static>) {
        let locked = self.let_go(Mode::Shared);
        self.reads.release(kind, locked.unwrap_or(site));
    }

    /// The calling thread has just got the real lock for writing, and would have waited for it.
    pub fn lock_write(
        &mut self,
        kind: &'static SyncKind,
        created: impl Into<Origin>,
        locked: &'static Location<'static>,
    ) {
        self.locked(kind, created, locked, Mode::Exclusive, Patience::Endless);
    }

    /// As [`RwClock::lock_write`], by a try, or with a timeout: it is part of no deadlock.
    pub fn try_lock_write(
        &mut self,
        kind: &'static SyncKind,
        created: impl Into<Origin>,
        locked: &'static Location<'static>,
    ) {
        self.locked(kind, created, locked, Mode::Exclusive, Patience::Limited);
    }

    /// It is about to give it back. `site` is where it was locked, for a thread that doesn't have it on its list.
    pub fn unlock_write(&mut self, kind: &'static SyncKind, site: &'static Location<'static>) {
        let locked = self.let_go(Mode::Exclusive);
        self.release(kind, locked.unwrap_or(site));
    }

    /// It is about to keep it, but for reading only: readers and writers after it see what it has written.
    pub fn downgrade(&mut self, kind: &'static SyncKind, site: &'static Location<'static>) {
        self.writes.id.downgrade();
        local::enter(|thread| thread.held.downgrade(ptr::from_ref(self).addr()));
        self.release(kind, site);
    }

    /// The calling thread has exclusive access, by `&mut` or ownership: whatever was released is over.
    pub fn exclusive(&mut self, kind: &'static SyncKind, site: &'static Location<'static>) {
        self.writes.acquire(kind, site);
        self.reads.acquire(kind, site);
    }

    fn release(&mut self, kind: &'static SyncKind, site: &'static Location<'static>) {
        // The writer has acquired what the readers had released: its own clock says it all.
        self.reads = SyncObject::new();
        self.writes.release(kind, site);
    }

    fn locked(
        &self,
        kind: &'static SyncKind,
        created: impl Into<Origin>,
        locked: &'static Location<'static>,
        mode: Mode,
        patience: Patience,
    ) {
        let lock = HeldLock {
            kind,
            created: created.into(),
            locked,
        };
        local::enter(|thread| {
            let id = self.writes.id.lock(mode);
            let is_order =
                deadlock::order::enter_lock(thread, id, mode, &lock, patience, &self.writes.id);
            thread.acquire_by(&self.writes, kind, Some(locked.into()), is_order);
            if mode == Mode::Exclusive {
                self.reads.acquired_by(thread, kind, locked, is_order);
            }
            let key = ptr::from_ref(self).addr();
            thread.held.push(key, id.number(), mode, lock);
        });
    }

    /// Where the calling thread locked it.
    fn let_go(&self, mode: Mode) -> Option<&'static Location<'static>> {
        local::enter(|thread| {
            let held = thread.held.pop(ptr::from_ref(self).addr());
            self.writes.id.unlock(mode, held.as_ref());
            held.map(|held| held.locked)
        })
        .flatten()
    }
}
