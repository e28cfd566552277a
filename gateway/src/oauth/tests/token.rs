//! Codes and refresh tokens become tokens as the RFCs say, or an error as they say.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use consent::OwnAccess;
use oauth2::url::form_urlencoded;

use super::house::{CALLBACK, House, OTHER_CALLBACK, SCOPES, SECRET, VERIFIER};

const CODE_GRANT: (&str, &str) = ("grant_type", "authorization_code");

#[tokio::test]
async fn a_code_gives_tokens_for_what_was_really_agreed() {
    let house = House::new().await;
    let told = house.redeem(&house.code(&[]).await).await;
    assert_eq!(told.status, StatusCode::OK, "{}", told.body);
    assert_eq!(told.headers[header::CACHE_CONTROL], "no-store");
    assert_eq!(told.headers[header::PRAGMA], "no-cache");
    assert_eq!(told.headers[header::CONTENT_TYPE], "application/json");
    assert_eq!(
        (told.text("token_type"), told.body["expires_in"].as_i64()),
        ("Bearer", Some(3_600))
    );
    let category = "https://sekisho.example/fhir/CodeSystem/consent-category";
    assert_eq!(
        told.text("scope"),
        format!(
            "openid offline_access launch/patient patient/Patient.r patient/Observation.rs?category={category}|activity \
             patient/Observation.rs?category={category}|sleep"
        ),
        "asked was {SCOPES}"
    );
    let ids = house.gateway.state.pairwise.of(house.recipient);
    assert_eq!(told.text("patient"), ids.patient(house.person().await));
    assert!(house.opens(told.text("access_token")).await);
}

#[tokio::test]
async fn without_offline_access_there_is_no_refresh_token() {
    let house = House::new().await;
    let told = house
        .redeem(&house.code(&[("scope", "patient/Observation.rs")]).await)
        .await;
    assert_eq!(told.status, StatusCode::OK);
    assert!(told.body.get("refresh_token").is_none());
}

#[tokio::test]
async fn a_code_that_comes_again_gives_nothing_and_ends_what_came_of_it() {
    let house = House::new().await;
    let code = house.code(&[]).await;
    let first = house.redeem(&code).await;
    assert_eq!(house.redeem(&code).await.error(), (400, "invalid_grant"));
    assert!(!house.opens(first.text("access_token")).await);
    let refreshed = house.refresh(first.text("refresh_token"), "").await;
    assert_eq!(refreshed.error(), (400, "invalid_grant"));
}

