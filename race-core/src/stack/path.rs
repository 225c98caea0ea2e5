//! The paths by which functions were called, interned: each a call and the path of the function that made it.
//!
//! An instrumented program announces each call, so its stacks are known without an unwind (`calls`). A path has a 32-bit number; two contexts that have
//! callers in common share their paths.
//!
//! What is recursive has as many paths as it makes calls. So a call that stands in its path [`REPEATS`] times already adds nothing to it: the
//! innermost of these stands for it. Then there are never more paths than the program's text has, and a report that shows one shows that there is
//! recursion, with each call in it.

use std::num::NonZeroU32;
use std::sync::PoisonError;

use super::lately::{Entry, Lately};
use crate::errno;
use crate::fork::PerProcess;
use crate::primitive::sync::{Mutex, MutexGuard};
use crate::primitive::{DashMap, global};

/// How often one call may stand in a path.
const REPEATS: usize = 4;

/// The name of an interned path.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct PathId(NonZeroU32);

impl PathId {
    #[inline]
    pub(super) fn from_bits(bits: u32) -> Option<PathId> {
        NonZeroU32::new(bits).map(PathId)
    }

    #[inline]
    pub(super) fn bits(id: Option<PathId>) -> u32 {
        id.map_or(0, |id| id.0.get())
    }
}

/// A call, by its return address, and how its function was called.
#[derive(Clone, Copy)]
struct Step {
    caller: Option<PathId>,
    address: usize,
}

type Key = (u32, usize);

global! {
    static IDS: PerProcess<DashMap<Key, PathId>> = PerProcess::new();
}
global! {
    static STEPS: Mutex<Vec<Step>> = Mutex::new(Vec::new());
}

pub(crate) struct Still(
    #[expect(dead_code, reason = "dropped at the end of it")] MutexGuard<'static, Vec<Step>>,
);

/// Nothing changes while the guard lives.
pub(crate) fn hold_still() -> Still {
    Still(steps())
}

fn steps() -> MutexGuard<'static, Vec<Step>> {
    STEPS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn step(steps: &[Step], id: PathId) -> Step {
    steps[id.0.get() as usize - 1]
}

/// The calls of a path, innermost first.
fn calls(steps: &[Step], path: Option<PathId>) -> impl Iterator<Item = (PathId, usize)> {
    let mut next = path;
    std::iter::from_fn(move || {
        let id = next?;
        let Step { caller, address } = step(steps, id);
        next = caller;
        Some((id, address))
    })
}

/// The paths that one thread looked up lately.
pub(crate) struct PathCache(Lately<Cached>);

/// Nobody's while `id` is 0.
#[derive(Clone, Copy)]
struct Cached {
    caller: u32,
    id: u32,
    address: usize,
}

#[inline(always)]
fn hash(caller: u32, address: usize) -> u64 {
    (address as u64 ^ u64::from(caller) << 32).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl Entry for Cached {
    const NOTHING: Cached = Cached {
        caller: 0,
        id: 0,
        address: 0,
    };

    fn hash(&self) -> u64 {
        hash(self.caller, self.address)
    }
}

impl PathCache {
    pub(crate) const fn new() -> PathCache {
        PathCache(Lately::new())
    }

    /// The path of what is called at `address` by what was called by way of `caller`.
    #[inline]
    pub(super) fn intern(&mut self, caller: Option<PathId>, address: usize) -> PathId {
        let known = self.get(PathId::bits(caller), address);
        let id = known.and_then(PathId::from_bits);
        id.unwrap_or_else(|| self.intern_slow(caller, address))
    }

    /// The same by [`PathId::bits`], if it was looked up lately.
    #[inline(always)]
    pub(super) fn get(&self, caller: u32, address: usize) -> Option<u32> {
        let cached = self.0.get(hash(caller, address))?;
        let is_it = (cached.caller, cached.address) == (caller, address) && cached.id != 0;
        is_it.then_some(cached.id)
    }

    #[cold]
    #[inline(never)]
    fn intern_slow(&mut self, caller: Option<PathId>, address: usize) -> PathId {
        let id = errno::keep(|| intern(caller, address));
        self.0.put(Cached {
            caller: PathId::bits(caller),
            id: PathId::bits(Some(id)),
            address,
        });
        id
    }
}

/// The path of what is called at `address` by what was called by way of `caller`.
fn intern(caller: Option<PathId>, address: usize) -> PathId {
    let key = (PathId::bits(caller), address);
    if let Some(id) = IDS.get().get(&key) {
        return *id;
    }
    *IDS.get().entry(key).or_insert_with(|| {
        let mut steps = steps();
        let same = |call: &(PathId, usize)| call.1 == address;
        let innermost = calls(&steps, caller).find(same);
        if let Some((innermost, _)) = innermost
            && calls(&steps, caller).filter(same).count() >= REPEATS
        {
            return innermost;
        }
        steps.push(Step { caller, address });
        let id = u32::try_from(steps.len()).expect("a program's text has fewer than 2^32 paths");
        PathId(NonZeroU32::new(id).expect("one was just pushed"))
    })
}

/// The return addresses of a path, innermost first.
pub(crate) fn addresses(path: Option<PathId>) -> Vec<usize> {
    calls(&steps(), path).map(|(_, address)| address).collect()
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn path(addresses: &[usize]) -> Option<PathId> {
        addresses
            .iter()
            .fold(None, |caller, address| Some(intern(caller, *address)))
    }

    #[test]
    fn a_path_is_its_calls() {
        let (one, other) = (path(&[11, 12, 13]), path(&[11, 12, 14]));
        assert_eq!(one, path(&[11, 12, 13]));
        assert_ne!(one, other);
        assert_eq!(addresses(one), [13, 12, 11]);
        assert!(addresses(None).is_empty());
    }

    #[test]
    fn what_is_recursive_has_few_paths() {
        let mut calls = vec![21];
        calls.extend([22; 100]);
        calls.push(23);
        assert_eq!(addresses(path(&calls)), [23, 22, 22, 22, 22, 21]);
        // Two calls in all orders, as of a sort that divides: 2^20 paths without an end to it.
        let mut seen = std::collections::HashSet::new();
        for order in 0u32..1 << 14 {
            let calls: Vec<usize> = (0..14)
                .map(|bit| 31 + (order >> bit & 1) as usize)
                .collect();
            seen.insert(path(&calls));
        }
        assert!(seen.len() < 400, "{}", seen.len());
    }
}
