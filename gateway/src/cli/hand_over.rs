//! Between whom something is handed over: what every command that takes in files of many people asks for, since it stands in the ledger.

use std::path::PathBuf;

use clap::Args;
use model::environment::Clock as _;
use model::{Offset, OrganisationId};

use super::CommandError;
use crate::batch::{self, HandOver};
use crate::environment::MachineClock;

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

/// SHA-256 of files one after the other, in hexadecimal digits.
///
/// # Errors
/// What the disk answers.
pub async fn hash_of(files: Vec<PathBuf>) -> Result<String, CommandError> {
    let hash = tokio::task::spawn_blocking(move || batch::hash_of_files(&files, "")).await??;
    Ok(data_encoding::HEXLOWER.encode(&hash))
}
