//! Where findings go: to the scope they belong to, or to the log, once each.
//!
//! The log is written with one system call a report and no lock of `std`'s: the program may hold `stderr`'s while it races.

use std::collections::HashSet;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use super::build::{self, Finding as Raced};
use super::build_deadlock;
use super::deadlock::{Deadlock, DeadlockKind};
use super::race::{Frame, Key, Pair, Race};
use super::scope::{Offer, SharedScope};
use super::suppressions::Family;
use super::{Finding, Place, Recorded, json, text};
use crate::deadlock::Party;
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

/// Deadlocks likewise.
static DEADLOCKS: AtomicU64 = AtomicU64::new(0);
/// Both, for `max_reports`.
static DELIVERED: AtomicU64 = AtomicU64::new(0);

static LOGGED: PerProcess<Lock<HashSet<Key>>> = PerProcess::new();

type Contexts = (Option<ContextId>, Option<ContextId>);

/// Pairs of contexts that a suppression is known to match, so that their symbols are looked up once.
static SUPPRESSED: PerProcess<Lock<HashSet<Contexts>>> = PerProcess::new();
static SUPPRESSED_DEADLOCKS: PerProcess<Lock<HashSet<Key>>> = PerProcess::new();

/// The races reported so far that no collector took: what `Found N data race(s)` will say at exit.
pub fn count() -> u64 {
    COUNT.load(Relaxed)
}

/// The deadlocks reported so far that no collector took.
pub fn deadlock_count() -> u64 {
    DEADLOCKS.load(Relaxed)
}

/// Both.
pub(crate) fn total() -> u64 {
    count() + deadlock_count()
}

/// What was reported so far was another process, of which this one is a `fork`.
#[cfg(unix)]
pub(crate) fn forget_count() {
    COUNT.store(0, Relaxed);
    DEADLOCKS.store(0, Relaxed);
    DELIVERED.store(0, Relaxed);
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
    let key = Key::Race(Pair::new(
        build::pair_site(&current),
        build::pair_site(&previous),
    ));
    let scopes = [thread.scope.as_ref(), other.scope.as_ref()];
    let build = || {
        let finding = Raced {
            thread,
            other,
            current,
            previous,
            place,
        };
        build::race(&finding, &paths())
    };
    let mut built: Option<Race> = None;
    if !runtime::options().suppressions.is_empty() {
        // Names take long to look up. Nothing would come of it if only the log were asked, and has the pair.
        if scopes.iter().all(Option::is_none) && LOGGED.get().lock().contains(&key) {
            return;
        }
        let race = built.insert(build());
        if is_suppressed(race) {
            SUPPRESSED.get().lock().insert(contexts);
            return;
        }
    }
    hand_over(scopes.into_iter().flatten(), key, || {
        Finding::Race(Box::new(built.take().unwrap_or_else(build)))
    });
}

fn paths() -> Arc<Paths> {
    Arc::new(Paths::of_this_process(runtime::options()))
}

/// Gives a finding to the first of these scopes that is open, or to the log, unless it is there already.
fn hand_over<'a>(
    scopes: impl Iterator<Item = &'a SharedScope>,
    key: Key,
    build: impl FnOnce() -> Finding,
) {
    for scope in scopes {
        match scope.claim(&key) {
            Offer::Duplicate => return,
            Offer::Closed => {}
            Offer::Taken => {
                if let Some(finding) = scope.give(build()) {
                    deliver(finding);
                }
                return;
            }
        }
    }
    if LOGGED.get().lock().insert(key) {
        deliver(build());
    }
}

/// Reports a deadlock that lets the program go on, unless it is known or suppressed. The first party is `thread`.
pub(super) fn offer_deadlock(thread: &ThreadState, kind: DeadlockKind, parties: &[&Party]) {
    let key = build_deadlock::key(kind, parties);
    if SUPPRESSED_DEADLOCKS.get().lock().contains(&key) {
        return;
    }
    let mut built = None;
    if !runtime::options().suppressions.is_empty() {
        built = unsuppressed(kind, parties);
        if built.is_none() {
            SUPPRESSED_DEADLOCKS.get().lock().insert(key);
            return;
        }
    }
    let others = parties.iter().map(|party| party.record.scope.as_ref());
    let scopes = std::iter::once(thread.scope.as_ref()).chain(others);
    hand_over(scopes.flatten(), key, || {
        let build = || build_deadlock::deadlock(kind, parties, &paths());
        Finding::Deadlock(Box::new(built.unwrap_or_else(build)))
    });
}

/// The deadlock, unless a suppression matches it.
pub(super) fn unsuppressed(kind: DeadlockKind, parties: &[&Party]) -> Option<Deadlock> {
    let deadlock = build_deadlock::deadlock(kind, parties, &paths());
    let frames = deadlock
        .waiters
        .iter()
        .flat_map(|waiter| names(&waiter.stack));
    let suppressions = &runtime::options().suppressions;
    let hit = suppressions.suppresses(Family::Deadlock, paths().root(), frames, None);
    hit.is_none().then_some(deadlock)
}

/// The names in a stack that suppressions are compared with, each with its depth.
fn names(stack: &[Frame]) -> impl Iterator<Item = (usize, &str, Option<&str>)> {
    stack.iter().enumerate().map(|(depth, frame)| {
        (
            depth,
            frame.function.as_str(),
            frame.site.as_ref().map(|site| site.file.as_str()),
        )
    })
}

fn is_suppressed(race: &Race) -> bool {
    let frames = (race.accesses().into_iter()).flat_map(|access| names(&access.stack));
    runtime::options()
        .suppressions
        .suppresses(
            Family::Race,
            paths().root(),
            frames,
            race.location.label().or(race.location.name()),
        )
        .is_some()
}

/// Sends a finding to the log.
#[cold]
pub(crate) fn deliver(finding: Finding) {
    let options = runtime::options();
    match &finding {
        Finding::Race(_) => COUNT.fetch_add(1, Relaxed),
        Finding::Deadlock(_) => DEADLOCKS.fetch_add(1, Relaxed),
    };
    let number = DELIVERED.fetch_add(1, Relaxed) + 1;
    if options.max_reports == 0 || number <= options.max_reports {
        log(&match options.format {
            Format::Text => {
                let mut out = String::new();
                let colored = options.colored();
                match &finding {
                    Finding::Race(race) => text::render(race, colored, &mut out),
                    Finding::Deadlock(deadlock) => {
                        text::render_deadlock(deadlock, colored, &mut out)
                    }
                }
                .expect("writing to a String can't fail");
                out
            }
            Format::Json => match &finding {
                Finding::Race(race) => json::race(race),
                Finding::Deadlock(deadlock) => json::deadlock(deadlock),
            },
        });
    }
    if options.halt_on_error {
        runtime::exit_now(&summary());
    }
}

/// The last line of a run with findings.
pub(crate) fn summary() -> String {
    match runtime::options().format {
        Format::Text => format!("{Summary}\n"),
        Format::Json => json::summary(count(), deadlock_count()),
    }
}

/// How many there were, in words.
pub(crate) struct Summary;

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (count(), deadlock_count()) {
            (races, 0) => write!(f, "Found {races} data race(s)"),
            (0, deadlocks) => write!(f, "Found {deadlocks} deadlock(s)"),
            (races, deadlocks) => {
                write!(f, "Found {races} data race(s) and {deadlocks} deadlock(s)")
            }
        }
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
