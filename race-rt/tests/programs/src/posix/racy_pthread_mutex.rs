//! One side has the mutex, the other only tries to get it, and goes on when it can't.

use std::cell::UnsafeCell;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use super::threads;
use crate::c::{pthread_mutex_lock, pthread_mutex_trylock, pthread_mutex_unlock};

#[repr(align(16))]
struct Mutex(UnsafeCell<[u64; 8]>);

unsafe impl Sync for Mutex {}

static MUTEX: Mutex = Mutex(UnsafeCell::new([0; 8]));
static mut VALUE: u64 = 0;
static LOCKED: AtomicUsize = AtomicUsize::new(0);
static DONE: AtomicUsize = AtomicUsize::new(0);

fn read() {
    while LOCKED.load(Relaxed) == 0 {
        thread::yield_now();
    }
    assert_ne!(unsafe { pthread_mutex_trylock(MUTEX.0.get().cast()) }, 0);
    let value = unsafe { (&raw const VALUE).read() }; // race: racy_pthread_mutex
    std::hint::black_box(value);
    DONE.fetch_add(1, Relaxed);
}

pub(crate) fn run() {
    let readers: Vec<_> = (1..threads()).map(|_| thread::spawn(read)).collect();
    unsafe { pthread_mutex_lock(MUTEX.0.get().cast()) };
    unsafe { VALUE = 7 }; // race: racy_pthread_mutex
    LOCKED.store(1, Relaxed);
    while DONE.load(Relaxed) < readers.len() {
        thread::yield_now();
    }
    unsafe { pthread_mutex_unlock(MUTEX.0.get().cast()) };
    for reader in readers {
        reader.join().unwrap();
    }
}
