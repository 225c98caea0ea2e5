//! `arc_swap`: a store happens before the load that sees it, or what replaced it, and before no other.

use std::sync::Arc;

use racecheck::arc_swap::{ArcSwap, ArcSwapOption, Guard};
use racecheck::{Shared, thread};

use crate::{none, one_after_the_other, races};

type Swap = ArcSwap<u32>;

const STORES: [fn(&Swap); 5] = [
    |swap| swap.store(Arc::new(1)),
    |swap| drop(swap.swap(Arc::new(1))),
    |swap| drop(swap.rcu(|n| **n + 1)),
    |swap| drop(swap.compare_and_swap(swap.load(), Arc::new(1))),
    |swap| drop(swap.compare_and_swap(&swap.load_full(), Arc::new(1))),
];
const LOADS: [fn(&Swap); 8] = [
    |swap| assert_eq!(**swap.load(), 1),
    |swap| assert_eq!(*swap.load_full(), 1),
    |swap| assert_eq!(*swap.swap(Arc::new(2)), 1),
    |swap| swap.store(Arc::new(2)),
    |swap| assert_eq!(*swap.rcu(|n| **n + 1), 1),
    |swap| assert_eq!(**swap.compare_and_swap(&Arc::new(7), Arc::new(2)), 1),
    |swap| assert_eq!(format!("{swap}"), "1"),
    |swap| assert_eq!(*Guard::into_inner(swap.load()), 1),
];

fn program(write_first: bool, stores: fn(&Swap), loads: fn(&Swap)) -> (u32, u32) {
    let (value, swap) = (Shared::new(0), ArcSwap::from_pointee(0));
    one_after_the_other(
        || {
            let write = || at!(value.set(1));
            let early = write_first.then(write);
            stores(&swap);
            early.unwrap_or_else(write)
        },
        || {
            loads(&swap);
            at!(value.get())
        },
    )
}

#[test]
fn a_store_happens_before_the_load_that_sees_it() {
    for (store, load) in STORES.iter().flat_map(|s| LOADS.map(|l| (*s, l))) {
        none(|| program(true, store, load));
        races(|| program(false, store, load));
    }
}

#[test]
fn what_stores_nothing_orders_nothing() {
    races(|| {
        program(
            true,
            |swap| assert_eq!(**swap.load(), 0),
            |swap| drop(swap.load()),
        )
    });
    let fails: fn(&Swap) = |swap| drop(swap.compare_and_swap(&Arc::new(7), Arc::new(1)));
    races(|| program(true, fails, |swap| assert_eq!(**swap.load(), 0)));
}

/// What was loaded before the store is not after it.
#[test]
fn an_older_snapshot_orders_nothing() {
    races(|| {
        let (value, swap) = (Shared::new(0), ArcSwap::from_pointee(0));
        let old = swap.load();
        thread::scope(|s| {
            let storer = s.spawn(|| {
                let line = at!(value.set(1));
                swap.store(Arc::new(1));
                line
            });
            crate::wait_for_scoped(&storer);
            assert_eq!((**old, *old.clone()), (0, 0));
            let read = at!(value.get());
            (storer.join().unwrap(), read)
        })
    });
}

/// A store is a swap: it comes after the one that it replaces, and who sees it comes after both.
#[test]
fn who_sees_a_store_knows_those_before_it() {
    none(|| {
        let (value, swap) = (Shared::new(0), ArcSwapOption::empty());
        let ((), ()) = one_after_the_other(
            || {
                value.set(1);
                swap.store(Some(Arc::new(1)));
            },
            || {
                let ((), ()) = one_after_the_other(
                    || swap.store(None),
                    || {
                        assert!(swap.load().is_none());
                        value.get();
                    },
                );
            },
        );
    });
}

/// The same `Arc` twice: its clock is that of the store that the load sees.
#[test]
fn a_value_stored_twice_is_two_snapshots() {
    let program = |again: bool| {
        let (value, shared) = (Shared::new(0), Arc::new(1));
        let swap = ArcSwap::new(shared.clone());
        one_after_the_other(
            || {
                let line = at!(value.set(1));
                if again {
                    swap.store(shared.clone());
                }
                line
            },
            || {
                assert!(Arc::ptr_eq(&swap.load(), &shared));
                at!(value.get())
            },
        )
    };
    none(|| program(true));
    races(|| program(false));
}

#[test]
fn snapshots_under_contention() {
    none(|| {
        let swap = ArcSwap::from_pointee(Shared::new(0));
        thread::scope(|s| {
            for _ in 0..2 {
                s.spawn(|| {
                    for _ in 0..50 {
                        swap.rcu(|last| {
                            let next = Shared::new(0);
                            next.set(last.get() + 1);
                            next
                        });
                    }
                });
                s.spawn(|| {
                    while swap.load().get() < 100 {
                        thread::yield_now();
                    }
                });
            }
        });
        assert_eq!(swap.into_inner().get(), 100);
    });
}
