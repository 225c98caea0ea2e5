//! Uses the API of `lib::channel`, and says what it saw.

use std::panic::{AssertUnwindSafe, RefUnwindSafe, UnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};

use super::lib::channel::{
    self, IntoIter, Iter, Receiver, RecvTimeoutError, Select, SelectedOperation, SendTimeoutError,
    Sender, TryIter, TryRecvError, TrySendError, bounded, select, select_biased, unbounded,
};
use crate::Results;

const SHORT: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_secs(600);

pub(crate) fn results() -> Results {
    let mut results = Results::default();
    ends(&mut results);
    for capacity in [None, Some(0), Some(1), Some(3)] {
        one_thread(&mut results, capacity);
        disconnects(&mut results, capacity);
        two_threads(&mut results, capacity);
        many_threads(&mut results, capacity);
    }
    dropped_messages(&mut results);
    times(&mut results);
    dynamic_select(&mut results);
    macros(&mut results);
    macros_with_both_kinds(&mut results);
    control_flow(&mut results);
    select_among_threads(&mut results);
    auto_traits();
    results
}

fn channel<T>(capacity: Option<usize>) -> (Sender<T>, Receiver<T>) {
    capacity.map_or_else(unbounded, bounded)
}

fn ends(results: &mut Results) {
    let (tx, rx) = bounded::<u8>(2);
    let (other_tx, other_rx) = unbounded::<u8>();
    results.saw("ends", (&tx, &rx));
    results.saw("clones", (tx.clone(), rx.clone()));
    results.saw(
        "same",
        (tx.same_channel(&tx.clone()), tx.same_channel(&other_tx)),
    );
    results.saw(
        "same",
        (rx.same_channel(&rx.clone()), rx.same_channel(&other_rx)),
    );
    results.saw("same", rx.same_channel(&channel::never()));
    let never = channel::never::<u8>();
    results.saw("same", never.same_channel(&never.clone()));
    results.saw("iterators", (rx.iter(), rx.try_iter()));
    results.saw("iterator", rx.into_iter());
}

fn sizes<T>(tx: &Sender<T>, rx: &Receiver<T>) -> [(usize, bool, bool, Option<usize>); 2] {
    [
        (tx.len(), tx.is_empty(), tx.is_full(), tx.capacity()),
        (rx.len(), rx.is_empty(), rx.is_full(), rx.capacity()),
    ]
}

fn one_thread(results: &mut Results, capacity: Option<usize>) {
    let (tx, rx) = channel(capacity);
    results.saw("empty", sizes(&tx, &rx));
    for i in 0..5 {
        results.saw("try_send", tx.try_send(i));
        results.saw("sizes", sizes(&tx, &rx));
    }
    let timed_out = tx.send_timeout(6, SHORT);
    results.saw(
        "send_timeout",
        timed_out == Err(SendTimeoutError::Timeout(6)),
    );
    results.saw("send_deadline", tx.send_deadline(7, Instant::now()).is_ok());
    results.saw("try_recv", rx.try_recv());
    results.saw("sizes", sizes(&tx, &rx));
    results.saw("room again", tx.try_send(8));
    results.saw("all", rx.try_iter().collect::<Vec<_>>());
    results.saw("sizes", sizes(&tx, &rx));
    results.saw("recv_timeout", rx.recv_timeout(SHORT));
    results.saw("recv_deadline", rx.recv_deadline(Instant::now()));
    // The queue goes round.
    for i in 0..20 {
        let sent = tx.try_send(i);
        results.saw("round", (sent, rx.try_recv()));
    }
}

