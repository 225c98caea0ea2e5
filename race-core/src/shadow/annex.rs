//! Room for the recorded accesses that a line has no slot for, by a number of 32 bits.
//!
//! Annexes are taken from the heap a chunk at a time, never given back to it, and taken and given back in any order, by threads that have locked a line. So
//! whoever has a number has memory that is an annex's, whatever becomes of the line.
//!
//! Lock-free: a `fork` finds nothing half done that anybody waits for.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

use crate::epoch::Epoch;
use crate::primitive::const_fn;
use crate::primitive::sync::atomic::{AtomicU32, AtomicU64};
use crate::shadow::slots::{Known, Newcomer, Raced, Slots};
use crate::shadow::state::{Class, Knowledge};

/// In the models fewer.
const SLOTS: usize = if cfg!(all(test, loom)) { 2 } else { 10 };

/// 256 bytes.
#[derive(Default)]
#[repr(C)]
pub(crate) struct Annex {
    pub(super) slots: Slots<SLOTS>,
    /// The thread slot, plus one, of whom `met` speaks. Who is ordered after that thread need not be after all that it knew, once a clock was assumed.
    met_by: AtomicU32,
    /// For each class, bytes on which an access of that thread meets nothing here that it isn't ordered after, and replaces nothing.
    met: [AtomicU64; 4],
    /// The bytes that these may count for: no others.
    bytes: AtomicU64,
}

#[cfg(not(all(test, loom)))]
const _: () = assert!(size_of::<Annex>() == 256);

impl Annex {
    /// Whether nothing here has to do with an access that would have this tag: nothing counts for its bytes, or it is the same as when its thread was here last.
    #[inline(always)]
    pub(super) fn is_done(&self, tag: u64, mask: u64) -> bool {
        let met = &self.met[Class::of_tagged(tag) as usize];
        self.bytes.load(Relaxed) & mask == 0
            || self.met_by.load(Relaxed) == who(tag) && met.load(Relaxed) & mask == mask
    }

    /// [`Slots::meet`]
    pub(super) fn meet<K: Knowledge>(&self, newcomer: &Newcomer<'_, K>, raced: &mut Raced<'_>) {
        let room = self.slots.meet(newcomer, raced);
        self.bytes.store(self.slots.bytes(), Relaxed);
        if room.are_known {
            self.note_met(newcomer.tag, newcomer.mask);
        }
    }

    fn note_met(&self, tag: u64, mask: u64) {
        let who = who(tag);
        if self.met_by.load(Relaxed) != who {
            self.forget_met();
            self.met_by.store(who, Relaxed);
        }
        let met = &self.met[Class::of_tagged(tag) as usize];
        met.store(met.load(Relaxed) | mask, Relaxed);
    }

    /// Checks an access against what is here and in the annexes after this one, if it races with none of that, as far as is known at a glance. Otherwise returns
    /// false, and nothing has changed.
    #[inline(never)]
    pub(super) fn meet_known(&self, thread: &impl Knowledge, class: Class, mask: u64) -> bool {
        let tag = thread.epoch().bits() | class.tag();
        let known = |annex: &Annex| annex.slots.known(thread, class, mask);
        let record = |annex: &Annex| {
            let known = known(annex);
            known.inspect(|known| annex.replace(known, tag, mask))
        };
        if self.is_last() {
            return record(self).is_some();
        }
        let concerned = || self.and_next().filter(|annex| !annex.is_done(tag, mask));
        // All of them first: nobody may see a part of it.
        let is_known = concerned().all(|annex| known(annex).is_some());
        is_known && concerned().all(|annex| record(annex).is_some())
    }

    /// An access with this tag is about to be recorded that meets this here.
    fn replace(&self, known: &Known, tag: u64, mask: u64) {
        if known.replaced != 0 {
            self.slots.take_bytes(known.replaced, mask);
            self.bytes.store(self.slots.bytes(), Relaxed);
        }
        if known.is_all_before {
            self.note_met(tag, mask);
        }
    }

    #[inline(always)]
    pub(super) fn is_last(&self) -> bool {
        self.slots.more.load(Relaxed) == 0
    }

    fn and_next(&self) -> impl Iterator<Item = &Annex> {
        std::iter::successors(Some(self), |annex| get(annex.slots.more.load(Relaxed)))
    }

    fn forget_met(&self) {
        self.met_by.store(0, Relaxed);
        for met in &self.met {
            met.store(0, Relaxed);
        }
    }

    /// [`Slots::add`]
    pub(super) fn add(&self, tag: u64, context: u32, mask: u64) -> bool {
        let is_added = self.slots.add(tag, context, mask);
        if is_added {
            self.note_more(mask);
        }
        is_added
    }

    /// [`Slots::widen_same`]
    pub(super) fn widen<K>(&self, newcomer: &Newcomer<'_, K>) -> bool {
        let is_widened = self.slots.widen_same(newcomer);
        if is_widened {
            self.note_more(newcomer.mask);
        }
        is_widened
    }

    fn note_more(&self, mask: u64) {
        self.bytes.store(self.bytes.load(Relaxed) | mask, Relaxed);
        self.forget_met();
    }
}

/// Whose tag this is, as it stands in `met_by`.
#[inline(always)]
fn who(tag: u64) -> u32 {
    Epoch::from_tagged(tag).slot() as u32 + 1
}

/// The annex with a number. None has 0.
#[inline]
pub(super) fn get(number: u32) -> Option<&'static Annex> {
    if number == 0 { None } else { pool::get(number) }
}

/// One in which nothing is recorded.
pub(crate) fn take() -> (u32, &'static Annex) {
    let (number, annex) = pool::take();
    // Who accesses memory that was freed meanwhile may have put something in after it was given back.
    annex.slots.reset();
    annex.bytes.store(0, Relaxed);
    annex.forget_met();
    (number, annex)
}

