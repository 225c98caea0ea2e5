//! Where the entries of an address are: a word of 4 bytes for each granule of 8, found by the address alone, as in the "meta map" of LLVM's ThreadSanitizer.
//!
//! The words are in chunks, which are zeros until they are touched, and are never given back; a forked child keeps its parent's. A bit says which granules have
//! entries, so that what is freed need not be looked through. Addresses that no chunk is for, because systems don't give them out unasked, or because memory
//! was short when the first one of the chunk's was asked for, share a table of a fixed size. Which of the two it is never changes, since an address has one clock.
//!
//! Nothing here allocates with anybody's allocator, nor waits.

use std::ops::Range;
use std::ptr;
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

use crate::errno;
use crate::primitive::sync::atomic::AtomicU64;
use crate::shadow::directory::{CHUNK_BITS, CHUNKS};
use crate::sync::outlying::entries::List;
use crate::zeroed::{give_back, zeroed};

/// Bytes whose addresses have one list.
pub(super) const GRANULE: usize = 8;

/// Granules in a chunk.
const GRANULES: usize = (1 << CHUNK_BITS) / GRANULE;

/// 32 MiB, and 1 MiB.
#[repr(C)]
struct Chunk {
    lists: [List; GRANULES],
    /// A bit for each list: it may have entries.
    noted: [AtomicU64; GRANULES / 64],
}

/// A chunk for each piece of the address space. Null: nobody has asked for a clock there.
static INDEX: [AtomicPtr<Chunk>; CHUNKS] = [const { AtomicPtr::new(ptr::null_mut()) }; CHUNKS];

/// In place of a chunk: its addresses are in [`REST`], for ever.
const IN_REST: *mut Chunk = ptr::without_provenance_mut(1);

/// 256 KiB, of which the operating system provides what is used.
const RESTS: usize = 1 << 16;

#[cfg(not(all(test, loom)))]
static REST: [List; RESTS] = [const { List::new(0) }; RESTS];

/// The list that an address's entry would be in, and how to note that there is one.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) list: &'static List,
    /// The word, and the bit. None: what is in [`REST`] is not forgotten.
    note: Option<(&'static AtomicU64, u64)>,
}

impl Place {
    /// The list has an entry.
    pub(super) fn note(self) {
        if let Some((word, bit)) = self.note
            && word.load(Relaxed) & bit == 0
        {
            word.fetch_or(bit, Relaxed);
        }
    }
}

/// The list that an address's entry would be in. None: nobody near it has one, or it is in the table.
#[inline(always)]
pub(super) fn list(address: usize) -> Option<&'static List> {
    Some(&chunk(address)?.lists[address / GRANULE % GRANULES])
}

#[inline(always)]
fn chunk(address: usize) -> Option<&'static Chunk> {
    let chunk = INDEX.get(address >> CHUNK_BITS)?.load(Acquire);
    if chunk.addr() <= IN_REST.addr() {
        return None;
    }
    // SAFETY: neither null nor `IN_REST`, so `chunk_or_new` stored it, and it is there for as long as the process.
    Some(unsafe { &*chunk })
}

/// The place of an address, also if there is no chunk for it yet.
pub(super) fn place(address: usize) -> Place {
    let Some(chunk) = chunk(address).or_else(|| chunk_or_new(address)) else {
        return Place {
            list: rest(address),
            note: None,
        };
    };
    let granule = address / GRANULE % GRANULES;
    Place {
        list: &chunk.lists[granule],
        note: Some((&chunk.noted[granule / 64], 1 << (granule % 64))),
    }
}

/// None: what is there has its entries in [`REST`].
#[cold]
#[inline(never)]
fn chunk_or_new(address: usize) -> Option<&'static Chunk> {
    let place = INDEX.get(address >> CHUNK_BITS)?;
    if !place.load(Acquire).is_null() {
        return chunk(address);
    }
    let new = errno::keep(zeroed::<Chunk>);
    let made = new.map_or(IN_REST, |new| new.as_ptr());
    let was_null = place.compare_exchange(ptr::null_mut(), made, AcqRel, Acquire);
    if let (Err(_), Some(new)) = (was_null, new) {
        // SAFETY: just made, and nobody else has seen it: somebody else was faster.
        errno::keep(|| unsafe { give_back(new) });
    }
    chunk(address)
}

/// Fibonacci hashing.
#[cfg(not(all(test, loom)))]
fn rest(address: usize) -> &'static List {
    let hash = ((address / 4) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    &REST[(hash >> (u64::BITS - RESTS.ilog2())) as usize]
}

#[cfg(all(test, loom))]
fn rest(_: usize) -> &'static List {
    unreachable!("the models are of lists, and ask for no address's");
}

/// Calls `empty` with the lists of the granules that have entries and are wholly within the range. What it leaves in them stays, unless another entry is added.
pub(super) fn for_each_in(bytes: Range<usize>, mut empty: impl FnMut(&'static List)) {
    let end = bytes.end / GRANULE;
    let mut at = bytes.start.div_ceil(GRANULE);
    while at < end {
        let next = (at / GRANULES + 1).saturating_mul(GRANULES).min(end);
        if let Some(chunk) = chunk(at * GRANULE) {
            let first = at % GRANULES;
            chunk.for_each_in(first..first + (next - at), &mut empty);
        }
        at = next;
    }
}

impl Chunk {
    fn for_each_in(&'static self, granules: Range<usize>, empty: &mut impl FnMut(&'static List)) {
        let words = granules.start / 64..granules.end.div_ceil(64);
        for (word, base) in self.noted[words.clone()]
            .iter()
            .zip(words.map(|word| word * 64))
        {
            let mut bits = word.load(Relaxed);
            bits &= u64::MAX << granules.start.saturating_sub(base);
            if let Some(after) = (base + 64).checked_sub(granules.end) {
                bits &= u64::MAX >> after;
            }
            if bits == 0 {
                continue;
            }
            // Before the lists are emptied: who adds an entry notes it afterwards.
            word.fetch_and(!bits, Relaxed);
            while bits != 0 {
                empty(&self.lists[base + bits.trailing_zeros() as usize]);
                bits &= bits - 1;
            }
        }
    }
}
