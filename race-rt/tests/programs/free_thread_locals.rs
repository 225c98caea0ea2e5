//! Thread-locals with destructors, which use each other and what others have written; threads on used stacks.

use std::cell::RefCell;
use std::sync::{Arc, Mutex};
use std::thread;

static ENDED: Mutex<Vec<u64>> = Mutex::new(Vec::new());

struct Local {
    values: Vec<u64>,
    shared: Option<Arc<Vec<u64>>>,
}

impl Drop for Local {
    fn drop(&mut self) {
        let sum = self.shared.as_ref().map_or(0, |shared| shared.iter().sum::<u64>());
        self.values.push(sum);
        ENDED.lock().unwrap().extend(&self.values);
        // Lives on, or is made anew, while locals are dropped.
        let _ = OTHER.try_with(|other| other.borrow_mut().push('x'));
    }
}

thread_local! {
    static LOCAL: RefCell<Local> = RefCell::new(Local { values: Vec::new(), shared: None });
    static OTHER: RefCell<String> = const { RefCell::new(String::new()) };
}

fn threads() -> usize {
    std::env::args().nth(1).map_or(2, |n| n.parse().unwrap())
}

fn main() {
    for round in 0..20 {
        let shared = Arc::new(vec![round; 16]);
        let all: Vec<_> = (0..threads())
            .map(|_| {
                let shared = shared.clone();
                thread::spawn(move || {
                    LOCAL.with_borrow_mut(|local| {
                        local.values.push(1);
                        local.shared = Some(shared);
                    });
                    OTHER.with_borrow_mut(|other| other.push('y'));
                    let mut on_stack = [round; 200];
                    std::hint::black_box(&mut on_stack)[7] += 1;
                })
            })
            .collect();
        drop(shared);
        for thread in all {
            thread.join().unwrap();
        }
    }
    let mut ended = ENDED.lock().unwrap();
    assert_eq!(ended.len(), 40 * threads());
    ended.clear();
}
