//! Lock-free structures from the literature with their orderings, and with one of them weakened. Nodes are left until the end, so that only what is tested is a race.

use std::ptr;
use std::sync::atomic::Ordering::{self, Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicIsize, AtomicPtr, AtomicUsize, fence};
use std::thread;

use crate::support::{Plain, in_turn};

crate::programs! {
    race: prim_18_stack_relaxed_push, prim_18_queue_relaxed_link, prim_18_ring_relaxed_publish, prim_18_ring_relaxed_release, prim_18_deque_no_fence;
    none: prim_18_stack, prim_18_queue, prim_18_ring, prim_18_deque;
}

/// R. K. Treiber: "Systems Programming: Coping with Parallelism", 1986.
struct Stack {
    top: AtomicPtr<Node>,
}

struct Node {
    value: usize,
    next: *mut Node,
}

impl Stack {
    fn push(&self, value: usize, order: Ordering) {
        let node = Box::into_raw(Box::new(Node {
            value: 0,
            next: ptr::null_mut(),
        }));
        unsafe { (*node).value = value }; // race: prim_18_stack_relaxed_push.value
        let mut top = self.top.load(Relaxed);
        loop {
            unsafe { (*node).next = top }; // race: prim_18_stack_relaxed_push.next
            match self.top.compare_exchange_weak(top, node, order, Relaxed) {
                Ok(_) => return,
                Err(now) => top = now,
            }
        }
    }

    fn pop(&self) -> Option<usize> {
        let mut top = self.top.load(Acquire);
        while !top.is_null() {
            let next = unsafe { (*top).next }; // race: prim_18_stack_relaxed_push.next
            match self.top.compare_exchange_weak(top, next, Acquire, Acquire) {
                Ok(_) => {
                    let value = unsafe { (*top).value }; // race: prim_18_stack_relaxed_push.value
                    return Some(value);
                }
                Err(now) => top = now,
            }
        }
        None
    }
}

/// Half of the threads put values in, the others take them out.
fn transfer(threads: usize, put: impl Fn(usize) + Sync, take: impl Fn() -> Option<usize> + Sync) {
    let pairs = threads.div_ceil(2);
    let sum = AtomicUsize::new(0);
    thread::scope(|s| {
        for _ in 0..pairs {
            s.spawn(|| (1..=20).for_each(&put));
            s.spawn(|| {
                for _ in 1..=20 {
                    let value = loop {
                        if let Some(value) = take() {
                            break value;
                        }
                        thread::yield_now();
                    };
                    sum.fetch_add(value, Relaxed);
                }
            });
        }
    });
    assert_eq!(sum.into_inner(), 210 * pairs);
}

/// One value, from one thread to another.
fn hand_over(put: impl FnOnce() + Send, take: impl FnOnce() -> Option<usize> + Send) {
    in_turn(put, || assert_eq!(take(), Some(7)));
}

fn prim_18_stack(threads: usize) {
    let stack = Stack {
        top: AtomicPtr::new(ptr::null_mut()),
    };
    transfer(threads, |value| stack.push(value, Release), || stack.pop());
}

fn prim_18_stack_relaxed_push(_: usize) {
    let stack = Stack {
        top: AtomicPtr::new(ptr::null_mut()),
    };
    hand_over(|| stack.push(7, Relaxed), || stack.pop());
}

/// M. M. Michael, M. L. Scott: "Simple, Fast, and Practical Non-Blocking and Blocking Concurrent Queue Algorithms", PODC 1996.
struct Queue {
    head: AtomicPtr<Link>,
    tail: AtomicPtr<Link>,
}

struct Link {
    value: usize,
    next: AtomicPtr<Link>,
}

impl Queue {
    fn new() -> Queue {
        let first = Queue::node();
        Queue {
            head: AtomicPtr::new(first),
            tail: AtomicPtr::new(first),
        }
    }

    fn node() -> *mut Link {
        Box::into_raw(Box::new(Link {
            value: 0,
            next: AtomicPtr::new(ptr::null_mut()),
        }))
    }

    fn enqueue(&self, value: usize, link: Ordering) {
        let node = Queue::node();
        unsafe { (*node).value = value }; // race: prim_18_queue_relaxed_link
        loop {
            let tail = self.tail.load(Acquire);
            let next_of_tail = unsafe { &(*tail).next };
            let next = next_of_tail.load(Acquire);
            if !next.is_null() {
                let _ = self.tail.compare_exchange(tail, next, Release, Relaxed);
            } else if next_of_tail
                .compare_exchange(next, node, link, Relaxed)
                .is_ok()
            {
                // Whoever comes next does it else.
                let _ = self.tail.compare_exchange(tail, node, Release, Relaxed);
                return;
            }
        }
    }

    fn dequeue(&self) -> Option<usize> {
        loop {
            let head = self.head.load(Acquire);
            // Relaxed: it is only compared.
            let tail = self.tail.load(Relaxed);
            let next = unsafe { (*head).next.load(Acquire) };
            if next.is_null() {
                return None;
            }
            if head == tail {
                let _ = self.tail.compare_exchange(tail, next, Release, Relaxed);
            }
            if self
                .head
                .compare_exchange(head, next, Release, Relaxed)
                .is_ok()
            {
                let value = unsafe { (*next).value }; // race: prim_18_queue_relaxed_link
                return Some(value);
            }
        }
    }
}

fn prim_18_queue(threads: usize) {
    let queue = Queue::new();
    transfer(
        threads,
        |value| queue.enqueue(value, Release),
        || queue.dequeue(),
    );
}

