//! The receiving end, and its iterators.

use std::fmt;
use std::iter::FusedIterator;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::time::{Duration, Instant};

use crossbeam_channel as real;
use crossbeam_channel::{RecvError, RecvTimeoutError, TryRecvError};
use race_core::sync::SyncClock;

use super::Capacity;
use super::means::{AtLast, AtOnce, Means};
use super::places::Parcel;
use crate::sync::mpsc::{DISCONNECT, RECEIVE, SharedEnds};

/// `crossbeam_channel::Receiver`, tracked: a send happens before its receive.
///
/// # Example
///
/// ```
/// use racecheck::{channel, thread};
///
/// let (tx, rx) = channel::bounded(1);
/// let workers = [rx.clone(), rx].map(|rx| thread::spawn(move || rx.iter().count()));
/// for job in 0..10 {
///     tx.send(job).unwrap();
/// }
/// drop(tx);
/// assert_eq!(workers.map(|worker| worker.join().unwrap()).iter().sum::<usize>(), 10);
/// ```
pub struct Receiver<T> {
    pub(super) source: Source<T>,
}

pub(super) enum Source<T> {
    Channel {
        messages: real::Receiver<Parcel<T>>,
        capacity: Capacity<real::Receiver<()>>,
        ends: SharedEnds,
    },
    /// No thread sends: the clock on the wall does, or nobody.
    Unordered(real::Receiver<T>),
}

/// Calls a method of the real receiver, whose messages are of one type or the other.
macro_rules! on_real {
    ($receiver:expr, $real:ident => $call:expr) => {
        match &$receiver.source {
            Source::Channel {
                messages: $real, ..
            } => $call,
            Source::Unordered($real) => $call,
        }
    };
}
pub(super) use on_real;

// As the real one: no code of the user's runs while a channel is half changed.
impl<T> UnwindSafe for Receiver<T> {}
impl<T> RefUnwindSafe for Receiver<T> {}

impl<T> Receiver<T> {
    pub(super) fn new(
        messages: real::Receiver<Parcel<T>>,
        capacity: Capacity<real::Receiver<()>>,
        ends: SharedEnds,
    ) -> Receiver<T> {
        Receiver {
            source: Source::Channel {
                messages,
                capacity,
                ends,
            },
        }
    }

    pub(super) const fn unordered(real: real::Receiver<T>) -> Receiver<T> {
        Receiver {
            source: Source::Unordered(real),
        }
    }

