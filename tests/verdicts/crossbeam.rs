//! crossbeam's channels and wait groups: message by message, the capacity edge, disconnects, and of a select the chosen operation only.

use std::time::{Duration, Instant};

use racecheck::channel::{
    self, Receiver, Select, Sender, TrySendError, bounded, select, select_biased, unbounded,
};
use racecheck::sync::WaitGroup;
use racecheck::{Shared, thread};

use crate::{none, one_after_the_other, races};

type Ends<'a> = (&'a Sender<u32>, &'a Receiver<u32>);

const LONG: Duration = Duration::from_secs(600);

/// Each way to send, and to receive: they take the same edges.
const SENDS: [fn(&Sender<u32>, u32); 5] = [
    |tx, value| tx.send(value).unwrap(),
    |tx, value| {
        while tx.try_send(value).is_err() {
            thread::yield_now();
        }
    },
    |tx, value| tx.send_timeout(value, LONG).unwrap(),
    |tx, value| tx.send_deadline(value, Instant::now() + LONG).unwrap(),
    |tx, value| select! { send(tx, value) -> sent => sent.unwrap() },
];
const RECEIVES: [fn(&Receiver<u32>) -> u32; 6] = [
    |rx| rx.recv().unwrap(),
    |rx| {
        loop {
            if let Ok(value) = rx.try_recv() {
                return value;
            }
            thread::yield_now();
        }
    },
    |rx| rx.recv_timeout(LONG).unwrap(),
    |rx| rx.recv_deadline(Instant::now() + LONG).unwrap(),
    |rx| rx.iter().next().unwrap(),
    |rx| select! { recv(rx) -> value => value.unwrap() },
];

#[test]
fn a_send_happens_before_its_receive() {
    for capacity in [None, Some(1), Some(3)] {
        for (send, receive) in SENDS.iter().flat_map(|s| RECEIVES.map(|r| (s, r))) {
            let program = |write_first: bool| {
                let (value, (tx, rx)) = (Shared::new(0), capacity.map_or_else(unbounded, bounded));
                one_after_the_other(
                    || {
                        let write = || at!(value.set(1));
                        let early = write_first.then(write);
                        send(&tx, 7);
                        early.unwrap_or_else(write)
                    },
                    || {
                        assert_eq!(receive(&rx), 7);
                        at!(value.get())
                    },
                )
            };
            none(|| program(true));
            races(|| program(false));
        }
    }
}

/// Two senders: a message orders its own sender only.
#[test]
fn another_senders_message_orders_nothing() {
    for capacity in [None, Some(2)] {
        races(|| {
            let (value, (tx, rx)) = (Shared::new(0), capacity.map_or_else(unbounded, bounded));
            let (first, second) = (tx.clone(), tx);
            let ((), lines) = one_after_the_other(
                || first.send(1).unwrap(),
                || {
                    one_after_the_other(
                        || {
                            let line = at!(value.set(1));
                            second.send(2).unwrap();
                            line
                        },
                        || {
                            assert_eq!(rx.recv(), Ok(1));
                            at!(value.get())
                        },
                    )
                },
            );
            lines
        });
    }
}

/// With capacity C the (k+C)-th send completes after the k-th receive, and no other does.
#[test]
fn a_receive_makes_room_for_the_send_that_needs_it() {
    for (send, receive) in SENDS.iter().flat_map(|s| RECEIVES.map(|r| (s, r))) {
        // The receiver writes and receives message 0; the sender reads after its `sends`-th send.
        let program = |capacity: u32, sends: u32| {
            let (value, (tx, rx)) = (Shared::new(0), bounded(capacity as usize));
            for i in 0..capacity {
                send(&tx, i);
            }
            one_after_the_other(
                || {
                    let line = at!(value.set(1));
                    assert_eq!(receive(&rx), 0);
                    line
                },
                || {
                    for i in capacity..sends {
                        send(&tx, i);
                    }
                    at!(value.get())
                },
            )
        };
        none(|| program(1, 2));
        none(|| program(3, 4));
        races(|| program(1, 1));
        races(|| program(3, 3));
    }
}

/// Two receivers, and a capacity of 2: each of two more sends comes after one of them.
#[test]
fn the_place_in_the_queue_counts() {
    let program = |receiver: usize, send: usize| {
        let (values, (tx, rx)) = ([(); 2].map(|()| Shared::new(0)), bounded(2));
        for i in 0..2 {
            tx.send(i).unwrap();
        }
        let receive = |i: usize| {
            let line = at!(values[i].set(1));
            assert_eq!(rx.recv(), Ok(i));
            line
        };
        let (first, (second, read)) = one_after_the_other(
            || receive(0),
            || {
                one_after_the_other(
                    || receive(1),
                    || {
                        let others = || (2..send).for_each(|i| tx.send(i).unwrap());
                        let ((), line) = one_after_the_other(others, || {
                            tx.send(send).unwrap();
                            at!(values[receiver].get())
                        });
                        line
                    },
                )
            },
        );
        ([first, second][receiver], read)
    };
    none(|| program(0, 2));
    races(|| program(1, 2));
    races(|| program(0, 3));
    none(|| program(1, 3));
}

