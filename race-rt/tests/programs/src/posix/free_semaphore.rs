//! Messages from thread to thread, announced by POSIX semaphores, one with a name and one without.

use std::cell::UnsafeCell;
use std::ffi::{CString, c_int, c_void};
use std::thread;

use super::threads;
use crate::c::{
    sem_close, sem_destroy, sem_init, sem_open, sem_post, sem_timedwait, sem_trywait, sem_unlink,
    sem_wait,
};
use crate::support::Meeting;

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

pub(crate) fn run() {
    let begun = &Meeting::of(threads());
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
                begun.meet();
                (0..100).for_each(|value| channel.send(value));
            });
            scope.spawn(|| {
                begun.meet();
                (0..100).for_each(|how| {
                    channel.receive(how);
                });
            });
        }
    });
    unsafe { sem_destroy(free) };
    unsafe { sem_close(filled) };
}
