//! What kinds of findings there are, in one place: the engine has them, a program that is linked with it gets them sent, and one without it has the names alone.
//!
//! A macro, so that each crate has types of its own: it can say how they are sent, and its compiler knows that no kind was left out.

/// Defines `Operation`, `DeadlockKind` and `Goal`, of which the last needs a `DeadlockLock`. The argument is how they are sent, if they are: `serde::Serialize` or
/// `serde::Deserialize`, for the JSON of `docs/json.md`.
#[macro_export]
macro_rules! kinds_of_findings {
    ($($sent:path)?) => {
        /// What an access did.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        $(#[derive($sent)] #[serde(rename_all = "kebab-case")])?
        #[non_exhaustive]
        pub enum Operation {
            /// A plain load.
            Read,
            /// A plain store, or a load and a store.
            Write,
            /// An atomic load.
            AtomicRead,
            /// An atomic store or read-modify-write.
            AtomicWrite,
            /// `read_volatile`: a plain load as far as races go.
            VolatileRead,
            /// `write_volatile`: a plain store as far as races go.
            VolatileWrite,
            /// The memory was freed: a write to all of it.
            Free,
        }

        impl ::std::fmt::Display for Operation {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(match self {
                    Operation::Read => "read",
                    Operation::Write => "write",
                    Operation::AtomicRead => "atomic read",
                    Operation::AtomicWrite => "atomic write",
                    Operation::VolatileRead => "volatile read",
                    Operation::VolatileWrite => "volatile write",
                    Operation::Free => "free",
                })
            }
        }

        /// What kind of deadlock it is.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        $(#[derive($sent)] #[serde(rename_all = "kebab-case")])?
        #[non_exhaustive]
        pub enum DeadlockKind {
            /// Threads take locks in different orders, and nothing keeps them apart: at the wrong moment each waits for the next.
            LockOrder,
            /// A thread waits for a lock that it holds.
            SelfDeadlock,
            /// Threads wait for each other.
            Deadlock,
        }

        /// What a thread of a deadlock waits for.
        #[derive(Clone, PartialEq, Eq, Debug)]
        $(#[derive($sent)] #[serde(tag = "what", rename_all = "kebab-case")])?
        #[non_exhaustive]
        pub enum Goal {
            /// A lock.
            Lock {
                /// Which one.
                lock: DeadlockLock,
                /// Whether for reading.
                shared: bool,
            },
            /// The end of the thread with this number.
            Thread {
                /// As `ThreadInfo::number` has it.
                number: u32,
            },
            /// The ends of all threads of a scope.
            Scope,
        }
    };
}
