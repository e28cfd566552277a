//! The negative cases that have no other test, under the names of the OpenID Foundation's suites; `cases.rs` lists them all.
//!
//! Written anew; where FAPI 2 and SMART differ, SMART wins.

use axum::http::{StatusCode, header};
use consent::code::Code;
use consent::{FamilyId, OwnAccess};
use oauth2::url::Url;
use store::CodeRecord;

use super::house::{AGREED, CALLBACK, House, SECRET, VERIFIER, link, parameter};
use crate::oauth::handles;

/// The error that a request is sent back to the app with; none when the resident is asked.
async fn refused(house: &House, request: &[(String, String)]) -> Option<String> {
    let answer = house.gateway.browser().get(&link(request)).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let there = Url::parse(&house.gateway.base)
        .unwrap()
        .join(&answer.location(""))
        .unwrap();
    parameter(&there, "error")
}

#[tokio::test]
async fn codereuse_ends_what_came_of_the_code() {
    let house = House::new().await;
    let code = house.code(&[]).await;
    let first = house.redeem(&code).await;
    assert_eq!(house.redeem(&code).await.error(), (400, "invalid_grant"));
    assert!(!house.opens(first.text("access_token")).await);
}

#[tokio::test]
async fn ensure_token_endpoint_fails_with_expired_auth_code() {
    let house = House::new().await;
    house.agree(&house.request(), AGREED).await;
    let state = &house.gateway.state;
    let person = house.person().await;
    let consent = state.store.person_consents(person).await.unwrap().consents()[0].clone();
    let issued = state.clock.now().plus(-60_001);
    let record = CodeRecord {
        client_id: "point-app".to_owned(),
        redirect_uri: CALLBACK.to_owned(),
        code_challenge: handles::hash(VERIFIER),
        person,
        recipient: consent.recipient,
        consent: consent.id,
        scopes: "patient/Observation.rs".to_owned(),
        nonce: None,
        signed_in: None,
        code: Code::issue(FamilyId(7), issued),
    };
    state.store.save_code(handles::hash("expired"), record).await.unwrap();
    assert_eq!(house.redeem("expired").await.error(), (400, "invalid_grant"));
}

#[tokio::test]
async fn ensure_authorization_code_is_bound_to_client() {
    let house = House::new().await;
    let code = house.code(&[]).await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", "point-server"),
        ("client_secret", SECRET),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let told = house.post("/oauth/token", None, &fields).await;
    assert_eq!(told.error(), (400, "invalid_grant"));
}

