//! The operations that the benchmark `runtimes` measures, in plain std: `rows NAME` does one, and prints the nanoseconds that it took and the most memory, in KiB,
//! that the process had resident; `rows` alone prints the names, each with what it stands for.
//!
//! What an operation works on is there before the clock is started.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs};

struct Row {
    name: &'static str,
    what: &'static str,
    measure: fn() -> Duration,
}

const fn row(name: &'static str, what: &'static str, measure: fn() -> Duration) -> Row {
    Row {
        name,
        what,
        measure,
    }
}

const ROWS: [Row; 10] = [
    row(
        "location",
        "one location read and written, 5 million times",
        location,
    ),
    row("array", "an array of 8 MB streamed three times", array),
    row("mutex", "a mutex, uncontended, a million times", mutex),
    row(
        "contended",
        "a mutex, 4 threads, 100,000 times each",
        contended,
    ),
    row(
        "acquire",
        "acquire loads, 2 threads, 2 million each",
        acquire,
    ),
    row(
        "fetch_add",
        "`fetch_add`, 2 threads, 500,000 each",
        fetch_add,
    ),
    row("channel", "a channel, 200,000 messages", channel),
    row("spawn", "2,000 threads, one after the other", spawn),
    row("btree", "a `BTreeMap` filled with a million keys", btree),
    row("sort", "a sort of two million", sort),
];

fn main() {
    let Some(name) = env::args().nth(1) else {
        for row in &ROWS {
            println!("{} {}", row.name, row.what);
        }
        return;
    };
    let row = ROWS.iter().find(|row| row.name == name);
    let took = (row.expect("a row of this name").measure)();
    println!("{} {}", took.as_nanos(), most_resident());
}

/// The most memory that this process had resident, as Linux says it. What `wait4` would say begins with the parent's.
fn most_resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux has it");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kib.expect("a line of it").parse().expect("a number")
}

fn timed(operation: impl FnOnce()) -> Duration {
    let start = Instant::now();
    operation();
    start.elapsed()
}

fn location() -> Duration {
    let mut location = Box::new(0_u64);
    timed(|| {
        for _ in 0..5_000_000 {
            increment(&mut location);
        }
    })
}

fn array() -> Duration {
    let mut array = vec![1_u64; 1 << 20];
    timed(|| {
        for _ in 0..3 {
            for element in &mut array {
                increment(element);
            }
        }
    })
}

/// A load and a store: what is between them keeps the compiler from announcing the store alone.
#[inline(always)]
fn increment(location: &mut u64) {
    let location = black_box(location);
    *location = black_box(*location) + 1;
}

fn mutex() -> Duration {
    let mutex = Mutex::new(0_u64);
    timed(|| lock_and_increment(&mutex, 1_000_000))
}

fn contended() -> Duration {
    let mutex = Mutex::new(0_u64);
    in_threads(4, || lock_and_increment(&mutex, 100_000))
}

fn lock_and_increment(mutex: &Mutex<u64>, times: usize) {
    for _ in 0..times {
        *mutex.lock().expect("nobody panics") += 1;
    }
}

fn acquire() -> Duration {
    let atomic = AtomicU64::new(1);
    in_threads(2, || {
        for _ in 0..2_000_000 {
            black_box(atomic.load(Ordering::Acquire));
        }
    })
}

fn fetch_add() -> Duration {
    let atomic = AtomicU64::new(1);
    in_threads(2, || {
        for _ in 0..500_000 {
            atomic.fetch_add(1, Ordering::AcqRel);
        }
    })
}

/// Their start and end are in it.
fn in_threads(threads: usize, operation: impl Fn() + Sync) -> Duration {
    timed(|| {
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(&operation);
            }
        });
    })
}

fn channel() -> Duration {
    const MESSAGES: u64 = 200_000;
    timed(|| {
        let (sender, receiver) = mpsc::channel();
        let sends = thread::spawn(move || {
            for message in 0..MESSAGES {
                sender.send(message).expect("the receiver is there");
            }
        });
        let sum: u64 = receiver.iter().sum();
        sends.join().expect("it doesn't panic");
        assert_eq!(sum, MESSAGES * (MESSAGES - 1) / 2);
    })
}

fn spawn() -> Duration {
    timed(|| {
        for number in 0..2_000 {
            let thread = thread::spawn(move || black_box(number));
            thread.join().expect("it doesn't panic");
        }
    })
}

fn btree() -> Duration {
    let numbers: Vec<u64> = random().take(1_000_000).collect();
    let mut map = BTreeMap::new();
    timed(|| {
        for &number in &numbers {
            map.insert(number, number);
        }
    })
}

fn sort() -> Duration {
    let mut numbers: Vec<u64> = random().take(2_000_000).collect();
    timed(|| numbers.sort())
}

/// The same numbers in every run. Knuth's constants for a linear congruential generator; its low bits repeat soon.
fn random() -> impl Iterator<Item = u64> {
    let mut state = 1_u64;
    std::iter::repeat_with(move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state >> 3
    })
}
