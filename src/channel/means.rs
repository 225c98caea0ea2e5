//! The real operation of a send or a receive: at once, at last, in time, or because a select chose it.
//!
//! Only calls of crossbeam's; that no time is left counts as full or empty.

use std::thread::yield_now;
use std::time::{Duration, Instant};

use crossbeam_channel::{
    Receiver, RecvTimeoutError, SelectedOperation, SendTimeoutError, Sender, TryRecvError,
    TrySendError,
};

pub(super) trait Means {
    fn send<M>(self, to: &Sender<M>, message: M) -> Result<(), TrySendError<M>>;
    fn receive<M>(self, from: &Receiver<M>) -> Result<M, TryRecvError>;

    /// A send of no message, which takes room for one in another channel.
    fn take<M>(self, room: &Sender<()>, _of: &Sender<M>) -> Result<(), TrySendError<()>>
    where
        Self: Sized,
    {
        self.send(room, ())
    }
}

/// `try_send`, `try_recv`.
pub(super) struct AtOnce;

/// `send`, `recv`.
pub(super) struct AtLast;

impl Means for AtOnce {
    fn send<M>(self, to: &Sender<M>, message: M) -> Result<(), TrySendError<M>> {
        to.try_send(message)
    }

    fn receive<M>(self, from: &Receiver<M>) -> Result<M, TryRecvError> {
        from.try_recv()
    }

    fn take<M>(self, room: &Sender<()>, of: &Sender<M>) -> Result<(), TrySendError<()>> {
        loop {
            match room.try_send(()) {
                // A receive that has its message is about to make room, or a send that has room is about to fill it.
                Err(TrySendError::Full(())) if !of.is_full() => yield_now(),
                taken => return taken,
            }
        }
    }
}

impl Means for AtLast {
    fn send<M>(self, to: &Sender<M>, message: M) -> Result<(), TrySendError<M>> {
        Ok(to.send(message)?)
    }

    fn receive<M>(self, from: &Receiver<M>) -> Result<M, TryRecvError> {
        Ok(from.recv()?)
    }
}

/// `send_timeout`, `recv_timeout`.
impl Means for Duration {
    fn send<M>(self, to: &Sender<M>, message: M) -> Result<(), TrySendError<M>> {
        to.send_timeout(message, self).map_err(not_sent)
    }

    fn receive<M>(self, from: &Receiver<M>) -> Result<M, TryRecvError> {
        from.recv_timeout(self).map_err(not_received)
    }
}

/// `send_deadline`, `recv_deadline`.
impl Means for Instant {
    fn send<M>(self, to: &Sender<M>, message: M) -> Result<(), TrySendError<M>> {
        to.send_deadline(message, self).map_err(not_sent)
    }

    fn receive<M>(self, from: &Receiver<M>) -> Result<M, TryRecvError> {
        from.recv_deadline(self).map_err(not_received)
    }
}

impl Means for SelectedOperation<'_> {
    fn send<M>(self, to: &Sender<M>, message: M) -> Result<(), TrySendError<M>> {
        Ok(SelectedOperation::send(self, to, message)?)
    }

    fn receive<M>(self, from: &Receiver<M>) -> Result<M, TryRecvError> {
        Ok(SelectedOperation::recv(self, from)?)
    }
}

fn not_sent<M>(error: SendTimeoutError<M>) -> TrySendError<M> {
    match error {
        SendTimeoutError::Timeout(message) => TrySendError::Full(message),
        SendTimeoutError::Disconnected(message) => TrySendError::Disconnected(message),
    }
}

fn not_received(error: RecvTimeoutError) -> TryRecvError {
    match error {
        RecvTimeoutError::Timeout => TryRecvError::Empty,
        RecvTimeoutError::Disconnected => TryRecvError::Disconnected,
    }
}
