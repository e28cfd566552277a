//! The providers that residents can choose from, each perhaps of another organisation.

use super::provider::{CALLBACK, Provider, ProviderConfigError};
use crate::config::{Config, SignIn};

/// One of them.
pub struct ResidentProvider {
    /// As configured.
    pub about: SignIn,
    /// To ask.
    pub provider: Provider,
}

/// All of them, in the order of the sign-in page.
pub struct ResidentProviders(Vec<ResidentProvider>);

impl ResidentProviders {
    /// Those of the configuration. None is called yet.
    ///
    /// # Errors
    /// [`ProviderConfigError`].
    pub fn new(config: &Config) -> Result<Self, ProviderConfigError> {
        let redirect = format!("{}{CALLBACK}", config.http.public_url);
        config
            .sign_in
            .iter()
            .map(|about| {
                Ok(ResidentProvider {
                    provider: Provider::new(&about.provider, redirect.clone())?,
                    about: about.clone(),
                })
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// All of them.
    pub fn all(&self) -> &[ResidentProvider] {
        &self.0
    }

    /// The one of this name; without a name the only one there is, and nothing where there is a choice.
    pub fn named(&self, name: Option<&str>) -> Option<&ResidentProvider> {
        match (name, self.0.as_slice()) {
            (Some(name), all) => all.iter().find(|one| one.about.name == name),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
    }

    /// The one with this issuer.
    pub fn of_issuer(&self, issuer: &str) -> Option<&ResidentProvider> {
        self.0.iter().find(|one| one.provider.issuer() == issuer)
    }
}
