//! ID tokens and introspection: who the resident is to an app, and what its token is worth.

use axum::body::Body;
use axum::http::Request;
use consent::OwnAccess;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, TokenData, Validation, decode, decode_header};
use serde_json::{Value, json};

use super::house::{House, OTHER_CALLBACK, SECRET, Told, VERIFIER};

const IDENTITY: &str = "openid fhirUser launch/patient offline_access patient/Observation.rs patient/Patient.rs";

/// An ID token as an app reads it: by what discovery says.
async fn read(house: &House, token: &str, audience: &str) -> TokenData<Value> {
    let get = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    let facts = house.send(get("/.well-known/openid-configuration")).await;
    assert_eq!(facts.body["id_token_signing_alg_values_supported"], json!(["RS256"]));
    assert_eq!(facts.body["subject_types_supported"], json!(["pairwise"]));
    let path = facts
        .text("jwks_uri")
        .strip_prefix(&house.gateway.base)
        .unwrap()
        .to_owned();
    let keys: JwkSet = serde_json::from_value(house.send(get(&path)).await.body).unwrap();
    let header = decode_header(token).unwrap();
    let key = keys.find(&header.kid.unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&[audience]);
    validation.set_issuer(&[facts.text("issuer")]);
    decode(token, &DecodingKey::from_jwk(key).unwrap(), &validation).unwrap()
}

async fn introspect(house: &House, token: &str) -> Told {
    let fields = [("client_id", "point-app"), ("token", token)];
    house.post("/oauth/introspect", None, &fields).await
}

#[tokio::test]
async fn idtoken_rs256_and_signature_name_the_resident_pairwise() {
    let house = House::new().await;
    let before = house.gateway.state.clock.now().0 / 1_000;
    let told = house
        .redeem(&house.code(&[("scope", IDENTITY), ("nonce", "n-0 ü")]).await)
        .await;
    let read = read(&house, told.text("id_token"), "point-app").await;
    assert_eq!(read.header.typ.as_deref(), Some("JWT"));
    let claims = read.claims;
    assert_eq!(claims["sub"], told.body["patient"]);
    assert_eq!(claims["nonce"], "n-0 ü");
    let user = format!("{}/fhir/r4/Patient/{}", house.gateway.base, told.text("patient"));
    assert_eq!(claims["fhirUser"], user.as_str());
    let seconds = |name: &str| claims[name].as_i64().unwrap();
    assert!((before..=before + 60).contains(&seconds("auth_time")), "{claims}");
    assert!(seconds("iat") >= seconds("auth_time") && seconds("exp") == seconds("iat") + 300);
}

#[tokio::test]
async fn an_app_that_asks_for_no_identity_is_given_none() {
    let house = House::new().await;
    let told = house
        .redeem(&house.code(&[("scope", "patient/Observation.rs")]).await)
        .await;
    assert!(told.body.get("id_token").is_none());
    // Without a nonce and without fhirUser neither is in the token.
    let told = house
        .redeem(&house.code(&[("scope", "openid fhirUser patient/Observation.rs")]).await)
        .await;
    assert!(!told.text("scope").contains("fhirUser"), "{}", told.body);
    let claims = read(&house, told.text("id_token"), "point-app").await.claims;
    assert!(
        claims.get("nonce").is_none() && claims.get("fhirUser").is_none(),
        "{claims}"
    );
}

#[tokio::test]
async fn a_token_is_introspected_by_its_own_client_only() {
    let house = House::new().await;
    let told = house.redeem(&house.code(&[("scope", IDENTITY)]).await).await;
    let access = introspect(&house, told.text("access_token")).await;
    assert_eq!(access.body["active"], true, "{}", access.body);
    for name in ["scope", "patient"] {
        assert_eq!(access.body[name], told.body[name], "{name}");
    }
    assert_eq!(access.text("client_id"), "point-app");
    assert_eq!(access.text("iss"), house.gateway.base);
    assert_eq!(access.body["sub"], told.body["patient"]);
    assert!(access.text("fhirUser").ends_with(told.text("patient")));
    let lasts = access.body["exp"].as_i64().unwrap() - house.gateway.state.clock.now().0 / 1_000;
    assert!((3_500..=3_600).contains(&lasts), "{lasts}");
    let refresh = introspect(&house, told.text("refresh_token")).await;
    assert_eq!(refresh.body["active"], true);
    let nothing = json!({ "active": false });
    assert_eq!(introspect(&house, "never issued").await.body, nothing);
    let other = [
        ("client_id", "point-server"),
        ("client_secret", SECRET),
        ("token", told.text("access_token")),
    ];
    let by_another = house.post("/oauth/introspect", None, &other).await;
    assert_eq!((by_another.status.as_u16(), by_another.body), (200, nothing));
    let unknown = [("client_id", "nobody"), ("token", told.text("access_token"))];
    assert_eq!(
        house.post("/oauth/introspect", None, &unknown).await.error(),
        (401, "invalid_client")
    );
}

#[tokio::test]
async fn what_was_refreshed_or_withdrawn_is_inactive() {
    let house = House::new().await;
    let first = house.redeem(&house.code(&[]).await).await;
    let second = house.refresh(first.text("refresh_token"), "").await;
    let nothing = json!({ "active": false });
    for name in ["access_token", "refresh_token"] {
        assert_eq!(introspect(&house, first.text(name)).await.body, nothing, "{name}");
        assert_eq!(
            introspect(&house, second.text(name)).await.body["active"],
            true,
            "{name}"
        );
    }
    let store = &house.gateway.state.store;
    let own = OwnAccess::of_signed_in(house.person().await);
    let consent = store.consents(&own).await.unwrap()[0].id;
    store.withdraw_consent(&own, consent).await.unwrap();
    for name in ["access_token", "refresh_token"] {
        assert_eq!(introspect(&house, second.text(name)).await.body, nothing, "{name}");
    }
}

#[tokio::test]
async fn an_id_token_is_for_the_client_that_redeemed_the_code() {
    let house = House::new().await;
    let changes = [
        ("client_id", "point-server"),
        ("redirect_uri", OTHER_CALLBACK),
        ("scope", IDENTITY),
    ];
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", "point-server"),
        ("client_secret", SECRET),
        ("code", &house.code(&changes).await),
        ("redirect_uri", OTHER_CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let told = house.post("/oauth/token", None, &fields).await;
    let claims = read(&house, told.text("id_token"), "point-server").await.claims;
    assert_eq!(claims["sub"], told.body["patient"]);
}
