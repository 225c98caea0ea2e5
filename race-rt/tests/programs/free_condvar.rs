//! A queue of two ends, with a `Condvar` for each, and one with a time limit.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex};
use std::thread;
use std::time::Duration;

#[derive(Default)]
struct Queue {
    items: Mutex<VecDeque<Box<u64>>>,
    filled: Condvar,
    emptied: Condvar,
}

impl Queue {
    fn push(&self, item: Box<u64>) {
        let mut items = self.emptied.wait_while(self.items.lock().unwrap(), |items| items.len() > 3).unwrap();
        items.push_back(item);
        drop(items);
        self.filled.notify_one();
    }

    fn pop(&self) -> Box<u64> {
        let mut items = self.items.lock().unwrap();
        loop {
            if let Some(item) = items.pop_front() {
                self.emptied.notify_all();
                return item;
            }
            items = self.filled.wait_timeout(items, Duration::from_secs(5)).unwrap().0;
        }
    }
}

fn threads() -> usize {
    std::env::args().nth(1).map_or(2, |n| n.parse().unwrap())
}

fn main() {
    let queue = Queue::default();
    let pairs = threads() / 2;
    thread::scope(|scope| {
        for _ in 0..pairs {
            scope.spawn(|| {
                for item in 0..100 {
                    queue.push(Box::new(item));
                }
            });
            scope.spawn(|| {
                for _ in 0..100 {
                    *queue.pop() += 1;
                }
            });
        }
    });
    assert!(queue.items.into_inner().unwrap().is_empty());
}
