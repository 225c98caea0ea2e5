//! A global allocator that keeps what is freed and gives it out again by itself: unseen, or wrapped, as the first argument says.

mod unordered;

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use racecheck::alloc::Tracked;
use racecheck::ptr;

use unordered::unordered;

/// What is larger comes from the system each time.
const LARGEST: usize = 4096;

/// Per power of two, the blocks that are free: each begins with the address of the next.
static FREE: Mutex<[usize; 13]> = Mutex::new([0; 13]);

struct Pool;

impl Pool {
    fn class(layout: Layout) -> Option<(usize, Layout)> {
        let size = layout
            .size()
            .max(layout.align())
            .max(16)
            .next_power_of_two();
        let class = size.trailing_zeros() as usize;
        let block = Layout::from_size_align(size, size).ok()?;
        (size <= LARGEST).then_some((class, block))
    }
}

// SAFETY: a block is in its list or given out, never both; all of a class have its layout, which is at least what was asked for.
unsafe impl GlobalAlloc for Pool {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some((class, block)) = Pool::class(layout) else {
            // SAFETY: the caller's promise.
            return unsafe { System.alloc(layout) };
        };
        let mut free = FREE.lock().unwrap();
        let first = std::ptr::with_exposed_provenance_mut::<usize>(free[class]);
        if first.is_null() {
            // SAFETY: it has a size.
            return unsafe { System.alloc(block) };
        }
        // SAFETY: in the list, so it holds the next one's address.
        free[class] = unsafe { *first };
        first.cast()
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        let Some((class, _)) = Pool::class(layout) else {
            // SAFETY: the caller's promise.
            return unsafe { System.dealloc(memory, layout) };
        };
        let mut free = FREE.lock().unwrap();
        // SAFETY: at least 16 bytes, aligned, and nobody's now.
        unsafe { *memory.cast::<usize>() = free[class] };
        free[class] = memory.expose_provenance();
    }
}

static IS_WRAPPED: AtomicBool = AtomicBool::new(false);

struct Allocator;

// SAFETY: the pool does it, wrapped or not.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if IS_WRAPPED.load(Relaxed) {
            // SAFETY: the caller's promise.
            unsafe { Tracked::new(Pool).alloc(layout) }
        } else {
            // SAFETY: the caller's promise.
            unsafe { Pool.alloc(layout) }
        }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { Pool.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

static VALUE: u64 = 0;

/// Writes to memory that is its own for as long as it does, and says where.
fn use_blocks() -> [usize; 50] {
    let mut blocks = [(); 50].map(|()| Box::new([0u64; 40]));
    blocks.each_mut().map(|block| {
        ptr::write_range(block.as_mut_ptr(), block.len());
        black_box(block).as_ptr().addr()
    })
}

fn main() {
    let how = std::env::args().nth(1);
    let (is_wrapped, races) = match how.as_deref() {
        Some("unseen") => (false, true),
        Some("wrapped") => (true, false),
        Some("racy") => (true, true),
        other => panic!("unknown way {other:?}"),
    };
    IS_WRAPPED.store(is_wrapped, Relaxed);
    let used = Mutex::new([0; 50]);
    unordered(
        || *used.lock().unwrap() = use_blocks(),
        || {
            let again = use_blocks();
            let used = used.lock().unwrap();
            println!("{}", again.iter().any(|block| used.contains(block)));
        },
    );
    if races {
        unordered(
            || ptr::read_range(&raw const VALUE, 1),
            || ptr::write_range((&raw const VALUE).cast_mut(), 1),
        );
    }
}
