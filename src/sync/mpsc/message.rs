//! A value on its way, with the clock of its sender. `std`'s channels and crossbeam's carry the same.

use std::panic::Location;
use std::sync::mpsc as real;

use race_core::sync::SyncClock;

use super::{CHANNEL, RECEIVE};

/// A message. Whoever takes the value out, or drops it unread, is ordered after the send.
pub(crate) struct Message<T> {
    value: Option<T>,
    clock: SyncClock,
    site: &'static Location<'static>,
    /// In a rendezvous, where the sender waits for the clock of its receiver.
    reply: Option<real::SyncSender<SyncClock>>,
}

impl<T> Message<T> {
    pub(crate) fn new(value: T, site: &'static Location<'static>) -> Message<T> {
        Message {
            value: Some(value),
            clock: SyncClock::released(&CHANNEL, site),
            site,
            reply: None,
        }
    }

    /// For a rendezvous: the message, and what its receiver will answer.
    pub(crate) fn with_answer(mut self) -> (Message<T>, Answer) {
        let (reply, answer) = real::sync_channel(1);
        self.reply = Some(reply);
        (self, Answer(answer))
    }

    /// What its sender has released with it.
    pub(crate) fn clock(&self) -> SyncClock {
        self.clock.clone()
    }

    /// The receiver takes the value. `received` is what it had released before it began to receive.
    pub(crate) fn open(mut self, received: SyncClock, site: &'static Location<'static>) -> T {
        self.clock.acquire(&CHANNEL, site);
        if let Some(reply) = self.reply.take() {
            // The sender waits for it, unless it is gone.
            let _ = reply.send(received);
        }
        self.take()
    }

    /// The sender gets the value back, unsent.
    pub(crate) fn take_back(mut self) -> T {
        self.take()
    }

    fn take(&mut self) -> T {
        self.value.take().expect("a message is opened once")
    }
}

impl<T> Drop for Message<T> {
    fn drop(&mut self) {
        if self.value.is_some() {
            self.clock.acquire(&CHANNEL, self.site);
        }
    }
}

/// What the sender of a rendezvous waits for.
pub(crate) struct Answer(real::Receiver<SyncClock>);

impl Answer {
    /// The receive of this very message happens before its send's completion. There is no answer if the message was dropped unread.
    pub(crate) fn take(self, site: &'static Location<'static>) {
        if let Ok(clock) = self.0.recv() {
            clock.acquire(&RECEIVE, site);
        }
    }
}
