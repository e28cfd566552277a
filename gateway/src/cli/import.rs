//! `sekisho import`.

use std::fs::File;
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::process::ExitCode;

use adapters::{Input, MetadataUse, ReaderAt};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use model::{Outcome, PersonId};
use serde_json::{Value, json};

use super::{CommandError, Place, block_on};
use crate::environment::MachineRandomness;
use crate::import::{self, FileBytes, Imported};
use crate::spool::Spool;

/// Exit code when everything was read and some records were rejected.
const SOME_REJECTED: u8 = 2;

/// Arguments of `import`.
#[derive(Debug, Args)]
pub struct ImportArguments {
    #[command(flatten)]
    place: Place,
    /// The file; `-` reads standard input, which is kept sealed while it is read.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Whose data it is: an id from `person add` or `person list`.
    #[arg(long, value_name = "ID")]
    person: PersonId,
    /// Name of the adapter; without it the content decides.
    #[arg(long, value_name = "NAME")]
    adapter: Option<String>,
}

/// Imports one file and prints its accounting.
pub fn run(arguments: ImportArguments) -> Result<ExitCode, CommandError> {
    block_on(async move {
        let (config, store) = arguments.place.open().await?;
        let importing = store.clone();
        let imported = tokio::task::spawn_blocking(move || -> Result<(Imported, &'static str), CommandError> {
            let (bytes, size) = open(&arguments.file, &config.data.folder)?;
            if let Some(scanner) = config.scanner {
                scanner.look(&*bytes)?;
            }
            let bar = bar(size);
            let watched = import::Watched {
                bytes: &*bytes,
                count: |length| bar.inc(length),
            };
            let input = Input { bytes: &watched, size };
            let adapter = match &arguments.adapter {
                Some(name) => adapters::named(name).ok_or_else(|| {
                    let known: Vec<&str> = adapters::all().iter().map(|adapter| adapter.name()).collect();
                    format!("there is no adapter `{name}`; allowed: {}", known.join(", "))
                })?,
                None => adapters::recognise(&input)?,
            };
            let imported = import::run(&importing, arguments.person, adapter, &input)?;
            bar.finish_and_clear();
            Ok((imported, adapter.name()))
        })
        .await?;
        store.close().await;
        let (imported, adapter) = imported?;
        println!("{}", accounting(&imported, adapter));
        if let Some(ended) = &imported.reading.ended {
            return Err(format!("{ended}").into());
        }
        Ok(ExitCode::from(if imported.report.accounting.rejected > 0 {
            SOME_REJECTED
        } else {
            0
        }))
    })
}

/// The accounting as one JSON object.
pub fn accounting(imported: &Imported, adapter: &str) -> Value {
    let accounting = &imported.report.accounting;
    let reasons: Vec<Value> = accounting
        .reasons
        .iter()
        .filter(|((outcome, reason), _)| *outcome != Outcome::Stored || !reason.is_empty())
        .map(|((outcome, reason), count)| json!({"outcome": outcome.to_string(), "reason": reason, "count": count}))
        .collect();
    let metadata: Vec<Value> = imported
        .reading
        .metadata
        .iter()
        .map(|(key, (used, count))| {
            let used = match used {
                MetadataUse::Mapped => "mapped",
                MetadataUse::Dropped => "dropped",
                MetadataUse::Unknown => "unknown",
            };
            json!({"key": key, "use": used, "count": count})
        })
        .collect();
    json!({
        "adapter": adapter,
        "batch": imported.report.batch.0,
        "received": accounting.received,
        "stored": accounting.stored,
        "duplicate": accounting.duplicate,
        "unsupported": accounting.unsupported,
        "rejected": accounting.rejected,
        "reasons": reasons,
        "metadata": metadata,
        "samples_new": imported.report.samples_new,
        "versions_new": imported.report.versions_new,
        "parked_new": imported.report.parked_new,
        "whole_file_read": imported.reading.ended.is_none(),
    })
}

type Bytes = Box<dyn ReaderAt + Send + Sync>;

fn open(file: &std::path::Path, folder: &std::path::Path) -> Result<(Bytes, u64), CommandError> {
    if file.as_os_str() == "-" {
        let spool = Spool::fill(folder, &mut io::stdin().lock(), &MachineRandomness)?;
        let size = spool.size();
        return Ok((Box::new(spool), size));
    }
    let opened = File::open(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let facts = opened.metadata()?;
    if !facts.is_file() {
        return Err(format!("{}: not a file; a pipe is read by `import -`", file.display()).into());
    }
    Ok((Box::new(FileBytes(opened)), facts.len()))
}

fn bar(size: u64) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(size);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}") {
        bar.set_style(style);
    }
    bar
}
