//! A work-stealing deque: one thread pushes and takes at the bottom, any others steal at the top.
//!
//! D. Chase, Y. Lev: "Dynamic Circular Work-Stealing Deque", SPAA 2005, in the C11 form of N. M. Lê, A. Pop, A. Cohen, F. Zappa Nardelli:
//! "Correct and Efficient Work-Stealing for Weak Memory Models", PPoPP 2013, figure 1. Where that reads the array with `consume`, this has `Acquire`.
//!
//! The elements are atomic pointers, as in the paper: a thief may read one that is overwritten, and then loses the exchange on `top`. Jobs and
//! arrays are plain memory. Arrays that were outgrown stay until the deque is dropped, for thieves that still read them.

use super::fence::fence;
use super::lib::cell::UnsafeCell;
use super::lib::sync::atomic::Ordering::{self, Relaxed};
use super::lib::sync::atomic::{AtomicIsize, AtomicPtr};
use super::schedule::at;

use crate::orderings::Table;

orderings! {
    /// The owner looks how much was stolen, before it uses a place again: the thieves have read what was there.
    push_top: Acquire,
    /// A fence: the job comes before the store of `bottom`, which shows it.
    push_fence: Release,
    /// A bigger array, with its elements, comes before who finds it.
    publish_array: Release,
    /// A fence: the owner claims the last job before it looks at `top`; a thief looks at `top` before `bottom`. One sees the other.
    take_fence: SeqCst,
    /// The owner and thieves compete for the last job.
    take_exchange: SeqCst,
    /// A thief looks at `top`, and comes after who moved it there. `steal_fence` sees to that, too.
    steal_top: Acquire,
    /// A fence: see `take_fence`.
    steal_fence: SeqCst,
    /// A thief sees that there is a job: the other side of `push_fence`.
    steal_bottom: Acquire,
    /// A thief finds the array: the other side of `publish_array`, for an array younger than the `bottom` that it saw.
    steal_array: Acquire,
    /// Thieves compete for a job. Its release side is what `push_top` acquires.
    steal_exchange: SeqCst,
}

struct Job<T>(UnsafeCell<Option<T>>);

struct Array<T> {
    /// Plain memory of the array, read by whoever reaches it: one less than its length, a power of two.
    mask: UnsafeCell<isize>,
    elements: Box<[AtomicPtr<Job<T>>]>,
}

pub(crate) struct Deque<T> {
    top: AtomicIsize,
    bottom: AtomicIsize,
    array: AtomicPtr<Array<T>>,
    /// The owner's own.
    outgrown: UnsafeCell<Vec<*mut Array<T>>>,
    orders: Orderings,
}

// SAFETY: a job is reached by its owner until it is pushed, and by the one thread that gets it; `outgrown` by the one worker.
unsafe impl<T: Send> Sync for Deque<T> {}

pub(crate) struct Worker<'a, T>(&'a Deque<T>);

pub(crate) struct Thief<'a, T>(&'a Deque<T>);

#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Steal<T> {
    Stolen(T),
    Empty,
    /// Somebody else got it.
    Lost,
}

impl<T> Deque<T> {
    /// # Panics
    ///
    /// If the capacity isn't a power of two.
    pub(crate) fn new(capacity: usize, orders: Orderings) -> Deque<T> {
        Deque {
            top: AtomicIsize::new(0),
            bottom: AtomicIsize::new(0),
            array: AtomicPtr::new(Array::make(capacity)),
            outgrown: UnsafeCell::new(Vec::new()),
            orders,
        }
    }

    /// The two ends. `&mut self`: there is one worker.
    pub(crate) fn split(&mut self) -> (Worker<'_, T>, Thief<'_, T>) {
        (Worker(self), Thief(self))
    }
}

