//! The OpenID provider that residents sign in with: found by discovery when it is first needed and again when its keys turned,
//! asked by authorization code with PKCE, state and nonce.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use consent::Language;
use model::UtcMillis;
use openidconnect::core::{
    CoreAuthPrompt, CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreIdTokenClaims,
    CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreTokenResponse,
};
use openidconnect::{
    AsyncHttpClient, AuthType, AuthenticationContextClass, AuthorizationCode, ClaimsVerificationError, ClientId,
    ClientSecret, CsrfToken, HttpRequest, HttpResponse, IssuerUrl, LanguageTag, Nonce, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, Scope, TokenResponse as _,
};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::config::{ConfigError, OpenIdProvider};
use crate::signing::{Algorithm, SigningKeys};

/// The largest answer of a provider that is read, in bytes.
const MAX_ANSWER: usize = 512 * 1024;

/// How far the provider's clock may be ahead of ours or behind, in milliseconds.
pub const CLOCK_SKEW_MS: i64 = 60_000;

/// How long after its issue an ID token is taken, in milliseconds.
const MAX_AGE_MS: i64 = 10 * 60_000;

/// The path that the provider sends browsers back to.
pub const CALLBACK: &str = "/sign-in/callback";

/// Public-key signatures only: with a shared secret everybody who knows it could make ID tokens.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 6] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// What a client assertion is (RFC 7523 2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How long an assertion of ours holds, in seconds: it is shown at once.
const ASSERTION_SECONDS: i64 = 120;

/// An OpenID provider of the configuration.
pub struct Provider {
    settings: Settings,
    http: Http,
    found: Mutex<Option<Arc<CoreProviderMetadata>>>,
}

struct Settings {
    issuer: IssuerUrl,
    client_id: ClientId,
    client_secret: Option<ClientSecret>,
    signs: bool,
    scopes: Vec<String>,
    acr_values: Vec<String>,
    redirect: RedirectUrl,
}

/// Why a provider cannot be used as configured.
#[derive(Debug, thiserror::Error)]
pub enum ProviderConfigError {
    /// A URL that is none.
    #[error("`{key}` is not a URL")]
    Url {
        /// The setting.
        key: String,
    },
    /// The secret cannot be read.
    #[error(transparent)]
    Secret(#[from] ConfigError),
    /// The HTTP client cannot be made.
    #[error("the HTTP client cannot be made: {0}")]
    Http(reqwest::Error),
}

/// Why somebody cannot be signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The provider does not answer, or not as one.
    #[error("the OpenID provider cannot be used: {0}")]
    Unavailable(String),
    /// The code was not exchanged.
    #[error("the OpenID provider did not exchange the code: {0}")]
    Refused(String),
    /// The answer holds no ID token.
    #[error("the OpenID provider sent no ID token")]
    NoIdToken,
    /// This gateway cannot prove who it is.
    #[error("the client assertion cannot be signed")]
    NotSigned,
    /// The ID token does not verify.
    #[error("the ID token does not verify: {0}")]
    NotVerified(String),
}

/// What a browser was sent to the provider with, kept until it comes back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Secrets {
    nonce: String,
    verifier: String,
}

/// Who somebody is, by the provider's signed word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The provider.
    pub issuer: String,
    /// Their number there.
    pub subject: String,
    /// The level of assurance it states (`acr`).
    pub assurance: Option<String>,
    /// Their name, if it states one.
    pub name: Option<String>,
    /// When it signed them in (`auth_time`), if it states that.
    pub signed_in: Option<UtcMillis>,
}

