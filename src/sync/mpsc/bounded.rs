//! `sync_channel()`: the bounded channel, and which receive makes room for which send.
//!
//! The k-th receive happens before the completion of the (k+C)-th send. `std`'s channel doesn't tell a sender its place in the queue, so sends
//! take turns here: under a lock each tries the real channel without blocking, and counts. A rendezvous (C = 0) needs no count: the
//! receiver answers the very message.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Deref;
use std::panic::Location;
use std::sync::mpsc as real;
use std::sync::mpsc::{SendError, TrySendError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use race_core::sync::SyncClock;

use super::message::Message;
use super::receiver::Receiver;
use super::{DISCONNECT, RECEIVE, SharedEnds};

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
pub fn sync_channel<T>(bound: usize) -> (SyncSender<T>, Receiver<T>) {
    let (tx, rx) = real::sync_channel(bound);
    let ends = SharedEnds::default();
    let turns = Arc::new(Turns {
        bound,
        state: Mutex::default(),
        room: Condvar::new(),
    });
    let sender = SyncSender {
        inner: tx,
        ends: ends.clone(),
        turns: turns.clone(),
    };
    (sender, Receiver::new(rx, ends, Some(WakeSenders(turns))))
}

/// Which receive makes room for which send.
pub(super) struct Turns {
    bound: usize,
    state: Mutex<State>,
    room: Condvar,
}

#[derive(Default)]
struct State {
    sent: usize,
    /// Senders that wait for room.
    waiting: usize,
    /// The clocks of receives that have made room and whose sends are still to come, oldest first.
    receives: VecDeque<SyncClock>,
    /// The clock of the receive that is going on; taken by its send if that is faster than the receiver.
    receiving: Option<SyncClock>,
}

impl Turns {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A receive begins. Gives the clock back in a rendezvous, where the receiver answers the very message.
    pub(super) fn receiving(&self, clock: SyncClock) -> SyncClock {
        if self.bound == 0 {
            return clock;
        }
        self.lock().receiving = Some(clock);
        SyncClock::new()
    }

    /// It has got its message, and made room.
    pub(super) fn received(&self) {
        if self.bound > 0 {
            let mut state = self.lock();
            if let Some(clock) = state.receiving.take() {
                state.receives.push_back(clock);
            }
            let waiting = state.waiting > 0;
            drop(state);
            // A system call, even if nobody waits.
            if waiting {
                self.room.notify_one();
            }
        }
    }
}

impl State {
    /// Counts a send that went through, and returns the clock of the receive that made room for it.
    fn count(&mut self, bound: usize) -> Option<SyncClock> {
        let turn = self.sent;
        self.sent += 1;
        if turn < bound {
            return None;
        }
        self.receives.pop_front().or_else(|| self.receiving.take())
    }
}

/// Wakes the senders that wait for room when the receiver is gone.
pub(super) struct WakeSenders(Arc<Turns>);

impl Deref for WakeSenders {
    type Target = Turns;

    fn deref(&self) -> &Turns {
        &self.0
    }
}

impl Drop for WakeSenders {
    fn drop(&mut self) {
        let _state = self.0.lock();
        self.0.room.notify_all();
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
        let mut message = Message::new(value, site);
        if self.turns.bound == 0 {
            let (reply, answer) = real::sync_channel(1);
            let sent = self.inner.send(message.with_reply(reply));
            return match sent {
                Ok(()) => {
                    take_answer(&answer, site);
                    Ok(())
                }
                Err(SendError(message)) => Err(SendError(self.disconnected(message, site))),
            };
        }
        let mut state = self.turns.lock();
        loop {
            message = match self.inner.try_send(message) {
                Ok(()) => {
                    let room = state.count(self.turns.bound);
                    drop(state);
                    take_room(room, site);
                    return Ok(());
                }
                Err(TrySendError::Disconnected(message)) => {
                    drop(state);
                    return Err(SendError(self.disconnected(message, site)));
                }
                Err(TrySendError::Full(message)) => message,
            };
            state.waiting += 1;
            state = self
                .turns
                .room
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
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
        let mut message = Message::new(value, site);
        let mut answer = None;
        if self.turns.bound == 0 {
            let (reply, receiver) = real::sync_channel(1);
            message = message.with_reply(reply);
            answer = Some(receiver);
        }
        let mut state = self.turns.lock();
        match self.inner.try_send(message) {
            Ok(()) => {
                let room = state.count(self.turns.bound);
                drop(state);
                match answer {
                    Some(answer) => take_answer(&answer, site),
                    None => take_room(room, site),
                }
                Ok(())
            }
            Err(TrySendError::Full(message)) => Err(TrySendError::Full(message.take_back())),
            Err(TrySendError::Disconnected(message)) => {
                drop(state);
                Err(TrySendError::Disconnected(self.disconnected(message, site)))
            }
        }
    }

    #[cold]
    fn disconnected(&self, message: Message<T>, site: &'static Location<'static>) -> T {
        self.ends.receiver.acquire(&DISCONNECT, site);
        message.take_back()
    }
}

/// The receive that made room happens before this send's completion.
fn take_room(room: Option<SyncClock>, site: &'static Location<'static>) {
    if let Some(clock) = room {
        clock.acquire(&RECEIVE, site);
    }
}

/// The receive of this very message happens before its send's completion. There is no answer if the message was dropped unread.
fn take_answer(answer: &real::Receiver<SyncClock>, site: &'static Location<'static>) {
    if let Ok(clock) = answer.recv() {
        clock.acquire(&RECEIVE, site);
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
        self.ends.senders.release(&DISCONNECT, Location::caller());
    }
}

impl<T> fmt::Debug for SyncSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncSender").finish_non_exhaustive()
    }
}
