//! A stack for any number of threads.
//!
//! R. K. Treiber: "Systems Programming: Coping with Parallelism", IBM RJ 5118, 1986; with hazard pointers for the nodes that are taken
//! out (`hazard`). A node that is announced isn't freed, so none comes back under the same address: no ABA.

use std::ptr;

use super::hazard::{self, Domain, Member, Reclaim};
use super::lib::cell::UnsafeCell;
use super::lib::sync::atomic::AtomicPtr;
use super::lib::sync::atomic::Ordering::{self, Relaxed};
use super::schedule::at;

use crate::orderings::Table;

orderings! {
    /// The new node, its value and its link come before those who find it. They find it by `hazard`'s `look_again`.
    push: Release,
    /// A node is taken out. `SeqCst`: before its reclaimer scans. Whoever reaches the node below is ordered after its push all the same: a
    /// read-modify-write continues the release sequence.
    pop: SeqCst,
}

pub(crate) struct Node<T> {
    value: UnsafeCell<Option<T>>,
    next: UnsafeCell<*mut Node<T>>,
}

// SAFETY: it is passed on with its value; the pointer is followed by the stack only.
unsafe impl<T: Send> Send for Node<T> {}

pub(crate) struct Stack<T> {
    head: AtomicPtr<Node<T>>,
    domain: Domain<Node<T>>,
    orders: Orderings,
}

/// A thread that uses the stack.
pub(crate) struct User<'a, T> {
    stack: &'a Stack<T>,
    member: Member<'a, Node<T>>,
}

impl<T> Stack<T> {
    pub(crate) fn new(orders: Orderings, hazards: hazard::Orderings) -> Stack<T> {
        Stack {
            head: AtomicPtr::default(),
            domain: Domain::new(hazards),
            orders,
        }
    }

    pub(crate) fn user(&self) -> User<'_, T> {
        User {
            stack: self,
            member: self.domain.join(),
        }
    }
}

impl<T> User<'_, T> {
    pub(crate) fn push(&mut self, value: T) {
        let stack = self.stack;
        let node = Box::new(Node {
            value: UnsafeCell::new(None),
            next: UnsafeCell::new(ptr::null_mut()),
        });
        // Written through the cell: racecheck takes making a value for no access.
        // SAFETY: nobody else knows the node yet.
        node.value.with_mut(|p| unsafe { *p = Some(value) }); // a value is pushed
        let node = Box::into_raw(node);
        // Relaxed, and on failure: it is written into the link, not followed.
        let mut head = stack.head.load(Relaxed);
        loop {
            // SAFETY: as above.
            unsafe { (*node).next.with_mut(|p| *p = head) }; // a node is linked
            match stack
                .head
                .compare_exchange_weak(head, node, stack.orders.push, Relaxed)
            {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    pub(crate) fn pop(&mut self) -> Option<T> {
        let stack = self.stack;
        loop {
            let top = self.member.protect(&stack.head);
            if top.is_null() {
                self.member.done();
                return None;
            }
            // SAFETY: it is announced, and was in the stack after that.
            let node = unsafe { &*top };
            // SAFETY: the link isn't written any more once the node is in the stack.
            let next = node.next.with(|p| unsafe { *p }); // a link is followed
            at("a link is followed");
            // Relaxed on failure: what was found isn't used.
            let popped = stack
                .head
                .compare_exchange(top, next, stack.orders.pop, Relaxed);
            if popped.is_ok() {
                // SAFETY: only the thread that takes the node out takes its value.
                let value = node.value.with_mut(|p| unsafe { (*p).take() }); // a value is popped
                self.member.done();
                // SAFETY: it came from a box, we took it out, and it isn't in the stack any more.
                unsafe { self.member.retire(top) };
                return value;
            }
        }
    }
}

impl<T> Reclaim for Node<T> {
    unsafe fn free(node: *mut Node<T>) {
        // Freeing is a write to all of it.
        // SAFETY: the caller's promise.
        unsafe { (*node).next.with_mut(|p| *p = ptr::null_mut()) }; // a node is freed
        // SAFETY: as above.
        unsafe { (*node).value.with_mut(|p| *p = None) };
        // SAFETY: as above.
        drop(unsafe { Box::from_raw(node) });
    }
}

impl<T> Drop for Stack<T> {
    fn drop(&mut self) {
        let mut node = *self.head.get_mut();
        while !node.is_null() {
            // SAFETY: nobody else has the stack any more, and it owns its nodes.
            let mut owned = unsafe { Box::from_raw(node) };
            node = *owned.next.get_mut();
        }
    }
}
