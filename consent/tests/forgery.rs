//! The keys to the store's reads cannot be forged: what tries does not compile.

#[test]
fn keys_are_made_here_only() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