impl Provider {
    /// The provider of the configuration. It is not called yet.
    ///
    /// # Errors
    /// [`ProviderConfigError`].
    pub fn new(wanted: &OpenIdProvider, redirect_uri: String) -> Result<Self, ProviderConfigError> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(10))
            .user_agent("sekisho")
            .build()
            .map_err(ProviderConfigError::Http)?;
        Ok(Self {
            settings: settings(wanted, redirect_uri)?,
            http: Http(http),
            found: Mutex::new(None),
        })
    }

    /// The issuer.
    pub fn issuer(&self) -> &str {
        self.settings.issuer.as_str()
    }

    /// Where to send the browser, under this `state`. `fresh` asks the provider to sign in whoever is signed in there already.
    /// `random` gives 32 fresh bytes each time.
    ///
    /// # Errors
    /// [`SignInError::Unavailable`].
    pub async fn begin(
        &self,
        state: &str,
        language: Language,
        fresh: bool,
        mut random: impl FnMut() -> String,
    ) -> Result<(String, Secrets), SignInError> {
        let settings = &self.settings;
        let metadata = self.metadata().await?;
        let (nonce, verifier) = (random(), random());
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(verifier.clone()));
        let (csrf, nonce_sent) = (CsrfToken::new(state.to_owned()), Nonce::new(nonce.clone()));
        let client = CoreClient::from_provider_metadata(
            (*metadata).clone(),
            settings.client_id.clone(),
            settings.client_secret.clone(),
        )
        .set_redirect_uri(settings.redirect.clone());
        let mut request = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || csrf,
                move || nonce_sent,
            )
            .add_ui_locale(LanguageTag::new(language.tag().to_owned()))
            .set_pkce_challenge(challenge);
        // The library asks for `openid` by itself.
        for scope in settings.scopes.iter().filter(|scope| *scope != "openid") {
            request = request.add_scope(Scope::new(scope.clone()));
        }
        for level in &settings.acr_values {
            request = request.add_auth_context_value(AuthenticationContextClass::new(level.clone()));
        }
        if fresh {
            request = request.add_prompt(CoreAuthPrompt::Login);
        }
        let (url, ..) = request.url();
        Ok((url.into(), Secrets { nonce, verifier }))
    }

    /// Exchanges a code, and verifies the ID token: signature, issuer, audience, expiry, nonce, and the level of assurance where
    /// one is asked for.
    ///
    /// # Errors
    /// [`SignInError`].
    pub async fn finish(
        &self,
        code: String,
        secrets: Secrets,
        now: UtcMillis,
        proof: Proof<'_>,
    ) -> Result<Identity, SignInError> {
        let settings = &self.settings;
        let metadata = self.metadata().await?;
        let answer = self.exchange(&metadata, code, secrets.verifier, now, proof).await?;
        let nonce = Nonce::new(secrets.nonce);
        match verify(settings, &metadata, &answer, &nonce, now) {
            Ok(identity) => Ok(identity),
            // Its keys may have turned since they were fetched.
            Err(Unverified::Signature(_)) => {
                *self.found.lock().await = None;
                let metadata = self.metadata().await?;
                verify(settings, &metadata, &answer, &nonce, now).map_err(SignInError::from)
            }
            Err(other) => Err(other.into()),
        }
    }

    /// What discovery found, kept while it works; a failure is not kept, so that the next caller tries again.
    async fn metadata(&self) -> Result<Arc<CoreProviderMetadata>, SignInError> {
        let mut found = self.found.lock().await;
        if let Some(metadata) = found.as_ref() {
            return Ok(Arc::clone(metadata));
        }
        let metadata = CoreProviderMetadata::discover_async(self.settings.issuer.clone(), &self.http)
            .await
            .map_err(|error| SignInError::Unavailable(chain(&error)))?;
        let metadata = Arc::new(metadata);
        *found = Some(Arc::clone(&metadata));
        Ok(metadata)
    }

    async fn exchange(
        &self,
        metadata: &CoreProviderMetadata,
        code: String,
        verifier: String,
        now: UtcMillis,
        proof: Proof<'_>,
    ) -> Result<CoreTokenResponse, SignInError> {
        let settings = &self.settings;
        let client = CoreClient::from_provider_metadata(
            metadata.clone(),
            settings.client_id.clone(),
            settings.client_secret.clone(),
        )
        .set_redirect_uri(settings.redirect.clone())
        .set_auth_type(auth_type(metadata));
        let mut request = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|error| SignInError::Unavailable(chain(&error)))?
            .set_pkce_verifier(PkceCodeVerifier::new(verifier));
        if settings.signs {
            let endpoint = metadata.token_endpoint().map(|endpoint| endpoint.as_str());
            let assertion = assertion(settings, endpoint.unwrap_or_default(), now, proof)?;
            request = request
                .add_extra_param("client_assertion_type", ASSERTION_TYPE)
                .add_extra_param("client_assertion", assertion);
        }
        request
            .request_async(&self.http)
            .await
            .map_err(|error| SignInError::Refused(chain(&error)))
    }
}

