//! Uses the API of `lib::arc_swap`, and says what it saw.

use std::panic::{RefUnwindSafe, UnwindSafe};
use std::ptr;
use std::sync::Arc;
use std::thread;

use super::lib::arc_swap::{ArcSwap, ArcSwapOption, Guard};
use crate::Results;

pub(crate) fn results() -> Results {
    let mut results = Results::default();
    one_thread(&mut results);
    options(&mut results);
    compare_and_swap(&mut results);
    counts(&mut results);
    threads(&mut results);
    auto_traits();
    results
}

fn one_thread(results: &mut Results) {
    let swap = ArcSwap::from_pointee(1);
    results.saw("swap", (&swap, swap.to_string()));
    let guard = swap.load();
    results.saw("guard", (&guard, guard.to_string(), **guard));
    swap.store(Arc::new(2));
    results.saw("old", Guard::into_inner(guard));
    results.saw("swapped", swap.swap(Arc::new(3)));
    results.saw("full", swap.load_full());
    results.saw("rcu", swap.rcu(|value| **value + 1));
    results.saw("rcu", swap.rcu(|value| Arc::new(**value * 2)));
    results.saw("inner", swap.into_inner());
    results.saw("new", ArcSwap::new(Arc::new('a')));
    results.saw("from", ArcSwap::from(Arc::new('b')));
    results.saw("default", ArcSwap::<u8>::default());
    let guards: [Guard<Arc<u8>>; 3] = [
        Guard::from_inner(Arc::new(1)),
        Arc::new(2).into(),
        Guard::default(),
    ];
    results.saw("guards", guards);
}

fn options(results: &mut Results) {
    results.saw("empty", ArcSwapOption::<u8>::empty());
    results.saw("default", ArcSwapOption::<u8>::default());
    results.saw("none", ArcSwapOption::<u8>::from_pointee(None));
    let swap = ArcSwapOption::from_pointee(1);
    results.saw("some", (&swap, swap.load().as_deref()));
    results.saw("swapped", swap.swap(None));
    results.saw("none", swap.load().is_none());
    let next = |value: &Option<Arc<u8>>| value.as_ref().map_or(7, |value| **value + 1);
    results.saw("rcu", swap.rcu(|value| Some(Arc::new(next(value)))));
    results.saw("rcu", swap.rcu(|value| Some(Arc::new(next(value)))));
    results.saw("inner", swap.into_inner());
}

fn compare_and_swap(results: &mut Results) {
    let values = [1, 2, 3].map(Arc::new);
    let [a, b, c] = values.each_ref();
    let swap = ArcSwap::new(a.clone());
    results.saw("other", swap.compare_and_swap(b, c.clone()));
    results.saw("same", swap.compare_and_swap(a, b.clone()));
    results.saw("pointer", swap.compare_and_swap(Arc::as_ptr(b), c.clone()));
    results.saw("guard", swap.compare_and_swap(swap.load(), a.clone()));
    let guard = &swap.load();
    results.saw("guard", swap.compare_and_swap(guard, b.clone()));
    let pointer = Arc::as_ptr(b).cast_mut();
    results.saw("pointer", swap.compare_and_swap(pointer, a.clone()));
    // A value that came back is the same.
    let before = swap.load();
    swap.store(b.clone());
    swap.store(a.clone());
    results.saw("back", swap.compare_and_swap(&before, c.clone()));
    results.saw("end", swap);
    let option = ArcSwapOption::empty();
    results.saw(
        "none",
        option.compare_and_swap(&None::<Arc<_>>, Some(a.clone())),
    );
    results.saw(
        "null",
        option.compare_and_swap(ptr::null(), Some(b.clone())),
    );
    results.saw("some", option.compare_and_swap(a, None));
    results.saw("end", option);
    results.saw("counts", values.each_ref().map(Arc::strong_count));
}

/// The values are dropped when they are with the crate's own.
fn counts(results: &mut Results) {
    let (first, second) = (Arc::new(1), Arc::new(2));
    let counts = || (Arc::strong_count(&first), Arc::strong_count(&second));
    let swap = ArcSwap::new(first.clone());
    results.saw("new", counts());
    let full = swap.load_full();
    results.saw("load_full", counts());
    swap.store(second.clone());
    results.saw("store", counts());
    let guard = swap.load();
    drop(swap.swap(first.clone()));
    drop(guard);
    results.saw("swap", counts());
    drop(swap.rcu(|_| second.clone()));
    results.saw("rcu", counts());
    drop(swap.compare_and_swap(&second, first.clone()));
    results.saw("compare_and_swap", counts());
    drop(full);
    drop(swap);
    results.saw("dropped", counts());
    let owned = Arc::try_unwrap(ArcSwap::from_pointee(3).into_inner());
    results.saw("into_inner", owned);
}

fn threads(results: &mut Results) {
    let swap = ArcSwap::from_pointee(0);
    let values = [0, 1000].map(Arc::new);
    thread::scope(|s| {
        for _ in 0..4 {
            s.spawn(|| {
                for _ in 0..200 {
                    swap.rcu(|n| **n + 1);
                }
            });
        }
        s.spawn(|| {
            let mut last = 0;
            while last < 800 {
                let now = **swap.load();
                assert!(now >= last);
                last = now;
            }
        });
    });
    results.saw("rcu", swap.load_full());
    let turns = ArcSwap::new(values[0].clone());
    thread::scope(|s| {
        for side in [0, 1] {
            let (turns, values) = (&turns, &values);
            s.spawn(move || {
                for _ in 0..100 {
                    let (mine, other) = (&values[side], &values[1 - side]);
                    while !Arc::ptr_eq(&turns.compare_and_swap(mine, other.clone()), mine) {
                        thread::yield_now();
                    }
                }
            });
        }
    });
    results.saw("turns", turns);
}

fn auto_traits() {
    fn all<T: Send + Sync + UnwindSafe + RefUnwindSafe>() {}
    all::<ArcSwap<u8>>();
    all::<ArcSwapOption<u8>>();
    all::<Guard<Arc<u8>>>();
}
