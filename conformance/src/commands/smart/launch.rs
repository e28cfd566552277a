//! The authorization endpoint: what is refused, where, and how it goes back.

use reqwest::Url;

use super::Setting;
use super::client::{Answer, parameter};
use super::discovery::Facts;
use super::report::{Finding, Report, hold};

const GROUP: &str = "launch";

/// The SHA-256 of the verifier below, in base64url (RFC 7636 appendix B).
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// The verifier of RFC 7636 appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

const CASES: [(&str, &str); 15] = [
    ("an unknown client ends on a page", "RFC 6749 4.1.2.1"),
    ("an unregistered redirect URI ends on a page", "RFC 6749 4.1.2.1"),
    ("a redirect URI with a query added ends on a page", "RFC 9700 2.1"),
    ("without a redirect URI nothing goes back", "SMART 2.2 authorization"),
    ("without a code challenge: invalid_request", "SMART 2.2 PKCE"),
    ("the method plain: invalid_request", "SMART 2.2 PKCE"),
    ("a challenge that is no SHA-256: invalid_request", "RFC 7636 4.2"),
    ("without state: invalid_request", "SMART 2.2 authorization"),
    ("another aud: invalid_request", "SMART 2.2 authorization"),
    ("response_type token: unsupported_response_type", "RFC 9700 2.1.2"),
    ("nothing that is offered: invalid_scope", "RFC 6749 3.3"),
    ("a parameter twice: invalid_request", "RFC 6749 3.1"),
    ("prompt=none without a session: login_required", "OIDC Core 3.1.2.6"),
    ("errors carry state and the issuer", "RFC 9207 2"),
    (
        "a request that is as it should be asks the resident",
        "SMART 2.2 authorization",
    ),
];

/// A request that is as it should be, with some parameters changed; an empty value leaves one out.
pub fn request(setting: &Setting<'_>, facts: &Facts, changes: &[(&str, &str)]) -> Result<Url, String> {
    let (client_id, redirect_uri) = setting.registered().ok_or("needs --client-id and --redirect-uri")?;
    let base = setting.arguments.base.trim_end_matches('/');
    let usual = [
        ("response_type", "code"),
        ("client_id", client_id),
        ("redirect_uri", redirect_uri),
        ("scope", &setting.arguments.scope),
        ("state", "a state & more"),
        ("aud", base),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("nonce", "a-nonce"),
    ];
    let mut url = Url::parse(facts.text("authorization_endpoint")).map_err(|_| "no authorization endpoint")?;
    {
        let mut query = url.query_pairs_mut();
        for (name, value) in usual {
            if !changes.iter().any(|(changed, _)| *changed == name) {
                query.append_pair(name, value);
            }
        }
        for (name, value) in changes.iter().filter(|(_, value)| !value.is_empty()) {
            query.append_pair(name, value);
        }
    }
    Ok(url)
}

/// Runs the cases.
pub async fn run(setting: &Setting<'_>, facts: &Facts, report: &mut Report) {
    let Some((_, redirect_uri)) = setting.registered() else {
        report.skip(GROUP, &CASES, "needs --client-id and --redirect-uri");
        return;
    };
    let with_query = format!(
        "{redirect_uri}{}x=1",
        if redirect_uri.contains('?') { '&' } else { '?' }
    );
    let findings = [
        stays(setting, facts, &[("client_id", "nobody-that-is-registered")]).await,
        stays(setting, facts, &[("redirect_uri", "https://elsewhere.example/cb")]).await,
        stays(setting, facts, &[("redirect_uri", &with_query)]).await,
        stays(setting, facts, &[("redirect_uri", "")]).await,
        refused(
            setting,
            facts,
            &[("code_challenge", ""), ("code_challenge_method", "")],
            "invalid_request",
        )
        .await,
        refused(setting, facts, &[("code_challenge_method", "plain")], "invalid_request").await,
        refused(setting, facts, &[("code_challenge", "short")], "invalid_request").await,
        refused(setting, facts, &[("state", "")], "invalid_request").await,
        refused(
            setting,
            facts,
            &[("aud", "https://elsewhere.example/fhir")],
            "invalid_request",
        )
        .await,
        refused(
            setting,
            facts,
            &[("response_type", "token")],
            "unsupported_response_type",
        )
        .await,
        refused(setting, facts, &[("scope", "patient/Nonsense.rs")], "invalid_scope").await,
        twice(setting, facts).await,
        refused(setting, facts, &[("prompt", "none")], "login_required").await,
        carries(setting, facts).await,
        asks(setting, facts).await,
    ];
    for ((name, source), finding) in CASES.into_iter().zip(findings) {
        report.found(GROUP, name, source, finding);
    }
}

