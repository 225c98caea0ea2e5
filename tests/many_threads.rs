//! Many threads: no limit is reached, and memory is given back.

#![cfg(all(feature = "race-check", target_os = "linux"))]

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use racecheck::{Shared, check, thread};

/// What the process has in memory, in bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<usize>()
        .unwrap()
        * 1024
}

/// One test, because the memory that they measure is the process's.
#[test]
fn memory_is_given_back() {
    twenty_thousand_one_after_another();
    detached_threads_give_their_slots_back();
    two_thousand_at_a_time();
}

fn twenty_thousand_one_after_another() {
    let total = Shared::new(0);
    let round = || {
        thread::scope(|s| {
            s.spawn(|| total.update(|n| n + 1)).join().unwrap();
        });
    };
    let outcome = check(|| {
        (0..1_000).for_each(|_| round());
        let before = resident();
        (0..20_000).for_each(|_| round());
        (before, resident())
    });
    assert!(outcome.races().is_empty(), "{}", outcome.races()[0]);
    assert_eq!(total.get(), 21_000);
    let (before, after) = outcome.value;
    let grown = after.saturating_sub(before);
    println!(
        "resident memory grew by {} KiB over 20,000 threads",
        grown / 1024
    );
    // A thread leaves its name, number and place of creation behind, for reports: a few hundred bytes.
    assert!(grown < 20_000 * 512, "grew by {grown} bytes");
}

/// 2,000 alive at a time, ten times: each generation takes over the slots of the one before.
fn two_thousand_at_a_time() {
    const ALIVE: usize = 2_000;
    let cells: Vec<Shared<usize>> = (0..ALIVE).map(|_| Shared::new(0)).collect();
    let outcome = check(|| {
        let mut after = Vec::new();
        for _ in 0..10 {
            let started = AtomicUsize::new(0);
            thread::scope(|s| {
                for cell in &cells {
                    let started = &started;
                    thread::Builder::new()
                        .stack_size(64 * 1024)
                        .spawn_scoped(s, move || {
                            cell.update(|n| n + 1);
                            started.fetch_add(1, Relaxed);
                            while started.load(Relaxed) < ALIVE {
                                std::thread::park_timeout(std::time::Duration::from_millis(10));
                            }
                        })
                        .unwrap();
                }
                while started.load(Relaxed) < ALIVE {
                    thread::yield_now();
                }
            });
            after.push(resident());
        }
        after
    });
    assert!(outcome.races().is_empty(), "{}", outcome.races()[0]);
    assert!(cells.iter().all(|cell| cell.get() == 10));
    println!(
        "resident memory after each generation: {:?} MiB",
        outcome.value.iter().map(|n| n >> 20).collect::<Vec<_>>()
    );
    let (second, last) = (outcome.value[1], outcome.value[9]);
    assert!(
        last < second + second / 4,
        "grew from {second} to {last} bytes"
    );
}

/// Threads that nobody joins, each of which hands its result over by a channel: their slots come back too.
fn detached_threads_give_their_slots_back() {
    let outcome = check(|| {
        let (tx, rx) = racecheck::sync::mpsc::channel();
        let mut sum = 0;
        let mut before = 0;
        for i in 0..20_000 {
            if i == 1_000 {
                before = resident();
            }
            let tx = tx.clone();
            drop(thread::spawn(move || tx.send(1).unwrap()));
            sum += rx.recv().unwrap();
        }
        (sum, before, resident())
    });
    let (sum, before, after) = outcome.value;
    assert_eq!(sum, 20_000);
    let grown = after.saturating_sub(before);
    println!(
        "resident memory grew by {} KiB over 20,000 detached threads",
        grown / 1024
    );
    assert!(grown < 20_000 * 1024, "grew by {grown} bytes");
}
