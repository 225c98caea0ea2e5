//! `fork`: the child has a copy of the engine's memory, and one thread.
//!
//! Locks that other threads of the parent held will never be unlocked there. Three remedies, each where it is enough:
//!
//! - [`Lock`], and the locks in the shadow's words and in the atomics' clocks, hold the [`generation`] of the process that locked them. Whoever finds
//!   one from before the fork takes it over, and what it guards is empty again.
//! - [`PerProcess`] is made anew in the child; what the parent's other threads may have left half changed is never looked at again.
//! - What the child needs from before ([`Still`]) is locked by the forking thread across the fork.
//!
//! All that was done before the fork happens before all that the child does, so nothing is lost with what is dropped: no race of the child's has
//! its earlier access there. Races of the parent are the parent's to report.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use std::sync::atomic::{AtomicPtr, AtomicU32};

/// Forks between the first process and this one, from 1.
static GENERATION: AtomicU32 = AtomicU32::new(1);

/// What this process's locks are marked with. Never 0.
#[inline(always)]
pub(crate) fn generation() -> u32 {
    GENERATION.load(Relaxed)
}

#[cfg(not(all(test, loom)))]
pub(crate) use lock::{Lock, Locked};
#[cfg(all(test, loom))]
pub(crate) use modelled::{Lock, Locked};

#[cfg(not(all(test, loom)))]
mod lock {
    use std::cell::UnsafeCell;
    use std::hint;
    use std::ops::{Deref, DerefMut};
    use std::sync::atomic::AtomicU32;
    use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
    use std::thread::{sleep, yield_now};
    use std::time::Duration;

    use super::generation;
    use crate::errno;

    /// A lock that the child of a `fork` can take over from a thread that it doesn't have. What it guards is then as at first.
    ///
    /// It neither poisons nor is it fair. Whoever waits spins and yields, so hold it for long only where waiting is rare.
    #[derive(Default)]
    pub(crate) struct Lock<T> {
        /// The generation of the process whose thread holds it; 0 if nobody does.
        holder: AtomicU32,
        value: UnsafeCell<T>,
    }

    // SAFETY: the value is reached through a guard only, and there is one guard at a time in a process: like a mutex, that needs `T: Send`.
    unsafe impl<T: Send> Sync for Lock<T> {}

    // The engine doesn't panic while it holds one, and what holds one must be as unwind-safe as `std`'s type that it stands for.
    impl<T> std::panic::UnwindSafe for Lock<T> {}
    impl<T> std::panic::RefUnwindSafe for Lock<T> {}

    impl<T> std::fmt::Debug for Lock<T> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.debug_struct("Lock").finish_non_exhaustive()
        }
    }

    impl<T> Lock<T> {
        pub(crate) const fn new(value: T) -> Lock<T> {
            Lock {
                holder: AtomicU32::new(0),
                value: UnsafeCell::new(value),
            }
        }
    }

    impl<T: Default> Lock<T> {
        #[inline]
        pub(crate) fn lock(&self) -> Locked<'_, T> {
            let free = self
                .holder
                .compare_exchange(0, generation(), Acquire, Relaxed);
            if free.is_err() {
                self.lock_slow();
            }
            Locked(self)
        }

        #[cold]
        fn lock_slow(&self) {
            for attempt in 0u32.. {
                let holder = self.holder.load(Relaxed);
                if (holder == 0 || holder != generation())
                    && self
                        .holder
                        .compare_exchange(holder, generation(), Acquire, Relaxed)
                        .is_ok()
                {
                    if holder != 0 {
                        // SAFETY: locked by this thread, as of now, and nobody else ever unlocks it. The old value may be half
                        // changed: it is overwritten, not dropped.
                        unsafe { self.value.get().write(T::default()) };
                    }
                    return;
                }
                match attempt {
                    0..64 => hint::spin_loop(),
                    64..4096 => yield_now(),
                    // Somebody waits for a slow log.
                    _ => errno::keep(|| sleep(Duration::from_millis(1))),
                }
            }
        }
    }

    /// A [`Lock`], locked.
    pub(crate) struct Locked<'a, T>(&'a Lock<T>);

    impl<T> Deref for Locked<'_, T> {
        type Target = T;

        #[inline]
        fn deref(&self) -> &T {
            // SAFETY: the lock is held, and this guard is the only one.
            unsafe { &*self.0.value.get() }
        }
    }

    impl<T> DerefMut for Locked<'_, T> {
        #[inline]
        fn deref_mut(&mut self) -> &mut T {
            // SAFETY: the lock is held, and this guard, borrowed mutably, is the only one.
            unsafe { &mut *self.0.value.get() }
        }
    }

    impl<T> Drop for Locked<'_, T> {
        #[inline]
        fn drop(&mut self) {
            self.0.holder.store(0, Release);
        }
    }
}

