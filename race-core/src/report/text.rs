//! The report as text: Go's grammar, with `thread` for `goroutine`; extra sections follow Go's.

use std::fmt::{self, Write};

use anstyle::{AnsiColor, Style};

use super::deadlock::{Deadlock, DeadlockKind, DeadlockLock, Goal, Waiter};
use super::race::{Access, Frame, HeldLock, Operation, Race, ThreadInfo};

const RULE: &str = "==================";

/// The styles of a report; all empty where there is no colour.
#[derive(Default)]
struct Theme {
    warning: Style,
    heading: Style,
    why: Style,
    help: Style,
}

impl Theme {
    fn colored() -> Theme {
        Theme {
            warning: AnsiColor::Red.on_default().bold(),
            heading: Style::new().bold(),
            why: AnsiColor::Yellow.on_default().bold(),
            help: AnsiColor::Green.on_default().bold(),
        }
    }
}

fn styled(style: Style, text: impl fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Writes `race`, from rule to rule.
pub(crate) fn render(race: &Race, color: bool, out: &mut impl Write) -> fmt::Result {
    let theme = if color {
        Theme::colored()
    } else {
        Theme::default()
    };
    let Race {
        current,
        previous,
        location,
        why,
        help,
    } = race;
    writeln!(
        out,
        "{RULE}\n{}",
        styled(theme.warning, "WARNING: DATA RACE")
    )?;
    access(
        out,
        &theme,
        &capital(&current.operation.to_string()),
        current,
        location.address,
    )?;
    writeln!(out)?;
    access(
        out,
        &theme,
        &format!("Previous {}", previous.operation),
        previous,
        location.address,
    )?;
    writeln!(out)?;
    let name = match (
        &location.label,
        location.name.as_ref().or(location.global.as_ref()),
    ) {
        (Some(label), _) if location.kind.is_empty() => format!("`{label}`"),
        (Some(label), _) => format!("{} `{label}`", location.kind),
        (None, Some(name)) => format!("`{name}`"),
        (None, None) => "raw memory".to_owned(),
    };
    write!(out, "Location is {name} ({})", bytes(location.size))?;
    match &location.created_at {
        Some(site) => writeln!(out, ", created at {site}")?,
        None => block(out, race)?,
    }
    for thread in [&current.thread, &previous.thread] {
        creation(out, &theme, thread)?;
    }
    writeln!(out)?;
    for access in [current, previous] {
        writeln!(
            out,
            "{} held: {}",
            capital(&access.thread.short()),
            locks(&access.held)
        )?;
    }
    explanation(out, &theme, why, help)
}

fn explanation(out: &mut impl Write, theme: &Theme, why: &[String], help: &str) -> fmt::Result {
    writeln!(out)?;
    for (index, line) in why.iter().enumerate() {
        let label = if index == 0 {
            styled(theme.why, "Why:")
        } else {
            "    ".to_owned()
        };
        writeln!(out, "{label} {line}")?;
    }
    writeln!(out, "{} {help}", styled(theme.help, "Help:"))?;
    writeln!(out, "{RULE}")
}

/// Writes `deadlock`, from rule to rule.
pub(crate) fn render_deadlock(
    deadlock: &Deadlock,
    color: bool,
    out: &mut impl Write,
) -> fmt::Result {
    let theme = if color {
        Theme::colored()
    } else {
        Theme::default()
    };
    let Deadlock {
        kind,
        waiters,
        why,
        help,
    } = deadlock;
    let warning = match kind {
        DeadlockKind::LockOrder => "WARNING: POTENTIAL DEADLOCK",
        DeadlockKind::SelfDeadlock | DeadlockKind::Deadlock => "WARNING: DEADLOCK",
    };
    writeln!(out, "{RULE}\n{}", styled(theme.warning, warning))?;
    for (index, waiter) in waiters.iter().enumerate() {
        let what = goal(*kind, &waiter.goal, index > 0);
        let heading = format!("{what} by {}:", full(&waiter.thread));
        writeln!(out, "{}", styled(theme.heading, heading))?;
        frames(out, &waiter.stack)?;
        writeln!(out)?;
    }
    for lock in deadlock_locks(waiters) {
        writeln!(out, "{lock} was {} at {}", lock.origin, lock.created_at)?;
    }
    for waiter in waiters {
        creation(out, &theme, &waiter.thread)?;
    }
    writeln!(out)?;
    for waiter in waiters {
        let name = capital(&waiter.thread.short());
        writeln!(out, "{name} held: {}", holdings(waiter))?;
    }
    explanation(out, &theme, why, help)
}

/// What a thread of a deadlock does, in a heading.
fn goal(kind: DeadlockKind, goal: &Goal, later: bool) -> String {
    let text = match goal {
        Goal::Lock { lock, shared } => {
            let mode = if *shared { "read lock" } else { "lock" };
            match kind {
                DeadlockKind::LockOrder if later => format!("previous {mode} of {lock}"),
                DeadlockKind::LockOrder => format!("{mode} of {lock}"),
                _ => format!("wait for a {mode} of {lock}"),
            }
        }
        Goal::Thread { number } => format!("wait for the end of thread {number}"),
        Goal::Scope => "wait for the threads of a scope".to_owned(),
    };
    capital(&text)
}

/// The locks of a deadlock, in the order of their numbers.
fn deadlock_locks(waiters: &[Waiter]) -> Vec<&DeadlockLock> {
    let mut locks: Vec<&DeadlockLock> = Vec::new();
    for waiter in waiters {
        let wanted = match &waiter.goal {
            Goal::Lock { lock, .. } => Some(lock),
            Goal::Thread { .. } | Goal::Scope => None,
        };
        locks.extend(wanted);
        locks.extend(waiter.held.iter().map(|held| &held.lock));
    }
    locks.sort_by_key(|lock| lock.number);
    locks.dedup_by_key(|lock| lock.number);
    locks
}

fn holdings(waiter: &Waiter) -> String {
    if waiter.held.is_empty() {
        return "nothing".to_owned();
    }
    let one = |held: &super::deadlock::Holding| {
        let mode = if held.shared { " for reading" } else { "" };
        format!("{}{mode} locked at {}", held.lock, held.locked_at)
    };
    let all: Vec<String> = waiter.held.iter().map(one).collect();
    all.join(", ")
}

fn access(
    out: &mut impl Write,
    theme: &Theme,
    what: &str,
    access: &Access,
    address: usize,
) -> fmt::Result {
    let heading = format!("{what} at {address:#x} by {}:", full(&access.thread));
    writeln!(out, "{}", styled(theme.heading, heading))?;
    frames(out, &access.stack)
}

fn frames(out: &mut impl Write, stack: &[Frame]) -> fmt::Result {
    if stack.is_empty() {
        writeln!(
            out,
            "  [no frames: the code was built without unwind tables]"
        )?;
    }
    for frame in stack {
        writeln!(out, "  {}()", frame.function)?;
        match &frame.site {
            Some(site) => writeln!(out, "      {site} +{:#x}", frame.offset)?,
            None => writeln!(out, "      [no debug information] +{:#x}", frame.offset)?,
        }
    }
    Ok(())
}

/// The end of the line about raw memory, and who allocated it.
fn block(out: &mut impl Write, race: &Race) -> fmt::Result {
    let location = &race.location;
    if let Some(thread) = &location.stack_of {
        return writeln!(out, ", on the stack of {}", full(thread));
    }
    let Some(block) = &location.block else {
        return writeln!(out);
    };
    writeln!(
        out,
        ", at offset {} of a heap block of {}, allocated by {} at:",
        location.address - block.address,
        bytes(block.size),
        full(&block.allocated_by)
    )?;
    frames(out, &block.allocated_at)?;
    let is_free = |access: &&Access| access.operation == Operation::Free;
    match &block.freed_by {
        // Otherwise it is one of the two accesses.
        Some(by) if !race.accesses().iter().any(is_free) => {
            writeln!(out, "Freed by {} at:", full(by))?;
            frames(out, &block.freed_at)
        }
        _ => Ok(()),
    }
}

fn creation(out: &mut impl Write, theme: &Theme, thread: &ThreadInfo) -> fmt::Result {
    if thread.number == 1 {
        return Ok(());
    }
    let state = if thread.finished {
        "finished"
    } else {
        "running"
    };
    let name = capital(&full(thread));
    if thread.created_at.is_empty() {
        return writeln!(
            out,
            "\n{name} ({state}) was found running: racecheck did not see its creation"
        );
    }
    writeln!(out)?;
    writeln!(
        out,
        "{}",
        styled(theme.heading, format!("{name} ({state}) created at:"))
    )?;
    frames(out, &thread.created_at)
}

/// "main thread", or "thread 3 'worker-1'".
fn full(thread: &ThreadInfo) -> String {
    match (thread.number, &thread.name) {
        (1, _) => "main thread".to_owned(),
        (number, Some(name)) => format!("thread {number} '{name}'"),
        (number, None) => format!("thread {number}"),
    }
}

fn locks(held: &[HeldLock]) -> String {
    if held.is_empty() {
        return "nothing".to_owned();
    }
    let one = |lock: &HeldLock| {
        format!(
            "{} ({} at {}) locked at {}",
            lock.kind, lock.origin, lock.created_at, lock.locked_at
        )
    };
    held.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn bytes(size: usize) -> String {
    format!("{size} byte{}", if size == 1 { "" } else { "s" })
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + letters.as_str()
    })
}
