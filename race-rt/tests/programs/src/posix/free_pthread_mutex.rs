//! A counter behind POSIX mutexes of every kind, locked in every way.

use std::cell::UnsafeCell;
use std::ffi::{c_int, c_void};
use std::thread;

use super::threads;
use crate::c::{
    pthread_mutex_clocklock, pthread_mutex_destroy, pthread_mutex_init, pthread_mutex_lock,
    pthread_mutex_timedlock, pthread_mutex_trylock, pthread_mutex_unlock, pthread_mutexattr_init,
    pthread_mutexattr_settype,
};
use crate::support::Meeting;

const NORMAL: c_int = 0;
const RECURSIVE: c_int = 1;
const ERROR_CHECKING: c_int = 2;

/// All zeros is `PTHREAD_MUTEX_INITIALIZER`.
#[repr(C, align(16))]
struct Counter {
    mutex: UnsafeCell<[u64; 8]>,
    kind: c_int,
    value: UnsafeCell<u64>,
}

unsafe impl Sync for Counter {}

static STATIC: Counter = Counter::new(NORMAL);

impl Counter {
    const fn new(kind: c_int) -> Counter {
        Counter {
            mutex: UnsafeCell::new([0; 8]),
            kind,
            value: UnsafeCell::new(0),
        }
    }

    fn mutex(&self) -> *mut c_void {
        self.mutex.get().cast()
    }

    fn init(&self) {
        let mut attributes = 0u64;
        let attributes: *mut c_void = (&raw mut attributes).cast();
        unsafe {
            assert_eq!(pthread_mutexattr_init(attributes), 0);
            assert_eq!(pthread_mutexattr_settype(attributes, self.kind), 0);
            assert_eq!(pthread_mutex_init(self.mutex(), attributes), 0);
        }
    }

    fn lock(&self, how: usize) {
        let forever = [i64::MAX >> 1, 0];
        let mutex = self.mutex();
        let result = unsafe {
            match how % 4 {
                0 => pthread_mutex_lock(mutex),
                1 => pthread_mutex_timedlock(mutex, &forever),
                2 => pthread_mutex_clocklock(mutex, 1, &forever),
                _ => {
                    while pthread_mutex_trylock(mutex) != 0 {
                        thread::yield_now();
                    }
                    0
                }
            }
        };
        assert_eq!(result, 0);
    }

    fn count(&self, how: usize) {
        self.lock(how);
        match self.kind {
            RECURSIVE => {
                self.lock(how + 1);
                self.add();
                unsafe { pthread_mutex_unlock(self.mutex()) };
            }
            ERROR_CHECKING => {
                assert_ne!(unsafe { pthread_mutex_lock(self.mutex()) }, 0);
            }
            _ => {}
        }
        self.add();
        assert_eq!(unsafe { pthread_mutex_unlock(self.mutex()) }, 0);
    }

    fn add(&self) {
        unsafe { *self.value.get() += 1 };
    }
}

pub(crate) fn run() {
    let begun = &Meeting::of(threads());
    let (normal, recursive) = (Counter::new(NORMAL), Counter::new(RECURSIVE));
    let checking = Counter::new(ERROR_CHECKING);
    for counter in [&normal, &recursive, &checking] {
        counter.init();
    }
    thread::scope(|scope| {
        for _ in 0..threads() {
            scope.spawn(|| {
                begun.meet();
                for how in 0..40 {
                    for counter in [&STATIC, &normal, &recursive, &checking] {
                        counter.count(how);
                    }
                }
            });
        }
    });
    let all = 40 * threads() as u64;
    for (counter, times) in [(&STATIC, 1), (&normal, 1), (&recursive, 2), (&checking, 1)] {
        assert_eq!(unsafe { *counter.value.get() }, times * all);
        assert_eq!(unsafe { pthread_mutex_destroy(counter.mutex()) }, 0);
    }
}
