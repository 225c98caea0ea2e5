//! A structure's orderings as a table, so that a test can weaken one by name; and what is claimed of each weakening.

use std::sync::atomic::Ordering;

/// What `orderings!` makes.
pub(crate) trait Table: Copy + 'static {
    /// The orderings as they should be.
    const RIGHT: Self;

    /// Their names.
    const NAMES: &'static [&'static str];

    /// One of them, to look at or to replace.
    fn named(&mut self, name: &str) -> &mut Ordering;
}

/// The orderings of a structure, each with the reason why it is needed. The caller has `Ordering` and `Table` in scope.
macro_rules! orderings {
    ($($(#[doc = $why:literal])+ $name:ident: $order:ident,)*) => {
        #[derive(Clone, Copy)]
        pub(crate) struct Orderings {
            $($(#[doc = $why])+ pub(crate) $name: Ordering,)*
        }

        impl Table for Orderings {
            const RIGHT: Orderings = Orderings {
                $($name: Ordering::$order,)*
            };

            const NAMES: &'static [&'static str] = &[$(stringify!($name)),*];

            fn named(&mut self, name: &str) -> &mut Ordering {
                match name {
                    $(stringify!($name) => &mut self.$name,)*
                    _ => panic!("no ordering is called {name}"),
                }
            }
        }
    };
}

/// A structure and what is claimed of it.
pub(crate) struct Suite<O: 'static> {
    /// Its heading in `docs/structures.md`.
    pub(crate) title: &'static str,
    /// The files with the lines that are reported, as reports name them, and their texts.
    pub(crate) sources: &'static [(&'static str, &'static str)],
    /// Threads that get in each other's way as they like; asserts on the results.
    pub(crate) contention: fn(O),
    pub(crate) cases: &'static [Case<O>],
}

/// One weakening.
pub(crate) struct Case<O> {
    /// What is weakened, and to what. Usually one ordering.
    pub(crate) weakened: &'static [(&'static str, Ordering)],
    /// A program that runs the same way every time, whatever the orderings; asserts on the results.
    pub(crate) schedule: fn(O),
    pub(crate) verdict: Verdict,
}

/// What becomes of a weakened ordering.
#[derive(Clone, Copy)]
pub(crate) enum Verdict {
    /// A race between these two lines is reported first; they end in these comments.
    Reported(&'static str, &'static str),
    /// Silent, and the structure is still right.
    Harmless,
    /// Silent, but the structure is wrong: what goes wrong is not an edge, but which value a load may return. racecheck doesn't explore that.
    NotSeen,
}

impl<O: Table> Suite<O> {
    /// One run under contention with the right orderings.
    pub(crate) fn run(&self) {
        (self.contention)(O::RIGHT);
    }
}

impl<O: Table> Case<O> {
    pub(crate) fn orderings(&self) -> O {
        let mut orderings = O::RIGHT;
        for (name, order) in self.weakened {
            *orderings.named(name) = *order;
        }
        orderings
    }
}
