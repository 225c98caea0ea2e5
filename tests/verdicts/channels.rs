//! Channels: message by message, the capacity edge, disconnects.

use racecheck::sync::mpsc;
use racecheck::{Shared, thread};

use crate::{none, races};

#[test]
fn a_send_happens_before_its_receive() {
    let program = |write_first: bool| {
        let value = Shared::new(0);
        let (tx, rx) = mpsc::channel();
        let (go, wait) = std::sync::mpsc::channel();
        thread::scope(|s| {
            let value = &value;
            let writer = s.spawn(move || {
                let mut line = 0;
                if write_first {
                    line = at!(value.set(1));
                }
                tx.send(()).unwrap();
                if !write_first {
                    line = at!(value.set(1));
                }
                go.send(()).unwrap();
                line
            });
            wait.recv().unwrap();
            rx.recv().unwrap();
            let line = at!(value.get());
            (writer.join().unwrap(), line)
        })
    };
    none(|| program(true));
    races(|| program(false));
}

/// Two senders: a message orders its own sender only.
#[test]
fn another_senders_message_orders_nothing() {
    races(|| {
        let value = Shared::new(0);
        let (tx, rx) = mpsc::channel();
        let tx2 = tx.clone();
        let first = thread::spawn(move || tx.send(1).unwrap());
        crate::wait_for(&first);
        thread::scope(|s| {
            let value = &value;
            let second = s.spawn(move || {
                let line = at!(value.set(1));
                tx2.send(2).unwrap();
                line
            });
            while !second.is_finished() {
                thread::yield_now();
            }
            assert_eq!(rx.recv(), Ok(1));
            let line = at!(value.get());
            (second.join().unwrap(), line)
        })
    });
}

/// With capacity C the (k+C)-th send completes after the k-th receive, and no other does.
#[test]
fn a_receive_makes_room_for_the_send_that_needs_it() {
    // The receiver writes, receives message 0 and ends; the sender reads after its `sends`-th send.
    let program = |capacity: usize, sends: usize| {
        let value = Shared::new(0);
        let (tx, rx) = mpsc::sync_channel(capacity);
        for i in 0..capacity {
            tx.send(i).unwrap();
        }
        thread::scope(|s| {
            let value = &value;
            let (back, keep) = std::sync::mpsc::channel();
            let receiver = s.spawn(move || {
                let line = at!(value.set(1));
                assert_eq!(rx.recv(), Ok(0));
                back.send(rx).unwrap();
                line
            });
            let _rx = keep.recv().unwrap();
            for i in capacity..sends {
                tx.send(i).unwrap();
            }
            let line = at!(value.get());
            (receiver.join().unwrap(), line)
        })
    };
    none(|| program(1, 2));
    none(|| program(3, 4));
    races(|| program(1, 1));
    races(|| program(3, 3));
}

#[test]
fn a_rendezvous_orders_both_ways() {
    let program = |capacity: usize| {
        let value = Shared::new(0);
        let (tx, rx) = mpsc::sync_channel(capacity);
        thread::scope(|s| {
            let value = &value;
            let (back, keep) = std::sync::mpsc::channel();
            let receiver = s.spawn(move || {
                let line = at!(value.set(1));
                rx.recv().unwrap();
                back.send(rx).unwrap();
                line
            });
            tx.send(()).unwrap();
            let _rx = keep.recv().unwrap();
            let line = at!(value.get());
            (receiver.join().unwrap(), line)
        })
    };
    none(|| program(0));
    races(|| program(1));
}

#[test]
fn try_send_takes_the_same_edges() {
    none(|| {
        let (value, (tx, rx)) = (Shared::new(0), mpsc::sync_channel(1));
        tx.try_send(0).unwrap();
        assert!(matches!(tx.try_send(0), Err(mpsc::TrySendError::Full(0))));
        thread::scope(|s| {
            let value = &value;
            s.spawn(move || {
                value.set(1);
                for _ in 0..2 {
                    rx.recv().unwrap();
                }
            });
            while tx.try_send(1).is_err() {
                thread::yield_now();
            }
            value.get();
        });
    });
}

#[test]
fn all_senders_happen_before_the_disconnect() {
    let program = |write_before_drop: bool| {
        let value = Shared::new(0);
        let (tx, rx) = mpsc::channel::<()>();
        let (go, wait) = std::sync::mpsc::channel();
        thread::scope(|s| {
            let value = &value;
            let sender = s.spawn(move || {
                let mut line = 0;
                if write_before_drop {
                    line = at!(value.set(1));
                }
                drop(tx);
                if !write_before_drop {
                    line = at!(value.set(1));
                }
                go.send(()).unwrap();
                line
            });
            wait.recv().unwrap();
            assert!(rx.recv().is_err());
            let line = at!(value.get());
            (sender.join().unwrap(), line)
        })
    };
    none(|| program(true));
    races(|| program(false));
}

#[test]
fn the_receivers_end_happens_before_the_failed_send() {
    none(|| {
        let value = Shared::new(0);
        let (tx, rx) = mpsc::channel();
        thread::scope(|s| {
            let value = &value;
            s.spawn(move || {
                value.set(1);
                drop(rx);
            });
            while tx.send(()).is_ok() {
                thread::yield_now();
            }
            value.get();
        });
    });
}

#[test]
fn a_sender_that_waits_for_room_wakes_when_the_receiver_goes() {
    none(|| {
        let (tx, rx) = mpsc::sync_channel(1);
        tx.send(0).unwrap();
        thread::scope(|s| {
            let senders = [tx.clone(), tx].map(|tx| s.spawn(move || tx.send(1).is_err()));
            s.spawn(move || drop(rx));
            for sender in senders {
                assert!(sender.join().unwrap());
            }
        });
    });
}

/// The receiver drops messages unread: their values' destructors are ordered after the sends.
#[test]
fn messages_dropped_unread_are_ordered_too() {
    struct Reads(std::sync::Arc<Shared<i32>>);
    impl Drop for Reads {
        fn drop(&mut self) {
            self.0.get();
        }
    }
    none(|| {
        let value = std::sync::Arc::new(Shared::new(0));
        let (tx, rx) = mpsc::channel();
        let sender = thread::spawn(move || {
            value.set(1);
            tx.send(Reads(value)).unwrap();
        });
        crate::wait_for(&sender);
        drop(rx);
        sender.join().unwrap();
    });
}

#[test]
fn a_failed_receive_orders_nothing() {
    races(|| {
        let value = Shared::new(0);
        let (tx, rx) = mpsc::channel::<()>();
        thread::scope(|s| {
            let value = &value;
            let writer = s.spawn(move || {
                let line = at!(value.set(1));
                (line, tx)
            });
            while !writer.is_finished() {
                thread::yield_now();
            }
            assert!(rx.try_recv().is_err());
            let line = at!(value.get());
            (writer.join().unwrap().0, line)
        })
    });
}
