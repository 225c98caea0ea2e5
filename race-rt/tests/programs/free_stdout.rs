//! Many threads print, some with the lock held.

use std::io::Write;
use std::thread;

fn threads() -> usize {
    std::env::args().nth(1).map_or(2, |n| n.parse().unwrap())
}

fn main() {
    thread::scope(|scope| {
        for number in 0..threads() {
            scope.spawn(move || {
                for line in 0..50 {
                    println!("{number}: {line}");
                    let mut out = std::io::stdout().lock();
                    write!(out, "{number}").unwrap();
                    println!(" again");
                    out.flush().unwrap();
                }
            });
        }
    });
}
