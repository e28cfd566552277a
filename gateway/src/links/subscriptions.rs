//! Accounts subscribed one by one: the vendor tells of those alone whom this gateway has a link to, and no more once it is ended.
//!
//! It is asked for by the project's own account, whose signed word becomes a token (RFC 7523).

use adapters::cloud::{AccountFrom, ServiceCall, Subscription, Subscriptions};
use axum::http::header::AUTHORIZATION;
use axum::http::{Method, StatusCode};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use model::UtcMillis;
use serde::{Deserialize, Serialize};
use store::{Link, Progress};
use zeroize::Zeroizing;

use super::{Cloud, turn};
use crate::config::ConfigError;
use crate::held_token::HeldToken;
use crate::outgoing::{OutgoingError, bounded};
use crate::state::AppState;

/// The largest answer that is read, in bytes.
const MOST: usize = 64 * 1024;
/// How long a signed word is good, in seconds.
const WORD_SECONDS: i64 = 600;

/// The project's subscriber, and the account that speaks for it.
pub(super) struct Subscriber {
    name: String,
    email: String,
    key_id: String,
    key: EncodingKey,
    token_address: String,
    calls: &'static Subscriptions,
    token: HeldToken,
}

/// The file of a service account.
#[derive(Deserialize)]
struct KeyFile {
    client_email: String,
    private_key_id: String,
    private_key: String,
    token_uri: String,
}

#[derive(Serialize)]
struct Word<'a> {
    iss: &'a str,
    scope: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
    expires_in: i64,
}

/// Why it did not work; it may later.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotSubscribed {
    #[error(transparent)]
    Outgoing(#[from] OutgoingError),
    #[error("the vendor answered {0}")]
    Refused(u16),
    #[error("the service account's word could not be signed")]
    NotSigned,
    #[error("whose account it is was not answered")]
    NoAccount,
}

impl Subscriber {
    pub(super) fn new(name: &str, file: &std::path::Path, calls: &'static Subscriptions) -> Result<Self, ConfigError> {
        let problem = |problem: String| ConfigError::Secret {
            file: file.display().to_string(),
            key: "service_account_file",
            problem,
        };
        let text = std::fs::read(file).map_err(|error| problem(format!("cannot be read: {error}")))?;
        let text = Zeroizing::new(text);
        let no_file =
            "is no file of a service account (JSON with client_email, private_key_id, private_key and token_uri)";
        let file: KeyFile = serde_json::from_slice(&text).map_err(|_| problem(no_file.to_owned()))?;
        let pem = Zeroizing::new(file.private_key);
        let key = EncodingKey::from_rsa_pem(pem.as_bytes());
        Ok(Self {
            name: name.to_owned(),
            email: file.client_email,
            key_id: file.private_key_id,
            key: key.map_err(|_| problem("holds no RSA key".to_owned()))?,
            token_address: file.token_uri,
            calls,
            token: HeldToken::default(),
        })
    }

    async fn token(&self, state: &AppState) -> Result<Zeroizing<String>, NotSubscribed> {
        let now = state.clock.now();
        self.token.get(now, self.fetch_token(state, now)).await
    }

