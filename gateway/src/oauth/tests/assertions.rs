//! `private_key_jwt`: the cases of a client assertion, by the names of the OpenID Foundation's suite where it has them.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair as _,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use store::NewClient;

use super::house::{House, OTHER_CALLBACK, Told, VERIFIER};
use crate::oauth::client_assertion::TYPE;

pub const CLIENT: &str = "signing-server";

/// A client with three keys in a house, and the ways it can sign.
pub struct Signer {
    pub house: House,
    p256: EncodingKey,
    p384: EncodingKey,
    rsa: EncodingKey,
}

fn elliptic(algorithm: &'static EcdsaSigningAlgorithm, curve: &str, kid: &str) -> (EncodingKey, Value) {
    let pair = EcdsaKeyPair::generate(algorithm).unwrap();
    let point = &pair.public_key().as_ref()[1..];
    let (x, y) = point.split_at(point.len() / 2);
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let public = json!({ "kty": "EC", "crv": curve, "kid": kid, "x": encode(x), "y": encode(y) });
    (EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref()), public)
}

impl Signer {
    pub async fn new() -> Self {
        let house = House::new().await;
        let (p256, public_256) = elliptic(&ECDSA_P256_SHA256_FIXED_SIGNING, "P-256", "p256");
        let (p384, public_384) = elliptic(&ECDSA_P384_SHA384_FIXED_SIGNING, "P-384", "p384");
        let (_, twin) = elliptic(&ECDSA_P256_SHA256_FIXED_SIGNING, "P-256", "twin");
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let public_rsa = json!({
            "kty": "RSA", "kid": "rsa",
            "n": encode(pair.public_key().modulus().big_endian_without_leading_zero()),
            "e": encode(pair.public_key().exponent().big_endian_without_leading_zero()),
        });
        let document = pair.as_der().unwrap();
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            STANDARD.encode(document.as_ref())
        );
        let keys = json!({ "keys": [public_256, public_384, public_rsa, twin.clone(), twin] });
        let client = NewClient {
            client_id: CLIENT.to_owned(),
            recipient: house.recipient,
            name: CLIENT.to_owned(),
            secret_hash: None,
            keys: Some(keys.to_string()),
            redirect_uris: vec![OTHER_CALLBACK.to_owned()],
            launch_url: None,
            state: store::RegistrationState::Approved,
            ..NewClient::default()
        };
        house.gateway.state.store.create_client(client).await.unwrap();
        Self {
            house,
            p256,
            p384,
            rsa: EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap(),
        }
    }

    /// Claims that are as they should be; `jti` tells them apart.
    pub fn claims(&self, jti: &str) -> Value {
        let now = self.house.gateway.state.clock.now().0 / 1_000;
        let aud = format!("{}/oauth/token", self.house.gateway.base);
        json!({ "iss": CLIENT, "sub": CLIENT, "aud": aud, "exp": now + 240, "iat": now, "jti": jti })
    }

    /// The same with one of them changed; null leaves it out.
    fn claims_with(&self, name: &str, value: Value) -> Value {
        let mut claims = self.claims(&format!("{name} {value}"));
        claims[name] = value;
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        claims
    }

    fn now(&self) -> i64 {
        self.house.gateway.state.clock.now().0 / 1_000
    }

    /// Signed with the P-256 key.
    pub fn sign(&self, claims: &Value) -> String {
        encode(&header(Algorithm::ES256, "p256"), claims, &self.p256).unwrap()
    }

    /// Asks for tokens for a code that does not exist: only who is authentic hears that.
    async fn show(&self, assertion: &str) -> Told {
        self.show_with(assertion, &[]).await
    }

    async fn show_with(&self, assertion: &str, more: &[(&str, &str)]) -> Told {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", "x"),
            ("redirect_uri", OTHER_CALLBACK),
            ("code_verifier", VERIFIER),
            ("client_assertion_type", TYPE),
            ("client_assertion", assertion),
        ];
        self.house.post("/oauth/token", None, &[&fields, more].concat()).await
    }
}

fn header(algorithm: Algorithm, kid: &str) -> Header {
    let mut header = Header::new(algorithm);
    header.kid = Some(kid.to_owned());
    header
}

const AUTHENTIC: (u16, &str) = (400, "invalid_grant");
const REFUSED: (u16, &str) = (401, "invalid_client");

#[tokio::test]
async fn a_client_signs_with_es256_es384_or_rs384_and_is_who_it_says() {
    let signer = Signer::new().await;
    for (header, key) in [
        (header(Algorithm::ES256, "p256"), &signer.p256),
        (header(Algorithm::ES384, "p384"), &signer.p384),
        (header(Algorithm::RS384, "rsa"), &signer.rsa),
    ] {
        let assertion = encode(&header, &signer.claims(&format!("{:?}", header.alg)), key).unwrap();
        assert_eq!(signer.show(&assertion).await.error(), AUTHENTIC, "{:?}", header.alg);
    }
    let code = signer
        .house
        .code(&[("client_id", CLIENT), ("redirect_uri", OTHER_CALLBACK)])
        .await;
    let assertion = signer.sign(&signer.claims("whole"));
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", OTHER_CALLBACK),
        ("code_verifier", VERIFIER),
        ("client_assertion_type", TYPE),
        ("client_assertion", &assertion),
    ];
    let told = signer.house.post("/oauth/token", None, &fields).await;
    assert!(signer.house.opens(told.text("access_token")).await);
    let revoking = [
        ("token", told.text("access_token")),
        ("client_assertion_type", TYPE),
        ("client_assertion", &signer.sign(&signer.claims("revoking"))),
    ];
    let revoked = signer.house.post("/oauth/revoke", None, &revoking).await;
    assert_eq!(revoked.status.as_u16(), 200, "{}", revoked.body);
}

