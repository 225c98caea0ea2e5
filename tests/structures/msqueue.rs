//! An unbounded queue for any number of producers and consumers.
//!
//! M. M. Michael, M. L. Scott: "Simple, Fast, and Practical Non-Blocking and Blocking Concurrent Queue Algorithms", PODC 1996, figure 1, which
//! assumes sequential consistency.
//!
//! Nodes that were taken out stay until the queue is dropped, so there are no counted pointers, and none of the paper's second looks at `head` and
//! `tail` (its lines E7 and D5), which are there for nodes that are used again.

use std::ptr;

use super::lib::cell::UnsafeCell;
use super::lib::sync::atomic::AtomicPtr;
use super::lib::sync::atomic::Ordering::{self, Relaxed};
use super::schedule::at;

use crate::orderings::Table;

orderings! {
    /// A producer reaches the last node, which must have been made.
    see_tail: Acquire,
    /// A producer that finds a node behind the last one passes it on to others by `help_from_enqueue`: it must know that it has been made.
    see_next_to_help: Acquire,
    /// The new node, and the value in it, come before those who find it by its predecessor.
    link: Release,
    /// The producer itself moves `tail` to its node: others reach the node by it.
    move_tail: Release,
    /// A producer does it for another.
    help_from_enqueue: Release,
    /// A consumer does it for a producer.
    help_from_dequeue: Release,
    /// A consumer reaches the first node, which must have been made, by others than those who moved `head` to it.
    see_head: Acquire,
    /// A consumer reaches the next node and the value in it: the other side of `link`.
    see_next: Acquire,
    /// The consumer passes on that the node which is now the first has been made.
    move_head: Release,
}

struct Node<T> {
    /// Stands for the node's own memory: written when it is made, read when it is reached. racecheck takes making a value for no access.
    made: UnsafeCell<bool>,
    value: UnsafeCell<Option<T>>,
    next: AtomicPtr<Node<T>>,
}

pub(crate) struct Queue<T> {
    /// The node before the first value.
    head: AtomicPtr<Node<T>>,
    /// The last node, or one before it.
    tail: AtomicPtr<Node<T>>,
    /// All nodes there ever were, from the first on.
    oldest: *mut Node<T>,
    orders: Orderings,
}

// SAFETY: a node's value is written before the node is known and taken by the one thread that moves `head` to it; `oldest` is for `drop`.
unsafe impl<T: Send> Sync for Queue<T> {}

impl<T> Queue<T> {
    pub(crate) fn new(orders: Orderings) -> Queue<T> {
        let first = make(None);
        Queue {
            head: AtomicPtr::new(first),
            tail: AtomicPtr::new(first),
            oldest: first,
            orders,
        }
    }

    pub(crate) fn enqueue(&self, value: T) {
        let orders = self.orders;
        let node = make(Some(value));
        loop {
            let tail = self.tail.load(orders.see_tail);
            // SAFETY: `see_tail` comes after it was made; nodes live as long as the queue.
            let last = unsafe { reach(tail) };
            let next = last.next.load(orders.see_next_to_help);
            if !next.is_null() {
                // Relaxed on failure, here and below: what was found isn't used.
                let help = orders.help_from_enqueue;
                let _ = self.tail.compare_exchange(tail, next, help, Relaxed);
                at("the tail is helped on");
                continue;
            }
            let linked = last
                .next
                .compare_exchange(ptr::null_mut(), node, orders.link, Relaxed);
            if linked.is_ok() {
                at("the node is linked");
                let _ = self
                    .tail
                    .compare_exchange(tail, node, orders.move_tail, Relaxed);
                return;
            }
        }
    }

    pub(crate) fn dequeue(&self) -> Option<T> {
        let orders = self.orders;
        loop {
            let head = self.head.load(orders.see_head);
            // SAFETY: `see_head` comes after it was made; nodes live as long as the queue.
            let first = unsafe { reach(head) };
            let next = first.next.load(orders.see_next);
            if next.is_null() {
                return None;
            }
            // Relaxed: it is compared, not followed.
            if self.tail.load(Relaxed) == head {
                let help = orders.help_from_dequeue;
                let _ = self.tail.compare_exchange(head, next, help, Relaxed);
            }
            let moved = self
                .head
                .compare_exchange(head, next, orders.move_head, Relaxed);
            if moved.is_ok() {
                // SAFETY: as above, by `see_next`.
                let node = unsafe { reach(next) };
                // SAFETY: only one thread moves `head` here, and the producer is done with the value.
                return node.value.with_mut(|p| unsafe { (*p).take() }); // a value is taken
            }
        }
    }
}

impl<T> Drop for Queue<T> {
    fn drop(&mut self) {
        let mut node = self.oldest;
        while !node.is_null() {
            // SAFETY: the queue owns the chain of its nodes, and nobody else has the queue any more.
            node = *unsafe { Box::from_raw(node) }.next.get_mut();
        }
    }
}

fn make<T>(value: Option<T>) -> *mut Node<T> {
    let node = Box::new(Node {
        made: UnsafeCell::new(false),
        value: UnsafeCell::new(None),
        next: AtomicPtr::new(ptr::null_mut()),
    });
    // SAFETY: nobody else knows it yet.
    node.value.with_mut(|p| unsafe { *p = value }); // a value is put in
    // SAFETY: as above.
    node.made.with_mut(|p| unsafe { *p = true }); // a node is made
    Box::into_raw(node)
}

/// # Safety
///
/// The node has been made, and is not freed while the reference is used.
unsafe fn reach<'a, T>(node: *mut Node<T>) -> &'a Node<T> {
    // SAFETY: the caller's promise.
    let node = unsafe { &*node };
    // SAFETY: it is written only before anybody else knows the node.
    assert!(node.made.with(|p| unsafe { *p })); // a node is reached
    node
}
