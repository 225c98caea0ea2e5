//! Which receive makes room for which send.
//!
//! The k-th receive happens before the completion of the (k+C)-th send. A real channel doesn't tell a message's place in the queue, so it is
//! counted here, and travels with the message. The room is counted by a second real channel of the same capacity: a sender that has sent to it
//! may queue its message, which then takes no waiting, and a receiver gives the room back in the order of the places, as a ring does. So the
//! clock that a sender looks for is always there.
//!
//! No sender or receiver waits here, nor does any code of the user's run while the lock is held.

use std::panic::Location;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crossbeam_channel::{Receiver, Sender, TrySendError};
use race_core::sync::SyncClock;

use super::Message;
use crate::sync::mpsc::RECEIVE;

/// A message and its place in the queue, if that is bounded.
pub(super) struct Parcel<T> {
    pub(super) message: Message<T>,
    pub(super) place: usize,
}

pub(super) struct Places {
    capacity: usize,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    /// How many messages were queued.
    sent: usize,
    /// How many of the first places were received from, without a gap. For each of them the room is given back.
    received: usize,
    /// The receive from place k, at k modulo the capacity, until the send that it makes room for.
    receives: Vec<Option<Receive>>,
}

struct Receive {
    place: usize,
    clock: SyncClock,
}

impl Places {
    pub(super) fn new(capacity: usize) -> Places {
        Places {
            capacity,
            counts: Mutex::default(),
        }
    }

    /// Queues a message whose sender has taken room for it. It goes on after the receive that made the room.
    pub(super) fn send<T>(
        &self,
        message: Message<T>,
        queue: &Sender<Parcel<T>>,
        site: &'static Location<'static>,
    ) -> Result<(), TrySendError<Message<T>>> {
        let mut counts = self.lock();
        let place = counts.sent;
        match queue.try_send(Parcel { message, place }) {
            Ok(()) => {}
            Err(TrySendError::Full(parcel)) => return Err(TrySendError::Full(parcel.message)),
            Err(TrySendError::Disconnected(parcel)) => {
                return Err(TrySendError::Disconnected(parcel.message));
            }
        }
        counts.sent += 1;
        let room = place.checked_sub(self.capacity).and_then(|from| {
            let receive = counts.receives.get_mut(from % self.capacity)?;
            receive.take_if(|receive| receive.place == from)
        });
        drop(counts);
        if let Some(receive) = room {
            receive.clock.acquire(&RECEIVE, site);
        }
        Ok(())
    }

    /// A receive got the message of this place, and what it knows is `clock`.
    pub(super) fn received(&self, place: usize, clock: SyncClock, room: &Receiver<()>) {
        let mut counts = self.lock();
        let slot = place % self.capacity;
        if counts.receives.len() <= slot {
            counts.receives.resize_with(slot + 1, || None);
        }
        let last = counts.receives[slot].replace(Receive { place, clock });
        debug_assert!(last.is_none(), "its sender has taken it");
        while counts.is_received(counts.received, self.capacity) {
            counts.received += 1;
            // There is one for each message that was queued.
            let given_back = room.try_recv();
            debug_assert!(given_back.is_ok());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn is_received(&self, place: usize, capacity: usize) -> bool {
        match self.receives.get(place % capacity) {
            Some(Some(receive)) => receive.place == place,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::bounded;

    use super::*;

    /// The second of two receives is done first. Its room isn't there before the first one's, which the next sender will look for.
    #[test]
    fn room_is_given_back_in_the_order_of_the_queue() {
        let site = Location::caller();
        let (places, (take, make), (tx, rx)) = (Places::new(2), bounded(2), bounded(2));
        for _ in 0..2 {
            take.send(()).unwrap();
            let sent = places.send(Message::new((), site), &tx, site);
            assert!(sent.is_ok());
        }
        let place = || rx.recv().unwrap().place;
        assert_eq!((place(), place()), (0, 1));
        places.received(1, SyncClock::new(), &make);
        assert!(take.is_full());
        places.received(0, SyncClock::new(), &make);
        assert!(take.is_empty());
    }
}
