//! What a server says of itself.

use reqwest::Method;
use reqwest::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_TYPE, ORIGIN};
use serde_json::Value;

use super::Setting;
use super::report::{Outcome, Report, hold};

const GROUP: &str = "discovery";

/// What discovery found.
pub struct Facts(Value);

impl Facts {
    /// A text of it; empty when there is none.
    pub fn text(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap_or_default()
    }
}

fn lists(facts: &Value, name: &str, text: &str) -> bool {
    facts[name]
        .as_array()
        .is_some_and(|list| list.iter().any(|item| item == text))
}

/// Looks at all of it; `None` when there is nothing to go on with.
pub async fn run(setting: &Setting<'_>, report: &mut Report) -> Option<Facts> {
    let base = setting.arguments.base.trim_end_matches('/');
    let url = format!("{base}/.well-known/smart-configuration");
    let answer = match setting.client.get(&url).await {
        Ok(answer) => answer,
        Err(why) => {
            report.add(GROUP, "smart-configuration answers", "SMART 2.2", Outcome::Fail(why));
            return None;
        }
    };
    let facts = answer.json();
    let mut found = |name, source, holds: bool, why: &str| {
        report.found(GROUP, name, source, hold(holds, || why.to_owned()));
    };
    found(
        "smart-configuration is JSON, without a token",
        "SMART 2.2 conformance",
        answer.status == 200 && answer.header(CONTENT_TYPE).starts_with("application/json") && facts.is_object(),
        "not 200 with application/json",
    );
    for name in [
        "authorization_endpoint",
        "token_endpoint",
        "capabilities",
        "grant_types_supported",
        "code_challenge_methods_supported",
    ] {
        if facts.get(name).is_none() {
            found("required members are there", "SMART 2.2 metadata", false, name);
        }
    }
    let https = |name: &str| {
        let text = facts[name].as_str().unwrap_or_default();
        text.starts_with("https://") || text.starts_with("http://127.0.0.1") || text.starts_with("http://localhost")
    };
    found(
        "endpoints are absolute and over TLS (or on loopback)",
        "SMART 2.2 metadata",
        https("authorization_endpoint") && https("token_endpoint"),
        "an endpoint is not",
    );
    let only_s256 = facts["code_challenge_methods_supported"] == serde_json::json!(["S256"]);
    found(
        "PKCE by S256 and not plain",
        "SMART 2.2 considerations",
        only_s256,
        "code_challenge_methods_supported is not [S256]",
    );
    let sso = lists(&facts, "capabilities", "sso-openid-connect");
    found(
        "with sso-openid-connect, issuer and jwks_uri are there",
        "SMART 2.2 metadata",
        !sso || (https("issuer") && https("jwks_uri")),
        "one is missing",
    );
    let issuer = facts["issuer"].as_str().unwrap_or_default().to_owned();
    let origin = |request: reqwest::RequestBuilder| request.header(ORIGIN, "https://app.example");
    let cors = setting.client.send(Method::GET, &url, origin).await;
    let allowed = cors.is_ok_and(|answer| !answer.header(ACCESS_CONTROL_ALLOW_ORIGIN).is_empty());
    found(
        "browser apps may read it (CORS)",
        "SMART 2.2 CORS",
        allowed,
        "no Access-Control-Allow-Origin",
    );
    if issuer.is_empty() {
        report.skip(GROUP, &[("other documents", "RFC 8414")], "no issuer");
        return Some(Facts(facts));
    }
    documents(setting, report, &facts, &issuer).await;
    keys(setting, report, &facts).await;
    Some(Facts(facts))
}

/// The same facts in the documents for plain OAuth and for OpenID Connect.
async fn documents(setting: &Setting<'_>, report: &mut Report, facts: &Value, issuer: &str) {
    for (name, path, source) in [
        (
            "the document for OAuth agrees",
            "oauth-authorization-server",
            "RFC 8414 3",
        ),
        (
            "the document for OpenID Connect agrees",
            "openid-configuration",
            "OIDC Discovery 4",
        ),
    ] {
        let finding = match setting.client.get(&document(issuer, path)).await {
            Ok(answer) if answer.status == 200 => {
                let other = answer.json();
                let differs = ["issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"]
                    .into_iter()
                    .find(|name| facts.get(name).is_some() && other[name] != facts[name]);
                differs.map_or(Ok(()), |name| Err(format!("{name} differs")))
            }
            Ok(answer) => Err(format!("answered {}", answer.status)),
            Err(why) => Err(why),
        };
        report.found(GROUP, name, source, finding);
    }
}

/// Where a document about an issuer lies: that for OAuth between the host and the issuer's path (RFC 8414, 3.1), that for
/// OpenID Connect after it.
fn document(issuer: &str, path: &str) -> String {
    let issuer = issuer.trim_end_matches('/');
    let host_ends = issuer
        .find("://")
        .and_then(|scheme| issuer[scheme + 3..].find('/').map(|slash| scheme + 3 + slash));
    match host_ends {
        Some(host_ends) if path == "oauth-authorization-server" => {
            let (host, rest) = issuer.split_at(host_ends);
            format!("{host}/.well-known/{path}{rest}")
        }
        _ => format!("{issuer}/.well-known/{path}"),
    }
}

/// The published keys: public halves only, each with a name.
async fn keys(setting: &Setting<'_>, report: &mut Report, facts: &Value) {
    let uri = facts["jwks_uri"].as_str().unwrap_or_default();
    let finding = match setting.client.get(uri).await {
        Ok(answer) => {
            let set = answer.json();
            let keys = set["keys"].as_array().cloned().unwrap_or_default();
            let is_private = |key: &Value| {
                ["d", "p", "q", "dp", "dq", "qi", "k"]
                    .iter()
                    .any(|part| key.get(part).is_some())
            };
            if keys.is_empty() {
                Err("no keys".to_owned())
            } else if keys.iter().any(is_private) {
                Err("a private part is published".to_owned())
            } else if keys.iter().any(|key| key["kid"].as_str().is_none_or(str::is_empty)) {
                Err("a key without kid".to_owned())
            } else {
                Ok(())
            }
        }
        Err(why) => Err(why),
    };
    report.found(
        GROUP,
        "published keys are public halves, each with a kid",
        "RFC 7517 5",
        finding,
    );
}

#[cfg(test)]
mod tests {
    use super::document;

    #[test]
    fn a_document_lies_where_its_own_specification_says() {
        for (issuer, path, address) in [
            (
                "https://a.example",
                "oauth-authorization-server",
                "https://a.example/.well-known/oauth-authorization-server",
            ),
            (
                "https://a.example/x/",
                "oauth-authorization-server",
                "https://a.example/.well-known/oauth-authorization-server/x",
            ),
            (
                "https://a.example/x",
                "openid-configuration",
                "https://a.example/x/.well-known/openid-configuration",
            ),
        ] {
            assert_eq!(document(issuer, path), address);
        }
    }
}
