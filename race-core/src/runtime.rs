//! Start-up and exit of the process: options before `main`, the summary and the exit status after everything else.
//!
//! The exit handler is the last entry of the program's `.fini_array`: it runs after all `atexit` handlers and other destructors of the
//! program, so coverage data and the like are on disk when it ends the process.

use std::fmt::{self, Write};

use once_cell::sync::OnceCell;

use crate::options::Options;
use crate::report::scope;
use crate::report::sink;
use crate::thread::local;

static OPTIONS: OnceCell<Options> = OnceCell::new();

/// The options of this run. Bad ones end the process here.
pub(crate) fn options() -> &'static Options {
    OPTIONS.get_or_init(|| {
        Options::from_env().unwrap_or_else(|error| {
            eprintln!("racecheck: {error}");
            end_process(2)
        })
    })
}

#[cfg(not(all(test, loom)))]
#[ctor::ctor(unsafe)]
fn start() {
    local::enter_bare(options);
    #[cfg(unix)]
    crate::fork::prepare();
    #[cfg(all(
        target_os = "linux",
        target_env = "gnu",
        not(target_feature = "crt-static")
    ))]
    {
        local::enter_bare(crate::thread::pthread::prepare);
        #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
        local::enter_bare(crate::malloc::prepare);
        crate::thread::signal::prepare();
    }
    // The main thread is thread 1, whoever comes first afterwards.
    local::enter(|_| ());
}

/// Says how many findings there were. Returns the exit status that says so too; `None` to leave the program's own.
fn finish() -> Option<u8> {
    local::enter_bare(|| {
        if !options().atexit_sleep.is_zero() {
            std::thread::sleep(options().atexit_sleep);
        }
        for finding in scope::close_all() {
            sink::deliver(finding);
        }
        if sink::total() > 0 {
            sink::log(&sink::summary());
        }
        // With `exitcode=0` races fail nobody; but they must not make a success of a failure either.
        (sink::total() > 0 && options().exit_code != 0).then_some(options().exit_code)
    })
    .flatten()
}

/// Ends the process at once, after a report.
pub(crate) fn exit_now(summary: &str) -> ! {
    sink::log(summary);
    end_process(options().exit_code)
}

/// Ends the process at once: its threads wait for each other. With `exitcode=0` it is no success either.
pub(crate) fn exit_deadlocked(summary: &str) -> ! {
    sink::log(summary);
    end_process(match options().exit_code {
        0 => Options::default().exit_code,
        status => status,
    })
}

/// Without running anything else: exit handlers have run, or must not.
fn end_process(status: u8) -> ! {
    #[cfg(unix)]
    // SAFETY: ends the process.
    unsafe {
        flush();
        libc::_exit(status.into())
    }
    #[cfg(not(unix))]
    std::process::exit(status.into())
}

/// Says a line on stderr, without a byte of memory.
pub(crate) fn say(line: fmt::Arguments<'_>) {
    let mut buffer = Line {
        text: [0; 512],
        len: 0,
    };
    // It takes what it can.
    let _ = buffer.write_fmt(line);
    let text = &buffer.text[..buffer.len];
    #[cfg(unix)]
    // SAFETY: the pointer and the length are those of a live slice.
    unsafe {
        libc::write(libc::STDERR_FILENO, text.as_ptr().cast(), text.len());
    }
    #[cfg(not(unix))]
    {
        // There is nobody else to tell.
        let _ = std::io::Write::write_all(&mut std::io::stderr(), text);
    }
}

/// A line without the heap.
struct Line {
    text: [u8; 512],
    len: usize,
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let rest = &mut self.text[self.len..];
        let fits = text.len().min(rest.len());
        rest[..fits].copy_from_slice(&text.as_bytes()[..fits]);
        self.len += fits;
        Ok(())
    }
}

/// Ends the process as it stands.
pub(crate) fn end_at_once(status: u8) -> ! {
    #[cfg(unix)]
    // SAFETY: ends the process.
    unsafe {
        libc::_exit(status.into())
    }
    #[cfg(not(unix))]
    std::process::abort()
}

/// Flushes C's streams, which the process would do after the last exit handler.
#[cfg(target_os = "linux")]
fn flush() {
    unsafe extern "C" {
        static stdin: *mut libc::FILE;
        static stdout: *mut libc::FILE;
        fn ftrylockfile(stream: *mut libc::FILE) -> std::ffi::c_int;
    }
    // SAFETY: C's streams and functions, as C has them. A thread that waits for input has locked `stdin`: C's own exit ignores that lock,
    // `fflush` of everything would wait for it. The lock counts, and is this thread's until the process ends.
    unsafe {
        if ftrylockfile(stdin) == 0 {
            libc::fflush(std::ptr::null_mut());
        } else {
            libc::fflush(stdout);
        }
    }
}

#[cfg(all(unix, not(target_os = "linux")))]
fn flush() {
    // SAFETY: null stands for every stream.
    unsafe { libc::fflush(std::ptr::null_mut()) };
}

extern "C" fn at_exit() {
    // `exit` is none of the functions that a handler may call, but where nothing was interrupted that matters it works.
    local::leave_handlers();
    if local::is_inside() {
        // By way of a handler that interrupted the engine, or of an allocator that it called. No memory may be used; the status need not be lost.
        let (count, status) = (sink::total(), options().exit_code);
        if count > 0 && status != 0 {
            say(format_args!("{}\n", sink::Summary));
            end_at_once(status);
        }
        return;
    }
    if let Some(status) = finish() {
        end_process(status);
    }
}

#[cfg(all(target_os = "linux", not(all(test, loom))))]
#[used]
// SAFETY: the section holds pointers to functions of this type. Entries with a low number run last.
#[unsafe(link_section = ".fini_array.00001")]
static AT_EXIT: extern "C" fn() = at_exit;

#[cfg(not(target_os = "linux"))]
#[ctor::ctor(unsafe)]
fn register_exit() {
    unsafe extern "C" {
        fn atexit(handler: extern "C" fn()) -> std::ffi::c_int;
    }
    // SAFETY: C's `atexit`, with a handler as it wants it. Registered before `main`, it runs after those registered later.
    unsafe { atexit(at_exit) };
}
