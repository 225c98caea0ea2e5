//! The attribute macros of racecheck. Use them through `racecheck`.
//!
//! With the feature `race-check` they wire code to the engine; without it they give the plain code.

#![forbid(unsafe_code)]

mod arguments;
#[cfg(test)]
mod expansions;
mod instrument;
mod main_function;
mod shared;
mod test;

use proc_macro::TokenStream;

const CHECKED: bool = cfg!(feature = "race-check");

/// A `#[test]` that fails if its body races.
///
/// The races of the body, those of all threads that it starts included, are printed where the harness captures the test's output, and the test
/// fails with `race detected during execution of test`. A panic of the body fails it as ever. Without the feature `race-check` this is
/// `#[test]`.
///
/// ```
/// use racecheck::{Shared, thread};
///
/// #[racecheck::test]
/// fn counts() {
///     let hits = Shared::new(0);
///     thread::scope(|s| {
///         s.spawn(|| hits.set(1));
///     });
///     assert_eq!(hits.get(), 1);
/// }
///
/// #[racecheck::test(should_race = "variable `hits`", runs = 10)]
/// fn loses_updates() {
///     #[racecheck::shared]
///     let hits: u64 = 0;
///     thread::scope(|s| {
///         s.spawn(|| hits.update(|n| n + 1));
///         s.spawn(|| hits.update(|n| n + 1));
///     });
/// }
/// ```
///
/// | argument | meaning |
/// | --- | --- |
/// | `should_race` | the test passes only if it races |
/// | `should_race = "text"` | the test passes only if it has a race whose report contains the text; other races don't fail it |
/// | `runs = 100` | the body runs so often, each time as a test of its own, until the verdict is clear |
/// | `ignore`, `ignore = "reason"` | `#[ignore]` |
/// | `should_panic`, `should_panic = "text"`, `should_panic(expected = "text")` | `#[should_panic]` |
/// | `wrap` | an attribute *above* has made the function a test already |
/// | `crate = path` | where racecheck is, if not at `::racecheck` |
///
/// Without the feature there is one run, and a test that should race is ignored.
///
/// A race fails a test that should panic too, whatever panic is expected, unless the race is: `should_panic = "race detected"`.
///
/// An `async fn` is driven on the test's own thread, by something that knows futures and wake-ups and nothing else. Where another attribute below
/// has a runtime, `#[tokio::test]` for one, that drives it. `docs/macros.md` says how the attributes of other crates go with this one.
#[proc_macro_attribute]
pub fn test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    test::expand(arguments.into(), item.into(), CHECKED).into()
}

/// A `main` in which variables can be shared, and which may be `async`.
///
/// With the feature `race-check` every program prints how many races it had when it ends, and ends with status 66 if there were any; with or
/// without this attribute, however it ends. What the attribute adds: `#[racecheck::shared] let` works in the body, and an `async fn` is driven
/// to its end on the main thread.
///
/// ```
/// #[racecheck::main]
/// async fn main() {
///     #[racecheck::shared]
///     let hits = 0;
///     racecheck::thread::scope(|s| {
///         s.spawn(|| hits.set(1));
///     });
///     assert_eq!(hits.get(), 1);
/// }
/// ```
#[proc_macro_attribute]
pub fn main(arguments: TokenStream, item: TokenStream) -> TokenStream {
    main_function::expand(arguments.into(), item.into(), CHECKED).into()
}

