//! Pointers that go through pipes and sockets, from thread to thread.

use std::io::{PipeReader, Read, Write, pipe};
use std::os::unix::net::UnixStream;
use std::thread;

fn threads() -> usize {
    std::env::args().nth(1).map_or(2, |n| n.parse().unwrap())
}

fn send(to: &mut impl Write, value: u64) {
    let pointer = Box::into_raw(Box::new(value)).expose_provenance();
    to.write_all(&pointer.to_ne_bytes()).unwrap();
}

fn receive(from: &mut impl Read) -> u64 {
    let mut bytes = [0; size_of::<usize>()];
    from.read_exact(&mut bytes).unwrap();
    let pointer = std::ptr::with_exposed_provenance_mut(usize::from_ne_bytes(bytes));
    *unsafe { Box::from_raw(pointer) }
}

fn sum(mut reader: PipeReader, count: u64) -> u64 {
    (0..count).map(|_| receive(&mut reader)).sum()
}

fn main() {
    for _ in 1..threads() {
        let (reader, mut writer) = pipe().unwrap();
        let (mut here, mut there) = UnixStream::pair().unwrap();
        let summing = thread::spawn(move || {
            let total = sum(reader, 100);
            send(&mut there, total);
        });
        for value in 0..100 {
            send(&mut writer, value);
        }
        assert_eq!(receive(&mut here), 4950);
        summing.join().unwrap();
    }
}
