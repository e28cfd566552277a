//! The OpenID providers of the configuration: residents' in `[sign_in]` and `[sign_in.NAME]`, operators' in `[operators]`.

use std::path::PathBuf;

use super::{ConfigError, DEFAULT_FILE, Layers};

/// The section of the residents' first provider, under which the further ones stand.
pub(super) const SECTION: &str = "sign_in";

/// An OpenID provider and how this gateway is known there.
#[derive(Clone, Debug)]
pub struct OpenIdProvider {
    /// The section of the settings, for errors.
    pub section: String,
    /// Issuer URL.
    pub issuer: String,
    /// This gateway's client id there.
    pub client_id: String,
    /// File with its secret, if it has one.
    pub client_secret_file: Option<PathBuf>,
    /// Whether it authenticates by a signature (`private_key_jwt`) rather than by a secret.
    pub signs: bool,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// Levels of assurance that are asked for, of which the provider must state one; empty: whichever it has.
    pub acr_values: Vec<String>,
}

/// A provider that residents sign in with.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// What its table is called; empty for the one of `[sign_in]` itself.
    pub name: String,
    /// How it is reached.
    pub provider: OpenIdProvider,
    /// Its Japanese name.
    pub name_ja: String,
    /// Its English name.
    pub name_en: String,
    /// Organisation of people who sign in there for the first time; 0 turns them away.
    pub organisation: u32,
}

impl Layers {
    /// A table `[SECTION.NAME]`: what it does not say is as in the default file.
    pub(super) fn add_table(
        &mut self,
        place: &str,
        parent: &str,
        name: &str,
        table: toml::Table,
    ) -> Result<(), ConfigError> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || name.len() > 32 || !name.bytes().all(is_plain) {
            return Err(ConfigError::BadValue {
                place: place.to_owned(),
                key: format!("{parent}.{name}"),
                found: "a table".to_owned(),
                allowed: "names of 1 to 32 small letters, digits and hyphens",
            });
        }
        let section = format!("{parent}.{name}");
        let defaults: toml::Table = DEFAULT_FILE.parse().unwrap_or_default();
        if let Some(toml::Value::Table(defaults)) = defaults.get(parent) {
            for (key, value) in defaults {
                self.set("the default file", &section, key, value.clone(), true)?;
            }
        }
        for (key, value) in table {
            self.set(place, &section, &key, value, false)?;
        }
        Ok(())
    }

    /// The residents' providers: that of `[sign_in]`, then the further ones in the order of their names.
    pub(super) fn sign_in(&self) -> Result<Vec<SignIn>, ConfigError> {
        let mut sections: Vec<&str> = self.values.iter().map(|(section, ..)| section.as_str()).collect();
        sections.retain(|section| *section == SECTION || section.starts_with("sign_in."));
        sections.sort_unstable();
        sections.dedup();
        let mut providers = Vec::new();
        for section in sections {
            let name = section.strip_prefix("sign_in.").unwrap_or_default();
            let Some(provider) = self.provider(section)? else {
                if name.is_empty() {
                    continue;
                }
                return Err(self.bad(section, "issuer", "an https URL"));
            };
            providers.push(SignIn {
                name: name.to_owned(),
                provider,
                name_ja: self.text(section, "name_ja", "a text")?,
                name_en: self.text(section, "name_en", "a text")?,
                organisation: self.number(
                    section,
                    "organisation",
                    0..=i64::from(u32::MAX),
                    "the number of an organisation, or 0",
                )? as u32,
            });
        }
        Ok(providers)
    }

    /// The provider of a section; `None` where its issuer is empty.
    pub(super) fn provider(&self, section: &str) -> Result<Option<OpenIdProvider>, ConfigError> {
        const ISSUER: &str = "an https URL, or an empty text";
        const AUTHENTICATION: &str = "\"secret\" or \"private_key_jwt\"";
        let issuer = self.text(section, "issuer", ISSUER)?;
        if !issuer.is_empty() && reqwest::Url::parse(&issuer).is_err() {
            return Err(self.bad(section, "issuer", ISSUER));
        }
        let secret = self.text(section, "client_secret_file", "the name of a file, or an empty text")?;
        let signs = match self.text(section, "client_authentication", AUTHENTICATION)?.as_str() {
            "secret" => false,
            "private_key_jwt" => true,
            _ => return Err(self.bad(section, "client_authentication", AUTHENTICATION)),
        };
        let words = |key: &str, allowed: &'static str| -> Result<Vec<String>, ConfigError> {
            let text = self.text(section, key, allowed)?;
            Ok(text.split_whitespace().map(str::to_owned).collect())
        };
        let scopes = words("scopes", "scopes separated by spaces, `openid` among them")?;
        if !scopes.iter().any(|scope| scope == "openid") {
            return Err(self.bad(section, "scopes", "scopes separated by spaces, `openid` among them"));
        }
        let provider = OpenIdProvider {
            section: section.to_owned(),
            client_id: self.text(section, "client_id", "a text")?,
            client_secret_file: (!secret.is_empty()).then(|| secret.into()),
            signs,
            scopes,
            acr_values: words("acr_values", "levels separated by spaces, or an empty text")?,
            issuer,
        };
        Ok((!provider.issuer.is_empty()).then_some(provider))
    }
}
