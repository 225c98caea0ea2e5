//! `std`'s channels: what a message orders, what a full channel does, and what neither does.

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{self, channel, sync_channel};
use std::thread;

use crate::support::{Meeting, Plain, in_turn, take_turns, until};

crate::programs! {
    race: pub_08_changed_after_the_send, pub_10_written_after_the_close, prim_08_not_a_rendezvous, prim_09_one_permit_too_many, prim_11_first_message_only,
        prim_21_used_after_it_was_sent;
    none: pub_07_pointers, pub_09_written_before_the_close, prim_08_rendezvous, prim_09_semaphore, prim_11_both_messages, prim_21_moved_values, mpsc_all, sync_channel_all;
}

struct Request {
    id: u64,
    path: &'static str,
}

fn pub_07_pointers(threads: usize) {
    let (tx, rx) = channel::<Box<Request>>();
    thread::scope(|s| {
        for _ in 1..threads {
            let tx = tx.clone();
            s.spawn(move || {
                for _ in 0..3 {
                    let mut request = Box::new(Request { id: 0, path: "" });
                    request.id = 7;
                    request.path = "/";
                    tx.send(request).unwrap();
                }
            });
        }
        drop(tx);
        for mut request in rx {
            assert_eq!((request.id, request.path), (7, "/"));
            request.id = 8;
        }
    });
}

fn pub_08_changed_after_the_send(_: usize) {
    let request = &Plain::new(7);
    let (tx, rx) = channel();
    in_turn(
        || {
            tx.send(request).unwrap();
            request.set(8); // race: pub_08_changed_after_the_send
        },
        move || {
            rx.recv().unwrap().get(); // race: pub_08_changed_after_the_send
        },
    );
}

/// A result, and a rendezvous channel to each of several waiting threads that is closed before or after it is written. With another capacity `std` has no such edge: a
/// receiver finds out by a relaxed load.
fn by_close(threads: usize, write_first: bool) {
    let (result, closed) = (Plain::new(0), AtomicBool::new(false));
    thread::scope(|s| {
        let mut senders = Vec::new();
        for _ in 1..threads {
            let (result, closed) = (&result, &closed);
            let (tx, rx) = sync_channel::<()>(0);
            senders.push(tx);
            s.spawn(move || {
                assert!(rx.recv().is_err());
                until(closed);
                result.get(); // race: pub_10_written_after_the_close
            });
        }
        if write_first {
            result.set(42);
        }
        drop(senders);
        if !write_first {
            result.set(42); // race: pub_10_written_after_the_close
        }
        closed.store(true, Relaxed);
    });
}

fn pub_09_written_before_the_close(threads: usize) {
    by_close(threads, true);
}

fn pub_10_written_after_the_close(threads: usize) {
    by_close(threads, false);
}

/// The receiver writes, then receives; the sender reads after the message has been taken. With a capacity, the message is there before the receiver
/// looks: one that waits for it is in a queue, behind a lock that orders the two.
fn expert(capacity: usize) {
    let answer = Plain::new(0);
    let (sent, received) = (AtomicBool::new(capacity == 0), AtomicBool::new(false));
    let (ask, asked) = sync_channel(capacity);
    thread::scope(|s| {
        let (answer, sent, received) = (&answer, &sent, &received);
        s.spawn(move || {
            until(sent);
            answer.set(42); // race: prim_08_not_a_rendezvous
            asked.recv().unwrap();
            received.store(true, Relaxed);
        });
        ask.send("what is it?").unwrap();
        sent.store(true, Relaxed);
        until(received);
        answer.get(); // race: prim_08_not_a_rendezvous
    });
}

fn prim_08_rendezvous(_: usize) {
    expert(0);
}

fn prim_08_not_a_rendezvous(_: usize) {
    expert(1);
}

