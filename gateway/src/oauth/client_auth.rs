//! Which client calls: `client_secret_basic`, `client_secret_post`, `private_key_jwt`, or a public client by its `client_id`
//! (RFC 6749 2.3). Each client authenticates in the one way it is registered for.

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oauth2::url::form_urlencoded;
use store::Client;
use subtle::ConstantTimeEq as _;

use super::client_assertion;
use super::error::OauthError;
use super::form::{Form, is_form};
use super::handles;
use crate::state::AppState;

/// What of a request says who calls.
const PARAMETERS: [&str; 4] = [
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
];

/// Reads the form and finds the client that sent it.
///
/// # Errors
/// `invalid_request` for what is no form, repeats one of `parameters` or authenticates in two ways; `invalid_client`.
pub async fn form_of_client(
    state: &AppState,
    headers: &HeaderMap,
    body: &[u8],
    parameters: &[&str],
) -> Result<(Form, Client), OauthError> {
    if !is_form(headers) {
        return Err(OauthError::InvalidRequest(
            "the body must be application/x-www-form-urlencoded",
        ));
    }
    let form = Form::parse(body);
    if form.repeats(parameters) || form.repeats(&PARAMETERS) {
        return Err(OauthError::InvalidRequest("a parameter was sent more than once"));
    }
    let client = authenticate(state, headers, &form).await?;
    Ok((form, client))
}

async fn authenticate(state: &AppState, headers: &HeaderMap, form: &Form) -> Result<Client, OauthError> {
    let by_header = headers.contains_key(header::AUTHORIZATION);
    let refused = || OauthError::InvalidClient { by_header };
    let assertion = form.get("client_assertion");
    if assertion.is_some() && (by_header || form.get("client_secret").is_some()) {
        return Err(OauthError::InvalidRequest(
            "a client authenticates in one way, not in two",
        ));
    }
    if let Some(assertion) = assertion {
        if form.get("client_assertion_type") != Some(client_assertion::TYPE) {
            return Err(refused());
        }
        let client = client_assertion::client(state, assertion).await?.ok_or_else(refused)?;
        // RFC 7521 4.2: a client_id beside it names the same client.
        let is_named = form.get("client_id").is_none_or(|named| named == client.client_id);
        return if is_named && client.works() {
            Ok(client)
        } else {
            Err(refused())
        };
    }
    let (client_id, secret) = if by_header {
        if form.get("client_secret").is_some() {
            return Err(OauthError::InvalidRequest(
                "a client authenticates in one way, not in two",
            ));
        }
        let (client_id, secret) = basic(headers).ok_or_else(refused)?;
        if form.get("client_id").is_some_and(|named| named != client_id) {
            return Err(OauthError::InvalidRequest(
                "client_id is not the client that authenticates",
            ));
        }
        (client_id, Some(secret))
    } else {
        let client_id = form.get("client_id").ok_or_else(refused)?;
        (client_id.to_owned(), form.get("client_secret").map(str::to_owned))
    };
    let client = state.store.client(&client_id).await?.ok_or_else(refused)?;
    let authentic = match (&client.secret_hash, secret.filter(|secret| !secret.is_empty())) {
        (Some(known), Some(shown)) => bool::from(handles::hash(&shown).ct_eq(known)),
        // A client that has keys must sign.
        (None, None) => !client.signs(),
        // A confidential client must show its secret; a public one has none to show.
        (Some(_), None) | (None, Some(_)) => false,
    };
    if authentic && client.works() {
        Ok(client)
    } else {
        Err(refused())
    }
}

/// Basic credentials, each part form-encoded before (RFC 6749 2.3.1).
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let mut sent = headers.get_all(header::AUTHORIZATION).iter();
    let (scheme, credentials) = sent.next()?.to_str().ok()?.split_once(' ')?;
    if sent.next().is_some() || !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
    let (client_id, secret) = decoded.split_once(':')?;
    Some((form_decode(client_id), form_decode(secret)))
}

fn form_decode(text: &str) -> String {
    // A text without `&` and `=` reads as one name; those two count as themselves here.
    let escaped = text.replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(escaped.as_bytes())
        .next()
        .map_or_else(String::new, |(name, _)| name.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn basic_credentials_are_form_decoded() {
        let mut headers = HeaderMap::new();
        let value = format!("basic {}", STANDARD.encode("app%3A1:a%25b+c=&d"));
        headers.insert(header::AUTHORIZATION, HeaderValue::from_str(&value).unwrap());
        assert_eq!(basic(&headers), Some(("app:1".to_owned(), "a%b c=&d".to_owned())));
        headers.append(header::AUTHORIZATION, HeaderValue::from_static("Basic eDp5"));
        assert_eq!(basic(&headers), None);
    }
}
