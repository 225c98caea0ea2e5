//! A fence that can be weakened away.

use super::lib::sync::atomic::{self, Ordering};

/// A fence, or nothing if it is `Relaxed`: `std` has no such fence.
pub(crate) fn fence(order: Ordering) {
    if order != Ordering::Relaxed {
        atomic::fence(order);
    }
}
