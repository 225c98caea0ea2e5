//! Many threads that race on one location at the same time.

use std::collections::HashSet;
use std::sync::{Barrier, Mutex};

use racecheck::report::Access;
use racecheck::{Shared, check, thread};

const THREADS: usize = 64;

/// Each write races with the one before it, which it knows by the value that it replaces.
#[test]
fn each_pair_is_reported_once_and_none_is_lost() {
    let first = line!() + 2;
    let writers: [fn(&Shared<u32>) -> u32; 6] = [
        |value| value.replace(1),
        |value| value.replace(2),
        |value| value.replace(3),
        |value| value.replace(4),
        |value| value.replace(5),
        |value| value.replace(6),
    ];
    for _ in 0..20 {
        let value = Shared::new(0);
        let barrier = Barrier::new(THREADS);
        let happened = Mutex::new(HashSet::new());
        let outcome = check(|| {
            thread::scope(|s| {
                for index in 0..THREADS {
                    let (value, barrier, happened) = (&value, &barrier, &happened);
                    s.spawn(move || {
                        let writer = index % writers.len();
                        barrier.wait();
                        let before = writers[writer](value);
                        if before != 0 {
                            let pair = [before, u32::try_from(writer).unwrap() + 1];
                            happened.lock().unwrap().insert(sorted(pair));
                        }
                    });
                }
            });
        });
        let reported: Vec<_> = outcome
            .races()
            .iter()
            .map(|race| {
                let [a, b] = race.accesses().map(|access| access.thread().number());
                assert_ne!(a, b);
                let number = |access: &Access| access.site().unwrap().line() - first + 1;
                sorted(race.accesses().map(number))
            })
            .collect();
        let distinct: HashSet<_> = reported.iter().copied().collect();
        assert_eq!(distinct.len(), reported.len(), "{reported:?}");
        assert_eq!(distinct, happened.into_inner().unwrap());
    }
}

fn sorted(mut pair: [u32; 2]) -> [u32; 2] {
    pair.sort_unstable();
    pair
}

/// Writes are ordered among themselves; every reader races with the write that comes after all of them.
#[test]
fn every_unordered_reader_is_kept() {
    let value = Shared::new(0);
    let (barrier, done) = (Barrier::new(THREADS), Barrier::new(THREADS + 1));
    let readers: [fn(&Shared<u64>); 4] = [
        |value| _ = value.get(),
        |value| _ = value.get(),
        |value| _ = value.get(),
        |value| _ = value.get(),
    ];
    let outcome = check(|| {
        thread::scope(|s| {
            for index in 0..THREADS {
                let (value, barrier, done) = (&value, &barrier, &done);
                s.spawn(move || {
                    barrier.wait();
                    readers[index % readers.len()](value);
                    done.wait();
                });
            }
            done.wait();
            value.set(1);
        });
    });
    assert_eq!(
        outcome.races().len(),
        readers.len(),
        "one for each line that reads"
    );
    for race in outcome.races() {
        assert!(!race.previous().stack().is_empty() && !race.current().stack().is_empty());
    }
}
