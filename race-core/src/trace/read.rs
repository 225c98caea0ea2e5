//! From text to events, line by line, in the format of `docs/traces.md`.
//!
//! Traces are gigabytes: nothing is allocated for a line that lies in the input's buffer, and only names are kept. Input is not trusted: any bytes
//! give events or an error, and every line but comments and empty ones gives one of the two. Never does one pass silently.

mod quick;

use std::fmt;
use std::io::{self, BufRead};
use std::mem;
use std::sync::atomic::Ordering;

use memchr::memchr;

use crate::trace::names::{Names, Printable, Table};
use crate::trace::text::{ADDRESS, COMMENT, HEADER, Ordered, SEPARATOR, VERSION, ordering};
use crate::trace::{Event, Id, Operation, Place};

/// The longest line that is read: input without line breaks must not fill the memory.
const MAX_LINE: usize = 16 << 20;

/// How much of a malformed line an error shows.
const SHOWN: usize = 60;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A trace that can't be read any further.
#[derive(Debug)]
pub struct Error {
    line: u64,
    problem: Problem,
}

#[derive(Debug)]
enum Problem {
    Input(io::Error),
    Malformed {
        expected: &'static str,
        found: Box<str>,
    },
    TooLong,
    TooManyNames,
}

impl Error {
    /// The number of the line, counted from 1.
    pub fn line(&self) -> u64 {
        self.line
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        match &self.problem {
            Problem::Input(error) => write!(f, "{error}"),
            Problem::Malformed { expected, found } => {
                write!(f, "expected {expected}, found {found}")
            }
            Problem::TooLong => write!(f, "longer than {} MiB", MAX_LINE >> 20),
            Problem::TooManyNames => write!(f, "more names than there are numbers"),
        }
    }
}

impl std::error::Error for Error {}

#[cold]
#[inline(never)]
fn malformed(expected: &'static str, found: &[u8]) -> Problem {
    let (shown, more) = if found.len() > SHOWN {
        (&found[..SHOWN], "...")
    } else {
        (found, "")
    };
    let found = if found.is_empty() {
        "nothing".into()
    } else {
        format!("`{}{more}`", Printable(shown))
    };
    Problem::Malformed {
        expected,
        found: found.into(),
    }
}

/// Reads a trace. Names get numbers in the order in which they come.
///
/// It is an iterator over the events, and ends after the first error.
///
/// # Example
///
/// ```
/// use race_core::trace::read::Reader;
/// use race_core::trace::{Operation, Place};
///
/// let mut reader = Reader::new(&b"main|w(x)|src/main.rs:7\n"[..]);
/// let event = reader.next().unwrap().unwrap();
/// assert_eq!(event.operation, Operation::Write(Place::Variable(0)));
/// assert_eq!(reader.names().sites.name(event.site), Some(&b"src/main.rs:7"[..]));
/// assert!(reader.next().is_none());
///
/// let error = Reader::new(&b"main|foo(x)|7"[..]).next().unwrap().unwrap_err();
/// assert_eq!(error.to_string(), "line 1: expected an operation such as `r(x)`, found `foo(x)`");
/// ```
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    names: Names,
    line: u64,
    version: Option<u32>,
    over: bool,
    /// What was wrong with the input when a usual line was looked for: the input may not say it twice.
    failed: Option<io::Error>,
    /// A line that is not in one piece in the input's buffer.
    pieces: Vec<u8>,
}

impl<R: BufRead> Reader<R> {
    /// A reader of all of `input`, whose buffer should be large.
    pub fn new(input: R) -> Reader<R> {
        Reader {
            input,
            names: Names::default(),
            line: 0,
            version: None,
            over: false,
            failed: None,
            pieces: Vec::new(),
        }
    }

    /// The names so far.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// The number of the line that was read last, counted from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The version that the first line names. `None` before it is read, and if it names none.
    pub fn version(&self) -> Option<u32> {
        self.version
    }

    /// All names, when nothing more is to be read.
    pub fn into_names(self) -> Names {
        self.names
    }

