//! The value is written after `unpark`.

use std::thread;

static mut VALUE: u64 = 0;

fn threads() -> usize {
    std::env::args().nth(1).map_or(2, |n| n.parse().unwrap())
}

fn main() {
    let parked: Vec<_> = (1..threads())
        .map(|_| {
            thread::spawn(|| {
                thread::park();
                let value = unsafe { (&raw const VALUE).read() }; // race
                std::hint::black_box(value);
            })
        })
        .collect();
    for thread in &parked {
        thread.thread().unpark();
    }
    unsafe { VALUE = 7 }; // race
    for thread in parked {
        thread.join().unwrap();
    }
}
