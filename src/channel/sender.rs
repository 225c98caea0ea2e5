//! The sending end of both kinds of channel.

use std::fmt;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::time::{Duration, Instant};

use crossbeam_channel as real;
use crossbeam_channel::{SendError, SendTimeoutError, TrySendError};

use super::means::{AtLast, AtOnce, Means};
use super::places::Parcel;
use super::{Capacity, Message};
use crate::sync::mpsc::{DISCONNECT, SharedEnds};

/// `crossbeam_channel::Sender`, tracked: a send happens before its receive, and after the receive that made room for it.
///
/// # Example
///
/// ```
/// use racecheck::{channel, thread};
///
/// let (tx, rx) = channel::unbounded();
/// for i in 0..2 {
///     let tx = tx.clone();
///     thread::spawn(move || tx.send(i).unwrap());
/// }
/// drop(tx);
/// assert_eq!(rx.iter().sum::<i32>(), 1);
/// ```
pub struct Sender<T> {
    pub(super) messages: real::Sender<Parcel<T>>,
    pub(super) capacity: Capacity<real::Sender<()>>,
    ends: SharedEnds,
}

// As the real one: no code of the user's runs while a channel is half changed.
impl<T> UnwindSafe for Sender<T> {}
impl<T> RefUnwindSafe for Sender<T> {}

impl<T> Sender<T> {
    pub(super) fn new(
        messages: real::Sender<Parcel<T>>,
        capacity: Capacity<real::Sender<()>>,
        ends: SharedEnds,
    ) -> Sender<T> {
        Sender {
            messages,
            capacity,
            ends,
        }
    }