    /// The next line's event, if it is a usual one.
    #[inline]
    fn next_quickly(&mut self) -> Option<Event> {
        if self.line == 0 || self.over {
            return None;
        }
        let buffer = match self.input.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) => {
                self.failed = Some(error);
                return None;
            }
        };
        let (event, length) = quick::event(buffer.first_chunk()?, &mut self.names)?;
        self.line += 1;
        self.input.consume(length);
        Some(event)
    }

    /// The next event, however unusual.
    #[inline(never)]
    fn next_slowly(&mut self) -> Option<Result<Event, Error>> {
        while !self.over {
            match self.next_line() {
                Ok(Some(event)) => return Some(Ok(event)),
                Ok(None) => {}
                Err(problem) => {
                    self.over = true;
                    let line = self.line;
                    return Some(Err(Error { line, problem }));
                }
            }
        }
        None
    }

    /// The next line's event, `None` if it has none. At the end of the input, `over` is set.
    fn next_line(&mut self) -> Result<Option<Event>, Problem> {
        let buffer = match self
            .failed
            .take()
            .map_or_else(|| self.input.fill_buf(), Err)
        {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(None),
            Err(error) => {
                self.line += 1;
                return Err(Problem::Input(error));
            }
        };
        let Some(end) = memchr(b'\n', buffer) else {
            return self.next_pieces();
        };
        self.line += 1;
        let event = if self.line == 1 {
            parse_first(&buffer[..end], &mut self.names, &mut self.version)
        } else {
            parse(&buffer[..end], &mut self.names)
        };
        self.input.consume(end + 1);
        event
    }

    /// The same for a line that goes beyond the buffer, or has no line break at its end.
    #[cold]
    fn next_pieces(&mut self) -> Result<Option<Event>, Problem> {
        self.line += 1;
        let mut line = mem::take(&mut self.pieces);
        line.clear();
        loop {
            let buffer = match self.input.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Problem::Input(error)),
            };
            let end = memchr(b'\n', buffer);
            let piece = &buffer[..end.unwrap_or(buffer.len())];
            if line.len() + piece.len() > MAX_LINE {
                return Err(Problem::TooLong);
            }
            line.extend_from_slice(piece);
            let (taken, at_end) = (piece.len(), buffer.is_empty());
            self.input.consume(taken + usize::from(end.is_some()));
            if end.is_some() {
                break;
            }
            if at_end {
                self.over = true;
                break;
            }
        }
        if self.over && line.is_empty() {
            self.line -= 1;
            return Ok(None);
        }
        let event = if self.line == 1 {
            parse_first(&line, &mut self.names, &mut self.version)
        } else {
            parse(&line, &mut self.names)
        };
        self.pieces = line;
        event
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Event, Error>;

    #[inline]
    fn next(&mut self) -> Option<Result<Event, Error>> {
        match self.next_quickly() {
            Some(event) => Some(Ok(event)),
            None => self.next_slowly(),
        }
    }
}

/// The first line may name the format.
#[cold]
fn parse_first(
    line: &[u8],
    names: &mut Names,
    version: &mut Option<u32>,
) -> Result<Option<Event>, Problem> {
    let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
    let Some(named) = line.strip_prefix(HEADER) else {
        return parse(line, names);
    };
    let named = named.strip_suffix(b"\r").unwrap_or(named);
    if decimal(named) != Some(VERSION) {
        return Err(malformed("the format `racecheck-trace/1`", line));
    }
    *version = Some(VERSION);
    Ok(None)
}

/// One line, without its line break.
#[inline]
fn parse(line: &[u8], names: &mut Names) -> Result<Option<Event>, Problem> {
    let line = match line {
        [line @ .., b'\r'] => line,
        line => line,
    };
    if matches!(line, [] | [COMMENT, ..]) {
        return Ok(None);
    }
    let fields = || {
        let (thread, rest) = cut(line)?;
        let (operation, site) = cut(rest)?;
        (!site.contains(&SEPARATOR)).then_some((thread, operation, site))
    };
    let Some((thread, operation, site)) = fields() else {
        return Err(malformed(
            "three fields, as in `thread|operation(arguments)|place`",
            line,
        ));
    };
    if thread.is_empty() {
        return Err(malformed("a thread before the first `|`", thread));
    }
    if site.is_empty() {
        return Err(malformed("a place after the second `|`", site));
    }
    let thread = number(&mut names.threads, thread)?;
    let operation = match operation {
        [b'r', b'(', place @ .., b')'] => Operation::Read(memory(place, operation, names)?),
        [b'w', b'(', place @ .., b')'] => Operation::Write(memory(place, operation, names)?),
        _ => synchronisation(operation, names)?,
    };
    let site = number(&mut names.sites, site)?;
    Ok(Some(Event {
        thread,
        operation,
        site,
    }))
}

/// What is before the next separator, and after it.
#[inline]
fn cut(text: &[u8]) -> Option<(&[u8], &[u8])> {
    // Fields are short: a loop is done before a search for many bytes at once has begun.
    let at = text.iter().position(|byte| *byte == SEPARATOR)?;
    Some((&text[..at], &text[at + 1..]))
}

#[inline]
fn number(table: &mut Table, name: &[u8]) -> Result<Id, Problem> {
    table.intern(name).ok_or(Problem::TooManyNames)
}

