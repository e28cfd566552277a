use axum::body::{Body, to_bytes};
use axum::http::Request as HttpRequest;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use model::UtcMillis;
use model::environment::{HandClock, SeededRandomness};
use openidconnect::url::Url;
use tower::ServiceExt as _;

use super::*;

const ISSUER: &str = "https://ours.example/demo-idp";
const BACK: &str = "https://ours.example/sign-in/callback";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// RFC 7636, appendix B.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

struct Provider {
    router: Router<()>,
    clock: Arc<HandClock>,
}

impl Provider {
    fn new() -> Self {
        let clock = Arc::new(HandClock::at(UtcMillis(1_790_000_000_000)));
        let login = |login: &str, password: &str, sub: &str, name: &str| Login {
            login: login.to_owned(),
            password: password.to_owned(),
            sub: sub.to_owned(),
            name: name.to_owned(),
        };
        let router = routes(ProviderSetup {
            issuer: ISSUER.to_owned(),
            clients: vec![RelyingParty::public("sekisho", BACK.to_owned())],
            level: None,
            residents: vec![
                login("hanako", "right password", "sub-1", "関所 花子"),
                login("taro", "another", "sub-2", "関所 太郎"),
            ],
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            randomness: Arc::new(SeededRandomness::new(7)),
        })
        .unwrap();
        Self { router, clock }
    }