/// Nobody has this one any more.
pub(super) fn give_back(number: u32, annex: &'static Annex) {
    pool::give_back(number, annex);
}

/// The first of those that were given back; each leads to the next. The upper half counts the changes: who has looked at the first one can tell whether it has
/// been another's meanwhile.
pub(crate) struct FreeList(AtomicU64);

impl FreeList {
    const_fn! {
        pub(crate) const fn new() -> FreeList {
            FreeList(AtomicU64::new(0))
        }
    }

    pub(crate) fn take(&self) -> Option<(u32, &'static Annex)> {
        let mut free = self.0.load(Acquire);
        while let Some(annex) = get(free as u32) {
            let next = next_word(free, annex.slots.more.load(Relaxed));
            match self.0.compare_exchange_weak(free, next, AcqRel, Acquire) {
                Ok(_) => return Some((free as u32, annex)),
                Err(now) => free = now,
            }
        }
        None
    }

    pub(crate) fn give_back(&self, number: u32, annex: &'static Annex) {
        let mut free = self.0.load(Relaxed);
        loop {
            annex.slots.more.store(free as u32, Relaxed);
            let next = next_word(free, number);
            match self.0.compare_exchange_weak(free, next, AcqRel, Relaxed) {
                Ok(_) => return,
                Err(now) => free = now,
            }
        }
    }
}

fn next_word(before: u64, number: u32) -> u64 {
    ((before >> 32) + 1) << 32 | u64::from(number)
}

#[cfg(not(all(test, loom)))]
mod pool {
    use std::ptr;
    use std::sync::atomic::{AtomicPtr, AtomicU32};

    use super::*;
    use crate::errno;

    /// Annexes in a chunk: 64 KiB.
    const CHUNK: usize = 256;
    /// 4 GiB of annexes.
    const CHUNKS: usize = 1 << 16;

    /// Null: not there yet.
    static TABLE: [AtomicPtr<[Annex; CHUNK]>; CHUNKS] =
        [const { AtomicPtr::new(ptr::null_mut()) }; CHUNKS];

    static FREE: FreeList = FreeList::new();

    /// The next number that nobody has had.
    static NEXT: AtomicU32 = AtomicU32::new(1);

    #[inline]
    pub(super) fn get(number: u32) -> Option<&'static Annex> {
        let chunk = TABLE.get(number as usize / CHUNK)?.load(Acquire);
        // SAFETY: null, or stored by `chunk` below, and there for as long as the process.
        Some(&unsafe { chunk.as_ref() }?[number as usize % CHUNK])
    }

    pub(super) fn take() -> (u32, &'static Annex) {
        if let Some(found) = FREE.take() {
            return found;
        }
        let number = NEXT.fetch_add(1, Relaxed);
        (
            number,
            &errno::keep(|| chunk(number))[number as usize % CHUNK],
        )
    }

    pub(super) fn give_back(number: u32, annex: &'static Annex) {
        FREE.give_back(number, annex);
    }

    #[cold]
    fn chunk(number: u32) -> &'static [Annex; CHUNK] {
        let place = TABLE
            .get(number as usize / CHUNK)
            .expect("4 GiB for what lines have no room for is more than there is");
        // SAFETY: null, or stored below, and there for as long as the process.
        if let Some(chunk) = unsafe { place.load(Acquire).as_ref() } {
            return chunk;
        }
        let new = Box::into_raw(Box::new(std::array::from_fn(|_| Annex::default())));
        match place.compare_exchange(ptr::null_mut(), new, AcqRel, Acquire) {
            // SAFETY: just made, and never freed from here on.
            Ok(_) => unsafe { &*new },
            Err(theirs) => {
                // SAFETY: just made, and nobody else has seen it.
                drop(unsafe { Box::from_raw(new) });
                // SAFETY: somebody else was faster: as above.
                unsafe { &*theirs }
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use std::collections::HashSet;

        #[test]
        fn nobody_has_what_another_has() {
            let takes = || {
                let mut mine = Vec::new();
                for round in 0..2_000 {
                    let (number, annex) = take();
                    assert!(ptr::eq(super::super::get(number).unwrap(), annex));
                    annex.slots.more.store(0, Relaxed);
                    mine.push((number, annex));
                    if round % 3 == 0 {
                        let (number, annex) = mine.swap_remove(round % mine.len());
                        give_back(number, annex);
                    }
                }
                mine
            };
            let all: Vec<_> = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..4).map(|_| scope.spawn(takes)).collect();
                let all = threads
                    .into_iter()
                    .flat_map(|thread| thread.join().unwrap());
                all.collect()
            });
            let numbers: HashSet<u32> = all.iter().map(|(number, _)| *number).collect();
            assert_eq!(numbers.len(), all.len());
            for (number, annex) in all {
                give_back(number, annex);
            }
        }
    }
}

/// Each line's annexes are its own: there what is modelled is the line. [`FreeList`] has models of its own.
#[cfg(all(test, loom))]
mod pool {
    use super::*;
    use crate::primitive::global;
    use crate::primitive::sync::Mutex;

    global! {
        static ALL: Mutex<Vec<&'static Annex>> = Mutex::new(Vec::new());
    }

    pub(super) fn get(number: u32) -> Option<&'static Annex> {
        ALL.lock().unwrap().get(number as usize - 1).copied()
    }

    pub(super) fn take() -> (u32, &'static Annex) {
        let mut all = ALL.lock().unwrap();
        all.push(Box::leak(Box::default()));
        (all.len() as u32, all[all.len() - 1])
    }

    pub(super) fn give_back(_: u32, annex: &'static Annex) {
        annex.slots.more.store(0, Relaxed);
    }
}
