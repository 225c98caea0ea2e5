//! Leaves output in every buffer there is, and writes more while it ends; one of its exit handlers finds a race.
//!
//! Ends by `return` or `exit`, as its argument says.

use std::ffi::CStr;
use std::hint::black_box;
use std::sync::mpsc;

use racecheck::{Shared, thread};

static VALUE: Shared<u64> = Shared::new(0);

fn print_with_c(text: &CStr) {
    // SAFETY: both are NUL-terminated, and the format takes one string.
    unsafe { libc::printf(c"%s".as_ptr(), text.as_ptr()) };
}

extern "C" fn first_registered() {
    print_with_c(c"first registered\n");
}

extern "C" fn last_registered() {
    black_box(VALUE.get());
    print_with_c(c"last registered\n");
}

#[cfg(target_os = "linux")]
extern "C" fn destructor() {
    print_with_c(c"destructor\n");
}

#[cfg(target_os = "linux")]
#[used]
// SAFETY: the section holds pointers to functions of this type.
#[unsafe(link_section = ".fini_array")]
static DESTRUCTOR: extern "C" fn() = destructor;

fn main() {
    for handler in [first_registered, last_registered] {
        // SAFETY: the handler may be called at any time until the process ends.
        assert_eq!(unsafe { libc::atexit(handler) }, 0);
    }
    // The handler reads after this in time; nobody joins the thread, and racecheck doesn't see `std`'s channel.
    let (done, wait) = mpsc::channel();
    thread::spawn(move || {
        VALUE.set(1);
        done.send(()).unwrap();
    });
    wait.recv().unwrap();
    print!("main by Rust, ");
    print_with_c(c"main by C, ");
    if std::env::args().nth(1).as_deref() == Some("exit") {
        std::process::exit(0);
    }
}
