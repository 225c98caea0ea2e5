//! What threads wait for: permits, a cancellation, a gate.

use std::collections::VecDeque;

use racecheck::sync::{CancellationToken, Latch, Mutex, Semaphore};
use racecheck::{Shared, thread};

use crate::{in_turn, none, races, says};

#[test]
#[cfg_attr(
    racecheck_runtime,
    ignore = "a semaphore is a mutex, which orders more than its permits"
)]
fn prim_12_semaphore() {
    none(|| {
        let (semaphore, total) = (Semaphore::new(1), Shared::new(0));
        thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(|| {
                    for _ in 0..10 {
                        let _permit = semaphore.acquire().unwrap();
                        total.update(|n| n + 1);
                    }
                });
            }
        });
        assert_eq!(total.get(), 40);
    });
    let program = |permits: usize, with_permit: bool| {
        let (semaphore, total) = (Semaphore::new(permits), Shared::new(0));
        in_turn(
            || {
                let _permit = semaphore.acquire().unwrap();
                at!(total.update(|n| n + 1))
            },
            || {
                let _permit = with_permit.then(|| semaphore.acquire().unwrap());
                at!(total.get())
            },
        )
    };
    none(|| program(1, true));
    let race = &races(|| program(1, false))[0];
    says(race, "it released a permit of a Semaphore", "");
    // Two at a time is one too many.
    let race = &races(|| program(2, true))[0];
    says(race, "it released a permit of a Semaphore", "");
}

/// A pool of connections: a permit for each, and whoever has one takes any.
#[test]
fn prim_12_pool() {
    none(|| {
        let connections = (0..3).map(|_| Shared::new(0)).collect::<VecDeque<_>>();
        let (permits, free) = (Semaphore::new(3), Mutex::new(connections));
        thread::scope(|s| {
            for _ in 0..6 {
                s.spawn(|| {
                    for _ in 0..10 {
                        let _permit = permits.acquire().unwrap();
                        let connection = free.lock().unwrap().pop_front().unwrap();
                        connection.update(|uses| uses + 1);
                        free.lock().unwrap().push_back(connection);
                    }
                });
            }
        });
        let free = free.into_inner().unwrap();
        assert_eq!(free.iter().map(Shared::get).sum::<u32>(), 60);
    });
}

#[test]
fn prim_13_cancellation_token() {
    none(|| {
        let (reason, token) = (Shared::new(None), CancellationToken::new());
        thread::scope(|s| {
            for polls in [true, false] {
                let (reason, token) = (&reason, token.child_token());
                s.spawn(move || {
                    if polls {
                        while !token.is_cancelled() {
                            thread::yield_now();
                        }
                    } else {
                        token.cancelled();
                    }
                    assert_eq!(reason.get(), Some("enough"));
                });
            }
            reason.set(Some("enough"));
            token.cancel();
        });
    });
    // The reason is given too late.
    let race = &races(|| {
        let (reason, token) = (Shared::new(None), CancellationToken::new());
        in_turn(
            || {
                token.cancel();
                at!(reason.set(Some("enough")))
            },
            || {
                token.cancelled();
                at!(reason.get())
            },
        )
    })[0];
    says(race, "released nothing since its write", "");
    says(race, "cancelled a CancellationToken", "");
}

#[test]
#[cfg_attr(
    racecheck_runtime,
    ignore = "a latch is a mutex, which orders more than its opening"
)]
fn life_10_gate() {
    none(|| {
        let (gate, ready, config) = (Latch::new(1), Latch::new(4), Shared::new(0));
        let parts = [(); 4].map(|()| Shared::new(0));
        thread::scope(|s| {
            for part in &parts {
                let (gate, ready, config) = (&gate, &ready, &config);
                s.spawn(move || {
                    gate.wait();
                    part.set(config.get());
                    ready.count_down();
                });
            }
            config.set(7);
            gate.count_down();
            gate.count_down();
            ready.wait();
            assert_eq!(parts.iter().map(Shared::get).sum::<u32>(), 28);
        });
    });
    // What is done after the gate was opened isn't before those who went through, though it is opened once more.
    let race = &races(|| {
        let (gate, config) = (Latch::new(1), Shared::new(0));
        in_turn(
            || {
                gate.count_down();
                let line = at!(config.set(1));
                gate.count_down();
                line
            },
            || {
                gate.wait();
                at!(config.get())
            },
        )
    })[0];
    says(race, "released nothing since its write", "");
    says(race, "counted a Latch down", "");
}
