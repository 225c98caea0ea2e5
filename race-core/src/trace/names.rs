//! Names and their numbers: of threads, locks, variables, messages, barriers and places in the program.
//!
//! A trace says each name millions of times, and a reader looks it up each time: a short name is found by comparing one word, without
//! hashing. All names of a kind lie in one buffer. What a name means is not known here, nor which names a trace can hold.

use std::fmt;
use std::hash::BuildHasher;

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
#[derive(Clone, Default)]
pub struct Table {
    /// All names, one after the other.
    bytes: Vec<u8>,
    /// Where each name ends in `bytes`.
    ends: Vec<usize>,
    /// By the hash, which is kept to be compared before the name is.
    ids: HashTable<(u64, Id)>,
    /// Short names that were looked up lately: the packed name and its number.
    recent: Vec<(u64, Id)>,
    hasher: RandomState,
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

/// The places in `recent`, a power of two: 32 KiB for each kind that has short names.
const RECENT: usize = 2048;

impl Table {
    /// The number of the name; a new one if it has none. `None` if there are no numbers left.
    #[inline]
    pub fn intern(&mut self, name: &[u8]) -> Option<Id> {
        match pack(name) {
            Some(packed) => match self.recent.get(place(packed)) {
                Some((recent, id)) if *recent == packed => Some(*id),
                _ => self.intern_short(name, packed),
            },
            None => self.intern_slow(name),
        }
    }

    /// A short name that was not looked up lately.
    #[cold]
    fn intern_short(&mut self, name: &[u8], packed: u64) -> Option<Id> {
        let id = self.intern_slow(name)?;
        // No name is packed into a 0.
        self.recent.resize(RECENT, (0, 0));
        self.recent[place(packed)] = (packed, id);
        Some(id)
    }

    #[inline(never)]
    fn intern_slow(&mut self, name: &[u8]) -> Option<Id> {
        let hash = self.hasher.hash_one(name);
        let known = self.ids.find(hash, |(theirs, id)| {
            *theirs == hash && self.name(*id) == Some(name)
        });
        if let Some((_, id)) = known {
            return Some(*id);
        }
        // The last number is left free: a replay counts places from 1.
        let id = Id::try_from(self.ends.len())
            .ok()
            .filter(|id| *id != Id::MAX)?;
        self.bytes.extend_from_slice(name);
        self.ends.push(self.bytes.len());
        self.ids.insert_unique(hash, (hash, id), |(hash, _)| *hash);
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

/// A name of 1 to 7 bytes and its length in one word, which is never 0.
#[inline]
fn pack(name: &[u8]) -> Option<u64> {
    let length = name.len();
    // Two loads that overlap, instead of a loop over the bytes.
    let bytes = match length {
        4..=7 => {
            let low = u32::from_le_bytes(*name.first_chunk()?);
            let high = u32::from_le_bytes(*name.last_chunk()?);
            u64::from(low) | u64::from(high) << ((length - 4) * 8)
        }
        2..=3 => {
            let low = u16::from_le_bytes(*name.first_chunk()?);
            let high = u16::from_le_bytes(*name.last_chunk()?);
            u64::from(low) | u64::from(high) << ((length - 2) * 8)
        }
        1 => u64::from(name[0]),
        _ => return None,
    };
    Some(bytes | (length as u64) << 56)
}

/// Where in `recent` a packed name belongs: the top bits of a product, which depend on all of the name.
#[inline]
fn place(packed: u64) -> usize {
    (packed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize % RECENT
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

        #[test]
        fn packing_loses_nothing(name in prop::collection::vec(any::<u8>(), 1..8)) {
            let packed = pack(&name).unwrap().to_le_bytes();
            prop_assert_eq!(&packed[..name.len()], &name[..]);
            prop_assert!(packed[name.len()..7].iter().all(|byte| *byte == 0));
            prop_assert_eq!(packed[7] as usize, name.len());
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

    /// More short names than there are places for lately used ones.
    #[test]
    fn names_that_share_a_place_are_told_apart() {
        let mut table = Table::default();
        let names: Vec<String> = (0..4 * RECENT).map(|n| format!("V{n}")).collect();
        for _ in 0..2 {
            for (id, name) in (0..).zip(&names) {
                assert_eq!(table.intern(name.as_bytes()), Some(id));
            }
        }
    }
}
