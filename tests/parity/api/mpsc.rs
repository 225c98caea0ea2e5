//! `sync::mpsc`.

use std::cell::Cell;
use std::error::Error;
use std::panic::UnwindSafe;
use std::time::Duration;

use super::super::lib::sync::mpsc::{
    IntoIter, Iter, Receiver, RecvError, RecvTimeoutError, SendError, Sender, SyncSender, TryIter,
    TryRecvError, TrySendError, channel, sync_channel,
};
use super::super::lib::thread;
use super::Results;

pub(super) fn results(results: &mut Results) {
    unbounded(results);
    bounded(results);
    rendezvous(results);
    ends(results);
    iterators(results);
    errors(results);
    auto_traits();
}

const SHORT: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_secs(60);

fn unbounded(results: &mut Results) {
    let (tx, rx): (Sender<String>, Receiver<String>) = channel();
    results.saw("debug", (&tx, &rx));
    results.saw("empty", (rx.try_recv(), rx.recv_timeout(SHORT)));
    results.saw("sent", tx.send("a".to_owned()));
    results.saw("sent", tx.clone().send("b".to_owned()));
    results.saw("received", (rx.recv(), rx.try_recv()));
    thread::scope(|s| {
        s.spawn(move || tx.send("c".to_owned()));
        results.saw("in time", rx.recv_timeout(LONG));
    });
    results.saw("gone", (rx.recv(), rx.try_recv(), rx.recv_timeout(LONG)));
}

fn bounded(results: &mut Results) {
    let (tx, rx): (SyncSender<u8>, _) = sync_channel(2);
    results.saw("debug", (&tx, &rx));
    results.saw("sent", (tx.send(1), tx.clone().try_send(2)));
    results.saw("full", tx.try_send(3));
    results.saw("received", rx.recv());
    results.saw("room", tx.try_send(4));
    thread::scope(|s| {
        let sender = s.spawn(|| tx.send(5));
        results.saw("received", [(); 3].map(|()| rx.recv()));
        results.saw("sent", sender.join().unwrap());
    });
    drop(tx);
    results.saw("gone", (rx.try_recv(), rx.recv_timeout(SHORT), rx.recv()));
}

fn rendezvous(results: &mut Results) {
    let (tx, rx) = sync_channel(0);
    results.saw("nobody waits", tx.try_send(1));
    thread::scope(|s| {
        let sender = s.spawn(|| tx.send(2));
        results.saw("received", rx.recv());
        results.saw("sent", sender.join().unwrap());
    });
    drop(rx);
    results.saw("gone", (tx.send(3), tx.try_send(4)));
}

fn ends(results: &mut Results) {
    /// Says when it is dropped.
    struct Noisy<'a>(u8, &'a Cell<Vec<u8>>);
    impl Drop for Noisy<'_> {
        fn drop(&mut self) {
            let mut dropped = self.1.take();
            dropped.push(self.0);
            self.1.set(dropped);
        }
    }
    let dropped = Cell::default();
    let (tx, rx) = channel();
    for number in 0..3 {
        let _ = tx.send(Noisy(number, &dropped));
    }
    drop(rx.recv());
    drop(rx);
    results.saw("dropped", dropped.take());
    let given_back = tx.send(Noisy(3, &dropped)).map_err(|error| error.0.0);
    results.saw("given back", given_back);
    results.saw("dropped", dropped.take());

    let (tx, rx) = sync_channel(2);
    let _ = tx.send(Noisy(4, &dropped));
    drop(tx);
    results.saw("kept", rx.recv().map(|noisy| noisy.0).is_ok());
    results.saw("gone", rx.recv().is_err());
    results.saw("dropped", dropped.take());
}

fn iterators(results: &mut Results) {
    let (tx, rx) = channel();
    for number in 0..6 {
        tx.send(number).unwrap();
    }
    let tried: TryIter<'_, i32> = rx.try_iter();
    results.saw("debug", &tried);
    results.saw("tried", tried.take(2).collect::<Vec<_>>());
    let mut iter: Iter<'_, i32> = rx.iter();
    results.saw("debug", &iter);
    results.saw("next", (iter.next(), iter.size_hint()));
    results.saw("borrowed", IntoIterator::into_iter(&rx).next());
    results.saw("rest", rx.try_iter().collect::<Vec<_>>());
    tx.send(6).unwrap();
    drop(tx);
    let mut owned: IntoIter<i32> = rx.into_iter();
    results.saw("debug", &owned);
    results.saw("owned", (owned.next(), owned.next(), owned.next()));

    let (tx, rx) = sync_channel(1);
    thread::scope(|s| {
        s.spawn(move || (0..5).for_each(|number| tx.send(number).unwrap()));
        results.saw("bounded", rx.iter().collect::<Vec<_>>());
    });
}

fn errors(results: &mut Results) {
    fn saw(results: &mut Results, error: impl Error + Clone + Send + Sync + 'static) {
        let text = (error.to_string(), error.source().is_none());
        results.saw("error", (text, error.clone()));
    }
    saw(results, RecvError);
    saw(results, RecvTimeoutError::Timeout);
    saw(results, RecvTimeoutError::from(RecvError));
    saw(results, TryRecvError::Empty);
    saw(results, TryRecvError::from(RecvError));
    saw(results, SendError(1));
    saw(results, TrySendError::Full(1));
    saw(results, TrySendError::from(SendError(1)));
    // What is in it need not have a `Debug`.
    results.saw("error", SendError(|| ()));
    results.saw("error", TrySendError::Full(|| ()));
}

fn auto_traits() {
    fn send<T: Send>() {}
    fn sync<T: Sync>() {}
    fn unwind_safe<T: UnwindSafe>() {}
    /// `Send` and not `Sync`.
    type Local = Cell<u8>;

    send::<Sender<Local>>();
    sync::<Sender<Local>>();
    send::<SyncSender<Local>>();
    sync::<SyncSender<Local>>();
    send::<Receiver<Local>>();
    send::<IntoIter<Local>>();
    unwind_safe::<Sender<&mut u8>>();
    unwind_safe::<SyncSender<&mut u8>>();
    unwind_safe::<Receiver<&mut u8>>();
}
