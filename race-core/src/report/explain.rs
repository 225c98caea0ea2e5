//! Why nothing orders the two accesses, and what would.
//!
//! Says only what the clocks prove. Of the earlier thread only its [`Record`] may be read, of the current one everything: so the
//! sentences are about what the earlier thread released, and what the current one acquired.

use std::sync::Arc;

use super::build::{Finding, site};
use super::race::{self, Access, Operation};
use crate::epoch::Epoch;
use crate::stack::depot;
use crate::stack::position::{Place, Position};
use crate::stack::symbols::{self, Paths};
use crate::sync::edge::{self, Edge};
use crate::thread::lessons::Learned;
use crate::thread::record::Record;
use crate::thread::registry;
use crate::thread::state::{NearMiss, Site};

/// The lines of "Why", and the "Help".
pub(super) fn explain(
    finding: &Finding<'_>,
    current: &Access,
    previous: &Access,
    paths: &Arc<Paths>,
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
    /// The current thread has seen a store of the earlier one, but one of the two orderings was too weak. The store came after the
    /// access, or at least in the same epoch.
    Ordering(NearMiss),
    /// The earlier thread has released nothing since its access.
    Release,
    /// It has released something since, and the current thread has acquired none of it.
    Edge,
}

impl Missing {
    fn of(finding: &Finding<'_>) -> Missing {
        let accessed = finding.previous.epoch;
        if let Some(miss) = finding.thread.near_miss_after(accessed) {
            Missing::Ordering(miss)
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
        paths: &Arc<Paths>,
    ) -> String {
        let (now, then) = (current.thread.short(), previous.thread.short());
        let operation = previous.operation;
        match self {
            Missing::Ordering(miss) => format!(
                "nothing orders the two. {} has loaded{} what {then} stored{}, but {}.",
                capital(&now),
                at(miss.loaded, paths),
                at(miss.stored, paths),
                match (miss.store_releases, miss.load_acquires) {
                    (true, _) => "the load is relaxed, with no acquire fence after it",
                    (false, true) => "the store is relaxed, with no release fence before it",
                    (false, false) => "both are relaxed, and no fences stand before and after",
                }
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
fn last_order(
    finding: &Finding<'_>,
    current: &Access,
    previous: &Access,
    paths: &Arc<Paths>,
) -> String {
    let (now, then) = (current.thread.short(), previous.thread.short());
    let before = format!("before {then}'s {}", previous.operation);
    let slot = finding.previous.epoch.slot();
    let known = Epoch::new(slot, finding.thread.known_clock(slot));
    let known_of_other =
        registry::record_of(known).is_some_and(|record| record.number == finding.other.number);
    if known_of_other && let Some(Learned { edge, direct }) = finding.thread.learned_of(slot) {
        let Edge {
            kind,
            released,
            acquired,
        } = edge::get(edge);
        let (released, acquired) = (at(released, paths), at(acquired, paths));
        return if direct {
            format!(
                "{then} {}{released}, and {now} {}{acquired}, {before}",
                kind.release, kind.acquire
            )
        } else {
            format!(
                "another thread that knew of {then} {}{released}, and {now} {}{acquired}, {before}",
                kind.release, kind.acquire
            )
        };
    }
    let mine = ancestry(&finding.thread.record);
    let theirs = ancestry(finding.other);
    if let Some(child) = child_of(&mine, finding.other) {
        return format!(
            "{then} spawned {}{}, {before}",
            short(child),
            created(child, paths)
        );
    }
    if let Some(child) = child_of(&theirs, &finding.thread.record) {
        return format!(
            "{now} spawned {}{}, before this {}",
            short(child),
            created(child, paths),
            current.operation
        );
    }
    let common = mine.iter().find_map(|ancestor| {
        let sides = (child_of(&mine, ancestor)?, child_of(&theirs, ancestor)?);
        Some((ancestor, sides))
    });
    match common {
        Some((ancestor, (my_side, their_side))) => format!(
            "{} spawned {}{} and {}{}",
            short(ancestor),
            short(their_side),
            created(their_side, paths),
            short(my_side),
            created(my_side, paths)
        ),
        None => "none is known".to_owned(),
    }
}

/// A thread, its creator, its creator's creator …
fn ancestry(record: &Record) -> Vec<&Record> {
    std::iter::successors(Some(record), |record| record.creator.as_deref()).collect()
}

/// The thread in `chain` that was created by `creator`.
fn child_of<'a>(chain: &[&'a Record], creator: &Record) -> Option<&'a Record> {
    let is_child = |record: &&&Record| {
        let parent = record.creator.as_ref();
        parent.is_some_and(|parent| parent.number == creator.number)
    };
    chain.iter().find(is_child).copied()
}

fn short(record: &Record) -> String {
    if record.number == 1 {
        "main".to_owned()
    } else {
        format!("thread {}", record.number)
    }
}

fn created(record: &Record, paths: &Arc<Paths>) -> String {
    let context = record.created.map(depot::get);
    let line = context.and_then(|context| match context.site {
        Some(line) => Some(site(line, paths)),
        None => symbols::line_of_context(&context, paths),
    });
    in_brackets(line)
}

fn at(location: Site, paths: &Arc<Paths>) -> String {
    let line = match location.map(Position::place) {
        Some(Place::Line(line)) => Some(site(line, paths)),
        Some(Place::Code(address)) => match symbols::line_of(address, paths) {
            Ok(line) => Some(line),
            // The user's call isn't known. What was called says which kind it was.
            Err(function) => return format!(" (in {function})"),
        },
        None => None,
    };
    in_brackets(line)
}

fn in_brackets(line: Option<race::Site>) -> String {
    line.map_or_else(String::new, |line| {
        format!(" ({}:{})", line.file, line.line)
    })
}

/// The size of the largest atomic that stable `std` has, in bytes.
const LARGEST_ATOMIC: usize = 8;

fn help(missing: &Missing, finding: &Finding<'_>, current: &Access, previous: &Access) -> String {
    let is_free = |access: &Access| access.operation == Operation::Free;
    if let Missing::Ordering(miss) = missing {
        let after = format!("after the {}", previous.operation);
        return match (miss.store_releases, miss.load_acquires) {
            (true, _) => "make the load Acquire.".to_owned(),
            (false, true) => format!("make the store Release, and do it {after}."),
            (false, false) => {
                format!("make the store Release, {after}, and the load Acquire.")
            }
        };
    }
    if is_free(current) || is_free(previous) {
        return "let only the last user free the memory: count the users (Arc), or join the threads first."
            .to_owned();
    }
    match (&current.held[..], &previous.held[..]) {
        ([lock, ..], []) | ([], [lock, ..]) => format!(
            "hold the {} that is locked at {} at the other place too.",
            lock.kind, lock.locked_at
        ),
        // It may be one lock, held by both as readers.
        ([a, ..], [b, ..]) if a.kind == b.kind && a.created_at == b.created_at => format!(
            "hold the same lock at both places, and not as a reader where the value is written: both hold a lock {} at {} ({}), and don't exclude each other.",
            a.origin, a.created_at, a.kind
        ),
        ([a, ..], [b, ..]) => format!(
            "hold the same lock at both places: the {} {} at {} and the {} {} at {} don't exclude each other.",
            a.kind, a.origin, a.created_at, b.kind, b.origin, b.created_at
        ),
        ([], []) if previous.thread.finished && is_child(finding) => format!(
            "join {} before this {}.",
            previous.thread.short(),
            current.operation
        ),
        ([], []) if finding.place.size <= LARGEST_ATOMIC => {
            "hold the same lock at both places, or make the value an atomic.".to_owned()
        }
        ([], []) => "hold the same lock at both places.".to_owned(),
    }
}

/// Whether the current thread could have joined the earlier one.
fn is_child(finding: &Finding<'_>) -> bool {
    let creator = finding.other.creator.as_ref();
    creator.is_some_and(|creator| creator.number == finding.thread.record.number)
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + letters.as_str()
    })
}
