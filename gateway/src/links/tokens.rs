//! This gateway as a client of vendors' authorization servers: codes exchanged, tokens refreshed and given back.

use std::pin::Pin;

use model::UtcMillis;
use oauth2::basic::{
    BasicErrorResponse, BasicErrorResponseType, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
    BasicTokenType,
};
use oauth2::{
    AsyncHttpClient, AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, ExtraTokenFields,
    HttpRequest, HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError,
    Scope, StandardRevocableToken, StandardTokenResponse, TokenResponse as _, TokenUrl,
};
use serde::{Deserialize, Serialize};
use store::LinkTokens;

use axum::http::StatusCode;

use super::Cloud;
use crate::outgoing::{Outgoing, OutgoingError, bounded};

/// The largest answer of an authorization server that is read, in bytes.
const MOST: usize = 64 * 1024;

/// How long a token lasts whose server does not say, in seconds.
const UNSAID_SECONDS: i64 = 3_600;

/// How long before its end a token is no longer used, in milliseconds.
const EARLY_MS: i64 = 60_000;

/// Why there are no tokens.
#[derive(Debug, thiserror::Error)]
pub(super) enum TokenError {
    /// The grant ended, there or by its holder (RFC 6749 5.2, `invalid_grant`).
    #[error("the grant is taken no more")]
    Ended,
    /// The service is no more (RFC 9110 15.5.11, 410).
    #[error("the service is switched off")]
    SwitchedOff,
    /// Anything else that the server answers: our configuration or its fault.
    #[error("the authorization server refused: {0}")]
    Refused(String),
    /// No answer, or none that is one.
    #[error("the authorization server did not answer: {0}")]
    NoAnswer(String),
    /// An address of the configuration that is none.
    #[error("an address of the authorization server is none")]
    Address,
}

/// What a code was exchanged for.
pub(super) struct Granted {
    pub(super) tokens: LinkTokens,
    /// Where the vendor sends one.
    pub(super) id_token: Option<String>,
    /// Scopes that were given, of those that were asked for.
    pub(super) scopes: Vec<String>,
}

/// What some vendors send besides.
#[derive(Debug, Serialize, Deserialize)]
struct Besides {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
}

impl ExtraTokenFields for Besides {}

type Answer = StandardTokenResponse<Besides, BasicTokenType>;

type Client = oauth2::Client<
    BasicErrorResponse,
    Answer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    oauth2::EndpointSet,
    oauth2::EndpointNotSet,
    oauth2::EndpointNotSet,
    oauth2::EndpointNotSet,
    oauth2::EndpointSet,
>;

fn client(cloud: &Cloud) -> Result<Client, TokenError> {
    let addresses = &cloud.addresses;
    let address = |_| TokenError::Address;
    let client = oauth2::Client::new(ClientId::new(cloud.client_id.clone()))
        .set_auth_uri(AuthUrl::new(addresses.authorize.clone()).map_err(address)?)
        .set_token_uri(TokenUrl::new(addresses.token.clone()).map_err(address)?)
        .set_redirect_uri(RedirectUrl::new(cloud.return_to.clone()).map_err(address)?)
        .set_auth_type(match cloud.adapter.facts().client_in_header {
            true => AuthType::BasicAuth,
            false => AuthType::RequestBody,
        });
    Ok(match &cloud.client_secret {
        Some(secret) => client.set_client_secret(ClientSecret::new(secret.to_string())),
        None => client,
    })
}

fn wanted(cloud: &Cloud) -> Vec<String> {
    let mut scopes: Vec<String> = cloud
        .adapter
        .facts()
        .scopes
        .iter()
        .map(|scope| (*scope).to_owned())
        .collect();
    for series in &cloud.series {
        if !scopes.iter().any(|scope| scope == series.scope) {
            scopes.push(series.scope.to_owned());
        }
    }
    scopes
}

/// Where to send the browser under this `state`, with the challenge of this verifier.
pub(super) fn authorize(cloud: &Cloud, state: String, verifier: &str) -> Result<String, TokenError> {
    let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(verifier.to_owned()));
    let client = client(cloud)?;
    let mut request = client
        .authorize_url(move || CsrfToken::new(state))
        .set_pkce_challenge(challenge)
        .add_scopes(wanted(cloud).into_iter().map(Scope::new));
    for (name, value) in cloud.adapter.facts().parameters {
        request = request.add_extra_param(*name, *value);
    }
    Ok(request.url().0.into())
}

