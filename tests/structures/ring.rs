//! A ring for one producer and one consumer.
//!
//! L. Lamport: "Specifying Concurrent Program Modules", ACM TOPLAS 5(2), 1983, which assumes sequential consistency. The orderings are those of
//! N. M. Lê, A. Guatto, A. Cohen, A. Pop: "Correct and Efficient Bounded FIFO Queues", SBAC-PAD 2013.
//!
//! Both counts only grow; a slot belongs to the consumer from the store of `back` until the store of `front`, and else to the producer.

use super::lib::cell::UnsafeCell;
use super::lib::sync::atomic::AtomicUsize;
use super::lib::sync::atomic::Ordering::{self, Relaxed};

use crate::orderings::Table;

orderings! {
    /// The producer hands a slot over: what it wrote there comes before it.
    publish: Release,
    /// The consumer takes it over: it reads the slot only after that.
    see_published: Acquire,
    /// The consumer gives the slot back: it has finished reading.
    release_slot: Release,
    /// The producer takes it back, and only then overwrites it.
    see_released: Acquire,
}

pub(crate) struct Ring<T, const N: usize> {
    slots: [UnsafeCell<Option<T>>; N],
    /// How many were taken. Stored by the consumer only.
    front: AtomicUsize,
    /// How many were put in. Stored by the producer only.
    back: AtomicUsize,
    orders: Orderings,
}

// SAFETY: there is one producer and one consumer, and `front` and `back` say which of the two a slot belongs to.
unsafe impl<T: Send, const N: usize> Sync for Ring<T, N> {}

pub(crate) struct Producer<'a, T, const N: usize>(&'a Ring<T, N>);

pub(crate) struct Consumer<'a, T, const N: usize>(&'a Ring<T, N>);

impl<T, const N: usize> Ring<T, N> {
    pub(crate) fn new(orders: Orderings) -> Ring<T, N> {
        Ring {
            slots: [const { UnsafeCell::new(None) }; N],
            front: AtomicUsize::new(0),
            back: AtomicUsize::new(0),
            orders,
        }
    }

    /// The two ends. `&mut self`: there is one of each.
    pub(crate) fn split(&mut self) -> (Producer<'_, T, N>, Consumer<'_, T, N>) {
        (Producer(self), Consumer(self))
    }
}

impl<T, const N: usize> Producer<'_, T, N> {
    /// Puts a value in; gives it back if the ring is full.
    pub(crate) fn push(&mut self, value: T) -> Result<(), T> {
        let ring = self.0;
        // Relaxed: only this thread stores it.
        let back = ring.back.load(Relaxed);
        if back - ring.front.load(ring.orders.see_released) == N {
            return Err(value);
        }
        let slot = &ring.slots[back % N];
        // SAFETY: the slot has been given back, and the consumer doesn't touch it before the store of `back`.
        slot.with_mut(|p| unsafe { *p = Some(value) }); // a slot is filled
        ring.back.store(back + 1, ring.orders.publish);
        Ok(())
    }
}

impl<T, const N: usize> Consumer<'_, T, N> {
    /// Takes the oldest value.
    pub(crate) fn pop(&mut self) -> Option<T> {
        let ring = self.0;
        // Relaxed: only this thread stores it.
        let front = ring.front.load(Relaxed);
        if ring.back.load(ring.orders.see_published) == front {
            return None;
        }
        let slot = &ring.slots[front % N];
        // SAFETY: the slot has been handed over, and the producer doesn't touch it before the store of `front`.
        let value = slot.with_mut(|p| unsafe { (*p).take() }); // a slot is emptied
        ring.front.store(front + 1, ring.orders.release_slot);
        value
    }
}
