//! The post comes before what it announces.

use std::cell::UnsafeCell;
use std::thread;

use super::threads;
use crate::c::{sem_post, sem_wait};

/// All zeros are a semaphore of 0.
#[repr(align(16))]
struct Semaphore(UnsafeCell<[u64; 4]>);

unsafe impl Sync for Semaphore {}

static SEMAPHORE: Semaphore = Semaphore(UnsafeCell::new([0; 4]));
static mut VALUE: u64 = 0;

fn wait() {
    unsafe { sem_wait(SEMAPHORE.0.get().cast()) };
    let value = unsafe { (&raw const VALUE).read() }; // race: racy_semaphore
    std::hint::black_box(value);
}

pub(crate) fn run() {
    let waiting: Vec<_> = (1..threads()).map(|_| thread::spawn(wait)).collect();
    for _ in &waiting {
        unsafe { sem_post(SEMAPHORE.0.get().cast()) };
    }
    unsafe { VALUE = 7 }; // race: racy_semaphore
    for thread in waiting {
        thread.join().unwrap();
    }
}
