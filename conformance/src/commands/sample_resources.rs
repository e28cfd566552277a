//! `conformance sample-resources`: what the gateway can render, as NDJSON.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use conformance::samples;

/// Nothing to choose: all of them, always the same.
#[derive(clap::Args)]
pub struct Arguments {}

/// Prints one resource a line.
///
/// # Errors
/// When standard output cannot be written.
pub fn run(_: &Arguments) -> io::Result<ExitCode> {
    let mut out = BufWriter::new(io::stdout().lock());
    for resource in samples::all() {
        out.write_all(&resource.json)?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}
