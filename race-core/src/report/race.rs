//! A data race, as data: the structs that tests assert on and that both renderings are made from.
//!
//! Nothing in here knows the engine; everything is owned and final.

use std::fmt;

use serde::Serialize;

use super::deadlock::DeadlockKind;
use super::text;

pub use super::kinds::Operation;

/// A place in the source.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Site {
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl Site {
    /// A function of which nothing else is known.
    pub(crate) fn of_function(function: String) -> Site {
        Site {
            file: function,
            line: 0,
            column: 0,
        }
    }

    /// The path, relative to the workspace where it lies within. Of a lock in code without debug information, the function's name.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line, from 1; 0 if there is no debug information.
    pub fn line(&self) -> u32 {
        self.line
    }

    /// The column, from 1; 0 if the debug information has none.
    pub fn column(&self) -> u32 {
        self.column
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line != 0 {
            write!(f, ":{}", self.line)?;
        }
        if self.column != 0 {
            write!(f, ":{}", self.column)?;
        }
        Ok(())
    }
}

/// A function on a stack. A frame that was inlined stands before the one it was inlined into, as if it had been called.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Frame {
    pub(crate) function: String,
    #[serde(flatten)]
    pub(crate) site: Option<Site>,
    pub(crate) offset: usize,
}

impl Frame {
    /// The function's path: `bank::Account::deposit`.
    pub fn function(&self) -> &str {
        &self.function
    }

    /// The place in the source, if debug information tells.
    pub fn site(&self) -> Option<&Site> {
        self.site.as_ref()
    }

    /// Bytes from the start of the (outermost) function's code.
    pub fn offset(&self) -> usize {
        self.offset
    }
}

/// A lock that was held at an access.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct HeldLock {
    pub(crate) kind: &'static str,
    /// What happened at `created_at`, in a word or two.
    #[serde(skip)]
    pub(crate) origin: &'static str,
    pub(crate) created_at: Site,
    pub(crate) locked_at: Site,
}

impl HeldLock {
    /// What it is: `Mutex`.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// Where the lock was made; of `parking_lot`'s, where it was first locked.
    pub fn created_at(&self) -> &Site {
        &self.created_at
    }

    /// Where it was locked.
    pub fn locked_at(&self) -> &Site {
        &self.locked_at
    }
}

/// The thread behind an access.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ThreadInfo {
    pub(crate) number: u32,
    pub(crate) name: Option<String>,
    pub(crate) finished: bool,
    pub(crate) created_by: Option<u32>,
    pub(crate) created_at: Vec<Frame>,
}

impl ThreadInfo {
    /// 1 for the main thread, then in the order of creation.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Its name, if it has one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Whether it had ended when the race was found.
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// The number of the thread that created it, unless nobody did or it isn't known.
    pub fn created_by(&self) -> Option<u32> {
        self.created_by
    }

    /// The stack that created it, innermost frame first; empty for the main thread and for threads that were found running.
    pub fn created_at(&self) -> &[Frame] {
        &self.created_at
    }

    /// "main", or "thread 3".
    pub(crate) fn short(&self) -> String {
        if self.number == 1 {
            "main".to_owned()
        } else {
            format!("thread {}", self.number)
        }
    }
}

/// One of the two accesses of a race.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Access {
    pub(crate) operation: Operation,
    pub(crate) thread: ThreadInfo,
    pub(crate) stack: Vec<Frame>,
    pub(crate) held: Vec<HeldLock>,
}

impl Access {
    /// What it did.
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// Who did it.
    pub fn thread(&self) -> &ThreadInfo {
        &self.thread
    }

    /// Where, innermost frame first. Frames of `std`, the test harness and racecheck are left out, unless `frames=all`.
    pub fn stack(&self) -> &[Frame] {
        &self.stack
    }

    /// The source line of the innermost frame.
    pub fn site(&self) -> Option<&Site> {
        self.stack.first()?.site()
    }

    /// The tracked locks that the thread held, in the order in which it took them.
    pub fn held(&self) -> &[HeldLock] {
        &self.held
    }
}

/// A block of heap memory.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct HeapBlock {
    pub(crate) address: usize,
    pub(crate) size: usize,
    pub(crate) allocated_by: ThreadInfo,
    pub(crate) allocated_at: Vec<Frame>,
    /// Who has freed it since, if anybody has.
    pub(crate) freed_by: Option<ThreadInfo>,
    pub(crate) freed_at: Vec<Frame>,
}

impl HeapBlock {
    /// The address of its first byte.
    pub fn address(&self) -> usize {
        self.address
    }

