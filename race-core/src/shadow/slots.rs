//! The recorded accesses of a line: for each, whose it was and for which bytes it still counts.
//!
//! A newcomer takes its bytes out of what it replaces, and what has none left is gone. What a line has no slot for goes to an [`Annex`].
//!
//! Whoever has locked the line changes them. Others may read the line's own, not those of an annex: that is another line's by the time they look. A slot of the
//! line's own is only ever given to an access by the accessing thread; nothing moves into one. That, and the order of the stores, is why a thread may believe
//! what it finds under an epoch of its own ([`super::line`]).

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::epoch::Epoch;
use crate::primitive::sync::atomic::{AtomicU32, AtomicU64};
use crate::shadow::annex::{self, Annex};
use crate::shadow::atomic_reads;
use crate::shadow::state::{Access, Class, Conflicts, Knowledge};
use crate::stack::depot::ContextId;

/// All zeros when nothing is recorded.
///
/// | field | meaning |
/// | --- | --- |
/// | `masks` | the bytes for which each access counts; 0: the slot is free |
/// | `tags` | its epoch, with its class in bits 61 and 62 |
/// | `contexts` | its context |
/// | `more` | the annex with those that there was no room for; 0: none |
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

/// The slots that count for some bytes: a number.
enum Met {
    None,
    One(usize),
    Several,
}

/// What a newcomer meets in the slots, none of which it races with.
pub(super) struct Known {
    /// What need not be left behind: a bit for each slot.
    pub(super) replaced: u32,
    /// A slot in which nothing will be left then; or their number.
    emptied: usize,
    /// Whether the newcomer is ordered after all that it meets.
    pub(super) is_all_before: bool,
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

    /// Records an access of this class if it races with nothing that it meets, as far as that is known at a glance. Otherwise returns false, and nothing has
    /// changed.
    ///
    /// Words, not a [`Newcomer`], and loops that do little, one after the other: so the compiler has nearly all of it in registers.
    #[inline(always)]
    pub(super) fn record_known(
        &self,
        thread: &impl Knowledge,
        class: Class,
        mask: u64,
        context: u32,
    ) -> bool {
        let tag = thread.epoch().bits() | class.tag();
        if self.is_done_in_annexes(tag, mask) {
            match self.met(mask) {
                Met::None => {
                    if let Some(place) = self.place(tag, context) {
                        self.add_at(place, tag, context, mask);
                        return true;
                    }
                }
                Met::One(slot) => {
                    let met = self.tags[slot].load(Relaxed);
                    let Some(is_before) = thread.knows_at_a_glance(Epoch::from_tagged(met)) else {
                        return false;
                    };
                    let earlier = Class::of_tagged(met);
                    if !is_before && class.conflicts(earlier) {
                        return false;
                    }
                    let left = self.masks[slot].load(Relaxed) & !mask;
                    let is_replaced = class.supersedes(earlier, is_before);
                    if is_replaced && left == 0 {
                        self.masks[slot].store(0, Release);
                        self.put(slot, tag, context, mask);
                        return true;
                    }
                    if let Some(place) = self.place(tag, context) {
                        if is_replaced {
                            self.masks[slot].store(left, Release);
                        }
                        self.add_at(place, tag, context, mask);
                        return true;
                    }
                }
                Met::Several => {}
            }
        }
        self.record_among(thread, class, mask, context)
    }

    /// Where an access with this tag and this context has room: beside the same one, or in a slot that is free.
    #[inline(always)]
    fn place(&self, tag: u64, context: u32) -> Option<usize> {
        let mut free = None;
        for slot in 0..N {
            if self.is_same(slot, tag, context) {
                return Some(slot);
            }
            if self.masks[slot].load(Relaxed) == 0 {
                free = Some(slot);
            }
        }
        free
    }

    #[inline(always)]
    fn is_same(&self, slot: usize, tag: u64, context: u32) -> bool {
        self.tags[slot].load(Relaxed) == tag && self.contexts[slot].load(Relaxed) == context
    }

    /// Adds an access, or its bytes, in such a place.
    #[inline(always)]
    fn add_at(&self, place: usize, tag: u64, context: u32, mask: u64) {
        let is_same =
            self.tags[place].load(Relaxed) == tag && self.contexts[place].load(Relaxed) == context;
        if is_same {
            self.widen(place, mask);
        } else {
            self.put(place, tag, context, mask);
        }
    }

