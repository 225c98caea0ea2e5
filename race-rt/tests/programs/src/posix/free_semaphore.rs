//! Messages from thread to thread, announced by POSIX semaphores, one with a name and one without.

use std::cell::UnsafeCell;
use std::ffi::{CString, c_char, c_int, c_uint, c_void};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use super::threads;

unsafe extern "C" {
    fn sem_init(semaphore: *mut c_void, shared: c_int, value: c_uint) -> c_int;
    fn sem_destroy(semaphore: *mut c_void) -> c_int;
    fn sem_open(name: *const c_char, flags: c_int, mode: c_uint, value: c_uint) -> *mut c_void;
    fn sem_close(semaphore: *mut c_void) -> c_int;
    fn sem_unlink(name: *const c_char) -> c_int;
    fn sem_post(semaphore: *mut c_void) -> c_int;
    fn sem_wait(semaphore: *mut c_void) -> c_int;
    fn sem_trywait(semaphore: *mut c_void) -> c_int;
    fn sem_timedwait(semaphore: *mut c_void, until: *const [i64; 2]) -> c_int;
}

const CREATE: c_int = 0o100;

struct Channel {
    /// What is free, and what is filled.
    semaphores: [*mut c_void; 2],
    value: UnsafeCell<u64>,
}

unsafe impl Sync for Channel {}

impl Channel {
    fn wait(&self, which: usize, how: u64) {
        let semaphore = self.semaphores[which];
        let forever = [i64::MAX >> 1, 0];
        unsafe {
            match how % 3 {
                0 => assert_eq!(sem_wait(semaphore), 0),
                1 => assert_eq!(sem_timedwait(semaphore, &forever), 0),
                _ => {
                    while sem_trywait(semaphore) != 0 {
                        thread::yield_now();
                    }
                }
            }
        }
    }

    fn send(&self, value: u64) {
        self.wait(0, value);
        unsafe { *self.value.get() = value };
        unsafe { sem_post(self.semaphores[1]) };
    }

    fn receive(&self, how: u64) -> u64 {
        self.wait(1, how);
        let value = unsafe { *self.value.get() };
        unsafe { sem_post(self.semaphores[0]) };
        value
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
    let name = CString::new(format!("/racecheck-{}", std::process::id())).unwrap();
    let mut free = [0u64; 4];
    let free: *mut c_void = (&raw mut free).cast();
    let filled = unsafe { sem_open(name.as_ptr(), CREATE, 0o600, 0) };
    assert!(!filled.is_null());
    unsafe { sem_unlink(name.as_ptr()) };
    assert_eq!(unsafe { sem_init(free, 0, 1) }, 0);
    let channel = Channel {
        semaphores: [free, filled],
        value: UnsafeCell::new(0),
    };
    thread::scope(|scope| {
        for _ in 0..threads() / 2 {
            scope.spawn(|| {
                meet();
                (0..100).for_each(|value| channel.send(value));
            });
            scope.spawn(|| {
                meet();
                (0..100).for_each(|how| {
                    channel.receive(how);
                });
            });
        }
    });
    unsafe { sem_destroy(free) };
    unsafe { sem_close(filled) };
}
