//! The recorded accesses of a line: for each, whose it was and for which bytes it still counts.
//!
//! A newcomer takes its bytes out of what it replaces, and what has none left is gone. What a line has no slot for goes elsewhere ([`super::overflow`]).
//!
//! Whoever has locked the line changes them. Others may read the line's own, not those of an annex: that is another line's by the time they look. A slot of the
//! line's own is only ever given to an access by the accessing thread; nothing moves into one. That, and the order of the stores, is why a thread may believe
//! what it finds under an epoch of its own ([`super::line`]).

mod glance;

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::epoch::Epoch;
use crate::primitive::sync::atomic::{AtomicU32, AtomicU64};
use crate::shadow::state::{Access, Class, Conflicts, Knowledge};
use crate::shadow::{atomic_reads, overflow};
use crate::stack::depot::ContextId;

pub(super) use glance::Known;

/// All zeros when nothing is recorded.
///
/// | field | meaning |
/// | --- | --- |
/// | `masks` | the bytes for which each access counts; 0: the slot is free |
/// | `tags` | its epoch, with its class in bits 61 and 62 |
/// | `contexts` | its context |
/// | `more` | of a line: where those are that there was no room for. Of an annex: the next one. 0: none |
#[repr(C)]
pub(super) struct Slots<const N: usize> {
    masks: [AtomicU64; N],
    tags: [AtomicU64; N],
    contexts: [AtomicU32; N],
    pub(super) more: AtomicU32,
}

impl<const N: usize> Default for Slots<N> {
    fn default() -> Slots<N> {
        Slots {
            masks: std::array::from_fn(|_| AtomicU64::new(0)),
            tags: std::array::from_fn(|_| AtomicU64::new(0)),
            contexts: std::array::from_fn(|_| AtomicU32::new(0)),
            more: AtomicU32::new(0),
        }
    }
}

/// An access as it is kept: its tag, its context, the bytes for which it counts.
#[derive(Clone, Copy)]
pub(super) struct Recorded {
    pub(super) tag: u64,
    pub(super) context: u32,
    pub(super) mask: u64,
}

/// An access that is about to be recorded.
pub(super) struct Newcomer<'a, K> {
    pub(super) thread: &'a K,
    pub(super) class: Class,
    pub(super) tag: u64,
    pub(super) mask: u64,
    pub(super) context: u32,
}

/// Where a newcomer may be recorded: numbers of slots, of which there are only fewer if there is none.
pub(super) struct Room {
    /// Beside an access that differs in nothing but the bytes.
    same: usize,
    /// Where nothing is.
    free: usize,
    /// Whether the newcomer is ordered after all that it met.
    pub(super) are_known: bool,
}

/// What a newcomer races with.
pub(super) struct Raced<'a> {
    pub(super) conflicts: &'a mut Conflicts,
    /// The bytes in common.
    pub(super) bytes: u64,
}

impl Raced<'_> {
    #[cold]
    fn push(&mut self, tag: u64, context: u32, bytes: u64) {
        add_conflict(self.conflicts, tag, context);
        self.bytes |= bytes;
    }
}

/// The access with this tag is one of those that are raced with.
#[cold]
pub(super) fn add_conflict(conflicts: &mut Conflicts, tag: u64, context: u32) {
    let access = Access {
        epoch: Epoch::from_tagged(tag),
        class: Class::of_tagged(tag),
        context: ContextId::from_bits(context),
    };
    if conflicts.contains(&access) {
        return;
    }
    // Writes first: a reader looks for them.
    let writes = |other: &&Access| other.class == Class::Write;
    let at = if access.class == Class::Write {
        conflicts.iter().take_while(writes).count()
    } else {
        conflicts.len()
    };
    conflicts.insert(at, access);
}

impl<'a, K: Knowledge> Newcomer<'a, K> {
    #[inline(always)]
    pub(super) fn new(
        thread: &'a K,
        mask: u64,
        class: Class,
        context: Option<ContextId>,
    ) -> Newcomer<'a, K> {
        Newcomer {
            thread,
            class,
            tag: thread.epoch().bits() | class.tag(),
            mask,
            context: ContextId::bits(context),
        }
    }

    /// Checks against a recorded access to some of the same bytes. What is left of its mask.
    #[inline(always)]
    fn meet(
        &self,
        tag: u64,
        known: bool,
        mask: u64,
        context: &AtomicU32,
        raced: &mut Raced<'_>,
    ) -> u64 {
        let common = mask & self.mask;
        let theirs = Class::of_tagged(tag);
        if !known && self.class.conflicts(theirs) {
            raced.push(tag, context.load(Relaxed), common);
        }
        if self.class.supersedes(theirs, known) {
            mask & !common
        } else {
            mask
        }
    }
}