    /// Nearly always there is one annex at most, with nothing to do.
    #[inline(always)]
    fn is_done_in_annexes(&self, tag: u64, mask: u64) -> bool {
        match annex::get(self.more.load(Relaxed)) {
            Some(annex) => annex.is_last() && annex.is_done(tag, mask),
            None => true,
        }
    }

    /// [`Slots::record_known`], in general.
    #[inline(never)]
    fn record_among(&self, thread: &impl Knowledge, class: Class, mask: u64, context: u32) -> bool {
        let tag = thread.epoch().bits() | class.tag();
        let Some(known) = self.known(thread, class, mask) else {
            return false;
        };
        let place = match known.emptied {
            emptied if emptied < N => Some(emptied),
            _ => self.place(tag, context),
        };
        if !self.is_done_in_annexes(tag, mask)
            && let Some(annex) = annex::get(self.more.load(Relaxed))
            && !annex.meet_known(thread, class, mask)
        {
            return false;
        }
        self.take_bytes(known.replaced, mask);
        let place = place.unwrap_or_else(|| self.make_room(thread));
        self.add_at(place, tag, context, mask);
        true
    }

    /// The slots that count for some of these bytes.
    #[inline(always)]
    fn met(&self, mask: u64) -> Met {
        let mut met = Met::None;
        for slot in 0..N {
            if self.masks[slot].load(Relaxed) & mask != 0 {
                if let Met::One(_) = met {
                    return Met::Several;
                }
                met = Met::One(slot);
            }
        }
        met
    }

    /// What an access of this class meets here. None if it races with that, or if to tell takes more than a glance.
    #[inline(always)]
    pub(super) fn known(&self, thread: &impl Knowledge, class: Class, mask: u64) -> Option<Known> {
        let mut known = Known {
            replaced: 0,
            emptied: N,
            is_all_before: true,
        };
        for slot in 0..N {
            let theirs = self.masks[slot].load(Relaxed);
            if theirs & mask == 0 {
                continue;
            }
            let tag = self.tags[slot].load(Relaxed);
            let is_before = thread.knows_at_a_glance(Epoch::from_tagged(tag))?;
            let earlier = Class::of_tagged(tag);
            if !is_before && class.conflicts(earlier) {
                return None;
            }
            known.is_all_before &= is_before;
            if class.supersedes(earlier, is_before) {
                known.replaced |= 1 << slot;
                if theirs & !mask == 0 {
                    known.emptied = slot;
                }
            }
        }
        Some(known)
    }

    /// Takes bytes from some of the slots.
    #[inline(always)]
    pub(super) fn take_bytes(&self, mut slots: u32, mask: u64) {
        while let Some(theirs) = self.masks.get(slots.trailing_zeros() as usize) {
            theirs.store(theirs.load(Relaxed) & !mask, Release);
            slots &= slots - 1;
        }
    }

    /// Checks a newcomer against all that is recorded, here and in annexes, and records it.
    pub(super) fn record<K: Knowledge>(&self, newcomer: &Newcomer<'_, K>, raced: &mut Raced<'_>) {
        let room = self.meet(newcomer, raced);
        if self.more.load(Relaxed) != 0 {
            self.meet_more(newcomer, raced);
        }
        if room.same < N {
            self.widen(room.same, newcomer.mask);
        } else if room.free < N {
            self.put(room.free, newcomer.tag, newcomer.context, newcomer.mask);
        } else {
            self.record_without_room(newcomer);
        }
    }

    /// Checks against what is in annexes.
    #[inline(always)]
    fn meet_more<K: Knowledge>(&self, newcomer: &Newcomer<'_, K>, raced: &mut Raced<'_>) {
        for annex in self.annexes() {
            if !annex.is_done(newcomer.tag, newcomer.mask) {
                annex.meet(newcomer, raced);
            }
        }
        // What had no room once will have none again; unless the memory is another's now.
        if newcomer.mask == u64::MAX && self.are_more_empty() {
            self.give_back_more();
        }
    }

    #[cold]
    #[inline(never)]
    fn record_without_room<K: Knowledge>(&self, newcomer: &Newcomer<'_, K>) {
        if !self.annexes().any(|annex| annex.widen(newcomer)) {
            let slot = self.make_room(newcomer.thread);
            self.put(slot, newcomer.tag, newcomer.context, newcomer.mask);
        }
    }

    /// Accesses go to an annex: all that are over, and not what other threads are about. Those are likely to ask whether they have done that already, and don't
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

