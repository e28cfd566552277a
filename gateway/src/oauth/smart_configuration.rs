//! `/.well-known/smart-configuration` (SMART App Launch 2.2), `/.well-known/oauth-authorization-server` (RFC 8414) and
//! `/.well-known/openid-configuration` (OpenID Connect Discovery 1.0): one table of facts for all three.

use axum::Json;
use axum::extract::State;
use consent::ScopeSet;
use model::ConsentCategory;
use model::vocabulary::systems;
use serde_json::{Value, json};

use super::client_assertion::ALGORITHMS;
use crate::state::AppState;

/// What scopes are offered, whole: each narrower scope is within these.
pub const OFFERED: &str = "openid fhirUser launch/patient offline_access online_access patient/*.rs";

/// `GET /.well-known/smart-configuration`, also under the FHIR base: for apps, without a token.
pub async fn smart(State(state): State<AppState>) -> Json<Value> {
    let mut facts = facts(&state);
    facts["capabilities"] = json!([
        "launch-standalone",
        "client-public",
        "client-confidential-symmetric",
        "client-confidential-asymmetric",
        "context-standalone-patient",
        "permission-patient",
        "sso-openid-connect",
        "permission-offline",
        "permission-online",
        "permission-v1",
        "permission-v2",
        "authorize-post",
    ]);
    facts["management_endpoint"] = json!(format!("{}/portal", state.config.http.public_url));
    Json(facts)
}

/// `GET /.well-known/oauth-authorization-server`: the same facts for clients of plain OAuth.
pub async fn oauth(State(state): State<AppState>) -> Json<Value> {
    Json(facts(&state))
}

/// `GET /.well-known/openid-configuration`: the same facts, and what an ID token is, for clients of OpenID Connect (O-040).
pub async fn openid(State(state): State<AppState>) -> Json<Value> {
    let mut facts = facts(&state);
    facts["subject_types_supported"] = json!(["pairwise"]);
    facts["id_token_signing_alg_values_supported"] = json!([super::id_token::ALGORITHM.name()]);
    facts["claims_supported"] = json!(super::id_token::CLAIMS);
    facts["claims_parameter_supported"] = json!(false);
    Json(facts)
}

fn facts(state: &AppState) -> Value {
    let mut facts = endpoints(&state.config.http.public_url);
    if state.config.registration.organisation != 0 {
        facts["registration_endpoint"] = json!(format!("{}/oauth/register", state.config.http.public_url));
    }
    facts
}

fn endpoints(base: &str) -> Value {
    let methods = json!(["private_key_jwt", "client_secret_basic", "client_secret_post", "none"]);
    let algorithms = json!(ALGORITHMS);
    json!({
        "issuer": base,
        "jwks_uri": format!("{base}/.well-known/jwks.json"),
        "authorization_endpoint": format!("{base}/oauth/authorize"),
        "pushed_authorization_request_endpoint": format!("{base}/oauth/par"),
        "require_pushed_authorization_requests": false,
        "token_endpoint": format!("{base}/oauth/token"),
        "revocation_endpoint": format!("{base}/oauth/revoke"),
        "introspection_endpoint": format!("{base}/oauth/introspect"),
        "end_session_endpoint": format!("{base}/oauth/end-session"),
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "authorization_response_iss_parameter_supported": true,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "scopes_supported": scopes_supported(),
    })
}

/// Whole resources, then Observations by each consent category.
fn scopes_supported() -> Vec<String> {
    let whole = [
        "openid",
        "fhirUser",
        "launch/patient",
        "offline_access",
        "online_access",
    ]
    .into_iter()
    .map(str::to_owned);
    let resources = consent::scope::Resource::ALL
        .into_iter()
        .map(|resource| format!("patient/{}.rs", resource.name()));
    let by_category = ConsentCategory::ALL
        .into_iter()
        .map(|category| {
            format!(
                "patient/Observation.rs?category={}|{}",
                systems::CONSENT_CATEGORY,
                category.key()
            )
        })
        // A category that no metric has yet is no scope yet.
        .filter(|scope| ScopeSet::parse(scope).is_ok_and(|set| !set.is_empty()));
    let system = consent::scope::Resource::ALL
        .into_iter()
        .map(|resource| format!("system/{}.rs", resource.name()));
    whole.chain(resources).chain(by_category).chain(system).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_that_is_announced_is_one_that_can_be_granted() {
        let offered = ScopeSet::parse(OFFERED).unwrap();
        let announced = scopes_supported();
        assert!(announced.len() > 10, "{announced:?}");
        for scope in announced {
            let of_system = scope.starts_with("system/");
            let asked = if of_system {
                ScopeSet::parse_system(&scope)
            } else {
                ScopeSet::parse(&scope)
            }
            .unwrap();
            assert!(!asked.is_empty() && offered.covers(&asked), "{scope}");
        }
    }
}
