//! The `conformance` command: judges resources that a gateway rendered, and prints samples for other judges, and
//! measures it.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod commands;

/// Black-box checks of a FHIR gateway, ours or another's.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Judge resources strictly as FHIR R4: a file, a folder (*.json, *.ndjson), or NDJSON from standard input.
    Judge(commands::judge::Arguments),
    /// Print one resource of every kind for every metric, as NDJSON, for judges in other languages.
    SampleResources(commands::sample_resources::Arguments),
    /// Check a server's discovery, launch, tokens and scopes as a SMART client sees them, with the negative cases.
    Smart(commands::smart::Arguments),
    /// Check how a server reads and searches FHIR R4, with a token that reads one patient's Observations.
    Fhir(commands::fhir::Arguments),
    /// Measure the gateway on this machine, against what it must reach.
    Bench(commands::bench::Arguments),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Judge(arguments) => commands::judge::run(&arguments),
        Command::SampleResources(arguments) => commands::sample_resources::run(&arguments),
        Command::Smart(arguments) => commands::smart::run(&arguments),
        Command::Fhir(arguments) => commands::fhir::run(&arguments),
        Command::Bench(arguments) => commands::bench::run(&arguments),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("conformance: {error}");
        ExitCode::from(2)
    })
}