    async fn fetch_token(&self, state: &AppState, now: UtcMillis) -> Result<(String, i64), NotSubscribed> {
        let iat = now.0.div_euclid(1_000);
        let word = Word {
            iss: &self.email,
            scope: self.calls.scope,
            aud: &self.token_address,
            iat,
            exp: iat + WORD_SECONDS,
        };
        let header = Header {
            kid: Some(self.key_id.clone()),
            ..Header::new(Algorithm::RS256)
        };
        let word = encode(&header, &word, &self.key).map_err(|_| NotSubscribed::NotSigned)?;
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("assertion", word.as_str()),
        ];
        let sent = state
            .outgoing
            .send(&self.token_address, |client, url| client.post(url).form(&form));
        let answer = sent.await?;
        if !answer.status().is_success() {
            return Err(NotSubscribed::Refused(answer.status().as_u16()));
        }
        let body = bounded(answer, MOST).await?;
        let token: Token = serde_json::from_slice(&body).map_err(|_| NotSubscribed::Refused(200))?;
        Ok((token.access_token, token.expires_in.clamp(0, 86_400)))
    }

    async fn call(&self, state: &AppState, cloud: &Cloud, call: ServiceCall) -> Result<StatusCode, NotSubscribed> {
        let token = self.token(state).await?;
        let url = format!("{}{}", cloud.addresses.api, call.path);
        let method = Method::from_bytes(call.method.as_bytes()).unwrap_or(Method::POST);
        let sent = state.outgoing.send(&url, |client, url| {
            let bearer = Zeroizing::new(format!("Bearer {}", token.as_str()));
            let request = client.request(method, url).header(AUTHORIZATION, bearer.as_str());
            match &call.body {
                Some(body) => request.json(body),
                None => request,
            }
        });
        let status = sent.await?.status();
        metrics::counter!(
            "sekisho_subscription_calls_total",
            "vendor" => cloud.adapter.name(), "status" => status.as_u16().to_string()
        )
        .increment(1);
        if status == StatusCode::UNAUTHORIZED {
            self.token.forget().await;
        }
        Ok(status)
    }
}

/// The name of a link's subscription: of this link, and of this account.
fn id(link: i64, account_tag: &str) -> String {
    format!("link-{link}-{account_tag}")
}

/// What a link is to be subscribed to: what is told of, and open to us.
pub(super) fn wanted(cloud: &Cloud, progress: &Progress) -> Vec<String> {
    if cloud.subscriber.is_none() {
        return Vec::new();
    }
    let series = super::plan::open(&cloud.series, progress);
    let mut wanted: Vec<String> = series
        .filter(|series| series.is_told)
        .map(|series| series.name.to_owned())
        .collect();
    wanted.sort_unstable();
    wanted
}

/// Subscribes a link's account to these series, or says anew to which.
pub(super) async fn subscribe(
    state: &AppState,
    cloud: &Cloud,
    link: &Link,
    access: &str,
    series: &[String],
) -> Result<(), NotSubscribed> {
    let Some(subscriber) = &cloud.subscriber else {
        return Ok(());
    };
    let account = account(state, cloud, access).await?;
    let (id, series): (String, Vec<&str>) = (
        id(link.id, &link.account_tag),
        series.iter().map(String::as_str).collect(),
    );
    let of = Subscription {
        subscriber: &subscriber.name,
        id: &id,
        account: &account,
        series: &series,
    };
    let mut status = subscriber.call(state, cloud, (subscriber.calls.begin)(&of)).await?;
    if status == StatusCode::CONFLICT {
        status = subscriber.call(state, cloud, (subscriber.calls.change)(&of)).await?;
    }
    match status.is_success() {
        true => Ok(()),
        false => Err(NotSubscribed::Refused(status.as_u16())),
    }
}

/// Ends a link's subscription, also where it is not kept that there is one: what was asked for last may not have come to be kept. One
/// that is not there is ended.
pub(super) async fn end(state: &AppState, cloud: &Cloud, link: i64, account_tag: &str) -> Result<(), NotSubscribed> {
    let Some(subscriber) = &cloud.subscriber else {
        return Ok(());
    };
    let of = Subscription {
        subscriber: &subscriber.name,
        id: &id(link, account_tag),
        account: "",
        series: &[],
    };
    let status = subscriber.call(state, cloud, (subscriber.calls.end)(&of)).await?;
    match status.is_success() || status == StatusCode::NOT_FOUND {
        true => Ok(()),
        false => Err(NotSubscribed::Refused(status.as_u16())),
    }
}

/// The vendor's name of an account, which is kept as a hash alone.
async fn account(state: &AppState, cloud: &Cloud, access: &str) -> Result<String, NotSubscribed> {
    let AccountFrom::Request(request, read) = cloud.adapter.account_from() else {
        return Err(NotSubscribed::NoAccount);
    };
    let answer = turn::calls::send(state, cloud, &request, access).await?;
    if !answer.status().is_success() {
        return Err(NotSubscribed::NoAccount);
    }
    let body = bounded(answer, MOST).await?;
    read(&body).map(|account| account.id).ok_or(NotSubscribed::NoAccount)
}
