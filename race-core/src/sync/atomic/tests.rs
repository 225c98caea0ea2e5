//! The lock of a clock, held until it is dropped or taken over after a `fork`; and near misses. What the clock orders is tested against vectors,
//! and under loom.

use super::*;
use crate::own_process::in_its_own_process;
use crate::thread::Handle;

#[test]
fn a_lock_is_held_until_it_is_dropped() {
    let clock = AtomicClock::new();
    let locked = clock.lock();
    let generation = u64::from(fork::generation());
    assert_eq!(clock.sequence.load(Relaxed), generation << GENERATION | 1);
    assert!(clock.try_lock().is_none());
    assert!(clock.take_over().is_none());
    drop(locked);
    assert!(clock.take_over().is_none());
    assert_eq!(clock.sequence.load(Relaxed), 2);
    assert!(clock.try_lock().is_some());
}

#[test]
fn a_lock_from_before_a_fork_is_taken_over_with_nothing_in_it() {
    let clock = AtomicClock::new();
    let generations_later = 1 << GENERATION;
    clock
        .sequence
        .store(locked_here(6) + generations_later, Relaxed);
    clock.epoch.store(Epoch::new(3, 7).bits(), Relaxed);
    // Its owner may have freed it.
    clock.base.store(ptr::without_provenance_mut(8), Relaxed);
    let locked = clock.lock();
    assert!(clock.try_lock().is_none());
    let carried = locked.carried();
    assert!(carried.clock.is_empty() && carried.unreleased.is_none());
    drop(locked);
    assert_eq!(clock.sequence.load(Relaxed), 8);
}

#[test]
fn a_sequence_number_starts_again() {
    let clock = AtomicClock::new();
    clock.sequence.store(COUNT - 1, Relaxed);
    drop(clock.lock());
    assert_eq!(clock.sequence.load(Relaxed), 0);
    drop(clock.lock());
    assert_eq!(clock.sequence.load(Relaxed), 2);
}

/// Who reads what somebody stored without being ordered after it: the epoch and the place of that store, whether it releases, whether the load
/// acquires.
type Miss = Option<(Epoch, Site, bool, bool)>;

struct Pair {
    clock: AtomicClock,
    storing: ThreadState,
    loading: ThreadState,
}

impl Pair {
    fn new() -> Pair {
        Pair {
            clock: AtomicClock::new(),
            storing: Handle::root(VectorClock::new()),
            loading: Handle::root(VectorClock::new()),
        }
    }

    /// Stores; returns the epoch that it did so in.
    fn store(&mut self, order: Ordering) -> Epoch {
        let epoch = self.storing.epoch();
        self.clock
            .store_by(&mut self.storing, order, store_site(), |_| ());
        epoch
    }

    fn add(&mut self, order: Ordering) -> Epoch {
        let epoch = self.storing.epoch();
        self.clock
            .rmw_by(&mut self.storing, order, store_site(), |_| ());
        epoch
    }

    fn load(&mut self, order: Ordering) -> Miss {
        self.clock
            .load_by(&mut self.loading, order, load_site(), |_| ());
        self.missed()
    }

    /// The latest near miss of the loading thread with a store of the storing one.
    fn missed(&self) -> Miss {
        let first = Epoch::new(self.storing.epoch().slot(), 1);
        self.loading.near_miss_after(first).map(|miss| {
            assert_eq!(miss.loaded, Some(load_site()));
            (
                miss.epoch,
                miss.stored,
                miss.store_releases,
                miss.load_acquires,
            )
        })
    }
}

fn store_site() -> Position {
    Location::caller().into()
}

fn load_site() -> Position {
    Location::caller().into()
}

fn fence_site() -> Position {
    Location::caller().into()
}

/// On a thread of its own: a state publishes its epoch to the fast path of whoever runs it.
fn with_a_pair(test: impl FnOnce(Pair) + Send + 'static) {
    std::thread::spawn(|| test(Pair::new())).join().unwrap();
}

