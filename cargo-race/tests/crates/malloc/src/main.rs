//! Threads that allocate.

use std::thread;

fn main() {
    thread::scope(|s| {
        for number in 0..4 {
            s.spawn(move || {
                let texts: Vec<String> = (0..100).map(|n| (n * number).to_string()).collect();
                assert_eq!(texts[1], number.to_string());
            });
        }
    });
    println!("done");
}
