//! crate: futures-util
//! race: futures_unordered / futures_unordered
//!
//! `FuturesUnordered` is `Sync`, and `push` takes `&self`, but the list and its length are in `Cell`s. Mended by atomics.

use futures_util::stream::FuturesUnordered;
use std::future::{Ready, ready};
use std::thread;

fn main() {
    let set: FuturesUnordered<Ready<()>> = FuturesUnordered::new();
    thread::scope(|scope| {
        // Held, since dropping the handle of a thread that has ended is an order after it.
        let _pushing = scope.spawn(|| set.push(ready(())));
        set.push(ready(()));
    });
    println!("{} futures of 2", set.len());
}
