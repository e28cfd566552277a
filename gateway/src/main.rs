//! The `sekisho` binary: people, files and apps on one side, the store on the other, and the gate between them.

mod cli;
mod config;
mod environment;
mod import;
mod pairwise;
mod secrets;
mod spool;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
