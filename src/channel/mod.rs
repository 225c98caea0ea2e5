//! `crossbeam-channel`, tracked: channels that several threads receive from, and `select!`.
//!
//! Each operation is the real one on a real channel, and an edge. A send happens before *its* receive, message by message. In a channel of
//! capacity C the k-th receive happens before the completion of the (k+C)-th send; capacity 0 is a rendezvous. The drop of the last sender
//! happens before the disconnect that a receiver sees, and the drop of the last receiver before the one that a sender sees. Of the operations of
//! a select only the chosen one orders anything; [`after`], [`at`], [`tick`] and [`never()`] order nothing. No queue and no waiting of our
//! own: what is counted here, in `places`, is which receive made room for which send.
//!
//! `sender` and `receiver` are the two ends, `means` is how long an operation may take, `select` chooses among several.

mod means;
mod places;
mod receiver;
mod select;
mod select_macro;
mod sender;

#[doc(inline)]
pub use crate::{__channel_select as select, __channel_select_biased as select_biased};
pub use crossbeam_channel::{
    ReadyTimeoutError, RecvError, RecvTimeoutError, SelectTimeoutError, SendError,
    SendTimeoutError, TryReadyError, TryRecvError, TrySelectError, TrySendError,
};
pub use receiver::{IntoIter, Iter, Receiver, TryIter};
pub use select::{Select, SelectedOperation};
pub use sender::Sender;

use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel as real;

use crate::sync::mpsc::Ends;
use crate::sync::mpsc::message::Message;
use places::{Parcel, Places};

/// What an end of a channel has besides the messages. `Room` is its end of the channel that keeps count of the room.
#[derive(Clone)]
enum Capacity<Room> {
    Unbounded,
    Rendezvous,
    /// A sender takes room by a real send to it, and a receiver makes room by a real receive.
    Bounded(Room, Arc<Places>),
}

/// As `crossbeam_channel::unbounded`.
///
/// # Example
///
/// ```
/// use racecheck::{channel, thread};
///
/// let (tx, rx) = channel::unbounded();
/// thread::spawn(move || tx.send(7).unwrap());
/// assert_eq!(rx.recv(), Ok(7));
/// ```
#[track_caller]
pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    let ends = Ends::of_channel_made_at(Location::caller());
    let (tx, rx) = real::unbounded();
    (
        Sender::new(tx, Capacity::Unbounded, ends.clone()),
        Receiver::new(rx, Capacity::Unbounded, ends),
    )
}

/// As `crossbeam_channel::bounded`. With capacity 0 a send waits for its receive.
///
/// # Panics
///
/// If the capacity is too large.
///
/// # Example
///
/// A semaphore made of a channel: with room for one message it is a lock.
///
/// ```
/// use racecheck::{Shared, channel, thread};
///
/// let total = Shared::new(0);
/// let (enter, leave) = channel::bounded(1);
/// thread::scope(|s| {
///     for _ in 0..3 {
///         s.spawn(|| {
///             enter.send(()).unwrap();
///             total.update(|n| n + 1);
///             leave.recv().unwrap();
///         });
///     }
/// });
/// assert_eq!(total.get(), 3);
/// ```
#[track_caller]
pub fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let ends = Ends::of_channel_made_at(Location::caller());
    let (tx, rx) = real::bounded::<Parcel<T>>(capacity);
    if capacity == 0 {
        return (
            Sender::new(tx, Capacity::Rendezvous, ends.clone()),
            Receiver::new(rx, Capacity::Rendezvous, ends),
        );
    }
    let (take, make) = real::bounded(capacity);
    let places = Arc::new(Places::new(capacity));
    (
        Sender::new(tx, Capacity::Bounded(take, places.clone()), ends.clone()),
        Receiver::new(rx, Capacity::Bounded(make, places), ends),
    )
}

/// As `crossbeam_channel::after`. Its message orders nothing.
///
/// # Example
///
/// ```
/// use racecheck::channel;
/// use std::time::{Duration, Instant};
///
/// let start = Instant::now();
/// let due = channel::after(Duration::from_millis(1)).recv().unwrap();
/// assert!(due > start);
/// ```
pub fn after(duration: Duration) -> Receiver<Instant> {
    Receiver::unordered(real::after(duration))
}

/// As `crossbeam_channel::at`. Its message orders nothing.
///
/// # Example
///
/// ```
/// use racecheck::channel;
/// use std::time::Instant;
///
/// let now = Instant::now();
/// assert_eq!(channel::at(now).recv(), Ok(now));
/// ```
pub fn at(when: Instant) -> Receiver<Instant> {
    Receiver::unordered(real::at(when))
}

/// As `crossbeam_channel::tick`. Its messages order nothing.
///
/// # Example
///
/// ```
/// use racecheck::channel;
/// use std::time::Duration;
///
/// let ticks = channel::tick(Duration::from_millis(1));
/// assert!(ticks.recv().unwrap() < ticks.recv().unwrap());
/// ```
pub fn tick(duration: Duration) -> Receiver<Instant> {
    Receiver::unordered(real::tick(duration))
}

/// As `crossbeam_channel::never`.
///
/// # Example
///
/// ```
/// use racecheck::channel::{self, TryRecvError};
///
/// assert_eq!(channel::never::<u8>().try_recv(), Err(TryRecvError::Empty));
/// ```
pub const fn never<T>() -> Receiver<T> {
    Receiver::unordered(real::never())
}
