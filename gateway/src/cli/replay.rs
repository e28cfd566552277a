//! `sekisho replay`.

use std::process::ExitCode;

use clap::Args;
use model::{LocalDay, Offset};

use super::{CommandError, Place, block_on, day};
use crate::replay::replay;

/// Arguments of `replay`.
#[derive(Debug, Args)]
pub struct ReplayArguments {
    #[command(flatten)]
    place: Place,
    /// Name of the adapter whose pushes or answers are read again, and by whose mapping what is parked. Of files that residents brought
    /// nothing else is kept: they bring them again.
    #[arg(long, value_name = "NAME")]
    adapter: String,
    /// Of what came on this day or later, YYYY-MM-DD in Japan.
    #[arg(long, value_parser = day)]
    since: LocalDay,
    /// Store what comes of it. Without this, only what would change is told.
    #[arg(long)]
    apply: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Reads what is kept again and prints what would become of it, or what did.
pub fn run(arguments: ReplayArguments) -> Result<ExitCode, CommandError> {
    let adapter = adapters::named(&arguments.adapter).ok_or_else(|| {
        let known: Vec<&str> = adapters::all().iter().map(|adapter| adapter.name()).collect();
        format!(
            "no adapter is named `{}`; there are: {}",
            arguments.adapter,
            known.join(", ")
        )
    })?;
    block_on(async move {
        let (_, store) = arguments.place.open().await?;
        let since = arguments.since.start(Offset::JAPAN_ASSUMED);
        let replayed = replay(&store, adapter, since, arguments.apply).await;
        store.close().await;
        match (replayed?, arguments.json) {
            (replayed, true) => println!("{}", replayed.report(adapter)),
            (replayed, false) => println!("{}", replayed.words(adapter)),
        }
        Ok(ExitCode::SUCCESS)
    })
}
