//! A contended `Mutex`, and one that is poisoned.

use std::sync::{Arc, Mutex, TryLockError};
use std::thread;

fn threads() -> usize {
    std::env::args().nth(1).map_or(2, |n| n.parse().unwrap())
}

fn main() {
    let shared = Arc::new(Mutex::new((0u64, Vec::new())));
    let workers: Vec<_> = (0..threads() as u64)
        .map(|number| {
            let shared = shared.clone();
            thread::spawn(move || {
                for round in 0..500 {
                    let mut guard = shared.lock().unwrap();
                    guard.0 += 1;
                    guard.1.push(number * round);
                    drop(guard);
                    match shared.try_lock() {
                        Ok(mut guard) => guard.0 -= 1,
                        Err(TryLockError::WouldBlock) => shared.lock().unwrap().0 -= 1,
                        Err(TryLockError::Poisoned(_)) => unreachable!(),
                    }
                }
            })
        })
        .collect();
    for worker in workers {
        worker.join().unwrap();
    }
    let (sum, all) = Arc::into_inner(shared).unwrap().into_inner().unwrap();
    assert_eq!((sum, all.len()), (0, threads() * 500));

    let poisoned = Mutex::new(String::new());
    std::panic::set_hook(Box::new(|_| ()));
    thread::scope(|scope| {
        let panicking = scope.spawn(|| {
            let mut guard = poisoned.lock().unwrap();
            guard.push('x');
            panic!();
        });
        assert!(panicking.join().is_err());
    });
    assert_eq!(poisoned.lock().unwrap_err().into_inner().as_str(), "x");
}