/// Exchanges a code.
pub(super) async fn exchange(
    cloud: &Cloud,
    outgoing: &Outgoing,
    code: String,
    verifier: String,
    now: UtcMillis,
) -> Result<Granted, TokenError> {
    let client = client(cloud)?;
    let asked = wanted(cloud);
    let mut request = client
        .exchange_code(AuthorizationCode::new(code))
        .set_pkce_verifier(PkceCodeVerifier::new(verifier));
    if cloud.adapter.facts().exchange_names_scopes {
        request = request.add_extra_param("scope", asked.join(" "));
    }
    let answer = request
        .request_async(&Http(outgoing))
        .await
        .map_err(|failed| error(cloud, failed))?;
    // A server that says nothing gave what was asked for (RFC 6749 5.1).
    let scopes = match answer.scopes() {
        Some(given) => given
            .iter()
            .map(|scope| scope.to_string())
            .filter(|scope| asked.contains(scope))
            .collect(),
        None => asked,
    };
    Ok(Granted {
        tokens: kept(&answer, None, now),
        id_token: answer.extra_fields().id_token.clone(),
        scopes,
    })
}

/// Gets the next pair.
pub(super) async fn refresh(
    cloud: &Cloud,
    outgoing: &Outgoing,
    before: &LinkTokens,
    now: UtcMillis,
) -> Result<LinkTokens, TokenError> {
    let token = before.refresh.clone().ok_or(TokenError::Ended)?;
    let (client, token) = (client(cloud)?, RefreshToken::new(token));
    let mut request = client.exchange_refresh_token(&token);
    if cloud.adapter.facts().refresh_names_return {
        request = request.add_extra_param("redirect_uri", cloud.return_to.clone());
    }
    let answer = request.request_async(&Http(outgoing)).await;
    let answer = answer.map_err(|failed| error(cloud, failed))?;
    Ok(kept(&answer, before.refresh.clone(), now))
}

/// True when a token is to be used no more.
pub(super) fn is_over(tokens: &LinkTokens, now: UtcMillis) -> bool {
    now.0 >= tokens.expires - EARLY_MS
}

fn kept(answer: &Answer, before: Option<String>, now: UtcMillis) -> LinkTokens {
    let seconds = answer.expires_in().map_or(UNSAID_SECONDS, |lasts| {
        i64::try_from(lasts.as_secs()).unwrap_or(UNSAID_SECONDS)
    });
    LinkTokens {
        access: answer.access_token().secret().clone(),
        // A server that sends none leaves the one before in place (RFC 6749 6).
        refresh: answer.refresh_token().map(|token| token.secret().clone()).or(before),
        expires: now.plus(seconds.clamp(1, 400 * 86_400) * 1_000).0,
    }
}

/// Gives a token back (RFC 7009).
///
/// # Errors
/// [`OutgoingError`] when it may work later.
pub(super) async fn give_back(cloud: &Cloud, outgoing: &Outgoing, tokens: &LinkTokens) -> Result<(), OutgoingError> {
    let token = tokens.refresh.as_ref().unwrap_or(&tokens.access);
    let secret = cloud.client_secret.as_ref().map(|secret| secret.as_str());
    // As it shows itself at the token endpoint (RFC 7009 2.1).
    let in_header = secret.filter(|_| cloud.adapter.facts().client_in_header);
    let mut form = vec![("token", token.as_str())];
    if tokens.refresh.is_some() {
        form.push(("token_type_hint", "refresh_token"));
    }
    if in_header.is_none() {
        form.push(("client_id", cloud.client_id.as_str()));
        form.extend(secret.map(|secret| ("client_secret", secret)));
    }
    let answer = outgoing
        .send(&cloud.addresses.revoke, |client, url| {
            let call = client.post(url).form(&form);
            match in_header {
                Some(secret) => call.basic_auth(&cloud.client_id, Some(secret)),
                None => call,
            }
        })
        .await?;
    let status = answer.status();
    let body = match status {
        StatusCode::BAD_REQUEST => bounded(answer, MOST).await?,
        _ => Vec::new(),
    };
    match is_given_back(status, code(cloud.adapter, &body).as_ref()) {
        true => Ok(()),
        false => Err(OutgoingError::NoAnswer("the server did not take the token back")),
    }
}

