//! Uses the API of `lib::WaitGroup`, and says what it saw.

use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use super::lib::WaitGroup;
use crate::Results;

pub(crate) fn results() -> Results {
    let mut results = Results::default();
    let group = WaitGroup::default();
    results.saw("alone", &group);
    group.wait();
    let (group, done) = (WaitGroup::new(), AtomicUsize::new(0));
    thread::scope(|s| {
        for _ in 0..4 {
            let (group, done) = (group.clone(), &done);
            s.spawn(move || {
                done.fetch_add(1, Relaxed);
                drop(group);
            });
        }
        group.wait();
        results.saw("done", &done);
    });
    // All wait: each is a member until it does.
    let group = WaitGroup::new();
    let waiting = [(); 3].map(|()| {
        let group = group.clone();
        thread::spawn(move || group.wait())
    });
    group.wait();
    for thread in waiting {
        thread.join().unwrap();
    }
    let group = WaitGroup::new();
    let clone = group.clone();
    results.saw("two", &clone);
    drop(clone);
    results.saw("one", group);
    auto_traits();
    results
}

fn auto_traits() {
    fn all<T: Send + Sync + Clone + Default + UnwindSafe + RefUnwindSafe>() {}
    all::<WaitGroup>();
}
