//! Between whom something is handed over: what every command that takes in files of many people asks for, since it stands in the ledger.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use model::environment::Clock as _;
use model::{Offset, OrganisationId};
use store::Store;

use super::CommandError;
use crate::batch::{self, BatchError, HandOver};
use crate::environment::MachineClock;
use crate::scan::Scanner;

/// Between whom.
#[derive(Debug, Args)]
pub struct Hands {
    /// Who handles it here; stands in the ledger of hand-overs.
    #[arg(long, value_name = "NAME")]
    handler: String,
    /// From whom it came; stands in the ledger.
    #[arg(long, value_name = "NAME")]
    counterpart: String,
}

impl Hands {
    /// What they hand over today that is of an organisation's members.
    pub fn of(self, organisation: OrganisationId) -> HandOver {
        HandOver {
            organisation,
            handler: self.handler,
            counterpart: self.counterpart,
            day: MachineClock.now().local_day(Offset::JAPAN_ASSUMED),
        }
    }
}

/// Takes files in by `taking`, after a scanner has looked at all of them where there is one. That they were refused, the ledger of
/// hand-overs tells too, by this name.
///
/// # Errors
/// What the files, the scanner, `taking` and the store answer.
pub async fn scanned(
    (store, scanner): (&Store, Option<Scanner>),
    (hand_over, what): (&HandOver, &str),
    files: Vec<PathBuf>,
    taking: impl Future<Output = Result<ExitCode, CommandError>>,
) -> Result<ExitCode, CommandError> {
    let ended = match look(files.clone(), scanner).await {
        Ok(()) => taking.await,
        Err(error) => Err(error),
    };
    if let Err(error) = &ended
        && let Some(why) = error.downcast_ref::<BatchError>().and_then(BatchError::refusal)
    {
        let hash = hash_of(files).await?;
        batch::note_refused(store, hand_over, what, ((0, [0; 3]), &hash), why).await?;
    }
    ended
}

async fn look(files: Vec<PathBuf>, scanner: Option<Scanner>) -> Result<(), CommandError> {
    let Some(scanner) = scanner else { return Ok(()) };
    let looked = move || files.iter().try_for_each(|file| batch::scan_file(file, &scanner));
    Ok(tokio::task::spawn_blocking(looked).await??)
}

/// SHA-256 of files one after the other, in hexadecimal digits.
///
/// # Errors
/// What the disk answers.
pub async fn hash_of(files: Vec<PathBuf>) -> Result<String, CommandError> {
    let hash = tokio::task::spawn_blocking(move || batch::hash_of_files(&files, "")).await??;
    Ok(data_encoding::HEXLOWER.encode(&hash))
}