    /// As `crossbeam_channel::Sender::try_send`.
    ///
    /// # Errors
    ///
    /// If there is no room, or in a rendezvous no receiver that waits, which orders nothing; or if all receivers are gone, as for
    /// [`send`](Sender::send). The error holds the value.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::channel::{self, TrySendError};
    ///
    /// let (tx, rx) = channel::bounded(1);
    /// assert_eq!(tx.try_send(1), Ok(()));
    /// assert_eq!(tx.try_send(2), Err(TrySendError::Full(2)));
    /// drop(rx);
    /// assert_eq!(tx.try_send(3), Err(TrySendError::Disconnected(3)));
    /// ```
    #[track_caller]
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        self.send_by(AtOnce, value, Location::caller())
    }

    /// As `crossbeam_channel::Sender::send`.
    ///
    /// # Errors
    ///
    /// If all receivers are gone; the error holds the value, and what was done before the receivers went happens before the return.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::channel::{self, SendError};
    ///
    /// let (tx, rx) = channel::unbounded();
    /// assert_eq!(tx.send(1), Ok(()));
    /// drop(rx);
    /// assert_eq!(tx.send(2), Err(SendError(2)));
    /// ```
    #[track_caller]
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        let sent = self.send_by(AtLast, value, Location::caller());
        sent.map_err(|error| SendError(error.into_inner()))
    }

    /// As `crossbeam_channel::Sender::send_timeout`.
    ///
    /// # Errors
    ///
    /// If there was no room in time, which orders nothing; or if all receivers are gone, as for [`send`](Sender::send). The error
    /// holds the value.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::channel::{self, SendTimeoutError};
    /// use std::time::Duration;
    ///
    /// let (tx, _rx) = channel::bounded(0);
    /// let sent = tx.send_timeout(1, Duration::from_millis(1));
    /// assert_eq!(sent, Err(SendTimeoutError::Timeout(1)));
    /// ```
    #[track_caller]
    pub fn send_timeout(&self, value: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        let sent = self.send_by(timeout, value, Location::caller());
        sent.map_err(in_time)
    }

    /// As `crossbeam_channel::Sender::send_deadline`.
    ///
    /// # Errors
    ///
    /// As [`send_timeout`](Sender::send_timeout).
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::channel;
    /// use std::time::Instant;
    ///
    /// let (tx, rx) = channel::bounded(1);
    /// assert!(tx.send_deadline(1, Instant::now()).is_ok());
    /// assert!(tx.send_deadline(2, Instant::now()).unwrap_err().is_timeout());
    /// assert_eq!(rx.recv(), Ok(1));
    /// ```
    #[track_caller]
    pub fn send_deadline(&self, value: T, deadline: Instant) -> Result<(), SendTimeoutError<T>> {
        let sent = self.send_by(deadline, value, Location::caller());
        sent.map_err(in_time)
    }

    pub(super) fn send_by(
        &self,
        means: impl Means,
        value: T,
        site: &'static Location<'static>,
    ) -> Result<(), TrySendError<T>> {
        let message = Message::new(value, site);
        let unplaced = |message| Parcel { message, place: 0 };
        let sent = match &self.capacity {
            Capacity::Unbounded => means
                .send(&self.messages, unplaced(message))
                .map_err(|error| with(error, |parcel| parcel.message)),
            Capacity::Rendezvous => {
                let (message, answer) = message.with_answer();
                means
                    .send(&self.messages, unplaced(message))
                    .map(|()| answer.take(site))
                    .map_err(|error| with(error, |parcel| parcel.message))
            }
            Capacity::Bounded(room, places) => match means.take(room, &self.messages) {
                Ok(()) => places.send(message, &self.messages, site),
                Err(error) => Err(with(error, |()| message)),
            },
        };
        sent.map_err(|error| {
            if error.is_disconnected() {
                self.ends.receiver.acquire(&DISCONNECT, site);
            }
            with(error, Message::take_back)
        })
    }

    /// As `crossbeam_channel::Sender::is_empty`. Orders nothing.
    pub fn is_empty(&self) -> bool {
        match &self.capacity {
            Capacity::Bounded(room, _) => room.is_empty(),
            _ => self.messages.is_empty(),
        }
    }

    /// As `crossbeam_channel::Sender::is_full`. Orders nothing.
    pub fn is_full(&self) -> bool {
        match &self.capacity {
            Capacity::Bounded(room, _) => room.is_full(),
            _ => self.messages.is_full(),
        }
    }

    /// As `crossbeam_channel::Sender::len`. Orders nothing.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::channel;
    ///
    /// let (tx, rx) = channel::bounded(2);
    /// tx.send('a').unwrap();
    /// assert_eq!((tx.len(), rx.len(), tx.capacity()), (1, 1, Some(2)));
    /// assert!(!tx.is_empty() && !tx.is_full());
    /// ```
    pub fn len(&self) -> usize {
        match &self.capacity {
            Capacity::Bounded(room, _) => room.len(),
            _ => self.messages.len(),
        }
    }

    /// As `crossbeam_channel::Sender::capacity`.
    pub fn capacity(&self) -> Option<usize> {
        self.messages.capacity()
    }

    /// As `crossbeam_channel::Sender::same_channel`.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::channel;
    ///
    /// let (tx, _rx) = channel::unbounded::<u8>();
    /// assert!(tx.same_channel(&tx.clone()));
    /// ```
    pub fn same_channel(&self, other: &Sender<T>) -> bool {
        self.messages.same_channel(&other.messages)
    }
}

fn with<A, B>(error: TrySendError<A>, f: impl FnOnce(A) -> B) -> TrySendError<B> {
    match error {
        TrySendError::Full(message) => TrySendError::Full(f(message)),
        TrySendError::Disconnected(message) => TrySendError::Disconnected(f(message)),
    }
}

fn in_time<T>(error: TrySendError<T>) -> SendTimeoutError<T> {
    match error {
        TrySendError::Full(value) => SendTimeoutError::Timeout(value),
        TrySendError::Disconnected(value) => SendTimeoutError::Disconnected(value),
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        Sender {
            messages: self.messages.clone(),
            capacity: self.capacity.clone(),
            ends: self.ends.clone(),
        }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.ends.release_by_sender();
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Sender { .. }")
    }
}
