//! The receiver of both kinds of channel, and its iterators.

use std::fmt;
use std::panic::Location;
use std::sync::mpsc as real;
use std::sync::mpsc::{RecvError, RecvTimeoutError, TryRecvError};
use std::time::Duration;

use race_core::sync::SyncClock;

use super::bounded::Receives;
use super::message::Message;
use super::{DISCONNECT, RECEIVE, SharedEnds};

/// `std::sync::mpsc::Receiver`, tracked: a send happens before its receive.
pub struct Receiver<T> {
    inner: real::Receiver<Message<T>>,
    ends: SharedEnds,
    /// Of a bounded channel. After `inner`, which is gone first.
    turns: Option<Receives>,
}

impl<T> Receiver<T> {
    pub(super) fn new(
        inner: real::Receiver<Message<T>>,
        ends: SharedEnds,
        turns: Option<Receives>,
    ) -> Receiver<T> {
        Receiver { inner, ends, turns }
    }

    /// As `std::sync::mpsc::Receiver::recv`.
    ///
    /// # Errors
    ///
    /// If the channel is empty and all senders are gone; what they did before happens before the return.
    #[track_caller]
    pub fn recv(&self) -> Result<T, RecvError> {
        let site = Location::caller();
        let before = self.before_receive(site);
        match self.inner.recv() {
            Ok(message) => Ok(self.received(message, before, site)),
            Err(RecvError) => {
                self.ends.senders.acquire(&DISCONNECT, site);
                Err(RecvError)
            }
        }
    }

    /// As `std::sync::mpsc::Receiver::try_recv`.
    ///
    /// # Errors
    ///
    /// If the channel is empty, which orders nothing; or if all senders are gone too, as for [`recv`](Receiver::recv).
    #[track_caller]
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        let site = Location::caller();
        let before = self.before_receive(site);
        match self.inner.try_recv() {
            Ok(message) => Ok(self.received(message, before, site)),
            Err(TryRecvError::Empty) => Err(TryRecvError::Empty),
            Err(TryRecvError::Disconnected) => {
                self.ends.senders.acquire(&DISCONNECT, site);
                Err(TryRecvError::Disconnected)
            }
        }
    }

    /// As `std::sync::mpsc::Receiver::recv_timeout`.
    ///
    /// # Errors
    ///
    /// If nothing came in time, which orders nothing; or if the channel is empty and all senders are gone, as for
    /// [`recv`](Receiver::recv).
    #[track_caller]
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        let site = Location::caller();
        let before = self.before_receive(site);
        match self.inner.recv_timeout(timeout) {
            Ok(message) => Ok(self.received(message, before, site)),
            Err(RecvTimeoutError::Timeout) => Err(RecvTimeoutError::Timeout),
            Err(RecvTimeoutError::Disconnected) => {
                self.ends.senders.acquire(&DISCONNECT, site);
                Err(RecvTimeoutError::Disconnected)
            }
        }
    }

    /// As `std::sync::mpsc::Receiver::iter`.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { rx: self }
    }

    /// As `std::sync::mpsc::Receiver::try_iter`.
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter { rx: self }
    }

    /// In a bounded channel a receive makes room for a send that happens after it. The real receive may free the room at any time from here
    /// on, so the clock is published first.
    #[inline]
    fn before_receive(&self, site: &'static Location<'static>) -> SyncClock {
        let Some(turns) = &self.turns else {
            return SyncClock::new();
        };
        turns.receiving(SyncClock::released(&RECEIVE, site))
    }

    #[inline]
    fn received(
        &self,
        message: Message<T>,
        before: SyncClock,
        site: &'static Location<'static>,
    ) -> T {
        if let Some(turns) = &self.turns {
            turns.received();
        }
        message.open(before, site)
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.ends.release_by_receiver();
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}

/// The iterator of [`Receiver::iter`].
#[derive(Debug)]
pub struct Iter<'a, T> {
    rx: &'a Receiver<T>,
}

impl<T> Iterator for Iter<'_, T> {
    type Item = T;

    #[track_caller]
    fn next(&mut self) -> Option<T> {
        self.rx.recv().ok()
    }
}

/// The iterator of [`Receiver::try_iter`].
#[derive(Debug)]
pub struct TryIter<'a, T> {
    rx: &'a Receiver<T>,
}

impl<T> Iterator for TryIter<'_, T> {
    type Item = T;

    #[track_caller]
    fn next(&mut self) -> Option<T> {
        self.rx.try_recv().ok()
    }
}

/// The iterator that owns its [`Receiver`].
#[derive(Debug)]
pub struct IntoIter<T> {
    rx: Receiver<T>,
}

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    #[track_caller]
    fn next(&mut self) -> Option<T> {
        self.rx.recv().ok()
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
        IntoIter { rx: self }
    }
}
