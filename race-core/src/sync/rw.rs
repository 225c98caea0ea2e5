//! The clocks of a read-write lock: what a writer releases everybody acquires, what a reader releases only writers do.
//!
//! Readers don't order one another: two of them may hold the lock at once, and which of two unlocks came first means nothing to the other
//! (scenario fake-07).

use std::panic::Location;
use std::ptr;

use crate::primitive::const_fn;
use crate::stack::depot::HeldLock;
use crate::sync::{Origin, SyncClock, SyncKind, SyncObject};
use crate::thread::local;

/// The clocks of a read-write lock, to be kept beside the real one.
///
/// Whoever has the real lock for reading may use it by shared reference, whoever has it for writing by `&mut`. It must not move while the lock is held:
/// its address tells locks apart. 56 bytes, `const` to make.
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

    /// The calling thread has just got the real lock for reading.
    pub fn lock_read(
        &self,
        kind: &'static SyncKind,
        created: impl Into<Origin>,
        locked: &'static Location<'static>,
    ) {
        self.writes.acquire(kind, locked);
        self.hold(kind, created, locked);
    }

    /// It is about to give it back. `site` is where it was locked, for a thread that doesn't have it on its list.
    pub fn unlock_read(&self, kind: &'static SyncKind, site: &'static Location<'static>) {
        let locked = self.let_go();
        self.reads.release(kind, locked.unwrap_or(site));
    }

    /// The calling thread has just got the real lock for writing.
    pub fn lock_write(
        &mut self,
        kind: &'static SyncKind,
        created: impl Into<Origin>,
        locked: &'static Location<'static>,
    ) {
        self.exclusive(kind, locked);
        self.hold(kind, created, locked);
    }

    /// It is about to give it back. `site` is where it was locked, for a thread that doesn't have it on its list.
    pub fn unlock_write(&mut self, kind: &'static SyncKind, site: &'static Location<'static>) {
        let locked = self.let_go();
        self.release(kind, locked.unwrap_or(site));
    }

    /// It is about to keep it, but for reading only: readers and writers after it see what it has written.
    pub fn downgrade(&mut self, kind: &'static SyncKind, site: &'static Location<'static>) {
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

    fn hold(
        &self,
        kind: &'static SyncKind,
        created: impl Into<Origin>,
        locked: &'static Location<'static>,
    ) {
        let lock = HeldLock {
            kind,
            created: created.into(),
            locked,
        };
        local::enter(|thread| thread.push_held(ptr::from_ref(self).addr(), lock));
    }

    /// Where the calling thread locked it.
    fn let_go(&self) -> Option<&'static Location<'static>> {
        local::enter(|thread| thread.pop_held(ptr::from_ref(self).addr())).flatten()
    }
}
