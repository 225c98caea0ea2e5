//! An access that races with nothing is recorded: what nearly every access comes to that isn't noted.
//!
//! If there is more to it nothing is changed, and [`Slots::record`] has the access. Tuned by counting instructions; must not wait.

use std::sync::atomic::Ordering::{Relaxed, Release};

use super::Slots;
use crate::epoch::Epoch;
use crate::shadow::overflow;
use crate::shadow::state::{Class, Knowledge};

/// The slots that count for some bytes: a number.
enum Met {
    None,
    One(usize),
    Several,
}

/// What a newcomer meets in the slots, none of which it races with.
pub(in crate::shadow) struct Known {
    /// What need not be left behind: a bit for each slot.
    pub(in crate::shadow) replaced: u32,
    /// A slot in which nothing will be left then; or their number.
    emptied: usize,
    /// Whether the newcomer is ordered after all that it meets.
    pub(in crate::shadow) is_all_before: bool,
}

impl<const N: usize> Slots<N> {
    /// Records an access of this class if it races with nothing that it meets, as far as that is known at a glance. Otherwise returns false, and nothing has
    /// changed.
    ///
    /// Words, not a `Newcomer`, and loops that do little, one after the other: so the compiler has nearly all of it in registers.
    #[inline(always)]
    pub(in crate::shadow) fn record_known(
        &self,
        thread: &impl Knowledge,
        class: Class,
        mask: u64,
        context: u32,
    ) -> bool {
        let tag = thread.epoch().bits() | class.tag();
        if self.is_done_elsewhere(tag, mask) {
            match self.met(mask) {
                Met::None => {
                    if let Some(place) = self.place(tag, context) {
                        self.add_at(place, tag, context, mask);
                        return true;
                    }
                }
                Met::One(slot) => {
                    let met = self.tags[slot].load(Relaxed);
                    let is_before = thread.knows(Epoch::from_tagged(met));
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

    /// Adds an access, or its bytes, in such a place.
    #[inline(always)]
    fn add_at(&self, place: usize, tag: u64, context: u32, mask: u64) {
        if self.is_same(place, tag, context) {
            self.widen(place, mask);
        } else {
            self.put(place, tag, context, mask);
        }
    }

    /// Whether nothing that there was no room for has to do with an access that would have this tag.
    #[inline(always)]
    fn is_done_elsewhere(&self, tag: u64, mask: u64) -> bool {
        let more = self.more.load(Relaxed);
        more == 0 || overflow::is_done(more, tag, mask)
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
        if !self.is_done_elsewhere(tag, mask)
            && !overflow::meet_known(&self.more, thread, class, mask)
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

    /// What an access of this class meets here. None if it races with that.
    #[inline(always)]
    pub(in crate::shadow) fn known(
        &self,
        thread: &impl Knowledge,
        class: Class,
        mask: u64,
    ) -> Option<Known> {
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
            let is_before = thread.knows(Epoch::from_tagged(tag));
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
    pub(in crate::shadow) fn take_bytes(&self, mut slots: u32, mask: u64) {
        while let Some(theirs) = self.masks.get(slots.trailing_zeros() as usize) {
            theirs.store(theirs.load(Relaxed) & !mask, Release);
            slots &= slots - 1;
        }
    }
}
