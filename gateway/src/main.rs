//! The `sekisho` binary.
#![expect(dead_code, reason = "the command line that starts all of it is wired next")]

mod config;
mod demo;
mod environment;
mod logging;
mod oauth;
mod pairwise;
mod portal;
mod secrets;
mod sign_in;
mod state;

fn main() {}
