//! A bounded queue of one producer and one consumer, over raw memory.

#[racecheck::instrument]
pub(crate) mod instrumented {
    use std::alloc::{Layout, alloc, dealloc};
    use std::sync::atomic::{AtomicUsize, Ordering};

    pub(crate) const FILE: &str = file!();

    pub(crate) struct Ring {
        slots: *mut u64,
        capacity: usize,
        head: AtomicUsize,
        tail: AtomicUsize,
        publish: Ordering,
    }

    // SAFETY: one thread pushes and one pops, and each slot is the producer's or the consumer's, by the indices.
    unsafe impl Sync for Ring {}

    impl Ring {
        /// `publish` is how the producer stores its index: anything weaker than `Release` is a race.
        pub(crate) fn new(capacity: usize, publish: Ordering) -> Ring {
            // SAFETY: the layout is not empty.
            let slots = unsafe { alloc(layout(capacity)) }.cast();
            Ring {
                slots,
                capacity,
                head: AtomicUsize::new(0),
                tail: AtomicUsize::new(0),
                publish,
            }
        }

        pub(crate) fn push(&self, value: u64) -> bool {
            let tail = self.tail.load(Ordering::Relaxed);
            if tail - self.head.load(Ordering::Acquire) == self.capacity {
                return false;
            }
            // SAFETY: the consumer is done with the slot.
            unsafe {
                self.slots.add(tail % self.capacity).write(value); // first
            }
            self.tail.store(tail + 1, self.publish);
            true
        }

        pub(crate) fn pop(&self) -> Option<u64> {
            let head = self.head.load(Ordering::Relaxed);
            if self.tail.load(Ordering::Acquire) == head {
                return None;
            }
            let slot = self.slots.wrapping_add(head % self.capacity);
            // SAFETY: the producer has written the slot.
            let value = unsafe {
                *slot // second
            };
            self.head.store(head + 1, Ordering::Release);
            Some(value)
        }
    }

    impl Drop for Ring {
        fn drop(&mut self) {
            // SAFETY: allocated by `new`.
            unsafe { dealloc(self.slots.cast(), layout(self.capacity)) }
        }
    }

    fn layout(capacity: usize) -> Layout {
        Layout::array::<u64>(capacity).unwrap()
    }
}
