//! Configuration: the documented default file, then the operator's file, then the environment.
//!
//! A bad value says file, key, what was found and what is allowed. Secrets are read from files and print as `***`.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use ipnet::IpNet;

use crate::scan::Scanner;

/// The default file, which is also the documentation of every key.
pub const DEFAULT_FILE: &str = include_str!("../sekisho.default.toml");

/// What may be wrong with the configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{file}: cannot be read: {source}. Name an existing file with --config, or leave it out")]
    Unreadable {
        /// The file as named.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{file}: is not valid TOML: {message}")]
    NotToml {
        /// The file as named.
        file: String,
        /// Where and why, without the line itself.
        message: String,
    },
    /// A key that does not exist.
    #[error("{place}: there is no setting `{key}`. Allowed here: {allowed}")]
    UnknownKey {
        /// File or environment.
        place: String,
        /// Section and key.
        key: String,
        /// The keys of that section, or the sections.
        allowed: String,
    },
    /// A value that cannot be.
    #[error("{place}: `{key}` is {found}; allowed: {allowed}")]
    BadValue {
        /// File or environment.
        place: String,
        /// Section and key.
        key: String,
        /// What was found.
        found: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// A secret file cannot be used.
    #[error("{file} (setting `{key}`): {problem}")]
    Secret {
        /// The file.
        file: String,
        /// Section and key that names it.
        key: &'static str,
        /// What is wrong and what to do.
        problem: String,
    },
}

/// Where data lies.
#[derive(Clone, Debug)]
pub struct Data {
    /// Folder of the databases and the journal.
    pub folder: PathBuf,
    /// File of the master key.
    pub master_key_file: PathBuf,
    /// File of the root of outward ids.
    pub id_root_file: PathBuf,
    /// File of the keys that the gateway signs with; `None` where it is not named.
    pub signing_keys_file: Option<PathBuf>,
    /// For how many days pushes are kept as they came, so that a better mapping can read them again.
    pub pushes_kept_days: u16,
    /// For how many days documents wait that no one has claimed.
    pub unclaimed_kept_days: u16,
}

impl Data {
    /// The file of the keys that the gateway signs with: as named, else beside the root of outward ids.
    pub fn signing_keys_file(&self) -> PathBuf {
        let beside = || self.id_root_file.with_file_name("signing.keys");
        self.signing_keys_file.clone().unwrap_or_else(beside)
    }
}

/// How the gateway is reached.
#[derive(Clone, Debug)]
pub struct Http {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// URL that browsers and apps use, without a slash at its end.
    pub public_url: String,
    /// The longest a request may take, in seconds.
    pub timeout_seconds: u64,
    /// The proxy whose `X-Forwarded-For` is believed.
    pub trusted_proxy: Option<IpAddr>,
}

/// How often somebody may ask.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Requests a minute from one address without an access token.
    pub address_per_minute: NonZeroU32,
    /// Requests a second with one access token.
    pub token_per_second: NonZeroU32,
    /// The largest file that a resident may upload, in megabytes.
    pub upload_megabytes: u64,
}

/// What this gateway calls of its own accord.
#[derive(Clone, Debug)]
pub struct OutgoingSettings {
    /// Networks that may be called besides the public internet.
    pub also_reachable: Vec<IpNet>,
}

/// How apps register by themselves.
#[derive(Clone, Copy, Debug)]
pub struct Registration {
    /// Organisation that such apps belong to; 0: nobody registers by themselves.
    pub organisation: u32,
    /// Whether an operator approves each.
    pub by_operator: bool,
}

/// Who runs an organisation's side.
#[derive(Clone, Debug)]
pub struct Operators {
    /// Their OpenID provider; without one no operator can sign in.
    pub provider: Option<OpenIdProvider>,
    /// Networks from which their pages answer; empty: from everywhere.
    pub networks: Vec<IpNet>,
    /// An operator's session, minutes.
    pub session_minutes: i64,
}

/// How long tokens and sessions live.
#[derive(Clone, Copy, Debug)]
pub struct Tokens {
    /// Access token, seconds.
    pub access_seconds: i64,
    /// Refresh token, days.
    pub refresh_days: i64,
    /// Resident's session, minutes.
    pub session_minutes: i64,
}