/// A token that is not known any more is no token, and a service that is no more holds none. Whoever refuses this gateway, as after a
/// change of its secret, holds it still (RFC 7009 2.2.1).
fn is_given_back(status: StatusCode, code: Option<&BasicErrorResponseType>) -> bool {
    let refuses_us = matches!(
        code,
        Some(BasicErrorResponseType::InvalidClient | BasicErrorResponseType::UnauthorizedClient)
    );
    let knows_of_none = [StatusCode::BAD_REQUEST, StatusCode::NOT_FOUND, StatusCode::GONE];
    status.is_success() || knows_of_none.contains(&status) && !refuses_us
}

type Failed = RequestTokenError<OutgoingError, oauth2::StandardErrorResponse<BasicErrorResponseType>>;

/// Without what a server wrote beyond its code: it may hold anything.
fn error(cloud: &Cloud, failed: Failed) -> TokenError {
    let refused = |code: &BasicErrorResponseType| match code {
        BasicErrorResponseType::InvalidGrant => TokenError::Ended,
        BasicErrorResponseType::Extension(_) => TokenError::NoAnswer("a code of its own".to_owned()),
        other => TokenError::Refused(other.to_string()),
    };
    match failed {
        RequestTokenError::ServerResponse(refusal) => refused(refusal.error()),
        RequestTokenError::Request(OutgoingError::Gone) => TokenError::SwitchedOff,
        RequestTokenError::Request(error) => TokenError::NoAnswer(error.to_string()),
        RequestTokenError::Parse(_, body) => match code(cloud.adapter, &body) {
            Some(code) => refused(&code),
            None => TokenError::NoAnswer("it answered something else".to_owned()),
        },
        RequestTokenError::Other(_) => TokenError::NoAnswer("it answered nothing".to_owned()),
    }
}

/// The code of a refusal, in the form of RFC 6749 5.2 or in the vendor's own.
fn code(adapter: &dyn adapters::cloud::Cloud, body: &[u8]) -> Option<BasicErrorResponseType> {
    let answer: Option<BasicErrorResponse> = serde_json::from_slice(body).ok();
    match answer {
        Some(answer) => Some(answer.error().clone()),
        None => serde_json::from_value(adapter.token_error(body)?.into()).ok(),
    }
}

/// Calls by the gateway's own rules.
struct Http<'a>(&'a Outgoing);

impl<'c> AsyncHttpClient<'c> for Http<'_> {
    type Error = OutgoingError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, OutgoingError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let answer = self
                .0
                .send(&parts.uri.to_string(), |client, url| {
                    client.request(parts.method, url).headers(parts.headers).body(body)
                })
                .await?;
            let mut response = HttpResponse::new(Vec::new());
            *response.status_mut() = answer.status();
            *response.headers_mut() = answer.headers().clone();
            // A server with a fault says nothing of the grant, whatever its page says.
            if answer.status().is_server_error() || answer.status().as_u16() == 429 {
                return Err(OutgoingError::NoAnswer("the server has a fault"));
            }
            if answer.status() == StatusCode::GONE {
                return Err(OutgoingError::Gone);
            }
            *response.body_mut() = bounded(answer, MOST).await?;
            Ok(response)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_given_back_where_the_server_took_it_or_knows_of_none() {
        for (done, statuses) in [
            (true, [200, 204, 400, 404, 410].as_slice()),
            (
                false,
                [302, 401, 403, 405, 408, 415, 422, 429, 500, 502, 503].as_slice(),
            ),
        ] {
            for status in statuses {
                assert_eq!(
                    is_given_back(StatusCode::from_u16(*status).unwrap(), None),
                    done,
                    "{status}"
                );
            }
        }
    }

    #[test]
    fn a_refusal_of_this_gateway_gives_nothing_back_in_whichever_form_it_is_written() {
        let vendor = adapters::clouds()
            .iter()
            .find(|cloud| cloud.name() == "fitbit")
            .unwrap();
        for (kind, done) in [
            ("invalid_client", false),
            ("unauthorized_client", false),
            ("invalid_token", true),
            ("unsupported_token_type", true),
        ] {
            for body in [
                format!(r#"{{"error":"{kind}"}}"#),
                format!(r#"{{"errors":[{{"errorType":"{kind}"}}],"success":false}}"#),
            ] {
                let code = code(*vendor, body.as_bytes());
                assert!(code.is_some(), "{body}");
                assert_eq!(is_given_back(StatusCode::BAD_REQUEST, code.as_ref()), done, "{body}");
            }
        }
        assert_eq!(code(*vendor, b"not JSON"), None);
    }
}
