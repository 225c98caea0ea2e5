//! A counter behind POSIX mutexes of every kind, locked in every way.

use std::cell::UnsafeCell;
use std::ffi::{c_int, c_void};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use super::threads;

unsafe extern "C" {
    fn pthread_mutexattr_init(attributes: *mut c_void) -> c_int;
    fn pthread_mutexattr_settype(attributes: *mut c_void, kind: c_int) -> c_int;
    fn pthread_mutex_init(mutex: *mut c_void, attributes: *const c_void) -> c_int;
    fn pthread_mutex_destroy(mutex: *mut c_void) -> c_int;
    fn pthread_mutex_lock(mutex: *mut c_void) -> c_int;
    fn pthread_mutex_trylock(mutex: *mut c_void) -> c_int;
    fn pthread_mutex_timedlock(mutex: *mut c_void, until: *const [i64; 2]) -> c_int;
    fn pthread_mutex_clocklock(mutex: *mut c_void, clock: c_int, until: *const [i64; 2]) -> c_int;
    fn pthread_mutex_unlock(mutex: *mut c_void) -> c_int;
}

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

/// Threads that have begun: `std` orders the end of one before the start of the next.
static BEGUN: AtomicUsize = AtomicUsize::new(0);

fn meet() {
    BEGUN.fetch_add(1, Relaxed);
    while BEGUN.load(Relaxed) < threads() {
        thread::yield_now();
    }
}

pub(crate) fn run() {
    let (normal, recursive) = (Counter::new(NORMAL), Counter::new(RECURSIVE));
    let checking = Counter::new(ERROR_CHECKING);
    for counter in [&normal, &recursive, &checking] {
        counter.init();
    }
    thread::scope(|scope| {
        for _ in 0..threads() {
            scope.spawn(|| {
                meet();
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
