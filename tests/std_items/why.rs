//! What is compared, and why some of it isn't here.

/// The modules that racecheck has, and `std` itself, of which only [`MACROS`].
pub(crate) const ALWAYS: [&str; 6] = ["", "cell", "sync", "sync::atomic", "sync::mpsc", "thread"];

/// The macros at the top of `std` that have to do with threads.
pub(crate) const MACROS: [&str; 1] = ["thread_local"];

/// Modules of which a part may be here.
pub(crate) const WHERE_WE_HAVE_IT: [&str; 3] = ["alloc", "hint", "ptr"];

const ONE_THREAD: &str = "it never leaves its thread";

/// What `std` has and racecheck hasn't. A `*` is any part of a name; a `const` in front says that the function is here, and not `const`.
pub(crate) const WHY: &[(&str, &str)] = &[
    ("thread_local", "no tracked form yet"),
    ("cell::Cell", "no tracked form yet"),
    ("cell::OnceCell", "no tracked form yet"),
    ("sync::Arc", "no tracked form yet"),
    ("sync::Weak", "no tracked form yet"),
    ("cell::BorrowError", ONE_THREAD),
    ("cell::BorrowMutError", ONE_THREAD),
    ("cell::LazyCell", ONE_THREAD),
    ("cell::Ref", ONE_THREAD),
    ("cell::RefCell", ONE_THREAD),
    ("cell::RefMut", ONE_THREAD),
    (
        "cell::UnsafeCell::from_mut",
        "the cell has its shadow beside the value, and there is no room for one beside any `T`",
    ),
    (
        "cell::UnsafeCell::raw_get",
        "where the value lies in the cell depends on its alignment, which a pointer doesn't tell",
    ),
    (
        "const cell::UnsafeCell::get_mut",
        "it tells the engine, which a `const fn` can't",
    ),
    (
        "const cell::UnsafeCell::into_inner",
        "the shadow is dropped, which a `const fn` can't",
    ),
    (
        "const sync::atomic::Atomic*::as_ptr",
        "from here on the engine keeps the clock by the address, for the atomics that `from_ptr` makes of the pointer: a `const fn` can't tell it",
    ),
    (
        "const sync::atomic::Atomic*::from_ptr",
        "the engine looks the address up, which a `const fn` can't",
    ),
    (
        "const sync::atomic::Atomic*::into_inner",
        "the clock is dropped, which a `const fn` can't",
    ),
];
