//! Child processes, with pipes that threads read.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::thread;

fn threads() -> usize {
    std::env::args().nth(1).map_or(2, |n| n.parse().unwrap())
}

fn main() {
    thread::scope(|scope| {
        for number in 0..threads() {
            scope.spawn(move || {
                let mut child = Command::new("cat")
                    .stdin(Stdio::piped())
                    .stdout(Stdio::piped())
                    .spawn()
                    .unwrap();
                let mut input = child.stdin.take().unwrap();
                let mut output = child.stdout.take().unwrap();
                let writer = thread::spawn(move || write!(input, "{number}").unwrap());
                let mut text = String::new();
                output.read_to_string(&mut text).unwrap();
                writer.join().unwrap();
                assert!(child.wait().unwrap().success());
                assert_eq!(text, number.to_string());
            });
        }
    });
}
