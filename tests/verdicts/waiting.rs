//! Semaphores, cancellation tokens, latches: the edge of what is handed over, and no other.

use std::sync::Arc;
use std::time::Duration;

use racecheck::sync::{CancellationToken, Latch, Semaphore};
use racecheck::{Shared, thread};

use crate::{none, one_after_the_other, races};

/// `releases` happens before `acquires`: a write before the one, a read after the other, and the twin that writes too late.
#[track_caller]
fn is_an_edge<T: Sync>(make: impl Fn() -> T, releases: fn(&T), acquires: fn(&T)) {
    none(|| program(&make(), true, releases, acquires));
    races(|| program(&make(), false, releases, acquires));
}

#[track_caller]
fn is_no_edge<T: Sync>(make: impl Fn() -> T, first: fn(&T), second: fn(&T)) {
    races(|| program(&make(), true, first, second));
}

fn program<T: Sync>(what: &T, write_first: bool, releases: fn(&T), acquires: fn(&T)) -> (u32, u32) {
    let value = Shared::new(0);
    one_after_the_other(
        || {
            let write = || at!(value.set(1));
            let early = write_first.then(write);
            releases(what);
            early.unwrap_or_else(write)
        },
        || {
            acquires(what);
            at!(value.get())
        },
    )
}

#[test]
fn a_permits_release_happens_before_the_acquire_that_gets_it() {
    let one = || Arc::new(Semaphore::new(1));
    let releases: [fn(&Arc<Semaphore>); 4] = [
        |s| drop(s.acquire().unwrap()),
        |s| drop(s.clone().acquire_owned().unwrap()),
        |s| drop(s.try_acquire().unwrap().split(1)),
        |s| {
            s.acquire().unwrap().forget();
            s.add_permits(1);
        },
    ];
    let acquires: [fn(&Arc<Semaphore>); 5] = [
        |s| drop(s.acquire().unwrap()),
        |s| drop(s.try_acquire().unwrap()),
        |s| drop(s.try_acquire_many(1).unwrap()),
        |s| drop(s.clone().acquire_many_owned(1).unwrap()),
        |s| drop(s.clone().try_acquire_owned().unwrap()),
    ];
    for (release, acquire) in releases.iter().flat_map(|r| acquires.map(|a| (*r, a))) {
        is_an_edge(one, release, acquire);
    }
}

#[test]
fn acquires_of_other_permits_order_nothing() {
    // The second one gets the permit that nobody has had.
    let two = || Semaphore::new(2);
    is_no_edge(
        two,
        |s| drop(s.acquire().unwrap()),
        |s| drop(s.acquire().unwrap()),
    );
    is_no_edge(
        two,
        |s| s.acquire().unwrap().forget(),
        |s| drop(s.acquire().unwrap()),
    );
    is_no_edge(
        two,
        |s| s.add_permits(1),
        |s| drop(s.acquire_many(2).unwrap()),
    );
    // And here the third one does not, nor one that takes all.
    is_an_edge(
        two,
        |s| s.add_permits(1),
        |s| drop(s.acquire_many(3).unwrap()),
    );
    is_an_edge(
        two,
        |s| drop(s.acquire().unwrap()),
        |s| {
            s.acquire().unwrap().forget();
            drop(s.acquire().unwrap());
        },
    );
}

/// Of three releases the permits go in that order, also those of one `add_permits`.
#[test]
fn permits_are_handed_out_in_the_order_of_their_releases() {
    let program = |acquired: u32, read: usize| {
        let (values, semaphore) = ([(); 2].map(|()| Shared::new(0)), Semaphore::new(0));
        let release = |i: usize, n: usize| {
            let line = at!(values[i].set(1));
            semaphore.add_permits(n);
            line
        };
        let (first, (second, line)) = one_after_the_other(
            || release(0, 2),
            || {
                one_after_the_other(
                    || release(1, 1),
                    || {
                        for _ in 0..acquired {
                            semaphore.acquire().unwrap().forget();
                        }
                        at!(values[read].get())
                    },
                )
            },
        );
        ([first, second][read], line)
    };
    none(|| program(1, 0));
    races(|| program(1, 1));
    races(|| program(2, 1));
    none(|| program(3, 1));
}

#[test]
fn what_acquires_nothing_orders_nothing() {
    let none_left = || Semaphore::new(0);
    is_no_edge(
        none_left,
        |s| s.add_permits(1),
        |s| assert!(s.try_acquire_many(2).is_err()),
    );
    is_no_edge(
        none_left,
        |s| s.add_permits(1),
        |s| assert_eq!(s.available_permits(), 1),
    );
    is_no_edge(
        none_left,
        |s| s.add_permits(1),
        |s| assert_eq!(s.forget_permits(5), 1),
    );
    is_no_edge(none_left, |s| s.add_permits(1), |s| assert!(!s.is_closed()));
}

