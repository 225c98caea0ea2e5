//! The flag is under the mutex, and the value that it announces is written after it.

use std::cell::UnsafeCell;
use std::thread;

use super::threads;
use crate::c::{
    pthread_cond_broadcast, pthread_cond_wait, pthread_mutex_lock, pthread_mutex_unlock,
};

#[repr(align(16))]
struct Zeros(UnsafeCell<[u64; 8]>);

unsafe impl Sync for Zeros {}

static MUTEX: Zeros = Zeros(UnsafeCell::new([0; 8]));
static CHANGED: Zeros = Zeros(UnsafeCell::new([0; 8]));
static mut READY: bool = false;
static mut VALUE: u64 = 0;

fn wait() {
    let (mutex, changed) = (MUTEX.0.get().cast(), CHANGED.0.get().cast());
    unsafe {
        pthread_mutex_lock(mutex);
        while !READY {
            pthread_cond_wait(changed, mutex);
        }
        pthread_mutex_unlock(mutex);
    }
    let value = unsafe { (&raw const VALUE).read() }; // race: racy_pthread_cond
    std::hint::black_box(value);
}

pub(crate) fn run() {
    let waiting: Vec<_> = (1..threads()).map(|_| thread::spawn(wait)).collect();
    unsafe {
        pthread_mutex_lock(MUTEX.0.get().cast());
        READY = true;
        pthread_mutex_unlock(MUTEX.0.get().cast());
        pthread_cond_broadcast(CHANGED.0.get().cast());
    }
    unsafe { VALUE = 7 }; // race: racy_pthread_cond
    for thread in waiting {
        thread.join().unwrap();
    }
}
