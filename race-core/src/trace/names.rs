//! Names and their numbers: of threads, locks, variables, messages, barriers and places in the program.
//!
//! A trace says each name millions of times, and a reader looks it up each time: a short name is packed into two words, and
//! compared as such. All names of a kind lie in one buffer. What a name means is not known here, nor which names a trace can hold.

use std::fmt;
use std::hash::BuildHasher;
use std::mem;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::trace::Id;

/// All names of a trace, by kind.
#[derive(Clone, Default, Debug)]
pub struct Names {
    /// Of threads.
    pub threads: Table,
    /// Of mutexes and read-write locks.
    pub locks: Table,
    /// Of variables, atomic or not.
    pub variables: Table,
    /// Of messages.
    pub messages: Table,
    /// Of barriers.
    pub barriers: Table,
    /// Of places in the program.
    pub sites: Table,
}

/// The names of one kind, numbered from 0 in the order in which they came.
///
/// # Example
///
/// ```
/// use race_core::trace::names::Table;
///
/// let mut threads = Table::default();
/// assert_eq!(threads.intern(b"main"), Some(0));
/// assert_eq!(threads.intern(b"worker"), Some(1));
/// assert_eq!(threads.intern(b"main"), Some(0));
/// assert_eq!(threads.name(1), Some(&b"worker"[..]));
/// ```
#[derive(Clone)]
pub struct Table {
    /// All names, one after the other.
    bytes: Vec<u8>,
    /// Where each name ends in `bytes`.
    ends: Vec<usize>,
    /// The names of up to fifteen bytes: open addressing, at most half full. The length is a power of two, or 0.
    short: Vec<(Packed, Id)>,
    /// How many of them there are.
    short_names: usize,
    /// The others, by the hash, which is kept to be compared before the name is.
    long: HashTable<(u64, Id)>,
    hasher: RandomState,
    /// What a packed name is hashed with: random.
    secret: Packed,
}

impl Default for Table {
    fn default() -> Table {
        let hasher = RandomState::default();
        Table {
            bytes: Vec::new(),
            ends: Vec::new(),
            short: Vec::new(),
            short_names: 0,
            long: HashTable::new(),
            secret: [hasher.hash_one(0), hasher.hash_one(1)],
            hasher,
        }
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |id| Printable(self.name(id).unwrap_or_default());
        f.debug_list()
            .entries((0..self.len() as Id).map(|id| name(id).to_string()))
            .finish()
    }
}

/// A name, to be shown: as it is, but for control characters and what isn't UTF-8, which appear as `\x1b`.
#[derive(Clone, Copy, Debug)]
pub struct Printable<'a>(pub &'a [u8]);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for part in chunk.valid().split_inclusive(char::is_control) {
                let control = part.chars().next_back().filter(|last| last.is_control());
                let (plain, control) =
                    part.split_at(part.len() - control.map_or(0, char::len_utf8));
                write!(f, "{plain}{}", control.as_bytes().escape_ascii())?;
            }
            write!(f, "{}", chunk.invalid().escape_ascii())?;
        }
        Ok(())
    }
}

/// A packed name has its bytes in fifteen of these, and its length in the last.
pub(super) const PACKED: usize = 16;

type Packed = [u64; 2];

/// No name, since none of length 0 is packed: a free place.
const FREE: Packed = [0, 0];

/// The first length of a table of short names.
const SHORT: usize = 256;

impl Table {
    /// The number of the name; a new one if it has none. `None` if there are no numbers left.
    #[inline]
    pub fn intern(&mut self, name: &[u8]) -> Option<Id> {
        if (1..PACKED).contains(&name.len()) {
            let mut start = [0; PACKED];
            start[..name.len()].copy_from_slice(name);
            self.intern_start(&start, name.len(), name)
        } else {
            self.intern_long(name)
        }
    }

    /// [`Table::intern`] for `name`, of `length` bytes, at least one, where `start` begins with its first ones: a short name needn't be copied.
    #[inline]
    pub(super) fn intern_start(
        &mut self,
        start: &[u8; PACKED],
        length: usize,
        name: &[u8],
    ) -> Option<Id> {
        if length >= PACKED {
            return self.intern_long(name);
        }
        let bytes = u128::from_le_bytes(*start) & (u128::MAX >> (128 - 8 * length));
        let packed = [bytes as u64, (bytes >> 64) as u64 | (length as u64) << 56];
        match self.find_short(packed) {
            Some((found, id)) if found == packed => Some(id),
            _ => self.add_short(packed, name),
        }
    }

