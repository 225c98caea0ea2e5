//! Races while something is short, or taken, in the way that its first argument names.

mod unordered;

use std::ffi::{c_int, c_void};
use std::hint::black_box;
use std::ptr;
use std::sync::mpsc;

use racecheck::{Shared, thread};

use unordered::unordered;

static VALUE: Shared<u64> = Shared::new(0);

fn race() {
    unordered(
        || VALUE.set(1),
        || {
            black_box(VALUE.get());
        },
    );
}

/// No more memory than this, in bytes.
fn limit(bytes: u64) {
    let limit = libc::rlimit {
        rlim_cur: bytes,
        rlim_max: bytes,
    };
    // SAFETY: a valid limit.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0);
}

extern "C" fn races(_: *mut libc::dl_phdr_info, _: usize, raced: *mut c_void) -> c_int {
    // SAFETY: `main` passes a `bool` of its own.
    let raced = unsafe { &mut *raced.cast::<bool>() };
    if !*raced {
        *raced = true;
        race();
    }
    0
}

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("little-memory") => {
            limit(100 << 20);
            race();
        }
        Some("raw-memory") => {
            limit(200 << 20);
            let here = std::panic::Location::caller();
            for page in 0..50_000 {
                race_core::shadow::range::access(
                    (1 << 40) + page * 4096,
                    8,
                    race_core::shadow::range::AccessKind::Write,
                    Some(here),
                );
            }
        }
        Some("loader") => {
            let mut raced = false;
            // SAFETY: the callback gets the `bool` that it wants.
            unsafe { libc::dl_iterate_phdr(Some(races), ptr::from_mut(&mut raced).cast()) };
            assert!(raced);
        }
        Some("getchar") => {
            race();
            let (ready, is_ready) = mpsc::channel();
            thread::spawn(move || {
                unsafe extern "C" {
                    static stdin: *mut libc::FILE;
                    fn flockfile(stream: *mut libc::FILE);
                }
                // SAFETY: C's own stream; what `getchar` does for as long as it waits.
                unsafe { flockfile(stdin) };
                ready.send(()).unwrap();
                loop {
                    std::thread::park();
                }
            });
            is_ready.recv().unwrap();
            // SAFETY: a NUL-terminated text without a format.
            unsafe { libc::printf(c"by C".as_ptr()) };
        }
        other => panic!("unknown way {other:?}"),
    }
    print!("done");
}
