//! The page of a vendor on which somebody chooses their account and what they allow.

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::Setup;
use crate::control::Vendor;

/// What an authorization request has (RFC 6749 4.1.1, RFC 7636 4.3).
#[derive(Deserialize)]
pub(crate) struct Asked {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) response_type: String,
    pub(crate) scope: String,
    pub(crate) state: String,
    #[serde(default)]
    pub(crate) code_challenge: String,
    #[serde(default)]
    pub(crate) code_challenge_method: String,
}

/// The page, for a client that is known.
pub(crate) fn choose(
    setup: &Setup,
    client: &str,
    asked: &Asked,
    accounts: &[(&str, &str)],
    prefix: &str,
    decide: &str,
) -> Response {
    let is_known = asked.client_id == client
        && asked.redirect_uri == setup.return_to
        && asked.response_type == "code"
        && matches!(asked.code_challenge_method.as_str(), "" | "S256");
    match is_known {
        true => page(asked, accounts, prefix, decide),
        false => (StatusCode::BAD_REQUEST, "this client is not known here").into_response(),
    }
}

/// What was decided on the page.
#[derive(Deserialize)]
pub(crate) struct Decision {
    pub(crate) account: String,
    #[serde(default)]
    pub(crate) scope: Vec<String>,
    pub(crate) state: String,
    pub(crate) challenge: String,
    pub(crate) answer: String,
}

/// The page; its form goes to `decide`.
fn page(asked: &Asked, accounts: &[(&str, &str)], prefix: &str, decide: &str) -> Response {
    let options: String = accounts
        .iter()
        .map(|(number, name)| format!("<option value=\"{number}\">{name}</option>"))
        .collect();
    let boxes: String = asked
        .scope
        .split(' ')
        .map(|scope| {
            let (scope, shown) = (plain(scope), plain(scope.strip_prefix(prefix).unwrap_or(scope)));
            format!("<p><label><input type=\"checkbox\" name=\"scope\" value=\"{scope}\" checked> {shown}</label></p>")
        })
        .collect();
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">
         <title>A simulated health service</title><body style=\"font: 18px/1.6 sans-serif; max-width: 34em; margin: 1em auto; padding: 0 1em\">
         <h1>A simulated health service</h1><p>Nobody here exists, and no data leaves this machine.</p>
         <form method=\"post\" action=\"{decide}\"><p><label>Account <select name=\"account\">{options}</select></label></p>{boxes}
         <input type=\"hidden\" name=\"state\" value=\"{}\"><input type=\"hidden\" name=\"challenge\" value=\"{}\">
         <p><button name=\"answer\" value=\"allow\">Allow</button> <button name=\"answer\" value=\"deny\">Deny</button></p></form></body></html>",
        plain(&asked.state),
        plain(&asked.code_challenge),
    );
    Html(page).into_response()
}

/// Sends the browser back: with a code, or with a no.
pub(crate) fn decided(vendor: &impl Vendor, decision: Decision) -> Response {
    let setup = vendor.setup();
    let (back, state) = (&setup.return_to, plain(&decision.state));
    if decision.answer != "allow" {
        return Redirect::to(&format!("{back}?state={state}&error=access_denied")).into_response();
    }
    let Decision {
        account,
        scope,
        challenge,
        ..
    } = decision;
    let code = vendor.with_grants(|grants| grants.agree(&*setup.randomness, &account, scope, &challenge));
    Redirect::to(&format!("{back}?state={state}&code={code}")).into_response()
}

/// Nothing but what stands in tokens and scopes.
pub(crate) fn plain(text: &str) -> String {
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || "-_.~:/".contains(*c);
    text.chars().filter(is_plain).collect()
}