/// Makes the fields of a struct, a static or a variable `racecheck::Shared`, and has reports call them by their names.
///
/// ```
/// use racecheck::sync::Mutex;
/// use racecheck::thread;
///
/// #[racecheck::shared]
/// #[derive(Debug)]
/// struct Stats {
///     reqs: u64,
///     errs: u64,
///     lock: Mutex<()>,
/// }
///
/// static STATS: Stats = Stats::new(0, 0, Mutex::new(()));
///
/// thread::scope(|s| {
///     for _ in 0..2 {
///         s.spawn(|| {
///             let _guard = STATS.lock.lock(); // without this line, a report: "Location is field `Stats.reqs`"
///             STATS.update_reqs(|n| n + 1);
///         });
///     }
/// });
/// assert_eq!(STATS.get_reqs(), 2);
/// ```
///
/// **On a struct**, each field of type `T` becomes a `Shared<T>`. Those that are synchronised already, by the names of their types (`Mutex`,
/// `AtomicU64`, `Arc<RwLock<T>>` …), and those marked `#[shared(skip)]` stay as they are. The struct gets
///
/// - `const fn new`, with the fields' values in their order;
/// - `Default`, where all fields have it, in place of a derived one;
/// - for each shared field `x`: `get_x` and `update_x` (where it is `Copy`), `set_x`, `with_x` and `with_x_mut`.
///
/// Only a value that was made by these has its names in reports. The attribute stands above the derives.
///
/// | argument | meaning |
/// | --- | --- |
/// | `new = name` | the constructor has this name |
/// | `no_new`, `no_default`, `no_accessors` | leave out what clashes with your own |
/// | `crate = path` | where racecheck is, if not at `::racecheck` |
///
/// **On a static**, `static HITS: u64 = 0` becomes a `Shared<u64>`.
///
/// **On a `let`** it works in the body of a function that has `#[racecheck::shared]`, [`#[racecheck::test]`](macro@test) or
/// [`#[racecheck::main]`](macro@main) on it: an attribute macro can't stand on a statement by itself.
///
/// ```
/// #[racecheck::shared]
/// fn count() -> u64 {
///     #[racecheck::shared]
///     let hits: u64 = 0;
///     racecheck::thread::scope(|s| {
///         s.spawn(|| hits.set(1));
///     });
///     hits.get()
/// }
/// # assert_eq!(count(), 1);
/// ```
#[proc_macro_attribute]
pub fn shared(arguments: TokenStream, item: TokenStream) -> TokenStream {
    shared::expand(arguments.into(), item.into(), CHECKED).into()
}

/// Has code that is written on `std` checked as if it were written on racecheck: no other line of it changes.
///
/// ```
/// #[racecheck::instrument]
/// mod cache {
///     use std::collections::HashMap;
///     use std::sync::{Arc, Mutex};
///     use std::thread;
///
///     pub fn fill() -> usize {
///         let cache = Arc::new(Mutex::new(HashMap::new()));
///         let ours = Arc::clone(&cache);
///         thread::spawn(move || ours.lock().unwrap().insert(1, "one")).join().unwrap();
///         cache.lock().unwrap().len()
///     }
/// }
///
/// assert_eq!(cache::fill(), 1);
/// ```
///
/// It goes on an inline `mod`, an `impl`, a `trait`, a `fn`, or any other item. Without the feature `race-check` the item stays as it is, token by token.
/// With it, whatever is called by a path of `std`, `core` or `alloc` comes from racecheck if racecheck has it in another form: what is tracked in
/// `sync`, `thread`, `cell`, `ptr` and `alloc`, but for `UnsafeCell`. That goes for expressions, types, patterns and `use`s, globs and renamed
/// modules included, and within the arguments of `std`'s own macros. And in `unsafe` code, what is read and written through raw pointers and of a
/// `static mut` is announced to the engine, byte for byte.
///
/// | argument | meaning |
/// | --- | --- |
/// | `keep(Arc, std::thread)` | these stay `std`'s: names, or paths, of what would be replaced |
/// | `skip` | on an item inside an instrumented one: it stays as it is |
/// | `crate = path` | where racecheck is, if not at `::racecheck` |
///
/// `keep` is for what goes to code, or comes from code, that isn't instrumented and wants `std`'s types. What a kept type orders isn't seen.
///
/// ```
/// #[racecheck::instrument(keep(Arc))]
/// mod wakers {
///     use std::sync::Arc;
///     use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
///     use std::task::{Wake, Waker};
///
///     #[derive(Default)]
///     pub struct Counter(AtomicUsize);
///
///     impl Wake for Counter {
///         fn wake(self: Arc<Self>) {
///             self.0.fetch_add(1, Relaxed);
///         }
///     }
///
///     impl Counter {
///         pub fn waker(self: &Arc<Self>) -> Waker {
///             Waker::from(Arc::clone(self))
///         }
///     }
///
///     #[racecheck::instrument(skip)]
///     pub fn plain() -> std::sync::Mutex<u8> {
///         std::sync::Mutex::new(0)
///     }
/// }
///
/// let counter = std::sync::Arc::new(wakers::Counter::default());
/// counter.waker().wake();
/// let _: std::sync::Mutex<u8> = wakers::plain();
/// ```
///
/// A macro sees only what is in the item: not the inside of other macros, nor what a `use` outside of it has brought. `docs/macros.md` says what is
/// rewritten to what, and what isn't seen.
#[proc_macro_attribute]
pub fn instrument(arguments: TokenStream, item: TokenStream) -> TokenStream {
    instrument::expand(arguments.into(), item.into(), CHECKED).into()
}