    /// The entry of a packed name, or the free place where it belongs. `None` if there is no table yet.
    #[inline]
    fn find_short(&self, packed: Packed) -> Option<(Packed, Id)> {
        let mask = self.short.len().wrapping_sub(1);
        let mut place = self.place(packed) & mask;
        loop {
            let entry = *self.short.get(place)?;
            if entry.0 == packed || entry.0 == FREE {
                return Some(entry);
            }
            place = (place + 1) & mask;
        }
    }

    /// Where to look for a packed name first: both halves of a product, so that each bit depends on all of the name. Without the secret, a trace could
    /// be made of names that all belong in one place.
    #[inline]
    fn place(&self, packed: Packed) -> usize {
        let [low, high] = [0, 1].map(|half| u128::from(packed[half] ^ self.secret[half]));
        let product = low * high;
        (product as u64 ^ (product >> 64) as u64) as usize
    }

    #[cold]
    fn add_short(&mut self, packed: Packed, name: &[u8]) -> Option<Id> {
        let id = self.add(name)?;
        self.short_names += 1;
        if self.short_names * 2 > self.short.len() {
            let longer = (self.short.len() * 2).max(SHORT);
            let old = mem::replace(&mut self.short, vec![(FREE, 0); longer]);
            old.into_iter()
                .filter(|(packed, _)| *packed != FREE)
                .for_each(|entry| self.put_short(entry));
        }
        self.put_short((packed, id));
        Some(id)
    }

    fn put_short(&mut self, entry: (Packed, Id)) {
        let mask = self.short.len() - 1;
        let mut place = self.place(entry.0) & mask;
        while self.short[place].0 != FREE {
            place = (place + 1) & mask;
        }
        self.short[place] = entry;
    }

    #[inline(never)]
    fn intern_long(&mut self, name: &[u8]) -> Option<Id> {
        let hash = self.hasher.hash_one(name);
        let known = self.long.find(hash, |(theirs, id)| {
            *theirs == hash && self.name(*id) == Some(name)
        });
        if let Some((_, id)) = known {
            return Some(*id);
        }
        let id = self.add(name)?;
        self.long.insert_unique(hash, (hash, id), |(hash, _)| *hash);
        Some(id)
    }

    fn add(&mut self, name: &[u8]) -> Option<Id> {
        // The last number is left free: a replay counts places from 1.
        let id = Id::try_from(self.ends.len())
            .ok()
            .filter(|id| *id != Id::MAX)?;
        self.bytes.extend_from_slice(name);
        self.ends.push(self.bytes.len());
        Some(id)
    }

    /// The name with this number.
    pub fn name(&self, id: Id) -> Option<&[u8]> {
        let index = id as usize;
        let end = *self.ends.get(index)?;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(&self.bytes[start..end])
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        #[test]
        fn a_name_keeps_its_number(names in prop::collection::vec(prop::collection::vec(0u8..4, 0..10), 0..200)) {
            let mut table = Table::default();
            let mut model: HashMap<&[u8], Id> = HashMap::new();
            for name in &names {
                let next = model.len() as Id;
                let expected = *model.entry(name).or_insert(next);
                prop_assert_eq!(table.intern(name), Some(expected));
            }
            prop_assert_eq!(table.len(), model.len());
            for (name, id) in model {
                prop_assert_eq!(table.name(id), Some(name));
            }
        }
    }

    #[test]
    fn what_is_shown_is_printable() {
        let shown = |name: &[u8]| Printable(name).to_string();
        assert_eq!(shown("V1[é]".as_bytes()), "V1[é]");
        assert_eq!(shown(b"a\x1b[31m\xff\tb"), "a\\x1b[31m\\xff\\tb");
        assert_eq!(shown("\u{85}".as_bytes()), "\\xc2\\x85");
        assert_eq!(shown(b""), "");
    }

    /// Short and long ones, and tables of short ones that have grown.
    #[test]
    fn many_names() {
        let mut table = Table::default();
        let names: Vec<String> = (0..20 * SHORT)
            .flat_map(|n| [format!("V{n}"), format!("variable {n}")])
            .collect();
        for _ in 0..2 {
            for (id, name) in (0..).zip(&names) {
                assert_eq!(table.intern(name.as_bytes()), Some(id));
            }
        }
    }
}