impl<T> Worker<'_, T> {
    pub(crate) fn push(&mut self, value: T) {
        let (deque, orders) = (self.0, self.0.orders);
        let job = Box::into_raw(Box::new(Job(UnsafeCell::new(None))));
        // Written through the cell: racecheck takes making a value for no access.
        // SAFETY: nobody else knows the job yet.
        unsafe { (*job).0.with_mut(|p| *p = Some(value)) }; // a job is made
        // Relaxed: only this thread stores it.
        let bottom = deque.bottom.load(Relaxed);
        let top = deque.top.load(orders.push_top);
        // SAFETY: arrays live as long as the deque, and only this thread stores them.
        let mut array = unsafe { &*deque.array.load(Relaxed) };
        if bottom - top > array.mask() {
            array = self.grow(array, top, bottom);
        }
        // Relaxed: the fence and the store of `bottom` publish it.
        array.at(bottom).store(job, Relaxed);
        fence(orders.push_fence);
        deque.bottom.store(bottom + 1, Relaxed);
    }

    fn grow(&mut self, small: &Array<T>, top: isize, bottom: isize) -> &Array<T> {
        let deque = self.0;
        let big = Array::make(2 * small.elements.len());
        // SAFETY: it has just been made, and lives as long as the deque.
        let array = unsafe { &*big };
        for index in top..bottom {
            // Relaxed: this thread stored them; the store of the array publishes the copies.
            array
                .at(index)
                .store(small.at(index).load(Relaxed), Relaxed);
        }
        let small = deque.array.load(Relaxed);
        deque.array.store(big, deque.orders.publish_array);
        // SAFETY: only the worker reaches it.
        deque.outgrown.with_mut(|p| unsafe { (*p).push(small) });
        array
    }

    pub(crate) fn take(&mut self) -> Option<T> {
        let (deque, orders) = (self.0, self.0.orders);
        // Relaxed, as in `push`.
        let bottom = deque.bottom.load(Relaxed) - 1;
        // SAFETY: as in `push`.
        let array = unsafe { &*deque.array.load(Relaxed) };
        // Relaxed: the fence puts it before the load of `top`.
        deque.bottom.store(bottom, Relaxed);
        fence(orders.take_fence);
        let top = deque.top.load(Relaxed);
        if top > bottom {
            // Relaxed: it shows no new job.
            deque.bottom.store(bottom + 1, Relaxed);
            return None;
        }
        // Relaxed: this thread stored it.
        let job = array.at(bottom).load(Relaxed);
        if top == bottom {
            at("the last job is left");
            // Relaxed on failure: it means that there is nothing.
            let won = deque
                .top
                .compare_exchange(top, top + 1, orders.take_exchange, Relaxed)
                .is_ok();
            // Relaxed, as above.
            deque.bottom.store(bottom + 1, Relaxed);
            if !won {
                return None;
            }
        }
        // SAFETY: this thread has got it: no thief gets beyond `bottom`, nor the last one after the exchange.
        unsafe { finish(job) }
    }
}

impl<T> Thief<'_, T> {
    pub(crate) fn steal(&self) -> Steal<T> {
        let (deque, orders) = (self.0, self.0.orders);
        let top = deque.top.load(orders.steal_top);
        fence(orders.steal_fence);
        let bottom = deque.bottom.load(orders.steal_bottom);
        if top >= bottom {
            return Steal::Empty;
        }
        at("there is a job");
        // SAFETY: arrays live as long as the deque; `steal_array` comes after it was made.
        let array = unsafe { &*deque.array.load(orders.steal_array) };
        // Relaxed: `steal_bottom` comes after the job was pushed, and the exchange confirms that it is this one.
        let job = array.at(top).load(Relaxed);
        at("a job is found");
        // Relaxed on failure: somebody else has got it.
        let exchanged = deque
            .top
            .compare_exchange(top, top + 1, orders.steal_exchange, Relaxed);
        match exchanged {
            // SAFETY: this thread has got it, by the exchange.
            Ok(_) => unsafe { finish(job) }.map_or(Steal::Lost, Steal::Stolen),
            Err(_) => Steal::Lost,
        }
    }
}

impl<T> Clone for Thief<'_, T> {
    fn clone(&self) -> Self {
        Thief(self.0)
    }
}

/// Takes the value out of a job and frees it.
///
/// # Safety
///
/// The job was pushed, and nobody else has got it.
unsafe fn finish<T>(job: *mut Job<T>) -> Option<T> {
    // SAFETY: the caller's promise. What frees the job comes right after it, in the same thread.
    let value = unsafe { (*job).0.with_mut(|p| (*p).take()) }; // a job is taken
    // SAFETY: as above; it came from a box.
    drop(unsafe { Box::from_raw(job) });
    value
}

impl<T> Array<T> {
    fn make(length: usize) -> *mut Array<T> {
        assert!(length.is_power_of_two());
        let array = Array {
            mask: UnsafeCell::new(0),
            elements: (0..length).map(|_| AtomicPtr::default()).collect(),
        };
        // SAFETY: nobody else knows the array yet.
        array.mask.with_mut(|p| unsafe { *p = length as isize - 1 }); // an array is made
        Box::into_raw(Box::new(array))
    }

    fn mask(&self) -> isize {
        // SAFETY: it is written before anybody else knows the array.
        self.mask.with(|p| unsafe { *p }) // an array is reached
    }

    fn at(&self, index: isize) -> &AtomicPtr<Job<T>> {
        &self.elements[(index & self.mask()) as usize]
    }
}

impl<T> Drop for Deque<T> {
    fn drop(&mut self) {
        let current = *self.array.get_mut();
        // SAFETY: nobody else has the deque any more.
        let array = unsafe { &*current };
        for index in *self.top.get_mut()..*self.bottom.get_mut() {
            // SAFETY: as above; nobody has got the job.
            drop(unsafe { finish(array.at(index).load(Relaxed)) });
        }
        for array in self.outgrown.get_mut().drain(..).chain([current]) {
            // SAFETY: as above; it came from a box.
            drop(unsafe { Box::from_raw(array) });
        }
    }
}
