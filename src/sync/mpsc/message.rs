//! A value on its way, with the clock of its sender.

use std::panic::Location;
use std::sync::mpsc as real;

use race_core::sync::SyncClock;

use super::CHANNEL;

/// A message. Whoever takes the value out, or drops it unread, is ordered after the send.
pub(super) struct Message<T> {
    value: Option<T>,
    clock: SyncClock,
    site: &'static Location<'static>,
    /// In a rendezvous, where the sender waits for the clock of its receiver.
    reply: Option<real::SyncSender<SyncClock>>,
}

impl<T> Message<T> {
    pub(super) fn new(value: T, site: &'static Location<'static>) -> Message<T> {
        Message {
            value: Some(value),
            clock: SyncClock::released(&CHANNEL, site),
            site,
            reply: None,
        }
    }

    pub(super) fn with_reply(self, reply: real::SyncSender<SyncClock>) -> Message<T> {
        let mut message = self;
        message.reply = Some(reply);
        message
    }

    /// What its sender has released with it.
    pub(super) fn clock(&self) -> SyncClock {
        self.clock.clone()
    }

    /// The receiver takes the value. `received` is what it had released before it began to receive.
    pub(super) fn open(mut self, received: SyncClock, site: &'static Location<'static>) -> T {
        self.clock.acquire(&CHANNEL, site);
        if let Some(reply) = self.reply.take() {
            // The sender waits for it, unless it is gone.
            let _ = reply.send(received);
        }
        self.take()
    }

    /// The sender gets the value back, unsent.
    pub(super) fn take_back(mut self) -> T {
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
