//! Puts a race together from what the engine knows: the threads, the interned contexts, the symbols.
//!
//! Runs on the thread of the current access. Of the other thread it reads only the [`Record`], which is made to be read by others.

use std::panic::Location;
use std::sync::Arc;

use super::race::{
    Access, HeapBlock, HeldLock, Operation, PairSite, Place, Race, Site, ThreadInfo,
};
use super::{Place as Found, Recorded, explain, location};
use crate::instrumented;
use crate::shadow::blocks::Block;
use crate::shadow::range;
use crate::shadow::state::Class;
use crate::stack::depot::{self, Context, Detail};
use crate::stack::position::{self, Position};
use crate::stack::symbols::{self, Paths};
use crate::thread::lifecycle;
use crate::thread::record::Record;
use crate::thread::registry;
use crate::thread::state::ThreadState;

/// The two recorded accesses, with what was interned of them.
pub(super) struct Finding<'a> {
    pub(super) thread: &'a ThreadState,
    pub(super) other: &'a Record,
    pub(super) current: Recorded,
    pub(super) previous: Recorded,
    pub(super) place: &'a Found,
}

/// The site of an access, as it is told apart from others before any symbol is looked up.
pub(super) fn pair_site(access: &Recorded) -> PairSite {
    let context = access.context.map(depot::get);
    match context.as_deref() {
        Some(Context {
            site: Some(site), ..
        }) => PairSite::Source(site.file(), site.line(), site.column()),
        Some(context) => PairSite::Code(context.frames.first().unwrap_or(0)),
        None => PairSite::Code(0),
    }
}

pub(super) fn race(finding: &Finding<'_>, paths: &Arc<Paths>) -> Race {
    let current = access(&finding.current, &finding.thread.record, paths);
    let previous = access(&finding.previous, finding.other, paths);
    let (why, help) = explain::explain(finding, &current, &previous, paths);
    Race {
        location: location(finding.place, paths),
        current,
        previous,
        why,
        help,
    }
}

fn location(found: &Found, paths: &Arc<Paths>) -> Place {
    let block = (found.block).and_then(|block| heap_block(&block, paths));
    let is_raw = found.name.is_none() && block.is_none() && instrumented::is_on();
    let own = is_raw.then(|| location::owner(found.address)).flatten();
    let is_unknown = is_raw && own.is_none();
    Place {
        address: found.address,
        size: found.size,
        name: found.name.clone(),
        kind: found.label.map_or("", |label| label.kind),
        label: found.label.map(|label| label.name.to_owned()),
        created_at: found.created.map(|location| site(location, paths)),
        block,
        global: (is_unknown.then(|| location::global(found.address))).flatten(),
        stack_of: own.as_ref().map(|own| thread_info(own, paths)),
        thread_local: own.is_some_and(|own| own.has_as_thread_local(found.address)),
    }
}

fn heap_block(block: &Block, paths: &Arc<Paths>) -> Option<HeapBlock> {
    let allocated_by = registry::record_of(block.epoch)?;
    let freed = (block.freed.then(|| range::freed_by(block)).flatten())
        .and_then(|free| Some((registry::record_of(free.epoch)?, free.context?)));
    Some(HeapBlock {
        address: block.address,
        size: block.size,
        allocated_by: thread_info(&allocated_by, paths),
        allocated_at: symbols::resolve(&depot::get(block.context), paths),
        freed_at: freed.as_ref().map_or_else(Vec::new, |(_, at)| {
            symbols::resolve(&depot::get(*at), paths)
        }),
        freed_by: freed.map(|(by, _)| thread_info(&by, paths)),
    })
}

pub(super) fn site(location: &Location<'_>, paths: &Paths) -> Site {
    Site {
        file: paths.shorten(location.file()),
        line: location.line(),
        column: location.column(),
    }
}

/// As [`site`], of code too.
pub(super) fn place(position: Position, paths: &Arc<Paths>) -> Site {
    match position.place() {
        position::Place::Line(line) => site(line, paths),
        position::Place::Code(address) => symbols::place_of(address, paths),
    }
}

fn access(recorded: &Recorded, record: &Record, paths: &Arc<Paths>) -> Access {
    let context = recorded.context.map(depot::get);
    let detail = context
        .as_ref()
        .map_or(Detail::Plain, |context| context.detail);
    Access {
        operation: operation(recorded.class, detail),
        thread: thread_info(record, paths),
        held: context.as_ref().map_or_else(Vec::new, |context| {
            context
                .held
                .iter()
                .map(|lock| HeldLock {
                    kind: lock.kind.name,
                    origin: lock.created.event(),
                    created_at: place(lock.created.place(), paths),
                    locked_at: place(lock.locked, paths),
                })
                .collect()
        }),
        stack: context.map_or_else(Vec::new, |context| symbols::resolve(&context, paths)),
    }
}

fn operation(class: Class, detail: Detail) -> Operation {
    match (class, detail) {
        (_, Detail::Free) => Operation::Free,
        (Class::Read, Detail::Volatile) => Operation::VolatileRead,
        (Class::Write, Detail::Volatile) => Operation::VolatileWrite,
        (Class::Read, _) => Operation::Read,
        (Class::Write, _) => Operation::Write,
        (Class::AtomicRead, _) => Operation::AtomicRead,
        (Class::AtomicWrite, _) => Operation::AtomicWrite,
    }
}

pub(super) fn thread_info(record: &Record, paths: &Arc<Paths>) -> ThreadInfo {
    let finished = record.is_finished();
    let name = record
        .name()
        .map(str::to_owned)
        .or_else(|| (!finished).then(|| lifecycle::os_name(record)).flatten());
    ThreadInfo {
        number: record.number,
        name,
        finished,
        created_by: record.creator.as_ref().map(|creator| creator.number),
        created_at: record.created.map_or_else(Vec::new, |created| {
            symbols::resolve(&depot::get(created), paths)
        }),
    }
}
