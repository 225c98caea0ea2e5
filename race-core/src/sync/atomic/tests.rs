//! The lock of a clock: held until it is dropped, or taken over after a `fork`. What the clock means is tested against vectors, and under loom.

use super::*;

#[test]
fn a_lock_is_held_until_it_is_dropped() {
    let clock = AtomicClock::new();
    let locked = clock.lock();
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
    let generations_later = 1 << COUNT.count_ones();
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
