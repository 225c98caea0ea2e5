//! Accesses that are announced under a name: as [`crate::shadow`] has them.
//!
//! The shadow is that of the value's bytes, which the compiler announces accesses to as well. What is announced here comes first, so that it is what a
//! report has, and what follows within the same access is no news.

use std::ffi::c_void;
use std::panic::Location;
use std::ptr;

pub(crate) use race_interface::AccessKind;
use race_interface::{Sink, Value};

use super::runtime;
use crate::shadow::Target;

/// What is known of a value but for its bytes.
#[derive(Debug)]
pub(crate) struct ShadowCell {
    created: &'static Location<'static>,
}

impl ShadowCell {
    pub(crate) const fn new(created: &'static Location<'static>) -> ShadowCell {
        ShadowCell { created }
    }

    #[inline]
    pub(crate) fn read(&self, target: impl FnOnce() -> Target, site: &'static Location<'static>) {
        self.access(&target(), AccessKind::Read, site);
    }

    #[inline]
    pub(crate) fn write(&self, target: impl FnOnce() -> Target, site: &'static Location<'static>) {
        self.access(&target(), AccessKind::Write, site);
    }

    /// What follows is announced, and what came before is in order by what was seen.
    #[inline]
    pub(crate) fn adopt(&mut self, _: &'static Location<'static>) {}

    /// The other access was announced when it began.
    pub(crate) fn overlapping(
        &self,
        write: bool,
        _: bool,
        target: Target,
        site: &'static Location<'static>,
    ) {
        let kind = if write {
            AccessKind::Write
        } else {
            AccessKind::Read
        };
        self.access(&target, kind, site);
    }

    fn access(&self, target: &Target, kind: AccessKind, site: &'static Location<'static>) {
        unsafe extern "C" fn describe(target: *const c_void, to: Sink) {
            // SAFETY: `context` below, for the length of the call that is given it; the sink is an argument.
            unsafe {
                let target = &*target.cast::<Target>();
                to.put(&(target.describe)());
            }
        }
        let (label_kind, label_name) = target
            .label
            .map_or(("", ""), |label| (label.kind, label.name));
        let value = Value {
            address: target.address,
            size: target.size,
            created: self.created.into(),
            label_kind: label_kind.into(),
            label_name: label_name.into(),
            describe,
            context: ptr::from_ref(target).cast(),
        };
        (runtime().access_value)(&value, kind, site.into());
    }
}

#[inline]
pub(crate) fn handed_out(address: usize, size: usize) {
    (runtime().handed_out)(address, size);
}

pub(crate) mod range {
    use super::{AccessKind, Location, runtime};

    #[inline]
    pub(crate) fn access(
        address: usize,
        size: usize,
        kind: AccessKind,
        site: Option<&'static Location<'static>>,
    ) {
        if let Some(site) = site {
            (runtime().access)(address, size, kind, site.into());
        }
    }

    #[inline]
    pub(crate) fn forget(address: usize, size: usize) {
        (runtime().forget)(address, size);
    }
}