fn disconnects(results: &mut Results, capacity: Option<usize>) {
    let (tx, rx) = channel(capacity);
    let second = tx.clone();
    let sent = tx.try_send(1).is_ok();
    drop(tx);
    results.saw("first gone", (sent, rx.try_recv(), rx.try_recv()));
    let sent = second.try_send(2).is_ok();
    drop(second);
    results.saw("all gone", (sent, rx.recv(), rx.recv(), rx.try_recv()));
    results.saw("all gone", rx.recv_timeout(LONG));
    results.saw("all gone", rx.recv_deadline(Instant::now() + LONG));

    let (tx, rx) = channel(capacity);
    let second = rx.clone();
    drop(rx);
    results.saw("one gone", tx.try_send(1));
    drop(second);
    results.saw("receivers gone", tx.send(2).map_err(|error| error.0));
    let errors = (
        tx.try_send(3) == Err(TrySendError::Disconnected(3)),
        tx.send_timeout(4, LONG) == Err(SendTimeoutError::Disconnected(4)),
        tx.send_deadline(5, Instant::now()) == Err(SendTimeoutError::Disconnected(5)),
    );
    results.saw("receivers gone", errors);
    results.saw("error", tx.send(6).unwrap_err().to_string());
}

fn two_threads(results: &mut Results, capacity: Option<usize>) {
    let (tx, rx) = channel(capacity);
    let (back, answers) = channel(capacity);
    let echo = thread::spawn(move || {
        for message in &rx {
            back.send(message * 2).unwrap();
        }
    });
    for i in 0..50 {
        tx.send_timeout(i, LONG).unwrap();
        if i % 10 == 0 {
            results.saw("answer", answers.recv_timeout(LONG));
        } else {
            assert_eq!(answers.recv(), Ok(i * 2));
        }
    }
    drop(tx);
    echo.join().unwrap();
    results.saw("over", answers.recv());
    // A sender and a receiver that wait are woken up.
    let (tx, rx) = channel(capacity);
    if capacity.is_some() {
        while tx.try_send(0).is_ok() {}
        let waits = thread::spawn(move || tx.send(1).is_err());
        drop(rx);
        results.saw("woken up", waits.join().unwrap());
    }
    let (tx, rx) = channel::<u8>(capacity);
    let waits = thread::spawn(move || rx.recv());
    drop(tx);
    results.saw("woken up", waits.join().unwrap());
}

fn many_threads(results: &mut Results, capacity: Option<usize>) {
    let (tx, rx) = channel(capacity);
    let receivers = [(); 3].map(|()| {
        let rx = rx.clone();
        thread::spawn(move || rx.into_iter().sum::<usize>())
    });
    drop(rx);
    let senders = [1, 2, 3].map(|sender| {
        let tx = tx.clone();
        thread::spawn(move || {
            for i in 0..200 {
                match i % 3 {
                    0 => tx.send(sender * i).unwrap(),
                    1 => tx.send_timeout(sender * i, LONG).unwrap(),
                    _ => {
                        while tx.try_send(sender * i).is_err() {
                            thread::yield_now();
                        }
                    }
                }
            }
        })
    });
    drop(tx);
    for sender in senders {
        sender.join().unwrap();
    }
    let sums = receivers.map(|receiver| receiver.join().unwrap());
    results.saw("sum", sums.iter().sum::<usize>());
}

fn dropped_messages(results: &mut Results) {
    for capacity in [None, Some(4)] {
        let (tx, rx) = channel(capacity);
        let message = std::sync::Arc::new(());
        for _ in 0..3 {
            tx.send(message.clone()).unwrap();
        }
        rx.recv().unwrap();
        drop(rx);
        results.saw("receiver gone", std::sync::Arc::strong_count(&message));
        drop(tx);
        results.saw("both gone", std::sync::Arc::strong_count(&message));
    }
}

fn times(results: &mut Results) {
    let start = Instant::now();
    let after = channel::after(SHORT);
    let later = channel::after(LONG);
    results.saw("after", (after.capacity(), later.is_full()));
    results.saw("after", after.recv().unwrap() >= start + SHORT);
    results.saw("once", (after.try_recv(), after.recv_timeout(SHORT)));
    let at = channel::at(start);
    results.saw("at", (at.len(), at.recv() == Ok(start)));
    let tick = channel::tick(SHORT);
    let ticks = tick.iter().take(3).collect::<Vec<_>>();
    results.saw("tick", ticks.is_sorted());
    const NEVER: Receiver<u8> = channel::never();
    let error = NEVER.recv_timeout(SHORT) == Err(RecvTimeoutError::Timeout);
    results.saw(
        "never",
        (error, NEVER.try_recv() == Err(TryRecvError::Empty)),
    );
}

