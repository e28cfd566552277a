//! A gateway with two registered apps, a resident's browser, and short ways to say what a test is about.

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use consent::Purpose;
use model::{PersonId, RecipientId};
use oauth2::url::{Url, form_urlencoded};
use serde_json::Value;
use store::{NewClient, NewRecipient, PurposeText};
use tower::ServiceExt as _;

use crate::oauth::{self, handles};
use crate::portal::consent_page::tests::form;
use crate::sign_in::testing::{Answer, Browser, Gateway};

/// Where the public app takes its codes.
pub const CALLBACK: &str = "https://app.example/callback";
/// Where the confidential app takes its codes: an address with a query of its own.
pub const OTHER_CALLBACK: &str = "https://server.example/callback?from=sekisho";
/// The confidential app's secret: characters that need an escape.
pub const SECRET: &str = "s+e c=r&e%t:";
/// What the apps keep to themselves.
pub const VERIFIER: &str = "a-verifier-of-more-than-forty-three-characters";
/// What the apps ask for.
pub const SCOPES: &str = "launch/patient offline_access openid patient/Observation.rs patient/Patient.r system/*.rs";

/// A running gateway with its apps.
pub struct House {
    pub gateway: Gateway,
    pub recipient: RecipientId,
}

/// What a client was answered.
pub struct Told {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Told {
    /// A text of the answer.
    pub fn text(&self, name: &str) -> &str {
        self.body[name]
            .as_str()
            .unwrap_or_else(|| panic!("{name} in {}", self.body))
    }

    /// Status and error code.
    pub fn error(&self) -> (u16, &str) {
        (self.status.as_u16(), self.text("error"))
    }
}

impl House {
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    /// With these settings besides the needed ones.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        let mut gateway = Gateway::start(settings).await;
        let routes = oauth::routes().with_state(gateway.state.clone());
        gateway.router = gateway.router.clone().merge(routes);
        let store = &gateway.state.store;
        let organisation = store.organisations().await.unwrap()[0].id;
        let purpose = |code: &str| PurposeText {
            purpose: Purpose::new(code).unwrap(),
            ja: "健康ポイント".to_owned(),
            en: "Health points".to_owned(),
        };
        let recipient = NewRecipient {
            organisation,
            name_ja: "ポイント".to_owned(),
            name_en: "Points".to_owned(),
            purposes: vec![purpose("points"), purpose("advice")],
            state: store::RegistrationState::Approved,
            ..NewRecipient::default()
        };
        let recipient = store.create_recipient(recipient).await.unwrap();
        for (client_id, redirect_uri, secret) in [
            ("point-app", CALLBACK, None),
            ("point-server", OTHER_CALLBACK, Some(SECRET)),
        ] {
            let client = NewClient {
                client_id: client_id.to_owned(),
                recipient,
                name: client_id.to_owned(),
                secret_hash: secret.map(handles::hash),
                keys: None,
                redirect_uris: vec![redirect_uri.to_owned()],
                launch_url: None,
                state: store::RegistrationState::Approved,
                ..NewClient::default()
            };
            store.create_client(client).await.unwrap();
        }
        Self { gateway, recipient }
    }

    /// The resident.
    pub async fn person(&self) -> PersonId {
        self.gateway.state.store.people(None, 1).await.unwrap()[0].id
    }

