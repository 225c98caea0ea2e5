//! What the shadow of raw memory costs in memory.

#![cfg(target_os = "linux")]

use std::panic::Location;

use race_core::shadow::range::{self, AccessKind};

/// What the process has in memory, in bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux has it");
    let pages = statm.split(' ').nth(1).expect("the second field is there");
    pages.parse::<usize>().expect("it is a number") * 4096
}

/// 100 MB, 8 bytes at a time. Nobody looks at the memory itself.
#[test]
fn a_byte_of_raw_memory_pays_2_bytes() {
    const BYTES: usize = 100_000_000;
    const START: usize = 0x10_0000_0000;
    let site = Location::caller();
    let before = resident();
    for address in (START..START + BYTES).step_by(8) {
        range::access(address, 8, AccessKind::Write, Some(site));
    }
    let shadow = resident() - before;
    let per_byte = shadow as f64 / BYTES as f64;
    println!("{per_byte:.3} bytes of shadow for each byte");
    assert!((1.95..2.05).contains(&per_byte), "{per_byte}");
}
