//! The report as JSON: one object a line. The schema is in `docs/json.md`; its version changes when a field's meaning does.

use serde::Serialize;

use super::deadlock::Deadlock;
use super::race::Race;

/// The version of the schema, in every object.
const SCHEMA: &str = "racecheck/1";

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Line<'a> {
    DataRace(&'a Race),
    Deadlock(&'a Deadlock),
    Summary { races: u64, deadlocks: u64 },
}

#[derive(Serialize)]
struct Object<'a> {
    schema: &'static str,
    #[serde(flatten)]
    line: Line<'a>,
}

fn line(line: Line<'_>) -> String {
    let object = Object {
        schema: SCHEMA,
        line,
    };
    let mut text = serde_json::to_string(&object)
        .expect("strings, numbers and lists of them always serialise");
    text.push('\n');
    text
}

/// One race.
pub(crate) fn race(race: &Race) -> String {
    line(Line::DataRace(race))
}

/// One deadlock.
pub(crate) fn deadlock(deadlock: &Deadlock) -> String {
    line(Line::Deadlock(deadlock))
}

/// The last line of a process with findings.
pub(crate) fn summary(races: u64, deadlocks: u64) -> String {
    line(Line::Summary { races, deadlocks })
}
