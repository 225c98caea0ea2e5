//! The line between the tracked types and the engine: the shadow of one value, and that of raw memory.
//!
//! Its methods exist in both builds and do nothing in the plain one, so call sites carry no `cfg`. No algorithm lives here.

#[cfg(all(feature = "race-check", not(racecheck_runtime)))]
pub use race_core::shadow::cell::Label;
#[cfg(all(feature = "race-check", not(racecheck_runtime)))]
pub(crate) use {
    checked::Labelled,
    race_core::shadow::{
        cell::{ShadowCell, Target},
        handed_out::handed_out,
        range::{self, AccessKind},
    },
};

#[cfg(racecheck_runtime)]
pub(crate) use {
    crate::linked::{
        quiet,
        shadow::{AccessKind, ShadowCell, handed_out, range},
    },
    checked::Labelled,
    named::Target,
};

#[cfg(not(any(feature = "race-check", racecheck_runtime)))]
pub(crate) use {
    named::Target,
    plain::{AccessKind, Labelled, ShadowCell, handed_out, range},
};

#[cfg(any(not(feature = "race-check"), racecheck_runtime))]
pub use named::Label;

/// What it stands around is to be out of the engine's sight. An engine that sees only what it is told doesn't see it anyway.
#[cfg(not(racecheck_runtime))]
pub(crate) struct Quiet;

#[cfg(not(racecheck_runtime))]
#[inline(always)]
pub(crate) fn quiet() -> Quiet {
    Quiet
}

#[cfg(any(feature = "race-check", racecheck_runtime))]
mod checked {
    use super::Label;

    /// The label of one value, if it has one.
    #[derive(Clone, Copy)]
    pub(crate) struct Labelled(Option<&'static Label>);

    impl Labelled {
        pub(crate) const NOT: Labelled = Labelled(None);

        pub(crate) const fn by(label: &'static Label) -> Labelled {
            Labelled(Some(label))
        }

        pub(crate) fn get(self) -> Option<&'static Label> {
            self.0
        }
    }
}

#[cfg(any(not(feature = "race-check"), racecheck_runtime))]
mod named {
    /// What the program calls a value.
    #[derive(Clone, Copy, Debug)]
    pub struct Label {
        /// What kind of thing has the name.
        pub kind: &'static str,
        /// The name.
        pub name: &'static str,
    }

    /// What the engine would want to know of a racing value.
    #[cfg_attr(
        not(racecheck_runtime),
        expect(dead_code, reason = "there is no engine to read them")
    )]
    pub(crate) struct Target {
        pub(crate) address: usize,
        pub(crate) size: usize,
        pub(crate) describe: fn() -> String,
        pub(crate) label: Option<&'static Label>,
    }
}

#[cfg(not(any(feature = "race-check", racecheck_runtime)))]
mod plain {
    use std::panic::Location;

    use super::{Label, Target};

    /// The label of one value, which nobody asks for.
    #[derive(Clone, Copy)]
    pub(crate) struct Labelled;

    impl Labelled {
        pub(crate) const NOT: Labelled = Labelled;

        #[inline(always)]
        pub(crate) const fn by(_: &'static Label) -> Labelled {
            Labelled
        }

        #[inline(always)]
        pub(crate) fn get(self) -> Option<&'static Label> {
            None
        }
    }

    /// What the engine would want to know of an access to raw memory.
    pub(crate) enum AccessKind {
        Read,
        Write,
    }

    pub(crate) mod range {
        use std::panic::Location;

        use super::AccessKind;

        #[inline(always)]
        pub(crate) fn access(
            _: usize,
            _: usize,
            _: AccessKind,
            _: Option<&'static Location<'static>>,
        ) {
        }

        #[inline(always)]
        pub(crate) fn forget(_: usize, _: usize) {}
    }

    #[inline(always)]
    pub(crate) fn handed_out(_: usize, _: usize) {}

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
