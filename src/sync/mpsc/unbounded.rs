//! `channel()`: the unbounded channel.

use std::fmt;
use std::panic::Location;
use std::sync::mpsc as real;
use std::sync::mpsc::SendError;

use super::message::Message;
use super::receiver::Receiver;
use super::{DISCONNECT, Ends, SharedEnds};

/// As `std::sync::mpsc::channel`.
///
/// # Example
///
/// ```
/// use racecheck::{sync::mpsc, thread};
///
/// let (tx, rx) = mpsc::channel();
/// thread::spawn(move || tx.send(7).unwrap());
/// assert_eq!(rx.recv(), Ok(7));
/// ```
#[track_caller]
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let (tx, rx) = real::channel();
    let ends = Ends::of_channel_made_at(Location::caller());
    let sender = Sender {
        inner: tx,
        ends: ends.clone(),
    };
    (sender, Receiver::new(rx, ends, None))
}

/// `std::sync::mpsc::Sender`, tracked: a send happens before its receive.
pub struct Sender<T> {
    inner: real::Sender<Message<T>>,
    ends: SharedEnds,
}

impl<T> Sender<T> {
    /// As `std::sync::mpsc::Sender::send`.
    ///
    /// # Errors
    ///
    /// If the receiver is gone; the error holds the value, and what the receiver's thread did before it went happens before the return.
    #[track_caller]
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        let site = Location::caller();
        self.inner
            .send(Message::new(value, site))
            .map_err(|SendError(message)| {
                self.ends.receiver.acquire(&DISCONNECT, site);
                SendError(message.take_back())
            })
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        Sender {
            inner: self.inner.clone(),
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
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}
