//! Hazard pointers: who reads a node says so, and who has taken a node out frees it when nobody says so.
//!
//! M. M. Michael: "Hazard Pointers: Safe Memory Reclamation for Lock-Free Objects", IEEE TPDS 15(6), 2004, which assumes sequential consistency.
//!
//! `SeqCst` where the paper needs a store and a later load of one thread in that order: a reader announces a node and then looks whether it is
//! still there; a reclaimer has taken it out and then looks who announced it. One of the two must see the other.

use std::ptr;

use super::lib::cell::UnsafeCell;
use super::lib::sync::atomic::Ordering::{self, Relaxed};
use super::lib::sync::atomic::{AtomicBool, AtomicPtr};
use super::lib::thread;
use super::schedule::at;

use crate::orderings::Table;

/// How many threads can take part at once.
const PLACES: usize = 4;

orderings! {
    /// A reader announces a node. `SeqCst`: before it looks again. The release side is for what it read under its last announcement, which this one
    /// replaces: who sees this one may free that.
    announce: SeqCst,
    /// It looks again. `SeqCst`: after the announcement. The acquire side is for the node: it must have been made.
    look_again: SeqCst,
    /// It is done: what it read comes before whoever frees it.
    done: Release,
    /// A reclaimer looks who announced what. `SeqCst`: after it took the node out. The acquire side is for the readers that are done.
    scan: SeqCst,
    /// A thread takes a place: what its last owner left there comes before it.
    take_place: Acquire,
    /// A thread leaves its place, with the nodes that it could not free yet.
    leave_place: Release,
}

/// What can be reclaimed.
pub(crate) trait Reclaim: Sized {
    /// Frees a node.
    ///
    /// # Safety
    ///
    /// It came from a box, and nobody uses it any more.
    unsafe fn free(node: *mut Self);
}

struct Place<N> {
    is_taken: AtomicBool,
    announced: AtomicPtr<N>,
    /// What the owner of the place took out and couldn't free yet.
    retired: UnsafeCell<Vec<*mut N>>,
}

pub(crate) struct Domain<N: Reclaim> {
    places: [Place<N>; PLACES],
    orders: Orderings,
}

// SAFETY: `retired` is reached by the owner of the place only; the nodes in it are freed by any thread, so they must be `Send`.
unsafe impl<N: Reclaim + Send> Sync for Domain<N> {}
// SAFETY: as above.
unsafe impl<N: Reclaim + Send> Send for Domain<N> {}

/// A thread that takes part.
pub(crate) struct Member<'a, N: Reclaim> {
    domain: &'a Domain<N>,
    place: &'a Place<N>,
}

impl<N: Reclaim> Domain<N> {
    pub(crate) fn new(orders: Orderings) -> Domain<N> {
        let place = || Place {
            is_taken: AtomicBool::new(false),
            announced: AtomicPtr::default(),
            retired: UnsafeCell::new(Vec::new()),
        };
        Domain {
            places: [(); PLACES].map(|()| place()),
            orders,
        }
    }

    /// Waits for a place if all are taken, or seem to be: places change hands while they are looked at.
    pub(crate) fn join(&self) -> Member<'_, N> {
        let is_free = |place: &&Place<N>| !place.is_taken.swap(true, self.orders.take_place);
        loop {
            if let Some(place) = self.places.iter().find(is_free) {
                return Member {
                    domain: self,
                    place,
                };
            }
            thread::yield_now();
        }
    }
}

impl<N: Reclaim> Member<'_, N> {
    /// What `source` points to; nobody frees it before the next call of this or of [`done`](Member::done).
    pub(crate) fn protect(&mut self, source: &AtomicPtr<N>) -> *mut N {
        let orders = self.domain.orders;
        loop {
            // Relaxed: a guess, not followed before the second look.
            let guess = source.load(Relaxed);
            self.place.announced.store(guess, orders.announce);
            if source.load(orders.look_again) == guess {
                at("a node is announced");
                return guess;
            }
        }
    }

    pub(crate) fn done(&mut self) {
        self.place
            .announced
            .store(ptr::null_mut(), self.domain.orders.done);
    }

    /// Frees the node as soon as nobody uses it, and others that waited for that.
    ///
    /// # Safety
    ///
    /// It came from a box, it was taken out by this thread, and nobody who hasn't announced it can find it any more.
    pub(crate) unsafe fn retire(&mut self, node: *mut N) {
        // SAFETY: it is this thread's place.
        let mut waiting = self
            .place
            .retired
            .with_mut(|p| unsafe { std::mem::take(&mut *p) }); // retired nodes are used
        waiting.push(node);
        let announced: Vec<*mut N> = self
            .domain
            .places
            .iter()
            .map(|place| place.announced.load(self.domain.orders.scan))
            .collect();
        waiting.retain(|node| {
            let is_used = announced.contains(node);
            if !is_used {
                // SAFETY: the promise of who retired it; and nobody has announced it.
                unsafe { N::free(*node) };
            }
            is_used
        });
        // SAFETY: as above.
        self.place.retired.with_mut(|p| unsafe { *p = waiting });
    }
}

impl<N: Reclaim> Drop for Member<'_, N> {
    fn drop(&mut self) {
        self.done();
        self.place
            .is_taken
            .store(false, self.domain.orders.leave_place);
    }
}

impl<N: Reclaim> Drop for Domain<N> {
    fn drop(&mut self) {
        for place in &mut self.places {
            for node in place.retired.get_mut().drain(..) {
                // SAFETY: there are no members any more.
                unsafe { N::free(node) };
            }
        }
    }
}
