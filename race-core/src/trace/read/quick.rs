//! The usual line, a short one, found and split a word at a time.
//!
//! Byte by byte, reading was 60 % of the time of a replay: each name's length decides branches, and the processor guesses them wrong. Here the
//! separators and the line's end are found by arithmetic on eight bytes at once, and a short name is loaded and compared as a whole (see
//! [`Table::intern_start`]).
//!
//! Whatever is unusual is left to [`super::parse`], errors too: nothing may be read here that is read differently there.

use super::synchronisation;
use crate::trace::names::{Names, PACKED, Table};
use crate::trace::text::{ADDRESS, COMMENT, SEPARATOR};
use crate::trace::{Event, Id, Operation, Place};

/// How long a line can be, with its line feed.
const LINE: usize = 64;

/// What is looked at: a name at the line's end is loaded with what comes after it.
pub(super) const WINDOW: usize = LINE + PACKED;

/// The bytes that are looked at together.
const WORD: usize = 8;

/// The event of the line at the beginning of `window`, and the line's length with its line feed.
#[inline]
pub(super) fn event(window: &[u8; WINDOW], names: &mut Names) -> Option<(Event, usize)> {
    let (bars, end) = separators(window)?;
    let first = bars.trailing_zeros() as usize;
    let bars = bars & bars.wrapping_sub(1);
    let second = bars.trailing_zeros() as usize;
    let fields = bars != 0 && bars & (bars - 1) == 0;
    let line = &window[..end];
    if !fields || line[0] == COMMENT || line[end - 1] == b'\r' {
        return None;
    }
    if first == 0 || second + 1 == end {
        return None;
    }
    let thread = name(&mut names.threads, window, 0, first);
    let operation = &line[first + 1..second];
    let operation = match operation {
        [kind @ (b'r' | b'w'), b'(', argument @ .., b')'] => {
            if argument.is_empty() || argument.starts_with(ADDRESS) {
                return None;
            }
            let variable = name(&mut names.variables, window, first + 3, second - 1)?;
            let place = Place::Variable(variable);
            if *kind == b'w' {
                Operation::Write(place)
            } else {
                Operation::Read(place)
            }
        }
        _ => synchronisation(operation, names).ok()?,
    };
    let event = Event {
        thread: thread?,
        operation,
        site: name(&mut names.sites, window, second + 1, end)?,
    };
    Some((event, end + 1))
}

/// The number of the name from `start` to `end`, which isn't empty.
#[inline]
fn name(table: &mut Table, window: &[u8; WINDOW], start: usize, end: usize) -> Option<Id> {
    let name = window[start..].first_chunk()?;
    table.intern_start(name, end - start, &window[start..end])
}

/// Where the separators before the line's end are, as bits, and where that is.
#[inline]
fn separators(window: &[u8; WINDOW]) -> Option<(u64, usize)> {
    let (words, _) = window[..LINE].as_chunks::<WORD>();
    let mut bars = 0;
    // Most lines end in the first half.
    for (half, words) in words.chunks_exact(4).enumerate() {
        let mut ends = 0;
        for (index, word) in words.iter().enumerate() {
            let word = u64::from_le_bytes(*word);
            let shift = (half * 4 + index) * WORD;
            bars |= equal(word, SEPARATOR) << shift;
            ends |= equal(word, b'\n') << shift;
        }
        if ends != 0 {
            let end = ends.trailing_zeros() as usize;
            // Line feed first: an empty line has no byte before its end.
            return (end != 0).then_some((bars & ((1 << end) - 1), end));
        }
    }
    None
}

/// The bytes of `word` that are `byte`, as eight bits.
#[inline]
fn equal(word: u64, byte: u8) -> u64 {
    const LOW: u64 = u64::MAX / 255;
    const SEVEN: u64 = LOW * 0x7f;
    let difference = word ^ (LOW * u64::from(byte));
    // The top bit of each byte: whether any bit of it is set. No byte carries into the next.
    let different = ((difference & SEVEN) + SEVEN) | difference;
    let same = (!different & !SEVEN) >> 7;
    // Bit 8n of `same` goes to bit 56 + n.
    same.wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn equal_bytes_are_found(word in prop::array::uniform8(prop::sample::select(b"|\n\0}\xfc\x7c\xff".to_vec())), byte in any::<u8>()) {
            for byte in [byte, b'|', b'\n'] {
                let expected = (0..8).filter(|n| word[*n] == byte).fold(0, |bits, n| bits | 1 << n);
                prop_assert_eq!(equal(u64::from_le_bytes(word), byte), expected);
            }
        }
    }

    #[test]
    fn what_is_usual() {
        let quick = |line: &str| {
            let mut window = [b'x'; WINDOW];
            window[..line.len()].copy_from_slice(line.as_bytes());
            event(&window, &mut Names::default()).map(|(_, length)| length)
        };
        for line in [
            "T1|r(V1)|1\n",
            "T12345678|w(Account.balance)|src/account.rs:17\n",
        ] {
            assert_eq!(quick(line), Some(line.len()));
        }
        let longest = format!("T|r({})|1\n", "x".repeat(LINE - 8));
        assert_eq!(quick(&longest), Some(LINE));
        let too_long = format!("T|r({})|1\n", "x".repeat(LINE - 7));
        assert_eq!(quick(&too_long), None);
        for line in [
            "\n",
            "T|r(x)\n",
            "|\n",
            "||\n",
            "|||\n",
            "T|r(x)|1|\n",
            "#|r(x)|1\n",
            "T|r(x)|1\r\n",
            "|r(x)|1\n",
            "T|r()|1\n",
            "T|r(|1\n",
            "T|r)|1\n",
            "T|r(x)|\n",
            "T||1\n",
            "T|r(0x10+8)|1\n",
            "T|foo(x)|1\n",
        ] {
            assert_eq!(quick(line), None, "{line:?}");
        }
    }
}