/// Each round two receivers write and receive, in whatever order, and the two sends that they make room for come after both.
#[test]
fn receives_that_overlap_make_room_too() {
    none(|| {
        let (values, (tx, rx)) = ([(); 2].map(|()| Shared::new(0)), bounded(2));
        for round in 0..200 {
            tx.send(round).unwrap();
            tx.send(round).unwrap();
            thread::scope(|s| {
                let receivers = values.each_ref().map(|value| {
                    s.spawn(|| {
                        value.set(round);
                        assert_eq!(rx.recv(), Ok(round));
                    })
                });
                tx.send(round).unwrap();
                tx.send(round).unwrap();
                assert!(values.iter().all(|value| value.get() == round));
                for receiver in receivers {
                    receiver.join().unwrap();
                }
            });
            assert_eq!((rx.recv(), rx.recv()), (Ok(round), Ok(round)));
        }
    });
}

#[test]
fn a_rendezvous_orders_both_ways() {
    // Two that only try never meet.
    let waits = |(s, r): &(usize, usize)| (*s, *r) != (1, 1);
    let pairs = (0..SENDS.len()).flat_map(|s| (0..RECEIVES.len()).map(move |r| (s, r)));
    for (send, receive) in pairs.filter(waits).map(|(s, r)| (SENDS[s], RECEIVES[r])) {
        let program = |capacity: usize, write_first: bool| {
            let (value, (tx, rx)) = (Shared::new(0), bounded(capacity));
            let received = std::sync::Barrier::new(2);
            thread::scope(|s| {
                let receiver = s.spawn(|| {
                    let write = || at!(value.set(1));
                    let early = write_first.then(write);
                    assert_eq!(receive(&rx), 7);
                    let line = early.unwrap_or_else(write);
                    received.wait();
                    line
                });
                send(&tx, 7);
                received.wait();
                let line = at!(value.get());
                (receiver.join().unwrap(), line)
            })
        };
        none(|| program(0, true));
        races(|| program(0, false));
        races(|| program(1, true));
        none(|| {
            let (value, (tx, rx)) = (Shared::new(0), bounded(0));
            thread::scope(|s| {
                s.spawn(|| {
                    value.set(1);
                    send(&tx, 7);
                });
                receive(&rx);
                value.get();
            });
        });
    }
}

#[test]
fn all_ends_happen_before_the_disconnect() {
    for capacity in [None, Some(0), Some(2)] {
        let program = |write_first: bool, senders_go: bool| {
            let value = Shared::new(0);
            let (tx, rx) = capacity.map_or_else(unbounded::<()>, bounded);
            let [goes, stays]: [Box<dyn FnOnce() + Send>; 2] = if senders_go {
                [
                    Box::new(move || drop(tx)),
                    Box::new(move || assert!(rx.recv().is_err())),
                ]
            } else {
                [
                    Box::new(move || drop(rx)),
                    Box::new(move || assert!(tx.send(()).is_err())),
                ]
            };
            one_after_the_other(
                || {
                    let write = || at!(value.set(1));
                    let early = write_first.then(write);
                    goes();
                    early.unwrap_or_else(write)
                },
                || {
                    stays();
                    at!(value.get())
                },
            )
        };
        for senders_go in [true, false] {
            none(|| program(true, senders_go));
            races(|| program(false, senders_go));
        }
    }
}

/// Not only the last one.
#[test]
fn every_clone_that_went_happens_before_the_disconnect() {
    none(|| {
        let (values, (tx, rx)) = ([(); 3].map(|()| Shared::new(0)), bounded::<()>(1));
        thread::scope(|s| {
            for value in &values {
                let tx = tx.clone();
                s.spawn(move || {
                    value.set(1);
                    drop(tx);
                });
            }
            drop(tx);
            assert!(rx.recv().is_err());
            values.iter().for_each(|value| assert_eq!(value.get(), 1));
        });
    });
}

#[test]
fn messages_dropped_unread_are_ordered_too() {
    struct Reads(std::sync::Arc<Shared<i32>>);
    impl Drop for Reads {
        fn drop(&mut self) {
            self.0.get();
        }
    }
    for capacity in [None, Some(1)] {
        none(|| {
            let value = std::sync::Arc::new(Shared::new(0));
            let (tx, rx) = capacity.map_or_else(unbounded, bounded);
            let sender = thread::spawn(move || {
                value.set(1);
                tx.send(Reads(value)).unwrap();
                tx
            });
            crate::wait_for(&sender);
            drop(rx);
            drop(sender.join().unwrap());
        });
    }
}