#[tokio::test]
async fn what_does_not_belong_to_the_code_gives_nothing_and_does_not_spend_it() {
    let house = House::new().await;
    let code = house.code(&[]).await;
    let other_verifier = VERIFIER.replace('a', "b");
    for (client_id, redirect_uri, verifier, error) in [
        ("point-app", OTHER_CALLBACK, VERIFIER, "invalid_grant"),
        ("point-app", "", VERIFIER, "invalid_request"),
        ("point-app", CALLBACK, other_verifier.as_str(), "invalid_grant"),
        ("point-app", CALLBACK, "", "invalid_request"),
        ("point-app", CALLBACK, "short", "invalid_request"),
    ] {
        let fields = [
            CODE_GRANT,
            ("client_id", client_id),
            ("code", &code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", verifier),
        ];
        let told = house.post("/oauth/token", None, &fields).await;
        assert_eq!(told.error(), (400, error), "{fields:?}");
    }
    let by_another = [
        CODE_GRANT,
        ("client_id", "point-server"),
        ("client_secret", SECRET),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let told = house.post("/oauth/token", None, &by_another).await;
    assert_eq!(told.error(), (400, "invalid_grant"));
    assert_eq!(house.redeem(&code).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_confidential_app_shows_its_secret_in_one_way() {
    let house = House::new().await;
    let escaped: String = form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
    let basic = format!("point-server:{escaped}");
    let request = [
        CODE_GRANT,
        ("code", "x"),
        ("redirect_uri", OTHER_CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let with = |fields: &[(&'static str, &'static str)]| [&request, fields].concat();
    let post = [("client_id", "point-server"), ("client_secret", SECRET)];
    // An unknown code is met only by a client that is who it says.
    for (basic, fields) in [(Some(basic.as_str()), with(&[])), (None, with(&post))] {
        let told = house.post("/oauth/token", basic, &fields).await;
        assert_eq!(told.error(), (400, "invalid_grant"), "{fields:?}");
    }
    let both = house.post("/oauth/token", Some(&basic), &with(&post)).await;
    assert_eq!(both.error(), (400, "invalid_request"));
    let wrong = house.post("/oauth/token", Some("point-server:wrong"), &with(&[])).await;
    assert_eq!(wrong.error(), (401, "invalid_client"));
    assert!(
        wrong.headers[header::WWW_AUTHENTICATE]
            .to_str()
            .unwrap()
            .starts_with("Basic ")
    );
    for fields in [
        with(&[("client_id", "point-server"), ("client_secret", "wrong")]),
        with(&[("client_id", "point-server")]),
        with(&[("client_id", "point-app"), ("client_secret", "wrong")]),
        with(&[("client_id", "nobody")]),
        with(&[]),
    ] {
        let told = house.post("/oauth/token", None, &fields).await;
        assert_eq!(told.error(), (401, "invalid_client"), "{fields:?}");
        assert!(!told.headers.contains_key(header::WWW_AUTHENTICATE));
    }
}

#[tokio::test]
async fn a_confidential_app_gets_its_tokens() {
    let house = House::new().await;
    let changes = [("client_id", "point-server"), ("redirect_uri", OTHER_CALLBACK)];
    let code = house.code(&changes).await;
    let escaped: String = form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
    let fields = [
        CODE_GRANT,
        ("code", &code),
        ("redirect_uri", OTHER_CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let told = house
        .post("/oauth/token", Some(&format!("point-server:{escaped}")), &fields)
        .await;
    assert_eq!(told.status, StatusCode::OK, "{}", told.body);
    // Both clients work for one recipient, which sees one id.
    let other = house.redeem(&house.code(&[]).await).await;
    assert_eq!(told.text("patient"), other.text("patient"));
}

#[tokio::test]
async fn malformed_token_requests_are_answered_as_the_rfc_says() {
    let house = House::new().await;
    let app = ("client_id", "point-app");
    for (fields, error) in [
        (vec![app], "invalid_request"),
        (vec![app, ("grant_type", "password")], "unsupported_grant_type"),
        (vec![app, ("grant_type", "client_credentials")], "unauthorized_client"),
        (vec![app, CODE_GRANT, CODE_GRANT], "invalid_request"),
        (vec![app, CODE_GRANT], "invalid_request"),
        (vec![app, ("grant_type", "refresh_token")], "invalid_request"),
        (
            vec![app, ("grant_type", "refresh_token"), ("refresh_token", "x")],
            "invalid_grant",
        ),
    ] {
        let told = house.post("/oauth/token", None, &fields).await;
        assert_eq!(told.error(), (400, error), "{fields:?}");
        assert_eq!(told.headers[header::CACHE_CONTROL], "no-store");
    }
    let json = Request::post("/oauth/token").header(header::CONTENT_TYPE, "application/json");
    let told = house.send(json.body(Body::from("{}")).unwrap()).await;
    assert_eq!(told.error(), (400, "invalid_request"));
    let told = house
        .send(Request::get("/oauth/token").body(Body::empty()).unwrap())
        .await;
    assert_eq!(told.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_refresh_rotates_and_can_ask_for_less_but_not_for_more() {
    let house = House::new().await;
    let first = house.redeem(&house.code(&[]).await).await;
    let more = house
        .refresh(first.text("refresh_token"), "patient/Observation.rs")
        .await;
    assert_eq!(more.error(), (400, "invalid_scope"));
    let less = house.refresh(first.text("refresh_token"), "patient/Patient.r").await;
    assert_eq!((less.status, less.text("scope")), (StatusCode::OK, "patient/Patient.r"));
    assert_ne!(less.text("refresh_token"), first.text("refresh_token"));
    assert!(house.opens(less.text("access_token")).await);
    assert!(
        !house.opens(first.text("access_token")).await,
        "only the latest generation lives"
    );
    // The refresh token itself keeps what was granted (RFC 6749 6).
    let again = house.refresh(less.text("refresh_token"), "").await;
    assert_eq!(again.text("scope"), first.text("scope"));
    // The first one is two generations old by now.
    assert_eq!(
        house.refresh(first.text("refresh_token"), "").await.error(),
        (400, "invalid_grant")
    );
    assert!(
        !house.opens(again.text("access_token")).await,
        "reuse ends the whole authorization"
    );
}

#[tokio::test]
async fn a_refresh_after_the_consent_was_narrowed_says_what_is_left() {
    let house = House::new().await;
    let first = house.redeem(&house.code(&[]).await).await;
    let fields = [
        ("decision", "agree"),
        ("sleep", "daily"),
        ("from", "all"),
        ("until", "withdrawn"),
    ];
    house.agree(&house.request(), &fields).await;
    let told = house.refresh(first.text("refresh_token"), "").await;
    assert_eq!(told.status, StatusCode::OK, "a new version keeps the tokens");
    assert!(told.text("scope").contains("|sleep") && !told.text("scope").contains("|activity"));
}

#[tokio::test]
async fn a_withdrawal_ends_codes_access_and_refresh() {
    let house = House::new().await;
    let first = house.redeem(&house.code(&[]).await).await;
    let code = house.code(&[]).await;
    let store = &house.gateway.state.store;
    let own = OwnAccess::of_signed_in(house.person().await);
    let consent = store.consents(&own).await.unwrap()[0].id;
    store.withdraw_consent(&own, consent).await.unwrap();
    assert!(!house.opens(first.text("access_token")).await);
    assert_eq!(
        house.refresh(first.text("refresh_token"), "").await.error(),
        (400, "invalid_grant")
    );
    assert_eq!(house.redeem(&code).await.error(), (400, "invalid_grant"));
}

#[tokio::test]
async fn an_app_ends_its_own_tokens_and_no_others() {
    let house = House::new().await;
    let first = house.redeem(&house.code(&[]).await).await;
    let revoke = async |client: &[(&str, &str)], token: &str| {
        let fields = [client, &[("token", token), ("token_type_hint", "access_token")]].concat();
        house.post("/oauth/revoke", None, &fields).await
    };
    let app = [("client_id", "point-app")];
    let server = [("client_id", "point-server"), ("client_secret", SECRET)];
    assert_eq!(revoke(&app, "unknown").await.status, StatusCode::OK);
    assert_eq!(revoke(&app, "").await.error(), (400, "invalid_request"));
    let refresh = first.text("refresh_token");
    assert_eq!(revoke(&server, refresh).await.error(), (400, "invalid_grant"));
    assert_eq!(
        revoke(&[("client_id", "nobody")], refresh).await.error(),
        (401, "invalid_client")
    );
    assert!(house.opens(first.text("access_token")).await);
    assert_eq!(revoke(&app, refresh).await.status, StatusCode::OK);
    assert!(
        !house.opens(first.text("access_token")).await,
        "with the refresh token ends what came of it"
    );
    assert_eq!(revoke(&app, refresh).await.status, StatusCode::OK);
}
