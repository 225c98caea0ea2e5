//! Ends in the way that its first argument names. The second one is `racy` or `ordered`: what it did before.

mod unordered;

use std::hint::black_box;
use std::process::exit;

use racecheck::{Shared, thread};

use unordered::unordered;

static VALUE: Shared<u64> = Shared::new(0);

#[inline(never)]
fn write() {
    VALUE.set(1);
    black_box(());
}

#[inline(never)]
fn read() {
    black_box(VALUE.get());
}

/// Runs when the main thread's thread-locals are gone.
extern "C" fn starts_threads() {
    let one = thread::spawn(|| print!("one "));
    one.join().unwrap();
    let other = std::thread::spawn(|| print!("other"));
    other.join().unwrap();
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [how, order] = [0, 1].map(|index| arguments[index].as_str());
    match order {
        "racy" => unordered(write, read),
        "ordered" => {
            thread::spawn(write).join().unwrap();
            read();
        }
        _ => panic!("unknown order {order}"),
    }
    match how {
        "return" => {}
        "panic" => panic!("the end"),
        "exit-0" => exit(0),
        "exit-3" => exit(3),
        "exit-3-in-a-thread" => {
            // The join never returns.
            let _ = thread::spawn(|| exit(3)).join();
        }
        "exit-handler-starts-threads" => {
            // SAFETY: the handler may be called at any time until the process ends.
            assert_eq!(unsafe { libc::atexit(starts_threads) }, 0);
        }
        "exit-3-in-a-thread-of-std" => {
            let _ = std::thread::spawn(|| exit(3)).join();
        }
        _ => panic!("unknown end {how}"),
    }
}
