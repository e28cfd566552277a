//! `sekisho map`: files that say which column of a table of checkups is what.

use std::io::{self, Write as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use adapters::Input;
use adapters::checkup::columns::{self, Columns, LedgerColumns, TableSum};
use clap::{Args, Subcommand};

use super::CommandError;
use crate::batch;

/// The largest file of columns, in bytes.
const LARGEST: u64 = 1 << 20;

/// Arguments of `map`.
#[derive(Debug, Args)]
pub struct MapArguments {
    #[command(subcommand)]
    command: MapCommand,
}

#[derive(Debug, Subcommand)]
enum MapCommand {
    /// Read a table by a file of columns, store nothing, and print what would become of each column.
    ///
    /// Tabs between: place, name, what it is, cells with something in them, cells read, and why others were not. No value of anybody
    /// is printed. Exit code 2: some cells or lines could not be read.
    Check {
        /// The file of columns, or the name of one that comes with the program (checkup-history).
        #[arg(value_name = "COLUMNS")]
        columns: PathBuf,
        /// The table.
        #[arg(value_name = "FILE")]
        table: PathBuf,
    },
    /// Print a file of columns that comes with the program, to begin one's own from.
    Show {
        /// Its name: checkup-history, guidance, kdb-ledger, checkup-tickets.
        #[arg(value_name = "NAME")]
        name: String,
    },
}

/// Carries out one of the commands.
///
/// # Errors
/// What the files answer.
pub fn run(arguments: MapArguments) -> Result<ExitCode, CommandError> {
    match arguments.command {
        MapCommand::Check { columns, table } => {
            let columns = self::columns(&columns)?;
            let (bytes, size) = batch::opened(&table)?;
            let input = Input { bytes: &bytes, size };
            let sum = columns::try_out(&columns, &input, &mut |_| ControlFlow::Continue(()))?;
            told(&sum)
        }
        MapCommand::Show { name } => {
            let shipped = Columns::shipped(&name).or(LedgerColumns::shipped(&name));
            let shipped = shipped.ok_or("no file of columns of that name comes with the program")?;
            print!("{shipped}");
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Reads a file of columns, or takes the one of that name that comes with the program.
///
/// # Errors
/// What the file answers, and what is wrong in it.
pub fn columns(path: &Path) -> Result<Columns, CommandError> {
    if let Some(shipped) = path.to_str().and_then(Columns::shipped) {
        return Ok(Columns::parse(shipped)?);
    }
    Ok(Columns::parse(&text_of(path)?).map_err(|error| format!("{}: {error}", path.display()))?)
}

/// As [`columns`], of a ledger.
///
/// # Errors
/// As [`columns`].
pub fn ledger_columns(path: &Path) -> Result<LedgerColumns, CommandError> {
    if let Some(shipped) = path.to_str().and_then(LedgerColumns::shipped) {
        return Ok(LedgerColumns::parse(shipped)?);
    }
    Ok(LedgerColumns::parse(&text_of(path)?).map_err(|error| format!("{}: {error}", path.display()))?)
}

fn text_of(path: &Path) -> Result<String, CommandError> {
    let failed = |error: io::Error| format!("{}: {error}", path.display());
    if std::fs::metadata(path).map_err(failed)?.len() > LARGEST {
        return Err(format!("{}: a file of columns has at most {LARGEST} bytes", path.display()).into());
    }
    Ok(std::fs::read_to_string(path).map_err(failed)?)
}

fn told(sum: &TableSum) -> Result<ExitCode, CommandError> {
    let mut out = io::stdout().lock();
    writeln!(out, "column\tname\tis\tfilled\tread\tnot read")?;
    for (place, column) in sum.columns.iter().enumerate() {
        let is = match column.is.as_str() {
            "" => "nothing: kept with its line",
            is => is,
        };
        let refused: Vec<String> = column
            .refused
            .iter()
            .map(|(why, count)| format!("{why} {count}"))
            .collect();
        let (place, refused) = (place + 1, refused.join(", "));
        writeln!(
            out,
            "{place}\t{}\t{is}\t{}\t{}\t{refused}",
            column.name, column.filled, column.taken
        )?;
    }
    writeln!(
        out,
        "{} lines, {} of them without a checkup",
        sum.lines, sum.without_checkup
    )?;
    let is_whole = sum.without_checkup == 0 && sum.columns.iter().all(|column| column.refused.is_empty());
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::from(2) })
}