#[tokio::test]
async fn ensure_registered_redirect_uri_query_added_query_mismatch_and_regfrag() {
    let house = House::new().await;
    for (client, uri) in [
        ("point-app", ""),
        ("point-app", "https://app.example/other"),
        ("point-app", "https://app.example/callback?added=1"),
        ("point-app", "https://app.example/callback#fragment"),
        ("point-server", "https://server.example/callback?from=elsewhere"),
        ("point-server", "https://server.example/callback"),
    ] {
        let request = house.request_with(&[("client_id", client), ("redirect_uri", uri)]);
        let answer = house.gateway.browser().get(&link(&request)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{uri}");
        assert!(!answer.headers.contains_key(header::LOCATION), "{uri}");
    }
}

#[tokio::test]
async fn response_type_missing_token_and_code_idtoken_fail() {
    let house = House::new().await;
    for (value, error) in [
        ("", "invalid_request"),
        ("token", "unsupported_response_type"),
        ("code id_token", "unsupported_response_type"),
    ] {
        let request = house.request_with(&[("response_type", value)]);
        assert_eq!(refused(&house, &request).await.as_deref(), Some(error), "{value}");
    }
}

#[tokio::test]
async fn ensure_pkce_required_and_plain_pkce_rejected() {
    let house = House::new().await;
    for change in [
        ("code_challenge", ""),
        ("code_challenge_method", "plain"),
        ("code_challenge_method", ""),
    ] {
        let error = refused(&house, &house.request_with(&[change])).await;
        assert_eq!(error.as_deref(), Some("invalid_request"), "{change:?}");
    }
}

#[tokio::test]
async fn incorrect_pkce_code_verifier_rejected_and_one_required() {
    let house = House::new().await;
    let code = house.code(&[]).await;
    let other = VERIFIER.replace('a', "b");
    for (verifier, error) in [(other.as_str(), "invalid_grant"), ("", "invalid_request")] {
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", "point-app"),
            ("code", &code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", verifier),
        ];
        let told = house.post("/oauth/token", None, &fields).await;
        assert_eq!(told.error(), (400, error), "{verifier}");
    }
}

#[tokio::test]
async fn duplicate_parameters_are_rejected() {
    let house = House::new().await;
    for name in ["state", "scope", "nonce", "code_challenge", "response_type"] {
        let mut request = house.request_with(&[("nonce", "n")]);
        let again = request.iter().find(|(known, _)| known == name).unwrap().clone();
        request.push(again);
        assert_eq!(
            refused(&house, &request).await.as_deref(),
            Some("invalid_request"),
            "{name}"
        );
    }
}

#[tokio::test]
async fn ensure_request_with_unknown_parameter_acr_values_ui_locales_display_and_login_hint_succeeds() {
    let house = House::new().await;
    for change in [
        ("extra", "foobar"),
        ("acr_values", "urn:unknown 2"),
        ("ui_locales", "se fr"),
        ("claims_locales", "se"),
        ("display", "page"),
        ("display", "popup"),
        ("login_hint", "hanako@example.jp"),
    ] {
        assert_eq!(
            refused(&house, &house.request_with(&[change])).await,
            None,
            "{change:?}"
        );
    }
}

#[tokio::test]
async fn ensure_request_without_nonce_and_with_long_nonce_or_state_succeeds() {
    let house = House::new().await;
    assert_eq!(refused(&house, &house.request()).await, None);
    for length in [64, 384, 1_000] {
        let long = "n".repeat(length);
        let request = house.request_with(&[("nonce", &long), ("state", &long)]);
        let there = house.agree(&request, AGREED).await;
        assert_eq!(parameter(&there, "state"), Some(long), "{length}");
    }
}

#[tokio::test]
async fn without_state_is_refused_as_smart_asks_of_clients() {
    let house = House::new().await;
    let error = refused(&house, &house.request_with(&[("state", "")])).await;
    assert_eq!(error.as_deref(), Some("invalid_request"));
}

#[tokio::test]
async fn prompt_none_is_answered_without_asking_the_resident() {
    let house = House::new().await;
    let silent = house.request_with(&[("prompt", "none")]);
    assert_eq!(refused(&house, &silent).await.as_deref(), Some("login_required"));
    let both = house.request_with(&[("prompt", "none login")]);
    assert_eq!(refused(&house, &both).await.as_deref(), Some("invalid_request"));
    let mut browser = house.gateway.browser();
    browser.sign_in("hanako", "/portal").await;
    let there = Url::parse(&browser.get(&link(&silent)).await.location("")).unwrap();
    assert_eq!(parameter(&there, "error").as_deref(), Some("interaction_required"));
}

#[tokio::test]
async fn unsigned_and_signed_request_object_and_request_uri_are_rejected() {
    let house = House::new().await;
    for (name, value, error) in [
        ("request", "eyJhbGciOiJub25lIn0.e30.", "request_not_supported"),
        ("request", "eyJhbGciOiJSUzI1NiJ9.e30.c2ln", "request_not_supported"),
        (
            "request_uri",
            "https://app.example/request.jwt",
            "request_uri_not_supported",
        ),
    ] {
        let request = house.request_with(&[(name, value)]);
        assert_eq!(refused(&house, &request).await.as_deref(), Some(error), "{value}");
    }
}

#[tokio::test]
async fn ensure_client_id_in_token_endpoint() {
    let house = House::new().await;
    let code = house.code(&[]).await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    assert_eq!(
        house.post("/oauth/token", None, &fields).await.error(),
        (401, "invalid_client")
    );
    let named = [&fields[..], &[("client_id", "point-app")]].concat();
    let mismatching = house.post("/oauth/token", Some("point-server:x"), &named).await;
    assert_eq!(mismatching.error(), (400, "invalid_request"));
}

#[tokio::test]
async fn ensure_other_scope_order_succeeds() {
    let house = House::new().await;
    let one = house
        .redeem(
            &house
                .code(&[("scope", "openid patient/Observation.rs offline_access")])
                .await,
        )
        .await;
    let other = house
        .redeem(
            &house
                .code(&[("scope", "offline_access patient/Observation.rs openid")])
                .await,
        )
        .await;
    assert_eq!(one.text("scope"), other.text("scope"));
}

#[tokio::test]
async fn refresh_token_of_another_client_wider_or_reused_fails() {
    let house = House::new().await;
    let first = house.redeem(&house.code(&[]).await).await;
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", "point-server"),
        ("client_secret", SECRET),
        ("refresh_token", first.text("refresh_token")),
    ];
    let by_another = house.post("/oauth/token", None, &fields).await;
    assert_eq!(by_another.error(), (400, "invalid_grant"));
    let wider = house.refresh(first.text("refresh_token"), "patient/*.rs").await;
    assert_eq!(wider.error(), (400, "invalid_scope"));
    let second = house.refresh(first.text("refresh_token"), "").await;
    let third = house.refresh(second.text("refresh_token"), "").await;
    let reused = house.refresh(first.text("refresh_token"), "").await;
    assert_eq!(reused.error(), (400, "invalid_grant"));
    assert!(!house.opens(third.text("access_token")).await);
}

#[tokio::test]
async fn after_consent_withdrawal_nothing_opens_or_refreshes() {
    let house = House::new().await;
    let first = house.redeem(&house.code(&[]).await).await;
    let store = &house.gateway.state.store;
    let own = OwnAccess::of_signed_in(house.person().await);
    let consent = store.consents(&own).await.unwrap()[0].id;
    store.withdraw_consent(&own, consent).await.unwrap();
    assert!(!house.opens(first.text("access_token")).await);
    let refreshed = house.refresh(first.text("refresh_token"), "").await;
    assert_eq!(refreshed.error(), (400, "invalid_grant"));
}

#[tokio::test]
async fn scope_profile_email_phone_address_and_all_are_no_error() {
    let house = House::new().await;
    for words in ["profile", "email", "phone", "address", "profile email phone address"] {
        let scope = format!("openid patient/Patient.r {words}");
        assert_eq!(
            refused(&house, &house.request_with(&[("scope", &scope)])).await,
            None,
            "{words}"
        );
    }
    let scope = [
        ("scope", "openid profile patient/Observation.rs"),
        ("redirect_uri", CALLBACK),
    ];
    let told = house.redeem(&house.code(&scope).await).await;
    assert!(!told.text("scope").contains("profile"));
}
