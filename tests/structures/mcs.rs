//! A queue lock in which each thread waits on a flag of its own.
//!
//! J. M. Mellor-Crummey, M. L. Scott: "Algorithms for Scalable Synchronization on Shared-Memory Multiprocessors", ACM TOCS 9(1), 1991, section
//! 2.4, which assumes sequential consistency.
//!
//! Each acquisition uses a node of its own, freed when the lock is passed on: so it matters who may still look at it.

use std::ptr;

use super::lib::cell::UnsafeCell;
use super::lib::sync::atomic::Ordering::{self, Relaxed};
use super::lib::sync::atomic::{AtomicBool, AtomicPtr};
use super::lib::thread;
use super::schedule::at;

use crate::orderings::Table;

orderings! {
    /// Release: who comes next reaches our node by it, which must have been made. Acquire: we reach the node of who was last; and if there was
    /// nobody, we come after whoever left the lock free.
    enqueue: AcqRel,
    /// Who is before us reaches our node by it; and it frees its own, which we are done with.
    link: Release,
    /// The holder sees who is next at once: the other side of `link`.
    see_next: Acquire,
    /// The holder waits for who is next to link itself: the same.
    await_next: Acquire,
    /// The holder lets the next one in: what it did to the value comes before it.
    pass_on: Release,
    /// The next one comes in: after all the holders before.
    await_turn: Acquire,
    /// The holder leaves, with nobody behind it: what it did comes before who finds the lock free.
    leave_free: Release,
}

struct Node {
    /// Stands for the node's own memory: written when it is made and freed, read when it is reached. racecheck takes making a value for no access.
    alive: UnsafeCell<bool>,
    waits: AtomicBool,
    next: AtomicPtr<Node>,
}

pub(crate) struct McsLock<T> {
    last: AtomicPtr<Node>,
    value: UnsafeCell<T>,
    orders: Orderings,
}

// SAFETY: the value is reached by the head of the queue only.
unsafe impl<T: Send> Sync for McsLock<T> {}

/// A thread that uses the lock.
pub(crate) struct Locker<'a, T> {
    lock: &'a McsLock<T>,
    /// Its place in the queue while it has the lock.
    node: *mut Node,
}

impl<T> McsLock<T> {
    pub(crate) fn new(value: T, orders: Orderings) -> McsLock<T> {
        McsLock {
            last: AtomicPtr::default(),
            value: UnsafeCell::new(value),
            orders,
        }
    }

    pub(crate) fn locker(&self) -> Locker<'_, T> {
        Locker {
            lock: self,
            node: ptr::null_mut(),
        }
    }
}

impl<T> Locker<'_, T> {
    pub(crate) fn locked<R>(&mut self, f: impl FnOnce(&mut T) -> R) -> R {
        self.lock();
        // SAFETY: this thread is the head of the queue.
        let result = self.lock.value.with_mut(|p| f(unsafe { &mut *p })); // the value is used
        self.unlock();
        result
    }

    fn lock(&mut self) {
        let orders = self.lock.orders;
        self.node = make();
        let before = self.lock.last.swap(self.node, orders.enqueue);
        at("it is in the queue");
        if before.is_null() {
            return;
        }
        // SAFETY: who is before us frees its node only after it has seen our link.
        let before = unsafe { reach(before) };
        before.next.store(self.node, orders.link);
        at("it is linked");
        // SAFETY: our own node, which we free.
        let node = unsafe { reach(self.node) };
        while node.waits.load(orders.await_turn) {
            thread::yield_now();
        }
    }

    fn unlock(&mut self) {
        let orders = self.lock.orders;
        // SAFETY: our own node, which is freed below.
        let node = unsafe { reach(self.node) };
        let mut next = node.next.load(orders.see_next);
        if next.is_null() {
            // Relaxed on failure: who came is found through its link.
            let last = &self.lock.last;
            if last
                .compare_exchange(self.node, ptr::null_mut(), orders.leave_free, Relaxed)
                .is_ok()
            {
                // SAFETY: nobody came after us, and nobody can find our node any more.
                unsafe { free(self.node) };
                return;
            }
            at("somebody comes");
            while next.is_null() {
                next = node.next.load(orders.await_next);
                thread::yield_now();
            }
        }
        // SAFETY: who is next frees its node after its turn, which is not before the store.
        unsafe { reach(next) }.waits.store(false, orders.pass_on);
        // SAFETY: who is next has linked itself, and never looks at our node again.
        unsafe { free(self.node) };
    }
}

fn make() -> *mut Node {
    let node = Box::into_raw(Box::new(Node {
        alive: UnsafeCell::new(false),
        waits: AtomicBool::new(true),
        next: AtomicPtr::default(),
    }));
    // SAFETY: nobody else knows it yet.
    unsafe { (*node).alive.with_mut(|p| *p = true) }; // a node is made
    node
}

/// # Safety
///
/// The node has been made, and is not freed while the reference is used.
unsafe fn reach<'a>(node: *mut Node) -> &'a Node {
    // SAFETY: the caller's promise.
    let node = unsafe { &*node };
    // SAFETY: it is written only before anybody else knows the node, and after nobody uses it any more.
    assert!(node.alive.with(|p| unsafe { *p })); // a node is reached
    node
}

/// # Safety
///
/// The node came from [`make`], and nobody uses it any more.
unsafe fn free(node: *mut Node) {
    // SAFETY: the caller's promise.
    unsafe { (*node).alive.with_mut(|p| *p = false) }; // a node is freed
    // SAFETY: as above; it came from a box.
    drop(unsafe { Box::from_raw(node) });
}
