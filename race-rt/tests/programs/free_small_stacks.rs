//! Threads with as little stack as there can be, of which the engine needs its part.

use std::collections::BTreeMap;
use std::thread;

fn threads() -> usize {
    std::env::args().nth(1).map_or(2, |n| n.parse().unwrap())
}

fn work(number: usize) -> String {
    let map: BTreeMap<usize, String> = (0..100).map(|n| (n, (n + number).to_string())).collect();
    map.values().map(String::as_str).collect()
}

fn main() {
    let all: Vec<_> = (0..threads())
        .map(|number| thread::Builder::new().stack_size(1).spawn(move || work(number)).unwrap())
        .collect();
    for thread in all {
        assert!(thread.join().unwrap().len() >= 190);
    }
}
