//! What is not `std`'s own: C's locks and semaphores, pipes, sockets, child processes, threads with tiny stacks.

use std::arch::global_asm;
use std::collections::BTreeMap;
use std::ffi::c_uint;
use std::io::{PipeReader, Read, Write, pipe};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::{ptr, thread};

use crate::c::{
    Object, pthread_barrier_init, pthread_barrier_wait, pthread_cond_broadcast, pthread_cond_wait,
    pthread_mutex_lock, pthread_mutex_trylock, pthread_mutex_unlock, pthread_once,
    pthread_rwlock_rdlock, pthread_rwlock_unlock, pthread_rwlock_wrlock, sem_init, sem_post,
    sem_wait,
};
use crate::support::{Meeting, Plain, in_turn};

crate::programs! {
    race: c_unlocked_reader, c_writes_under_a_read_lock, c_semaphore_without_a_post;
    none: c_locks, pipes_and_sockets, child_processes, small_stacks;
}

// Before anything else of the executable runs, a lock is taken, as the C code of an allocator may.
global_asm!(
    ".pushsection .preinit_array,\"aw\",@preinit_array",
    ".p2align 3",
    ".quad lock_early",
    ".popsection",
    "lock_early:",
    "sub rsp, 8",
    "lea rdi, [rip + {mutex}]",
    "call {lock}",
    "lea rdi, [rip + {mutex}]",
    "call {unlock}",
    "add rsp, 8",
    "ret",
    mutex = sym EARLY,
    lock = sym pthread_mutex_lock,
    unlock = sym pthread_mutex_unlock,
);

static EARLY: Object = Object::new();

static MUTEX: Object = Object::new();
static CHANGED: Object = Object::new();
static RWLOCK: Object = Object::new();
static ONCE: Object = Object::new();
static BARRIER: Object = Object::new();
static SEMAPHORE: Object = Object::new();

static COUNT: Plain<usize> = Plain::new(0);
static SHARED: Plain<usize> = Plain::new(0);
static MADE: Plain<usize> = Plain::new(0);
static POSTED: Plain<usize> = Plain::new(0);

extern "C" fn make() {
    MADE.set(7);
}

fn use_locks(threads: usize, number: usize, parts: &[Plain<usize>]) {
    // SAFETY: the objects are initialised, and each lock is unlocked by who locked it.
    unsafe {
        for _ in 0..50 {
            if pthread_mutex_trylock(MUTEX.get()) != 0 {
                pthread_mutex_lock(MUTEX.get());
            }
            COUNT.set(COUNT.get() + 1);
            pthread_mutex_unlock(MUTEX.get());

            pthread_rwlock_wrlock(RWLOCK.get());
            SHARED.set(SHARED.get() + 1);
            pthread_rwlock_unlock(RWLOCK.get());
            pthread_rwlock_rdlock(RWLOCK.get());
            assert!(SHARED.get() > 0);
            pthread_rwlock_unlock(RWLOCK.get());
        }
        pthread_once(ONCE.get(), make);
        assert_eq!(MADE.get(), 7);

        parts[number].set(1);
        pthread_barrier_wait(BARRIER.get());
        assert_eq!(parts.iter().map(Plain::get).sum::<usize>(), threads);

        pthread_mutex_lock(MUTEX.get());
        COUNT.set(COUNT.get() + 1);
        pthread_cond_broadcast(CHANGED.get());
        while COUNT.get() < 51 * threads {
            pthread_cond_wait(CHANGED.get(), MUTEX.get());
        }
        pthread_mutex_unlock(MUTEX.get());

        sem_wait(SEMAPHORE.get());
        assert_eq!(POSTED.get(), 7);
    }
}

/// Each guards a value, or hands it over.
fn c_locks(threads: usize) {
    // SAFETY: nobody uses them yet.
    unsafe {
        pthread_barrier_init(BARRIER.get(), ptr::null(), threads as c_uint);
        sem_init(SEMAPHORE.get(), 0, 0);
    }
    let parts: Vec<_> = (0..threads).map(|_| Plain::new(0)).collect();
    thread::scope(|s| {
        for number in 0..threads {
            let parts = &parts;
            s.spawn(move || use_locks(threads, number, parts));
        }
        POSTED.set(7);
        for _ in 0..threads {
            // SAFETY: it was initialised above.
            unsafe { sem_post(SEMAPHORE.get()) };
        }
    });
}

