//! The `sekisho` binary.

mod config;
mod environment;
mod pairwise;
mod secrets;

fn main() {}
