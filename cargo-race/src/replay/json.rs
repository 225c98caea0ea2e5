//! The findings as one JSON object. The schema is documented in `docs/traces.md`, and a change here is a change there.

use race_core::replay::Access;
use race_core::trace::Place;
use serde::Serialize;

use super::findings::{Findings, Side, name, operation};

const SCHEMA: &str = "racecheck-replay/1";

#[derive(Serialize)]
struct Report {
    schema: &'static str,
    events: u64,
    threads: usize,
    seconds: f64,
    events_per_second: f64,
    racy_events: u64,
    races: u64,
    first: Option<First>,
    places: Vec<RacyPlace>,
    pairs: Vec<Pair>,
}

#[derive(Serialize)]
struct First {
    event: u64,
    line: u64,
    races: Vec<Race>,
}

#[derive(Serialize)]
struct Race {
    #[serde(flatten)]
    place: Location,
    later: Accessed,
    earlier: Accessed,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Location {
    Variable { variable: String },
    Range { address: u64, size: u32 },
}

#[derive(Serialize)]
struct Accessed {
    operation: &'static str,
    thread: String,
    site: String,
}

#[derive(Serialize)]
struct RacyPlace {
    #[serde(flatten)]
    place: Location,
    races: u64,
}

#[derive(Serialize)]
struct Pair {
    sites: [Site; 2],
    races: u64,
}

#[derive(Serialize)]
struct Site {
    operation: &'static str,
    site: String,
}

/// One line.
pub(super) fn render(findings: &Findings) -> String {
    let mut line = serde_json::to_string(&report(findings)).expect("all keys are strings");
    line.push('\n');
    line
}

fn report(findings: &Findings) -> Report {
    let names = &findings.names;
    let location = |place| match place {
        Place::Variable(id) => Location::Variable {
            variable: name(&names.variables, id),
        },
        Place::Range { address, size } => Location::Range { address, size },
    };
    let accessed = |access: Access| Accessed {
        operation: operation(access.kind),
        thread: name(&names.threads, access.thread),
        site: name(&names.sites, access.site),
    };
    let site = |side: Side| Site {
        operation: operation(side.kind),
        site: name(&names.sites, side.site),
    };
    let first = findings.first.as_ref().map(|first| First {
        event: first.event,
        line: first.line,
        races: first
            .races
            .iter()
            .map(|race| Race {
                place: location(race.place),
                later: accessed(race.later),
                earlier: accessed(race.earlier),
            })
            .collect(),
    });
    let place = |(place, races)| RacyPlace {
        place: location(place),
        races,
    };
    let pair = |((one, other), races)| Pair {
        sites: [site(one), site(other)],
        races,
    };
    Report {
        schema: SCHEMA,
        events: findings.events,
        threads: names.threads.len(),
        seconds: findings.took.as_secs_f64(),
        events_per_second: findings.events_per_second().round(),
        racy_events: findings.racy_events,
        races: findings.races(),
        first,
        places: findings.places().into_iter().map(place).collect(),
        pairs: findings.pairs().into_iter().map(pair).collect(),
    }
}
