//! Forks, and goes on in the child without `exec`, in the way that its first argument names.

mod unordered;

use std::ffi::c_void;
use std::hint::{self, black_box};
use std::process::{Command, exit};
use std::ptr;
use std::sync::atomic as real;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use racecheck::sync::atomic::AtomicU64;
use racecheck::sync::{Mutex, mpsc};
use racecheck::{Shared, check, hb, thread};

use unordered::unordered;

static VALUE: Shared<u64> = Shared::new(0);
static COUNTER: AtomicU64 = AtomicU64::new(0);
/// Racecheck doesn't see it.
static WRITTEN: real::AtomicBool = real::AtomicBool::new(false);
static STOP: real::AtomicBool = real::AtomicBool::new(false);
static KEY: u8 = 0;

/// Seconds after which a child that hangs is ended, by a signal.
const LIMIT: u32 = 20;

/// Runs `child` in a child, which ends with the status that it returns; returns the status of the child's end.
fn fork(child: impl FnOnce() -> i32) -> i32 {
    // SAFETY: what the child does is what is tested here.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0);
    if pid == 0 {
        // SAFETY: no memory is involved.
        unsafe { libc::alarm(LIMIT) };
        exit(child());
    }
    let mut status = 0;
    // SAFETY: waits for the child above, which nobody else waits for.
    assert_eq!(unsafe { libc::waitpid(pid, &mut status, 0) }, pid);
    if libc::WIFEXITED(status) {
        libc::WEXITSTATUS(status)
    } else {
        panic!("the child was ended by a signal: {status}");
    }
}

/// Two races, each on lines of its own.
fn first_race() {
    let value = Shared::new(0);
    let read = || {
        black_box(value.get());
    };
    unordered(|| value.set(1), read);
}

fn second_race() {
    let value = Shared::new(0);
    let read = || {
        black_box(value.get());
    };
    unordered(|| value.set(2), read);
}

/// Ends the other threads, also when an assertion has failed.
struct Stop;

impl Drop for Stop {
    fn drop(&mut self) {
        STOP.store(true, Relaxed);
    }
}

/// All kinds of things, in order. A lock that another thread holds at the fork stays locked in the child; so there is none but the engine's.
fn works(rounds: u64) {
    let local = Shared::new(0);
    let lock = Mutex::new(0);
    let (tx, rx) = mpsc::channel();
    thread::scope(|s| {
        for _ in 0..2 {
            let tx = tx.clone();
            let (local, lock) = (&local, &lock);
            s.spawn(move || {
                for _ in 0..rounds {
                    *lock.lock().unwrap() += 1;
                    COUNTER.fetch_add(1, AcqRel);
                    let guard = lock.lock().unwrap();
                    local.update(|n| n + 1);
                    drop(guard);
                    hb::acquire(&raw const KEY);
                    hb::release(&raw const KEY);
                    tx.send(1).unwrap();
                }
            });
        }
        drop(tx);
        while rx.recv().is_ok() {}
    });
    assert_eq!(local.get(), 2 * rounds);
    std::thread::spawn(|| COUNTER.store(0, Release))
        .join()
        .unwrap();
    COUNTER.load(Acquire);
}

extern "C" fn counts(_: *mut c_void) -> *mut c_void {
    COUNTER.fetch_add(1, AcqRel);
    ptr::null_mut()
}

/// Threads that do nothing but work the engine, until `STOP`. Those that they start are C's: `std` has locks of its own, which it
/// takes when a thread starts, and which stay locked in a child as well.
fn busy<'scope>(s: &'scope std::thread::Scope<'scope, '_>) {
    for _ in 0..3 {
        s.spawn(|| {
            let value = Shared::new(0);
            let (tx, rx) = mpsc::channel();
            while !STOP.load(Relaxed) {
                let mut thread = 0;
                // SAFETY: POSIX's contract: a routine, its argument, and one join.
                unsafe {
                    assert_eq!(
                        libc::pthread_create(&mut thread, ptr::null(), counts, ptr::null_mut()),
                        0
                    );
                    assert_eq!(libc::pthread_join(thread, ptr::null_mut()), 0);
                }
                for _ in 0..100 {
                    COUNTER.fetch_add(1, AcqRel);
                    hb::acquire(&raw const KEY);
                    hb::release(&raw const KEY);
                    tx.send(1).unwrap();
                    value.update(|n| n + rx.recv().unwrap());
                    // A collector's lock, and the list of those that are open.
                    assert!(check(|| ()).races().is_empty());
                }
            }
        });
    }
}