fn dynamic_select(results: &mut Results) {
    let (tx1, rx1) = unbounded();
    let (tx2, rx2) = bounded(1);
    let mut select = Select::new();
    results.saw("select", (&select, select.clone()));
    let indexes = [select.recv(&rx1), select.recv(&rx2), select.send(&tx2)];
    results.saw("indexes", indexes);
    results.saw("ready", select.ready());
    let operation = select.select();
    results.saw("operation", &operation);
    results.saw("sent", operation.send(&tx2, 'a'));
    results.saw("ready", select.try_ready());
    let operation: SelectedOperation<'_> = select.select_timeout(LONG).unwrap();
    results.saw("index", operation.index());
    results.saw("received", operation.recv(&rx2));
    select.remove(indexes[2]);
    results.saw("none", select.try_select().map(|_| ()).unwrap_err());
    results.saw(
        "none",
        select.select_timeout(SHORT).map(|_| ()).unwrap_err(),
    );
    let none = select.select_deadline(Instant::now()).map(|_| ());
    results.saw("none", none.unwrap_err());
    results.saw("none", select.ready_timeout(SHORT));
    results.saw("none", select.ready_deadline(Instant::now()));
    tx1.send(1).unwrap();
    results.saw("ready", select.ready_deadline(Instant::now() + LONG));
    results.saw("received", select.select().recv(&rx1));
    let unfinished = catch_unwind(AssertUnwindSafe(|| {
        let (tx, rx) = unbounded::<u8>();
        drop(tx);
        let mut select = Select::new_biased();
        select.recv(&rx);
        let _ = select.select();
    }));
    let panic = unfinished.unwrap_err();
    results.saw("unfinished", panic.downcast_ref::<&str>());
    let empty = catch_unwind(|| Select::new().ready());
    results.saw("empty", empty.unwrap_err().downcast_ref::<&str>());
}

fn macros(results: &mut Results) {
    let (tx1, rx1) = unbounded();
    let (tx2, rx2) = unbounded::<u8>();
    tx1.send(1).unwrap();
    let chosen = select! {
        recv(rx1) -> message => message.unwrap(),
        recv(rx2) -> message => message.unwrap(),
    };
    results.saw("chosen", chosen);
    select! {
        recv(rx1) -> _ => unreachable!(),
        recv(&rx2) -> _ => unreachable!(),
        default => results.saw("default", ()),
    }
    select! {
        default() => { results.saw("default", ()) }
        recv(rx1,) -> _ => unreachable!()
    }
    select! {
        recv(rx1) -> _ => { unreachable!() }
        default(SHORT) => { results.saw("timeout", ()); }
    }
    select! {
        send(tx2, 7,) -> sent => { results.saw("sent", sent); },
        recv(rx1) -> _ => unreachable!(),
    }
    let made = std::cell::Cell::new(0);
    let make = || {
        made.set(made.get() + 1);
        made.get()
    };
    let (full, _keep) = bounded(0);
    select! {
        send(full, make()) -> _ => unreachable!(),
        recv({ &rx2 }) -> message => results.saw("message", message),
    }
    results.saw("made", made.get());
    select! { default => results.saw("nothing but default", ()) }
    let optional = [&rx2].into_iter().find(|rx| rx.is_full());
    select! {
        recv(optional.unwrap_or(&channel::never())) -> _ => unreachable!(),
        recv(channel::after(SHORT)) -> now => results.saw("after", now.is_ok()),
    }
    drop(tx1);
    let message = select! { recv(rx1) -> message => message };
    results.saw("disconnected", message);
    // All are ready: the first one each time.
    for _ in 0..20 {
        select_biased! {
            send(tx2, 1) -> sent => sent.unwrap(),
            recv(rx1) -> _ => unreachable!(),
            recv(rx2) -> _ => unreachable!(),
        }
    }
    results.saw("biased", rx2.len());
    // What was borrowed for the choice is free in the body.
    select! {
        recv(rx2) -> message => {
            let last = rx2;
            results.saw("moved", (message, last.len()));
        }
    }
}

