//! Without the second barrier the next round's writes meet this round's reads.

use std::sync::Barrier;
use std::thread;

struct Parts(*mut u64);

unsafe impl Sync for Parts {}

fn threads() -> usize {
    std::env::args().nth(1).map_or(2, |n| n.parse().unwrap())
}

fn main() {
    let count = threads();
    let mut values = vec![0u64; count];
    let parts = Parts(values.as_mut_ptr());
    let barrier = Barrier::new(count);
    thread::scope(|scope| {
        for index in 0..count {
            let (parts, barrier) = (&parts, &barrier);
            scope.spawn(move || {
                unsafe { parts.0.add(index).write(1) };
                barrier.wait();
                let next = (index + 1) % count;
                let other = unsafe { parts.0.add(next).read() }; // race
                unsafe { parts.0.add(index).write(other) }; // race
            });
        }
    });
}
