//! `conformance bench`: what the gateway costs, measured on the real binary from outside, as ratios within one run.
//!
//! Every measured figure is one row of a Markdown table, printed beside what it must reach.

mod again;
mod browser;
mod disk;
mod import;
mod inputs;
mod memory;
mod package;
mod pages;
mod process;
mod push;
mod quick_xml;
mod server;
mod sync;
mod tokens;
mod webhooks;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, ExitStatus};

use inputs::Bench;

/// Days of data in the larger export of `memory`: about 5 GB.
const LARGE_DAYS: u32 = 7_600;

/// What to measure.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
    /// Folder for made-up exports and data; emptied afterwards. Default: target/bench.
    #[arg(long, value_name = "DIR", global = true)]
    scratch: Option<PathBuf>,
    /// Days of data in the large export; 1,500 are about 1 GB.
    #[arg(long, default_value_t = 1_000, global = true)]
    days: u32,
    /// Runs of each command; the median counts.
    #[arg(long, default_value_t = 5, global = true, value_parser = clap::value_parser!(u32).range(1..=99))]
    runs: u32,
}

#[derive(Clone, clap::Subcommand)]
enum What {
    /// CPU and wall of an import, against a bare quick-xml pass over the same file.
    Import,
    /// Resident memory while importing a small and a large export whose records are mixed.
    Memory {
        /// Days of data in the larger export; 7,600 are about 5 GB.
        #[arg(long, default_value_t = LARGE_DAYS)]
        large_days: u32,
    },
    /// Bytes on disk a stored sample, all tables included.
    Disk,
    /// Importing the same file again, and a later export with 1 % new.
    Again,
    /// Packages of many people's checkups, against a bare quick-xml pass over the same documents, and in memory that grows by no document.
    Package {
        /// People of each package, with commas between.
        #[arg(long, value_delimiter = ',', default_values_t = package::PEOPLE, value_parser = clap::value_parser!(u32).range(1..))]
        people: Vec<u32>,
    },
    /// Pages of Observations over HTTP, eight walks at once; everything of a person; counts.
    Pages,
    /// Live pushes of one phone, and everything it holds read anew.
    Push,
    /// What is new of two million samples, by the leaves that are decoded for it.
    Sync,
    /// Whole authorization code flows, checked tokens, and a withdrawal under load.
    Tokens,
    /// A storm of vendors' calls, beside the disk's own syncs.
    Webhooks,
    /// All of them, one after the other.
    All,
    /// A bare quick-xml pass over a file that reads every attribute: the yardstick of `import`.
    #[command(hide = true)]
    QuickXml {
        /// The XML file.
        file: PathBuf,
    },
}

/// What stops a bench; a bench that cannot measure never prints a figure.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// A file or program could not be used.
    #[error("{}: {error}", path.display())]
    File {
        /// The file or program.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A file under /proc does not look as proc(5) says.
    #[error("{} does not look as proc(5) says; the bench needs Linux", .0.display())]
    Unreadable(PathBuf),
    /// A child did not end well.
    #[error("{} {arguments}: {status}", program.display())]
    Failed {
        /// The program.
        program: PathBuf,
        /// Its arguments.
        arguments: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// A child printed something else than it should.
    #[error("{what}: {printed:?} was printed")]
    Printed {
        /// What was looked for.
        what: &'static str,
        /// The beginning of what was found.
        printed: String,
    },
    /// A request failed.
    #[error("request: {0}")]
    Request(#[from] reqwest::Error),
    /// What came back is not what was asked for.
    #[error("{0}")]
    Answer(String),
}

impl BenchError {
    fn file(path: &Path, error: io::Error) -> Self {
        Self::File {
            path: path.to_owned(),
            error,
        }
    }
}

/// One measured figure.
struct Figure {
    what: String,
    measured: String,
    target: String,
    reached: bool,
}

impl Figure {
    fn at_most(what: impl Into<String>, measured: f64, target: f64, unit: &str) -> Self {
        Self {
            what: what.into(),
            measured: format!("{measured:.2}{unit}"),
            target: format!("at most {target}{unit}"),
            reached: measured <= target,
        }
    }

    /// A figure that has no target of its own: it is there to be compared with the next.
    fn shown(what: impl Into<String>, measured: f64) -> Self {
        Self {
            what: what.into(),
            measured: format!("{measured:.0}"),
            target: "none".to_owned(),
            reached: true,
        }
    }

    fn at_least(what: impl Into<String>, measured: f64, target: f64, unit: &str) -> Self {
        Self {
            what: what.into(),
            measured: format!("{measured:.0}{unit}"),
            target: format!("at least {target}{unit}"),
            reached: measured >= target,
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.reached { "yes" } else { "**no**" };
        write!(out, "| {} | {} | {} | {mark} |", self.what, self.measured, self.target)
    }
}

/// Measures and prints; the exit code says whether every figure was reached.
///
/// # Errors
/// A [`BenchError`] as text when something could not be measured.
pub fn run(arguments: &Arguments) -> io::Result<ExitCode> {
    measure(arguments).map_err(io::Error::other)
}

fn measure(arguments: &Arguments) -> Result<ExitCode, BenchError> {
    if let What::QuickXml { file } = &arguments.what {
        quick_xml::run(file)?;
        return Ok(ExitCode::SUCCESS);
    }
    let bench = Bench::new(arguments)?;
    println!("| what | measured | target | reached |\n|---|---|---|---|");
    let mut reached = true;
    let mut show = |figures: Vec<Figure>| {
        for figure in figures {
            println!("{figure}");
            reached &= figure.reached;
        }
    };
    let large_days = match arguments.what {
        What::Memory { large_days } => large_days,
        _ => LARGE_DAYS,
    };
    let all = matches!(arguments.what, What::All);
    if all || matches!(arguments.what, What::Import) {
        show(import::measure(&bench)?);
    }
    if all || matches!(arguments.what, What::Again) {
        show(again::measure(&bench)?);
    }
    if all || matches!(arguments.what, What::Disk) {
        show(disk::measure(&bench)?);
    }
    match &arguments.what {
        What::Package { people } => show(package::measure(&bench, people)?),
        What::All => show(package::measure(&bench, &package::PEOPLE)?),
        _ => {}
    }
    if all || matches!(arguments.what, What::Pages) {
        show(pages::measure(&bench)?);
    }
    if all || matches!(arguments.what, What::Sync) {
        show(sync::measure(&bench)?);
    }
    if all || matches!(arguments.what, What::Push) {
        show(push::measure(&bench)?);
    }
    if all || matches!(arguments.what, What::Tokens) {
        show(tokens::measure(&bench)?);
    }
    if all || matches!(arguments.what, What::Webhooks) {
        show(webhooks::measure(&bench)?);
    }
    if all || matches!(arguments.what, What::Memory { .. }) {
        show(memory::measure(&bench, large_days)?);
    }
    Ok(if reached { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