/// What is logged.
#[derive(Clone, Debug)]
pub struct Log {
    /// JSON lines rather than text.
    pub json: bool,
    /// Levels, as in `RUST_LOG`.
    pub filter: String,
}

/// All settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where data lies.
    pub data: Data,
    /// How the gateway is reached.
    pub http: Http,
    /// Rates.
    pub limits: Limits,
    /// What looks at files before they are read.
    pub scanner: Option<Scanner>,
    /// Calls to addresses that others named.
    pub outgoing: OutgoingSettings,
    /// Apps that register by themselves.
    pub registration: Registration,
    /// The residents' providers, in the order of the sign-in page.
    pub sign_in: Vec<SignIn>,
    /// The operators' provider and places.
    pub operators: Operators,
    /// Vendors' clouds that residents can connect.
    pub clouds: Vec<CloudSettings>,
    /// Portals of the state that residents can let hand over their records.
    pub portals: Vec<PortalSettings>,
    /// What vendors hand partners of many people.
    pub feeds: Vec<FeedSettings>,
    /// Lifetimes.
    pub tokens: Tokens,
    /// What is logged.
    pub log: Log,
}

/// A table of settings with the place that each value came from.
struct Layers {
    values: Vec<(String, String, toml::Value, String)>,
}

impl Config {
    /// Reads the defaults, then `file` if given, then the `SEKISHO_…` variables among `environment`.
    ///
    /// # Errors
    /// [`ConfigError`] that names the place, the key, what was found and what is allowed.
    pub fn load(file: Option<&Path>, environment: impl Iterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let mut layers = Layers { values: Vec::new() };
        layers.add_toml("the default file", DEFAULT_FILE, true)?;
        if let Some(path) = file {
            let name = path.display().to_string();
            let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
                file: name.clone(),
                source,
            })?;
            layers.add_toml(&name, &text, false)?;
        }
        layers.add_environment(environment)?;
        layers.into_config()
    }
}

/// Sections below which tables of their own stand, with the same keys.
const TABLES_BELOW: [&str; 4] = [providers::SECTION, clouds::SECTION, portals::SECTION, feeds::SECTION];

