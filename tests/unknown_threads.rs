//! Threads that are found running: on Linux those that C11's `thrd_create` starts.
//!
//! A process of its own: such a thread may know whatever was done before it was found, and its end may be waited for by anybody. No race is
//! claimed then, in the other tests of a process neither.

#![cfg(all(feature = "race-check", target_os = "linux"))]

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};

use racecheck::sync::Mutex;
use racecheck::{Shared, check, thread};

unsafe extern "C" {
    // C11's threads: glibc starts them below `pthread_create`, so nobody sees it.
    fn thrd_create(
        thread: *mut libc::pthread_t,
        routine: extern "C" fn(*mut c_void) -> c_int,
        argument: *mut c_void,
    ) -> c_int;
    fn thrd_join(thread: libc::pthread_t, result: *mut c_int) -> c_int;
}

static VALUE: Shared<u32> = Shared::new(0);
static LOCK: Mutex<()> = Mutex::new(());
static FIRST_SIGHT: Mutex<()> = Mutex::new(());

struct Steps {
    adopted: SyncSender<()>,
    go: Receiver<()>,
}

extern "C" fn routine(steps: *mut c_void) -> c_int {
    // SAFETY: a `Box<Steps>` made raw below, for this thread.
    let steps = unsafe { Box::from_raw(steps.cast::<Steps>()) };
    drop(FIRST_SIGHT.lock());
    steps.adopted.send(()).unwrap();
    steps.go.recv().unwrap();
    drop(LOCK.lock());
    VALUE.get();
    0
}

/// Such a thread is taken to know everybody's current epoch. Those epochs went on, and learned more before they were released: who knew the
/// epoch did not know that, and acquired nothing.
#[test]
fn one_still_acquires_what_was_released_since() {
    let outcome = check(|| {
        let step = || sync_channel::<()>(1);
        let ((ready1, is_ready1), (go1, wait1)) = (step(), step());
        let ((ready2, is_ready2), (go2, wait2)) = (step(), step());
        let ((adopted, is_adopted), (go3, wait3)) = (step(), step());
        // Both are in some epoch when the third is adopted. The second writes under the lock; the first takes the lock over from it.
        let first = thread::spawn(move || {
            drop(FIRST_SIGHT.lock());
            ready1.send(()).unwrap();
            wait1.recv().unwrap();
            drop(LOCK.lock());
            ready1.send(()).unwrap();
        });
        let second = thread::spawn(move || {
            drop(FIRST_SIGHT.lock());
            ready2.send(()).unwrap();
            wait2.recv().unwrap();
            let other = Mutex::new(());
            drop(other.lock());
            let guard = LOCK.lock();
            VALUE.set(1);
            drop(guard);
            ready2.send(()).unwrap();
        });
        is_ready1.recv().unwrap();
        is_ready2.recv().unwrap();
        let steps = Box::new(Steps { adopted, go: wait3 });
        let mut third = 0;
        // SAFETY: C11's contract: a routine, and an argument that it takes over.
        let created = unsafe { thrd_create(&mut third, routine, Box::into_raw(steps).cast()) };
        assert_eq!(created, 0);
        is_adopted.recv().unwrap();
        go2.send(()).unwrap();
        is_ready2.recv().unwrap();
        go1.send(()).unwrap();
        is_ready1.recv().unwrap();
        go3.send(()).unwrap();
        // SAFETY: created above, joined once.
        let joined = unsafe { thrd_join(third, ptr::null_mut()) };
        assert_eq!(joined, 0);
        first.join().unwrap();
        second.join().unwrap();
    });
    assert!(outcome.races().is_empty(), "{}", outcome.races()[0]);
}

extern "C" fn takes_the_lock(lock: *mut c_void) -> c_int {
    // SAFETY: a `Mutex<()>` that outlives this thread, which is joined.
    drop(unsafe { &*lock.cast::<Mutex<()>>() }.lock());
    0
}

/// What it has learned is known to whoever waited for its end, which nobody sees.
#[test]
fn one_passes_on_what_it_learned() {
    let value = Shared::new(0);
    let lock = Mutex::new(());
    let outcome = check(|| {
        let (written, is_written) = channel();
        let (quit, is_quit) = channel::<()>();
        thread::scope(|s| {
            let (value, lock) = (&value, &lock);
            s.spawn(move || {
                let guard = lock.lock();
                value.set(1);
                drop(guard);
                written.send(()).unwrap();
                let _ = is_quit.recv();
            });
            is_written.recv().unwrap();
            let mut third = 0;
            let argument = ptr::from_ref(lock).cast_mut().cast();
            // SAFETY: C11's contract: a routine, its argument, and one join.
            unsafe {
                assert_eq!(thrd_create(&mut third, takes_the_lock, argument), 0);
                assert_eq!(thrd_join(third, ptr::null_mut()), 0);
            }
            value.get();
            drop(quit);
        });
    });
    assert!(outcome.races().is_empty(), "{}", outcome.races()[0]);
}
