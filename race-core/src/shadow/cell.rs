//! The shadow of one value, kept inline beside it, so that it moves with the value.
//!
//! The fast path is inlined into the user's code: one thread-local read, one or two loads, one compare. Everything else is out of line.

use std::panic::Location;

use crate::epoch::Epoch;
use crate::primitive::const_fn;
use crate::report;
use crate::shadow::state::{Access, Class, Conflicts, Knowledge};
use crate::shadow::word::Words;
use crate::stack::depot::{ContextId, Detail};
use crate::thread::local;
use crate::thread::registry;
use crate::thread::state::ThreadState;

/// What the program calls a value.
#[derive(Clone, Copy, Debug)]
pub struct Label {
    /// What kind of thing has the name: `field`; empty if that isn't known.
    pub kind: &'static str,
    /// The name: `Stats.reqs`.
    pub name: &'static str,
}

/// What an access is to, for the report. Only asked for when there is a race.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The address of the value.
    pub address: usize,
    /// Its size in bytes.
    pub size: usize,
    /// Its type: `Shared<u64>`.
    pub describe: fn() -> String,
    /// What the program calls it, if that is known.
    pub label: Option<&'static Label>,
}

/// The shadow state of one value. 32 bytes, `const` to make, all zeros but for the place where it was made.
///
/// # Example
///
/// ```
/// use std::panic::Location;
/// use race_core::shadow::cell::{ShadowCell, Target};
///
/// static SHADOW: ShadowCell = ShadowCell::new(Location::caller());
/// static VALUE: u64 = 0;
///
/// let target = || Target { address: (&raw const VALUE).addr(), size: 8, describe: || "VALUE".into(), label: None };
/// SHADOW.read(target, Location::caller());
/// ```
pub struct ShadowCell {
    words: Words,
    created: &'static Location<'static>,
}

impl std::fmt::Debug for ShadowCell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShadowCell")
            .field("created", &format_args!("{}", self.created))
            .finish_non_exhaustive()
    }
}

impl ShadowCell {
    const_fn! {
        /// The shadow of a value that nobody has accessed; `created` is where the value was made.
        pub const fn new(created: &'static Location<'static>) -> ShadowCell {
            ShadowCell {
                words: Words::new(),
                created,
            }
        }
    }

    /// The calling thread reads the value. Reports the writes that this races with.
    #[inline]
    pub fn read(&self, target: impl FnOnce() -> Target, site: &'static Location<'static>) {
        if !self.words.is_read_in(local::epoch_word()) {
            self.access_slow(Class::Read, target(), site);
        }
    }

    /// The calling thread writes the value, or reads and writes it. Reports the accesses that this races with.
    #[inline]
    pub fn write(&self, target: impl FnOnce() -> Target, site: &'static Location<'static>) {
        if !self.words.is_written_in(local::epoch_word()) {
            self.access_slow(Class::Write, target(), site);
        }
    }

    /// The calling thread has exclusive access, by `&mut` or ownership. Whatever happened before is over, by what order we may not
    /// know; from here on this counts as its write.
    #[inline]
    pub fn adopt(&mut self, site: &'static Location<'static>) {
        if !self.words.is_only_written_in(local::epoch_word()) {
            self.adopt_slow(site);
        }
    }

    /// The calling thread wants access while another one is in the middle of its own, and one of the two is a write: they race whatever
    /// was ordered before. Reports it, and records nothing: the access isn't made.
    #[cold]
    pub fn overlapping(
        &self,
        write: bool,
        other_writes: bool,
        target: Target,
        site: &'static Location<'static>,
    ) {
        let class = if write { Class::Write } else { Class::Read };
        local::enter_unordered(|thread| {
            let context = thread.context(Some(site.into()), Detail::Plain);
            let mut locked = self.words.lock();
            let state = locked.take();
            let conflicts = state.in_the_way_of(thread, class, other_writes);
            locked.put(state);
            if !conflicts.is_empty() {
                self.report(thread, class, context, &conflicts, target);
            }
        });
    }

    #[cold]
    #[inline(never)]
    fn access_slow(&self, class: Class, target: Target, site: &'static Location<'static>) {
        // No bytes, no overlap.
        if target.size == 0 {
            return;
        }
        local::enter_unordered(|thread| {
            // An access to read-shared state may well be recorded, where the fast path doesn't look.
            if self.words.is_many() && self.words.is_recorded(thread.epoch(), class) {
                return;
            }
            let context = thread.access_context(Some(site.into()), Detail::Plain);
            let conflicts = self.words.access(thread, class, context);
            if !conflicts.is_empty() {
                self.report(thread, class, context, &conflicts, target);
            }
        });
    }

    #[cold]
    #[inline(never)]
    fn report(
        &self,
        thread: &mut ThreadState,
        class: Class,
        context: ContextId,
        conflicts: &Conflicts,
        target: Target,
    ) {
        let access = Access {
            epoch: thread.epoch(),
            class,
            context: Some(context),
        };
        let place = report::Place {
            address: target.address,
            size: target.size,
            name: Some((target.describe)()),
            label: target.label,
            created: Some(self.created),
            block: None,
        };
        report::found(thread, access, conflicts, place);
    }

    #[cold]
    #[inline(never)]
    fn adopt_slow(&mut self, site: &'static Location<'static>) {
        local::enter_unordered(|thread| {
            let context = thread.access_context(Some(site.into()), Detail::Exclusive);
            let mut locked = self.words.lock();
            let mut state = locked.take();
            state.adopt(thread.epoch(), Some(context));
            locked.put(state);
        });
    }
}

impl Knowledge for ThreadState {
    #[inline]
    fn epoch(&self) -> Epoch {
        self.epoch()
    }

    #[inline(always)]
    fn knows(&self, epoch: Epoch) -> bool {
        self.knows(epoch)
    }

    fn is_transitive(&self) -> bool {
        !registry::is_assumed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tracked_value_pays_32_bytes() {
        assert_eq!(size_of::<ShadowCell>(), 32);
    }
}