/// What is done with a channel that hands nothing over, by two threads one after the other.
#[test]
fn what_fails_or_only_looks_orders_nothing() {
    let attempts: [fn(Ends<'_>); 8] = [
        |(_, rx)| assert!(rx.try_recv().is_err()),
        |(_, rx)| assert!(rx.recv_timeout(Duration::ZERO).is_err()),
        |(_, rx)| select! { recv(rx) -> _ => unreachable!(), default => () },
        |(tx, rx)| assert!(tx.is_empty() && rx.is_empty() && tx.same_channel(&tx.clone())),
        |(_, rx)| assert!(Select::new_biased().recv(rx) == 0),
        |(tx, _)| {
            let (full, _rx) = bounded(1);
            full.send(0).unwrap();
            assert_eq!(full.try_send(1), Err(TrySendError::Full(1)));
            assert!(tx.capacity().is_some());
        },
        |(_, _)| assert!(channel::after(Duration::ZERO).recv().is_ok()),
        |(_, _)| assert!(channel::never::<()>().try_recv().is_err()),
    ];
    for attempt in attempts {
        races(|| {
            let (value, (tx, rx)) = (Shared::new(0), bounded(1));
            one_after_the_other(
                || {
                    let line = at!(value.set(1));
                    attempt((&tx, &rx));
                    line
                },
                || {
                    attempt((&tx, &rx));
                    at!(value.get())
                },
            )
        });
    }
}

/// Two threads hear one clock: that is no order between them.
#[test]
fn a_tick_orders_nothing() {
    races(|| {
        let (value, ticks) = (Shared::new(0), channel::tick(Duration::from_millis(1)));
        one_after_the_other(
            || {
                let line = at!(value.set(1));
                ticks.recv().unwrap();
                line
            },
            || {
                select! { recv(ticks) -> tick => tick.unwrap(), default(LONG) => unreachable!() };
                at!(value.get())
            },
        )
    });
}

/// Two senders have each written and sent; the receiver selects one's message.
#[test]
fn only_the_chosen_receive_orders() {
    for capacity in [None, Some(1), Some(5)] {
        let program = |chosen: usize, read: usize| {
            let values = [(); 2].map(|()| Shared::new(0));
            let ends = [(); 2].map(|()| capacity.map_or_else(unbounded, bounded));
            let send = |i: usize| {
                let line = at!(values[i].set(1));
                ends[i].0.send(i).unwrap();
                line
            };
            let (first, (second, line)) = one_after_the_other(
                || send(0),
                || {
                    one_after_the_other(
                        || send(1),
                        || {
                            let message = select_biased! {
                                recv(ends[chosen].1) -> message => message,
                                recv(ends[1 - chosen].1) -> message => message,
                            };
                            assert_eq!(message, Ok(chosen));
                            at!(values[read].get())
                        },
                    )
                },
            );
            ([first, second][read], line)
        };
        for (a, b) in [(0, 1), (1, 0)] {
            none(|| program(a, a));
            races(|| program(a, b));
        }
    }
}

#[test]
fn only_the_chosen_send_orders() {
    // Two channels of capacity 1 in each of which a receive has made room.
    let program = |chosen: usize, read: usize| {
        let values = [(); 2].map(|()| Shared::new(0));
        let ends = [(); 2].map(|()| bounded(1));
        for (tx, _) in &ends {
            tx.send(0).unwrap();
        }
        let receive = |i: usize| {
            let line = at!(values[i].set(1));
            ends[i].1.recv().unwrap();
            line
        };
        let (first, (second, line)) = one_after_the_other(
            || receive(0),
            || {
                one_after_the_other(
                    || receive(1),
                    || {
                        let mut select = Select::new_biased();
                        let (preferred, other) = (&ends[chosen].0, &ends[1 - chosen].0);
                        select.send(preferred);
                        select.send(other);
                        select.select().send(preferred, 1).unwrap();
                        at!(values[read].get())
                    },
                )
            },
        );
        ([first, second][read], line)
    };
    for (a, b) in [(0, 1), (1, 0)] {
        none(|| program(a, a));
        races(|| program(a, b));
    }
}

#[test]
fn leaving_a_wait_group_happens_before_the_wait() {
    let program = |write_first: bool| {
        let (value, group) = (Shared::new(0), WaitGroup::new());
        let member = group.clone();
        one_after_the_other(
            || {
                let write = || at!(value.set(1));
                let early = write_first.then(write);
                drop(member);
                early.unwrap_or_else(write)
            },
            || {
                group.wait();
                at!(value.get())
            },
        )
    };
    none(|| program(true));
    races(|| program(false));
}

/// Whoever waits is a member until then: each one's work is known to all who waited.
#[test]
fn waiting_is_leaving() {
    none(|| {
        let (values, group) = ([(); 3].map(|()| Shared::new(0)), WaitGroup::new());
        thread::scope(|s| {
            for value in &values {
                let (group, values) = (group.clone(), &values);
                s.spawn(move || {
                    value.set(1);
                    group.wait();
                    values.iter().for_each(|value| assert_eq!(value.get(), 1));
                });
            }
            drop(group);
        });
    });
}

/// To make a clone, or to look at the group, is no order.
#[test]
fn other_uses_of_a_wait_group_order_nothing() {
    races(|| {
        let (value, group) = (Shared::new(0), WaitGroup::new());
        one_after_the_other(
            || {
                let line = at!(value.set(1));
                std::mem::forget(group.clone());
                line
            },
            || {
                assert!(format!("{group:?}").contains("WaitGroup"));
                at!(value.get())
            },
        )
    });
}
