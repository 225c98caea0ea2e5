//! Readers keep no readers out: they write what they count.

use std::cell::UnsafeCell;
use std::ffi::{c_int, c_void};
use std::hint::black_box;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use super::threads;

unsafe extern "C" {
    fn pthread_rwlock_rdlock(lock: *mut c_void) -> c_int;
    fn pthread_rwlock_unlock(lock: *mut c_void) -> c_int;
}

#[repr(align(16))]
struct Lock(UnsafeCell<[u64; 8]>);

unsafe impl Sync for Lock {}

static LOCK: Lock = Lock(UnsafeCell::new([0; 8]));
static mut READERS: u64 = 0;

/// Threads that have begun: `std` orders the end of one before the start of the next.
static BEGUN: AtomicUsize = AtomicUsize::new(0);

fn read() {
    BEGUN.fetch_add(1, Relaxed);
    while BEGUN.load(Relaxed) < threads() {
        thread::yield_now();
    }
    unsafe { pthread_rwlock_rdlock(LOCK.0.get().cast()) };
    unsafe { black_box(&raw mut READERS).write(1) }; // race: racy_pthread_rwlock
    unsafe { pthread_rwlock_unlock(LOCK.0.get().cast()) };
}

pub(crate) fn run() {
    let readers: Vec<_> = (0..threads()).map(|_| thread::spawn(read)).collect();
    for reader in readers {
        reader.join().unwrap();
    }
}
