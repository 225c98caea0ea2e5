//! `Barrier`: every arrival before every return of the same generation, and nothing else.

use racecheck::sync::Barrier;
use racecheck::{Shared, thread};

use crate::{none, races};

const THREADS: usize = 4;

/// Scenario prim-06: in each phase each thread writes its own cell and reads its neighbour's of the last phase.
#[test]
fn phases_are_ordered() {
    none(|| {
        let cells: [[Shared<usize>; THREADS]; 2] = Default::default();
        let barrier = Barrier::new(THREADS);
        let leaders = std::sync::atomic::AtomicUsize::new(0);
        thread::scope(|s| {
            for me in 0..THREADS {
                let (cells, barrier, leaders) = (&cells, &barrier, &leaders);
                s.spawn(move || {
                    for phase in 1..20 {
                        cells[phase % 2][me].set(phase);
                        if barrier.wait().is_leader() {
                            leaders.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        }
                        assert_eq!(cells[phase % 2][(me + 1) % THREADS].get(), phase);
                    }
                });
            }
        });
        assert_eq!(leaders.into_inner(), 19);
    });
}

/// Two pass the barrier, and one doesn't.
#[test]
fn who_skips_it_is_not_ordered() {
    races(|| {
        let (barrier, value) = (Barrier::new(2), Shared::new(0));
        thread::scope(|s| {
            let writer = s.spawn(|| {
                value.set(1);
                let line = line!() - 1;
                barrier.wait();
                line
            });
            let other = s.spawn(|| {
                barrier.wait();
            });
            // Both are through, as this one sees by no means of ours.
            crate::wait_for_scoped(&writer);
            crate::wait_for_scoped(&other);
            let reader = s.spawn(|| {
                value.get();
                line!() - 1
            });
            (writer.join().unwrap(), reader.join().unwrap())
        })
    });
}

/// What comes after the barrier isn't before what comes after it in another thread.
#[test]
fn what_follows_is_not_ordered() {
    races(|| {
        let (barrier, value) = (Barrier::new(2), Shared::new(0));
        thread::scope(|s| {
            let writer = s.spawn(|| {
                barrier.wait();
                value.set(1);
                line!() - 1
            });
            let reader = s.spawn(|| {
                barrier.wait();
                value.get();
                line!() - 1
            });
            (writer.join().unwrap(), reader.join().unwrap())
        })
    });
}

/// Another generation of the same barrier doesn't order those who weren't in it.
#[test]
fn generations_are_told_apart() {
    races(|| {
        let (barrier, value) = (Barrier::new(2), Shared::new(0));
        thread::scope(|s| {
            let first = [
                s.spawn(|| {
                    value.set(1);
                    let line = line!() - 1;
                    barrier.wait();
                    line
                }),
                s.spawn(|| {
                    barrier.wait();
                    0
                }),
            ];
            for thread in &first {
                crate::wait_for_scoped(thread);
            }
            let second = [
                s.spawn(|| {
                    barrier.wait();
                    value.get();
                    line!() - 1
                }),
                s.spawn(|| {
                    barrier.wait();
                    0
                }),
            ];
            let sum = |threads: [thread::ScopedJoinHandle<'_, u32>; 2]| -> u32 {
                threads
                    .into_iter()
                    .map(|thread| thread.join().unwrap())
                    .sum()
            };
            (sum(first), sum(second))
        })
    });
}
