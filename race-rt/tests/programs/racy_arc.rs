//! The last owner frees what the others have used, by a count that orders nothing.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

struct Counted {
    count: AtomicUsize,
    value: u64,
}

#[derive(Clone, Copy)]
struct Handle(*mut Counted);

unsafe impl Send for Handle {}

impl Handle {
    #[inline(never)]
    fn get(self) -> u64 {
        unsafe { (*self.0).value } // race
    }

    #[inline(never)]
    fn release(self) {
        unsafe {
            if (*self.0).count.fetch_sub(1, Relaxed) == 1 {
                (*self.0).value = 0; // race
            }
        }
    }
}

fn threads() -> usize {
    std::env::args().nth(1).map_or(2, |n| n.parse().unwrap())
}

static MET: AtomicUsize = AtomicUsize::new(0);

/// All threads are there at once, which orders nothing: none ends before another begins.
fn meet() {
    MET.fetch_add(1, Relaxed);
    while MET.load(Relaxed) < threads() {
        thread::yield_now();
    }
}

fn main() {
    let counted = Box::into_raw(Box::new(Counted {
        count: AtomicUsize::new(threads()),
        value: 1,
    }));
    let handle = Handle(counted);
    let users: Vec<_> = (0..threads())
        .map(|_| {
            thread::spawn(move || {
                let handle: Handle = handle;
                meet();
                std::hint::black_box(handle.get());
                handle.release();
            })
        })
        .collect();
    for user in users {
        user.join().unwrap();
    }
}
