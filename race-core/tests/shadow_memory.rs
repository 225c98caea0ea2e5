//! What the shadow of raw memory costs in memory, and that what it saves loses nothing.

#![cfg(target_os = "linux")]

use std::panic::Location;
use std::sync::mpsc::channel;
use std::sync::{Mutex, MutexGuard};

use race_core::report::Collector;
use race_core::shadow::range::{self, AccessKind};

const BYTES: usize = 100_000_000;

/// One test at a time: each measures the whole process.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(|error| error.into_inner())
}

/// What the process has in memory, in bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux has it");
    let pages = statm.split(' ').nth(1).expect("the second field is there");
    pages.parse::<usize>().expect("it is a number") * 4096
}

/// How much more the process has after `body`, for each of `BYTES`.
fn grown(before: usize) -> f64 {
    let per_byte = resident().saturating_sub(before) as f64 / BYTES as f64;
    println!("{per_byte:.3} bytes of shadow for each byte");
    per_byte
}

fn write_in_words(start: usize, size: usize) {
    for address in (start..start + size).step_by(8) {
        range::access(address, 8, AccessKind::Write, Some(Location::caller()));
    }
}

/// 100 MB, 8 bytes at a time. Nobody looks at the memory itself.
#[test]
fn a_byte_of_raw_memory_pays_2_bytes() {
    const START: usize = 0x10_0000_0000;
    let _alone = alone();
    let before = resident();
    write_in_words(START, BYTES);
    // And 16 bytes for each page of 2,048.
    assert!((1.95..2.03).contains(&grown(before)));
    range::freed(START, BYTES, Some(Location::caller()));
    assert!(grown(before) < 0.02, "it is given back with the memory");
}

#[test]
fn memory_that_nobody_looks_at_in_detail_pays_next_to_nothing() {
    const START: usize = 0x20_0000_0000;
    let _alone = alone();
    let site = Some(Location::caller());
    let before = resident();
    range::forget(START, BYTES);
    range::access(START, BYTES, AccessKind::Write, site);
    range::access(START, BYTES, AccessKind::Read, site);
    range::freed(START, BYTES, site);
    range::forget(START, BYTES);
    assert!(grown(before) < 0.02);
}

/// As small ones are: a use after the free is a race, and one after the next allocation isn't.
#[test]
fn a_large_block_that_was_freed() {
    const START: usize = 0x30_0000_0000 + 100;
    const SIZE: usize = 1 << 20;
    let _alone = alone();
    write_in_words(START, SIZE);
    let read = |offset: usize| {
        let collector = Collector::open();
        range::access(
            START + offset,
            4,
            AccessKind::Read,
            Some(Location::caller()),
        );
        let races = collector.close();
        let places = races.iter().map(|race| race.location());
        let bytes: Vec<_> = places
            .map(|place| (place.address() - START, place.size()))
            .collect();
        bytes
    };
    assert_eq!(read(0), []);
    let (freed, is_freed) = channel();
    let freer = std::thread::spawn(move || {
        range::freed(START, SIZE, Some(Location::caller()));
        freed.send(()).unwrap();
    });
    is_freed.recv().unwrap();
    for offset in [0, 5000, SIZE / 2 + 1, SIZE - 4] {
        assert_eq!(read(offset), [(offset, 4)]);
    }
    range::forget(START, SIZE);
    for offset in [0, 5000, 10_000, SIZE / 2 + 1, SIZE - 4] {
        assert_eq!(read(offset), []);
    }
    freer.join().unwrap();
}
