//! `std::sync::mpsc`, tracked.
//!
//! A send happens before *its* receive, message by message: the clock travels in the message. In a bounded channel of capacity C the k-th
//! receive happens before the completion of the (k+C)-th send (the Go memory model's rule; capacity 0 is a rendezvous). The drop of the
//! last sender happens before the disconnect that the receiver sees, and the receiver's before the one that a sender sees.
//!
//! `unbounded` is `channel()`, `bounded` is `sync_channel()`, `receiver` serves both; a `message` is a value with its clock.

mod bounded;
pub(crate) mod message;
mod receiver;
mod unbounded;

pub use bounded::{SyncSender, sync_channel};
pub use receiver::{IntoIter, Iter, Receiver, TryIter};
pub use std::sync::mpsc::{RecvError, RecvTimeoutError, SendError, TryRecvError, TrySendError};
pub use unbounded::{Sender, channel};

use std::panic::Location;
use std::sync::Arc;

use race_core::sync::{SyncKind, SyncObject};

pub(crate) static CHANNEL: SyncKind = SyncKind {
    name: "channel",
    release: "sent a message",
    acquire: "received it",
};

pub(crate) static RECEIVE: SyncKind = SyncKind {
    name: "channel",
    release: "received from a full channel",
    acquire: "sent to it",
};

pub(crate) static DISCONNECT: SyncKind = SyncKind {
    name: "channel",
    release: "dropped its end of the channel made at",
    acquire: "saw the disconnect",
};

/// What the two ends leave behind when they go.
#[derive(Debug)]
pub(crate) struct Ends {
    pub(crate) senders: SyncObject,
    pub(crate) receiver: SyncObject,
    /// Stands for the place of a drop, which nobody tells.
    made: &'static Location<'static>,
}

impl Ends {
    pub(crate) fn of_channel_made_at(made: &'static Location<'static>) -> SharedEnds {
        Arc::new(Ends {
            senders: SyncObject::new(),
            receiver: SyncObject::new(),
            made,
        })
    }

    pub(crate) fn release_by_sender(&self) {
        self.senders.release(&DISCONNECT, self.made);
    }

    pub(crate) fn release_by_receiver(&self) {
        self.receiver.release(&DISCONNECT, self.made);
    }
}

pub(crate) type SharedEnds = Arc<Ends>;
