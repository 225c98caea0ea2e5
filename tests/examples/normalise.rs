//! Makes reports comparable: what may differ between two runs, or between two builds, is replaced or left out.

use regex_lite::{Captures, Regex};

/// The output of a run without what differs in the next one: addresses, code offsets, which of several like threads it was, and whether it
/// was still running.
pub(crate) fn run(stderr: &str) -> String {
    let replacements = [
        (r"at 0x[0-9a-f]+ by", "at [address] by"),
        (r"(of size [0-9]+) at 0x[0-9a-f]+", "$1 at [address]"),
        (r" \+0x[0-9a-f]+", " +[offset]"),
        (r"\((running|finished)\)", "(running or finished)"),
        // The operating system's number of a thread that panicked.
        (r"(thread '[^']*') \([0-9]+\) panicked", "$1 panicked"),
    ];
    let mut text = stderr.to_owned();
    for (pattern, replacement) in replacements {
        let pattern = Regex::new(pattern).unwrap();
        text = pattern.replace_all(&text, replacement).into_owned();
    }
    let text = in_order_of_appearance(&text);
    let reports: Vec<String> = text.split(RULE).map(of_like_threads).collect();
    reports.join(RULE)
}

const RULE: &str = "==================";

/// Where both threads are at one line that reads and writes, chance decides which of the two operations meet.
fn of_like_threads(report: &str) -> String {
    let site = r"[^\n]*\n  [^\n]*\n      (\S+)";
    let sites = Regex::new(&format!(
        r"(?s)(?:Read|Write) at{site}.*Previous (?:read|write) at{site}"
    ))
    .unwrap();
    let is_one_line = |found: Captures<'_>| found[1] == found[2];
    if !sites.captures(report).is_some_and(is_one_line) {
        return report.to_owned();
    }
    let mut text = report.to_owned();
    for (pattern, replacement) in [
        (r"(?m)^(Read|Write) at", "Access at"),
        (r"(?m)^Previous (read|write) at", "Previous access at"),
        (r"(since its|before this) (read|write)", "$1 access"),
    ] {
        let pattern = Regex::new(pattern).unwrap();
        text = pattern.replace_all(&text, replacement).into_owned();
    }
    text
}

/// `thread 3 'worker-1'` becomes `thread A 'worker-A'` if it is the first thread in the text: which of the workers raced, and which of the
/// two was first, is not the same in every run.
fn in_order_of_appearance(text: &str) -> String {
    let thread = Regex::new(r"(?<word>[Tt]hread) (?<number>[0-9]+)( '(?<name>[^']*)')?").unwrap();
    let mut numbers = Vec::new();
    let letter = |captures: &Captures<'_>| {
        let number = captures["number"].to_owned();
        let index = numbers.iter().position(|known| *known == number);
        let index = index.unwrap_or_else(|| {
            numbers.push(number);
            numbers.len() - 1
        });
        let letter = char::from(b'A' + u8::try_from(index).unwrap());
        let name = captures.name("name").map_or_else(String::new, |name| {
            let stem = name.as_str().trim_end_matches(|c: char| c.is_ascii_digit());
            let is_one_of_several = stem.len() < name.len();
            let index = if is_one_of_several {
                letter.to_string()
            } else {
                String::new()
            };
            format!(" '{stem}{index}'")
        });
        format!("{} {letter}{name}", &captures["word"])
    };
    thread.replace_all(text, letter).into_owned()
}

/// A normalised report without what inlining changes: of every stack only the innermost source line is left.
pub(crate) fn without_callers(report: &str) -> String {
    let is_function = |line: &str| line.starts_with("  ") && line.ends_with("()");
    let is_site = |line: &str| line.starts_with("      ");
    let mut kept = String::new();
    let mut in_stack = false;
    for line in report.lines() {
        if is_function(line) || (is_site(line) && in_stack) {
            continue;
        }
        in_stack = is_site(line);
        kept.push_str(line);
        kept.push('\n');
    }
    kept
}

#[test]
fn threads_are_named_by_appearance() {
    let text = "Read by thread 4 'worker-12':\nPrevious write by thread 2 'main':\nThread 2, thread 4\nthread 'a'";
    assert_eq!(
        run(text),
        "Read by thread A 'worker-A':\nPrevious write by thread B 'main':\nThread B, thread A\nthread 'a'"
    );
}

#[test]
fn only_at_one_line_the_operations_may_differ() {
    let report = |line: u32| {
        format!(
            "Read at x:\n  a()\n      a.rs:1\n\nPrevious write at x:\n  a()\n      a.rs:{line}\n"
        )
    };
    assert_eq!(run(&report(2)), report(2));
    assert!(run(&report(1)).starts_with("Access at"));
}

#[test]
fn callers_are_left_out() {
    let text = "Read by:\n  a()\n      a.rs:1\n  b()\n      b.rs:2\n\nThread created at:\n  c()\n      c.rs:3\n\nWhy: x\n     y\n";
    assert_eq!(
        without_callers(text),
        "Read by:\n      a.rs:1\n\nThread created at:\n      c.rs:3\n\nWhy: x\n     y\n"
    );
}