    async fn call(&self, request: HttpRequest<Body>) -> (StatusCode, HeaderMap, String) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        (parts.status, parts.headers, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn get(&self, path: &str) -> (StatusCode, HeaderMap, String) {
        self.call(HttpRequest::get(path).body(Body::empty()).unwrap()).await
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> (StatusCode, HeaderMap, String) {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let request = HttpRequest::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.call(request.body(Body::from(body)).unwrap()).await
    }

    /// Signs in and gives the code.
    async fn code(&self) -> String {
        let fields = [&request()[..], &[("login", "hanako"), ("password", "right password")]].concat();
        let (status, headers, _) = self.post("/authorize", &fields).await;
        assert_eq!(status, StatusCode::SEE_OTHER);
        let back = Url::parse(headers["location"].to_str().unwrap()).unwrap();
        let value = |name: &str| {
            back.query_pairs()
                .find(|(known, _)| known == name)
                .unwrap()
                .1
                .into_owned()
        };
        assert_eq!(
            (value("state"), value("iss")),
            ("the state".to_owned(), ISSUER.to_owned())
        );
        value("code")
    }

    async fn exchange(&self, code: &str, changed: (&str, &str)) -> (StatusCode, Value) {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", BACK),
            ("client_id", "sekisho"),
            ("code_verifier", VERIFIER),
        ]
        .map(|(name, value)| (name, if name == changed.0 { changed.1 } else { value }));
        let (status, _, body) = self.post("/token", &fields).await;
        (status, serde_json::from_str(&body).unwrap())
    }
}

fn request() -> [(&'static str, &'static str); 8] {
    [
        ("client_id", "sekisho"),
        ("redirect_uri", BACK),
        ("response_type", "code"),
        ("scope", "openid profile"),
        ("state", "the state"),
        ("nonce", "the nonce"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]
}

fn authorize(changed: (&str, &str)) -> String {
    let fields = request().map(|(name, value)| (name, if name == changed.0 { changed.1 } else { value }));
    format!(
        "/authorize?{}",
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish()
    )
}

#[tokio::test]
async fn the_right_password_gives_an_id_token_that_the_published_key_verifies() {
    let provider = Provider::new();
    let (status, answer) = provider.exchange(&provider.code().await, ("", "")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["token_type"], "Bearer");
    let (_, _, keys) = provider.get("/jwks").await;
    let keys: Value = serde_json::from_str(&keys).unwrap();
    let text = |name: &str| keys["keys"][0][name].as_str().unwrap().to_owned();
    let key = DecodingKey::from_ec_components(&text("x"), &text("y")).unwrap();
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&["sekisho"]);
    validation.set_issuer(&[ISSUER]);
    validation.validate_exp = false;
    let token = decode::<Value>(answer["id_token"].as_str().unwrap(), &key, &validation).unwrap();
    assert_eq!(token.header.kid, Some(text("kid")));
    assert_eq!(token.claims["sub"], "sub-1");
    assert_eq!(token.claims["nonce"], "the nonce");
    assert_eq!(token.claims["name"], "関所 花子");
    assert_eq!(token.claims["exp"], 1_790_000_300);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_get_the_same_words() {
    let provider = Provider::new();
    let mut pages = Vec::new();
    for (login, password) in [
        ("hanako", "another"),
        ("nobody", "right password"),
        ("hanako", ""),
        ("", ""),
    ] {
        let fields = [&request()[..], &[("login", login), ("password", password)]].concat();
        let (status, headers, page) = provider.post("/authorize", &fields).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert_eq!(headers.get("location"), None);
        assert!(page.contains("利用者の名前か、パスワードがちがいます"), "{page}");
        pages.push(page.replace(&format!("value=\"{login}\" autocomplete"), "value=\"\" autocomplete"));
    }
    pages.dedup();
    assert_eq!(pages.len(), 1);
}

#[tokio::test]
async fn a_code_without_its_verifier_gives_nothing_and_is_used_up() {
    let provider = Provider::new();
    for changed in [
        ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXX"),
        ("code_verifier", CHALLENGE),
        ("code_verifier", ""),
        ("redirect_uri", "https://ours.example/other"),
    ] {
        let code = provider.code().await;
        let (status, answer) = provider.exchange(&code, changed).await;
        assert_eq!(
            (status, answer["error"].as_str()),
            (StatusCode::BAD_REQUEST, Some("invalid_grant"))
        );
        assert_eq!(provider.exchange(&code, ("", "")).await.0, StatusCode::BAD_REQUEST);
    }
    let code = provider.code().await;
    assert_eq!(
        provider.exchange(&code, ("client_id", "x")).await.1["error"],
        "invalid_client"
    );
    assert_eq!(
        provider.exchange(&code, ("grant_type", "x")).await.1["error"],
        "unsupported_grant_type"
    );
}

#[tokio::test]
async fn a_code_works_once_and_for_sixty_seconds() {
    let provider = Provider::new();
    let code = provider.code().await;
    assert_eq!(provider.exchange(&code, ("", "")).await.0, StatusCode::OK);
    assert_eq!(provider.exchange(&code, ("", "")).await.1["error"], "invalid_grant");
    let code = provider.code().await;
    provider.clock.advance(59_999);
    assert_eq!(provider.exchange(&code, ("", "")).await.0, StatusCode::OK);
    let code = provider.code().await;
    provider.clock.advance(60_000);
    assert_eq!(provider.exchange(&code, ("", "")).await.1["error"], "invalid_grant");
}

#[tokio::test]
async fn a_request_of_another_client_or_address_stays_here_and_other_faults_go_back() {
    let provider = Provider::new();
    for changed in [
        ("client_id", "other"),
        ("redirect_uri", "https://evil.example/"),
        ("redirect_uri", ""),
    ] {
        let (status, headers, _) = provider.get(&authorize(changed)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert_eq!(headers.get("location"), None);
    }
    for (changed, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("scope", "profile"), "invalid_scope"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("code_challenge", "short"), "invalid_request"),
    ] {
        let (status, headers, _) = provider.get(&authorize(changed)).await;
        assert_eq!(status, StatusCode::SEE_OTHER);
        let back = headers["location"].to_str().unwrap();
        assert!(
            back.starts_with(&format!("{BACK}?error={error}&state=the+state")),
            "{back}"
        );
    }
}

#[tokio::test]
async fn the_login_form_speaks_the_language_that_was_asked_for_and_lets_nothing_in() {
    let provider = Provider::new();
    let (status, headers, page) = provider.get(&authorize(("", ""))).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains(" lang=\"ja\"") && page.contains("デモの本人確認"));
    assert!(
        headers["content-security-policy"]
            .to_str()
            .unwrap()
            .contains("default-src 'none'")
    );
    let (_, _, page) = provider.get(&format!("{}&ui_locales=en", authorize(("", "")))).await;
    assert!(page.contains(" lang=\"en\"") && page.contains("Sign-in of the demo"));
    let (_, _, page) = provider.get(&authorize(("state", "\"><script>"))).await;
    assert!(!page.contains("<script"), "{page}");
}

#[tokio::test]
async fn discovery_names_endpoints_under_the_issuer() {
    let (_, _, document) = Provider::new().get("/.well-known/openid-configuration").await;
    let document: Value = serde_json::from_str(&document).unwrap();
    assert_eq!(document["issuer"], ISSUER);
    for endpoint in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
        assert!(document[endpoint].as_str().unwrap().starts_with(ISSUER));
    }
}
