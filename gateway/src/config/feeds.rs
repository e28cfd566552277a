//! What vendors hand partners of many people, in tables `[feeds.NAME]`.

use std::path::PathBuf;

use model::OrganisationId;
use model::time::MINUTE_MS;

use super::{ConfigError, Layers};

/// The section that holds what all of them have.
pub(super) const SECTION: &str = "feeds";

/// A feed and how this gateway is known there.
#[derive(Clone, Debug)]
pub struct FeedSettings {
    /// The adapter's name.
    pub name: String,
    /// Whose account it is.
    pub organisation: OrganisationId,
    /// From whom what it is asked for comes, as the ledger of hand-overs names them; empty where the vendor's own name says it.
    pub counterpart: String,
    /// What it is asked by; `None` for what comes in files alone.
    pub asked: Option<AskedFeed>,
}

/// How a feed is asked.
#[derive(Clone, Debug)]
pub struct AskedFeed {
    /// What the path of signing in follows.
    pub auth_url: String,
    /// What the path of asking follows.
    pub api_url: String,
    /// The vendor's number of this installation.
    pub tenant: String,
    /// The partner's number.
    pub partner: String,
    /// The partner's account.
    pub account: String,
    /// File with its password.
    pub password_file: PathBuf,
    /// How long after it was asked it is asked again, in milliseconds.
    pub poll_ms: i64,
}

impl Layers {
    /// The feeds, in the order of their names.
    pub(super) fn feeds(&self) -> Result<Vec<FeedSettings>, ConfigError> {
        self.tables_below(SECTION)
            .into_iter()
            .map(|section| self.feed(section))
            .collect()
    }

    fn feed(&self, section: &str) -> Result<FeedSettings, ConfigError> {
        let known = adapters::feeds().iter().map(|feed| feed.name());
        let name = self.known_table(section, "organisation", known)?;
        let range = 1..=i64::from(u32::MAX);
        let organisation = self.number(section, "organisation", range, "the number of an organisation")?;
        let asked = match self
            .text(section, "api_url", "an http or https URL, or an empty text")?
            .is_empty()
        {
            true => None,
            false => Some(self.asked(section)?),
        };
        Ok(FeedSettings {
            name: name.to_owned(),
            organisation: OrganisationId(organisation as u32),
            counterpart: self.text(section, "counterpart", "a name, or an empty text")?,
            asked,
        })
    }

    fn asked(&self, section: &str) -> Result<AskedFeed, ConfigError> {
        const URL: &str = "an http or https URL without a slash at its end";
        let url = |key: &str| {
            let url = self.text(section, key, URL)?;
            match reqwest::Url::parse(&url).is_ok() && !url.ends_with('/') {
                true => Ok(url),
                false => Err(self.bad(section, key, URL)),
            }
        };
        // They become parts of a path.
        let word = |key: &str, allowed: &'static str| {
            let word = self.text(section, key, allowed)?;
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte);
            match !word.is_empty() && word.bytes().all(is_plain) {
                true => Ok(word),
                false => Err(self.bad(section, key, allowed)),
            }
        };
        let file = self.text(section, "password_file", "the name of a file")?;
        if file.is_empty() {
            return Err(self.bad(section, "password_file", "the name of a file with the password"));
        }
        Ok(AskedFeed {
            auth_url: url("auth_url")?,
            api_url: url("api_url")?,
            tenant: word("tenant", "the vendor's number of this installation")?,
            partner: word("partner", "the vendor's number of the partner")?,
            account: word("account", "the partner's account: letters, digits, and any of -_.@")?,
            password_file: file.into(),
            poll_ms: self.number(section, "poll_minutes", 1..=10_080, "minutes from 1 to 10080")? * MINUTE_MS,
        })
    }
}
