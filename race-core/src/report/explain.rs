//! Why nothing orders the two accesses, and what would.
//!
//! Says only what the clocks prove. Of the earlier thread only its [`Record`] may be read, of the current one everything: so the
//! sentences are about what the earlier thread released, and what the current one acquired.

use super::build::{Finding, site};
use super::race::{Access, Operation};
use crate::epoch::Epoch;
use crate::stack::depot;
use crate::stack::symbols::Paths;
use crate::sync::edge::{self, Edge};
use crate::thread::record::Record;
use crate::thread::registry;
use crate::thread::state::Site;

/// The lines of "Why", and the "Help".
pub(super) fn explain(
    finding: &Finding<'_>,
    current: &Access,
    previous: &Access,
    paths: &Paths,
) -> (Vec<String>, String) {
    let missing = Missing::of(finding);
    let why = vec![
        missing.sentence(finding, current, previous, paths),
        format!(
            "Last order between them: {}.",
            last_order(finding, current, previous, paths)
        ),
    ];
    (why, help(&missing, finding, current, previous))
}

/// What the two threads did not do.
enum Missing {
    /// A relaxed load saw what was released; no acquire fence came after.
    Acquire,
    /// The earlier thread has released nothing since its access.
    Release,
    /// It has released something since, and the current thread has acquired none of it.
    Edge,
}

impl Missing {
    fn of(finding: &Finding<'_>) -> Missing {
        let accessed = finding.previous.epoch;
        if finding.thread.has_pending(accessed) {
            Missing::Acquire
        } else if finding.other.epoch() == accessed {
            Missing::Release
        } else {
            Missing::Edge
        }
    }

    fn sentence(
        &self,
        finding: &Finding<'_>,
        current: &Access,
        previous: &Access,
        paths: &Paths,
    ) -> String {
        let (now, then) = (current.thread.short(), previous.thread.short());
        let operation = previous.operation;
        match self {
            Missing::Acquire => format!(
                "nothing orders the two. {} has seen what {then} released after its {operation}, but in a relaxed load, with no acquire fence after it.",
                capital(&now)
            ),
            Missing::Release => format!(
                "nothing orders the two. {} has released nothing since its {operation}.",
                capital(&then)
            ),
            Missing::Edge => {
                let released = match finding.other.last_release() {
                    Some((kind, site)) => {
                        format!(" (last, it {}{})", kind.release, at(site, paths))
                    }
                    None => String::new(),
                };
                format!(
                    "nothing orders the two. {} has released something since its {operation}{released}, but {now} has acquired none of it.",
                    capital(&then)
                )
            }
        }
    }
}

/// The last edge by which the current thread learned anything of the earlier one; or how the two are related.
fn last_order(finding: &Finding<'_>, current: &Access, previous: &Access, paths: &Paths) -> String {
    let (now, then) = (current.thread.short(), previous.thread.short());
    let before = format!("before {then}'s {}", previous.operation);
    let slot = finding.previous.epoch.slot();
    let known = Epoch::new(slot, finding.thread.known_clock(slot));
    let known_of_other =
        registry::record_of(known).is_some_and(|record| record.number == finding.other.number);
    if known_of_other && let Some(id) = finding.thread.learned_of(slot) {
        let Edge {
            kind,
            released,
            acquired,
        } = edge::get(id);
        return match released {
            Some(_) => format!(
                "somebody {}{}, and {now} {}{}, {before}",
                kind.release,
                at(released, paths),
                kind.acquire,
                at(acquired, paths)
            ),
            None => format!("{now} {}{}, {before}", kind.acquire, at(acquired, paths)),
        };
    }
    let mine = ancestry(&finding.thread.record);
    let theirs = ancestry(finding.other);
    if let Some(child) = child_of(&mine, finding.other.number) {
        return format!(
            "{then} spawned {}{}, {before}",
            short(child),
            created(child, paths)
        );
    }
    if let Some(child) = child_of(&theirs, finding.thread.record.number) {
        return format!(
            "{now} spawned {}{}, before this {}",
            short(child),
            created(child, paths),
            current.operation
        );
    }
    let common = mine
        .iter()
        .filter_map(|record| record.creator)
        .find_map(|creator| {
            Some((
                creator,
                child_of(&mine, creator)?,
                child_of(&theirs, creator)?,
            ))
        });
    match common {
        Some((creator, my_side, their_side)) => format!(
            "{} spawned {}{} and {}{}",
            if creator == 1 {
                "main".to_owned()
            } else {
                format!("thread {creator}")
            },
            short(their_side),
            created(their_side, paths),
            short(my_side),
            created(my_side, paths)
        ),
        None => "none is known".to_owned(),
    }
}

/// A thread, its creator, its creator's creator …
fn ancestry(record: &Record) -> Vec<std::sync::Arc<Record>> {
    let mut chain = Vec::new();
    let mut number = Some(record.number);
    while let Some(record) = number.and_then(registry::record_by_number) {
        number = record.creator;
        chain.push(record);
    }
    chain
}

/// The thread in `chain` that was created by `creator`.
fn child_of(chain: &[std::sync::Arc<Record>], creator: u32) -> Option<&Record> {
    chain
        .iter()
        .find(|record| record.creator == Some(creator))
        .map(|record| &**record)
}

fn short(record: &Record) -> String {
    if record.number == 1 {
        "main".to_owned()
    } else {
        format!("thread {}", record.number)
    }
}

fn created(record: &Record, paths: &Paths) -> String {
    let context = record.created.map(depot::get);
    match context.as_deref().map(|context| context.site) {
        Some(Some(site)) => at(Some(site), paths),
        _ => String::new(),
    }
}

fn at(location: Site, paths: &Paths) -> String {
    location.map_or_else(String::new, |location| {
        let site = site(location, paths);
        format!(" ({}:{})", site.file, site.line)
    })
}

fn help(missing: &Missing, finding: &Finding<'_>, current: &Access, previous: &Access) -> String {
    let created_by_current = finding.other.creator == Some(finding.thread.record.number);
    match (missing, &current.held[..], &previous.held[..]) {
        (Missing::Acquire, ..) => "make the load Acquire, or put fence(Acquire) after it.".to_owned(),
        _ if previous.operation == Operation::Free || current.operation == Operation::Free => {
            "let only the last user free the memory: count the users (Arc), or join the threads first.".to_owned()
        }
        (_, [lock, ..], []) | (_, [], [lock, ..]) => format!(
            "hold the {} that is locked at {} at the other place too.",
            lock.kind, lock.locked_at
        ),
        (_, [a, ..], [b, ..]) => format!(
            "hold the same lock at both places: the {} made at {} and the {} made at {} don't exclude each other.",
            a.kind, a.created_at, b.kind, b.created_at
        ),
        (_, [], []) if previous.thread.finished && created_by_current => {
            format!("join {} before this {}.", previous.thread.short(), current.operation)
        }
        (_, [], []) => "hold the same lock at both places, or make the value an atomic.".to_owned(),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + letters.as_str()
    })
}
