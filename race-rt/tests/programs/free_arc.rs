//! The last owner of an `Arc` drops the value that the others have used: std orders them by a fence.

use std::sync::{Arc, Weak};
use std::thread;

struct Log(Vec<u64>);

impl Drop for Log {
    fn drop(&mut self) {
        for entry in &mut self.0 {
            *entry = 0;
        }
    }
}

fn threads() -> usize {
    std::env::args().nth(1).map_or(2, |n| n.parse().unwrap())
}

fn main() {
    for round in 0..100 {
        let log = Arc::new(Log((0..64).collect()));
        let weak: Weak<Log> = Arc::downgrade(&log);
        let users: Vec<_> = (0..threads())
            .map(|_| {
                let (log, weak) = (log.clone(), weak.clone());
                thread::spawn(move || {
                    let sum = log.0.iter().sum::<u64>() + round;
                    drop(log);
                    (sum, weak.upgrade().map(|log| log.0.len()))
                })
            })
            .collect();
        drop(log);
        for user in users {
            user.join().unwrap();
        }
    }
}
