//! Atomics and fences: release, acquire, release sequences.

use std::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};

use racecheck::Shared;
use racecheck::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, fence};

use crate::{none, one_after_the_other, races};

/// A payload written, a flag stored; the flag loaded, the payload read.
fn publish(store: Ordering, load: Ordering) -> (u32, u32) {
    let (value, flag) = (Shared::new(0), AtomicBool::new(false));
    one_after_the_other(
        || {
            let line = at!(value.set(1));
            flag.store(true, store);
            line
        },
        || {
            assert!(flag.load(load));
            at!(value.get())
        },
    )
}

#[test]
fn release_store_and_acquire_load_order() {
    for (store, load) in [
        (Release, Acquire),
        (SeqCst, Acquire),
        (Release, SeqCst),
        (SeqCst, SeqCst),
    ] {
        none(|| publish(store, load));
    }
}

#[test]
fn relaxed_on_either_side_is_a_race_on_the_payload() {
    let race = &races(|| publish(Relaxed, Acquire))[0];
    assert!(race.why()[0].contains("the store is relaxed"), "{race}");
    assert!(race.help().starts_with("make the store Release"), "{race}");
    let race = &races(|| publish(Release, Relaxed))[0];
    assert!(race.why()[0].contains("the load is relaxed"), "{race}");
    assert!(race.help().starts_with("make the load Acquire"), "{race}");
    let race = &races(|| publish(Relaxed, Relaxed))[0];
    assert!(race.why()[0].contains("both are relaxed"), "{race}");
}

/// Publication by fences; either can be left out.
fn fenced(release: bool, acquire: bool) -> (u32, u32) {
    let (value, flag) = (Shared::new(0), AtomicBool::new(false));
    one_after_the_other(
        || {
            let line = at!(value.set(1));
            if release {
                fence(Release);
            }
            flag.store(true, Relaxed);
            line
        },
        || {
            assert!(flag.load(Relaxed));
            if acquire {
                fence(Acquire);
            }
            at!(value.get())
        },
    )
}

#[test]
fn fences_on_both_sides_order() {
    none(|| fenced(true, true));
}

#[test]
fn a_fence_missing_on_either_side_is_a_race() {
    let race = &races(|| fenced(false, true))[0];
    assert!(race.why()[0].contains("no release fence"), "{race}");
    let race = &races(|| fenced(true, false))[0];
    assert!(race.why()[0].contains("no acquire fence"), "{race}");
    let race = &races(|| fenced(false, false))[0];
    assert!(race.why()[0].contains("no fences"), "{race}");
}

#[test]
fn payload_by_one_atomic_acquired_by_another_is_a_race() {
    races(|| {
        let (value, a, b) = (
            Shared::new(0),
            AtomicBool::new(false),
            AtomicBool::new(false),
        );
        one_after_the_other(
            || {
                let line = at!(value.set(1));
                a.store(true, Release);
                line
            },
            || {
                b.load(Acquire);
                at!(value.get())
            },
        )
    });
}

/// A publishes, another thread touches the flag, C acquires it and reads what A wrote.
fn sequence(touch: impl FnOnce(&AtomicUsize) + Send) -> (u32, u32) {
    let (value, flag) = (Shared::new(0), AtomicUsize::new(0));
    let (written, ((), read)) = one_after_the_other(
        || {
            let line = at!(value.set(1));
            flag.store(1, Release);
            line
        },
        || {
            one_after_the_other(
                || touch(&flag),
                || {
                    flag.load(Acquire);
                    at!(value.get())
                },
            )
        },
    );
    (written, read)
}

#[test]
fn a_relaxed_rmw_continues_the_release_sequence() {
    none(|| sequence(|flag| assert_eq!(flag.fetch_add(1, Relaxed), 1)));
    none(|| sequence(|flag| assert!(flag.compare_exchange(1, 2, Relaxed, Relaxed).is_ok())));
    none(|| sequence(|flag| assert_eq!(flag.swap(2, Relaxed), 1)));
    none(|| sequence(|flag| assert!(flag.fetch_update(Relaxed, Relaxed, |n| Some(n + 1)).is_ok())));
    none(|| sequence(|flag| assert!(flag.try_update(Relaxed, Relaxed, |n| Some(n + 1)).is_ok())));
    none(|| sequence(|flag| assert_eq!(flag.update(Relaxed, Relaxed, |n| n + 1), 1)));
}

#[test]
fn a_relaxed_store_by_another_thread_ends_it() {
    races(|| sequence(|flag| flag.store(2, Relaxed)));
}

/// C++20 (P0982): so does one by the releasing thread itself.
#[test]
fn a_relaxed_store_by_the_same_thread_ends_it() {
    races(|| {
        let (value, flag) = (Shared::new(0), AtomicUsize::new(0));
        one_after_the_other(
            || {
                let line = at!(value.set(1));
                flag.store(1, Release);
                flag.store(2, Relaxed);
                line
            },
            || {
                assert_eq!(flag.load(Acquire), 2);
                at!(value.get())
            },
        )
    });
}

fn failed_exchange(failure: Ordering) -> (u32, u32) {
    let (value, flag) = (Shared::new(0), AtomicUsize::new(0));
    one_after_the_other(
        || {
            let line = at!(value.set(1));
            flag.store(1, Release);
            line
        },
        || {
            assert_eq!(flag.compare_exchange(7, 8, AcqRel, failure), Err(1));
            at!(value.get())
        },
    )
}

