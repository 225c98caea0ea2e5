//! `sync_channel()`: the bounded channel, and which receive makes room for which send.
//!
//! The k-th receive happens before the completion of the (k+C)-th send. `std`'s channel doesn't tell a sender its place in the queue, so sends
//! take turns here: under a lock each makes the real send, waiting for room there, and counts. Receives are counted by the one receiver,
//! which needs no lock. A rendezvous (C = 0) needs no count: the receiver answers the very message.
//!
//! The receiver has to publish its clock before it receives, when it hasn't got the message's. The k-th send happens before the k-th receive, and so
//! before the (k+C)-th send too: senders pass that on among themselves.

use std::cell::{Cell, UnsafeCell};
use std::fmt;
use std::mem;
use std::panic::{Location, RefUnwindSafe};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc as real;
use std::sync::mpsc::{SendError, TrySendError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::yield_now;

use race_core::sync::SyncClock;

use super::message::Message;
use super::receiver::Receiver;
use super::{DISCONNECT, Ends, RECEIVE, SharedEnds};

/// As `std::sync::mpsc::sync_channel`.
///
/// # Example
///
/// ```
/// use racecheck::{sync::mpsc, thread};
///
/// let (tx, rx) = mpsc::sync_channel(1);
/// thread::spawn(move || tx.send(7).unwrap());
/// assert_eq!(rx.recv(), Ok(7));
/// ```
#[track_caller]
pub fn sync_channel<T>(bound: usize) -> (SyncSender<T>, Receiver<T>) {
    let (tx, rx) = real::sync_channel(bound);
    let ends = Ends::of_channel_made_at(Location::caller());
    let slots = if bound == 0 { 0 } else { bound + 2 };
    let turns = Arc::new(Turns {
        bound,
        receives: (0..slots).map(|_| UnsafeCell::default()).collect(),
        sent: Mutex::new(Sent::default()),
        waiting: AtomicBool::new(false),
        gone: AtomicBool::new(false),
    });
    let sender = SyncSender {
        inner: tx,
        ends: ends.clone(),
        turns: turns.clone(),
    };
    (sender, Receiver::new(rx, ends, Some(Receives::new(turns))))
}

/// Which receive makes room for which send.
struct Turns {
    bound: usize,
    /// The clock of the k-th receive, in slot k modulo their number.
    receives: Box<[UnsafeCell<SyncClock>]>,
    /// Locked from before a real send until its sender has taken the clock of the receive that made room.
    sent: Mutex<Sent>,
    /// Whether the sender whose turn it is waits for room.
    waiting: AtomicBool,
    /// Whether the receiver is gone; set when its real one is.
    gone: AtomicBool,
}

/// The senders' side of [`Turns`].
#[derive(Default)]
struct Sent {
    /// How many messages were sent.
    count: usize,
    /// The clocks of the last sends, as many as there is room for: of the k-th at k modulo that.
    clocks: Vec<SyncClock>,
}

// SAFETY: slot k is written by the receiver before its k-th real receive, and emptied by the (k+C)-th sender after its real send, which could
// only go through after that receive: `std`'s channel orders the two. The receiver comes back to the slot for receive k+C+2, after it has received
// message k+C+1; that was sent after the (k+C)-th sender had given up its turn.
unsafe impl Sync for Turns {}

// A panic leaves neither half changed: no code of the user's runs while a slot or the count is.
impl RefUnwindSafe for Turns {}
impl RefUnwindSafe for Receives {}

impl Turns {
    fn slot(&self, receive: usize) -> *mut SyncClock {
        self.receives[receive % self.receives.len()].get()
    }

    fn lock(&self) -> MutexGuard<'_, Sent> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Like [`Turns::lock`], unless the sender whose turn it is waits for room.
    fn try_lock(&self) -> Option<MutexGuard<'_, Sent>> {
        loop {
            match self.sent.try_lock() {
                Ok(sent) => return Some(sent),
                Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) if self.waiting.load(Relaxed) => return None,
                Err(TryLockError::WouldBlock) => yield_now(),
            }
        }
    }

    /// Counts a send that went through, with `clock`. The caller goes on after the receive that made room for it, and after that one's message.
    fn count(
        &self,
        mut sent: MutexGuard<'_, Sent>,
        clock: SyncClock,
        site: &'static Location<'static>,
    ) {
        let turn = sent.count;
        sent.count += 1;
        let Some(receive) = turn.checked_sub(self.bound) else {
            sent.clocks.push(clock);
            return;
        };
        let message = mem::replace(&mut sent.clocks[turn % self.bound], clock);
        // SAFETY: this is the sender of `turn`, after its real send and in its turn: see `Sync`.
        let receive = mem::take(unsafe { &mut *self.slot(receive) });
        drop(sent);
        message.acquire(&RECEIVE, site);
        receive.acquire(&RECEIVE, site);
    }
}

