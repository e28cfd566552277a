//! `sekisho keys rotate`: new keys above the old ones.

use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use store::{MasterKey, Store, StoreError};
use zeroize::Zeroizing;

use super::{CommandError, Place, block_on};
use crate::environment::MachineRandomness;
use crate::secrets;
use crate::signing::SigningKeys;

/// Signing keys of one algorithm that stay: the new one, and those that signed what must still verify.
const SIGNING_KEYS_KEPT: usize = 8;

/// Arguments of `keys`.
#[derive(Debug, Args)]
pub struct KeysArguments {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Put a new master key above all keys, or add new keys that sign. Not beside a running server.
    ///
    /// Run again after a crash: it goes on where it stopped. Backups open with the master key they were made with: keep it
    /// with them, for as long as they are kept.
    Rotate {
        /// Only the keys that sign ID tokens, receipts and heads.
        #[arg(long, conflicts_with = "master")]
        signing: bool,
        /// Only the master key.
        #[arg(long)]
        master: bool,
    },
}

/// Carries out one of the commands.
///
/// # Errors
/// Secrets that cannot be read or written, and what the store answers.
pub fn run(arguments: KeysArguments) -> Result<ExitCode, CommandError> {
    let KeysCommand::Rotate { signing, master } = arguments.command;
    block_on(async move {
        if !signing {
            rotate_master(&arguments.place).await?;
        }
        if !master {
            let config = arguments.place.config()?;
            let count = SigningKeys::rotate(&config.data.signing_keys_file(), SIGNING_KEYS_KEPT)?;
            println!("{count} keys sign and verify; the new ones sign from the next start on");
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// The new key is kept beside the old one until the keys are wrapped under it, and then takes its place. Whichever step a crash
/// leaves undone, the next run finds which of the two keys opens the folder.
async fn rotate_master(place: &Place) -> Result<(), CommandError> {
    let config = place.config()?;
    let path = &config.data.master_key_file;
    if !path.exists() {
        return Err(format!("{}: there is no master key yet to put another above", path.display()).into());
    }
    let beside = path.with_extension("next");
    let old = secrets::key_from_file(path, "data.master_key_file", &MachineRandomness)?;
    let new = secrets::key_from_file(&beside, "data.master_key_file", &MachineRandomness)?;
    let folder = &config.data.folder;
    match Store::rotate_master_key(
        folder,
        MasterKey::new(*old),
        MasterKey::new(*new),
        Arc::new(MachineRandomness),
    )
    .await
    {
        Ok(count) => println!("{count} keys lie under a new master key"),
        // A run before this one wrapped them and did not come to put the key in its place.
        Err(StoreError::WrongMasterKey) if Store::key_opens(folder, MasterKey::new(*new)).await? => {
            println!("the keys lie under the new master key already");
        }
        Err(error) => return Err(error.into()),
    }
    let text = Zeroizing::new(data_encoding::HEXLOWER.encode(new.as_slice()));
    secrets::replace_secret(path, text.as_bytes())?;
    std::fs::remove_file(&beside)?;
    println!("{}: back it up anew, apart from the data", path.display());
    Ok(())
}