impl Layers {
    fn add_toml(&mut self, place: &str, text: &str, defines: bool) -> Result<(), ConfigError> {
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| ConfigError::NotToml {
            file: place.to_owned(),
            message: format!("{}{}", line_of(text, error.span()), error.message()),
        })?;
        for (section, content) in table {
            let toml::Value::Table(content) = content else {
                return Err(self.unknown(place, section));
            };
            for (key, value) in content {
                match value {
                    toml::Value::Table(further) if TABLES_BELOW.contains(&section.as_str()) => {
                        self.add_table(place, &section, &key, further)?;
                    }
                    value => self.set(place, &section, &key, value, defines)?,
                }
            }
        }
        Ok(())
    }

    fn add_environment(&mut self, environment: impl Iterator<Item = (String, String)>) -> Result<(), ConfigError> {
        for (name, text) in environment {
            let Some(setting) = name.strip_prefix("SEKISHO_") else {
                continue;
            };
            let setting = setting.to_lowercase();
            let Some((section, key, default)) = self
                .values
                .iter()
                .find(|(section, key, ..)| format!("{section}_{key}") == setting)
                .map(|(section, key, value, _)| (section.clone(), key.clone(), value.clone()))
            else {
                return Err(self.unknown("the environment", format!("{name} (as {setting})")));
            };
            let value = match default {
                toml::Value::Integer(_) => text
                    .parse()
                    .map_or_else(|_| toml::Value::String(text), toml::Value::Integer),
                _ => toml::Value::String(text),
            };
            self.set(&format!("environment variable {name}"), &section, &key, value, false)?;
        }
        Ok(())
    }

    fn set(
        &mut self,
        place: &str,
        section: &str,
        key: &str,
        value: toml::Value,
        defines: bool,
    ) -> Result<(), ConfigError> {
        if let Some(known) = self.values.iter_mut().find(|(s, k, ..)| s == section && k == key) {
            (known.2, known.3) = (value, place.to_owned());
            return Ok(());
        }
        if defines {
            self.values
                .push((section.to_owned(), key.to_owned(), value, place.to_owned()));
            return Ok(());
        }
        Err(self.unknown(place, format!("{section}.{key}")))
    }

    fn unknown(&self, place: &str, key: String) -> ConfigError {
        let section = key.split('.').next().unwrap_or_default();
        let mut allowed: Vec<String> = self
            .values
            .iter()
            .filter(|(known, ..)| known == section)
            .map(|(section, key, ..)| format!("{section}.{key}"))
            .collect();
        if allowed.is_empty() {
            allowed = self.values.iter().map(|(section, ..)| format!("[{section}]")).collect();
            allowed.dedup();
        }
        ConfigError::UnknownKey {
            place: place.to_owned(),
            key,
            allowed: allowed.join(", "),
        }
    }

    /// The tables below a section, in the order of their names.
    fn tables_below(&self, section: &str) -> Vec<&str> {
        let mut tables: Vec<&str> = self.values.iter().map(|(section, ..)| section.as_str()).collect();
        tables.retain(|table| table.strip_prefix(section).is_some_and(|name| name.starts_with('.')));
        tables.sort_unstable();
        tables.dedup();
        tables
    }

    /// The name of a table below a section, which has to be one of these; `key` is one that stands in it.
    fn known_table<'a>(
        &self,
        section: &'a str,
        key: &str,
        known: impl Iterator<Item = &'static str> + Clone,
    ) -> Result<&'a str, ConfigError> {
        let (below, name) = section.split_once('.').unwrap_or_default();
        if known.clone().any(|known| known == name) {
            return Ok(name);
        }
        let allowed: Vec<String> = known.map(|name| format!("[{below}.{name}]")).collect();
        Err(ConfigError::UnknownKey {
            place: self.get(section, key).1.to_owned(),
            key: section.to_owned(),
            allowed: allowed.join(", "),
        })
    }

    fn get(&self, section: &str, key: &str) -> (&toml::Value, &str) {
        self.values
            .iter()
            .find(|(s, k, ..)| s == section && k == key)
            .map_or((&toml::Value::Boolean(false), ""), |(_, _, value, place)| {
                (value, place)
            })
    }

    fn bad(&self, section: &str, key: &str, allowed: &'static str) -> ConfigError {
        let (value, place) = self.get(section, key);
        ConfigError::BadValue {
            place: place.to_owned(),
            key: format!("{section}.{key}"),
            found: value.to_string(),
            allowed,
        }
    }

    fn text(&self, section: &str, key: &str, allowed: &'static str) -> Result<String, ConfigError> {
        self.get(section, key)
            .0
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| self.bad(section, key, allowed))
    }

    fn parsed<T: std::str::FromStr>(&self, section: &str, key: &str, allowed: &'static str) -> Result<T, ConfigError> {
        self.text(section, key, allowed)?
            .parse()
            .map_err(|_| self.bad(section, key, allowed))
    }

    fn number(
        &self,
        section: &str,
        key: &str,
        range: std::ops::RangeInclusive<i64>,
        allowed: &'static str,
    ) -> Result<i64, ConfigError> {
        self.get(section, key)
            .0
            .as_integer()
            .filter(|number| range.contains(number))
            .ok_or_else(|| self.bad(section, key, allowed))
    }

    fn rate(&self, key: &str) -> Result<NonZeroU32, ConfigError> {
        const ALLOWED: &str = "a whole number from 1 to 1000000";
        let number = self.number("limits", key, 1..=1_000_000, ALLOWED)?;
        u32::try_from(number)
            .ok()
            .and_then(NonZeroU32::new)
            .ok_or_else(|| self.bad("limits", key, ALLOWED))
    }

    fn networks(&self, section: &str, key: &str) -> Result<Vec<IpNet>, ConfigError> {
        const ALLOWED: &str = "networks such as \"10.0.0.0/8\", separated by commas, or an empty text";
        let text = self.text(section, key, ALLOWED)?;
        text.split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(|part| part.parse().map_err(|_| self.bad(section, key, ALLOWED)))
            .collect()
    }

    fn into_config(self) -> Result<Config, ConfigError> {
        let public_url = self.text("http", "public_url", "an http or https URL without a slash at its end")?;
        let is_url = reqwest::Url::parse(&public_url)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.query().is_none() && url.has_host());
        if !is_url || public_url.ends_with('/') {
            return Err(self.bad("http", "public_url", "an http or https URL without a slash at its end"));
        }
        let proxy = self.text("http", "trusted_proxy", "an address without a port, or an empty text")?;
        let trusted_proxy = match proxy.as_str() {
            "" => None,
            address => Some(
                address
                    .parse()
                    .map_err(|_| self.bad("http", "trusted_proxy", "an address without a port, or an empty text"))?,
            ),
        };
        let approval = self.text("registration", "approval", "\"operator\" or \"none\"")?;
        if !matches!(approval.as_str(), "operator" | "none") {
            return Err(self.bad("registration", "approval", "\"operator\" or \"none\""));
        }
        let signing_keys_file = self.text("data", "signing_keys_file", "the name of a file, or an empty text")?;
        let format = self.text("log", "format", "\"json\" or \"text\"")?;
        if !matches!(format.as_str(), "json" | "text") {
            return Err(self.bad("log", "format", "\"json\" or \"text\""));
        }
        let filter = self.text("log", "filter", "levels as in RUST_LOG, for example \"info\"")?;
        if filter.parse::<tracing_subscriber::EnvFilter>().is_err() {
            return Err(self.bad("log", "filter", "levels as in RUST_LOG, for example \"info\""));
        }
        Ok(Config {
            data: Data {
                folder: self.text("data", "folder", "the name of a folder")?.into(),
                master_key_file: self.text("data", "master_key_file", "the name of a file")?.into(),
                id_root_file: self.text("data", "id_root_file", "the name of a file")?.into(),
                signing_keys_file: (!signing_keys_file.is_empty()).then(|| signing_keys_file.into()),
                pushes_kept_days: self.number("data", "pushes_kept_days", 0..=90, "a whole number from 0 to 90")?
                    as u16,
                unclaimed_kept_days: self.number(
                    "data",
                    "unclaimed_kept_days",
                    1..=1_000,
                    "a whole number from 1 to 1000",
                )? as u16,
            },
            http: Http {
                listen: self.parsed("http", "listen", "an address and port, for example 127.0.0.1:8080")?,
                public_url,
                timeout_seconds: self.number("http", "timeout_seconds", 1..=600, "a whole number from 1 to 600")?
                    as u64,
                trusted_proxy,
            },
            limits: Limits {
                address_per_minute: self.rate("address_per_minute")?,
                token_per_second: self.rate("token_per_second")?,
                upload_megabytes: self.number(
                    "limits",
                    "upload_megabytes",
                    1..=65_536,
                    "a whole number from 1 to 65536",
                )? as u64,
            },
            scanner: Scanner::of(
                &self.text("uploads", "scanner", "a command, or an empty text")?,
                self.number("uploads", "scanner_seconds", 1..=3_600, "seconds from 1 to 3600")? as u64,
            ),
            outgoing: OutgoingSettings {
                also_reachable: self.networks("outgoing", "also_reachable")?,
            },
            registration: Registration {
                organisation: self.number(
                    "registration",
                    "organisation",
                    0..=i64::from(u32::MAX),
                    "the number of an organisation, or 0",
                )? as u32,
                by_operator: approval == "operator",
            },
            sign_in: self.sign_in()?,
            operators: Operators {
                provider: self.provider("operators")?,
                networks: self.networks("operators", "networks")?,
                session_minutes: self.number("operators", "session_minutes", 5..=720, "minutes from 5 to 720")?,
            },
            clouds: self.clouds()?,
            portals: self.portals()?,
            feeds: self.feeds()?,
            tokens: Tokens {
                access_seconds: self.number("tokens", "access_seconds", 60..=86_400, "seconds from 60 to 86400")?,
                refresh_days: self.number("tokens", "refresh_days", 1..=730, "days from 1 to 730")?,
                session_minutes: self.number("tokens", "session_minutes", 5..=1_440, "minutes from 5 to 1440")?,
            },
            log: Log {
                json: format == "json",
                filter,
            },
        })
    }
}

