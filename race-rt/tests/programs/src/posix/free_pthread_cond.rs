//! Turns, passed on by a POSIX condition variable, with and without a time limit.

use std::cell::UnsafeCell;
use std::thread;

use super::threads;
use crate::c::{
    pthread_cond_broadcast, pthread_cond_clockwait, pthread_cond_timedwait, pthread_cond_wait,
    pthread_mutex_lock, pthread_mutex_unlock,
};

/// All zeros are the static initialisers.
#[repr(align(16))]
struct Turns {
    mutex: UnsafeCell<[u64; 8]>,
    changed: UnsafeCell<[u64; 8]>,
    turn: UnsafeCell<usize>,
    log: UnsafeCell<Vec<usize>>,
}

unsafe impl Sync for Turns {}

impl Turns {
    fn take(&self, me: usize, all: usize, round: usize) {
        let (mutex, changed) = (self.mutex.get().cast(), self.changed.get().cast());
        let (past, forever) = ([1, 0], [i64::MAX >> 1, 0]);
        unsafe {
            pthread_mutex_lock(mutex);
            while *self.turn.get() % all != me {
                match round % 4 {
                    0 => pthread_cond_wait(changed, mutex),
                    1 => pthread_cond_timedwait(changed, mutex, &forever),
                    2 => pthread_cond_clockwait(changed, mutex, 1, &forever),
                    _ => pthread_cond_timedwait(changed, mutex, &past),
                };
            }
            // Nobody else's turn: not under the lock.
            pthread_mutex_unlock(mutex);
            (*self.log.get()).push(me);
            pthread_mutex_lock(mutex);
            *self.turn.get() += 1;
            pthread_cond_broadcast(changed);
            pthread_mutex_unlock(mutex);
        }
    }
}

pub(crate) fn run() {
    let turns = Turns {
        mutex: UnsafeCell::new([0; 8]),
        changed: UnsafeCell::new([0; 8]),
        turn: UnsafeCell::new(0),
        log: UnsafeCell::default(),
    };
    let all = threads();
    thread::scope(|scope| {
        for me in 0..all {
            let turns = &turns;
            scope.spawn(move || {
                for round in 0..8 {
                    turns.take(me, all, round);
                }
            });
        }
    });
    let log = turns.log.into_inner();
    assert_eq!(log, (0..8 * all).map(|turn| turn % all).collect::<Vec<_>>());
}
