//! Counters: what many threads add up.

use std::sync::atomic::Ordering::Relaxed;

use racecheck::sync::Mutex;
use racecheck::sync::atomic::AtomicU64;
use racecheck::{Shared, thread};

use crate::{in_turn, none, races, says, several_races};

const THREADS: u64 = 4;
const HITS: u64 = 1000;

/// Calls `hit` 1000 times, from four threads.
fn hit_by_all(hit: impl Fn() -> u32 + Sync) -> u32 {
    thread::scope(|s| {
        let threads = [(); THREADS as usize].map(|()| {
            s.spawn(|| {
                for _ in 1..HITS / THREADS {
                    hit();
                }
                hit()
            })
        });
        threads.map(|thread| thread.join().unwrap())[0]
    })
}

#[test]
fn cnt_01_a_thousand_increments() {
    let race = &races(|| {
        let hits = Shared::new(0);
        let line = hit_by_all(|| at!(hits.update(|n| n + 1)));
        (line, line)
    })[0];
    says(race, "nothing orders the two", "make the value an atomic");
    none(|| {
        let (lock, hits) = (Mutex::new(()), Shared::new(0));
        hit_by_all(|| {
            let _guard = lock.lock().unwrap();
            at!(hits.update(|n| n + 1))
        });
        assert_eq!(hits.get(), HITS);
    });
    none(|| {
        let hits = AtomicU64::new(0);
        hit_by_all(|| at!(hits.fetch_add(1, Relaxed)));
        assert_eq!(hits.into_inner(), HITS);
    });
}

/// A counter whose users lock it, or leave that out.
fn count_and_read(count_locks: bool, read_locks: bool) -> (u32, u32) {
    let (lock, hits) = (Mutex::new(()), Shared::new(0));
    in_turn(
        || {
            let _guard = count_locks.then(|| lock.lock().unwrap());
            at!(hits.update(|n| n + 1))
        },
        || {
            let _guard = read_locks.then(|| lock.lock().unwrap());
            at!(hits.get())
        },
    )
}

#[test]
fn cnt_02_only_one_side_locks() {
    none(|| count_and_read(true, true));
    let race = &races(|| count_and_read(true, false))[0];
    says(
        race,
        "it unlocked a Mutex",
        "hold the Mutex that is locked at",
    );
    let race = &races(|| count_and_read(false, true))[0];
    says(
        race,
        "released nothing since its write",
        "hold the Mutex that is locked at",
    );
}

#[test]
fn cnt_03_two_locks() {
    let program = |same: bool| {
        let (requests, errors, total) = (Mutex::new(()), Mutex::new(()), Shared::new(0));
        in_turn(
            || {
                let _guard = requests.lock().unwrap();
                at!(total.update(|n| n + 1))
            },
            || {
                let lock = if same { &requests } else { &errors };
                let _guard = lock.lock().unwrap();
                at!(total.update(|n| n + 1))
            },
        )
    };
    none(|| program(true));
    let race = &races(|| program(false))[0];
    says(race, "it unlocked a Mutex", "don't exclude each other");
}

#[test]
fn cnt_04_stats() {
    struct Stats {
        requests: Shared<u64>,
        errors: Shared<u64>,
    }
    impl Stats {
        fn count_error(&self) -> [u32; 2] {
            [
                at!(self.requests.update(|n| n + 1)),
                at!(self.errors.update(|n| n + 1)),
            ]
        }
    }
    let mut fields = [0, 0];
    let found = several_races(|| {
        fields = [line!() + 2, line!() + 3];
        let stats = Stats {
            requests: Shared::new(0),
            errors: Shared::new(0),
        };
        let (first, second) = in_turn(|| stats.count_error(), || stats.count_error());
        [(first[0], second[0]), (first[1], second[1])]
    });
    for (race, field) in found.iter().zip(fields) {
        assert_eq!(
            race.location().created_at().unwrap().line(),
            field,
            "{race}"
        );
        says(
            race,
            "released nothing since its write",
            "make the value an atomic",
        );
    }
    none(|| {
        let (requests, errors) = (AtomicU64::new(0), AtomicU64::new(0));
        thread::scope(|s| {
            for _ in 0..2 {
                s.spawn(|| {
                    requests.fetch_add(1, Relaxed);
                    errors.fetch_add(1, Relaxed);
                });
            }
        });
        assert_eq!((requests.into_inner(), errors.into_inner()), (2, 2));
    });
}

#[test]
fn cnt_05_shards() {
    none(|| {
        let shards: [Shared<u64>; 4] = Default::default();
        thread::scope(|s| {
            for shard in &shards {
                s.spawn(|| {
                    for _ in 0..100 {
                        shard.update(|n| n + 1);
                    }
                });
            }
        });
        assert_eq!(shards.iter().map(Shared::get).sum::<u64>(), 400);
    });
    let race = &races(|| {
        let shards: [Shared<u64>; 4] = Default::default();
        in_turn(
            || at!(shards[0].update(|n| n + 1)),
            || at!(shards.iter().map(|shard| shard.get()).sum::<u64>()),
        )
    })[0];
    says(
        race,
        "released nothing since its write",
        "make the value an atomic",
    );
}
