//! An authorization server (RFC 6749 with PKCE, RFC 7009): codes, access tokens, and refresh tokens that stay or turn with each use.

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};
use axum::Json;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use model::UtcMillis;
use model::environment::Randomness;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Setup;

/// Seconds for which an access token works.
pub const ACCESS_SECONDS: i64 = 3_599;

/// How long the refresh token before the last still works, in milliseconds: its answer may have been lost.
const GRACE_MS: i64 = 120_000;

/// What somebody agreed to.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Who.
    pub account: String,
    /// Scopes that they gave.
    pub scopes: Vec<String>,
    challenge: String,
    access: Vec<(String, UtcMillis)>,
    refresh: Vec<(String, Option<UtcMillis>)>,
}

/// All grants; a code or a token leads to one.
#[derive(Default)]
pub struct Grants {
    codes: HashMap<String, Grant>,
    living: Vec<Grant>,
    /// Each use of a refresh token gives another.
    pub turns: bool,
    /// Refresh tokens that were used.
    pub refreshed: u64,
}

/// What comes to a token endpoint (RFC 6749 4.1.3 and 6), the client in the body.
#[derive(Deserialize)]
pub(crate) struct TokenRequest {
    pub(crate) grant_type: String,
    pub(crate) client_id: Option<String>,
    pub(crate) client_secret: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) code_verifier: Option<String>,
    pub(crate) redirect_uri: Option<String>,
    pub(crate) refresh_token: Option<String>,
    pub(crate) scope: Option<String>,
}

/// What a token endpoint answers.
pub struct Pair {
    /// Shown with calls.
    pub access: String,
    /// Gets the next.
    pub refresh: Option<String>,
    /// As given.
    pub scopes: Vec<String>,
}

fn random(randomness: &dyn Randomness, what: &str) -> String {
    let mut bytes = [0; 24];
    randomness.fill(&mut bytes);
    format!("{what}-{}", URL_SAFE_NO_PAD.encode(bytes))
}

impl Grants {
    /// A code for what somebody agreed to.
    pub fn agree(
        &mut self,
        randomness: &dyn Randomness,
        account: &str,
        scopes: Vec<String>,
        challenge: &str,
    ) -> String {
        let code = random(randomness, "code");
        let grant = Grant {
            account: account.to_owned(),
            scopes,
            challenge: challenge.to_owned(),
            access: Vec::new(),
            refresh: Vec::new(),
        };
        self.codes.insert(code.clone(), grant);
        code
    }

    /// Tokens for a code, once, for who has the verifier.
    pub fn exchange(
        &mut self,
        randomness: &dyn Randomness,
        code: &str,
        verifier: &str,
        now: UtcMillis,
    ) -> Option<Pair> {
        let mut grant = self.codes.remove(code)?;
        if URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes())) != grant.challenge {
            return None;
        }
        let pair = Pair {
            access: random(randomness, "access"),
            refresh: Some(random(randomness, "refresh")),
            scopes: grant.scopes.clone(),
        };
        grant
            .access
            .push((pair.access.clone(), now.plus(ACCESS_SECONDS * 1_000)));
        grant.refresh.push((pair.refresh.clone().unwrap_or_default(), None));
        self.living.push(grant);
        Some(pair)
    }

    /// Tokens for somebody who agreed elsewhere.
    pub fn give(
        &mut self,
        randomness: &dyn Randomness,
        account: &str,
        scopes: Vec<String>,
        now: UtcMillis,
    ) -> Option<Pair> {
        let verifier = random(randomness, "verifier");
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        let code = self.agree(randomness, account, scopes, &challenge);
        self.exchange(randomness, &code, &verifier, now)
    }

    /// The next pair.
    pub fn refresh(&mut self, randomness: &dyn Randomness, token: &str, now: UtcMillis) -> Option<Pair> {
        let turns = self.turns;
        let is_good =
            |(known, until): &(String, Option<UtcMillis>)| known == token && until.is_none_or(|until| now < until);
        let grant = self.living.iter_mut().find(|grant| grant.refresh.iter().any(is_good))?;
        self.refreshed += 1;
        let pair = Pair {
            access: random(randomness, "access"),
            refresh: turns.then(|| random(randomness, "refresh")),
            scopes: grant.scopes.clone(),
        };
        grant
            .access
            .push((pair.access.clone(), now.plus(ACCESS_SECONDS * 1_000)));
        if let Some(next) = &pair.refresh {
            for (_, until) in &mut grant.refresh {
                *until = until.or(Some(now.plus(GRACE_MS)));
            }
            grant.refresh.push((next.clone(), None));
        }
        Some(pair)
    }

    /// Whose access token this is.
    pub fn holder(&self, token: &str, now: UtcMillis) -> Option<&Grant> {
        let is_it = |(known, until): &(String, UtcMillis)| known == token && now < *until;
        self.living.iter().find(|grant| grant.access.iter().any(is_it))
    }

    /// Ends all that the account of a token agreed to, as a vendor may that holds one grant of an account and client (RFC 7009 2.1); true
    /// when there was one.
    pub fn give_back(&mut self, token: &str) -> bool {
        let is_of = |grant: &&Grant| {
            let access = grant.access.iter().any(|(known, _)| known == token);
            access || grant.refresh.iter().any(|(known, _)| known == token)
        };
        let account = self.living.iter().find(is_of).map(|grant| grant.account.clone());
        if let Some(account) = &account {
            self.end(account);
        }
        account.is_some()
    }

    /// Ends whatever an account agreed to.
    pub fn end(&mut self, account: &str) {
        self.living.retain(|grant| grant.account != account);
    }

    /// Access tokens work no more, refresh tokens do.
    pub fn expire(&mut self, account: &str) {
        for grant in self.living.iter_mut().filter(|grant| grant.account == account) {
            grant.access.clear();
        }
    }

    /// Accounts that agreed to something.
    pub fn accounts(&self) -> Vec<String> {
        self.living.iter().map(|grant| grant.account.clone()).collect()
    }
}

