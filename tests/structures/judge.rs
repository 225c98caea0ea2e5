//! Holds a suite against its claims: every weakening, and the documentation.

use std::sync::atomic::Ordering::{self, Relaxed};

use racecheck::check;

use crate::orderings::{Case, Suite, Table, Verdict};

/// How often a weakening that is silent runs under contention.
const SILENT_RUNS: usize = 100;

/// Each case: silent with the right orderings, and what it claims to be with its own. Each ordering has a case with `Relaxed` in
/// its place. Without the feature nothing is reported, but the schedules run and their results are right.
pub(crate) fn verdicts<O: Table>(suite: &Suite<O>) {
    for name in O::NAMES {
        let has_case = |case: &Case<O>| case.weakened == [(*name, Relaxed)];
        assert!(suite.cases.iter().any(has_case), "no case for {name}");
    }
    for case in suite.cases {
        println!("{:?}", case.weakened);
        silent(|| (case.schedule)(O::RIGHT));
        match case.verdict {
            Verdict::Reported(a, b) => {
                let outcome = check(|| (case.schedule)(case.orderings()));
                let [a, b] = [place(suite, a), place(suite, b)];
                if cfg!(not(feature = "race-check")) {
                    continue;
                }
                assert!(!outcome.races().is_empty(), "not reported: {a:?}, {b:?}");
                let race = &outcome.races()[0];
                assert!(race.is_between(a, b), "expected {a:?}, {b:?}:\n{race}");
            }
            Verdict::Harmless => {
                silent(|| (case.schedule)(case.orderings()));
                for _ in 0..SILENT_RUNS {
                    silent(|| (suite.contention)(case.orderings()));
                }
            }
            // Not under contention: it is wrong.
            Verdict::NotSeen => silent(|| (case.schedule)(case.orderings())),
        }
    }
}

fn silent(program: impl FnOnce()) {
    let outcome = check(program);
    assert!(outcome.races().is_empty(), "{}", outcome.races()[0]);
}

/// The file and line with the comment.
fn place<O>(suite: &Suite<O>, comment: &str) -> (&'static str, u32) {
    let end = format!("// {comment}");
    let lines = suite.sources.iter().flat_map(|(file, text)| {
        let lines = (1..).zip(text.lines());
        lines.map(move |(line, text)| (*file, line, text))
    });
    let mut places = lines.filter(|(_, _, text)| text.ends_with(&end));
    let place = places.next().unwrap_or_else(|| panic!("no line {end:?}"));
    assert!(places.next().is_none(), "two lines {end:?}");
    (place.0, place.1)
}

/// The table under the suite's heading in `docs/structures.md` has a row for each case, in the same order.
pub(crate) fn documented<O: Table>(suite: &Suite<O>) {
    let text = include_str!("../../docs/structures.md");
    let mut sections = text.split("\n## ");
    let section = sections.find(|section| section.lines().next() == Some(suite.title));
    let section = section.unwrap_or_else(|| panic!("no section {:?}", suite.title));
    let rows: Vec<&str> = section
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    for (case, row) in suite.cases.iter().zip(&rows) {
        let expected = expected_row(case);
        assert!(row.starts_with(&expected), "{row:?} is not {expected:?}");
        let reason = &row[expected.len()..row.len() - "|".len()];
        assert!(!reason.trim().is_empty(), "no reason: {row:?}");
    }
    assert_eq!(rows.len(), suite.cases.len(), "rows of {:?}", suite.title);
}

/// ``| `a`, `b` | Acquire, Acquire | Relaxed, Relaxed | reported |``
fn expected_row<O: Table>(case: &Case<O>) -> String {
    let column = |cell: fn(&str, Ordering) -> String| {
        let cells: Vec<String> = case
            .weakened
            .iter()
            .map(|(name, to)| cell(name, *to))
            .collect();
        cells.join(", ")
    };
    format!(
        "| {} | {} | {} | {} |",
        column(|name, _| format!("`{name}`")),
        column(|name, _| format!("{:?}", { O::RIGHT }.named(name))),
        column(|_, to| format!("{to:?}")),
        match case.verdict {
            Verdict::Reported(..) => "reported",
            Verdict::Harmless => "harmless",
            Verdict::NotSeen => "not seen",
        },
    )
}
