#[allow(dead_code)]
mod deque;

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use crossbeam_deque::deque::Buffer;
use crossbeam_utils::atomic::atomic_cell::{atomic_load, atomic_store};

struct Cell(UnsafeCell<u64>);

unsafe impl Sync for Cell {}

impl Cell {
    fn get(&self) -> *mut u64 {
        self.0.get()
    }
}

/// Runs both at once, and nothing orders them.
fn race(one: impl FnOnce() + Send, other: impl FnOnce() + Send) {
    thread::scope(|scope| {
        // A handle that is dropped when its thread has ended is an order, if an accidental one.
        let _handles = (scope.spawn(one), scope.spawn(other));
    });
}

fn main() {
    let buffer = Buffer::alloc(0_u64);
    let read = || {
        unsafe { buffer.read() };
    };
    match std::env::args().nth(1).as_deref() {
        Some("slot") => race(|| unsafe { buffer.write(1) }, read),
        Some("neighbour-of-slot") => {
            // What is freed first may be somebody else's by the time of the read. A relaxed flag is no order.
            let has_read = AtomicBool::new(false);
            let read_first = || {
                read();
                has_read.store(true, Relaxed);
            };
            let free = || {
                while !has_read.load(Relaxed) {
                    thread::yield_now();
                }
                unsafe { buffer.dealloc() }
            };
            race(read_first, free);
        }
        Some("namesake-of-slot") => {
            let buffer = deque::Buffer::alloc(0_u64);
            let read = || {
                unsafe { buffer.read() };
            };
            race(|| unsafe { buffer.write(1) }, read);
        }
        Some("cell") => {
            let cell = Cell(0_u64.into());
            let load = || {
                unsafe { atomic_load(cell.get()) };
            };
            race(|| unsafe { atomic_store(cell.get(), 1) }, load);
        }
        Some("neighbour-of-cell") => {
            let cell = Cell(0_u64.into());
            let store = || unsafe { atomic_store(cell.get(), 1) };
            race(store, store);
        }
        other => panic!("{other:?}"),
    }
}