#[test]
fn closing_happens_before_whoever_sees_it() {
    let semaphore = || Semaphore::new(1);
    is_an_edge(semaphore, Semaphore::close, |s| {
        assert!(s.acquire().is_err())
    });
    is_an_edge(semaphore, Semaphore::close, |s| {
        assert!(s.try_acquire().is_err())
    });
    is_an_edge(semaphore, Semaphore::close, |s| assert!(s.is_closed()));
    let closed = || {
        let semaphore = Semaphore::new(1);
        semaphore.close();
        semaphore
    };
    is_no_edge(closed, Semaphore::close, |s| assert!(s.acquire().is_err()));
}

#[test]
fn waiting_for_a_permit_takes_the_edge_too() {
    none(|| {
        let (values, semaphore) = ([(); 4].map(|()| Shared::new(0)), Semaphore::new(0));
        thread::scope(|s| {
            for value in &values {
                let semaphore = &semaphore;
                s.spawn(move || {
                    value.set(1);
                    semaphore.add_permits(1);
                });
            }
            semaphore.acquire_many(4).unwrap().forget();
            assert!(values.iter().all(|value| value.get() == 1));
        });
    });
}

#[test]
fn a_cancellation_happens_before_whoever_sees_it() {
    let sees: [fn(&CancellationToken); 5] = [
        |token| assert!(token.is_cancelled()),
        |token| token.cancelled(),
        |token| assert!(token.cancelled_timeout(Duration::from_secs(600))),
        |token| assert!(token.clone().is_cancelled()),
        |token| assert!(token.child_token().child_token().is_cancelled()),
    ];
    for sees in sees {
        is_an_edge(CancellationToken::new, CancellationToken::cancel, sees);
        is_an_edge(
            CancellationToken::new,
            |token| drop(token.clone().drop_guard()),
            sees,
        );
    }
    let parent_and_child = || {
        let parent = CancellationToken::new();
        let child = parent.child_token();
        (parent, child)
    };
    is_an_edge(
        parent_and_child,
        |(parent, _)| parent.cancel(),
        |(_, child)| child.cancelled(),
    );
}

#[test]
fn only_the_first_cancellation_orders() {
    let cancelled = || {
        let token = CancellationToken::new();
        token.cancel();
        token
    };
    is_no_edge(cancelled, CancellationToken::cancel, |token| {
        token.cancelled()
    });
    is_no_edge(
        CancellationToken::new,
        |token| assert!(!token.is_cancelled()),
        |token| assert!(!token.cancelled_timeout(Duration::ZERO)),
    );
    // A parent's cancellation was first.
    let parent_first = || {
        let parent = CancellationToken::new();
        parent.cancel();
        parent.child_token()
    };
    is_no_edge(parent_first, CancellationToken::cancel, |child| {
        child.cancelled();
    });
    // The child was cancelled before its parent.
    let child_first = || {
        let parent = CancellationToken::new();
        let child = parent.child_token();
        child.cancel();
        (parent, child)
    };
    is_no_edge(
        child_first,
        |(parent, _)| parent.cancel(),
        |(_, child)| child.cancelled(),
    );
    is_no_edge(
        child_first,
        |(parent, _)| parent.cancel(),
        |(parent, _)| drop(format!("{parent:?}")),
    );
    // And does not cancel it.
    is_no_edge(
        child_first,
        |(_, child)| child.cancel(),
        |(parent, _)| {
            assert!(!parent.is_cancelled());
        },
    );
}

#[test]
fn every_count_happens_before_the_latch_is_seen_open() {
    let waits: [fn(&Latch); 4] = [
        Latch::wait,
        |latch| assert!(latch.try_wait()),
        |latch| assert!(latch.wait_timeout(Duration::from_secs(600))),
        |latch| latch.arrive_and_wait(),
    ];
    for wait in waits {
        is_an_edge(|| Latch::new(1), Latch::count_down, wait);
        is_an_edge(|| Latch::new(2), |latch| latch.arrive(5), wait);
    }
    is_an_edge(|| Latch::new(2), Latch::count_down, Latch::arrive_and_wait);
    is_no_edge(
        || Latch::new(2),
        Latch::count_down,
        |latch| assert!(!latch.try_wait()),
    );
    is_no_edge(
        || Latch::new(2),
        Latch::count_down,
        |latch| assert_eq!(latch.count(), 1),
    );
    is_no_edge(|| Latch::new(2), Latch::count_down, Latch::count_down);
    // It is open: there is nothing left to count.
    is_no_edge(|| Latch::new(0), Latch::count_down, Latch::wait);
    is_no_edge(
        || Latch::new(1),
        |latch| latch.arrive(0),
        Latch::arrive_and_wait,
    );
}
