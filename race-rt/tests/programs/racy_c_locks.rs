//! Readers of C's read-write lock write.

use std::cell::UnsafeCell;
use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

/// All zeros is an initialised read-write lock.
#[repr(C, align(16))]
struct Lock(UnsafeCell<[u8; 128]>);

unsafe impl Sync for Lock {}

unsafe extern "C" {
    fn pthread_rwlock_rdlock(lock: *mut c_void) -> c_int;
    fn pthread_rwlock_unlock(lock: *mut c_void) -> c_int;
}

static LOCK: Lock = Lock(UnsafeCell::new([0; 128]));
static MET: AtomicUsize = AtomicUsize::new(0);
static mut VALUE: u64 = 0;

fn threads() -> usize {
    std::env::args().nth(1).map_or(2, |n| n.parse().unwrap())
}

/// All threads are there at once, which orders nothing: none ends before another begins.
fn meet() {
    MET.fetch_add(1, Relaxed);
    while MET.load(Relaxed) < threads() {
        thread::yield_now();
    }
}

fn write() {
    meet();
    unsafe {
        pthread_rwlock_rdlock(LOCK.0.get().cast());
        VALUE += 1; // race
        pthread_rwlock_unlock(LOCK.0.get().cast());
    }
}

fn main() {
    let all: Vec<_> = (0..threads()).map(|_| thread::spawn(write)).collect();
    for thread in all {
        thread.join().unwrap();
    }
}
