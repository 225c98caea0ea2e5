//! A ticket lock.
//!
//! J. M. Mellor-Crummey, M. L. Scott: "Algorithms for Scalable Synchronization on Shared-Memory Multiprocessors", ACM TOCS 9(1), 1991, section
//! 2.2; after D. P. Reed, R. K. Kanodia: "Synchronization with Eventcounts and Sequencers", CACM 22(2), 1979.

use super::lib::cell::UnsafeCell;
use super::lib::sync::atomic::AtomicUsize;
use super::lib::sync::atomic::Ordering::{self, Relaxed};
use super::lib::thread;

use crate::orderings::Table;

orderings! {
    /// The holder lets the next one in: what it did to the value comes before it.
    pass_on: Release,
    /// Who sees its number called comes after all the holders before.
    see_called: Acquire,
}

pub(crate) struct TicketLock<T> {
    next: AtomicUsize,
    called: AtomicUsize,
    value: UnsafeCell<T>,
    orders: Orderings,
}

// SAFETY: the value is reached by the thread only whose number is called, and each number is given out once.
unsafe impl<T: Send> Sync for TicketLock<T> {}

impl<T> TicketLock<T> {
    pub(crate) fn new(value: T, orders: Orderings) -> TicketLock<T> {
        TicketLock {
            next: AtomicUsize::new(0),
            called: AtomicUsize::new(0),
            value: UnsafeCell::new(value),
            orders,
        }
    }

    pub(crate) fn locked<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        // Relaxed: numbers need only be different. The value is reached after `called` says so.
        let number = self.next.fetch_add(1, Relaxed);
        while self.called.load(self.orders.see_called) != number {
            thread::yield_now();
        }
        // SAFETY: this thread's number is called, and no other's before the store below.
        let result = self.value.with_mut(|p| f(unsafe { &mut *p })); // the value is used
        self.called.store(number + 1, self.orders.pass_on);
        result
    }
}
