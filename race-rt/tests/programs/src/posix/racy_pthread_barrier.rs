//! Only one barrier in each round: the cell is written for the next one while the neighbour still reads it.

use std::cell::UnsafeCell;
use std::ffi::{c_uint, c_void};
use std::thread;

use super::threads;
use crate::c::{pthread_barrier_init, pthread_barrier_wait};

#[repr(align(16))]
struct Rounds {
    barrier: UnsafeCell<[u64; 4]>,
    cells: Vec<UnsafeCell<usize>>,
}

unsafe impl Sync for Rounds {}

pub(crate) fn run() {
    let all = threads();
    let rounds = Rounds {
        barrier: UnsafeCell::new([0; 4]),
        cells: (0..all).map(|_| UnsafeCell::new(0)).collect(),
    };
    let barrier: *mut c_void = rounds.barrier.get().cast();
    assert_eq!(
        unsafe { pthread_barrier_init(barrier, std::ptr::null(), all as c_uint) },
        0
    );
    thread::scope(|scope| {
        for me in 0..all {
            let rounds = &rounds;
            scope.spawn(move || {
                for round in 0..20 {
                    unsafe { rounds.cells[me].get().write(round) }; // race: racy_pthread_barrier
                    unsafe { pthread_barrier_wait(rounds.barrier.get().cast()) };
                    let next = unsafe { rounds.cells[(me + 1) % all].get().read() }; // race: racy_pthread_barrier
                    std::hint::black_box(next);
                }
            });
        }
    });
}
