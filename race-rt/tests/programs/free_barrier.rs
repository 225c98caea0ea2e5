//! Each thread writes its part, and after the barrier reads everybody's.

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
                for round in 1..=20 {
                    unsafe { parts.0.add(index).write(round) };
                    barrier.wait();
                    let all = (0..count).map(|other| unsafe { parts.0.add(other).read() });
                    assert_eq!(all.sum::<u64>(), round * count as u64);
                    barrier.wait();
                }
            });
        }
    });
}