/// All but plain accesses.
#[inline(never)]
fn synchronisation(operation: &[u8], names: &mut Names) -> Result<Operation, Problem> {
    const EXPECTED: &str = "an operation such as `r(x)`";
    let Some(open) = memchr(b'(', operation) else {
        return match operation {
            b"begin" => Ok(Operation::Begin),
            b"end" => Ok(Operation::End),
            _ => Err(malformed(EXPECTED, operation)),
        };
    };
    let word = &operation[..open];
    let [argument @ .., b')'] = &operation[open + 1..] else {
        return Err(malformed("a `)` at the operation's end", operation));
    };
    let mut named = |table: fn(&mut Names) -> &mut Table| {
        if argument.is_empty() {
            return Err(malformed("a name between the parentheses", operation));
        }
        number(table(names), argument)
    };
    Ok(match word {
        b"acq" => Operation::Acquire(named(|names| &mut names.locks)?),
        b"rel" => Operation::Release(named(|names| &mut names.locks)?),
        b"racq" => Operation::ReadAcquire(named(|names| &mut names.locks)?),
        b"rrel" => Operation::ReadRelease(named(|names| &mut names.locks)?),
        b"fork" => Operation::Fork(named(|names| &mut names.threads)?),
        b"join" => Operation::Join(named(|names| &mut names.threads)?),
        b"send" => Operation::Send(named(|names| &mut names.messages)?),
        b"recv" => Operation::Receive(named(|names| &mut names.messages)?),
        b"arrive" => Operation::Arrive(named(|names| &mut names.barriers)?),
        b"leave" => Operation::Leave(named(|names| &mut names.barriers)?),
        // RAPID's parser takes these two with arguments as well, and skips those.
        b"begin" => Operation::Begin,
        b"end" => Operation::End,
        b"alloc" => Operation::Allocate(memory(argument, operation, names)?),
        b"free" => Operation::Free(memory(argument, operation, names)?),
        b"fence" => Operation::Fence(order(argument, Ordered::Fence)?),
        b"load" => {
            let (place, order) = atomic(argument, operation, Ordered::Load)?;
            Operation::Load(memory(place, operation, names)?, order)
        }
        b"store" => {
            let (place, order) = atomic(argument, operation, Ordered::Store)?;
            Operation::Store(memory(place, operation, names)?, order)
        }
        b"rmw" => {
            let (place, order) = atomic(argument, operation, Ordered::ReadModifyWrite)?;
            Operation::ReadModifyWrite(memory(place, operation, names)?, order)
        }
        _ => return Err(malformed(EXPECTED, operation)),
    })
}

/// The arguments of an operation on an atomic: a name may have commas in it, an ordering has none.
fn atomic<'a>(
    arguments: &'a [u8],
    operation: &[u8],
    kind: Ordered,
) -> Result<(&'a [u8], Ordering), Problem> {
    let Some(comma) = memchr::memrchr(b',', arguments) else {
        return Err(malformed(
            "a place and an ordering, as in `load(x,acquire)`",
            operation,
        ));
    };
    let place = &arguments[..comma];
    Ok((place, order(&arguments[comma + 1..], kind)?))
}

fn order(word: &[u8], kind: Ordered) -> Result<Ordering, Problem> {
    ordering(word)
        .filter(|order| kind.allows(*order))
        .ok_or_else(|| malformed(kind.orderings(), word))
}

/// A variable's name, or a range of bytes.
#[inline]
fn memory(place: &[u8], operation: &[u8], names: &mut Names) -> Result<Place, Problem> {
    if place.starts_with(ADDRESS)
        && let Some(range) = range(place)
    {
        return range;
    }
    if place.is_empty() {
        return Err(malformed("a place between the parentheses", operation));
    }
    number(&mut names.variables, place).map(Place::Variable)
}

/// Whether a variable can't have this name.
pub(super) fn is_range(name: &[u8]) -> bool {
    range(name).is_some()
}

/// `0xADDRESS+SIZE`; `None` if it isn't meant to be one: hexadecimal digits without a size are a name like others.
#[cold]
fn range(place: &[u8]) -> Option<Result<Place, Problem>> {
    let digits = place.strip_prefix(ADDRESS)?;
    let plus = memchr(b'+', digits)?;
    let (address, size) = (&digits[..plus], &digits[plus + 1..]);
    if address.is_empty() || !address.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let hexadecimal = std::str::from_utf8(address).ok()?;
    let address = u64::from_str_radix(hexadecimal, 16).ok();
    let range = address.zip(decimal(size)).filter(|(address, size)| {
        // One byte, the very last, is out of reach.
        address.checked_add(u64::from(*size)).is_some()
    });
    Some(match range {
        Some((address, size)) => Ok(Place::Range { address, size }),
        None => Err(malformed(
            "a range within 64-bit memory, as in `0x7f00+8`",
            place,
        )),
    })
}

/// Digits only: no sign.
fn decimal(digits: &[u8]) -> Option<u32> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests;
