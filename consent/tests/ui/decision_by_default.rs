//! There is no decision without consents.

fn main() {
    let _: consent::Decision = Default::default();
}
