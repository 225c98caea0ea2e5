//! From events to text, in the format of `docs/traces.md`.
//!
//! What is written reads back as the same events and names. So a name that the format can't hold is an error, never a different name.

use std::io::{self, Write};
use std::sync::atomic::Ordering;

use crate::trace::names::{Names, Table};
use crate::trace::text::{COMMENT, HEADER, Ordered, SEPARATOR, VERSION, ordering_word};
use crate::trace::{Event, Id, Operation, Place, read};

/// Writes a trace.
///
/// # Example
///
/// ```
/// use race_core::trace::names::Names;
/// use race_core::trace::write::Writer;
/// use race_core::trace::{Event, Operation};
///
/// let mut names = Names::default();
/// let thread = names.threads.intern(b"main").unwrap();
/// let lock = names.locks.intern(b"ledger").unwrap();
/// let site = names.sites.intern(b"src/main.rs:7").unwrap();
///
/// let mut writer = Writer::new(Vec::new())?;
/// writer.write(&Event { thread, operation: Operation::Acquire(lock), site }, &names)?;
/// assert_eq!(writer.into_inner(), b"racecheck-trace/1\nmain|acq(ledger)|src/main.rs:7\n");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Writer<W> {
    output: W,
    line: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Begins a trace: the first line names the format. `output` should be buffered.
    ///
    /// # Errors
    ///
    /// Those of `output`.
    pub fn new(mut output: W) -> io::Result<Writer<W>> {
        output.write_all(HEADER)?;
        writeln!(output, "{VERSION}")?;
        Ok(Writer {
            output,
            line: Vec::new(),
        })
    }

    /// Writes one event, with the names of its numbers.
    ///
    /// # Errors
    ///
    /// Those of `output`; and, with nothing written, `InvalidInput` for a number without a name and for what the format can't hold: a name that
    /// is empty or contains `|` or a line feed, a place in the program that ends in a carriage return, a thread that begins with `#`, a variable
    /// called like a range of bytes, a range beyond 64 bits, an ordering that the operation can't have in Rust.
    pub fn write(&mut self, event: &Event, names: &Names) -> io::Result<()> {
        self.line.clear();
        line(&mut self.line, event, names).map_err(|problem| {
            let message = format!("{event:?} can't be written: {problem}");
            io::Error::new(io::ErrorKind::InvalidInput, message)
        })?;
        self.output.write_all(&self.line)
    }

    /// Where it was written to. Not flushed.
    pub fn into_inner(self) -> W {
        self.output
    }
}

type Result<T = ()> = std::result::Result<T, &'static str>;

fn line(line: &mut Vec<u8>, event: &Event, names: &Names) -> Result {
    let thread = name(&names.threads, event.thread)?;
    if thread[0] == COMMENT {
        return Err("the thread's name begins a comment");
    }
    let site = name(&names.sites, event.site)?;
    if site.ends_with(b"\r") {
        return Err("the place ends in a carriage return");
    }
    line.extend_from_slice(thread);
    line.push(SEPARATOR);
    operation(line, event.operation, names)?;
    line.push(SEPARATOR);
    line.extend_from_slice(site);
    line.push(b'\n');
    Ok(())
}

fn name(table: &Table, id: Id) -> Result<&[u8]> {
    let name = table.name(id).ok_or("a number has no name")?;
    if name.is_empty() {
        return Err("a name is empty");
    }
    if name.iter().any(|byte| matches!(*byte, SEPARATOR | b'\n')) {
        return Err("a name has a separator in it");
    }
    Ok(name)
}

fn operation(line: &mut Vec<u8>, operation: Operation, names: &Names) -> Result {
    match operation {
        Operation::Begin => line.extend_from_slice(b"begin"),
        Operation::End => line.extend_from_slice(b"end"),
        Operation::Fork(thread) => named(line, "fork", &names.threads, thread)?,
        Operation::Join(thread) => named(line, "join", &names.threads, thread)?,
        Operation::Acquire(lock) => named(line, "acq", &names.locks, lock)?,
        Operation::Release(lock) => named(line, "rel", &names.locks, lock)?,
        Operation::ReadAcquire(lock) => named(line, "racq", &names.locks, lock)?,
        Operation::ReadRelease(lock) => named(line, "rrel", &names.locks, lock)?,
        Operation::Send(message) => named(line, "send", &names.messages, message)?,
        Operation::Receive(message) => named(line, "recv", &names.messages, message)?,
        Operation::Arrive(barrier) => named(line, "arrive", &names.barriers, barrier)?,
        Operation::Leave(barrier) => named(line, "leave", &names.barriers, barrier)?,
        Operation::Read(place) => access(line, "r", place, names)?,
        Operation::Write(place) => access(line, "w", place, names)?,
        Operation::Allocate(place) => access(line, "alloc", place, names)?,
        Operation::Free(place) => access(line, "free", place, names)?,
        Operation::Load(place, order) => atomic(line, "load", Ordered::Load, place, order, names)?,
        Operation::Store(place, order) => {
            atomic(line, "store", Ordered::Store, place, order, names)?;
        }
        Operation::ReadModifyWrite(place, order) => {
            atomic(line, "rmw", Ordered::ReadModifyWrite, place, order, names)?;
        }
        Operation::Fence(order) => {
            line.extend_from_slice(b"fence(");
            line.extend_from_slice(ordering(Ordered::Fence, order)?);
            line.push(b')');
        }
    }
    Ok(())
}

fn named(line: &mut Vec<u8>, word: &str, table: &Table, id: Id) -> Result {
    line.extend_from_slice(word.as_bytes());
    line.push(b'(');
    line.extend_from_slice(name(table, id)?);
    line.push(b')');
    Ok(())
}

fn access(line: &mut Vec<u8>, word: &str, place: Place, names: &Names) -> Result {
    line.extend_from_slice(word.as_bytes());
    line.push(b'(');
    memory(line, place, names)?;
    line.push(b')');
    Ok(())
}

fn atomic(
    line: &mut Vec<u8>,
    word: &str,
    kind: Ordered,
    place: Place,
    order: Ordering,
    names: &Names,
) -> Result {
    line.extend_from_slice(word.as_bytes());
    line.push(b'(');
    memory(line, place, names)?;
    line.push(b',');
    line.extend_from_slice(ordering(kind, order)?);
    line.push(b')');
    Ok(())
}

fn memory(line: &mut Vec<u8>, place: Place, names: &Names) -> Result {
    match place {
        Place::Variable(variable) => {
            let name = name(&names.variables, variable)?;
            if read::is_range(name) {
                return Err("a variable is called like a range of bytes");
            }
            line.extend_from_slice(name);
        }
        Place::Range { address, size } => {
            if address.checked_add(u64::from(size)).is_none() {
                return Err("the range ends beyond the last address");
            }
            line.extend_from_slice(format!("0x{address:x}+{size}").as_bytes());
        }
    }
    Ok(())
}

fn ordering(kind: Ordered, order: Ordering) -> Result<&'static [u8]> {
    let possible = ordering_word(order).filter(|_| kind.allows(order));
    possible.ok_or("the operation can't have this ordering")
}

#[cfg(test)]
mod tests;
