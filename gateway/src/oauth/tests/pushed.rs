//! Pushed authorization requests (RFC 9126), by the names of the OpenID Foundation's suite.

use axum::body::Body;
use axum::http::{Request, StatusCode};

use super::house::{AGREED, House, OTHER_CALLBACK, SECRET, Told, answer_of, way_back};
use crate::oauth::pushed::{PREFIX, PUSHED};
use crate::oauth::{consent, handles};

async fn push(house: &House, changes: &[(&str, &str)]) -> Told {
    let request = house.request_with(changes);
    let fields: Vec<(&str, &str)> = request
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    house.post("/oauth/par", None, &fields).await
}

fn there(client_id: &str, request_uri: &str) -> String {
    super::house::link(&[
        ("client_id".to_owned(), client_id.to_owned()),
        ("request_uri".to_owned(), request_uri.to_owned()),
    ])
}

#[tokio::test]
async fn a_pushed_request_is_answered_once_and_reused_request_uri_prior_to_completion_succeeds() {
    let house = House::new().await;
    let pushed = push(&house, &[]).await;
    assert_eq!(pushed.status, StatusCode::CREATED, "{}", pushed.body);
    assert_eq!(pushed.body["expires_in"], 60);
    let link = there("point-app", pushed.text("request_uri"));
    let mut browser = house.gateway.browser();
    browser.sign_in("hanako", "/portal").await;
    let first = browser.get(&link).await.location("");
    assert!(first.starts_with(&format!("{}?pending=", consent::PATH)), "{first}");
    let again = browser.get(&link).await.location("");
    assert_eq!(again, first, "a page may be loaded twice");
    let page = browser.get(&again).await;
    let answer = browser.post(consent::PATH, &answer_of(&page, AGREED)).await;
    assert!(way_back(&answer).as_str().contains("code="));
    assert_eq!(
        browser.get(&link).await.status,
        StatusCode::GONE,
        "attempt to reuse request_uri"
    );
}

#[tokio::test]
async fn par_attempt_to_use_request_uri_for_different_client_unknown_or_expired_ends_on_a_page() {
    let house = House::new().await;
    let pushed = push(&house, &[]).await;
    let unknown = format!("{}x", pushed.text("request_uri"));
    let state = &house.gateway.state;
    let (now, handle) = (
        state.clock.now(),
        pushed.text("request_uri").strip_prefix(PREFIX).unwrap(),
    );
    let body = state.store.pending(handles::hash(handle), PUSHED, now).await.unwrap();
    let expired = handles::hash("expired");
    state
        .store
        .save_pending(expired, PUSHED, body.unwrap(), now.plus(-1))
        .await
        .unwrap();
    for link in [
        there("point-server", pushed.text("request_uri")),
        there("point-app", &unknown),
        there("point-app", &format!("{PREFIX}expired")),
    ] {
        assert_eq!(
            house.gateway.browser().get(&link).await.status,
            StatusCode::GONE,
            "{link}"
        );
    }
}

#[tokio::test]
async fn par_attempt_invalid_http_method_and_requests_that_are_wrong_are_refused_at_once() {
    let house = House::new().await;
    let get = Request::get("/oauth/par").body(Body::empty()).unwrap();
    assert_eq!(house.send(get).await.status, StatusCode::METHOD_NOT_ALLOWED);
    for (change, error) in [
        (
            ("request_uri", "urn:ietf:params:oauth:request_uri:x"),
            "invalid_request",
        ),
        (("redirect_uri", "https://elsewhere.example/"), "invalid_request"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("response_type", "token"), "unsupported_response_type"),
        (("scope", "system/*.rs"), "invalid_scope"),
    ] {
        assert_eq!(push(&house, &[change]).await.error(), (400, error), "{change:?}");
    }
    assert_eq!(
        push(&house, &[("client_id", "nobody")]).await.error(),
        (401, "invalid_client")
    );
    let server = [("client_id", "point-server"), ("redirect_uri", OTHER_CALLBACK)];
    assert_eq!(
        push(&house, &server).await.error(),
        (401, "invalid_client"),
        "without its secret"
    );
    let secret = [server[0], server[1], ("client_secret", SECRET)];
    assert_eq!(push(&house, &secret).await.status, StatusCode::CREATED);
}
