//! `Select`, for a list of operations that is made while the program runs.
//!
//! The real one chooses. In a bounded channel a send takes room first, so that is what is chosen there; its message then needs no waiting. Only
//! the operation that is completed orders anything.

use std::fmt;
use std::panic::Location;
use std::time::{Duration, Instant};

use crossbeam_channel as real;
use crossbeam_channel::{
    ReadyTimeoutError, RecvError, SelectTimeoutError, SendError, TryReadyError, TrySelectError,
};

use super::Capacity;
use super::receiver::{Receiver, Source, on_real};
use super::sender::Sender;

/// `crossbeam_channel::Select`, tracked: only the operation that is completed orders anything.
///
/// # Example
///
/// ```
/// use racecheck::channel::{Select, unbounded};
///
/// let (tx1, rx1) = unbounded::<&str>();
/// let (tx2, rx2) = unbounded();
/// tx2.send(7).unwrap();
/// let mut select = Select::new();
/// let first = select.recv(&rx1);
/// let second = select.recv(&rx2);
/// let chosen = select.select();
/// assert_ne!(chosen.index(), first);
/// assert_eq!(chosen.index(), second);
/// assert_eq!(chosen.recv(&rx2), Ok(7));
/// # drop(tx1);
/// ```
#[derive(Clone, Default)]
pub struct Select<'a> {
    inner: real::Select<'a>,
}

impl<'a> Select<'a> {
    /// As `crossbeam_channel::Select::new`.
    pub fn new() -> Select<'a> {
        Select {
            inner: real::Select::new(),
        }
    }

    /// As `crossbeam_channel::Select::new_biased`: the first operation that is ready is chosen.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::channel::{Select, never, unbounded};
    ///
    /// let (tx, rx) = unbounded();
    /// tx.send(7).unwrap();
    /// let (never, mut select) = (never::<u8>(), Select::new_biased());
    /// select.recv(&never);
    /// select.recv(&rx);
    /// select.send(&tx);
    /// assert_eq!(select.ready(), 1);
    /// ```
    pub fn new_biased() -> Select<'a> {
        Select {
            inner: real::Select::new_biased(),
        }
    }

    /// As `crossbeam_channel::Select::send`.
    pub fn send<T>(&mut self, sender: &'a Sender<T>) -> usize {
        match &sender.capacity {
            Capacity::Bounded(room, _) => self.inner.send(room),
            _ => self.inner.send(&sender.messages),
        }
    }

    /// As `crossbeam_channel::Select::recv`.
    pub fn recv<T>(&mut self, receiver: &'a Receiver<T>) -> usize {
        on_real!(receiver, real => self.inner.recv(real))
    }

    /// As `crossbeam_channel::Select::remove`.
    ///
    /// # Panics
    ///
    /// If there is no operation with this index.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::channel::{Select, unbounded};
    ///
    /// let (tx, rx) = unbounded::<u8>();
    /// let mut select = Select::new();
    /// let operation = select.recv(&rx);
    /// drop(tx);
    /// assert_eq!(select.try_ready(), Ok(operation));
    /// select.remove(operation);
    /// assert!(select.try_ready().is_err());
    /// ```
    pub fn remove(&mut self, index: usize) {
        self.inner.remove(index);
    }

    /// As `crossbeam_channel::Select::try_select`.
    ///
    /// # Errors
    ///
    /// If no operation is ready, which orders nothing.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::channel::{Select, never};
    ///
    /// let (never, mut select) = (never::<u8>(), Select::new());
    /// select.recv(&never);
    /// assert!(select.try_select().is_err());
    /// ```
    pub fn try_select(&mut self) -> Result<SelectedOperation<'a>, TrySelectError> {
        Ok(SelectedOperation::of(self.inner.try_select()?))
    }

    /// As `crossbeam_channel::Select::select`.
    ///
    /// # Panics
    ///
    /// If there are no operations.
    pub fn select(&mut self) -> SelectedOperation<'a> {
        SelectedOperation::of(self.inner.select())
    }

    /// As `crossbeam_channel::Select::select_timeout`.
    ///
    /// # Errors
    ///
    /// If no operation became ready in time, which orders nothing.
    ///
    /// # Example
    ///
    /// ```
    /// use racecheck::channel::{Select, bounded};
    /// use std::time::Duration;
    ///
    /// let (tx, _rx) = bounded(1);
    /// let mut select = Select::new();
    /// select.send(&tx);
    /// let chosen = select.select_timeout(Duration::from_secs(60)).unwrap();
    /// assert_eq!(chosen.send(&tx, 'a'), Ok(()));
    /// assert!(select.select_timeout(Duration::from_millis(1)).is_err());
    /// ```
    pub fn select_timeout(
        &mut self,
        timeout: Duration,
    ) -> Result<SelectedOperation<'a>, SelectTimeoutError> {
        Ok(SelectedOperation::of(self.inner.select_timeout(timeout)?))
    }

    /// As `crossbeam_channel::Select::select_deadline`.
    ///
    /// # Errors
    ///
    /// As [`select_timeout`](Select::select_timeout).
    pub fn select_deadline(
        &mut self,
        deadline: Instant,
    ) -> Result<SelectedOperation<'a>, SelectTimeoutError> {
        Ok(SelectedOperation::of(self.inner.select_deadline(deadline)?))
    }

    /// As `crossbeam_channel::Select::try_ready`. Orders nothing.
    ///
    /// # Errors
    ///
    /// If no operation is ready.
    pub fn try_ready(&mut self) -> Result<usize, TryReadyError> {
        self.inner.try_ready()
    }

    /// As `crossbeam_channel::Select::ready`. Orders nothing.
    ///
    /// # Panics
    ///
    /// If there are no operations.
    pub fn ready(&mut self) -> usize {
        self.inner.ready()
    }

    /// As `crossbeam_channel::Select::ready_timeout`. Orders nothing.
    ///
    /// # Errors
    ///
    /// If no operation became ready in time.
    pub fn ready_timeout(&mut self, timeout: Duration) -> Result<usize, ReadyTimeoutError> {
        self.inner.ready_timeout(timeout)
    }

    /// As `crossbeam_channel::Select::ready_deadline`. Orders nothing.
    ///
    /// # Errors
    ///
    /// If no operation became ready in time.
    pub fn ready_deadline(&mut self, deadline: Instant) -> Result<usize, ReadyTimeoutError> {
        self.inner.ready_deadline(deadline)
    }
}