/// Whose access token a call shows.
pub(crate) fn shown<'a>(grants: &'a Grants, headers: &HeaderMap, now: UtcMillis) -> Option<&'a Grant> {
    let shown = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    grants.holder(shown.strip_prefix("Bearer ")?, now)
}

/// Client and secret as the header shows them (RFC 6749 2.3.1).
pub(crate) fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let shown = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let shown = STANDARD.decode(shown.strip_prefix("Basic ")?).ok()?;
    let shown = String::from_utf8(shown).ok()?;
    let (client, secret) = shown.split_once(':')?;
    Some((client.to_owned(), secret.to_owned()))
}

/// A token endpoint with the client and its secret in the body; `add` puts what else this vendor answers.
pub(crate) fn token(
    grants: &mut Grants,
    setup: &Setup,
    client: (&str, &str),
    asked: TokenRequest,
    add: impl FnOnce(&mut Value, &str),
) -> Response {
    match tokens(grants, setup, client, asked, add) {
        Ok(answer) => Json(answer).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, Json(json!({"error": error}))).into_response(),
    }
}

/// What a token endpoint answers, or the code of why not (RFC 6749 5.2).
pub(crate) fn tokens(
    grants: &mut Grants,
    setup: &Setup,
    client: (&str, &str),
    asked: TokenRequest,
    add: impl FnOnce(&mut Value, &str),
) -> Result<Value, &'static str> {
    if (asked.client_id.as_deref(), asked.client_secret.as_deref()) != (Some(client.0), Some(client.1)) {
        return Err("invalid_client");
    }
    let now = setup.clock.now();
    let pair = match asked.grant_type.as_str() {
        "authorization_code" if asked.redirect_uri.as_deref() != Some(&setup.return_to) => {
            return Err("invalid_request");
        }
        "authorization_code" => {
            let (code, verifier) = (asked.code.unwrap_or_default(), asked.code_verifier.unwrap_or_default());
            grants.exchange(&*setup.randomness, &code, &verifier, now)
        }
        "refresh_token" => grants.refresh(&*setup.randomness, &asked.refresh_token.unwrap_or_default(), now),
        _ => return Err("unsupported_grant_type"),
    };
    let pair = pair.ok_or("invalid_grant")?;
    let account = grants.holder(&pair.access, now).map(|grant| grant.account.clone());
    let mut answer = json!({
        "access_token": pair.access,
        "expires_in": ACCESS_SECONDS,
        "token_type": "Bearer",
        "scope": pair.scopes.join(" "),
    });
    if let Some(refresh) = pair.refresh {
        answer["refresh_token"] = json!(refresh);
    }
    add(&mut answer, &account.unwrap_or_default());
    Ok(answer)
}

/// An ID token about an account. Nobody checks who signed it: it comes from the token endpoint itself.
pub(crate) fn id_token(account: &str) -> Value {
    let claims = URL_SAFE_NO_PAD.encode(json!({"sub": account}).to_string());
    let head = URL_SAFE_NO_PAD.encode("{\"alg\":\"RS256\"}");
    json!(format!("{head}.{claims}.c2ln"))
}