/// With what this gateway proves who it is.
pub struct Proof<'a> {
    /// Its keys.
    pub keys: &'a SigningKeys,
    /// A fresh random text.
    pub jti: String,
}

/// `private_key_jwt` (OpenID Connect Core 1.0, 9; RFC 7523 3).
fn assertion(settings: &Settings, endpoint: &str, now: UtcMillis, proof: Proof<'_>) -> Result<String, SignInError> {
    let seconds = now.0.div_euclid(1_000);
    let claims = serde_json::json!({
        "iss": settings.client_id.as_str(),
        "sub": settings.client_id.as_str(),
        "aud": endpoint,
        "jti": proof.jti,
        "iat": seconds,
        "exp": seconds + ASSERTION_SECONDS,
    });
    proof
        .keys
        .sign(Algorithm::Es256, "JWT", &claims)
        .map_err(|_| SignInError::NotSigned)
}

fn settings(wanted: &OpenIdProvider, redirect_uri: String) -> Result<Settings, ProviderConfigError> {
    let client_secret = match wanted.client_secret_file.as_deref().filter(|_| !wanted.signs) {
        Some(file) => {
            let text = std::fs::read_to_string(file).map_err(|error| ConfigError::Secret {
                file: file.display().to_string(),
                key: "client_secret_file",
                problem: format!("of [{}] cannot be read: {error}", wanted.section),
            })?;
            Some(ClientSecret::new(text.trim().to_owned()))
        }
        None => None,
    };
    let no_url = |key: String| move |_| ProviderConfigError::Url { key };
    Ok(Settings {
        issuer: IssuerUrl::new(wanted.issuer.clone()).map_err(no_url(format!("{}.issuer", wanted.section)))?,
        client_id: ClientId::new(wanted.client_id.clone()),
        client_secret,
        signs: wanted.signs,
        scopes: wanted.scopes.clone(),
        acr_values: wanted.acr_values.clone(),
        redirect: RedirectUrl::new(redirect_uri).map_err(no_url("http.public_url".to_owned()))?,
    })
}

/// The header, unless the provider takes the secret in the body only (OpenID Connect Discovery 1.0, 3: the header is the
/// default).
fn auth_type(metadata: &CoreProviderMetadata) -> AuthType {
    match metadata.token_endpoint_auth_methods_supported() {
        Some(methods)
            if methods.contains(&CoreClientAuthMethod::ClientSecretPost)
                && !methods.contains(&CoreClientAuthMethod::ClientSecretBasic) =>
        {
            AuthType::RequestBody
        }
        _ => AuthType::BasicAuth,
    }
}

enum Unverified {
    NoIdToken,
    Signature(String),
    Claims(String),
}

impl From<Unverified> for SignInError {
    fn from(unverified: Unverified) -> Self {
        match unverified {
            Unverified::NoIdToken => Self::NoIdToken,
            Unverified::Signature(why) | Unverified::Claims(why) => Self::NotVerified(why),
        }
    }
}

