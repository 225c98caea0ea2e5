//! What is compared, and why some of it isn't here.

/// The modules that racecheck has, and `std` itself, of which only [`MACROS`].
pub(crate) const ALWAYS: [&str; 6] = ["", "cell", "sync", "sync::atomic", "sync::mpsc", "thread"];

/// The macros at the top of `std` that have to do with threads.
pub(crate) const MACROS: [&str; 1] = ["thread_local"];

/// Modules of which a part may be here.
pub(crate) const WHERE_WE_HAVE_IT: [&str; 3] = ["alloc", "hint", "ptr"];

const BESIDE: &str =
    "the cell has its shadow beside the value, and there is no room for one beside any `T`";
const TELLS: &str = "it tells the engine, which a `const fn` can't";
const DROPPED: &str = "the shadow is dropped, which a `const fn` can't";
const ALLOCATOR: &str = "it is here for the global allocator; others are unstable";

/// What `std` has and racecheck hasn't. A `*` is any part of a name; a `const` in front says that the function is here, and not `const`.
pub(crate) const WHY: &[(&str, &str)] = &[
    ("cell::Cell::as_array_of_cells", BESIDE),
    ("cell::Cell::as_slice_of_cells", BESIDE),
    ("cell::Cell::from_mut", BESIDE),
    ("cell::Cell: AsRef<[Cell<T>; N]> for Cell<[T; N]>", BESIDE),
    ("cell::Cell: AsRef<[Cell<T>]> for Cell<[T; N]>", BESIDE),
    ("cell::Cell: AsRef<[Cell<T>]> for Cell<[T]>", BESIDE),
    ("const cell::Cell::get", TELLS),
    ("const cell::Cell::get_mut", TELLS),
    ("const cell::Cell::replace", TELLS),
    ("const cell::Cell::into_inner", DROPPED),
    ("const cell::OnceCell::into_inner", DROPPED),
    ("const cell::RefCell::into_inner", DROPPED),
    ("cell::UnsafeCell::from_mut", BESIDE),
    ("const cell::UnsafeCell::get_mut", TELLS),
    ("const cell::UnsafeCell::into_inner", DROPPED),
    (
        "sync::Arc: From<Arc<W>>",
        "a `Waker` is made of `std`'s `Arc`, which its `Wake` asks for",
    ),
    ("sync::Arc: From<Box<T, A>>", ALLOCATOR),
    ("sync::Arc: From<Vec<T, A>> for Arc<[T]>", ALLOCATOR),
    ("sync::Arc: TryFrom<Arc<[T], A>> for Arc<[T; N]>", ALLOCATOR),
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