mod clouds;
mod feeds;
mod portals;
mod providers;

pub use clouds::CloudSettings;
pub use feeds::{AskedFeed, FeedSettings};
pub use portals::PortalSettings;
pub use providers::{OpenIdProvider, SignIn};

fn line_of(text: &str, span: Option<std::ops::Range<usize>>) -> String {
    span.map_or_else(String::new, |span| {
        let line = text.as_bytes()[..span.start.min(text.len())]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count()
            + 1;
        format!("line {line}: ")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str, environment: &[(&str, &str)]) -> Result<Config, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sekisho.toml");
        std::fs::write(&file, text).unwrap();
        let variables = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::load(Some(&file), variables)
            .map_err(|error| error.to_string().replace(&file.display().to_string(), "sekisho.toml"))
    }

    #[test]
    fn further_providers_have_tables_of_their_own_and_begin_with_the_defaults() {
        let config = load(
            "[sign_in]\nissuer = \"https://city.example\"\n[sign_in.national]\nissuer = \"https://national.example\"\n\
             client_authentication = \"private_key_jwt\"\nscopes = \"openid name\"\nacr_values = \"aal3\"\norganisation = 2",
            &[("SEKISHO_SIGN_IN_CLIENT_ID", "ours")],
        )
        .unwrap();
        let [city, national] = config.sign_in.as_slice() else {
            panic!("{:?}", config.sign_in);
        };
        assert_eq!((city.name.as_str(), city.provider.client_id.as_str()), ("", "ours"));
        assert!(!city.provider.signs && city.provider.scopes == ["openid", "profile"]);
        assert_eq!((national.name.as_str(), national.organisation), ("national", 2));
        assert_eq!(national.provider.client_id, "sekisho");
        assert!(national.provider.signs && national.provider.acr_values == ["aal3"]);
        assert!(load("", &[]).unwrap().sign_in.is_empty());
    }

    #[test]
    fn a_provider_that_cannot_be_is_refused_by_name() {
        let refusal = |text: &str| load(text, &[]).unwrap_err();
        assert_eq!(
            refusal("[sign_in.national]\nclient_id = \"x\""),
            "the default file: `sign_in.national.issuer` is \"\"; allowed: an https URL"
        );
        assert!(
            refusal("[sign_in.national]\nissuerr = \"x\"")
                .starts_with("sekisho.toml: there is no setting `sign_in.national.issuerr`. Allowed here: sign_in.")
        );
        assert!(refusal("[sign_in.National]\nissuer = \"https://a.example\"").contains("sign_in.National"));
        assert!(
            refusal("[sign_in]\nissuer = \"https://a.example\"\nclient_authentication = \"jwt\"")
                .ends_with("allowed: \"secret\" or \"private_key_jwt\"")
        );
    }

    #[test]
    fn the_default_file_is_a_whole_configuration() {
        let config = load("", &[]).unwrap();
        assert_eq!(config.http.listen.port(), 8080);
        assert_eq!(config.tokens.access_seconds, 3600);
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let config = load(
            "[http]\nlisten = \"127.0.0.1:1\"",
            &[("SEKISHO_HTTP_LISTEN", "127.0.0.1:2")],
        )
        .unwrap();
        assert_eq!(config.http.listen.port(), 2);
    }

    #[test]
    fn a_bad_value_says_file_key_what_was_found_and_what_is_allowed() {
        assert_eq!(
            load("[http]\ntimeout_seconds = 0", &[]).unwrap_err(),
            "sekisho.toml: `http.timeout_seconds` is 0; allowed: a whole number from 1 to 600"
        );
        assert_eq!(
            load("", &[("SEKISHO_TOKENS_ACCESS_SECONDS", "soon")]).unwrap_err(),
            "environment variable SEKISHO_TOKENS_ACCESS_SECONDS: `tokens.access_seconds` is \"soon\"; allowed: seconds from 60 to 86400"
        );
        assert_eq!(
            load("[http]\nlissen = 1", &[]).unwrap_err(),
            "sekisho.toml: there is no setting `http.lissen`. Allowed here: http.listen, http.public_url, http.timeout_seconds, http.trusted_proxy"
        );
        assert!(
            load("[http", &[])
                .unwrap_err()
                .starts_with("sekisho.toml: is not valid TOML: line 1: ")
        );
    }
}
