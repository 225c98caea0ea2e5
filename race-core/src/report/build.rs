//! Puts a race together from what the engine knows: the threads, the interned contexts, the symbols.
//!
//! Runs on the thread of the current access. Of the other thread it reads only the [`Record`], which is made to be read by others.

use std::panic::Location;
use std::sync::Arc;

use super::race::{
    Access, HeapBlock, HeldLock, Operation, PairSite, Place, Race, Site, ThreadInfo,
};
use super::{Place as Found, Recorded, explain};
use crate::instrumented;
use crate::shadow::blocks::Block;
use crate::shadow::state::Class;
use crate::stack::depot::{self, Context, Detail};
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
    let is_raw = finding.place.name.is_none() && instrumented::is_on();
    let address = finding.place.address;
    Race {
        location: Place {
            address: finding.place.address,
            size: finding.place.size,
            name: finding.place.name.clone(),
            kind: finding.place.label.map_or("", |label| label.kind),
            label: finding.place.label.map(|label| label.name.to_owned()),
            created_at: finding.place.created.map(|location| site(location, paths)),
            block: finding
                .place
                .block
                .and_then(|block| heap_block(&block, paths)),
            global: is_raw.then(|| symbols::global_at(address)).flatten(),
            stack_of: is_raw.then(|| stack_of(finding, paths)).flatten(),
        },
        current,
        previous,
        why,
        help,
    }
}

fn heap_block(block: &Block, paths: &Arc<Paths>) -> Option<HeapBlock> {
    let allocated_by = registry::record_of(block.epoch)?;
    Some(HeapBlock {
        address: block.address,
        size: block.size,
        allocated_by: thread_info(&allocated_by, paths),
        allocated_at: symbols::resolve(&depot::get(block.context), paths),
        freed_by: block
            .freed
            .and_then(|(epoch, _)| registry::record_of(epoch))
            .map(|by| thread_info(&by, paths)),
        freed_at: block.freed.map_or_else(Vec::new, |(_, context)| {
            symbols::resolve(&depot::get(context), paths)
        }),
    })
}

/// The one of the two threads, or of those that they come from, on whose stack it is.
fn stack_of(finding: &Finding<'_>, paths: &Arc<Paths>) -> Option<ThreadInfo> {
    let line = |record| explain::ancestry(record).into_iter();
    line(&finding.thread.record)
        .chain(line(finding.other))
        .find(|record| record.has_on_stack(finding.place.address))
        .map(|record| thread_info(record, paths))
}

pub(super) fn site(location: &Location<'_>, paths: &Paths) -> Site {
    Site {
        file: paths.shorten(location.file()),
        line: location.line(),
        column: location.column(),
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
                    created_at: site(lock.created.place(), paths),
                    locked_at: site(lock.locked, paths),
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
