//! Portals of the state that hand over what residents let them, in tables `[delegated.NAME]`.

use std::path::PathBuf;

use super::{ConfigError, Layers};

/// The section that holds what all of them have.
pub(super) const SECTION: &str = "delegated";

/// A portal and how this gateway is known there.
#[derive(Clone, Debug)]
pub struct PortalSettings {
    /// The adapter's name.
    pub name: String,
    /// What its calls' paths follow.
    pub api_url: String,
    /// What is asked for, as agreed there.
    pub service_id: String,
    /// File with the token that this gateway shows.
    pub token_file: PathBuf,
    /// How long after it was fetched it is fetched again, in hours.
    pub poll_hours: u16,
    /// Days for which a resident's word holds; 0: as the portal's documents say.
    pub days: u16,
}

impl Layers {
    /// The portals, in the order of their names.
    pub(super) fn portals(&self) -> Result<Vec<PortalSettings>, ConfigError> {
        self.tables_below(SECTION)
            .into_iter()
            .map(|section| self.portal(section))
            .collect()
    }

    fn portal(&self, section: &str) -> Result<PortalSettings, ConfigError> {
        const URL: &str = "the http or https URL of the portal's interface, without a slash at its end";
        let known = adapters::delegated().iter().map(|portal| portal.name());
        let name = self.known_table(section, "api_url", known)?;
        let needed = |key: &str, allowed: &'static str| {
            let text = self.text(section, key, allowed)?;
            match text.is_empty() {
                true => Err(self.bad(section, key, allowed)),
                false => Ok(text),
            }
        };
        let api_url = needed("api_url", URL)?;
        if reqwest::Url::parse(&api_url).is_err() || api_url.ends_with('/') {
            return Err(self.bad(section, "api_url", URL));
        }
        Ok(PortalSettings {
            name: name.to_owned(),
            api_url,
            service_id: needed("service_id", "the id of what is asked for, as agreed with the portal")?,
            token_file: needed("token_file", "the name of a file with this gateway's token")?.into(),
            poll_hours: self.number(section, "poll_hours", 1..=2_160, "hours from 1 to 2160")? as u16,
            days: self.number(section, "days", 0..=1_000, "days from 1 to 1000, or 0")? as u16,
        })
    }
}
