//! Barriers: every arrival happens before every return of the same generation.
//!
//! Which arrivals make a generation only the real barrier knows. But while no more threads are at it than a generation has, they are the first ones,
//! then the next, and so on: for a later one to be counted before an earlier, all of the earlier generation and the newcomer would have to be there.
//! Once more have been, it isn't known any more, and every arrival so far counts.

use std::sync::Arc;

use super::table::Table;
use crate::fork::Lock;
use crate::stack::position::Position;
use crate::sync::{SyncKind, SyncObject};
use crate::thread::local;

#[derive(Default)]
struct Barrier {
    /// How many make a generation; 0 if nobody has seen it made.
    size: usize,
    /// How many have come since the last one was complete.
    came: usize,
    /// How many have come and not left.
    present: usize,
    /// Whether there were ever more than a generation has.
    is_mixed: bool,
    /// What those of this generation have released.
    generation: Arc<SyncObject>,
    /// What all have.
    all: SyncObject,
}

static BARRIERS: Table<Lock<Barrier>> = Table::new();

pub(super) fn forget(address: usize, size: usize) {
    BARRIERS.forget(address, size);
}

/// A barrier for `size` threads has just been made at `address`.
pub fn barrier_made(address: usize, size: usize) {
    local::enter_bare(|| {
        super::forget_inside(address, 1);
        BARRIERS.at(address).lock().size = size;
    });
}

/// A thread at a barrier.
#[must_use = "who has come must leave"]
pub struct Arrival(Option<(Arc<Lock<Barrier>>, Arc<SyncObject>)>);

impl std::fmt::Debug for Arrival {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Arrival").finish_non_exhaustive()
    }
}

/// The calling thread is about to wait at the barrier at `address`.
pub fn arrive(address: usize, kind: &'static SyncKind, site: impl Into<Position>) -> Arrival {
    let site = site.into();
    Arrival(local::enter(|thread| {
        let known = BARRIERS.at(address);
        let mut barrier = known.lock();
        barrier.present += 1;
        barrier.is_mixed |= barrier.present > barrier.size;
        let generation = barrier.generation.clone();
        generation.released_by(thread, kind, site);
        barrier.all.released_by(thread, kind, site);
        barrier.came += 1;
        if barrier.came == barrier.size {
            barrier.came = 0;
            barrier.generation = Arc::default();
        }
        drop(barrier);
        (known, generation)
    }))
}

impl Arrival {
    /// It has come back.
    pub fn leave(self, kind: &'static SyncKind, site: impl Into<Position>) {
        let site = site.into();
        if let Some((barrier, generation)) = self.0 {
            local::enter(|thread| {
                let mut barrier = barrier.lock();
                barrier.present -= 1;
                generation.acquired_by(thread, kind, site, true);
                if barrier.is_mixed {
                    barrier.all.acquired_by(thread, kind, site, true);
                }
            });
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;

    use super::*;
    use crate::epoch::Epoch;
    use crate::sync::addressed::forget;
    use crate::sync::addressed::tests::{knows, site};

    static KIND: SyncKind = SyncKind {
        name: "barrier",
        release: "came to a barrier",
        acquire: "left it",
    };

    fn come(address: usize) -> (Arrival, Epoch) {
        let before = local::enter(|thread| thread.epoch()).unwrap();
        (arrive(address, &KIND, site()), before)
    }

    /// What happens in another thread, whose end nobody waits for.
    fn elsewhere<R: Send + 'static>(f: impl FnOnce() -> R + Send + 'static) -> R {
        let (tx, rx) = channel();
        thread::spawn(move || tx.send(f()));
        rx.recv().unwrap()
    }

    #[test]
    fn a_generation_knows_its_own_arrivals_only() {
        let address = 0x100;
        barrier_made(address, 2);
        let (theirs, first) = elsewhere(move || come(address));
        let (mine, _) = come(address);
        // Both are there. One leaves, and is back before the other has left.
        let second = elsewhere(move || {
            theirs.leave(&KIND, site());
            come(address).1
        });
        mine.leave(&KIND, site());
        assert!(knows(first) && !knows(second));
        forget(address, 1);
    }

    #[test]
    fn with_more_threads_than_a_generation_has_all_arrivals_count() {
        let address = 0x200;
        barrier_made(address, 2);
        let (mine, _) = come(address);
        let others = [(); 2].map(|()| elsewhere(move || come(address)));
        mine.leave(&KIND, site());
        assert!(others.iter().all(|(_, epoch)| knows(*epoch)));
        forget(address, 1);
    }

    #[test]
    fn of_a_barrier_that_nobody_saw_made_all_arrivals_count() {
        let address = 0x300;
        let (mine, _) = come(address);
        let (_theirs, epoch) = elsewhere(move || come(address));
        mine.leave(&KIND, site());
        assert!(knows(epoch));
        forget(address, 1);
    }
}
