//! Memory that goes from thread to thread by way of the allocator alone.

use std::alloc::{Layout, alloc, alloc_zeroed, dealloc, realloc};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;

static SUM: AtomicU64 = AtomicU64::new(0);

fn threads() -> usize {
    std::env::args().nth(1).map_or(2, |n| n.parse().unwrap())
}

fn use_memory() {
    for size in [24usize, 100, 1000, 5000, 200_000] {
        for round in 0..10u8 {
            let layout = Layout::from_size_align(size, 8).unwrap();
            unsafe {
                let memory = if round % 2 == 0 { alloc(layout) } else { alloc_zeroed(layout) };
                memory.write_bytes(round, size);
                let larger = realloc(memory, layout, 2 * size);
                larger.add(size).write_bytes(round, size);
                SUM.fetch_add(u64::from(*larger.add(size / 2)), Relaxed);
                dealloc(larger, Layout::from_size_align(2 * size, 8).unwrap());
            }
        }
    }
}

fn main() {
    for _ in 0..10 {
        let all: Vec<_> = (0..threads()).map(|_| thread::spawn(use_memory)).collect();
        use_memory();
        for thread in all {
            thread.join().unwrap();
        }
    }
}
