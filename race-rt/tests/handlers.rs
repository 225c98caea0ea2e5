//! Signal handlers that interrupt code which asked to be ignored. One test, in a process of its own: what a handler does draws a line for all threads.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::ptr;
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use race_core::report::Collector;
use race_rt::access::*;
use race_rt::atomics::*;
use race_rt::frames::*;

const ACQUIRE: i32 = 2;
const RELEASE: i32 = 3;

/// What the handler uses: a value, and a flag.
static MEMORY: AtomicPtr<[u64; 2]> = AtomicPtr::new(ptr::null_mut());

fn value() -> usize {
    MEMORY.load(Relaxed).addr()
}

fn flag() -> *mut u32 {
    MEMORY.load(Relaxed).wrapping_byte_add(8).cast()
}

extern "C" fn publish(_: libc::c_int) {
    // SAFETY: within the memory, and aligned.
    unsafe { __tsan_atomic32_store(flag(), 1, RELEASE) };
}

extern "C" fn receive(_: libc::c_int) {
    // SAFETY: as above.
    assert_eq!(unsafe { __tsan_atomic32_load(flag(), ACQUIRE) }, 1);
}

fn interrupt(handler: extern "C" fn(libc::c_int)) {
    // SAFETY: the handlers here do nothing that a handler must not.
    unsafe {
        let old = libc::signal(libc::SIGUSR1, handler as extern "C" fn(_) as usize);
        assert_ne!(old, libc::SIG_ERR);
        assert_eq!(libc::raise(libc::SIGUSR1), 0);
    }
}

fn store_released() {
    publish(0);
}

fn load_acquired() {
    receive(0);
}

fn while_ignoring(f: fn()) -> impl FnOnce() + Send {
    move || {
        __tsan_ignore_thread_begin();
        f();
        __tsan_ignore_thread_end();
    }
}

/// How many races are found if a thread writes and then publishes, and another one receives after that and then reads. That the one waits for the other isn't seen.
fn found(publish: impl FnOnce() + Send, receive: impl FnOnce() + Send) -> usize {
    let memory = Box::into_raw(Box::new([0u64; 2]));
    MEMORY.store(memory, Relaxed);
    let collector = Collector::open();
    thread::scope(|s| {
        let (done, wait) = std::sync::mpsc::channel();
        let (end, until) = std::sync::mpsc::channel::<()>();
        s.spawn(move || {
            // SAFETY: nothing is accessed.
            unsafe { __tsan_write8(value()) };
            publish();
            done.send(()).unwrap();
            let _ = until.recv();
        });
        s.spawn(move || {
            wait.recv().unwrap();
            receive();
            // SAFETY: as above.
            unsafe { __tsan_read8(value()) };
            drop(end);
        });
    });
    collector.close().len()
}

#[test]
fn what_a_handler_orders_is_no_race_whatever_it_has_interrupted() {
    __tsan_init();
    assert_eq!(found(store_released, load_acquired), 0);
    // What is ignored orders nothing, on either side.
    assert_eq!(found(while_ignoring(store_released), load_acquired), 1);
    assert_eq!(found(store_released, while_ignoring(load_acquired)), 1);
    for ignoring in [false, true] {
        let by = |f: fn()| {
            move || {
                if ignoring {
                    while_ignoring(f)();
                } else {
                    f();
                }
            }
        };
        assert_eq!(found(by(|| interrupt(publish)), load_acquired), 0);
        assert_eq!(found(store_released, by(|| interrupt(receive))), 0);
    }
    // Of what comes after the line nothing is lost.
    assert_eq!(found(|| (), load_acquired_later), 1);
}

fn load_acquired_later() {
    // SAFETY: within the memory, and aligned.
    assert_eq!(unsafe { __tsan_atomic32_load(flag(), ACQUIRE) }, 0);
}
