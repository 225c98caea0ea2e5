//! The words of the text format that reader and writer share.
//!
//! `docs/traces.md` describes the format for people; a change here is a change there.

use std::sync::atomic::Ordering;

/// The first line of a trace, before the version.
pub(super) const HEADER: &[u8] = b"racecheck-trace/";

/// The newest version, which is the only one so far.
pub const VERSION: u32 = 1;

/// Between the fields of a line.
pub(super) const SEPARATOR: u8 = b'|';

/// What a line that is no event begins with.
pub(super) const COMMENT: u8 = b'#';

/// What a range of bytes begins with, as opposed to a variable's name.
pub(super) const ADDRESS: &[u8] = b"0x";

const ORDERINGS: [(&[u8], Ordering); 5] = [
    (b"relaxed", Ordering::Relaxed),
    (b"acquire", Ordering::Acquire),
    (b"release", Ordering::Release),
    (b"acq_rel", Ordering::AcqRel),
    (b"seq_cst", Ordering::SeqCst),
];

/// What takes an ordering, as far as it decides which ones are possible.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ordered {
    Load,
    Store,
    ReadModifyWrite,
    Fence,
}

impl Ordered {
    /// As in Rust, where the other orderings panic or don't compile.
    pub(super) fn allows(self, order: Ordering) -> bool {
        match self {
            Ordered::Load => !matches!(order, Ordering::Release | Ordering::AcqRel),
            Ordered::Store => !matches!(order, Ordering::Acquire | Ordering::AcqRel),
            Ordered::ReadModifyWrite => true,
            Ordered::Fence => order != Ordering::Relaxed,
        }
    }

    pub(super) fn orderings(self) -> &'static str {
        match self {
            Ordered::Load => "`relaxed`, `acquire` or `seq_cst`",
            Ordered::Store => "`relaxed`, `release` or `seq_cst`",
            Ordered::ReadModifyWrite => "`relaxed`, `acquire`, `release`, `acq_rel` or `seq_cst`",
            Ordered::Fence => "`acquire`, `release`, `acq_rel` or `seq_cst`",
        }
    }
}

pub(super) fn ordering(word: &[u8]) -> Option<Ordering> {
    let known = ORDERINGS.iter().find(|(name, _)| *name == word);
    known.map(|(_, order)| *order)
}

/// `None` for an ordering that Rust may get one day.
pub(super) fn ordering_word(order: Ordering) -> Option<&'static [u8]> {
    let known = ORDERINGS.iter().find(|(_, known)| *known == order);
    known.map(|(name, _)| *name)
}
