//! A decision comes from `decide` alone.

fn forge(request: consent::Request) -> consent::Decision {
    consent::Decision { request }
}

fn main() {}
