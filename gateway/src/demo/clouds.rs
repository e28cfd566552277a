//! The demo's clouds and portal: simulated ones on this machine, so that every link can be tried without a key and without a network.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use simulators::{Setup, Simulator, myna_portal};

use crate::cli::CommandError;
use crate::config::{CloudSettings, Config, PortalSettings};
use crate::environment::{MachineClock, MachineRandomness};
use crate::links;

/// How far back the demo asks, in days.
const BACKFILL_DAYS: u16 = 60;

/// Starts them, and makes them known.
///
/// Answers a notice for load tests: where it goes, and what it says.
///
/// # Errors
/// What starting and writing their secrets answer.
pub async fn start(config: &mut Config) -> Result<Option<(String, String)>, CommandError> {
    let base = config.http.public_url.clone();
    let mut told = None;
    let setup = Setup {
        return_to: format!("{base}{}", links::CALLBACK),
        webhooks: format!("{base}/webhooks/v1"),
        clock: Arc::new(MachineClock),
        randomness: Arc::new(MachineRandomness),
        tells: true,
    };
    let folder = config.data.folder.join("secrets");
    std::fs::create_dir_all(&folder)?;
    for cloud in simulators::start_all(&setup).await? {
        let notice = cloud.notice.clone();
        told = told.or(notice.map(|(path, body)| (format!("{base}/webhooks/v1/{path}"), body)));
        config.clouds.push(settings(&folder, cloud)?);
    }
    let portal = myna_portal::start(&setup, super::residents::card_holders()?).await?;
    let token_file = folder.join(format!("{}.token", portal.name));
    std::fs::write(&token_file, portal.token)?;
    config.portals.push(PortalSettings {
        name: portal.name.to_owned(),
        api_url: portal.base,
        service_id: portal.service_id.to_owned(),
        token_file,
        poll_hours: 168,
        days: 0,
    });
    Ok(told)
}

fn settings(folder: &Path, cloud: Simulator) -> Result<CloudSettings, CommandError> {
    let kept = |what: &str, text: &str| -> Result<Option<PathBuf>, CommandError> {
        let file = folder.join(format!("{}.{what}", cloud.name));
        std::fs::write(&file, text)?;
        Ok(Some(file))
    };
    Ok(CloudSettings {
        name: cloud.name.to_owned(),
        client_id: cloud.client.0.to_owned(),
        client_secret_file: kept("client", cloud.client.1)?,
        webhook_secret_file: kept("webhook", cloud.webhook_secret)?,
        authorize_url: cloud.authorize_url,
        token_url: cloud.token_url,
        revoke_url: cloud.revoke_url,
        api_url: cloud.api_url,
        keys_url: cloud.keys_url,
        poll_hours: 6,
        backfill_days: BACKFILL_DAYS,
    })
}
