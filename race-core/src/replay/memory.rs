//! The memory of a replay: variables by number, bytes by address, and the clocks of atomics in either.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::RandomState;

use super::Error;
use crate::shadow::line::{self, Line};
use crate::shadow::state::{Class, Conflicts};
use crate::shadow::word::Words;
use crate::stack::depot::ContextId;
use crate::sync::atomic::AtomicClock;
use crate::thread::state::ThreadState;
use crate::trace::{Id, Place};

#[derive(Default)]
struct Variable {
    words: Words,
    /// If it was ever accessed atomically.
    atomic: Option<Box<AtomicClock>>,
}

#[derive(Default)]
pub(super) struct Memory {
    variables: Vec<Variable>,
    /// By the address of their first byte.
    lines: HashMap<usize, Box<Line>, RandomState>,
    /// By the address of their first byte.
    atomics: BTreeMap<u64, AtomicClock>,
}

impl Memory {
    #[inline]
    pub(super) fn access(
        &mut self,
        variable: Id,
        thread: &mut ThreadState,
        class: Class,
        context: ContextId,
    ) -> Result<Conflicts, Error> {
        let words = &self.variable(variable)?.words;
        let epoch = thread.epoch();
        let recorded = match class {
            Class::Read => words.is_read_in(epoch.bits()),
            Class::Write => words.is_written_in(epoch.bits()),
            Class::AtomicRead | Class::AtomicWrite => false,
        };
        if recorded || words.is_many() && words.is_recorded(epoch, class) {
            return Ok(Conflicts::new());
        }
        thread.note_access();
        Ok(words.access(thread, class, context))
    }

    /// The races, and the bytes that they are about.
    pub(super) fn access_range(
        &mut self,
        address: u64,
        size: u32,
        thread: &mut ThreadState,
        class: Class,
        context: ContextId,
    ) -> (Place, Conflicts) {
        thread.note_access();
        let mut all = Conflicts::new();
        let mut bytes = 0..0;
        for (base, mask) in line::lines(address as usize, size as usize) {
            let line = self.lines.entry(base).or_default();
            if line.is_recorded(mask, class, thread.epoch()) {
                continue;
            }
            let raced = line.access(thread, mask, class, Some(context), &mut all);
            if raced != 0 {
                line::extend(&mut bytes, line::span(base, raced));
            }
        }
        let place = Place::Range {
            address: bytes.start as u64,
            size: bytes.len() as u32,
        };
        (place, all)
    }

    /// The clock of the atomic there.
    pub(super) fn atomic(&mut self, place: Place) -> Result<&AtomicClock, Error> {
        Ok(match place {
            Place::Variable(variable) => self.variable(variable)?.atomic.get_or_insert_default(),
            Place::Range { address, .. } => self.atomics.entry(address).or_default(),
        })
    }

    /// Whatever was there is gone.
    pub(super) fn forget(&mut self, place: Place) {
        match place {
            Place::Variable(variable) => {
                if let Some(variable) = self.variables.get_mut(variable as usize) {
                    *variable = Variable::default();
                }
            }
            Place::Range { address, size } => {
                for (base, mask) in line::lines(address as usize, size as usize) {
                    if let Some(line) = self.lines.get(&base) {
                        line.forget(mask);
                    }
                }
                if size != 0 {
                    let last = address.saturating_add(u64::from(size) - 1);
                    while let Some((atomic, _)) = self.atomics.range(address..=last).next() {
                        let atomic = *atomic;
                        self.atomics.remove(&atomic);
                    }
                }
            }
        }
    }

    #[inline]
    fn variable(&mut self, variable: Id) -> Result<&mut Variable, Error> {
        let index = variable as usize;
        if self.variables.len() <= index {
            self.grow(variable)?;
        }
        Ok(&mut self.variables[index])
    }

    #[cold]
    fn grow(&mut self, variable: Id) -> Result<(), Error> {
        let length = variable as usize + 1;
        let more = length - self.variables.len();
        self.variables
            .try_reserve(more)
            .map_err(|_| Error::TooMany(variable))?;
        self.variables.resize_with(length, Variable::default);
        Ok(())
    }
}
