//! A counter behind a C11 mutex, and turns by its condition variable.

use std::cell::UnsafeCell;
use std::ffi::c_int;
use std::thread;

use super::threads;
use crate::c::{
    cnd_broadcast, cnd_init, cnd_timedwait, cnd_wait, mtx_destroy, mtx_init, mtx_lock,
    mtx_timedlock, mtx_trylock, mtx_unlock,
};

/// `mtx_timed`.
const TIMED: c_int = 2;

#[repr(align(16))]
struct Turns {
    mutex: UnsafeCell<[u64; 8]>,
    changed: UnsafeCell<[u64; 8]>,
    turn: UnsafeCell<usize>,
}

unsafe impl Sync for Turns {}

impl Turns {
    fn take(&self, me: usize, all: usize, round: usize) {
        let (mutex, changed) = (self.mutex.get().cast(), self.changed.get().cast());
        let forever = [i64::MAX >> 1, 0];
        unsafe {
            match round % 3 {
                0 => assert_eq!(mtx_lock(mutex), 0),
                1 => assert_eq!(mtx_timedlock(mutex, &forever), 0),
                _ => {
                    while mtx_trylock(mutex) != 0 {
                        thread::yield_now();
                    }
                }
            }
            while *self.turn.get() % all != me {
                if round.is_multiple_of(2) {
                    cnd_wait(changed, mutex);
                } else {
                    cnd_timedwait(changed, mutex, &forever);
                }
            }
            *self.turn.get() += 1;
            cnd_broadcast(changed);
            mtx_unlock(mutex);
        }
    }
}

pub(crate) fn run() {
    let turns = Turns {
        mutex: UnsafeCell::new([0; 8]),
        changed: UnsafeCell::new([0; 8]),
        turn: UnsafeCell::new(0),
    };
    assert_eq!(unsafe { mtx_init(turns.mutex.get().cast(), TIMED) }, 0);
    assert_eq!(unsafe { cnd_init(turns.changed.get().cast()) }, 0);
    let all = threads();
    thread::scope(|scope| {
        for me in 0..all {
            let turns = &turns;
            scope.spawn(move || {
                for round in 0..20 {
                    turns.take(me, all, round);
                }
            });
        }
    });
    unsafe { mtx_destroy(turns.mutex.get().cast()) };
    assert_eq!(turns.turn.into_inner(), 20 * all);
}
