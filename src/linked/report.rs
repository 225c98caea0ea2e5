//! A finding, as data: what the runtime sends, under the names that `race_core::report` has for it. See [`Race`] and [`Deadlock`].
//!
//! The fields are those of the JSON in `docs/json.md`; the text is the runtime's, too. Nothing here may decide anything.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Deserializer};

/// A finding, and the report of it as it would have been printed.
#[derive(Deserialize)]
pub(super) struct Finding<T> {
    text: String,
    finding: T,
}

/// Defines the struct that is sent, and what is public of it: methods, each with what it returns of `self`.
macro_rules! data {
    ($(
        $(#[$doc:meta])*
        $name:ident {
            $($(#[$attribute:meta])* $field:ident: $kept:ty,)*
        } gives {
            $($(#[$method_doc:meta])* $method:ident($of:ident) -> $result:ty = $value:expr;)*
        }
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
        pub struct $name {
            $($(#[$attribute])* $field: $kept,)*
        }

        impl $name {
            $(
                $(#[$method_doc])*
                pub fn $method(&self) -> $result {
                    let $of = self;
                    $value
                }
            )*
        }
    )*};
}

data! {
    /// A place in the source.
    Site {
        file: String,
        line: u32,
        column: u32,
    } gives {
        /// The path, relative to the workspace where it lies within. Of a lock in code without debug information, the function's name.
        file(site) -> &str = &site.file;
        /// The line, from 1; 0 if there is no debug information.
        line(site) -> u32 = site.line;
        /// The column, from 1; 0 if the debug information has none.
        column(site) -> u32 = site.column;
    }

    /// A function on a stack. A frame that was inlined stands before the one it was inlined into, as if it had been called.
    Frame {
        function: String,
        #[serde(flatten)]
        site: Option<Site>,
        offset: usize,
    } gives {
        /// The function's path: `bank::Account::deposit`.
        function(frame) -> &str = &frame.function;
        /// The place in the source, if debug information tells.
        site(frame) -> Option<&Site> = frame.site.as_ref();
        /// Bytes from the start of the (outermost) function's code.
        offset(frame) -> usize = frame.offset;
    }

    /// A lock that was held at an access.
    HeldLock {
        kind: Kept,
        created_at: Site,
        locked_at: Site,
    } gives {
        /// What it is: `Mutex`.
        kind(lock) -> &'static str = lock.kind.0;
        /// Where the lock was made, or where it was first locked.
        created_at(lock) -> &Site = &lock.created_at;
        /// Where it was locked.
        locked_at(lock) -> &Site = &lock.locked_at;
    }

    /// The thread behind an access.
    ThreadInfo {
        number: u32,
        name: Option<String>,
        finished: bool,
        created_by: Option<u32>,
        created_at: Vec<Frame>,
    } gives {
        /// 1 for the main thread, then in the order of creation.
        number(thread) -> u32 = thread.number;
        /// Its name, if it has one.
        name(thread) -> Option<&str> = thread.name.as_deref();
        /// Whether it had ended when the race was found.
        is_finished(thread) -> bool = thread.finished;
        /// The number of the thread that created it, unless nobody did or it isn't known.
        created_by(thread) -> Option<u32> = thread.created_by;
        /// The stack that created it, innermost frame first; empty for the main thread and for threads that were found running.
        created_at(thread) -> &[Frame] = &thread.created_at;
    }

    /// One of the two accesses of a race.
    Access {
        operation: Operation,
        thread: ThreadInfo,
        stack: Vec<Frame>,
        held: Vec<HeldLock>,
    } gives {
        /// What it did.
        operation(access) -> Operation = access.operation;
        /// Who did it.
        thread(access) -> &ThreadInfo = &access.thread;
        /// Where, innermost frame first. Frames of `std`, the test harness and racecheck are left out, unless `frames=all`.
        stack(access) -> &[Frame] = &access.stack;
        /// The source line of the innermost frame.
        site(access) -> Option<&Site> = access.stack.first()?.site();
        /// The locks that the thread held, as far as they are seen.
        held(access) -> &[HeldLock] = &access.held;
    }

    /// A block of heap memory.
    HeapBlock {
        address: usize,
        size: usize,
        allocated_by: ThreadInfo,
        allocated_at: Vec<Frame>,
        freed_by: Option<ThreadInfo>,
        freed_at: Vec<Frame>,
    } gives {
        /// The address of its first byte.
        address(block) -> usize = block.address;
        /// The size in bytes.
        size(block) -> usize = block.size;
        /// Who allocated it.
        allocated_by(block) -> &ThreadInfo = &block.allocated_by;
        /// Where, innermost frame first.
        allocated_at(block) -> &[Frame] = &block.allocated_at;
        /// Who has freed it, if that was seen.
        freed_by(block) -> Option<&ThreadInfo> = block.freed_by.as_ref();
        /// Where, innermost frame first; empty if nobody was seen freeing it.
        freed_at(block) -> &[Frame] = &block.freed_at;
    }

    /// A global variable, as the program's symbol table has it.
    Global {
        name: String,
        address: usize,
        size: usize,
    } gives {}

    /// What the two accesses had in common.
    Place {
        address: usize,
        size: usize,
        name: Option<String>,
        label: Option<String>,
        created_at: Option<Site>,
        block: Option<HeapBlock>,
        global: Option<Global>,
        stack_of: Option<ThreadInfo>,
    } gives {
        /// The address of the value, or of the first byte in common.
        address(place) -> usize = place.address;
        /// The size in bytes.
        size(place) -> usize = place.size;
        /// Its type: `Shared<u64>`. None for raw memory.
        name(place) -> Option<&str> = place.name.as_deref();
        /// What the program calls it: `Stats.reqs`, if it was given a label.
        label(place) -> Option<&str> = place.label.as_deref();
        /// Where it was made. None for raw memory.
        created_at(place) -> Option<&Site> = place.created_at.as_ref();
        /// The block that raw memory is part of, or was before it was freed, if its allocation was seen.
        block(place) -> Option<&HeapBlock> = place.block.as_ref();
        /// The name of the static that raw memory is part of.
        global(place) -> Option<&str> = place.global.as_ref().map(|global| &*global.name);
        /// The thread on whose stack raw memory is, or among whose thread-locals.
        stack_of(place) -> Option<&ThreadInfo> = place.stack_of.as_ref();
    }

    /// A data race: two accesses to the same bytes by two threads, at least one a write and at least one not atomic, neither of which
    /// happens before the other.
    ///
    /// `Display` is the report as it is printed, without colours.
    Race {
        #[serde(skip)]
        text: String,
        current: Access,
        previous: Access,
        location: Place,
        why: Vec<String>,
        help: String,
    } gives {
        /// The access that was being made when the race was found.
        current(race) -> &Access = &race.current;
        /// The access that it raced with.
        previous(race) -> &Access = &race.previous;
        /// Both, the current one first.
        accesses(race) -> [&Access; 2] = [&race.current, &race.previous];
        /// The memory they had in common.
        location(race) -> &Place = &race.location;
        /// Why nothing orders the two, line by line.
        why(race) -> &[String] = &race.why;
        /// What would.
        help(race) -> &str = &race.help;
    }

    /// A lock of a deadlock.
    DeadlockLock {
        number: usize,
        kind: Kept,
        created_at: Site,
    } gives {
        /// Tells the locks of one deadlock apart, from 1.
        number(lock) -> usize = lock.number;
        /// What it is: `pthread mutex`.
        kind(lock) -> &'static str = lock.kind.0;
        /// Where it was made, or where it was first locked.
        created_at(lock) -> &Site = &lock.created_at;
    }

    /// A lock that a thread of a deadlock held.
    Holding {
        lock: DeadlockLock,
        shared: bool,
        locked_at: Site,
    } gives {
        /// Which one.
        lock(held) -> &DeadlockLock = &held.lock;
        /// Whether it was held for reading.
        is_shared(held) -> bool = held.shared;
        /// Where it was locked.
        locked_at(held) -> &Site = &held.locked_at;
    }

    /// One of the threads of a deadlock: it waits for the next one, and the last one for the first.
    Waiter {
        thread: ThreadInfo,
        goal: Goal,
        stack: Vec<Frame>,
        held: Vec<Holding>,
    } gives {
        /// Who waits, or could have.
        thread(waiter) -> &ThreadInfo = &waiter.thread;
        /// For what.
        goal(waiter) -> &Goal = &waiter.goal;
        /// Where, innermost frame first.
        stack(waiter) -> &[Frame] = &waiter.stack;
        /// The source line of the innermost frame.
        site(waiter) -> Option<&Site> = waiter.stack.first()?.site();
        /// The locks that the thread held meanwhile, as far as they are seen.
        held(waiter) -> &[Holding] = &waiter.held;
    }

    /// Threads that wait for each other, or could have: see [`DeadlockKind`].
    ///
    /// `Display` is the report as it is printed, without colours.
    Deadlock {
        #[serde(skip)]
        text: String,
        kind: DeadlockKind,
        waiters: Vec<Waiter>,
        why: Vec<String>,
        help: String,
    } gives {
        /// What kind it is.
        kind(deadlock) -> DeadlockKind = deadlock.kind;
        /// Its threads, the one that found it first. Each waits for what the next one holds, or for its end.
        waiters(deadlock) -> &[Waiter] = &deadlock.waiters;
        /// Why it is one, line by line.
        why(deadlock) -> &[String] = &deadlock.why;
        /// What would prevent it.
        help(deadlock) -> &str = &deadlock.help;
    }
}

race_interface::kinds_of_findings!(Deserialize);

impl Race {
    /// Whether the two accesses are on these two lines, in either order. A file matches by its end: `bank.rs`.
    pub fn is_between(&self, a: (&str, u32), b: (&str, u32)) -> bool {
        let on = |access: &Access, (file, line): (&str, u32)| {
            let site = access.site();
            site.is_some_and(|site| site.line == line && site.file.ends_with(file))
        };
        (on(&self.current, a) && on(&self.previous, b))
            || (on(&self.current, b) && on(&self.previous, a))
    }
}

impl From<Finding<Race>> for Race {
    fn from(Finding { text, finding }: Finding<Race>) -> Race {
        Race { text, ..finding }
    }
}

impl From<Finding<Deadlock>> for Deadlock {
    fn from(Finding { text, finding }: Finding<Deadlock>) -> Deadlock {
        Deadlock { text, ..finding }
    }
}

impl fmt::Display for Race {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for Deadlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for DeadlockLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} #{}", self.kind.0, self.number)
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

/// What a lock is called, for as long as the program runs: there are few such names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Kept(&'static str);

impl<'a> Deserialize<'a> for Kept {
    fn deserialize<D: Deserializer<'a>>(from: D) -> Result<Kept, D::Error> {
        static NAMES: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());
        let name = String::deserialize(from)?;
        let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = names.iter().find(|known| **known == name) {
            return Ok(Kept(known));
        }
        let name: &'static str = name.leak();
        names.push(name);
        Ok(Kept(name))
    }
}
