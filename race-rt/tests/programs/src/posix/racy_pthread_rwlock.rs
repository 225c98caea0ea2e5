//! Readers keep no readers out: they write what they count.

use std::cell::UnsafeCell;
use std::hint::black_box;
use std::thread;

use super::threads;
use crate::c::{pthread_rwlock_rdlock, pthread_rwlock_unlock};
use crate::support::Meeting;

#[repr(align(16))]
struct Lock(UnsafeCell<[u64; 8]>);

unsafe impl Sync for Lock {}

static LOCK: Lock = Lock(UnsafeCell::new([0; 8]));
static mut READERS: u64 = 0;

fn read(begun: &Meeting) {
    begun.meet();
    unsafe { pthread_rwlock_rdlock(LOCK.0.get().cast()) };
    unsafe { black_box(&raw mut READERS).write(1) }; // race: racy_pthread_rwlock
    unsafe { pthread_rwlock_unlock(LOCK.0.get().cast()) };
}

pub(crate) fn run() {
    let begun = &Meeting::of(threads());
    thread::scope(|scope| {
        for _ in 0..threads() {
            scope.spawn(|| read(begun));
        }
    });
}
