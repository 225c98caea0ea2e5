//! What the engine's locks and lock-free parts are made of: `std`, or, in the models, `loom`, which tries every interleaving.
//!
//! Decided here and nowhere else; a modelled file says `use crate::primitive::…`. The choice is `loom` only in this crate's own unit tests,
//! so whoever builds a program of theirs with `--cfg loom` gets the ordinary engine. Nothing here may cost the ordinary build anything.

#[cfg(not(all(test, loom)))]
pub(crate) use ordinary::*;

#[cfg(all(test, loom))]
pub(crate) use modelled::*;

/// Reads an atomic that nobody else can reach, without an atomic load: `get_mut`, which `loom`'s atomics don't have.
pub(crate) trait Exclusive {
    type Value;
    fn exclusive(&mut self) -> Self::Value;
}

#[cfg(not(all(test, loom)))]
mod ordinary {
    use super::Exclusive;

    pub(crate) use dashmap::DashMap;
    pub(crate) use std::thread_local as per_thread;

    pub(crate) mod hint {
        pub(crate) use std::hint::spin_loop;
    }

    pub(crate) mod thread {
        pub(crate) use std::thread::yield_now;
    }

    pub(crate) mod sync {
        pub(crate) use std::sync::{Arc, Mutex, MutexGuard};

        pub(crate) mod atomic {
            pub(crate) use std::sync::atomic::{
                AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, fence,
            };
        }
    }

    impl Exclusive for sync::atomic::AtomicU64 {
        type Value = u64;

        #[inline(always)]
        fn exclusive(&mut self) -> u64 {
            *self.get_mut()
        }
    }

    impl<T> Exclusive for sync::atomic::AtomicPtr<T> {
        type Value = *mut T;

        #[inline(always)]
        fn exclusive(&mut self) -> *mut T {
            *self.get_mut()
        }
    }

