//! crate: thread_local
//! race: next / allocate_bucket
//!
//! `Iter::next` loads the pointer to an array of entries with a relaxed load, and then reads whether an entry is there from an array that another
//! thread made and filled with "no". Mended by an acquire load.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use thread_local::ThreadLocal;

/// Tells when, and orders nothing.
static INSERTED: AtomicBool = AtomicBool::new(false);

fn main() {
    let values = Arc::new(ThreadLocal::new());
    let same = Arc::clone(&values);
    let iterating = thread::spawn(move || {
        while !INSERTED.load(Relaxed) {
            thread::yield_now();
        }
        same.iter().copied().collect::<Vec<u64>>()
    });
    // The crate gives its threads the numbers 0, 1, 2, …. The arrays have 1, 1, 2, … entries, so thread 3's is the second one of its array, whose
    // first is never there: what an iterator reads of it is what the array was made with.
    insert_as_thread(3, &values);
    println!("{:?}", iterating.join().unwrap());
}

/// Inserts a value when `more` threads, all of them alive, have their numbers.
fn insert_as_thread(more: u64, values: &ThreadLocal<u64>) {
    ThreadLocal::new().get_or(|| more);
    if more == 0 {
        values.get_or(|| 1);
        INSERTED.store(true, Relaxed);
    } else {
        thread::scope(|scope| {
            scope.spawn(|| insert_as_thread(more - 1, values));
        });
    }
}
