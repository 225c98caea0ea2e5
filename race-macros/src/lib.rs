//! The attribute macros of racecheck. Use them through `racecheck`.
//!
//! With the feature `race-check` they wire code to the engine; without it they give the plain code.

mod test;

use proc_macro::TokenStream;

/// A `#[test]` that fails if its body races.
///
/// The races of the body, those of all threads that it starts included, are printed where the harness captures the test's output, and the test
/// fails with `race detected during execution of test`. A panic of the body fails it as ever. Without the feature `race-check` this is
/// `#[test]`.
///
/// Other attributes (`#[should_panic]`, `#[ignore]`) and a `Result` as return type work as with `#[test]`. A race fails a test with
/// `#[should_panic]` too, whatever panic is expected, unless the race is: `#[should_panic(expected = "race detected")]`.
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
/// ```
#[proc_macro_attribute]
pub fn test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    test::expand(arguments.into(), item.into()).into()
}
