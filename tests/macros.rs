//! What the attribute macros say of code that they can't use: one error, at the token that is wrong. The same in both builds.

#[test]
fn errors() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