#[tokio::test]
async fn token_url_as_aud_succeeds_and_so_does_the_issuer_and_nbf_8_seconds_ahead() {
    let signer = Signer::new().await;
    let issuer = json!(signer.house.gateway.base);
    for claims in [
        signer.claims("token endpoint"),
        signer.claims_with("aud", issuer),
        signer.claims_with("nbf", json!(signer.now() + 8)),
        signer.claims_with("iat", Value::Null),
    ] {
        assert_eq!(signer.show(&signer.sign(&claims)).await.error(), AUTHENTIC, "{claims}");
    }
}

#[tokio::test]
async fn ensure_client_assertion_with_exp_5_minutes_past_no_sub_wrong_aud_array_aud_or_late_nbf_fails() {
    let signer = Signer::new().await;
    let (base, now) = (&signer.house.gateway.base, signer.now());
    for (name, value) in [
        ("exp", json!(now - 300)),
        ("exp", json!(now + 400)),
        ("exp", Value::Null),
        ("sub", Value::Null),
        ("sub", json!("point-server")),
        ("iss", Value::Null),
        ("iss", json!("point-server")),
        ("aud", Value::Null),
        ("aud", json!("https://elsewhere.example/oauth/token")),
        ("aud", json!([format!("{base}/oauth/token")])),
        ("aud", json!(format!("{base}/oauth/par"))),
        ("nbf", json!(now + 60)),
        ("jti", Value::Null),
        ("jti", json!("")),
    ] {
        let claims = signer.claims_with(name, value);
        assert_eq!(signer.show(&signer.sign(&claims)).await.error(), REFUSED, "{claims}");
    }
}

#[tokio::test]
async fn same_jti_twice_fails_and_a_refused_assertion_does_not_use_it_up() {
    let signer = Signer::new().await;
    let mut early = signer.claims("once");
    early["aud"] = json!("elsewhere");
    assert_eq!(signer.show(&signer.sign(&early)).await.error(), REFUSED);
    let assertion = signer.sign(&signer.claims("once"));
    assert_eq!(signer.show(&assertion).await.error(), AUTHENTIC);
    assert_eq!(signer.show(&assertion).await.error(), REFUSED);
    let signed_again = signer.sign(&signer.claims("once"));
    assert_eq!(signer.show(&signed_again).await.error(), REFUSED);
}

#[tokio::test]
async fn with_rs256_none_hs256_unknown_kid_two_keys_with_one_kid_or_jku_fails() {
    let signer = Signer::new().await;
    let claims = |jti: &str| signer.claims(jti);
    let mut jku = header(Algorithm::ES256, "p256");
    jku.jku = Some("https://app.example/jwks.json".to_owned());
    let mut other_type = header(Algorithm::ES256, "p256");
    other_type.typ = Some("at+jwt".to_owned());
    for (name, header, key) in [
        ("RS256", header(Algorithm::RS256, "rsa"), &signer.rsa),
        ("unknown kid", header(Algorithm::ES256, "nobody's"), &signer.p256),
        ("no kid", Header::new(Algorithm::ES256), &signer.p256),
        ("two keys", header(Algorithm::ES256, "twin"), &signer.p256),
        ("kty that does not fit", header(Algorithm::ES256, "rsa"), &signer.p256),
        ("another's key", header(Algorithm::ES384, "p256"), &signer.p384),
        ("jku", jku, &signer.p256),
        ("typ", other_type, &signer.p256),
        (
            "HS256",
            header(Algorithm::HS256, "p256"),
            &EncodingKey::from_secret(b"public"),
        ),
    ] {
        let assertion = encode(&header, &claims(name), key).unwrap();
        assert_eq!(signer.show(&assertion).await.error(), REFUSED, "{name}");
    }
    let encode = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let unsigned = format!(
        "{}.{}.",
        encode(json!({ "alg": "none", "kid": "p256" })),
        encode(claims("none"))
    );
    for text in [unsigned.as_str(), "", "x", "a.b.c", "e30.e30.e30"] {
        assert_eq!(signer.show(text).await.error(), REFUSED, "{text}");
    }
}

#[tokio::test]
async fn ensure_client_assertion_in_token_endpoint_and_one_way_only() {
    let signer = Signer::new().await;
    // Missing: a client that has keys is no public client.
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", CLIENT),
        ("code", "x"),
    ];
    assert_eq!(signer.house.post("/oauth/token", None, &fields).await.error(), REFUSED);
    let assertion = |jti: &str| signer.sign(&signer.claims(jti));
    for (jti, more, error) in [
        ("named", ("client_id", CLIENT), AUTHENTIC),
        ("mismatching", ("client_id", "point-app"), REFUSED),
        ("secret too", ("client_secret", "x"), (400, "invalid_request")),
    ] {
        assert_eq!(signer.show_with(&assertion(jti), &[more]).await.error(), error, "{jti}");
    }
    let untyped = [
        ("grant_type", "authorization_code"),
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:saml2-bearer",
        ),
        ("client_assertion", &assertion("untyped")),
    ];
    assert_eq!(signer.house.post("/oauth/token", None, &untyped).await.error(), REFUSED);
}
