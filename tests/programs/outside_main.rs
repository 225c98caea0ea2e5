//! Uses a tracked value before `main` or after it, in the way that its first argument names. The second one is `racy` or `ordered`: what the
//! other use has to do with it.

mod unordered;

use std::cell::Cell;
use std::hint::black_box;
use std::sync::mpsc;

use racecheck::sync::Mutex;
use racecheck::{Shared, thread};

use unordered::unordered;

static VALUE: Shared<u64> = Shared::new(0);
static LOCK: Mutex<u64> = Mutex::new(0);

#[cfg(unix)]
extern "C" fn before_main() {
    let argument = |index| std::env::args().nth(index);
    if argument(1).as_deref() == Some("constructor") {
        let ordered = argument(2).as_deref() == Some("ordered");
        two_uses(ordered);
    }
}

#[cfg(target_os = "linux")]
#[used]
// SAFETY: the section holds pointers to functions of this type.
#[unsafe(link_section = ".init_array")]
static BEFORE_MAIN: extern "C" fn() = before_main;

/// By a thread and by this one, under the lock or without.
fn two_uses(ordered: bool) {
    let uses = move || {
        let guard = ordered.then(|| LOCK.lock().unwrap());
        VALUE.update(|n| n + 1);
        drop(guard);
    };
    unordered(uses, uses);
}

/// By a thread that goes on.
fn one_use(ordered: bool) {
    let (done, wait) = mpsc::channel();
    let other = thread::spawn(move || {
        VALUE.set(1);
        done.send(()).unwrap();
    });
    wait.recv().unwrap();
    if ordered {
        other.join().unwrap();
    }
}

extern "C" fn reads() {
    black_box(VALUE.get());
}

extern "C" fn two_ordered_uses() {
    two_uses(true);
}

extern "C" fn two_racy_uses() {
    two_uses(false);
}

fn at_exit(handler: extern "C" fn()) {
    // SAFETY: the handler may be called at any time until the process ends.
    assert_eq!(unsafe { libc::atexit(handler) }, 0);
}

struct Reads;

impl Drop for Reads {
    fn drop(&mut self) {
        reads();
    }
}

thread_local! {
    static AT_END: Cell<Option<Reads>> = const { Cell::new(None) };
}

fn main() {
    let ordered = match std::env::args().nth(2).as_deref() {
        Some("ordered") => true,
        Some("racy") => false,
        other => panic!("unknown order {other:?}"),
    };
    match std::env::args().nth(1).as_deref() {
        Some("constructor") => {}
        Some("exit-handler") => {
            at_exit(reads);
            one_use(ordered);
        }
        Some("threads-of-an-exit-handler") => {
            at_exit(if ordered {
                two_ordered_uses
            } else {
                two_racy_uses
            });
        }
        Some("thread-local") => {
            AT_END.set(Some(Reads));
            one_use(ordered);
        }
        other => panic!("unknown way {other:?}"),
    }
}
