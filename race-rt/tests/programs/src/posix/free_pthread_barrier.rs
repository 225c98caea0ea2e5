//! Rounds: each thread writes its cell, then all read their neighbours'.

use std::cell::UnsafeCell;
use std::ffi::{c_uint, c_void};
use std::thread;

use super::threads;
use crate::c::{pthread_barrier_destroy, pthread_barrier_init, pthread_barrier_wait};

#[repr(align(16))]
struct Rounds {
    barrier: UnsafeCell<[u64; 4]>,
    cells: Vec<UnsafeCell<usize>>,
}

unsafe impl Sync for Rounds {}

impl Rounds {
    fn wait(&self) {
        let result = unsafe { pthread_barrier_wait(self.barrier.get().cast()) };
        assert!(result == 0 || result == -1);
    }
}

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
                    unsafe { *rounds.cells[me].get() = round };
                    rounds.wait();
                    assert_eq!(unsafe { *rounds.cells[(me + 1) % all].get() }, round);
                    rounds.wait();
                }
            });
        }
    });
    assert_eq!(unsafe { pthread_barrier_destroy(barrier) }, 0);
}
