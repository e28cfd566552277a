//! `sekisho backup`, `restore` and `rebuild`: what keeps a data folder.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use model::PersonId;
use store::Store;

use super::{CommandError, Place, block_on};

/// Arguments of `backup`.
#[derive(Debug, Args)]
pub struct BackupArguments {
    #[command(flatten)]
    place: Place,
    /// Folder to write, new or empty.
    #[arg(value_name = "FOLDER")]
    to: PathBuf,
}

/// Writes a backup; works beside a running server.
pub fn backup(arguments: BackupArguments) -> Result<ExitCode, CommandError> {
    block_on(async move {
        let (_, store) = arguments.place.open_for_reading().await?;
        store.backup(&arguments.to).await?;
        println!("backup written to {}", arguments.to.display());
        println!("the master key and the id root are not part of it: keep them apart");
        Ok(ExitCode::SUCCESS)
    })
}

/// Arguments of `restore`.
#[derive(Debug, Args)]
pub struct RestoreArguments {
    #[command(flatten)]
    place: Place,
    /// Folder that `backup` wrote.
    #[arg(value_name = "FOLDER")]
    from: PathBuf,
}

/// Brings a backup back.
pub fn restore(arguments: RestoreArguments) -> Result<ExitCode, CommandError> {
    block_on(async move {
        let config = arguments.place.config()?;
        Store::restore(&arguments.from, &config.data.folder).await?;
        // Opening replays what the journal knows and the backup does not.
        let store = super::open_store(&config).await?;
        store.close().await;
        println!(
            "restored into {}; all tokens and sessions have ended",
            config.data.folder.display()
        );
        Ok(ExitCode::SUCCESS)
    })
}

/// Arguments of `rebuild`.
#[derive(Debug, Args)]
pub struct RebuildArguments {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    what: Rebuild,
}

#[derive(Debug, Subcommand)]
enum Rebuild {
    /// Compute all days and nights again from the samples. Days that come to the same stay as they are.
    Totals {
        /// One person only.
        #[arg(long, value_name = "ID")]
        person: Option<PersonId>,
    },
}

/// Computes stored results again.
pub fn rebuild(arguments: RebuildArguments) -> Result<ExitCode, CommandError> {
    block_on(async move {
        let (_, store) = arguments.place.open().await?;
        let Rebuild::Totals { person } = arguments.what;
        let report = store.rebuild_totals(person).await?;
        store.close().await;
        println!(
            "{} people, {} months computed, {} were different",
            report.people, report.months, report.changed
        );
        Ok(ExitCode::SUCCESS)
    })
}
