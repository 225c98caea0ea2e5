//! A table behind a POSIX read-write lock, with more readers than writers.

use std::cell::UnsafeCell;
use std::ffi::c_void;
use std::thread;

use super::threads;
use crate::c::{
    pthread_rwlock_destroy, pthread_rwlock_init, pthread_rwlock_rdlock, pthread_rwlock_timedrdlock,
    pthread_rwlock_timedwrlock, pthread_rwlock_tryrdlock, pthread_rwlock_trywrlock,
    pthread_rwlock_unlock, pthread_rwlock_wrlock,
};
use crate::support::Meeting;

#[repr(align(16))]
struct Table {
    lock: UnsafeCell<[u64; 8]>,
    rows: UnsafeCell<Vec<u64>>,
}

unsafe impl Sync for Table {}

const FOREVER: [i64; 2] = [i64::MAX >> 1, 0];

impl Table {
    fn lock(&self) -> *mut c_void {
        self.lock.get().cast()
    }

    fn write(&self, how: u64) {
        unsafe {
            match how % 3 {
                0 => assert_eq!(pthread_rwlock_wrlock(self.lock()), 0),
                1 => assert_eq!(pthread_rwlock_timedwrlock(self.lock(), &FOREVER), 0),
                _ => {
                    while pthread_rwlock_trywrlock(self.lock()) != 0 {
                        thread::yield_now();
                    }
                }
            }
            (*self.rows.get()).push(how);
            pthread_rwlock_unlock(self.lock());
        }
    }

    fn read(&self, how: u64) -> u64 {
        unsafe {
            match how % 3 {
                0 => assert_eq!(pthread_rwlock_rdlock(self.lock()), 0),
                1 => assert_eq!(pthread_rwlock_timedrdlock(self.lock(), &FOREVER), 0),
                _ => {
                    while pthread_rwlock_tryrdlock(self.lock()) != 0 {
                        thread::yield_now();
                    }
                }
            }
            let sum = (*self.rows.get()).iter().sum();
            pthread_rwlock_unlock(self.lock());
            sum
        }
    }
}

pub(crate) fn run() {
    let begun = &Meeting::of(threads());
    let table = Table {
        lock: UnsafeCell::new([0; 8]),
        rows: UnsafeCell::default(),
    };
    assert_eq!(
        unsafe { pthread_rwlock_init(table.lock(), std::ptr::null()) },
        0
    );
    thread::scope(|scope| {
        for _ in 0..threads() {
            scope.spawn(|| {
                begun.meet();
                for how in 0..60 {
                    if how % 5 == 0 {
                        table.write(how);
                    } else {
                        std::hint::black_box(table.read(how));
                    }
                }
            });
        }
    });
    assert_eq!(unsafe { pthread_rwlock_destroy(table.lock()) }, 0);
    assert_eq!(table.rows.into_inner().len(), 12 * threads());
}