    /// To the first annex that has room.
    fn move_out(&self, slot: usize) {
        let tag = self.tags[slot].load(Relaxed);
        let mask = self.masks[slot].load(Relaxed);
        let context = self.contexts[slot].load(Relaxed);
        let mut last = &self.more;
        loop {
            match annex::get(last.load(Relaxed)) {
                None => {
                    let (number, annex) = annex::take();
                    last.store(number, Relaxed);
                    annex.add(tag, context, mask);
                    break;
                }
                Some(annex) if annex.add(tag, context, mask) => break,
                Some(annex) => last = &annex.slots.more,
            }
        }
        self.masks[slot].store(0, Release);
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

    /// Adds the bytes of a newcomer to those of such an access, if there is one.
    pub(super) fn widen_same<K>(&self, newcomer: &Newcomer<'_, K>) -> bool {
        let same = self.same(newcomer.tag, newcomer.context);
        if let Some(slot) = same {
            self.widen(slot, newcomer.mask);
        }
        same.is_some()
    }

    /// Records an access, if there is room.
    pub(super) fn add(&self, tag: u64, context: u32, mask: u64) -> bool {
        let free = (0..N).find(|slot| self.masks[*slot].load(Relaxed) == 0);
        if let Some(slot) = free {
            self.put(slot, tag, context, mask);
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

    /// Under the lock.
    fn annexes(&self) -> impl Iterator<Item = &'static Annex> {
        let mut next = self.more.load(Relaxed);
        std::iter::from_fn(move || {
            let annex = annex::get(next)?;
            next = annex.slots.more.load(Relaxed);
            Some(annex)
        })
    }

    /// The bytes that anything here counts for.
    pub(super) fn bytes(&self) -> u64 {
        let masks = self.masks.iter().map(|mask| mask.load(Relaxed));
        masks.fold(0, |all, mask| all | mask)
    }

    fn are_more_empty(&self) -> bool {
        self.annexes().all(|annex| annex.slots.bytes() == 0)
    }

    fn give_back_more(&self) {
        let mut next = self.more.load(Relaxed);
        self.more.store(0, Relaxed);
        while let Some(annex) = annex::get(next) {
            let number = next;
            next = annex.slots.more.load(Relaxed);
            annex::give_back(number, annex);
        }
    }

    /// Adds the plain writes of these bytes.
    pub(super) fn add_writes(&self, mask: u64, writes: &mut Conflicts) {
        for slot in 0..N {
            let tag = self.tags[slot].load(Relaxed);
            let is_meant = self.masks[slot].load(Relaxed) & mask != 0;
            if is_meant && Class::of_tagged(tag) == Class::Write {
                add_conflict(writes, tag, self.contexts[slot].load(Relaxed));
            }
        }
        if let Some(annex) = annex::get(self.more.load(Relaxed)) {
            annex.slots.add_writes(mask, writes);
        }
    }

    /// Records an access to all bytes where nothing is.
    pub(super) fn seed(&self, tag: u64, context: u32) {
        self.add(tag, context, u64::MAX);
    }

    /// Whatever is recorded of these bytes is forgotten. The bytes of which something is left.
    pub(super) fn forget(&self, mask: u64) -> u64 {
        let mut left = self.forget_here(mask);
        if self.more.load(Relaxed) != 0 {
            for annex in self.annexes() {
                left |= annex.slots.forget_here(mask);
            }
            if self.are_more_empty() {
                self.give_back_more();
            }
        }
        left
    }

    fn forget_here(&self, mask: u64) -> u64 {
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

    /// Nothing is here, and nothing more. Annexes aren't given back: somebody may have done that, or may be about to.
    pub(super) fn reset(&self) {
        self.more.store(0, Relaxed);
        self.forget_here(u64::MAX);
    }
}

#[cfg(test)]
impl<const N: usize> Slots<N> {
    /// The accesses that count for one byte: their tags and contexts.
    pub(super) fn of_byte(&self, byte: usize) -> Vec<(u64, u32)> {
        let counts = |slot: &usize| self.masks[*slot].load(Relaxed) & 1 << byte != 0;
        let read = |slot: usize| {
            let tag = self.tags[slot].load(Relaxed);
            (tag, self.contexts[slot].load(Relaxed))
        };
        let mut all: Vec<_> = (0..N).filter(counts).map(read).collect();
        if let Some(annex) = annex::get(self.more.load(Relaxed)) {
            all.extend(annex.slots.of_byte(byte));
        }
        all
    }
}
