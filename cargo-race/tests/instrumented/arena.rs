//! A program whose allocator has memory of its own, and gives none of it out twice.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::UnsafeCell;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

const SIZE: usize = 16 << 20;

struct Arena {
    memory: UnsafeCell<[u8; SIZE]>,
    used: AtomicUsize,
}

// SAFETY: no byte is given out twice.
unsafe impl Sync for Arena {}

#[global_allocator]
static ARENA: Arena = Arena {
    memory: UnsafeCell::new([0; SIZE]),
    used: AtomicUsize::new(0),
};

// SAFETY: each block is a part of the memory, aligned as asked.
unsafe impl GlobalAlloc for Arena {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let room = layout.size() + layout.align();
        let start = self.memory.get().addr() + self.used.fetch_add(room, Relaxed);
        let block = start.next_multiple_of(layout.align());
        assert!(block + layout.size() <= self.memory.get().addr() + SIZE);
        self.memory.get().cast::<u8>().with_addr(block)
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

fn main() {
    let texts: Vec<String> = (0..10).map(|n| n.to_string()).collect();
    assert_eq!(texts.concat(), "0123456789");
    println!("done");
}