fn c_unlocked_reader(_: usize) {
    in_turn(
        || {
            unsafe { pthread_mutex_lock(MUTEX.get()) };
            COUNT.set(1); // race: c_unlocked_reader
            unsafe { pthread_mutex_unlock(MUTEX.get()) };
        },
        || {
            let count = COUNT.get(); // race: c_unlocked_reader
            assert_eq!(count, 1);
        },
    );
}

fn c_writes_under_a_read_lock(threads: usize) {
    let all = Meeting::of(threads);
    thread::scope(|s| {
        for _ in 0..threads {
            s.spawn(|| {
                unsafe { pthread_rwlock_rdlock(RWLOCK.get()) };
                all.meet();
                *SHARED.reach() += 1; // race: c_writes_under_a_read_lock
                unsafe { pthread_rwlock_unlock(RWLOCK.get()) };
            });
        }
    });
}

/// The semaphore has a permit from the beginning, which nobody posted.
fn c_semaphore_without_a_post(_: usize) {
    unsafe { sem_init(SEMAPHORE.get(), 0, 1) };
    in_turn(
        || {
            POSTED.set(7); // race: c_semaphore_without_a_post
        },
        || {
            unsafe { sem_wait(SEMAPHORE.get()) };
            POSTED.get(); // race: c_semaphore_without_a_post
        },
    );
}

fn send(to: &mut impl Write, value: u64) {
    let pointer = Box::into_raw(Box::new(value)).expose_provenance();
    to.write_all(&pointer.to_ne_bytes()).unwrap();
}

fn receive(from: &mut impl Read) -> u64 {
    let mut bytes = [0; size_of::<usize>()];
    from.read_exact(&mut bytes).unwrap();
    let pointer = ptr::with_exposed_provenance_mut(usize::from_ne_bytes(bytes));
    // SAFETY: `send` has made it of a box, for this one receiver.
    *unsafe { Box::from_raw(pointer) }
}

fn sum(mut reader: PipeReader, count: u64) -> u64 {
    (0..count).map(|_| receive(&mut reader)).sum()
}

/// Pointers that go from thread to thread by way of the system.
fn pipes_and_sockets(threads: usize) {
    for _ in 1..threads {
        let (reader, mut writer) = pipe().unwrap();
        let (mut here, mut there) = UnixStream::pair().unwrap();
        let summing = thread::spawn(move || {
            let total = sum(reader, 50);
            send(&mut there, total);
        });
        for value in 0..50 {
            send(&mut writer, value);
        }
        assert_eq!(receive(&mut here), 1225);
        summing.join().unwrap();
    }
}

/// Child processes, with pipes that threads read.
fn child_processes(threads: usize) {
    thread::scope(|s| {
        for number in 0..threads {
            s.spawn(move || {
                let mut cat = Command::new("cat");
                let mut child = cat
                    .stdin(Stdio::piped())
                    .stdout(Stdio::piped())
                    .spawn()
                    .unwrap();
                let mut input = child.stdin.take().unwrap();
                let mut output = child.stdout.take().unwrap();
                let writer = thread::spawn(move || write!(input, "{number}").unwrap());
                let mut text = String::new();
                output.read_to_string(&mut text).unwrap();
                writer.join().unwrap();
                assert!(child.wait().unwrap().success());
                assert_eq!(text, number.to_string());
            });
        }
    });
}

/// As little as there can be, of which the detector needs its part.
fn small_stacks(threads: usize) {
    let work = |number: usize| {
        let texts = (0..100).map(|n| (n, (n + number).to_string()));
        let map: BTreeMap<usize, String> = texts.collect();
        map.values().map(String::as_str).collect::<String>()
    };
    thread::scope(|s| {
        let start = |number| {
            let small = thread::Builder::new().stack_size(1);
            small.spawn_scoped(s, move || work(number)).unwrap()
        };
        let all: Vec<_> = (0..threads).map(start).collect();
        for thread in all {
            assert!(thread.join().unwrap().len() >= 190);
        }
    });
}