#[test]
fn a_failed_compare_exchange_is_a_load_with_its_failure_ordering() {
    none(|| failed_exchange(Acquire));
    none(|| failed_exchange(SeqCst));
    races(|| failed_exchange(Relaxed));
}

/// An update that gives up has only loaded, and one that doesn't has read what it replaced.
#[test]
fn an_update_is_a_load_and_then_an_exchange() {
    let program = |set: Ordering, fetch: Ordering, gives_up: bool| {
        let (value, flag) = (Shared::new(0), AtomicUsize::new(0));
        one_after_the_other(
            || {
                let line = at!(value.set(1));
                flag.update(Release, Relaxed, |n| n + 1);
                line
            },
            || {
                let updated = flag.try_update(set, fetch, |n| (!gives_up).then_some(n + 1));
                assert_eq!(updated, if gives_up { Err(1) } else { Ok(1) });
                at!(value.get())
            },
        )
    };
    none(|| program(Relaxed, Acquire, true));
    races(|| program(Acquire, Relaxed, true));
    none(|| program(Acquire, Relaxed, false));
    none(|| program(Relaxed, Acquire, false));
    races(|| program(Relaxed, Relaxed, false));
}

#[test]
#[expect(deprecated, reason = "std has it still")]
fn a_compare_and_swap_is_a_compare_exchange() {
    let program = |order: Ordering, expected: usize| {
        let (value, flag) = (Shared::new(0), AtomicUsize::new(0));
        one_after_the_other(
            || {
                let line = at!(value.set(1));
                flag.compare_and_swap(0, 1, Release);
                line
            },
            || {
                assert_eq!(flag.compare_and_swap(expected, 2, order), 1);
                at!(value.get())
            },
        )
    };
    // It finds what it expected, or something else.
    for expected in [1, 7] {
        none(|| program(Acquire, expected));
        none(|| program(AcqRel, expected));
        none(|| program(SeqCst, expected));
        races(|| program(Relaxed, expected));
        races(|| program(Release, expected));
    }
}

/// A bit of a pointer as a flag.
#[test]
fn what_changes_a_pointer_releases_and_acquires() {
    let program = |set: Ordering, clear: Ordering| {
        let (value, pointer) = (Shared::new(0), AtomicPtr::<u64>::default());
        one_after_the_other(
            || {
                let line = at!(value.set(1));
                pointer.fetch_or(1, set);
                pointer.fetch_ptr_add(1, Relaxed);
                pointer.fetch_byte_sub(4, Relaxed);
                line
            },
            || {
                assert_eq!(pointer.fetch_and(!1, clear).addr(), 5);
                at!(value.get())
            },
        )
    };
    none(|| program(Release, Acquire));
    none(|| program(AcqRel, SeqCst));
    races(|| program(Relaxed, Acquire));
    races(|| program(Release, Relaxed));
}

#[test]
fn two_releasers_of_one_count_are_both_acquired() {
    let count_down = |order: Ordering| {
        let (first, second, count) = (Shared::new(0), Shared::new(0), AtomicUsize::new(2));
        let drop_one = |value: &Shared<i32>| {
            let line = at!(value.set(1));
            count.fetch_sub(1, order);
            line
        };
        let (line, (_, read)) = one_after_the_other(
            || drop_one(&first),
            || {
                one_after_the_other(
                    || drop_one(&second),
                    || {
                        assert_eq!(count.load(Acquire), 0);
                        second.get();
                        at!(first.get())
                    },
                )
            },
        );
        (line, read)
    };
    none(|| count_down(Release));
    none(|| count_down(AcqRel));
    let outcome = racecheck::check(|| count_down(Relaxed));
    assert_eq!(outcome.races().len(), 2, "one for each value");
}

#[test]
fn a_published_pointer_orders_what_it_points_to() {
    let publish = |store: Ordering| {
        let (value, pointer) = (Shared::new(0), AtomicPtr::default());
        one_after_the_other(
            || {
                let line = at!(value.set(1));
                pointer.store((&raw const value).cast_mut(), store);
                line
            },
            || {
                // SAFETY: `value` outlives both threads, and `Shared` is safe to share.
                let value = unsafe { &*pointer.load(Acquire) };
                at!(value.get())
            },
        )
    };
    none(|| publish(Release));
    races(|| publish(Relaxed));
}

#[test]
fn sequential_consistency_orders_what_was_stored_before() {
    none(|| {
        let (a, b, value) = (
            AtomicBool::new(false),
            AtomicBool::new(false),
            Shared::new(0),
        );
        one_after_the_other(
            || {
                value.set(1);
                a.store(true, SeqCst);
                b.store(true, SeqCst);
            },
            || {
                assert!(b.load(SeqCst));
                assert!(a.load(SeqCst));
                value.get();
            },
        )
    });
}

#[test]
fn impossible_orderings_panic_as_stds_do_and_unlock() {
    let flag = AtomicBool::new(false);
    let panics = |f: &dyn Fn()| std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).is_err();
    assert!(panics(&|| flag.store(true, Acquire)));
    assert!(panics(&|| {
        flag.load(Release);
    }));
    assert!(panics(&|| fence(Relaxed)));
    flag.store(true, Release);
    assert!(flag.load(Acquire));
}