fn prim_18_queue_relaxed_link(_: usize) {
    let queue = Queue::new();
    hand_over(|| queue.enqueue(7, Relaxed), || queue.dequeue());
}

/// L. Lamport: "Specifying Concurrent Program Modules", ACM TOPLAS 5(2), 1983: one producer, one consumer.
struct Ring {
    slots: [Plain<usize>; 4],
    front: AtomicUsize,
    back: AtomicUsize,
    publish: Ordering,
    release: Ordering,
}

impl Ring {
    fn new(publish: Ordering, release: Ordering) -> Ring {
        Ring {
            slots: [const { Plain::new(0) }; 4],
            front: AtomicUsize::new(0),
            back: AtomicUsize::new(0),
            publish,
            release,
        }
    }

    fn push(&self, value: usize) -> bool {
        let back = self.back.load(Relaxed);
        if back - self.front.load(Acquire) == self.slots.len() {
            return false;
        }
        self.slots[back % 4].set(value); // race: prim_18_ring_relaxed_publish, prim_18_ring_relaxed_release
        self.back.store(back + 1, self.publish);
        true
    }

    fn pop(&self) -> Option<usize> {
        let front = self.front.load(Relaxed);
        if self.back.load(Acquire) == front {
            return None;
        }
        let value = self.slots[front % 4].get(); // race: prim_18_ring_relaxed_publish, prim_18_ring_relaxed_release
        self.front.store(front + 1, self.release);
        Some(value)
    }

    fn push_all(&self) {
        for value in 1..=20 {
            while !self.push(value) {
                thread::yield_now();
            }
        }
    }

    fn pop_all(&self) {
        for value in 1..=20 {
            while self.pop().map(|popped| assert_eq!(popped, value)).is_none() {
                thread::yield_now();
            }
        }
    }
}

fn through(ring: &Ring) {
    thread::scope(|s| {
        s.spawn(|| ring.push_all());
        ring.pop_all();
    });
}

fn prim_18_ring(_: usize) {
    through(&Ring::new(Release, Release));
}

fn prim_18_ring_relaxed_publish(_: usize) {
    through(&Ring::new(Relaxed, Release));
}

fn prim_18_ring_relaxed_release(_: usize) {
    through(&Ring::new(Release, Relaxed));
}

const JOBS: usize = 64;

/// D. Chase, Y. Lev: "Dynamic Circular Work-Stealing Deque", SPAA 2005, in the form of N. M. Lê, A. Pop, A. Cohen, F. Zappa Nardelli: "Correct and Efficient Work-Stealing for
/// Weak Memory Models", PPoPP 2013, with room for all jobs.
struct Deque {
    top: AtomicIsize,
    bottom: AtomicIsize,
    jobs: [AtomicPtr<usize>; JOBS],
}

impl Deque {
    fn new() -> Deque {
        Deque {
            top: AtomicIsize::new(0),
            bottom: AtomicIsize::new(0),
            jobs: [const { AtomicPtr::new(ptr::null_mut()) }; JOBS],
        }
    }

    fn push(&self, value: usize, with_fence: bool) {
        let job = Box::into_raw(Box::new(0));
        unsafe { *job = value }; // race: prim_18_deque_no_fence
        let bottom = self.bottom.load(Relaxed);
        self.jobs[bottom as usize].store(job, Relaxed);
        if with_fence {
            fence(Release);
        }
        self.bottom.store(bottom + 1, Relaxed);
    }

    fn take(&self) -> Option<usize> {
        let bottom = self.bottom.load(Relaxed) - 1;
        self.bottom.store(bottom, Relaxed);
        fence(SeqCst);
        let top = self.top.load(Relaxed);
        if top > bottom {
            self.bottom.store(bottom + 1, Relaxed);
            return None;
        }
        let job = self.jobs[bottom as usize].load(Relaxed);
        if top == bottom {
            let won = self
                .top
                .compare_exchange(top, top + 1, SeqCst, Relaxed)
                .is_ok();
            self.bottom.store(bottom + 1, Relaxed);
            if !won {
                return None;
            }
        }
        // SAFETY: this thread has got it.
        Some(unsafe { *job })
    }

    fn steal(&self) -> Option<usize> {
        let top = self.top.load(Acquire);
        fence(SeqCst);
        let bottom = self.bottom.load(Acquire);
        if top >= bottom {
            return None;
        }
        let job = self.jobs[top as usize].load(Relaxed);
        self.top
            .compare_exchange(top, top + 1, SeqCst, Relaxed)
            .ok()?;
        let value = unsafe { *job }; // race: prim_18_deque_no_fence
        Some(value)
    }
}

fn prim_18_deque(threads: usize) {
    let (deque, sum) = (Deque::new(), AtomicUsize::new(0));
    thread::scope(|s| {
        for _ in 1..threads {
            s.spawn(|| {
                while sum.load(Relaxed) < JOBS {
                    if let Some(value) = deque.steal() {
                        sum.fetch_add(value, Relaxed);
                    }
                    thread::yield_now();
                }
            });
        }
        for job in 0..JOBS {
            deque.push(1, true);
            if job % 3 == 0 {
                sum.fetch_add(deque.take().unwrap_or(0), Relaxed);
            }
        }
        while sum.load(Relaxed) < JOBS {
            sum.fetch_add(deque.take().unwrap_or(0), Relaxed);
            thread::yield_now();
        }
    });
}

fn prim_18_deque_no_fence(_: usize) {
    let deque = Deque::new();
    hand_over(|| deque.push(7, false), || deque.steal());
}
