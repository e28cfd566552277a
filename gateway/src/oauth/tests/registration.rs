//! Apps that register by themselves, keys that they publish, and sessions that they end.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};
use store::{NewClient, RegistrationState};

use super::assertions::{CLIENT, Signer};
use super::house::{AGREED, CALLBACK, House, Told, VERIFIER, answer_of, link, parameter, way_back};
use crate::oauth::client_assertion::TYPE;

const OPEN: [(&str, &str); 1] = [("SEKISHO_REGISTRATION_ORGANISATION", "1")];

fn metadata() -> Value {
    json!({
        "client_name": "あるくポイント",
        "redirect_uris": [CALLBACK],
        "token_endpoint_auth_method": "none",
        "scope": "launch/patient offline_access patient/Observation.rs",
        "contacts": ["help@app.example"],
        "policy_uri": "https://app.example/privacy",
        "organization_name": "あるく株式会社",
        "purposes": [{"code": "points", "ja": "健康ポイントの計算", "en": "Health points"}],
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut metadata = metadata();
    metadata[name] = value;
    metadata
}

impl House {
    async fn call(&self, method: Method, path: &str, token: Option<&str>, body: &Value) -> Told {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    async fn register(&self, body: &Value) -> Told {
        self.call(Method::POST, "/oauth/register", None, body).await
    }
}

#[tokio::test]
async fn an_app_registers_waits_for_approval_and_then_works() {
    let house = House::with(&OPEN).await;
    let told = house.register(&metadata()).await;
    assert_eq!(told.status, StatusCode::CREATED, "{}", told.body);
    assert_eq!(told.text("registration_state"), "proposed");
    assert!(told.body.get("client_secret").is_none());
    let client_id = told.text("client_id").to_owned();
    let request = house.request_with(&[("client_id", &client_id)]);
    let page = house.gateway.browser().get(&link(&request)).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "not before it is approved");

    let store = &house.gateway.state.store;
    let client = store.client(&client_id).await.unwrap().unwrap();
    store
        .set_recipient_state(client.recipient, RegistrationState::Approved, store::Actor::CommandLine)
        .await
        .unwrap();
    assert_eq!(
        house.gateway.browser().get(&link(&request)).await.status,
        StatusCode::FORBIDDEN,
        "its client too"
    );
    store
        .set_client_state(&client_id, RegistrationState::Approved, store::Actor::CommandLine)
        .await
        .unwrap();
    let (mut browser, page) = house.consent_page(&request).await;
    for text in [
        "あるく株式会社",
        "help@app.example",
        "https://app.example/privacy",
        "健康ポイントの計算",
    ] {
        assert!(page.body.contains(text), "{text}");
    }
    let answer = browser
        .post(crate::oauth::consent::PATH, &answer_of(&page, AGREED))
        .await;
    let code = parameter(&way_back(&answer), "code").unwrap();
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", client_id.as_str()),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let tokens = house.post("/oauth/token", None, &fields).await;
    // Its ceiling leaves the Patient out, which the request asked for.
    assert!(
        !tokens.text("scope").contains("Patient") && tokens.text("scope").contains("Observation"),
        "{}",
        tokens.body
    );
}

#[tokio::test]
async fn what_cannot_be_registered_says_why() {
    let house = House::with(&OPEN).await;
    for (body, error) in [
        (json!([]), "invalid_client_metadata"),
        (with("redirect_uris", json!([])), "invalid_redirect_uri"),
        (
            with("redirect_uris", json!(["http://app.example/cb"])),
            "invalid_redirect_uri",
        ),
        (
            with("redirect_uris", json!(["javascript:alert(1)"])),
            "invalid_redirect_uri",
        ),
        (
            with("redirect_uris", json!(["https://app.example/cb#x"])),
            "invalid_redirect_uri",
        ),
        (
            with("redirect_uris", json!(["https://u:p@app.example/"])),
            "invalid_redirect_uri",
        ),
        (with("client_name", json!("")), "invalid_client_metadata"),
        (with("client_name", json!("x".repeat(301))), "invalid_client_metadata"),
        (with("scope", json!("patient/Encounter.rs")), "invalid_client_metadata"),
        (
            with("token_endpoint_auth_method", json!("tls_client_auth")),
            "invalid_client_metadata",
        ),
        (
            with("token_endpoint_auth_method", json!("private_key_jwt")),
            "invalid_client_metadata",
        ),
        (
            with("jwks_uri", json!("https://app.example/jwks")),
            "invalid_client_metadata",
        ),
        (with("grant_types", json!(["implicit"])), "invalid_client_metadata"),
        (
            with("sector_identifier_uri", json!("https://x.example")),
            "invalid_client_metadata",
        ),
        (with("software_statement", json!("x")), "unapproved_software_statement"),
        (
            with("purposes", json!([{"code": "A B", "ja": "x", "en": "x"}])),
            "invalid_client_metadata",
        ),
        (with("policy_uri", json!("javascript:1")), "invalid_client_metadata"),
    ] {
        let told = house.register(&body).await;
        assert_eq!(told.error(), (400, error), "{body}");
    }
    let native = with(
        "redirect_uris",
        json!(["jp.example.points:/cb", "http://127.0.0.1:9000/cb"]),
    );
    assert_eq!(house.register(&native).await.status, StatusCode::CREATED);
    let closed = House::new().await;
    assert_eq!(closed.register(&metadata()).await.error(), (403, "access_denied"));
}

#[tokio::test]
async fn a_registration_is_managed_with_its_own_token_only() {
    let house = House::with(&OPEN).await;
    let told = house
        .register(&with("token_endpoint_auth_method", json!("client_secret_basic")))
        .await;
    let (client_id, secret) = (told.text("client_id").to_owned(), told.text("client_secret").to_owned());
    assert_eq!(told.body["client_secret_expires_at"], 0);
    let token = told.text("registration_access_token").to_owned();
    let other = house
        .register(&metadata())
        .await
        .text("registration_access_token")
        .to_owned();
    let path = format!("/oauth/register/{client_id}");
    for wrong in [None, Some("x"), Some(other.as_str())] {
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let told = house.call(method, &path, wrong, &metadata()).await;
            assert_eq!(told.status, StatusCode::UNAUTHORIZED);
        }
    }
    let store = &house.gateway.state.store;
    let recipient = store.client(&client_id).await.unwrap().unwrap().recipient;
    store
        .set_recipient_state(recipient, RegistrationState::Approved, store::Actor::CommandLine)
        .await
        .unwrap();
    store
        .set_client_state(&client_id, RegistrationState::Approved, store::Actor::CommandLine)
        .await
        .unwrap();
    let read = house.call(Method::GET, &path, Some(&token), &Value::Null).await;
    assert_eq!(read.text("registration_state"), "approved");
    assert!(read.body.get("client_secret").is_none(), "a secret is shown once");

    let mut same = with("token_endpoint_auth_method", json!("client_secret_basic"));
    same["client_id"] = json!(client_id);
    same["client_secret"] = json!(secret);
    let kept = house.call(Method::PUT, &path, Some(&token), &same).await;
    assert_eq!(kept.text("registration_state"), "approved", "{}", kept.body);
    for (name, value) in [
        ("client_id", json!("another")),
        ("client_secret", json!("guessed")),
        ("registration_access_token", json!(token)),
        ("token_endpoint_auth_method", json!("none")),
    ] {
        let mut wrong = same.clone();
        wrong[name] = value;
        let told = house.call(Method::PUT, &path, Some(&token), &wrong).await;
        assert_eq!(told.error(), (400, "invalid_client_metadata"), "{name}");
    }
    let mut moved = same.clone();
    moved["redirect_uris"] = json!(["https://elsewhere.example/cb"]);
    let waits = house.call(Method::PUT, &path, Some(&token), &moved).await;
    assert_eq!(
        waits.text("registration_state"),
        "proposed",
        "another address is approved anew"
    );

    assert_eq!(
        house
            .call(Method::DELETE, &path, Some(&token), &Value::Null)
            .await
            .status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        house.call(Method::GET, &path, Some(&token), &Value::Null).await.status,
        StatusCode::UNAUTHORIZED
    );
}

/// Serves a key set, and counts how often it is asked.
async fn publish(keys: Arc<Mutex<Value>>) -> (String, Arc<AtomicU32>) {
    let asked = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&asked);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/jwks", listener.local_addr().unwrap());
    let routes = axum::Router::new().route(
        "/jwks",
        axum::routing::get(move || {
            counter.fetch_add(1, Ordering::SeqCst);
            let keys = keys.lock().unwrap().clone();
            async move { axum::Json(keys) }
        }),
    );
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (uri, asked)
}

