//! The findings as text, for people. `docs/traces.md` has an example.

use std::fmt::Write;

use race_core::replay::Access;
use race_core::trace::Place;

use super::findings::{Findings, First, Side, name, operation};

pub(super) fn render(findings: &Findings) -> String {
    let mut text = String::new();
    // Writing to a string can't fail.
    let _ = write(&mut text, findings);
    text
}

fn write(text: &mut String, findings: &Findings) -> std::fmt::Result {
    let names = &findings.names;
    if let Some(first) = &findings.first {
        write_first(text, first, findings)?;
        let places = findings.places();
        writeln!(text, "\nracy variables: {}", places.len())?;
        for (racy, races) in places {
            writeln!(
                text,
                "  {}: {}",
                place(racy, findings),
                count(races, "race")
            )?;
        }
        let pairs = findings.pairs();
        writeln!(text, "\nraces by pair of places: {}", pairs.len())?;
        for ((one, other), races) in pairs {
            let side = |side: Side| {
                let site = name(&names.sites, side.site);
                format!("{} at {site}", operation(side.kind))
            };
            writeln!(
                text,
                "  {}: {}, {}",
                count(races, "time"),
                side(one),
                side(other)
            )?;
        }
        let events = count(findings.racy_events, "racy event");
        let races = count(findings.races(), "race");
        writeln!(text, "\n{events}, {races}")?;
    } else {
        writeln!(text, "no races")?;
    }
    let events = count(findings.events, "event");
    let threads = count(names.threads.len() as u64, "thread");
    let seconds = findings.took.as_secs_f64();
    let millions = findings.events_per_second() / 1e6;
    writeln!(
        text,
        "{events} of {threads} in {seconds:.3} s: {millions:.2} million events a second"
    )
}

fn write_first(text: &mut String, first: &First, findings: &Findings) -> std::fmt::Result {
    let First { event, line, races } = first;
    writeln!(text, "first race: event {event}, line {line}")?;
    for race in races {
        let access = |access: Access| {
            let thread = name(&findings.names.threads, access.thread);
            let site = name(&findings.names.sites, access.site);
            format!("{} by {thread} at {site}", operation(access.kind))
        };
        let place = place(race.place, findings);
        writeln!(text, "  {place}: {}", access(race.later))?;
        writeln!(text, "  {place}: {} before", access(race.earlier))?;
    }
    Ok(())
}

fn place(place: Place, findings: &Findings) -> String {
    match place {
        Place::Variable(id) => name(&findings.names.variables, id),
        Place::Range { address, size } => format!("{address:#x}+{size}"),
    }
}

/// "1 race", "2 races".
fn count(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}
