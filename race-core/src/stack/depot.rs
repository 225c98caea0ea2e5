//! The stack depot: every distinct access context once, under a 32-bit id.
//!
//! A context is all that a report needs to say about an access besides the thread and the address: the site, the calling frames and the
//! locks held. It grows with the program's text, not with its running time, so it is never pruned.
//! It must not compare [`Location`]s by content: interning is hot enough to notice, and a duplicate costs only memory.

use std::hash::{Hash, Hasher};
use std::num::NonZeroU32;
use std::panic::Location;
use std::ptr;
use std::sync::{Arc, PoisonError};

use crate::errno;
use crate::fork::PerProcess;
use crate::primitive::sync::{Mutex, MutexGuard};
use crate::primitive::{DashMap, global};
use crate::stack::path::{self, PathId};
use crate::stack::position::Position;
use crate::sync::{Origin, SyncKind};

/// The name of an interned context.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct ContextId(NonZeroU32);

impl ContextId {
    #[inline]
    pub(crate) fn from_bits(bits: u32) -> Option<ContextId> {
        NonZeroU32::new(bits).map(ContextId)
    }

    #[inline]
    pub(crate) fn bits(id: Option<ContextId>) -> u32 {
        id.map_or(0, |id| id.0.get())
    }
}

/// What kind of plain access it was, for the report only; ordering never depends on it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Detail {
    /// An ordinary load or store.
    Plain,
    /// `read_volatile` or `write_volatile`.
    Volatile,
    /// The memory was freed, which is a write to all of it.
    Free,
    /// Access through `&mut`, `into_inner` and the like, which the borrow checker keeps exclusive.
    Exclusive,
}

/// A lock held at an access. Its identity is where it was made, or first locked, and where it was locked: bounded by the program's text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeldLock {
    pub(crate) kind: &'static SyncKind,
    pub(crate) created: Origin,
    pub(crate) locked: Position,
}

impl PartialEq for HeldLock {
    fn eq(&self, other: &HeldLock) -> bool {
        ptr::eq(self.kind, other.kind)
            && self.created == other.created
            && self.locked == other.locked
    }
}

impl Eq for HeldLock {}

impl Hash for HeldLock {
    fn hash<H: Hasher>(&self, state: &mut H) {
        ptr::from_ref(self.kind).hash(state);
        self.created.hash(state);
        self.locked.hash(state);
    }
}

/// The return addresses of a stack.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Frames {
    /// As an unwind found them, innermost first.
    Unwound(Box<[usize]>),
    /// As the program announced them.
    Announced {
        /// The return address of the call that announced the access, where one did.
        innermost: Option<usize>,
        /// How the function around it was called.
        path: Option<PathId>,
    },
}

impl Frames {
    /// The innermost return address.
    pub(crate) fn first(&self) -> Option<usize> {
        match self {
            Frames::Unwound(addresses) => addresses.first().copied(),
            Frames::Announced { innermost, path } => {
                innermost.or_else(|| path::addresses(*path).first().copied())
            }
        }
    }

    /// All of them, innermost first.
    pub(crate) fn addresses(&self) -> Vec<usize> {
        match self {
            Frames::Unwound(addresses) => addresses.to_vec(),
            Frames::Announced { innermost, path } => {
                let mut all = path::addresses(*path);
                if let Some(innermost) = innermost {
                    all.insert(0, *innermost);
                }
                all
            }
        }
    }
}

/// Everything that a report says about an access, apart from who and where in memory.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    /// The line that the user wrote, where a wrapper knows it.
    pub(crate) site: Option<&'static Location<'static>>,
    pub(crate) frames: Frames,
    pub(crate) held: Box<[HeldLock]>,
    pub(crate) detail: Detail,
}

impl PartialEq for Context {
    fn eq(&self, other: &Context) -> bool {
        self.site.map(ptr::from_ref) == other.site.map(ptr::from_ref)
            && self.frames == other.frames
            && self.held == other.held
            && self.detail == other.detail
    }
}

impl Eq for Context {}

impl Hash for Context {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.site.map(ptr::from_ref).hash(state);
        self.frames.hash(state);
        self.held.hash(state);
        self.detail.hash(state);
    }
}

global! {
    static IDS: PerProcess<DashMap<Arc<Context>, ContextId>> = PerProcess::new();
}
global! {
    static CONTEXTS: Mutex<Vec<Arc<Context>>> = Mutex::new(Vec::new());
}

pub(crate) type Still = MutexGuard<'static, Vec<Arc<Context>>>;

/// Nothing changes while the guard lives.
pub(crate) fn hold_still() -> Still {
    CONTEXTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The id of `context`; the same id for an equal context, for as long as the process lives.
pub(crate) fn intern(context: Context) -> ContextId {
    errno::keep(|| intern_inside(context))
}

fn intern_inside(context: Context) -> ContextId {
    let context = Arc::new(context);
    *IDS.get().entry(context.clone()).or_insert_with(|| {
        let mut contexts = hold_still();
        contexts.push(context);
        let id = u32::try_from(contexts.len())
            .expect("2^32 distinct stacks need more memory than there is");
        ContextId(NonZeroU32::new(id).expect("one was just pushed"))
    })
}

/// The context behind an id.
pub(crate) fn get(id: ContextId) -> Arc<Context> {
    hold_still()[id.0.get() as usize - 1].clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(frames: &[usize], detail: Detail) -> Context {
        Context {
            site: Some(Location::caller()),
            frames: Frames::Unwound(frames.into()),
            held: Box::default(),
            detail,
        }
    }

    #[test]
    fn equal_contexts_share_an_id_and_others_do_not() {
        let make = |frames: &[usize], detail| intern(context(frames, detail));
        let a = make(&[1, 2, 3], Detail::Plain);
        assert_eq!(a, make(&[1, 2, 3], Detail::Plain));
        assert_ne!(a, make(&[1, 2, 4], Detail::Plain));
        assert_ne!(a, make(&[1, 2, 3], Detail::Volatile));
        assert_eq!(get(a).frames.addresses(), [1, 2, 3]);
    }
}