/// A permit is a message in the channel: with C = 1, the second one in comes after the first one out.
fn with_permits(threads: usize, capacity: usize) {
    let (total, (acquire, release)) = (Plain::new(0u64), sync_channel(capacity));
    let release = Mutex::new(release);
    let (all, inside) = (Meeting::of(threads), Meeting::of(threads));
    thread::scope(|s| {
        for _ in 0..threads {
            s.spawn(|| {
                all.meet();
                acquire.send(()).unwrap();
                *total.reach() += 1; // race: prim_09_one_permit_too_many
                if capacity == threads {
                    // Who takes a message that isn't there yet waits, and whoever then puts it there comes after that.
                    inside.meet();
                }
                release.lock().unwrap().recv().unwrap();
            });
        }
    });
}

fn prim_09_semaphore(threads: usize) {
    with_permits(threads, 1);
}

fn prim_09_one_permit_too_many(_: usize) {
    with_permits(2, 2);
}

/// Two messages, the second one's sender after the first one's; only who has received both knows what the second one wrote.
fn log(messages: usize) {
    let entry = &Plain::new(0);
    let (log, logged) = channel();
    let second = log.clone();
    take_turns(vec![
        Box::new(move || log.send(1).unwrap()),
        Box::new(move || {
            entry.set(2); // race: prim_11_first_message_only
            second.send(2).unwrap();
            // Not yet closed while the last step receives.
            std::mem::forget(second);
        }),
        Box::new(move || {
            for message in 1..=messages {
                assert_eq!(logged.recv(), Ok(message));
            }
            entry.get(); // race: prim_11_first_message_only
        }),
    ]);
}

fn prim_11_both_messages(_: usize) {
    log(2);
}

fn prim_11_first_message_only(_: usize) {
    log(1);
}

/// Values into boxes and out of them, through a channel, into a vector that grows, swapped.
fn prim_21_moved_values(threads: usize) {
    let (tx, rx) = channel();
    let collector = thread::spawn(move || {
        let mut values: Vec<Box<usize>> = Vec::new();
        for value in rx {
            values.push(value);
            **values.last_mut().unwrap() += 1;
        }
        let last = values.len() - 1;
        values.swap(0, last);
        values
    });
    for number in 0..threads {
        let tx = tx.clone();
        thread::spawn(move || {
            for value in 0..20 {
                tx.send(Box::new(*Box::new(value) + number)).unwrap();
            }
        });
    }
    drop(tx);
    let values = collector.join().unwrap();
    assert_eq!(values.len(), 20 * threads);
}

fn prim_21_used_after_it_was_sent(_: usize) {
    let (tx, rx) = channel::<Box<u64>>();
    in_turn(
        move || {
            let mut value = Box::new(1);
            let kept = &raw mut *value;
            tx.send(value).unwrap();
            unsafe { *kept = 2 }; // race: prim_21_used_after_it_was_sent
            // Not yet closed while the other receives.
            std::mem::forget(tx);
        },
        move || {
            let mut value = rx.recv().unwrap();
            *std::hint::black_box(&mut *value) = 3; // race: prim_21_used_after_it_was_sent
            std::mem::forget(value);
        },
    );
}

fn mpsc_all(threads: usize) {
    let (tx, rx) = channel();
    for number in 1..threads {
        let tx = tx.clone();
        thread::spawn(move || {
            for item in 0..100 {
                tx.send(vec![number, item]).unwrap();
            }
        });
    }
    drop(tx);
    let mut count = 0;
    for mut message in rx {
        message.push(1);
        count += 1;
    }
    assert_eq!(count, 100 * (threads - 1));
}

/// With and without room, and some that are dropped full.
fn sync_channel_all(threads: usize) {
    for bound in [0, 1, 4] {
        let (tx, rx) = sync_channel(bound);
        thread::scope(|s| {
            for number in 1..threads {
                let tx = tx.clone();
                s.spawn(move || {
                    for item in 0..50 {
                        match tx.try_send(vec![number, item]) {
                            Ok(()) => (),
                            Err(mpsc::TrySendError::Full(message)) => {
                                if tx.send(message).is_err() {
                                    break;
                                }
                            }
                            Err(mpsc::TrySendError::Disconnected(_)) => break,
                        }
                    }
                });
            }
            drop(tx);
            for _ in 0..25 * (threads - 1) {
                rx.recv().unwrap().push(1);
            }
            drop(rx);
        });
    }
}
