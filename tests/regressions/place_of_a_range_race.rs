//! Not a false report, but a misleading one: the place of a race between ranges was all of the later one.

use std::panic::Location;
use std::sync::mpsc::channel;

use race_core::report::Collector;
use race_core::shadow::range::{self, AccessKind};

#[test]
fn it_is_the_bytes_that_both_touch() {
    let memory = Box::new([0u64; 8]);
    let base = memory.as_ptr().addr();
    let site = Location::caller();
    for (written, read, common) in [
        ((4, 4), (0, 16), (4, 4)),
        ((4, 8), (0, 64), (4, 8)),
        ((0, 64), (9, 2), (9, 2)),
    ] {
        range::forget(base, 64);
        let collector = Collector::open();
        let (wrote, has_written) = channel();
        let writer = std::thread::spawn(move || {
            range::access(base + written.0, written.1, AccessKind::Write, Some(site));
            wrote.send(()).unwrap();
        });
        has_written.recv().unwrap();
        range::access(base + read.0, read.1, AccessKind::Read, Some(site));
        writer.join().unwrap();
        let races = collector.close();
        assert_eq!(races.len(), 1);
        let place = races[0].location();
        assert_eq!((place.address() - base, place.size()), common);
    }
}