#[tokio::test]
async fn a_client_is_known_by_the_keys_that_it_publishes() {
    let signer = Signer::new().await;
    let store = &signer.house.gateway.state.store;
    let registered = store.client(CLIENT).await.unwrap().unwrap();
    let keys: Value = serde_json::from_str(registered.keys.as_deref().unwrap()).unwrap();
    let published = Arc::new(Mutex::new(keys));
    let (uri, asked) = publish(Arc::clone(&published)).await;
    let client = NewClient {
        client_id: CLIENT.to_owned(),
        recipient: registered.recipient,
        name: registered.name.clone(),
        jwks_uri: Some(uri),
        state: RegistrationState::Approved,
        ..NewClient::default()
    };
    store.replace_client(CLIENT, Some(client)).await.unwrap();
    let ask = async |jti: &str| {
        let assertion = signer.sign(&signer.claims(jti));
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", TYPE),
            ("client_assertion", &assertion),
            ("scope", "system/*.rs"),
        ];
        signer.house.post("/oauth/token", None, &fields).await.status
    };
    for jti in ["1", "2", "3"] {
        assert_eq!(ask(jti).await, StatusCode::OK);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1, "kept for a while");
    *published.lock().unwrap() = json!({"keys": []});
    assert_eq!(ask("4").await, StatusCode::OK, "what was fetched is good for a while");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_logout_with_our_id_token_ends_the_session_and_goes_back_to_a_registered_address_only() {
    let house = House::new().await;
    let request = house.request_with(&[("scope", "openid launch/patient patient/Observation.rs")]);
    let (mut browser, page) = house.consent_page(&request).await;
    let answer = browser
        .post(crate::oauth::consent::PATH, &answer_of(&page, AGREED))
        .await;
    let code = parameter(&way_back(&answer), "code").unwrap();
    let token = house.redeem(&code).await.text("id_token").to_owned();
    let at = |parameters: &[(&str, &str)]| {
        let query = oauth2::url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(parameters)
            .finish();
        format!("/oauth/end-session?{query}")
    };
    let modified = format!("{}x", token);
    for (parameters, status) in [
        (vec![("id_token_hint", "x")], StatusCode::BAD_REQUEST),
        (vec![("id_token_hint", modified.as_str())], StatusCode::BAD_REQUEST),
        (
            vec![("id_token_hint", token.as_str()), ("client_id", "point-server")],
            StatusCode::BAD_REQUEST,
        ),
        (vec![("post_logout_redirect_uri", CALLBACK)], StatusCode::BAD_REQUEST),
        (
            vec![
                ("id_token_hint", token.as_str()),
                ("post_logout_redirect_uri", "https://evil.example/"),
            ],
            StatusCode::BAD_REQUEST,
        ),
        (
            vec![
                ("id_token_hint", token.as_str()),
                ("post_logout_redirect_uri", "https://app.example/callback?x=1"),
            ],
            StatusCode::BAD_REQUEST,
        ),
        (vec![], StatusCode::OK),
        (vec![("state", "s")], StatusCode::OK),
        (
            vec![("client_id", "point-app"), ("post_logout_redirect_uri", CALLBACK)],
            StatusCode::OK,
        ),
    ] {
        let answer = browser.get(&at(&parameters)).await;
        assert_eq!(answer.status, status, "{parameters:?}");
        assert!(
            browser.get("/portal").await.status == StatusCode::OK,
            "{parameters:?}: still signed in"
        );
    }
    let good = [
        ("id_token_hint", token.as_str()),
        ("post_logout_redirect_uri", CALLBACK),
        ("state", "a b"),
    ];
    let there = browser.get(&at(&good)).await.location("");
    assert_eq!(there, format!("{CALLBACK}?state=a+b"));
    assert_eq!(browser.get("/portal").await.status, StatusCode::SEE_OTHER, "signed out");
}
