//! The vendors' clouds of the configuration, in tables `[links.NAME]`.

use std::path::PathBuf;

use model::time::HOUR_MS;

use super::{ConfigError, Layers};

/// The section that holds what all of them have.
pub(super) const SECTION: &str = "links";

/// A vendor's cloud and how this gateway is known there.
#[derive(Clone, Debug)]
pub struct CloudSettings {
    /// The adapter's name.
    pub name: String,
    /// This gateway's client id there.
    pub client_id: String,
    /// File with its secret, if it has one.
    pub client_secret_file: Option<PathBuf>,
    /// File with what the vendor shows with its notices; without one none is heard.
    pub webhook_secret_file: Option<PathBuf>,
    /// Addresses in place of those that the vendor documents; empty: those.
    pub authorize_url: String,
    /// As above.
    pub token_url: String,
    /// As above.
    pub revoke_url: String,
    /// As above.
    pub api_url: String,
    /// As above.
    pub keys_url: String,
    /// The project's subscriber, where accounts are subscribed one by one, and the file of the service account that does so.
    pub subscriber: Option<(String, PathBuf)>,
    /// Asked is the stream that the vendor merges of all sources, in place of what each of them has.
    pub is_merged: bool,
    /// Series and scopes that are not asked for.
    pub without: Vec<String>,
    /// How long after it was asked for something is asked for again, in milliseconds.
    pub poll_ms: i64,
    /// How far back is asked, in days.
    pub backfill_days: u16,
}

/// True for what may stand in a path as it is.
fn is_subscriber(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_/".contains(&byte);
    let parts: Vec<&str> = text.split('/').collect();
    text.bytes().all(is_plain)
        && matches!(parts.as_slice(), ["projects", project, "subscribers", one] if !project.is_empty() && !one.is_empty())
}

impl Layers {
    /// The clouds, in the order of their names.
    pub(super) fn clouds(&self) -> Result<Vec<CloudSettings>, ConfigError> {
        self.tables_below(SECTION)
            .into_iter()
            .map(|section| self.cloud(section))
            .collect()
    }

    fn cloud(&self, section: &str) -> Result<CloudSettings, ConfigError> {
        const URL: &str = "an http or https URL, or an empty text";
        let text = |key: &str| self.text(section, key, "a text");
        let url = |key: &str| {
            let url = self.text(section, key, URL)?;
            match url.is_empty() || reqwest::Url::parse(&url).is_ok() {
                true => Ok(url),
                false => Err(self.bad(section, key, URL)),
            }
        };
        let file = |key: &str| {
            let file = self.text(section, key, "the name of a file, or an empty text")?;
            Ok((!file.is_empty()).then(|| file.into()))
        };
        let known = adapters::clouds().iter().map(|cloud| cloud.name());
        let name = self.known_table(section, "client_id", known)?;
        let client_id = text("client_id")?;
        if client_id.is_empty() {
            return Err(self.bad(
                section,
                "client_id",
                "the client id that the vendor gave to this gateway",
            ));
        }
        let subscriber = match (text("subscriber")?, file("service_account_file")?) {
            (subscriber, None) if subscriber.is_empty() => None,
            (subscriber, Some(file)) if is_subscriber(&subscriber) => Some((subscriber, file)),
            _ => {
                return Err(self.bad(
                    section,
                    "subscriber",
                    "projects/P/subscribers/S together with service_account_file, or neither",
                ));
            }
        };
        let mut clouds = adapters::clouds().iter().filter(|cloud| cloud.name() == name);
        let merges = clouds.any(|cloud| cloud.series().iter().any(|series| series.merges));
        let is_merged = match (text("sources")?.as_str(), merges) {
            ("each", _) => false,
            ("merged", true) => true,
            (_, true) => return Err(self.bad(section, "sources", "\"each\" or \"merged\"")),
            (_, false) => return Err(self.bad(section, "sources", "\"each\": this vendor merges none")),
        };
        Ok(CloudSettings {
            name: name.to_owned(),
            is_merged,
            without: self.without(section, name)?,
            subscriber,
            client_id,
            client_secret_file: file("client_secret_file")?,
            webhook_secret_file: file("webhook_secret_file")?,
            authorize_url: url("authorize_url")?,
            token_url: url("token_url")?,
            revoke_url: url("revoke_url")?,
            api_url: url("api_url")?,
            keys_url: url("keys_url")?,
            poll_ms: self.number(section, "poll_hours", 1..=168, "hours from 1 to 168")? * HOUR_MS,
            backfill_days: self.number(section, "backfill_days", 1..=3_660, "days from 1 to 3660")? as u16,
        })
    }

