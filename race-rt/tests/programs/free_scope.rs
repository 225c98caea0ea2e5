//! Scoped threads borrow from their creator's stack, and take turns by an `RwLock`.

use std::sync::RwLock;
use std::thread;

fn threads() -> usize {
    std::env::args().nth(1).map_or(2, |n| n.parse().unwrap())
}

fn main() {
    for _ in 0..20 {
        let mut own = vec![0u64; threads()];
        let shared = RwLock::new(vec![0u64; 16]);
        thread::scope(|scope| {
            for (index, slot) in own.iter_mut().enumerate() {
                let shared = &shared;
                scope.spawn(move || {
                    for round in 0..50 {
                        if round % 5 == 0 {
                            shared.write().unwrap()[index % 16] += 1;
                        } else {
                            *slot += shared.read().unwrap().iter().sum::<u64>();
                        }
                    }
                });
            }
        });
        // Without a lock: the scope has waited for them.
        let total: u64 = shared.into_inner().unwrap().iter().sum();
        assert_eq!(total, 10 * own.len() as u64);
        own.fill(0);
    }
}
