//! From a conflict in the shadow to something a person can read.
//!
//! - [`race`]: the finding, as plain data. What everything below produces or consumes.
//! - `build`: puts it together from the engine's state: threads, stacks, locks.
//! - `location`: whose memory it is.
//! - `explain`: the "Why" and the "Help".
//! - [`deadlock`], `build_deadlock`: the same for deadlocks.
//! - `text` and `json`: the two renderings.
//! - `scope`: races that belong to a test rather than to the log.
//! - `sink`: duplicates, suppressions, the log, the count.
//! - [`suppressions`]: the file of races not to report.
//!
//! Everything here is cold: it runs once a race, inside the engine, and may take milliseconds.

mod build;
mod build_deadlock;
pub mod deadlock;
mod explain;
pub(crate) mod json;
mod kinds;
mod location;
pub mod race;
pub(crate) mod scope;
pub(crate) mod sink;
pub mod suppressions;
pub(crate) mod text;

pub use crate::stack::symbols::set_own_sources;
pub use deadlock::{Deadlock, DeadlockKind};
pub use race::{Access, Frame, HeapBlock, HeldLock, Operation, Race, Site, ThreadInfo};
pub use scope::{Collected, Collector};
pub use sink::{count, deadlock_count};

use std::panic::Location;

use crate::deadlock::Party;
use crate::errno;
use crate::instrumented::allocator;
use crate::runtime;
use crate::shadow::blocks::Block;
use crate::shadow::cell::Label;
use crate::shadow::state::{Access as Recorded, Conflicts};
use crate::thread::registry;
use crate::thread::state::ThreadState;

/// Where in memory a race was, and what is known of the place.
pub(crate) struct Place {
    pub(crate) address: usize,
    pub(crate) size: usize,
    pub(crate) name: Option<String>,
    pub(crate) label: Option<&'static Label>,
    pub(crate) created: Option<&'static Location<'static>>,
    /// The heap block that it is in.
    pub(crate) block: Option<Block>,
}

/// A finding, ready to be printed.
pub(crate) enum Finding {
    Race(Box<Race>),
    Deadlock(Box<Deadlock>),
}

/// What `thread` has just locked closes a cycle of requests; its own is the first.
#[cold]
pub(crate) fn lock_order(thread: &ThreadState, parties: &[Party]) {
    let parties: Vec<&Party> = parties.iter().collect();
    sink::offer_deadlock(thread, DeadlockKind::LockOrder, &parties);
}

/// `thread` is about to wait for a lock that it holds.
#[cold]
pub(crate) fn self_deadlock(thread: &ThreadState, party: &Party) {
    sink::offer_deadlock(thread, DeadlockKind::SelfDeadlock, &[party]);
}

/// `thread` is about to close a ring of threads that wait for each other, or for itself; it is the first. Ends the process, unless the report is suppressed.
#[cold]
pub(crate) fn deadlock(parties: &[&Party]) {
    let kind = match parties {
        [_] => DeadlockKind::SelfDeadlock,
        _ => DeadlockKind::Deadlock,
    };
    if let Some(deadlock) = sink::unsuppressed(kind, parties) {
        // What the scopes have collected would be lost.
        for finding in scope::close_all() {
            sink::deliver(finding);
        }
        sink::deliver(Finding::Deadlock(Box::new(deadlock)));
        runtime::exit_deadlocked(&sink::summary());
    }
}

/// The access `current` of `thread` races with each of `conflicts`.
#[cold]
pub(crate) fn found(
    thread: &mut ThreadState,
    current: Recorded,
    conflicts: &Conflicts,
    place: Place,
) {
    errno::keep(|| offer_each(thread, current, conflicts, &place));
}

fn offer_each(thread: &mut ThreadState, current: Recorded, conflicts: &Conflicts, place: &Place) {
    for previous in conflicts {
        let Some(record) = registry::record_of(previous.epoch) else {
            continue;
        };
        // Somebody may have waited for its end where we can't look, or a signal handler may have ordered the two: no race can be claimed.
        if record.end_may_be_known_unseen(thread)
            || registry::may_be_known_unseen(previous.epoch, thread)
            || registry::is_before_the_line(previous.epoch)
            || allocator::has_been_given(place.block, *previous)
        {
            continue;
        }
        sink::offer(thread, &record, current, *previous, place);
    }
}