impl fmt::Debug for Select<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

/// `crossbeam_channel::SelectedOperation`, tracked: to be completed by [`send`](SelectedOperation::send) or
/// [`recv`](SelectedOperation::recv). Like the real one it panics if it is dropped instead.
///
/// As there, the other side of a rendezvous may have to wait for that.
#[must_use = "if it is dropped, that is a panic"]
pub struct SelectedOperation<'a> {
    inner: real::SelectedOperation<'a>,
}

impl<'a> SelectedOperation<'a> {
    fn of(inner: real::SelectedOperation<'a>) -> SelectedOperation<'a> {
        SelectedOperation { inner }
    }

    /// As `crossbeam_channel::SelectedOperation::index`.
    pub fn index(&self) -> usize {
        self.inner.index()
    }

    /// As `crossbeam_channel::SelectedOperation::send`.
    ///
    /// # Errors
    ///
    /// As [`Sender::send`].
    ///
    /// # Panics
    ///
    /// If another operation was chosen.
    #[track_caller]
    pub fn send<T>(self, sender: &Sender<T>, value: T) -> Result<(), SendError<T>> {
        let sent = sender.send_by(self.inner, value, Location::caller());
        sent.map_err(|error| SendError(error.into_inner()))
    }

    /// As `crossbeam_channel::SelectedOperation::recv`.
    ///
    /// # Errors
    ///
    /// As [`Receiver::recv`].
    ///
    /// # Panics
    ///
    /// If another operation was chosen.
    #[track_caller]
    pub fn recv<T>(self, receiver: &Receiver<T>) -> Result<T, RecvError> {
        let received = receiver.receive_by(self.inner, Location::caller());
        received.map_err(|_| RecvError)
    }
}

impl fmt::Debug for SelectedOperation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
