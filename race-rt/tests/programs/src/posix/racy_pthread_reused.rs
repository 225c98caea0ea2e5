//! A mutex that is made anew where one was destroyed has nothing to do with it.

use std::cell::UnsafeCell;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use super::threads;
use crate::c::{
    pthread_mutex_destroy, pthread_mutex_init, pthread_mutex_lock, pthread_mutex_unlock,
};

#[repr(align(16))]
struct Mutex(UnsafeCell<[u64; 8]>);

unsafe impl Sync for Mutex {}

static MUTEX: Mutex = Mutex(UnsafeCell::new([0; 8]));
static STEP: AtomicUsize = AtomicUsize::new(0);
static mut VALUE: u64 = 0;

fn lock() {
    unsafe { pthread_mutex_lock(MUTEX.0.get().cast()) };
    unsafe { pthread_mutex_unlock(MUTEX.0.get().cast()) };
}

fn read() {
    while STEP.load(Relaxed) < 1 {
        thread::yield_now();
    }
    lock();
    let value = unsafe { (&raw const VALUE).read() }; // race: racy_pthread_reused
    std::hint::black_box(value);
}

pub(crate) fn run() {
    let readers: Vec<_> = (1..threads()).map(|_| thread::spawn(read)).collect();
    unsafe { VALUE = 7 }; // race: racy_pthread_reused
    lock();
    unsafe { pthread_mutex_destroy(MUTEX.0.get().cast()) };
    unsafe { pthread_mutex_init(MUTEX.0.get().cast(), std::ptr::null()) };
    STEP.store(1, Relaxed);
    for reader in readers {
        reader.join().unwrap();
    }
}
