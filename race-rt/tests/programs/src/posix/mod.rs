//! C's primitives one by one, each in a program of its own as C's would be: with a race, or without.

mod free_c11_created;
mod free_c11_threads;
mod free_cxa_guard;
mod free_pthread_barrier;
mod free_pthread_cond;
mod free_pthread_mutex;
mod free_pthread_once;
mod free_pthread_robust;
mod free_pthread_rwlock;
mod free_pthread_spin;
mod free_semaphore;
mod racy_c11_created;
mod racy_pthread_barrier;
mod racy_pthread_cond;
mod racy_pthread_created;
mod racy_pthread_mutex;
mod racy_pthread_once;
mod racy_pthread_reused;
mod racy_pthread_rwlock;
mod racy_pthread_spin;
mod racy_semaphore;

crate::programs! {
    race: racy_c11_created, racy_pthread_barrier, racy_pthread_cond, racy_pthread_created, racy_pthread_mutex, racy_pthread_once, racy_pthread_reused, racy_pthread_rwlock, racy_pthread_spin, racy_semaphore;
    none: free_c11_created, free_c11_threads, free_cxa_guard, free_pthread_barrier, free_pthread_cond, free_pthread_mutex, free_pthread_once, free_pthread_robust, free_pthread_rwlock, free_pthread_spin, free_semaphore;
}

/// The number that the program was given.
fn threads() -> usize {
    std::env::args().nth(2).map_or(2, |n| n.parse().unwrap())
}

/// Each asks for the number of threads by itself.
macro_rules! each {
    ($($name:ident),+) => {$(
        fn $name(_: usize) {
            $name::run();
        }
    )+};
}

each!(
    free_c11_created,
    free_c11_threads,
    free_cxa_guard,
    free_pthread_barrier,
    free_pthread_cond,
    free_pthread_mutex,
    free_pthread_once,
    free_pthread_robust,
    free_pthread_rwlock,
    free_pthread_spin,
    free_semaphore,
    racy_c11_created,
    racy_pthread_barrier,
    racy_pthread_cond,
    racy_pthread_created,
    racy_pthread_mutex,
    racy_pthread_once,
    racy_pthread_reused,
    racy_pthread_rwlock,
    racy_pthread_spin,
    racy_semaphore
);