    /// Names of series or of scopes of this cloud; one that it does not have would leave out nothing without a word.
    fn without(&self, section: &str, name: &str) -> Result<Vec<String>, ConfigError> {
        const ALLOWED: &str = "a list of this vendor's series (docs/sources.md), or of the scopes that open them";
        let (value, place) = self.get(section, "without");
        let names = value.as_array().ok_or_else(|| self.bad(section, "without", ALLOWED))?;
        let clouds = adapters::clouds().iter().filter(|cloud| cloud.name() == name);
        let series: Vec<_> = clouds.flat_map(|cloud| cloud.series()).collect();
        let known = |text: &str| series.iter().any(|one| one.name == text || one.scope == text);
        let one = |name: &toml::Value| {
            let text = name.as_str().filter(|text| known(text)).map(str::to_owned);
            text.ok_or_else(|| ConfigError::BadValue {
                place: place.to_owned(),
                key: format!("{section}.without"),
                found: name.to_string(),
                allowed: ALLOWED,
            })
        };
        names.iter().map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn only_of_a_vendor_that_merges_its_sources_the_merged_stream_can_be_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sekisho.toml");
        let cloud = |name: &str, setting: &str| {
            std::fs::write(&file, format!("[links.{name}]\nclient_id = \"x\"\n{setting}")).unwrap();
            let config = Config::load(Some(&file), std::iter::empty());
            let refused = |error: super::ConfigError| error.to_string().replace(&file.display().to_string(), "file");
            config.map(|config| config.clouds[0].is_merged).map_err(refused)
        };
        assert_eq!(cloud("google-health", ""), Ok(false));
        assert_eq!(cloud("google-health", "sources = \"each\""), Ok(false));
        assert_eq!(cloud("google-health", "sources = \"merged\""), Ok(true));
        assert_eq!(cloud("omron", ""), Ok(false));
        assert_eq!(
            cloud("google-health", "sources = \"one\"").unwrap_err(),
            "file: `links.google-health.sources` is \"one\"; allowed: \"each\" or \"merged\""
        );
        assert_eq!(
            cloud("omron", "sources = \"merged\"").unwrap_err(),
            "file: `links.omron.sources` is \"merged\"; allowed: \"each\": this vendor merges none"
        );
    }

    #[test]
    fn what_is_to_be_left_out_must_be_there() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sekisho.toml");
        let without = |names: &str| {
            let table = format!("[links.google-health]\nclient_id = \"x\"\nwithout = {names}\n");
            std::fs::write(&file, table).unwrap();
            let config = Config::load(Some(&file), std::iter::empty());
            let refused = |error: super::ConfigError| error.to_string().replace(&file.display().to_string(), "file");
            config.map(|config| config.clouds[0].without.len()).map_err(refused)
        };
        let cloud = adapters::clouds().iter().find(|cloud| cloud.name() == "google-health");
        let scope = cloud.unwrap().series()[0].scope;
        assert_eq!(without("[]"), Ok(0));
        assert_eq!(without(&format!("[{scope:?}, \"sleep\"]")), Ok(2));
        assert_eq!(
            without("[\"sleep\", \"slumber\"]").unwrap_err(),
            "file: `links.google-health.without` is \"slumber\"; allowed: a list of this vendor's series \
             (docs/sources.md), or of the scopes that open them"
        );
        assert!(
            without("\"sleep\"")
                .unwrap_err()
                .starts_with("file: `links.google-health.without` is \"sleep\"; allowed")
        );
    }
}
