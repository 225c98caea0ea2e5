//! Many threads: no limit is reached, and memory is given back.

#![cfg(all(feature = "race-check", target_os = "linux"))]

use std::sync::{Condvar, Mutex};

use racecheck::{Shared, check, thread};

/// A number in what the system tells of this process.
fn status(what: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(what)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// What the process has in memory, in bytes, without what `malloc` only keeps for later: how much that is differs from run to run.
fn resident() -> usize {
    // SAFETY: gives free pages back to the system, and is there for that.
    unsafe { libc::malloc_trim(0) };
    status("VmRSS:") * 1024
}

/// The same, once the threads that have been joined are gone: a scope waits for their work, not for their stacks.
fn resident_when_all_are_gone() -> usize {
    const HARNESS: usize = 3;
    while status("Threads:") > HARNESS {
        std::thread::yield_now();
    }
    resident()
}

/// One test, because the memory that they measure is the process's.
#[test]
fn memory_is_given_back() {
    forty_thousand_ten_thousand_at_a_time();
    twenty_thousand_one_after_another();
    detached_threads_give_their_slots_back();
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
    // A thread leaves its name, number and place of creation behind, for reports.
    assert!(grown < 20_000 * 256, "grew by {grown} bytes");
}

/// A gate that opens when all have come to it. `std`'s: it orders nothing.
struct Gate {
    come: Mutex<usize>,
    changed: Condvar,
    all: usize,
}

impl Gate {
    fn new(all: usize) -> Gate {
        Gate {
            come: Mutex::new(0),
            changed: Condvar::new(),
            all,
        }
    }

    fn pass(&self) {
        let mut come = self.come.lock().unwrap();
        *come += 1;
        if *come == self.all {
            self.changed.notify_all();
        }
        while *come < self.all {
            come = self.changed.wait(come).unwrap();
        }
    }
}

/// Threads that are all alive at once, each of which learns of all those that had the lock before it. Returns what was in memory meanwhile.
fn generation(cells: &[Shared<usize>], total: &racecheck::sync::Mutex<usize>) -> usize {
    let gate = Gate::new(cells.len() + 1);
    let leave = Gate::new(cells.len() + 1);
    thread::scope(|s| {
        for cell in cells {
            let (gate, leave) = (&gate, &leave);
            thread::Builder::new()
                .spawn_scoped(s, move || {
                    cell.update(|n| n + 1);
                    *total.lock().unwrap() += 1;
                    gate.pass();
                    leave.pass();
                })
                .unwrap();
        }
        gate.pass();
        let peak = resident();
        leave.pass();
        peak
    })
}

/// Ten thousand alive at a time, four times: each generation takes over the slots of the one before. What is kept of each thread is as much in the second generation as
/// in the tenth.
fn forty_thousand_ten_thousand_at_a_time() {
    const ALIVE: usize = 10_000;
    const GENERATIONS: usize = 4;
    let cells: Vec<Shared<usize>> = (0..ALIVE).map(|_| Shared::new(0)).collect();
    let total = racecheck::sync::Mutex::new(0);
    let outcome = check(|| {
        // The first ones make room for 10,000 slots.
        generation(&cells, &total);
        let before = resident_when_all_are_gone();
        let peaks: Vec<usize> = (0..GENERATIONS)
            .map(|_| generation(&cells, &total))
            .collect();
        (before, peaks, resident_when_all_are_gone())
    });
    assert!(outcome.races().is_empty(), "{}", outcome.races()[0]);
    assert_eq!(*total.lock().unwrap(), (1 + GENERATIONS) * ALIVE);
    assert!(cells.iter().all(|cell| cell.get() == 1 + GENERATIONS));
    let (before, peaks, after) = outcome.value;
    println!(
        "resident memory: {} KiB, {} KiB after 40,000 more threads; with 10,000 of them alive {:?} MiB",
        before >> 10,
        after >> 10,
        peaks.iter().map(|n| n >> 20).collect::<Vec<_>>()
    );
    // A record of each, as it is while the thread runs, would be 12 MB. What is kept is less than 1 MB; the rest is what `malloc` can't give back, more or less by chance.
    let grown = after.saturating_sub(before);
    assert!(grown < GENERATIONS * ALIVE * 100, "grew by {grown} bytes");
    // A clock of its own for each thread would be 800 MB.
    let highest = peaks.iter().max().unwrap();
    assert!(*highest < 512 << 20, "{highest} bytes");
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
    assert!(grown < 20_000 * 64, "grew by {grown} bytes");
}
