//! Programs with a known verdict, in plain `std` and `unsafe`: nothing here knows of a race detector. `programs NAME [THREADS]` runs one, with two
//! threads if nothing is said; `programs list` says which there are, each with its verdict. All are in one executable, because linking a hundred takes minutes.
//!
//! The programs are those of the catalogue in racecheck's `tests/scenarios/`, by the same numbers, and what only raw memory has: `memory_*` and so on.
//! A line that takes part in a race ends in `// race: NAME`, or in `// race: NAME.PART` if the program has several. A tag stands on exactly the two lines of one
//! expected report, or on one line if both threads race there. Each must be reported in every run, and nothing else. `// deadlock: NAME` is where threads wait for each
//! other: the first and the last of a report.
//!
//! A verdict doesn't depend on timing, because happens-before doesn't. Where a race, or the pair of lines that is reported, would depend on who comes first, the
//! threads take turns by relaxed atomics, which order nothing (`support::in_turn`).

mod algorithms;
mod atomics;
mod c;
mod caches;
mod channels;
mod counters;
mod entries;
mod exclusion;
mod fake_order;
mod lifecycles;
mod memory;
mod orderings;
mod outside;
mod ownership;
mod posix;
mod publication;
mod stacks;
mod structures;
mod support;
mod sync;
mod threads;
mod waiting;

use std::process::ExitCode;

use entries::{Entry, programs};

const MODULES: &[&[Entry]] = &[
    algorithms::PROGRAMS,
    atomics::PROGRAMS,
    caches::PROGRAMS,
    channels::PROGRAMS,
    counters::PROGRAMS,
    exclusion::PROGRAMS,
    fake_order::PROGRAMS,
    lifecycles::PROGRAMS,
    memory::PROGRAMS,
    orderings::PROGRAMS,
    outside::PROGRAMS,
    ownership::PROGRAMS,
    posix::PROGRAMS,
    publication::PROGRAMS,
    stacks::PROGRAMS,
    structures::PROGRAMS,
    sync::PROGRAMS,
    threads::PROGRAMS,
    waiting::PROGRAMS,
];

fn main() -> ExitCode {
    entries::run(MODULES)
}
