//! `sekisho doctor`.

use std::process::ExitCode;

use clap::Args;

use crate::heads;
use crate::signing::SigningKeys;

use super::{CommandError, Place, block_on};

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArguments {
    #[command(flatten)]
    place: Place,
}

/// Checks everything and says what to do; works beside a running server.
pub fn run(arguments: DoctorArguments) -> Result<ExitCode, CommandError> {
    let healthy = std::cell::Cell::new(true);
    let tell = |ok: bool, what: &str, advice: &str| {
        healthy.set(healthy.get() && ok);
        println!("{}  {what}: {advice}", if ok { "ok " } else { "BAD" });
    };
    let config = match arguments.place.config() {
        Ok(config) => {
            tell(true, "configuration", "every setting can be read");
            config
        }
        Err(error) => {
            tell(false, "configuration", &error.to_string());
            return Ok(ExitCode::FAILURE);
        }
    };
    let secrets = [
        ("data.master_key_file", &config.data.master_key_file),
        ("data.id_root_file", &config.data.id_root_file),
    ];
    for (setting, file) in secrets {
        if !file.exists() {
            tell(
                false,
                setting,
                "the file is missing: bring it back from where secrets are kept; a new one opens nothing",
            );
        }
    }
    if !healthy.get() {
        return Ok(ExitCode::FAILURE);
    }
    block_on(async {
        match arguments.place.open_for_reading().await {
            Ok((config, store)) => {
                for finding in store.doctor().await? {
                    tell(finding.ok, &finding.what, &finding.advice);
                }
                for count in store.count_links().await? {
                    let said = format!("{} {}", count.links, count.state);
                    tell(true, &format!("links to {}", count.vendor), &said);
                }
                let file = config.data.signing_keys_file();
                if !file.exists() {
                    tell(
                        true,
                        "signing keys",
                        "none yet: the server makes them when it first starts",
                    );
                    return Ok(());
                }
                match SigningKeys::from_file(&file) {
                    Ok(keys) => {
                        tell(true, "signing keys", "they can be read");
                        match heads::verify(&store, &keys.public()).await {
                            Ok(count) => tell(
                                true,
                                "signed heads",
                                &format!("{count} signatures, all of chains as they are"),
                            ),
                            Err(error) => tell(false, "signed heads", &error.to_string()),
                        }
                    }
                    Err(error) => tell(false, "signing keys", &error.to_string()),
                }
            }
            Err(error) => tell(false, "data folder", &error.to_string()),
        }
        Ok(())
    })?;
    Ok(if healthy.get() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