impl<const N: usize> Slots<N> {
    /// The bytes of `mask` that no access in the epoch `word` stands for which makes one of this class superfluous. Without the lock, for that epoch's thread.
    #[inline(always)]
    pub(super) fn missing(&self, mut mask: u64, class: Class, word: u64) -> u64 {
        for slot in 0..N {
            // In this order.
            let theirs = self.masks[slot].load(Acquire);
            if theirs & mask != 0 && class.is_same(self.tags[slot].load(Relaxed), word) {
                mask &= !theirs;
            }
        }
        mask
    }

    /// Checks a newcomer against all that is recorded, here and elsewhere, and records it.
    pub(super) fn record<K: Knowledge>(&self, newcomer: &Newcomer<'_, K>, raced: &mut Raced<'_>) {
        let room = self.meet(newcomer, raced);
        if self.more.load(Relaxed) != 0 {
            overflow::meet(&self.more, newcomer, raced);
        }
        if room.same < N {
            self.widen(room.same, newcomer.mask);
        } else if room.free < N {
            self.put(room.free, newcomer.tag, newcomer.context, newcomer.mask);
        } else {
            self.record_without_room(newcomer);
        }
    }

    #[cold]
    #[inline(never)]
    fn record_without_room<K: Knowledge>(&self, newcomer: &Newcomer<'_, K>) {
        if !overflow::widen(&self.more, 0, newcomer) {
            let slot = self.make_room(newcomer.thread);
            self.put(slot, newcomer.tag, newcomer.context, newcomer.mask);
        }
    }

    /// Accesses move out: all that are over, and not what other threads are about. Those are likely to ask whether they have done that already, and don't
    /// look there. All at once: where as many come and go as there is no room for, the next few find some. Returns a slot that is free now.
    #[inline(never)]
    fn make_room(&self, thread: &impl Knowledge) -> usize {
        let now = thread.epoch();
        let epoch = |slot: usize| Epoch::from_tagged(self.tags[slot].load(Relaxed));
        let mut free = None;
        for slot in 0..N {
            if epoch(slot) != now && thread.knows(epoch(slot)) {
                self.move_out(slot);
                free = Some(slot);
            }
        }
        free.unwrap_or_else(|| {
            let oldest = (0..N).min_by_key(|slot| epoch(*slot).clock());
            let slot = oldest.unwrap_or_default();
            self.move_out(slot);
            slot
        })
    }

    fn move_out(&self, slot: usize) {
        overflow::add(&self.more, 0, &self.recorded_in(slot));
        self.masks[slot].store(0, Release);
    }

    fn recorded_in(&self, slot: usize) -> Recorded {
        Recorded {
            tag: self.tags[slot].load(Relaxed),
            context: self.contexts[slot].load(Relaxed),
            mask: self.masks[slot].load(Relaxed),
        }
    }

    /// The accesses that count for anything.
    pub(super) fn recorded(&self) -> impl Iterator<Item = Recorded> {
        let all = (0..N).map(|slot| self.recorded_in(slot));
        all.filter(|access| access.mask != 0)
    }

    /// Checks against what is here. Where the newcomer may go.
    #[inline(always)]
    pub(super) fn meet<K: Knowledge>(
        &self,
        newcomer: &Newcomer<'_, K>,
        raced: &mut Raced<'_>,
    ) -> Room {
        let mut room = Room {
            same: N,
            free: N,
            are_known: true,
        };
        for slot in 0..N {
            let mut mask = self.masks[slot].load(Relaxed);
            let tag = self.tags[slot].load(Relaxed);
            if mask & newcomer.mask != 0 {
                let known = newcomer.thread.knows(Epoch::from_tagged(tag));
                room.are_known &= known;
                let left = newcomer.meet(tag, known, mask, &self.contexts[slot], raced);
                if left != mask {
                    self.masks[slot].store(left, Release);
                    mask = left;
                }
            }
            if mask == 0 {
                room.free = slot;
            }
            if tag == newcomer.tag && self.contexts[slot].load(Relaxed) == newcomer.context {
                room.same = slot;
            }
        }
        room
    }

    /// Adds bytes to those of an access.
    #[inline(always)]
    fn widen(&self, slot: usize, more: u64) {
        let mask = self.masks[slot].load(Relaxed);
        // Who sees these bytes sees whose they are: for this thread, these words are what they were.
        self.masks[slot].store(mask | more, Release);
    }

    /// Where an access is that differs from one with this tag and this context in nothing but the bytes.
    #[inline(always)]
    fn same(&self, tag: u64, context: u32) -> Option<usize> {
        (0..N).find(|slot| self.is_same(*slot, tag, context))
    }