/// Children of a parent whose other threads are in the engine at each fork.
fn many(children: usize) {
    std::thread::scope(|s| {
        busy(s);
        let _stop = Stop;
        for _ in 0..children {
            let status = fork(|| {
                works(3);
                VALUE.set(1);
                0
            });
            assert_eq!(status, 0);
        }
    });
}

extern "C" fn writes(_: *mut c_void) -> *mut c_void {
    VALUE.set(1);
    WRITTEN.store(true, Release);
    ptr::null_mut()
}

/// A race with a thread of C.
fn race_with_c() {
    let mut thread = 0;
    // SAFETY: POSIX's contract: a routine and its argument.
    let created =
        unsafe { libc::pthread_create(&mut thread, ptr::null(), writes, ptr::null_mut()) };
    assert_eq!(created, 0);
    while !WRITTEN.load(Acquire) {
        hint::spin_loop();
    }
    black_box(VALUE.get());
    // SAFETY: created above, joined once.
    assert_eq!(unsafe { libc::pthread_join(thread, ptr::null_mut()) }, 0);
}

/// The same, while another thread looks up symbols.
fn while_reporting() {
    std::thread::scope(|s| {
        s.spawn(|| {
            while !STOP.load(Relaxed) {
                assert_eq!(check(first_race).races().len(), 1);
            }
        });
        let _stop = Stop;
        for _ in 0..50 {
            let status = fork(|| i32::from(check(race_with_c).races().len() != 1));
            assert_eq!(status, 0);
        }
    });
}

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("alone") => {
            works(3);
            for _ in 0..50 {
                assert_eq!(fork(|| (works(3), 0).1), 0);
            }
        }
        Some("busy") => many(300),
        Some("while-reporting") => while_reporting(),
        Some("nothing-new") => {
            first_race();
            let status = fork(|| 7);
            println!("status {status}");
        }
        Some("same-race") => {
            first_race();
            let status = fork(|| {
                first_race();
                first_race();
                0
            });
            println!("status {status}");
        }
        Some("before-and-after") => {
            // What was done before the fork, by whatever thread, is over.
            let (done, wait) = std::sync::mpsc::channel();
            let (quit, is_quit) = std::sync::mpsc::channel::<()>();
            let other = thread::spawn(move || {
                VALUE.set(1);
                done.send(()).unwrap();
                let _ = is_quit.recv();
            });
            wait.recv().unwrap();
            let status = fork(|| {
                VALUE.set(2);
                thread::spawn(|| VALUE.set(3)).join().unwrap();
                works(3);
                0
            });
            drop(quit);
            other.join().unwrap();
            println!("status {status}");
        }
        Some("in-a-check") => {
            let outcome = check(|| {
                first_race();
                fork(|| 0)
            });
            println!("status {} races {}", outcome.value, outcome.races().len());
        }
        Some("child-in-a-check") => {
            let outcome = check(|| {
                first_race();
                // SAFETY: see `fork`.
                match unsafe { libc::fork() } {
                    0 => {
                        second_race();
                        0
                    }
                    child => child,
                }
            });
            let races = outcome.races().len();
            if outcome.value == 0 {
                exit(10 + i32::try_from(races).unwrap());
            }
            let mut status = 0;
            // SAFETY: waits for the child above, which nobody else waits for.
            unsafe { libc::waitpid(outcome.value, &mut status, 0) };
            println!("status {} races {races}", libc::WEXITSTATUS(status));
        }
        Some("grandchild") => {
            let status = fork(|| {
                works(1);
                fork(|| {
                    first_race();
                    0
                })
            });
            println!("status {status}");
        }
        Some("command") => {
            first_race();
            let status = Command::new("true").status().unwrap();
            println!("status {}", status.code().unwrap());
        }
        other => panic!("unknown way {other:?}"),
    }
}