#[test]
fn a_load_without_its_order_is_a_near_miss() {
    let stored = Some(store_site());
    for acquire in [Acquire, SeqCst] {
        with_a_pair(move |mut pair| {
            let epoch = pair.store(Relaxed);
            assert_eq!(pair.load(acquire), Some((epoch, stored, false, true)));
        });
        with_a_pair(move |mut pair| {
            pair.store(Release);
            assert_eq!(pair.load(acquire), None);
        });
    }
    with_a_pair(move |mut pair| {
        let epoch = pair.store(Relaxed);
        assert_eq!(pair.load(Relaxed), Some((epoch, stored, false, false)));
    });
    with_a_pair(move |mut pair| {
        let epoch = pair.store(Release);
        assert_eq!(pair.load(Relaxed), Some((epoch, stored, true, false)));
    });
    // With a release fence before it, a relaxed store has its order from there.
    with_a_pair(move |mut pair| {
        let epoch = pair.storing.epoch();
        fence_by(&mut pair.storing, Release, fence_site());
        pair.store(Relaxed);
        assert_eq!(
            pair.load(Relaxed),
            Some((epoch, Some(fence_site()), true, false))
        );
    });
}

#[test]
fn an_own_or_known_store_is_no_near_miss() {
    with_a_pair(|mut pair| {
        pair.store(Relaxed);
        let released = pair.storing.release(&ATOMIC, None);
        pair.loading.acquire(&released, &ATOMIC, None);
        assert_eq!(pair.load(Relaxed), None);
        pair.store(Release);
        pair.load(Acquire);
        assert_eq!(pair.load(Relaxed), None);
        assert!(pair.storing.near_miss_after(pair.loading.epoch()).is_none());
    });
}

#[test]
fn read_modify_writes_are_stores_too() {
    let stored = Some(store_site());
    // The first one, and one after another thread's.
    with_a_pair(move |mut pair| {
        let epoch = pair.add(Relaxed);
        assert_eq!(pair.load(Acquire), Some((epoch, stored, false, true)));
    });
    with_a_pair(move |mut pair| {
        let loading = &mut pair.loading;
        pair.clock.store_by(loading, Relaxed, load_site(), |_| ());
        let epoch = pair.add(Relaxed);
        assert_eq!(pair.load(Acquire), Some((epoch, stored, false, true)));
    });
    // One that releases nothing leaves the clock as it was.
    with_a_pair(move |mut pair| {
        let epoch = pair.store(Release);
        pair.add(Relaxed);
        assert_eq!(pair.load(Relaxed), Some((epoch, stored, true, false)));
    });
    // And is itself a load.
    with_a_pair(move |mut pair| {
        let epoch = pair.store(Relaxed);
        let loading = &mut pair.loading;
        pair.clock.rmw_by(loading, AcqRel, load_site(), |_| ());
        assert_eq!(pair.missed(), Some((epoch, stored, false, true)));
    });
}

/// A thread that waits for a flag in a loop must not forget what else it has seen.
#[test]
fn the_same_near_miss_is_noted_once() {
    with_a_pair(|mut pair| {
        let other = AtomicClock::new();
        let mut stranger = Handle::root(VectorClock::new());
        let epoch = stranger.epoch();
        other.store_by(&mut stranger, Relaxed, store_site(), |_| ());
        other.load_by(&mut pair.loading, Acquire, load_site(), |_| ());
        pair.store(Relaxed);
        for _ in 0..10 {
            pair.load(Acquire);
        }
        assert!(pair.missed().is_some());
        assert!(pair.loading.near_miss_after(epoch).is_some());
    });
}

/// Draws a line for the whole process.
#[test]
fn a_compare_exchange_in_a_handler_may_order_unless_both_sides_are_relaxed() {
    let test = "sync::atomic::tests::a_compare_exchange_in_a_handler_may_order_unless_both_sides_are_relaxed";
    in_its_own_process(test, || {
        let clock = AtomicClock::new();
        let may_order = |success, failure| {
            let epoch = local::enter(|thread| {
                thread.advance(&ATOMIC, None);
                thread.epoch()
            });
            let epoch = epoch.expect("the engine isn't at work");
            assert!(!registry::is_before_the_line(epoch));
            let door = local::begin_handler();
            let fails =
                clock.compare_exchange(success, failure, store_site(), |_| Err::<(), ()>(()));
            local::end_handler(door);
            assert_eq!(fails, Err(()));
            registry::is_before_the_line(epoch)
        };
        assert!(!may_order(Relaxed, Relaxed));
        for (success, failure) in [
            (Relaxed, Acquire),
            (Acquire, Relaxed),
            (Release, Relaxed),
            (AcqRel, Acquire),
            (SeqCst, SeqCst),
        ] {
            assert!(may_order(success, failure), "{success:?}, {failure:?}");
        }
    });
}