    /// The parameters of a request that is as it should be.
    pub fn request(&self) -> Vec<(String, String)> {
        let challenge = URL_SAFE_NO_PAD.encode(handles::hash(VERIFIER));
        let aud = format!("{}/fhir/r4", self.gateway.base);
        [
            ("client_id", "point-app"),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", SCOPES),
            ("state", "st&te ü"),
            ("aud", &aud),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// The same with some parameters changed; an empty value leaves one out.
    pub fn request_with(&self, changes: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut request = self.request();
        for (name, value) in changes {
            request.retain(|(known, _)| known != name);
            if !value.is_empty() {
                request.push(((*name).to_owned(), (*value).to_owned()));
            }
        }
        request
    }

    /// The consent page of this request, for a resident who signs in on the way.
    pub async fn consent_page<'a>(&'a self, request: &[(String, String)]) -> (Browser<'a>, Answer) {
        let mut browser = self.gateway.browser();
        let asked = browser.get(&link(request)).await;
        assert_eq!(asked.status, StatusCode::SEE_OTHER);
        let page = asked.location(&self.gateway.base);
        let invited = browser.get(&page).await.location(&self.gateway.base);
        assert!(
            invited.starts_with("/sign-in?return_to=%2Foauth%2Fconsent"),
            "{invited}"
        );
        let back = browser.sign_in("hanako", &page).await.location(&self.gateway.base);
        assert_eq!(back, page);
        let page = browser.get(&back).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        (browser, page)
    }

    /// Where the app is told to go after the resident agreed to these fields.
    pub async fn agree(&self, request: &[(String, String)], fields: &[(&str, &str)]) -> Url {
        let (mut browser, page) = self.consent_page(request).await;
        let answer = browser.post(oauth::consent::PATH, &answer_of(&page, fields)).await;
        way_back(&answer)
    }

    /// A code after the resident agreed to daily activity and raw sleep.
    pub async fn code(&self, changes: &[(&str, &str)]) -> String {
        let there = self.agree(&self.request_with(changes), AGREED).await;
        parameter(&there, "code").unwrap_or_else(|| panic!("no code in {there}"))
    }

    /// Posts a form to an endpoint of ours.
    pub async fn post(&self, path: &str, basic: Option<&str>, fields: &[(&str, &str)]) -> Told {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let mut request =
            Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8");
        if let Some(credentials) = basic {
            request = request.header(header::AUTHORIZATION, format!("Basic {}", STANDARD.encode(credentials)));
        }
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// Sends a request; an answer that is no JSON reads as null.
    pub async fn send(&self, request: Request<Body>) -> Told {
        let response = self.gateway.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        Told {
            status: parts.status,
            headers: parts.headers,
            body: serde_json::from_slice(&body).unwrap_or_default(),
        }
    }

    /// Redeems a code as the public app does.
    pub async fn redeem(&self, code: &str) -> Told {
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", "point-app"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        self.post("/oauth/token", None, &fields).await
    }

    /// Refreshes as the public app does.
    pub async fn refresh(&self, token: &str, scope: &str) -> Told {
        let fields = [
            ("grant_type", "refresh_token"),
            ("client_id", "point-app"),
            ("refresh_token", token),
            ("scope", scope),
        ];
        self.post("/oauth/token", None, &fields).await
    }

    /// True while an access token opens anything.
    pub async fn opens(&self, token: &str) -> bool {
        let state = &self.gateway.state;
        let record = state.store.access_token(handles::hash(token), state.clock.now()).await;
        record.unwrap().is_some()
    }
}

/// What the resident of most tests agrees to.
pub const AGREED: &[(&str, &str)] = &[
    ("decision", "agree"),
    ("activity", "daily"),
    ("sleep", "raw"),
    ("from", "all"),
    ("until", "withdrawn"),
];

/// The form of a page, with these fields filled in.
pub fn answer_of(page: &Answer, fields: &[(&str, &str)]) -> Vec<(String, String)> {
    page.hidden().into_iter().chain(form(fields)).collect()
}

/// Where the page after an answer leads: by itself, and by its link.
pub fn way_back(answer: &Answer) -> Url {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let link = answer.body.split("id=\"continue\" href=\"").nth(1);
    let link = link.unwrap_or_else(|| panic!("no way back: {}", answer.body));
    let link = link.split('"').next().unwrap().replace("&#38;", "&");
    assert!(answer.body.contains("http-equiv=\"refresh\""));
    Url::parse(&link).unwrap()
}

/// The authorization endpoint with these parameters.
pub fn link(request: &[(String, String)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(request)
        .finish();
    format!("/oauth/authorize?{query}")
}

/// A parameter of the address an app is sent to.
pub fn parameter(there: &Url, name: &str) -> Option<String> {
    let (_, value) = there.query_pairs().find(|(known, _)| known == name)?;
    Some(value.into_owned())
}