    /// A function that is `const`, but for the models: `loom`'s types are made at run time.
    macro_rules! const_fn {
        ($(#[$meta:meta])* $vis:vis const fn $($rest:tt)*) => {
            $(#[$meta])* $vis const fn $($rest)*
        };
    }

    /// A `static`; in the models, one for each interleaving.
    macro_rules! global {
        ($(#[$meta:meta])* static $name:ident: $type:ty = $value:expr;) => {
            $(#[$meta])* static $name: $type = $value;
        };
    }

    pub(crate) use {const_fn, global};
}

#[cfg(all(test, loom))]
mod modelled {
    use std::collections::HashMap;
    use std::hash::Hash;
    use std::ops::Deref;

    use super::Exclusive;

    pub(crate) use loom::{hint, thread};

    pub(crate) mod sync {
        use std::ops::Deref;

        pub(crate) use loom::sync::{Mutex, MutexGuard};

        pub(crate) mod atomic {
            pub(crate) use loom::sync::atomic::{
                AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, fence,
            };
        }

        /// `loom`'s, which panics at a leak and at a use after the end, with what it lacks.
        #[derive(Debug, Default)]
        pub(crate) struct Arc<T>(loom::sync::Arc<T>);

        impl<T> Arc<T> {
            pub(crate) fn new(value: T) -> Arc<T> {
                Arc(loom::sync::Arc::new(value))
            }

            pub(crate) fn into_inner(this: Arc<T>) -> Option<T> {
                loom::sync::Arc::try_unwrap(this.0).ok()
            }

            pub(crate) fn strong_count(this: &Arc<T>) -> usize {
                loom::sync::Arc::strong_count(&this.0)
            }

            pub(crate) fn get_mut(this: &mut Arc<T>) -> Option<&mut T> {
                loom::sync::Arc::get_mut(&mut this.0)
            }

            pub(crate) fn ptr_eq(this: &Arc<T>, other: &Arc<T>) -> bool {
                loom::sync::Arc::ptr_eq(&this.0, &other.0)
            }

            pub(crate) fn as_ptr(this: &Arc<T>) -> *const T {
                loom::sync::Arc::as_ptr(&this.0)
            }

            pub(crate) fn into_raw(this: Arc<T>) -> *const T {
                loom::sync::Arc::into_raw(this.0)
            }

            /// # Safety
            ///
            /// As for `std`'s.
            pub(crate) unsafe fn from_raw(raw: *const T) -> Arc<T> {
                // SAFETY: the caller's.
                Arc(unsafe { loom::sync::Arc::from_raw(raw) })
            }

            /// # Safety
            ///
            /// As for `std`'s.
            pub(crate) unsafe fn increment_strong_count(raw: *const T) {
                // SAFETY: the caller's.
                unsafe { loom::sync::Arc::increment_strong_count(raw) }
            }
        }

        impl<T: Clone> Arc<T> {
            pub(crate) fn make_mut(this: &mut Arc<T>) -> &mut T {
                if loom::sync::Arc::get_mut(&mut this.0).is_none() {
                    *this = Arc::new(T::clone(this));
                }
                loom::sync::Arc::get_mut(&mut this.0).expect("nobody else has it")
            }

            pub(crate) fn unwrap_or_clone(this: Arc<T>) -> T {
                loom::sync::Arc::try_unwrap(this.0).unwrap_or_else(|shared| T::clone(&shared))
            }
        }

        impl<T> Clone for Arc<T> {
            fn clone(&self) -> Arc<T> {
                Arc(self.0.clone())
            }
        }

        impl<T> Deref for Arc<T> {
            type Target = T;

            fn deref(&self) -> &T {
                &self.0
            }
        }
    }

    impl Exclusive for sync::atomic::AtomicU64 {
        type Value = u64;

        fn exclusive(&mut self) -> u64 {
            self.with_mut(|value| *value)
        }
    }

    impl<T> Exclusive for sync::atomic::AtomicPtr<T> {
        type Value = *mut T;

        fn exclusive(&mut self) -> *mut T {
            self.with_mut(|value| *value)
        }
    }

    /// What the engine asks of `dashmap`: that the entry of a key is one thread's at a time. Those of two keys may be two threads'.
    pub(crate) struct DashMap<K, V>(std::sync::Mutex<HashMap<K, Entry<V>>>);

    impl<K, V> Default for DashMap<K, V> {
        fn default() -> DashMap<K, V> {
            DashMap(std::sync::Mutex::new(HashMap::new()))
        }
    }

    impl<K: Hash + Eq, V: Copy> DashMap<K, V> {
        pub(crate) fn get(&self, key: &K) -> Option<Found<V>> {
            let entry = self.0.lock().unwrap().get(key).cloned();
            let value = *entry?.0.lock().unwrap();
            value.map(Found)
        }

        pub(crate) fn entry(&self, key: K) -> Entry<V> {
            self.0.lock().unwrap().entry(key).or_default().clone()
        }
    }

    pub(crate) struct Entry<V>(std::sync::Arc<sync::Mutex<Option<V>>>);

    impl<V> Default for Entry<V> {
        fn default() -> Entry<V> {
            Entry(std::sync::Arc::new(sync::Mutex::new(None)))
        }
    }

    impl<V> Clone for Entry<V> {
        fn clone(&self) -> Entry<V> {
            Entry(self.0.clone())
        }
    }

    impl<V: Copy> Entry<V> {
        pub(crate) fn or_insert_with(self, value: impl FnOnce() -> V) -> Found<V> {
            Found(*self.0.lock().unwrap().get_or_insert_with(value))
        }
    }

    pub(crate) struct Found<V>(V);

    impl<V> Deref for Found<V> {
        type Target = V;

        fn deref(&self) -> &V {
            &self.0
        }
    }

    macro_rules! const_fn {
        ($(#[$meta:meta])* $vis:vis const fn $($rest:tt)*) => {
            $(#[$meta])* $vis fn $($rest)*
        };
    }

    macro_rules! global {
        ($(#[$meta:meta])* static $name:ident: $type:ty = $value:expr;) => {
            loom::lazy_static! { $(#[$meta])* static ref $name: $type = $value; }
        };
    }

    // `loom`'s own takes no `const` block.
    macro_rules! per_thread {
        ($(#[$meta:meta])* static $name:ident: $type:ty = $value:expr;) => {
            loom::thread_local! { $(#[$meta])* static $name: $type = $value; }
        };
    }

    pub(crate) use {const_fn, global, per_thread};
}
