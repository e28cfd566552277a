//! `sekisho synthesize`: large made-up exports for load tests and benchmarks.

use std::process::ExitCode;

use super::CommandError;

/// Arguments of `synthesize`.
#[derive(Debug, clap::Args)]
pub struct SynthesizeArguments {
    /// File to write.
    pub file: std::path::PathBuf,
}

/// Writes the file.
pub fn run(_arguments: SynthesizeArguments) -> Result<ExitCode, CommandError> {
    Err("the adapter's generator is not here".into())
}