/// In the models nobody forks: any lock will do.
#[cfg(all(test, loom))]
mod modelled {
    use crate::primitive::sync::{Mutex, MutexGuard};

    pub(crate) type Locked<'a, T> = MutexGuard<'a, T>;

    #[derive(Debug)]
    pub(crate) struct Lock<T>(Mutex<T>);

    impl<T: Default> Default for Lock<T> {
        fn default() -> Lock<T> {
            Lock::new(T::default())
        }
    }

    impl<T> Lock<T> {
        pub(crate) fn new(value: T) -> Lock<T> {
            Lock(Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().expect("nobody panics in a model and goes on")
        }
    }
}

/// A global that is made at its first use in each process.
pub(crate) struct PerProcess<T: 'static> {
    current: AtomicPtr<Made<T>>,
}

struct Made<T> {
    generation: u32,
    value: T,
}

impl<T: Default + Send + Sync> PerProcess<T> {
    pub(crate) const fn new() -> PerProcess<T> {
        PerProcess {
            current: AtomicPtr::new(std::ptr::null_mut()),
        }
    }

    #[inline]
    pub(crate) fn get(&self) -> &'static T {
        // SAFETY: null, or stored by `make`, which leaked it.
        match unsafe { self.current.load(Acquire).as_ref() } {
            Some(made) if made.generation == generation() => &made.value,
            _ => self.make(),
        }
    }

    #[cold]
    fn make(&self) -> &'static T {
        let mut before = self.current.load(Acquire);
        let made = Box::into_raw(Box::new(Made {
            generation: generation(),
            value: T::default(),
        }));
        loop {
            // SAFETY: as in `get`.
            if let Some(others) = unsafe { before.as_ref() }
                && others.generation == generation()
            {
                // SAFETY: made above, and nobody else has seen it.
                drop(unsafe { Box::from_raw(made) });
                return &others.value;
            }
            match self.current.compare_exchange(before, made, AcqRel, Acquire) {
                // SAFETY: made above, and from now on never freed.
                Ok(_) => return unsafe { &(*made).value },
                Err(now) => before = now,
            }
        }
    }
}

#[cfg(all(unix, not(all(test, loom))))]
pub(crate) use unix::prepare;

#[cfg(all(unix, not(all(test, loom))))]
mod unix {
    use std::cell::Cell;
    use std::mem::ManuallyDrop;
    use std::sync::MutexGuard;
    use std::sync::atomic::Ordering::Relaxed;

    use crate::report::sink;
    use crate::stack::{depot, path, symbols};
    use crate::sync::edge;
    use crate::thread::{local, registry};

    /// What must not be half changed in the child, locked: the names that words in memory go by, and the debug information.
    struct Still {
        _symbols: MutexGuard<'static, ()>,
        _contexts: depot::Still,
        _paths: path::Still,
        _edges: edge::Still,
        _slots: registry::Still,
    }

    thread_local! {
        /// The guards of a fork that is under way. Without a destructor: `fork` may be called while thread-locals are destroyed.
        static STILL: Cell<Option<ManuallyDrop<Still>>> = const { Cell::new(None) };
    }

    /// Asks to be called at each `fork`. `vfork`, `posix_spawn` and a bare system call don't; there the child must not use the engine.
    pub(crate) fn prepare() {
        // SAFETY: three handlers as POSIX wants them, that live as long as the process. Out of memory, forks stay as they were.
        unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
    }

    extern "C" fn before() {
        // Inside the engine, by way of an allocator that forks, the thread may hold some of these itself; the child is on its own then.
        if local::is_at_work() {
            return;
        }
        STILL.set(Some(ManuallyDrop::new(Still {
            // First, because it may take long: nobody holds one of the others while he waits for it.
            _symbols: symbols::hold_still(),
            // Whoever frees a slot interns an edge under this one.
            _slots: registry::hold_still(),
            _contexts: depot::hold_still(),
            _paths: path::hold_still(),
            _edges: edge::hold_still(),
        })));
    }

    extern "C" fn in_parent() {
        drop(STILL.take().map(ManuallyDrop::into_inner));
    }

    /// Neither waits nor allocates: nobody knows what state the allocator is in.
    extern "C" fn in_child() {
        super::GENERATION.fetch_add(1, Relaxed);
        sink::forget_count();
        local::forget_before_fork();
        drop(STILL.take().map(ManuallyDrop::into_inner));
    }
}
