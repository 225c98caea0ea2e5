//! Many threads that race on one location at the same time.

use std::collections::HashSet;
use std::sync::Barrier;

use racecheck::{Shared, check, thread};

const THREADS: usize = 64;

/// A write on a line of its own, for each thread.
macro_rules! writers {
    ($($line:literal)*) => {
        [$({
            fn write(value: &Shared<u64>) {
                #[rustfmt::skip]
                value.set($line);
            }
            write as fn(&Shared<u64>)
        }),*]
    };
}

/// All of them write; each write races with the last one before it, so there are as many pairs as writes, less one.
#[test]
fn each_pair_is_reported_and_none_is_lost() {
    let writers = writers!(
        0 1 2 3 4 5 6 7
    );
    for _ in 0..20 {
        let value = Shared::new(0);
        let barrier = Barrier::new(THREADS);
        let outcome = check(|| {
            thread::scope(|s| {
                for index in 0..THREADS {
                    let (value, barrier) = (&value, &barrier);
                    s.spawn(move || {
                        barrier.wait();
                        writers[index % writers.len()](value);
                    });
                }
            });
        });
        let pairs: HashSet<_> = outcome
            .races()
            .iter()
            .map(|race| {
                let mut sites = race
                    .accesses()
                    .map(|access| access.site().map(|site| (site.line(), site.column())));
                sites.sort();
                let [a, b] = race.accesses().map(|access| access.thread().number());
                assert_ne!(a, b);
                sites
            })
            .collect();
        assert_eq!(pairs.len(), outcome.races().len(), "each pair once");
        assert!(!pairs.is_empty());
    }
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
    assert_eq!(outcome.races().len(), readers.len(), "one for each line that reads");
    for race in outcome.races() {
        assert!(!race.previous().stack().is_empty() && !race.current().stack().is_empty());
    }
}
