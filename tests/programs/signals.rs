//! Tracked types in signal handlers, in the way that its first argument names.

mod unordered;

use std::hint::{black_box, spin_loop};
use std::sync::atomic as real;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::{mem, ptr};

use racecheck::sync::atomic::{AtomicU64, fence};
use racecheck::{Shared, check, thread};

use unordered::unordered;

static VALUE: Shared<u64> = Shared::new(0);
static OTHER: Shared<u64> = Shared::new(0);
static FLAG: AtomicU64 = AtomicU64::new(0);
static DONE: AtomicU64 = AtomicU64::new(0);
static BUSY: AtomicU64 = AtomicU64::new(0);
/// What a handler has seen; racecheck sees none of it.
static SEEN: real::AtomicU64 = real::AtomicU64::new(0);
static STOP: real::AtomicBool = real::AtomicBool::new(false);

/// Enough to hit the engine at many points.
const SIGNALS: u64 = 3_000;

type Handler = extern "C" fn(libc::c_int);

fn install(handler: Handler) {
    // SAFETY: the handlers here do nothing that a handler must not.
    let old = unsafe { libc::signal(libc::SIGUSR1, handler as Handler as usize) };
    assert_ne!(old, libc::SIG_ERR);
}

fn this_thread() -> libc::pthread_t {
    // SAFETY: no arguments, no failure.
    unsafe { libc::pthread_self() }
}

fn interrupt(thread: libc::pthread_t) {
    // SAFETY: the thread outlives the caller, which it waits for.
    assert_eq!(unsafe { libc::pthread_kill(thread, libc::SIGUSR1) }, 0);
}

extern "C" fn acquires(_: libc::c_int) {
    SEEN.store(FLAG.load(Acquire), Relaxed);
}

extern "C" fn loads_relaxed(_: libc::c_int) {
    SEEN.store(FLAG.load(Relaxed), Relaxed);
}

extern "C" fn releases(_: libc::c_int) {
    FLAG.store(SEEN.load(Relaxed), Release);
}

extern "C" fn counts(_: libc::c_int) {
    BUSY.fetch_add(1, Relaxed);
    SEEN.fetch_add(1, Relaxed);
}

extern "C" fn informed(signal: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid one.
    assert_eq!(unsafe { (*info).si_signo }, signal);
    SEEN.fetch_add(1, Relaxed);
}

/// A thread writes, releases and interrupts this one, whose handler acquires. This one is in the engine nearly all the time.
fn acquired(fenced: bool) {
    let me = this_thread();
    thread::scope(|s| {
        s.spawn(move || {
            for round in 1..=SIGNALS {
                VALUE.set(round);
                FLAG.store(round, Release);
                interrupt(me);
                while DONE.load(Acquire) != round {
                    spin_loop();
                }
            }
        });
        let mut last = 0;
        while last < SIGNALS {
            BUSY.fetch_add(1, AcqRel);
            OTHER.set(last);
            let seen = SEEN.load(Relaxed);
            if seen != last {
                last = seen;
                if fenced {
                    fence(Acquire);
                }
                black_box(VALUE.get());
                DONE.store(seen, Release);
            }
        }
    });
}

/// This thread writes; its handler releases that to another one.
fn released() {
    let me = this_thread();
    thread::scope(|s| {
        s.spawn(move || {
            for round in 1..=SIGNALS {
                while SEEN.load(Relaxed) != round {
                    spin_loop();
                }
                interrupt(me);
                while FLAG.load(Acquire) != round {
                    spin_loop();
                }
                black_box(VALUE.get());
                DONE.store(round, Release);
            }
        });
        for round in 1..=SIGNALS {
            VALUE.set(round);
            SEEN.store(round, Relaxed);
            while DONE.load(Acquire) != round {
                BUSY.fetch_add(1, AcqRel);
                OTHER.set(round);
            }
        }
    });
}

/// Handlers run on this thread, on and on, while `body` does.
fn under_signals(body: impl FnOnce()) {
    install(counts);
    let me = this_thread();
    thread::scope(|s| {
        s.spawn(move || {
            while !STOP.load(Relaxed) {
                interrupt(me);
            }
        });
        while SEEN.load(Relaxed) == 0 {
            spin_loop();
        }
        body();
        STOP.store(true, Relaxed);
    });
}

