//! Races inside `check`, in the way that its argument names; what is collected is printed to stdout.

mod unordered;

use std::hint::black_box;
use std::sync::mpsc;

use racecheck::{Outcome, Shared, check, thread};

use unordered::unordered;

/// A race on a value of its own. The two functions tell races apart: a pair of lines is reported once.
fn first_race() {
    let value = Shared::new(1);
    let read = || {
        black_box(value.get());
    };
    unordered(|| value.set(2), read);
}

fn second_race() {
    let value = Shared::new(1);
    let read = || {
        black_box(value.get());
    };
    unordered(|| value.set(2), read);
}

/// Ends the process.
fn exit() {
    std::process::exit(0)
}

/// Ends it without any exit handler.
fn ends(how: &str) {
    if how.starts_with("abort") {
        std::process::abort();
    }
    // SAFETY: no exit handler is missed.
    unsafe { libc::_exit(5) }
}

fn panic() {
    panic!("halfway")
}

fn print<T>(outcome: &Outcome<T>) {
    println!("collected {}", outcome.races().len());
}

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("collected") => print(&check(first_race)),
        Some("panic") => print(&check(|| {
            first_race();
            panic();
        })),
        Some("exit") => print(&check(|| {
            first_race();
            exit();
        })),
        Some("exit-nested") => print(&check(|| {
            first_race();
            print(&check(|| {
                second_race();
                exit();
            }));
        })),
        Some("exit-in-a-thread") => print(&check(|| {
            first_race();
            let _ = thread::spawn(exit).join();
        })),
        Some(how @ ("abort" | "_exit" | "abort-in-a-thread" | "_exit-in-a-thread")) => {
            print(&check(|| {
                first_race();
                let end = || ends(how);
                if how.ends_with("thread") {
                    let _ = thread::scope(|s| s.spawn(end).join());
                } else {
                    end();
                }
            }));
        }
        Some("before-and-after") => {
            first_race();
            print(&check(first_race));
            print(&check(second_race));
            second_race();
        }
        Some("outlived") => outlived(),
        other => panic!("unknown way {other:?}"),
    }
}

/// A thread that was started inside a `check` races when that has returned.
fn outlived() {
    let (go, wait) = mpsc::channel();
    let outcome = check(|| {
        thread::spawn(move || {
            wait.recv().unwrap();
            first_race();
        })
    });
    print(&outcome);
    go.send(()).unwrap();
    outcome.value.join().unwrap();
    println!("joined");
}
