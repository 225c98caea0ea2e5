//! `park` and `unpark` hand values to and fro; the flags order nothing, and are looked at only after `park` has returned.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

struct Cell(*mut u64);

unsafe impl Send for Cell {}

fn threads() -> usize {
    std::env::args().nth(1).map_or(2, |n| n.parse().unwrap())
}

fn main() {
    for _ in 1..threads() {
        let value = Box::into_raw(Box::new(0u64));
        let cell = Cell(value);
        let turn: &'static AtomicUsize = Box::leak(Box::new(AtomicUsize::new(0)));
        let first = thread::current();
        let second = thread::spawn(move || {
            let cell: Cell = cell;
            for round in 0..50 {
                loop {
                    thread::park();
                    if turn.load(Relaxed) == 2 * round + 1 {
                        break;
                    }
                }
                unsafe { *cell.0 += 1 };
                turn.store(2 * round + 2, Relaxed);
                first.unpark();
            }
        });
        for round in 0..50 {
            unsafe { *value += 1 };
            turn.store(2 * round + 1, Relaxed);
            second.thread().unpark();
            loop {
                thread::park_timeout(Duration::from_secs(60));
                if turn.load(Relaxed) == 2 * round + 2 {
                    break;
                }
            }
        }
        second.join().unwrap();
        assert_eq!(*unsafe { Box::from_raw(value) }, 100);
    }
}
