//! The line between the tracked cells and the engine: the shadow of one value.
//!
//! Its methods exist in both builds and do nothing in the plain one, so call sites carry no `cfg`. No algorithm lives here.

#[cfg(feature = "race-check")]
pub(crate) use race_core::shadow::cell::{ShadowCell, Target};

#[cfg(not(feature = "race-check"))]
pub(crate) use plain::{ShadowCell, Target};

#[cfg(not(feature = "race-check"))]
mod plain {
    use std::panic::Location;

    /// What the engine would want to know of a racing value.
    #[expect(dead_code, reason = "there is no engine to read them")]
    pub(crate) struct Target {
        pub(crate) address: usize,
        pub(crate) size: usize,
        pub(crate) describe: fn() -> String,
    }

    #[derive(Debug)]
    pub(crate) struct ShadowCell;

    impl ShadowCell {
        #[inline(always)]
        pub(crate) const fn new(_: &'static Location<'static>) -> ShadowCell {
            ShadowCell
        }

        #[inline(always)]
        pub(crate) fn read(&self, _: impl FnOnce() -> Target, _: &'static Location<'static>) {}

        #[inline(always)]
        pub(crate) fn write(&self, _: impl FnOnce() -> Target, _: &'static Location<'static>) {}

        #[inline(always)]
        pub(crate) fn adopt(&mut self, _: &'static Location<'static>) {}

        #[inline(always)]
        pub(crate) fn overlapping(
            &self,
            _: bool,
            _: bool,
            _: Target,
            _: &'static Location<'static>,
        ) {
        }
    }
}
