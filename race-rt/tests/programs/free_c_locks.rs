//! The locks of C, called from Rust: each guards a value, or hands it over.

use std::cell::UnsafeCell;
use std::ffi::{c_int, c_uint, c_void};
use std::thread;

/// Room for any of C's objects. All zeros is an initialised mutex, condition variable, read-write lock and once-control.
#[repr(C, align(16))]
struct Object(UnsafeCell<[u8; 128]>);

unsafe impl Sync for Object {}

impl Object {
    const fn new() -> Object {
        Object(UnsafeCell::new([0; 128]))
    }

    fn get(&self) -> *mut c_void {
        self.0.get().cast()
    }
}

unsafe extern "C" {
    fn pthread_mutex_lock(mutex: *mut c_void) -> c_int;
    fn pthread_mutex_trylock(mutex: *mut c_void) -> c_int;
    fn pthread_mutex_unlock(mutex: *mut c_void) -> c_int;
    fn pthread_cond_wait(condition: *mut c_void, mutex: *mut c_void) -> c_int;
    fn pthread_cond_broadcast(condition: *mut c_void) -> c_int;
    fn pthread_rwlock_rdlock(lock: *mut c_void) -> c_int;
    fn pthread_rwlock_wrlock(lock: *mut c_void) -> c_int;
    fn pthread_rwlock_unlock(lock: *mut c_void) -> c_int;
    fn pthread_once(control: *mut c_void, routine: extern "C" fn()) -> c_int;
    fn pthread_barrier_init(barrier: *mut c_void, attributes: *const c_void, count: c_uint) -> c_int;
    fn pthread_barrier_wait(barrier: *mut c_void) -> c_int;
    fn sem_init(semaphore: *mut c_void, shared: c_int, value: c_uint) -> c_int;
    fn sem_post(semaphore: *mut c_void) -> c_int;
    fn sem_wait(semaphore: *mut c_void) -> c_int;
}

static MUTEX: Object = Object::new();
static CHANGED: Object = Object::new();
static RWLOCK: Object = Object::new();
static ONCE: Object = Object::new();
static BARRIER: Object = Object::new();
static SEMAPHORE: Object = Object::new();

static mut COUNT: u64 = 0;
static mut SHARED: u64 = 0;
static mut MADE: u64 = 0;
static mut PARTS: [u64; 8] = [0; 8];
static mut POSTED: u64 = 0;

fn threads() -> usize {
    std::env::args().nth(1).map_or(2, |n| n.parse().unwrap())
}

extern "C" fn make() {
    unsafe { MADE = 7 };
}

fn work(number: usize) {
    unsafe {
        for _ in 0..100 {
            if pthread_mutex_trylock(MUTEX.get()) != 0 {
                pthread_mutex_lock(MUTEX.get());
            }
            COUNT += 1;
            pthread_mutex_unlock(MUTEX.get());

            pthread_rwlock_wrlock(RWLOCK.get());
            SHARED += 1;
            pthread_rwlock_unlock(RWLOCK.get());
            pthread_rwlock_rdlock(RWLOCK.get());
            assert!((&raw const SHARED).read() > 0);
            pthread_rwlock_unlock(RWLOCK.get());
        }
        pthread_once(ONCE.get(), make);
        assert_eq!((&raw const MADE).read(), 7);

        (&raw mut PARTS).cast::<u64>().add(number).write(1);
        pthread_barrier_wait(BARRIER.get());
        let parts: [u64; 8] = (&raw const PARTS).read();
        assert_eq!(parts.iter().sum::<u64>(), threads() as u64);

        pthread_mutex_lock(MUTEX.get());
        COUNT += 1;
        pthread_cond_broadcast(CHANGED.get());
        while (&raw const COUNT).read() < 101 * threads() as u64 {
            pthread_cond_wait(CHANGED.get(), MUTEX.get());
        }
        pthread_mutex_unlock(MUTEX.get());

        sem_wait(SEMAPHORE.get());
        assert_eq!((&raw const POSTED).read(), 7);
    }
}

fn main() {
    unsafe {
        pthread_barrier_init(BARRIER.get(), std::ptr::null(), threads() as c_uint);
        sem_init(SEMAPHORE.get(), 0, 0);
    }
    let all: Vec<_> = (0..threads()).map(|number| thread::spawn(move || work(number))).collect();
    unsafe {
        POSTED = 7;
        for _ in &all {
            sem_post(SEMAPHORE.get());
        }
    }
    for thread in all {
        thread.join().unwrap();
    }
}
