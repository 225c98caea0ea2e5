//! A list whose nodes hold their own links, under a lock.

#[racecheck::instrument]
pub(crate) mod instrumented {
    use std::cell::UnsafeCell;
    use std::ptr;
    use std::sync::Mutex;

    pub(crate) const FILE: &str = file!();

    struct Node {
        next: *mut Node,
        value: u64,
    }

    pub(crate) struct List {
        lock: Mutex<()>,
        head: UnsafeCell<*mut Node>,
        early: bool,
    }

    // SAFETY: the nodes are reached under the lock only.
    unsafe impl Sync for List {}
    // SAFETY: as above.
    unsafe impl Send for List {}

    impl List {
        /// `early` is the flaw: a node is linked in when the lock has been given back.
        pub(crate) fn new(early: bool) -> List {
            List {
                lock: Mutex::new(()),
                head: UnsafeCell::new(ptr::null_mut()),
                early,
            }
        }

        pub(crate) fn push(&self, value: u64) {
            let node = Box::into_raw(Box::new(Node {
                next: ptr::null_mut(),
                value,
            }));
            let mut guard = Some(self.lock.lock().unwrap());
            // SAFETY: the lock is held, and nobody else has the node.
            unsafe { (*node).next = *self.head.get() };
            if self.early {
                guard.take();
            }
            // SAFETY: the lock is held.
            unsafe {
                *self.head.get() = node; // first
            }
        }

        pub(crate) fn first(&self) -> Option<u64> {
            let _guard = self.lock.lock().unwrap();
            // SAFETY: the lock is held.
            let head = unsafe {
                *self.head.get() // second
            };
            // SAFETY: as above; nodes are freed only when they are out of the list.
            (!head.is_null()).then(|| unsafe { (*head).value })
        }

        pub(crate) fn pop(&self) -> Option<u64> {
            let _guard = self.lock.lock().unwrap();
            // SAFETY: the lock is held, and the node is nobody else's once it is out.
            unsafe {
                let head = self.head.get();
                if (*head).is_null() {
                    return None;
                }
                let node = *Box::from_raw(*head);
                *head = node.next;
                Some(node.value)
            }
        }
    }

    impl Drop for List {
        fn drop(&mut self) {
            while self.pop().is_some() {}
        }
    }
}
