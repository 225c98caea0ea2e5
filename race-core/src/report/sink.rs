//! Where findings go: to the scope they belong to, or to the log, once each.
//!
//! The log is written with one system call a report and no lock of `std`'s: the program may hold `stderr`'s while it races.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use super::build::{self, Finding};
use super::race::{Pair, Race};
use super::scope::{Offer, Scope};
use super::{Place, Recorded, json, text};
use crate::fork::{Lock, PerProcess};
use crate::options::{Format, LogTarget};
use crate::primitive::global;
use crate::runtime;
use crate::stack::depot::ContextId;
use crate::stack::symbols::Paths;
use crate::thread::record::Record;
use crate::thread::state::ThreadState;

/// Races that went to the log, or would have but for `max_reports`.
static COUNT: AtomicU64 = AtomicU64::new(0);

static LOGGED: PerProcess<Lock<HashSet<Pair>>> = PerProcess::new();

type Contexts = (Option<ContextId>, Option<ContextId>);

/// Pairs of contexts that a suppression is known to match, so that their symbols are looked up once.
static SUPPRESSED: PerProcess<Lock<Vec<Contexts>>> = PerProcess::new();

/// The races reported so far that no collector took: what `Found N data race(s)` will say at exit.
pub fn count() -> u64 {
    COUNT.load(Relaxed)
}

/// What was reported so far was another process, of which this one is a `fork`.
#[cfg(unix)]
pub(crate) fn forget_count() {
    COUNT.store(0, Relaxed);
}

/// Reports the race unless it is known or suppressed.
pub(super) fn offer(
    thread: &ThreadState,
    other: &Record,
    current: Recorded,
    previous: Recorded,
    place: &Place,
) {
    let contexts = (current.context, previous.context);
    if SUPPRESSED.get().lock().contains(&contexts) {
        return;
    }
    let pair = Pair::new(build::pair_site(&current), build::pair_site(&previous));
    let scopes = [thread.scope.as_ref(), other.scope.as_ref()];
    let build = || {
        let finding = Finding {
            thread,
            other,
            current,
            previous,
            place,
        };
        build::race(
            &finding,
            &Arc::new(Paths::of_this_process(runtime::options())),
        )
    };
    let mut built: Option<Race> = None;
    if !runtime::options().suppressions.is_empty() {
        let race = built.insert(build());
        if is_suppressed(race) {
            SUPPRESSED.get().lock().push(contexts);
            return;
        }
    }
    for scope in scopes.into_iter().flatten() {
        match scope.claim(&pair) {
            Offer::Duplicate => return,
            Offer::Closed => {}
            Offer::Taken => {
                give(scope, built.take().unwrap_or_else(build));
                return;
            }
        }
    }
    if LOGGED.get().lock().insert(pair) {
        deliver(built.unwrap_or_else(build));
    }
}

fn give(scope: &Scope, race: Race) {
    if let Some(race) = scope.give(race) {
        deliver(race);
    }
}

fn is_suppressed(race: &Race) -> bool {
    let frames = race.accesses().into_iter().flat_map(|access| {
        access.stack.iter().enumerate().map(|(depth, frame)| {
            (
                depth,
                frame.function.as_str(),
                frame.site.as_ref().map(|site| site.file.as_str()),
            )
        })
    });
    runtime::options()
        .suppressions
        .suppresses(frames, race.location.label().or(race.location.name()))
        .is_some()
}

/// Sends a race to the log.
#[cold]
pub(crate) fn deliver(race: Race) {
    let options = runtime::options();
    let number = COUNT.fetch_add(1, Relaxed) + 1;
    if options.max_reports == 0 || number <= options.max_reports {
        log(&match options.format {
            Format::Text => {
                let mut out = String::new();
                text::render(&race, options.colored(), &mut out)
                    .expect("writing to a String can't fail");
                out
            }
            Format::Json => json::race(&race),
        });
    }
    if options.halt_on_error {
        runtime::exit_now(&summary());
    }
}

/// The last line of a run with races.
pub(crate) fn summary() -> String {
    match runtime::options().format {
        Format::Text => format!("Found {} data race(s)\n", count()),
        Format::Json => json::summary(count()),
    }
}

/// Writes `text` to the log that the options name; to stderr, and why, if that fails.
pub(crate) fn log(text: &str) {
    global! {
        static WRITING: Lock<()> = Lock::new(());
    }
    let _one_at_a_time = WRITING.lock();
    let log = &runtime::options().log;
    let written = match log {
        LogTarget::Stderr => write_to(Standard::Error, text),
        LogTarget::Stdout => write_to(Standard::Output, text),
        LogTarget::File(_) => open(log).and_then(|mut file| file.write_all(text.as_bytes())),
    };
    if let Err(error) = written {
        // There is nobody left to tell if stderr is closed too.
        let _ = write_to(
            Standard::Error,
            &format!("racecheck: can't write to log_path: {error}\n{text}"),
        );
    }
}

fn open(log: &LogTarget) -> io::Result<File> {
    let path = log
        .file(std::process::id())
        .ok_or_else(|| io::Error::other("not a file"))?;
    OpenOptions::new().create(true).append(true).open(path)
}

#[derive(Clone, Copy)]
enum Standard {
    Output,
    Error,
}

#[cfg(unix)]
fn write_to(target: Standard, text: &str) -> io::Result<()> {
    let descriptor = match target {
        Standard::Output => libc::STDOUT_FILENO,
        Standard::Error => libc::STDERR_FILENO,
    };
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        // SAFETY: the pointer and the length are those of a live slice.
        let written = unsafe { libc::write(descriptor, rest.as_ptr().cast(), rest.len()) };
        match usize::try_from(written) {
            Ok(written) => rest = &rest[written..],
            Err(_) => {
                let error = io::Error::last_os_error();
                if error.kind() != io::ErrorKind::Interrupted {
                    return Err(error);
                }
            }
        }
    }
    Ok(())
}

#[cfg(not(unix))]
fn write_to(target: Standard, text: &str) -> io::Result<()> {
    match target {
        Standard::Output => io::stdout().write_all(text.as_bytes()),
        Standard::Error => io::stderr().write_all(text.as_bytes()),
    }
}