    /// As `crossbeam_channel::Receiver::try_recv`.
    ///
    /// # Errors
    ///
    /// If the channel is empty, which orders nothing; or if all senders are gone too, as for [`recv`](Receiver::recv).
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::channel::{self, TryRecvError};
    ///
    /// let (tx, rx) = channel::unbounded::<u8>();
    /// assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    /// drop(tx);
    /// assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected));
    /// ```
    #[track_caller]
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.receive_by(AtOnce, Location::caller())
    }

    /// As `crossbeam_channel::Receiver::recv`.
    ///
    /// # Errors
    ///
    /// If the channel is empty and all senders are gone; what they did before happens before the return.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::channel::{self, RecvError};
    ///
    /// let (tx, rx) = channel::unbounded();
    /// tx.send(7).unwrap();
    /// drop(tx);
    /// assert_eq!((rx.recv(), rx.recv()), (Ok(7), Err(RecvError)));
    /// ```
    #[track_caller]
    pub fn recv(&self) -> Result<T, RecvError> {
        let received = self.receive_by(AtLast, Location::caller());
        received.map_err(|_| RecvError)
    }

    /// As `crossbeam_channel::Receiver::recv_timeout`.
    ///
    /// # Errors
    ///
    /// If nothing came in time, which orders nothing; or if the channel is empty and all senders are gone, as for
    /// [`recv`](Receiver::recv).
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::channel::{self, RecvTimeoutError};
    /// use std::time::Duration;
    ///
    /// let (_tx, rx) = channel::unbounded::<u8>();
    /// let received = rx.recv_timeout(Duration::from_millis(1));
    /// assert_eq!(received, Err(RecvTimeoutError::Timeout));
    /// ```
    #[track_caller]
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        let received = self.receive_by(timeout, Location::caller());
        received.map_err(in_time)
    }

    /// As `crossbeam_channel::Receiver::recv_deadline`.
    ///
    /// # Errors
    ///
    /// As [`recv_timeout`](Receiver::recv_timeout).
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::channel;
    /// use std::time::Instant;
    ///
    /// let (tx, rx) = channel::unbounded();
    /// tx.send(7).unwrap();
    /// assert_eq!(rx.recv_deadline(Instant::now()), Ok(7));
    /// assert!(rx.recv_deadline(Instant::now()).unwrap_err().is_timeout());
    /// ```
    #[track_caller]
    pub fn recv_deadline(&self, deadline: Instant) -> Result<T, RecvTimeoutError> {
        let received = self.receive_by(deadline, Location::caller());
        received.map_err(in_time)
    }

    pub(super) fn receive_by(
        &self,
        means: impl Means,
        site: &'static Location<'static>,
    ) -> Result<T, TryRecvError> {
        let (messages, capacity, ends) = match &self.source {
            Source::Channel {
                messages,
                capacity,
                ends,
            } => (messages, capacity, ends),
            Source::Unordered(real) => return means.receive(real),
        };
        let Parcel { message, place } = means.receive(messages).inspect_err(|error| {
            if error.is_disconnected() {
                ends.senders.acquire(&DISCONNECT, site);
            }
        })?;
        Ok(match capacity {
            Capacity::Unbounded => message.open(SyncClock::new(), site),
            Capacity::Rendezvous => message.open(SyncClock::released(&RECEIVE, site), site),
            Capacity::Bounded(room, places) => {
                let value = message.open(SyncClock::new(), site);
                places.received(place, SyncClock::released(&RECEIVE, site), room);
                value
            }
        })
    }

    /// As `crossbeam_channel::Receiver::is_empty`. Orders nothing.
    pub fn is_empty(&self) -> bool {
        on_real!(self, real => real.is_empty())
    }

    /// As `crossbeam_channel::Receiver::is_full`. Orders nothing.
    pub fn is_full(&self) -> bool {
        on_real!(self, real => real.is_full())
    }

    /// As `crossbeam_channel::Receiver::len`. Orders nothing.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::channel;
    ///
    /// let (tx, rx) = channel::bounded(1);
    /// tx.send('a').unwrap();
    /// assert_eq!((rx.len(), rx.capacity()), (1, Some(1)));
    /// assert!(rx.is_full() && !rx.is_empty());
    /// ```
    pub fn len(&self) -> usize {
        on_real!(self, real => real.len())
    }

    /// As `crossbeam_channel::Receiver::capacity`.
    pub fn capacity(&self) -> Option<usize> {
        on_real!(self, real => real.capacity())
    }

    /// As `crossbeam_channel::Receiver::iter`.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::channel;
    ///
    /// let (tx, rx) = channel::unbounded();
    /// tx.send(7).unwrap();
    /// drop(tx);
    /// assert_eq!(rx.iter().collect::<Vec<_>>(), [7]);
    /// ```
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { receiver: self }
    }

    /// As `crossbeam_channel::Receiver::try_iter`.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::channel;
    ///
    /// let (tx, rx) = channel::unbounded();
    /// tx.send(7).unwrap();
    /// assert_eq!(rx.try_iter().collect::<Vec<_>>(), [7]);
    /// ```
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter { receiver: self }
    }

    /// As `crossbeam_channel::Receiver::same_channel`.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::channel;
    ///
    /// let (_tx, rx) = channel::unbounded::<u8>();
    /// assert!(rx.same_channel(&rx.clone()));
    /// ```
    pub fn same_channel(&self, other: &Receiver<T>) -> bool {
        match (&self.source, &other.source) {
            (Source::Channel { messages: a, .. }, Source::Channel { messages: b, .. }) => {
                a.same_channel(b)
            }
            (Source::Unordered(a), Source::Unordered(b)) => a.same_channel(b),
            _ => false,
        }
    }
}

fn in_time(error: TryRecvError) -> RecvTimeoutError {
    match error {
        TryRecvError::Empty => RecvTimeoutError::Timeout,
        TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Receiver<T> {
        match &self.source {
            Source::Channel {
                messages,
                capacity,
                ends,
            } => Receiver::new(messages.clone(), capacity.clone(), ends.clone()),
            Source::Unordered(real) => Receiver::unordered(real.clone()),
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        if let Source::Channel { ends, .. } = &self.source {
            ends.release_by_receiver();
        }
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Receiver { .. }")
    }
}

impl<'a, T> IntoIterator for &'a Receiver<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter { receiver: self }
    }
}

/// An iterator over what a method of the receiver gets, until it gets nothing.
macro_rules! iterator {
    ($(#[$doc:meta])* $name:ident $(<$lifetime:lifetime>)?, $receiver:ty, $method:ident) => {
        $(#[$doc])*
        pub struct $name<$($lifetime,)? T> {
            receiver: $receiver,
        }

        impl<$($lifetime,)? T> Iterator for $name<$($lifetime,)? T> {
            type Item = T;

            #[track_caller]
            fn next(&mut self) -> Option<T> {
                self.receiver.$method().ok()
            }
        }

        impl<$($lifetime,)? T> fmt::Debug for $name<$($lifetime,)? T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(concat!(stringify!($name), " { .. }"))
            }
        }
    };
}

iterator! {
    /// The iterator of [`Receiver::iter`].
    Iter<'a>, &'a Receiver<T>, recv
}
iterator! {
    /// The iterator of [`Receiver::try_iter`].
    TryIter<'a>, &'a Receiver<T>, try_recv
}
iterator! {
    /// The iterator that owns its [`Receiver`].
    IntoIter, Receiver<T>, recv
}

impl<T> FusedIterator for Iter<'_, T> {}
impl<T> FusedIterator for IntoIter<T> {}