fn verify(
    settings: &Settings,
    metadata: &CoreProviderMetadata,
    answer: &CoreTokenResponse,
    nonce: &Nonce,
    now: UtcMillis,
) -> Result<Identity, Unverified> {
    let client = CoreClient::from_provider_metadata(metadata.clone(), settings.client_id.clone(), None);
    // The verifier asks for an instant in its own type; `SystemTime` is only the way there.
    let instant = |millis: i64| std::time::UNIX_EPOCH + Duration::from_millis(millis.max(0).unsigned_abs());
    let verifier = client
        .id_token_verifier()
        .set_allowed_algs(ALGORITHMS)
        .set_time_fn(move || instant(now.0 - CLOCK_SKEW_MS).into())
        .set_issue_time_verifier_fn(move |issued| {
            let issued = issued.timestamp_millis();
            if issued > now.0 + CLOCK_SKEW_MS || issued < now.0 - MAX_AGE_MS {
                return Err("issued in the future, or too long ago".to_owned());
            }
            Ok(())
        });
    let token = answer.id_token().ok_or(Unverified::NoIdToken)?;
    let claims: &CoreIdTokenClaims = token.claims(&verifier, nonce).map_err(|error| match error {
        ClaimsVerificationError::SignatureVerification(error) => Unverified::Signature(chain(&error)),
        // The texts of the others repeat what the token holds.
        other => Unverified::Claims(kind(&other).to_owned()),
    })?;
    let assurance = claims.auth_context_ref().map(|acr| acr.as_str().to_owned());
    let stated = |level: &String| assurance.as_deref() == Some(level);
    if !settings.acr_values.is_empty() && !settings.acr_values.iter().any(stated) {
        return Err(Unverified::Claims(
            "it does not state a level of assurance that was asked for".to_owned(),
        ));
    }
    Ok(Identity {
        issuer: claims.issuer().as_str().to_owned(),
        subject: claims.subject().as_str().to_owned(),
        assurance,
        name: claims
            .name()
            .and_then(|names| names.get(None))
            .map(|name| name.as_str().to_owned()),
        signed_in: claims.auth_time().map(|at| UtcMillis(at.timestamp_millis())),
    })
}

fn kind(error: &ClaimsVerificationError) -> &'static str {
    match error {
        ClaimsVerificationError::Expired(_) => "it has expired, or its time is off",
        ClaimsVerificationError::InvalidAudience(_) => "it is for another client",
        ClaimsVerificationError::InvalidIssuer(_) => "it is from another issuer",
        ClaimsVerificationError::InvalidNonce(_) => "its nonce is not the one that was sent",
        _ => "its claims are not what they must be",
    }
}

/// An error with what caused it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

/// Calls the provider: no redirects, within time and size.
struct Http(reqwest::Client);

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = CallError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, CallError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            call(&self.0, request)
                .await
                .map_err(CallError::Http)?
                .ok_or(CallError::TooLong)
        })
    }
}

/// The answer; `None` when it is too long.
async fn call(client: &reqwest::Client, request: HttpRequest) -> Result<Option<HttpResponse>, reqwest::Error> {
    let (parts, body) = request.into_parts();
    let request = client
        .request(parts.method, parts.uri.to_string())
        .headers(parts.headers)
        .body(body);
    let mut answer = request.send().await.map_err(reqwest::Error::without_url)?;
    let mut response = HttpResponse::new(Vec::new());
    *response.status_mut() = answer.status();
    *response.headers_mut() = answer.headers().clone();
    while let Some(chunk) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
        if response.body().len() + chunk.len() > MAX_ANSWER {
            return Ok(None);
        }
        response.body_mut().extend_from_slice(&chunk);
    }
    Ok(Some(response))
}