    #[inline(always)]
    fn is_same(&self, slot: usize, tag: u64, context: u32) -> bool {
        self.tags[slot].load(Relaxed) == tag && self.contexts[slot].load(Relaxed) == context
    }

    /// Adds the bytes of a newcomer to those of such an access, if there is one.
    pub(super) fn widen_same<K>(&self, newcomer: &Newcomer<'_, K>) -> bool {
        let same = self.same(newcomer.tag, newcomer.context);
        if let Some(slot) = same {
            self.widen(slot, newcomer.mask);
        }
        same.is_some()
    }

    /// Records an access, if there is room.
    pub(super) fn add(&self, access: &Recorded) -> bool {
        let free = (0..N).find(|slot| self.masks[*slot].load(Relaxed) == 0);
        if let Some(slot) = free {
            self.put(slot, access.tag, access.context, access.mask);
        }
        free.is_some()
    }

    /// Records an access in a slot that is free.
    #[inline(always)]
    fn put(&self, slot: usize, tag: u64, context: u32, mask: u64) {
        self.tags[slot].store(tag, Relaxed);
        self.contexts[slot].store(context, Relaxed);
        // Last: who sees these bytes sees whose they are.
        self.masks[slot].store(mask, Release);
    }

    /// The bytes that anything here counts for.
    pub(super) fn bytes(&self) -> u64 {
        let masks = self.masks.iter().map(|mask| mask.load(Relaxed));
        masks.fold(0, |all, mask| all | mask)
    }

    /// What an access of this class by the thread in `owner` need not leave behind of the same thread is gone.
    pub(super) fn replace_own(&self, owner: usize, class: Class, mask: u64) {
        for slot in 0..N {
            let theirs = self.masks[slot].load(Relaxed);
            let tag = self.tags[slot].load(Relaxed);
            if theirs & mask != 0
                && Epoch::from_tagged(tag).slot() == owner
                && class.supersedes(Class::of_tagged(tag), true)
            {
                self.masks[slot].store(theirs & !mask, Release);
            }
        }
    }

    /// Adds the plain writes of these bytes.
    pub(super) fn add_writes(&self, mask: u64, writes: &mut Conflicts) {
        self.add_writes_here(mask, writes);
        overflow::add_writes(&self.more, mask, writes);
    }

    pub(super) fn add_writes_here(&self, mask: u64, writes: &mut Conflicts) {
        for slot in 0..N {
            let tag = self.tags[slot].load(Relaxed);
            let is_meant = self.masks[slot].load(Relaxed) & mask != 0;
            if is_meant && Class::of_tagged(tag) == Class::Write {
                add_conflict(writes, tag, self.contexts[slot].load(Relaxed));
            }
        }
    }

    /// Records an access to all bytes where nothing is.
    pub(super) fn seed(&self, tag: u64, context: u32) {
        let mask = u64::MAX;
        self.add(&Recorded { tag, context, mask });
    }

    /// Whatever is recorded of these bytes is forgotten. The bytes of which something is left.
    pub(super) fn forget(&self, mask: u64) -> u64 {
        let mut left = self.forget_here(mask);
        if self.more.load(Relaxed) != 0 {
            left |= overflow::forget(&self.more, mask);
        }
        left
    }

    pub(super) fn forget_here(&self, mask: u64) -> u64 {
        let mut left = 0;
        let mut is_read_lost = false;
        for slot in 0..N {
            let before = self.masks[slot].load(Relaxed);
            if before & mask != 0 {
                self.masks[slot].store(before & !mask, Release);
                // What is forgotten has nearly always been freed: then there is only that.
                is_read_lost |= Class::of_tagged(self.tags[slot].load(Relaxed)) != Class::Write;
            }
            left |= before & !mask;
        }
        if is_read_lost {
            atomic_reads::lose();
        }
        left
    }

    /// Nothing is here, and nothing more. What was elsewhere isn't given back: somebody may have done that, or may be about to.
    pub(super) fn reset(&self) {
        self.more.store(0, Relaxed);
        self.forget_here(u64::MAX);
    }
}

#[cfg(test)]
impl<const N: usize> Slots<N> {
    /// The accesses that count for one byte: their tags and contexts.
    pub(super) fn of_byte(&self, byte: usize) -> Vec<(u64, u32)> {
        let mut all: Vec<_> = self.recorded().collect();
        overflow::each_annex(self.more.load(Relaxed), &mut |annex| {
            all.extend(annex.slots.recorded());
        });
        all.retain(|access| access.mask & 1 << byte != 0);
        let words = all.into_iter().map(|access| (access.tag, access.context));
        words.collect()
    }
}
