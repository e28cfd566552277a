//! The `sekisho` binary: people, files and apps on one side, the store on the other, and the gate between them.

mod batch;
mod cli;
mod config;
mod delegations;
mod demo;
mod environment;
mod feeds;
mod fhir;
mod gate;
mod heads;
mod health;
mod held_token;
mod import;
mod jobs;
mod limits;
mod links;
mod logging;
mod messages;
mod oauth;
mod operator;
mod outgoing;
mod pairwise;
mod portal;
mod push;
mod replay;
mod scan;
mod secrets;
mod server;
mod sign_in;
mod signing;
mod spool;
mod state;
mod upkeep;
mod uploads;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
