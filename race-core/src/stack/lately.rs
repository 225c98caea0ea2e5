//! What a thread has looked up lately, each at the place that its hash gives it, in a table that doubles while it is too small.
//!
//! Forgets whatever another one needs the place of. Must not wait, nor call anything but the allocator.

/// What is looked up: a few words.
pub(super) trait Entry: Copy {
    /// Nobody's.
    const NOTHING: Self;

    /// Bits 40 and up count.
    fn hash(&self) -> u64;
}

pub(super) struct Lately<E> {
    /// None, or a power of two.
    entries: Vec<E>,
    /// Since it was made as large as it is.
    put: usize,
}

/// Entries at first, and at most: 256 KiB of 16 bytes each.
const INITIAL: usize = 1 << 10;
const MAX: usize = 1 << 14;

impl<E: Entry> Lately<E> {
    pub(super) const fn new() -> Lately<E> {
        Lately {
            entries: Vec::new(),
            put: 0,
        }
    }

    /// What is where something with this hash would be.
    #[inline(always)]
    pub(super) fn get(&self, hash: u64) -> Option<&E> {
        self.entries.get(place(hash, self.entries.len()))
    }

    /// Puts what was looked for in vain.
    pub(super) fn put(&mut self, entry: E) {
        if self.put >= self.entries.len() && self.entries.len() < MAX {
            self.grow();
        }
        self.put += 1;
        self.set(entry);
    }

    fn set(&mut self, entry: E) {
        let place = place(entry.hash(), self.entries.len());
        self.entries[place] = entry;
    }

    #[cold]
    fn grow(&mut self) {
        let larger = (2 * self.entries.len()).max(INITIAL);
        let before = std::mem::replace(&mut self.entries, vec![E::NOTHING; larger]);
        self.put = 0;
        for entry in before {
            self.set(entry);
        }
    }
}

#[inline(always)]
fn place(hash: u64, size: usize) -> usize {
    (hash >> 40) as usize & size.wrapping_sub(1)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[derive(Clone, Copy, PartialEq, Debug)]
    struct Number(u64);

    impl Entry for Number {
        const NOTHING: Number = Number(0);

        fn hash(&self) -> u64 {
            self.0 << 40
        }
    }

    fn found(lately: &Lately<Number>, number: u64) -> bool {
        lately.get(Number(number).hash()) == Some(&Number(number))
    }

    #[test]
    fn what_was_put_is_found_until_another_needs_its_place() {
        let mut lately = Lately::new();
        assert!(lately.get(0).is_none());
        lately.put(Number(5));
        assert!(found(&lately, 5) && !found(&lately, 6));
        lately.put(Number(5 + INITIAL as u64));
        assert!(!found(&lately, 5) && found(&lately, 5 + INITIAL as u64));
    }

    #[test]
    fn it_grows_while_more_is_put_than_it_has_room_for() {
        let mut lately = Lately::new();
        for number in 1..=INITIAL as u64 {
            lately.put(Number(number));
        }
        assert_eq!(lately.entries.len(), INITIAL);
        // All that are there stay.
        lately.put(Number(INITIAL as u64 + 1));
        assert_eq!(lately.entries.len(), 2 * INITIAL);
        assert!((1..=INITIAL as u64 + 1).all(|number| found(&lately, number)));
        for number in 1..=4 * MAX as u64 {
            lately.put(Number(number));
        }
        assert_eq!(lately.entries.len(), MAX);
    }
}
