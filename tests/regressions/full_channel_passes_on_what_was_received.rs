//! What the sender of a message did was before the receive that made room for another sender's message, but not before that one's completion.

use racecheck::sync::mpsc::sync_channel;
use racecheck::{Shared, thread};

/// One thread writes and sends the first message. Another sends some more and reads what the first one wrote.
fn run(capacity: usize, more: usize) {
    let value = Shared::new(0);
    thread::scope(|s| {
        let (tx, rx) = sync_channel(capacity);
        let (first, value) = (tx.clone(), &value);
        let writer = s.spawn(move || {
            value.set(1);
            first.send(0).unwrap();
        });
        // No edge: `is_finished` orders nothing.
        while !writer.is_finished() {
            thread::yield_now();
        }
        let receiver = s.spawn(move || {
            rx.recv().unwrap();
            rx
        });
        let reader = s.spawn(move || {
            for number in 1..=more {
                tx.send(number).unwrap();
            }
            value.get();
        });
        reader.join().unwrap();
        drop(receiver.join().unwrap());
    });
}

#[test]
fn the_sender_who_gets_its_room_knows_it() {
    for capacity in 1..4 {
        crate::expect(0, || run(capacity, capacity));
        // There was room from the beginning.
        crate::expect(1, || run(capacity, capacity - 1));
    }
}
