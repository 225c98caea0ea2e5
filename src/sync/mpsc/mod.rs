//! `std::sync::mpsc`, tracked.
//!
//! A send happens before *its* receive, message by message: the clock travels in the message. In a bounded channel of capacity C the k-th
//! receive happens before the completion of the (k+C)-th send (the Go memory model's rule; capacity 0 is a rendezvous). The drop of the
//! last sender happens before the disconnect that the receiver sees, and the receiver's before the one that a sender sees.
//!
//! `unbounded` is `channel()`, `bounded` is `sync_channel()`, `receiver` serves both; a `message` is a value with its clock.

mod bounded;
mod message;
mod receiver;
mod unbounded;

pub use bounded::{SyncSender, sync_channel};
pub use receiver::{IntoIter, Iter, Receiver, TryIter};
pub use std::sync::mpsc::{RecvError, RecvTimeoutError, SendError, TryRecvError, TrySendError};
pub use unbounded::{Sender, channel};

use std::sync::Arc;

use race_core::sync::{SyncKind, SyncObject};

static CHANNEL: SyncKind = SyncKind {
    name: "channel",
    release: "sent a message",
    acquire: "received it",
};

static RECEIVE: SyncKind = SyncKind {
    name: "channel",
    release: "received from a full channel",
    acquire: "sent to it",
};

static DISCONNECT: SyncKind = SyncKind {
    name: "channel",
    release: "dropped its end of a channel",
    acquire: "saw the disconnect",
};

/// What the two ends leave behind when they go.
#[derive(Debug, Default)]
struct Ends {
    senders: SyncObject,
    receiver: SyncObject,
}

type SharedEnds = Arc<Ends>;