async fn ask(setting: &Setting<'_>, facts: &Facts, changes: &[(&str, &str)]) -> Result<Answer, String> {
    let url = request(setting, facts, changes)?;
    setting.client.get(url.as_str()).await
}

/// True when an answer sends the browser to the client.
fn goes_back(setting: &Setting<'_>, answer: &Answer) -> Option<Url> {
    let (_, redirect_uri) = setting.registered()?;
    let there = answer.location()?;
    let registered = Url::parse(redirect_uri).ok()?;
    let same = there.scheme() == registered.scheme()
        && there.host_str() == registered.host_str()
        && there.path() == registered.path();
    same.then_some(there)
}

/// Nothing goes back, neither to the client nor to whatever was named.
async fn stays(setting: &Setting<'_>, facts: &Facts, changes: &[(&str, &str)]) -> Finding {
    let answer = ask(setting, facts, changes).await?;
    let elsewhere = answer
        .location()
        .is_some_and(|there| there.host_str() == Some("elsewhere.example"));
    hold(
        goes_back(setting, &answer).is_none()
            && !elsewhere
            && (answer.status.is_client_error() || answer.status.is_success()),
        || format!("answered {}, which is no page that says what is wrong", answer.status),
    )
}

async fn refused(setting: &Setting<'_>, facts: &Facts, changes: &[(&str, &str)], error: &str) -> Finding {
    let answer = ask(setting, facts, changes).await?;
    let Some(there) = goes_back(setting, &answer) else {
        return Err(format!("answered {} and does not go back", answer.status));
    };
    let told = parameter(&there, "error").unwrap_or_default();
    hold(told == error && parameter(&there, "code").is_none(), || {
        format!("error is {told}")
    })
}

async fn twice(setting: &Setting<'_>, facts: &Facts) -> Finding {
    let mut url = request(setting, facts, &[])?;
    url.query_pairs_mut().append_pair("scope", "openid");
    let answer = setting.client.get(url.as_str()).await?;
    let there = goes_back(setting, &answer).ok_or("it does not go back")?;
    let told = parameter(&there, "error").unwrap_or_default();
    hold(told == "invalid_request", || format!("error is {told}"))
}

async fn carries(setting: &Setting<'_>, facts: &Facts) -> Finding {
    let answer = ask(setting, facts, &[("response_type", "token")]).await?;
    let there = goes_back(setting, &answer).ok_or("it does not go back")?;
    let state = parameter(&there, "state").unwrap_or_default();
    hold(state == "a state & more", || format!("state came back as {state}"))?;
    let issuer = facts.text("issuer");
    let named = parameter(&there, "iss");
    hold(issuer.is_empty() || named.as_deref() == Some(issuer), || {
        "iss is not the issuer".to_owned()
    })
}

async fn asks(setting: &Setting<'_>, facts: &Facts) -> Finding {
    let answer = ask(setting, facts, &[]).await?;
    let sent_back = goes_back(setting, &answer).is_some();
    hold(
        !sent_back && (answer.status.is_redirection() || answer.status.is_success()),
        || format!("answered {}", answer.status),
    )
}