fn macros_with_both_kinds(results: &mut Results) {
    let [(tx0, rx0), (tx1, rx1), (tx2, rx2)] = [bounded(0), bounded(1), bounded(2)];
    let mut sent = Vec::new();
    loop {
        select_biased! {
            send(tx0, 0) -> _ => unreachable!(),
            send(tx1, 1) -> result => sent.push((1, result)),
            send(tx2, 2) -> result => sent.push((2, result)),
            default => break,
        }
    }
    results.saw("sent", &sent);
    let mut received = Vec::new();
    loop {
        select_biased! {
            recv(rx0) -> _ => unreachable!(),
            recv(rx2) -> result => received.push((2, result)),
            recv(rx1) -> result => received.push((1, result)),
            default => break,
        }
    }
    results.saw("received", &received);
    drop((rx0, rx1, rx2));
    select! {
        send(tx0, 0) -> result => results.saw("gone", result),
        send(tx1, 0) -> result => results.saw("gone", result),
        send(tx2, 0) -> result => results.saw("gone", result),
    }
}

fn control_flow(results: &mut Results) {
    let (tx, rx) = unbounded();
    for i in 0..10 {
        tx.send(i).unwrap();
    }
    let found = || {
        let mut passed = 0;
        loop {
            select! {
                recv(rx) -> i => {
                    if i.unwrap() < 3 {
                        passed += 1;
                        continue;
                    }
                    break;
                }
            }
        }
        select! {
            recv(rx) -> i => return (passed, i),
            default => (),
        }
        unreachable!()
    };
    results.saw("control flow", found());
}

/// No message is lost, nor is any there twice, whoever selects.
fn select_among_threads(results: &mut Results) {
    for (a, b) in [
        (None, Some(0)),
        (Some(0), Some(1)),
        (Some(2), Some(0)),
        (Some(1), Some(3)),
    ] {
        let ((tx1, rx1), (tx2, rx2)) = (channel(a), channel(b));
        let (stop, stopped) = bounded::<()>(0);
        let receivers = [(); 2].map(|()| {
            let (rx1, rx2, stopped) = (rx1.clone(), rx2.clone(), stopped.clone());
            thread::spawn(move || {
                let mut sum = 0;
                loop {
                    select! {
                        recv(rx1) -> i => sum += i.unwrap(),
                        recv(rx2) -> i => sum += i.unwrap(),
                        recv(stopped) -> _ => break,
                    }
                }
                sum
            })
        });
        let senders = [(); 2].map(|()| {
            let (tx1, tx2) = (tx1.clone(), tx2.clone());
            thread::spawn(move || {
                for i in 0..200 {
                    select! {
                        send(tx1, i) -> sent => sent.unwrap(),
                        send(tx2, i) -> sent => sent.unwrap(),
                    }
                }
            })
        });
        for sender in senders {
            sender.join().unwrap();
        }
        while tx1.len() + tx2.len() > 0 {
            thread::yield_now();
        }
        drop(stop);
        let sums = receivers.map(|receiver| receiver.join().unwrap());
        results.saw("sum", sums.iter().sum::<usize>());
    }
}

fn auto_traits() {
    fn all<T: Send + Sync + UnwindSafe + RefUnwindSafe>() {}
    fn shared<T: Send + Sync>() {}
    type OnlySend = std::cell::Cell<u8>;
    all::<Sender<OnlySend>>();
    all::<Receiver<OnlySend>>();
    shared::<IntoIter<OnlySend>>();
    shared::<Iter<'static, OnlySend>>();
    shared::<TryIter<'static, OnlySend>>();
    shared::<Select<'static>>();
}