/// The receiver's side of [`Turns`].
pub(super) struct Receives {
    turns: Arc<Turns>,
    received: Cell<usize>,
}

impl Receives {
    fn new(turns: Arc<Turns>) -> Receives {
        Receives {
            turns,
            received: Cell::new(0),
        }
    }

    /// A receive begins. Gives the clock back in a rendezvous, where it answers the very message.
    pub(super) fn receiving(&self, clock: SyncClock) -> SyncClock {
        if self.turns.bound == 0 {
            return clock;
        }
        // SAFETY: this is the receiver, before its real receive: see `Sync` of `Turns`.
        unsafe { *self.turns.slot(self.received.get()) = clock };
        SyncClock::new()
    }

    /// It has got its message.
    pub(super) fn received(&self) {
        self.received.set(self.received.get() + 1);
    }
}

impl Drop for Receives {
    fn drop(&mut self) {
        self.turns.gone.store(true, Relaxed);
    }
}

/// `std::sync::mpsc::SyncSender`, tracked: a send happens before its receive, and after the receive that made room for it.
pub struct SyncSender<T> {
    inner: real::SyncSender<Message<T>>,
    ends: SharedEnds,
    turns: Arc<Turns>,
}

impl<T> SyncSender<T> {
    /// As `std::sync::mpsc::SyncSender::send`.
    ///
    /// # Errors
    ///
    /// If the receiver is gone; the error holds the value, and what the receiver's thread did before it went happens before the return.
    #[track_caller]
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        let site = Location::caller();
        let message = Message::new(value, site);
        if self.turns.bound == 0 {
            let (message, answer) = message.with_answer();
            return match self.inner.send(message) {
                Ok(()) => {
                    answer.take(site);
                    Ok(())
                }
                Err(SendError(message)) => Err(SendError(self.disconnected(message, site))),
            };
        }
        let clock = message.clock();
        let turn = self.turns.lock();
        let sent = match self.inner.try_send(message) {
            Err(TrySendError::Full(message)) => {
                self.turns.waiting.store(true, Relaxed);
                let sent = self.inner.send(message);
                self.turns.waiting.store(false, Relaxed);
                sent
            }
            Err(TrySendError::Disconnected(message)) => Err(SendError(message)),
            Ok(()) => Ok(()),
        };
        match sent {
            Ok(()) => {
                self.turns.count(turn, clock, site);
                Ok(())
            }
            Err(SendError(message)) => {
                drop(turn);
                Err(SendError(self.disconnected(message, site)))
            }
        }
    }

    /// As `std::sync::mpsc::SyncSender::try_send`.
    ///
    /// # Errors
    ///
    /// If there is no room, which orders nothing; or if the receiver is gone, as for [`send`](SyncSender::send). The error holds the
    /// value.
    #[track_caller]
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        let site = Location::caller();
        let message = Message::new(value, site);
        if self.turns.bound == 0 {
            let (message, answer) = message.with_answer();
            return match self.inner.try_send(message) {
                Ok(()) => {
                    answer.take(site);
                    Ok(())
                }
                Err(failed) => Err(self.not_sent(failed, site)),
            };
        }
        let Some(turn) = self.turns.try_lock() else {
            // The waiting sender may not have woken up yet.
            let failed = if self.turns.gone.load(Relaxed) {
                TrySendError::Disconnected(message)
            } else {
                TrySendError::Full(message)
            };
            return Err(self.not_sent(failed, site));
        };
        let clock = message.clock();
        match self.inner.try_send(message) {
            Ok(()) => {
                self.turns.count(turn, clock, site);
                Ok(())
            }
            Err(failed) => {
                drop(turn);
                Err(self.not_sent(failed, site))
            }
        }
    }

    #[cold]
    fn not_sent(
        &self,
        failed: TrySendError<Message<T>>,
        site: &'static Location<'static>,
    ) -> TrySendError<T> {
        match failed {
            TrySendError::Full(message) => TrySendError::Full(message.take_back()),
            TrySendError::Disconnected(message) => {
                TrySendError::Disconnected(self.disconnected(message, site))
            }
        }
    }

    #[cold]
    fn disconnected(&self, message: Message<T>, site: &'static Location<'static>) -> T {
        self.ends.receiver.acquire(&DISCONNECT, site);
        message.take_back()
    }
}

impl<T> Clone for SyncSender<T> {
    fn clone(&self) -> SyncSender<T> {
        SyncSender {
            inner: self.inner.clone(),
            ends: self.ends.clone(),
            turns: self.turns.clone(),
        }
    }
}

impl<T> Drop for SyncSender<T> {
    fn drop(&mut self) {
        self.ends.release_by_sender();
    }
}

impl<T> fmt::Debug for SyncSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncSender").finish_non_exhaustive()
    }
}
