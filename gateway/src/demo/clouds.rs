//! The demo's clouds, portal and feed: simulated ones on this machine, so that every link can be tried without a key and without a network.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::OrganisationId;
use model::time::{HOUR_MS, MINUTE_MS};
use simulators::{Setup, Simulator, myna_portal, omron_b2b};

use crate::cli::CommandError;
use crate::config::{AskedFeed, CloudSettings, Config, FeedSettings, PortalSettings};
use crate::environment::{MachineClock, MachineRandomness};
use crate::links;

/// How far back the demo asks, in days.
const BACKFILL_DAYS: u16 = 60;

/// What was started.
pub struct Started {
    /// Their names, and their addresses, below which `/control` lies.
    pub vendors: BTreeMap<&'static str, String>,
    /// A notice for load tests: where it goes, and what it says.
    pub notice: Option<(String, String)>,
    /// An account of the feed, to be a resident's.
    pub account: Option<(store::Feed, String)>,
}

/// Starts them, and makes them known. Those that tell of nothing are asked after `poll_ms`, where it is said.
///
/// # Errors
/// What starting and writing their secrets answer.
pub async fn start(config: &mut Config, poll_ms: Option<i64>) -> Result<Started, CommandError> {
    let base = config.http.public_url.clone();
    let (mut told, mut vendors) = (None, BTreeMap::new());
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
        vendors.insert(cloud.name, cloud.base.clone());
        let is_silent = cloud.webhook_secret.is_empty();
        let poll_ms = poll_ms.filter(|_| is_silent).unwrap_or(6 * HOUR_MS);
        config.clouds.push(settings(&folder, cloud, poll_ms)?);
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
    let partner = omron_b2b::start(&setup).await?;
    vendors.insert(partner.name, partner.base.clone());
    let password_file = folder.join(format!("{}.password", partner.name));
    std::fs::write(&password_file, partner.account.1)?;
    let feed = store::Feed {
        organisation: OrganisationId(1),
        vendor: partner.name.to_owned(),
    };
    config.feeds.push(FeedSettings {
        name: partner.name.to_owned(),
        organisation: feed.organisation,
        counterpart: String::new(),
        asked: Some(AskedFeed {
            auth_url: partner.base.clone(),
            api_url: partner.base,
            tenant: partner.tenant.to_owned(),
            partner: partner.partner.to_owned(),
            account: partner.account.0.to_owned(),
            password_file,
            poll_ms: poll_ms.unwrap_or(MINUTE_MS),
        }),
    });
    let account = partner.people.into_iter().next();
    Ok(Started {
        vendors,
        notice: told,
        account: account.map(|account| (feed, account)),
    })
}

fn settings(folder: &Path, cloud: Simulator, poll_ms: i64) -> Result<CloudSettings, CommandError> {
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
        subscriber: None,
        is_merged: false,
        without: Vec::new(),
        poll_ms,
        backfill_days: BACKFILL_DAYS,
    })
}
