//! What the attribute macros say of code that they can't use: one error, at the token that is wrong. The same in both builds, but for code that only
//! one of them touches.

#[test]
fn errors() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*.rs");
    if cfg!(feature = "race-check") {
        cases.compile_fail("tests/ui/checked/*.rs");
    }
}
