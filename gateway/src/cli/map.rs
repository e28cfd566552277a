//! `sekisho map`: files that say which column of a table of checkups, or of a ledger of the insured, is what.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use adapters::Input;
use adapters::checkup::columns::{self, ColumnSum, Columns, LedgerColumns, LedgerSum, TableSum};
use clap::{Args, Subcommand};

use super::{CommandError, exit_code};
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
    /// is printed. Of a ledger or a list of tickets what a column is stands as in the file of columns. Exit code 2: some cells or lines
    /// could not be read.
    Check {
        /// The file of columns, or the name of one that comes with the program (as `map show` has them).
        #[arg(value_name = "COLUMNS")]
        columns: PathBuf,
        /// The table.
        #[arg(value_name = "FILE")]
        table: PathBuf,
    },
    /// Print a file of columns that comes with the program, to begin one's own from.
    Show {
        /// Its name: checkup-history, guidance, elderly-questionnaire, kdb-ledger, checkup-tickets.
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
            let (bytes, size) = batch::opened(&table)?;
            let input = Input { bytes: &bytes, size };
            if is_of_a_ledger(&columns)? {
                let columns = ledger_columns(&columns)?;
                let sum = columns::ledger(&columns, &input, &mut |_| ControlFlow::Continue(()))?;
                return told_of_ledger(&sum);
            }
            let columns = self::columns(&columns)?;
            let sum = columns::try_out(&columns, &input, &mut |_| ControlFlow::Continue(()))?;
            told(&columns, &sum)
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

/// True where a file of columns, or the one of that name that comes with the program, is meant for a ledger.
fn is_of_a_ledger(path: &Path) -> Result<bool, CommandError> {
    let name = path.to_str().unwrap_or_default();
    Ok(match (LedgerColumns::shipped(name), Columns::shipped(name)) {
        (Some(_), _) => true,
        (None, Some(_)) => false,
        (None, None) => LedgerColumns::is_meant(&text_of(path)?),
    })
}

fn text_of(path: &Path) -> Result<String, CommandError> {
    let failed = |error: io::Error| format!("{}: {error}", path.display());
    if std::fs::metadata(path).map_err(failed)?.len() > LARGEST {
        return Err(format!("{}: a file of columns has at most {LARGEST} bytes", path.display()).into());
    }
    Ok(std::fs::read_to_string(path).map_err(failed)?)
}

fn told(columns: &Columns, sum: &TableSum) -> Result<ExitCode, CommandError> {
    let mut out = io::stdout().lock();
    let is_whole = told_of_columns(&mut out, &sum.columns, "nothing: kept with its line")?;
    let event = columns.event();
    writeln!(out, "each line is told as {} ({})", event.row().name_ja, event.key())?;
    writeln!(
        out,
        "{} lines, {} of them without a checkup",
        sum.lines, sum.without_checkup
    )?;
    Ok(exit_code(is_whole && sum.without_checkup == 0))
}

fn told_of_ledger(sum: &LedgerSum) -> Result<ExitCode, CommandError> {
    let mut out = io::stdout().lock();
    told_of_columns(&mut out, &sum.columns, "nothing: left out")?;
    let refused: u64 = sum.refused.values().sum();
    writeln!(
        out,
        "{} lines tell of {} insurances or tickets; {refused} cannot be used{}",
        sum.lines,
        sum.told,
        match refused {
            0 => String::new(),
            _ => format!(" ({})", counted(&sum.refused)),
        }
    )?;
    Ok(exit_code(refused == 0))
}

/// Answers whether every cell of them was read.
fn told_of_columns(out: &mut impl io::Write, columns: &[ColumnSum], nothing: &str) -> io::Result<bool> {
    writeln!(out, "column\tname\tis\tfilled\tread\tnot read")?;
    for (place, column) in (1..).zip(columns) {
        let is = match column.is.as_str() {
            "" => nothing,
            is => is,
        };
        let (name, refused) = (&column.name, counted(&column.refused));
        writeln!(
            out,
            "{place}\t{name}\t{is}\t{}\t{}\t{refused}",
            column.filled, column.taken
        )?;
    }
    Ok(columns.iter().all(|column| column.refused.is_empty()))
}

fn counted(reasons: &BTreeMap<&'static str, u64>) -> String {
    let reasons: Vec<String> = reasons.iter().map(|(why, count)| format!("{why} {count}")).collect();
    reasons.join(", ")
}
