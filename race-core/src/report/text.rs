//! The report as text: Go's grammar, with `thread` for `goroutine`; extra sections follow Go's.

use std::fmt::{self, Write};

use anstyle::{AnsiColor, Style};

use super::race::{Access, Frame, HeldLock, Race, ThreadInfo};

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
    let name = match (&location.label, &location.name) {
        (Some(label), _) if location.kind.is_empty() => format!("`{label}`"),
        (Some(label), _) => format!("{} `{label}`", location.kind),
        (None, Some(name)) => format!("`{name}`"),
        (None, None) => "raw memory".to_owned(),
    };
    write!(out, "Location is {name} ({})", bytes(location.size))?;
    match &location.created_at {
        Some(site) => writeln!(out, ", created at {site}")?,
        None => writeln!(out)?,
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
            "{} (made at {}) locked at {}",
            lock.kind, lock.created_at, lock.locked_at
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