/// Why a call of the provider failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No answer.
    #[error("no answer: {0}")]
    Http(reqwest::Error),
    /// More than any provider needs.
    #[error("the answer is longer than {MAX_ANSWER} bytes")]
    TooLong,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signing::{Algorithm, SigningKey};
    use serde_json::{Value, json};

    const NOW: UtcMillis = UtcMillis(1_790_000_000_000);

    fn claims() -> Value {
        json!({
            "iss": "https://idp.example", "aud": "sekisho", "sub": "sub-1", "nonce": "the nonce",
            "iat": NOW.0 / 1_000, "exp": NOW.0 / 1_000 + 300, "acr": "level-2", "name": "関所 花子",
        })
    }

    /// What comes of a token with these claims, signed by `signer`, where `published` is the provider's key.
    fn verdict(claims: &Value, signer: &SigningKey, published: &SigningKey) -> Result<Identity, SignInError> {
        verdict_at(&[], claims, signer, published)
    }

    /// As [`verdict`], where one of these levels of assurance is asked for.
    fn verdict_at(
        levels: &[&str],
        claims: &Value,
        signer: &SigningKey,
        published: &SigningKey,
    ) -> Result<Identity, SignInError> {
        let settings = Settings {
            issuer: IssuerUrl::new("https://idp.example".to_owned()).unwrap(),
            client_id: ClientId::new("sekisho".to_owned()),
            client_secret: Some(ClientSecret::new("a secret".to_owned())),
            signs: false,
            scopes: vec!["openid".to_owned()],
            acr_values: levels.iter().map(|level| (*level).to_owned()).collect(),
            redirect: RedirectUrl::new("https://ours.example/sign-in/callback".to_owned()).unwrap(),
        };
        let metadata: CoreProviderMetadata = serde_json::from_value(json!({
            "issuer": "https://idp.example", "authorization_endpoint": "https://idp.example/a",
            "token_endpoint": "https://idp.example/t", "jwks_uri": "https://idp.example/j",
            "response_types_supported": ["code"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256"],
        }))
        .unwrap();
        let keys = serde_json::from_value(json!({ "keys": [published.public()] })).unwrap();
        let answer =
            json!({ "access_token": "x", "token_type": "Bearer", "id_token": signer.sign("JWT", claims).unwrap() });
        let answer: CoreTokenResponse = serde_json::from_value(answer).unwrap();
        let nonce = Nonce::new("the nonce".to_owned());
        verify(&settings, &metadata.set_jwks(keys), &answer, &nonce, NOW).map_err(SignInError::from)
    }

    #[test]
    fn a_token_that_is_right_in_all_says_who_it_is() {
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        let identity = verdict(&claims(), &key, &key).unwrap();
        assert_eq!(
            (identity.issuer.as_str(), identity.subject.as_str()),
            ("https://idp.example", "sub-1")
        );
        assert_eq!(identity.assurance.as_deref(), Some("level-2"));
        assert_eq!(identity.name.as_deref(), Some("関所 花子"));
    }

    #[test]
    fn a_level_of_assurance_that_was_asked_for_must_be_stated() {
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        assert!(verdict_at(&["level-3", "level-2"], &claims(), &key, &key).is_ok());
        assert!(verdict_at(&["level-3"], &claims(), &key, &key).is_err());
        let mut silent = claims();
        silent["acr"] = Value::Null;
        assert!(verdict_at(&["level-2"], &silent, &key, &key).is_err());
        assert!(verdict(&silent, &key, &key).is_ok());
    }

    #[test]
    fn a_token_that_is_wrong_in_one_thing_says_nothing_and_its_error_repeats_no_value() {
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        for (name, value) in [
            ("iss", json!("https://idp.example/other-value")),
            ("aud", json!("other-value")),
            ("nonce", json!("other-value")),
            ("nonce", Value::Null),
            ("exp", json!(NOW.0 / 1_000 - 61)),
            ("iat", json!(NOW.0 / 1_000 - 601)),
            ("iat", json!(NOW.0 / 1_000 + 61)),
        ] {
            let mut changed = claims();
            changed[name] = value;
            let error = verdict(&changed, &key, &key).unwrap_err().to_string();
            assert!(!error.contains("other-value"), "{name}: {error}");
        }
        let other = SigningKey::generate(Algorithm::Es256).unwrap();
        assert!(matches!(
            verdict(&claims(), &other, &key),
            Err(SignInError::NotVerified(_))
        ));
    }
}