/// Most of the time in `malloc`, while another thread makes many clocks and handlers use them.
fn allocates() {
    let mut kept = Vec::new();
    let mut random = 1usize;
    while SEEN.load(Relaxed) < SIGNALS {
        random = random.wrapping_mul(6364136223846793005).wrapping_add(1);
        kept.push(vec![0u8; (random >> 40) % 9000]);
        if kept.len() > 500 {
            kept.clear();
        }
        BUSY.fetch_add(1, Release);
    }
}

extern "C" fn uses_everything(_: libc::c_int) {
    BUSY.fetch_add(1, AcqRel);
    SEEN.fetch_add(1, Relaxed);
    fence(AcqRel);
    FLAG.store(1, Release);
}

/// What the program installed is what it sees, and what is called.
fn installed() {
    let action = || {
        // SAFETY: an action is plain data, and all zeros is one.
        unsafe { mem::zeroed::<libc::sigaction>() }
    };
    let mut new = action();
    new.sa_sigaction = informed as *const () as usize;
    new.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
    let mut old = action();
    let counts = counts as Handler as usize;
    // SAFETY: valid actions, and handlers that fit their flags.
    unsafe {
        assert_eq!(libc::sigaction(libc::SIGUSR1, ptr::null(), &mut old), 0);
        assert_eq!(old.sa_sigaction, libc::SIG_DFL);
        assert_eq!(libc::signal(libc::SIGUSR1, counts), libc::SIG_DFL);
        assert_eq!(libc::raise(libc::SIGUSR1), 0);
        assert_eq!(SEEN.load(Relaxed), 1);
        assert_eq!(libc::sigaction(libc::SIGUSR1, &new, &mut old), 0);
        assert_eq!(old.sa_sigaction, counts);
        assert_eq!(libc::raise(libc::SIGUSR1), 0);
        assert_eq!(SEEN.load(Relaxed), 2);
        assert_eq!(libc::sigaction(libc::SIGUSR1, &old, &mut new), 0);
        assert_eq!(new.sa_sigaction, informed as *const () as usize);
        assert_ne!(new.sa_flags & libc::SA_SIGINFO, 0);
        assert_eq!(libc::raise(libc::SIGUSR1), 0);
        assert_eq!(SEEN.load(Relaxed), 3);
        assert_eq!(libc::signal(libc::SIGUSR1, libc::SIG_IGN), counts);
        assert_eq!(libc::raise(libc::SIGUSR1), 0);
        assert_eq!(libc::signal(libc::SIGUSR1, libc::SIG_DFL), libc::SIG_IGN);
        // Neither can be caught, and there is no signal 1000: what is installed stays.
        for wrong in [libc::SIGKILL, 1000, 0, -1] {
            assert_eq!(libc::signal(wrong, counts), libc::SIG_ERR);
            assert_eq!(libc::sigaction(wrong, &new, ptr::null_mut()), -1);
        }
    }
    assert_eq!(SEEN.load(Relaxed), 3);
}

extern "C" fn exits(_: libc::c_int) {
    std::process::exit(3);
}

fn race() {
    unordered(|| VALUE.set(1), || OTHER.set(VALUE.get()));
}

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("acquire") => {
            install(acquires);
            acquired(false);
        }
        Some("relaxed-and-fence") => {
            install(loads_relaxed);
            acquired(true);
        }
        Some("release") => {
            install(releases);
            released();
        }
        Some("race-under-signals") => under_signals(race),
        Some("race-after-an-acquire") => {
            install(acquires);
            interrupt(this_thread());
            race();
        }
        Some("allocator") => {
            let others: Vec<_> = (0..64)
                .map(|_| {
                    thread::spawn(|| {
                        BUSY.load(Acquire);
                        while !STOP.load(Relaxed) {
                            std::thread::park_timeout(std::time::Duration::from_millis(50));
                        }
                    })
                })
                .collect();
            under_signals(|| {
                install(uses_everything);
                allocates();
            });
            for other in others {
                other.join().unwrap();
            }
        }
        Some("installed") => installed(),
        Some("exit") => {
            race();
            install(exits);
            interrupt(this_thread());
        }
        Some("exit-in-a-check") => {
            install(exits);
            let _ = check(|| {
                race();
                interrupt(this_thread());
            });
        }
        other => panic!("unknown way {other:?}"),
    }
    println!("done");
}
