//! A table in a `static mut`, behind a flag that is waited for.

#[racecheck::instrument]
pub(crate) mod instrumented {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    pub(crate) const FILE: &str = file!();

    #[derive(Clone, Copy)]
    struct Entry {
        key: u64,
        value: u64,
    }

    const SIZE: usize = 8;

    static BUSY: AtomicBool = AtomicBool::new(false);
    static mut CACHE: [Option<Entry>; SIZE] = [None; SIZE];

    fn enter() {
        while BUSY.swap(true, Ordering::Acquire) {
            thread::yield_now();
        }
    }

    fn leave() {
        BUSY.store(false, Ordering::Release);
    }

    pub(crate) fn clear() {
        enter();
        // SAFETY: nobody else is inside.
        unsafe { CACHE = [None; SIZE] };
        leave();
    }

    pub(crate) fn store(key: u64, value: u64) {
        enter();
        // SAFETY: nobody else is inside.
        unsafe {
            CACHE[key as usize % SIZE] = Some(Entry { key, value }); // first
        }
        leave();
    }

    /// The flaw is not to be `guarded`.
    pub(crate) fn look_up(key: u64, guarded: bool) -> Option<u64> {
        if guarded {
            enter();
        }
        // SAFETY: nobody else is inside, if it is guarded.
        let entry = unsafe {
            CACHE[key as usize % SIZE] // second
        };
        if guarded {
            leave();
        }
        entry
            .filter(|entry| entry.key == key)
            .map(|entry| entry.value)
    }
}
