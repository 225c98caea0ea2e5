//! Locks of code that says which ones it has, beside its atomics: what a thread holds, the order in which locks are taken, and who waits for whom.
//!
//! What they order is seen already, in their own loads and stores. So nothing may be ordered here that these don't order. One thing about them has to be
//! known first: what the atomics of a lock that nests teach a thread is no more order, in the sense of `deadlock::order`, than the lock's own edges. For
//! that a thread says when it begins to lock, and when it has done so.

use std::fmt;

use crate::deadlock::{Mode, OwnLock, Patience, Waiting, Wanted};
use crate::fork::{Lock, PerProcess};
use crate::stack::depot::HeldLock;
use crate::stack::position::Position;
use crate::sync::rw::RwClock;
use crate::sync::{Origin, SyncKind};
use crate::thread::local;

/// What is known of one lock, for as long as it is there.
///
/// # Example
///
/// ```
/// use std::panic::Location;
/// use race_core::deadlock::Mode;
/// use race_core::instrumented::lock::{KnownLock, Way, end_locking};
///
/// let here = Location::caller();
/// let lock = KnownLock::new(["SpinLock", "unlocked a SpinLock", "locked it"], here);
/// let way = Way { mode: Mode::Exclusive, waits: true };
/// let nests = lock.begin_locking(way);
/// // The real lock.
/// lock.locked(way, here);
/// if nests {
///     end_locking();
/// }
/// lock.unlock(way.mode, here);
/// ```
pub struct KnownLock {
    kind: &'static SyncKind,
    created: Origin,
    clock: Lock<RwClock>,
}

/// How a thread takes a lock.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// As a mutex is, or as a reader.
    pub mode: Mode,
    /// Whether the thread waits, or would have waited, for as long as it takes.
    pub waits: bool,
}

impl Way {
    fn patience(self) -> Patience {
        if self.waits {
            Patience::Endless
        } else {
            Patience::Limited
        }
    }
}

impl KnownLock {
    /// One that nobody has had. `words` are those of a [`SyncKind`], in their order.
    pub fn new(words: [&str; 3], created: impl Into<Origin>) -> KnownLock {
        KnownLock {
            kind: kept(words),
            created: created.into(),
            clock: Lock::default(),
        }
    }

    /// The calling thread is about to take the real lock, or to try. Returns whether that nests, so that there is something for [`end_locking`] to end.
    pub fn begin_locking(&self, way: Way) -> bool {
        local::enter_unordered(|thread| {
            let is_order = self.clock.lock().is_order(thread, way.patience());
            thread.in_nesting_lock = !is_order;
            !is_order
        })
        .unwrap_or(false)
    }

    /// The calling thread can't have the real lock at once.
    ///
    /// # Errors
    ///
    /// As [`Wanted::begin`].
    pub fn wait(
        &self,
        mode: Mode,
        site: &'static std::panic::Location<'static>,
    ) -> Result<Waiting, OwnLock> {
        let wanted = Wanted {
            address: self.key(),
            mode,
            kind: self.kind,
            created: self.created,
            site,
        };
        wanted.begin()
    }

    /// The calling thread has just taken the real lock.
    pub fn locked(&self, way: Way, site: impl Into<Position>) {
        let lock = HeldLock {
            kind: self.kind,
            created: self.created,
            locked: site.into(),
        };
        local::enter(|thread| {
            let clock = self.clock.lock();
            clock.locked_by(thread, self.key(), lock, way.mode, way.patience());
        });
    }

    /// The calling thread is about to give the real lock back.
    pub fn unlock(&self, mode: Mode, site: impl Into<Position>) {
        let site = site.into();
        local::enter(|thread| {
            let mut clock = self.clock.lock();
            match mode {
                Mode::Shared => clock.unlocked_read_by(thread, self.key(), self.kind, site),
                Mode::Exclusive => clock.unlocked_write_by(thread, self.key(), self.kind, site),
            }
        });
    }

    /// The calling thread is about to keep the real lock as a reader.
    pub fn downgrade(&self, site: impl Into<Position>) {
        let site = site.into();
        local::enter(|thread| {
            let mut clock = self.clock.lock();
            clock.downgraded_by(thread, self.key(), self.kind, site);
        });
    }

    /// The calling thread has the real lock, and uses it with a condition variable: see [`SyncClock::hand_over`](crate::sync::SyncClock::hand_over).
    pub fn hand_over(&self, site: impl Into<Position>) {
        let site = site.into();
        local::enter(|thread| self.clock.lock().hand_over_by(thread, self.kind, site));
    }

    /// What tells it from other locks while it is held.
    fn key(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

impl fmt::Debug for KnownLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.name, self.created)
    }
}

/// Ends what [`KnownLock::begin_locking`] has begun on this thread.
pub fn end_locking() {
    local::enter_unordered(|thread| thread.in_nesting_lock = false);
}

/// The kind, for as long as the program runs: there are few.
fn kept([name, release, acquire]: [&str; 3]) -> &'static SyncKind {
    static KINDS: PerProcess<Lock<Vec<&'static SyncKind>>> = PerProcess::new();
    let find = || {
        let mut kinds = KINDS.get().lock();
        let known = kinds
            .iter()
            .find(|known| (known.name, known.release, known.acquire) == (name, release, acquire));
        known.copied().unwrap_or_else(|| {
            let [name, release, acquire] =
                [name, release, acquire].map(|text| &*text.to_owned().leak());
            let kind = Box::leak(Box::new(SyncKind {
                name,
                release,
                acquire,
            }));
            kinds.push(kind);
            kind
        })
    };
    local::enter_bare(find).unwrap_or(&UNKNOWN)
}

/// A lock that is first used inside the engine.
static UNKNOWN: SyncKind = SyncKind {
    name: "lock",
    release: "unlocked a lock",
    acquire: "locked it",
};

#[cfg(all(test, not(loom)))]
mod tests {
    use std::panic::Location;

    use super::*;

    #[test]
    fn a_thread_takes_a_lock_that_nests_from_when_it_says_so_until_it_has_it() {
        let lock = || KnownLock::new(["lock", "unlocked", "locked"], Location::caller());
        let (outer, inner) = (lock(), lock());
        let waits = Way {
            mode: Mode::Exclusive,
            waits: true,
        };
        let tries = Way {
            waits: false,
            ..waits
        };
        let is_taking = || local::enter(|thread| thread.in_nesting_lock).unwrap();
        let begin = |lock: &KnownLock, way: Way| {
            let nests = lock.begin_locking(way);
            assert_eq!(is_taking(), nests);
            end_locking();
            assert!(!is_taking());
            nests
        };
        assert!(!begin(&outer, waits) && !begin(&inner, waits));
        outer.locked(waits, Position::of_code(2));
        // Who only tries waits for nobody.
        assert!(!begin(&inner, tries) && begin(&inner, waits));
        inner.locked(waits, Position::of_code(3));
        inner.unlock(Mode::Exclusive, Position::of_code(4));
        outer.unlock(Mode::Exclusive, Position::of_code(5));
        // From then on, whoever takes it, and however.
        assert!(begin(&inner, tries) && begin(&outer, waits));
    }
}