    /// The size in bytes.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Who allocated it.
    pub fn allocated_by(&self) -> &ThreadInfo {
        &self.allocated_by
    }

    /// Where, innermost frame first.
    pub fn allocated_at(&self) -> &[Frame] {
        &self.allocated_at
    }

    /// Who has freed it, if that was seen. Only of an instrumented program.
    pub fn freed_by(&self) -> Option<&ThreadInfo> {
        self.freed_by.as_ref()
    }

    /// Where, innermost frame first; empty if nobody was seen freeing it.
    pub fn freed_at(&self) -> &[Frame] {
        &self.freed_at
    }
}

/// A global variable, as the program's symbol table has it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct Global {
    pub(crate) name: String,
    pub(crate) address: usize,
    pub(crate) size: usize,
}

/// What the two accesses had in common.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Place {
    pub(crate) address: usize,
    pub(crate) size: usize,
    pub(crate) name: Option<String>,
    #[serde(skip)]
    pub(crate) kind: &'static str,
    pub(crate) label: Option<String>,
    pub(crate) created_at: Option<Site>,
    pub(crate) block: Option<HeapBlock>,
    pub(crate) global: Option<Global>,
    pub(crate) stack_of: Option<ThreadInfo>,
    /// Whether it is thread-local memory of that thread's rather than its stack.
    pub(crate) thread_local: bool,
}

impl Place {
    /// The address of the value, or of the first byte in common.
    pub fn address(&self) -> usize {
        self.address
    }

    /// The size in bytes.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Its type: `Shared<u64>`. None for raw memory.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// What the program calls it: `Stats.reqs`, if it was given a label.
    pub fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    /// Where it was made. None for raw memory.
    pub fn created_at(&self) -> Option<&Site> {
        self.created_at.as_ref()
    }

    /// The block that raw memory is part of, or was before it was freed, if its allocation was seen.
    pub fn block(&self) -> Option<&HeapBlock> {
        self.block.as_ref()
    }

    /// The name of the static that raw memory is part of. Only of an instrumented program.
    pub fn global(&self) -> Option<&str> {
        self.global.as_ref().map(|global| &*global.name)
    }

    /// The thread on whose stack raw memory is, or among whose thread-locals. Only of an instrumented program.
    pub fn stack_of(&self) -> Option<&ThreadInfo> {
        self.stack_of.as_ref()
    }
}

/// A data race: two accesses to the same bytes by two threads, at least one a write and at least one not atomic, neither of which
/// happens before the other.
///
/// `Display` is the report as it is printed, without colours.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Race {
    pub(crate) current: Access,
    pub(crate) previous: Access,
    pub(crate) location: Place,
    pub(crate) why: Vec<String>,
    pub(crate) help: String,
}

impl Race {
    /// The access that was being made when the race was found.
    pub fn current(&self) -> &Access {
        &self.current
    }

    /// The access that it raced with.
    pub fn previous(&self) -> &Access {
        &self.previous
    }

    /// Both, the current one first.
    pub fn accesses(&self) -> [&Access; 2] {
        [&self.current, &self.previous]
    }

    /// The memory they had in common.
    pub fn location(&self) -> &Place {
        &self.location
    }

    /// Why nothing orders the two, line by line.
    pub fn why(&self) -> &[String] {
        &self.why
    }

    /// What would.
    pub fn help(&self) -> &str {
        &self.help
    }

    /// Whether the two accesses are on these two lines, in either order. A file matches by its end: `bank.rs`.
    pub fn is_between(&self, a: (&str, u32), b: (&str, u32)) -> bool {
        let on = |access: &Access, (file, line): (&str, u32)| {
            access
                .site()
                .is_some_and(|site| site.line == line && site.file.ends_with(file))
        };
        (on(&self.current, a) && on(&self.previous, b))
            || (on(&self.current, b) && on(&self.previous, a))
    }
}

impl fmt::Display for Race {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        text::render(self, false, f)
    }
}

/// What tells a finding apart from others before any symbol is looked up: each is reported once.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Key {
    Race(Pair),
    /// Where each thread waits, and where it has locked what another waits for.
    Deadlock(DeadlockKind, Vec<(PairSite, PairSite)>),
}

/// Two sites of which a race is reported once, whichever access came first.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Pair(PairSite, PairSite);

/// A site, as far as it can be told without symbols.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum PairSite {
    Source(&'static str, u32, u32),
    Code(usize),
}

impl Pair {
    pub(crate) fn new(a: PairSite, b: PairSite) -> Pair {
        if a <= b { Pair(a, b) } else { Pair(b, a) }
    }
}
