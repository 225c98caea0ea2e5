//! The words in which a report speaks of an `Arc`.

use race_core::sync::SyncKind;

/// The last drop.
pub(super) static DROPPED: SyncKind = SyncKind {
    name: "Arc",
    release: "dropped an Arc",
    acquire: "dropped the last one",
};

/// `get_mut` and its like.
pub(super) static OWNED: SyncKind = SyncKind {
    name: "Arc",
    release: "dropped an Arc",
    acquire: "was then its only owner",
};

/// `Weak::upgrade`.
pub(super) static UPGRADED: SyncKind = SyncKind {
    name: "Arc",
    release: "made or dropped an Arc",
    acquire: "upgraded a Weak of it",
};

/// What looks at the number of `Weak`s.
pub(super) static DOWNGRADED: SyncKind = SyncKind {
    name: "Weak",
    release: "dropped a Weak",
    acquire: "looked at how many are left",
};
