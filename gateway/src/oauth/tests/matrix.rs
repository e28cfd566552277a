//! Every route of the authorization server crossed with who calls it and with the state of the consent whose code and tokens are
//! shown. What a cell answers is written down by rule; a route without its row fails.

use axum::body::Body;
use axum::http::{Method, Request, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use consent::{ConsentDraft, OwnAccess, Purpose};
use oauth2::url::form_urlencoded;
use store::{Actor, NewClient, NewRecipient, PurposeText, RegistrationState};

use super::house::{CALLBACK, House, SECRET, VERIFIER};

const DECLARED: &str = include_str!("../mod.rs");

/// What a route is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Public metadata: the same for everybody.
    Metadata,
    /// A client shows what it holds.
    Client(Shown),
    /// A registration is managed with its own token.
    Registration,
    /// Anybody may ask to register; nothing works before an operator approved it.
    Register,
    /// A page of the browser: without a session it gives nothing.
    Page,
}

/// What a client shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Code,
    RefreshToken,
    TokenToIntrospect,
    TokenToRevoke,
    Request,
}

use Kind::{Client, Metadata, Page, Register, Registration};

/// As declared, its method, an address, and what it is for.
const ROWS: [(&str, &str, &str, Kind); 21] = [
    (
        "\"/.well-known/smart-configuration\"",
        "get",
        "/.well-known/smart-configuration",
        Metadata,
    ),
    (
        "\"/fhir/r4/.well-known/smart-configuration\"",
        "get",
        "/fhir/r4/.well-known/smart-configuration",
        Metadata,
    ),
    (
        "\"/.well-known/oauth-authorization-server\"",
        "get",
        "/.well-known/oauth-authorization-server",
        Metadata,
    ),
    (
        "\"/.well-known/openid-configuration\"",
        "get",
        "/.well-known/openid-configuration",
        Metadata,
    ),
    ("\"/.well-known/jwks.json\"", "get", "/.well-known/jwks.json", Metadata),
    (
        "\"/oauth/introspect\"",
        "post",
        "/oauth/introspect",
        Client(Shown::TokenToIntrospect),
    ),
    ("\"/oauth/par\"", "post", "/oauth/par", Client(Shown::Request)),
    ("\"/oauth/token\"", "post", "/oauth/token", Client(Shown::Code)),
    ("\"/oauth/token\"", "post", "/oauth/token", Client(Shown::RefreshToken)),
    (
        "\"/oauth/revoke\"",
        "post",
        "/oauth/revoke",
        Client(Shown::TokenToRevoke),
    ),
    ("\"/oauth/register\"", "post", "/oauth/register", Register),
    (
        "\"/oauth/register/{client_id}\"",
        "get",
        "/oauth/register/point-app",
        Registration,
    ),
    (
        "\"/oauth/register/{client_id}\"",
        "put",
        "/oauth/register/point-app",
        Registration,
    ),
    (
        "\"/oauth/register/{client_id}\"",
        "delete",
        "/oauth/register/point-app",
        Registration,
    ),
    ("\"/oauth/authorize\"", "get", "/oauth/authorize", Page),
    ("\"/oauth/authorize\"", "post", "/oauth/authorize", Page),
    ("\"/oauth/end-session\"", "get", "/oauth/end-session", Page),
    ("\"/oauth/end-session\"", "post", "/oauth/end-session", Page),
    ("consent::PATH", "get", "/oauth/consent?pending=x", Page),
    ("consent::PATH", "post", "/oauth/consent", Page),
    // Named twice: a request whose parts are all there still needs the resident.
    ("consent::PATH", "get", "/oauth/consent", Page),
];

fn declared() -> Vec<(String, &'static str)> {
    let mut found = Vec::new();
    for rest in DECLARED.split(".route(").skip(1) {
        let (path, handlers) = rest.split_once(',').unwrap();
        let handlers = handlers.split(".route(").next().unwrap();
        let handlers = handlers.split(".layer(").next().unwrap();
        for method in ["get", "post", "put", "delete"] {
            if handlers.contains(&format!("{method}(")) {
                found.push((path.trim().to_owned(), method));
            }
        }
    }
    found
}

#[test]
fn every_route_has_its_row() {
    let declared = declared();
    assert!(declared.len() >= 18, "{declared:?}");
    for (path, method) in &declared {
        let has_row = ROWS.iter().any(|(known, of, ..)| known == path && of == method);
        assert!(has_row, "{method} {path} has no row: say by which rule it answers");
    }
    for (path, method, ..) in ROWS {
        assert!(
            declared.contains(&(path.to_owned(), method)),
            "{method} {path} is no route any more"
        );
    }
}

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asker {
    Nobody,
    /// The client that codes and tokens were issued to; it is public.
    Own,
    /// Another client of the same recipient, with its secret.
    Sibling,
    /// The same with a wrong secret.
    WrongSecret,
    /// A client of another recipient.
    Stranger,
    /// A client that an operator blocked.
    Blocked,
    /// A client id that nobody has.
    Unknown,
}

const ASKERS: [Asker; 7] = [
    Asker::Nobody,
    Asker::Own,
    Asker::Sibling,
    Asker::WrongSecret,
    Asker::Stranger,
    Asker::Blocked,
    Asker::Unknown,
];

impl Asker {
    /// Client id and secret.
    fn credentials(self) -> Option<(&'static str, Option<&'static str>)> {
        match self {
            Self::Nobody => None,
            Self::Own => Some(("point-app", None)),
            Self::Sibling => Some(("point-server", Some(SECRET))),
            Self::WrongSecret => Some(("point-server", Some("another"))),
            Self::Stranger => Some(("stranger", None)),
            Self::Blocked => Some(("blocked", None)),
            Self::Unknown => Some(("nobody-has-this", None)),
        }
    }

    fn is_a_client(self) -> bool {
        matches!(self, Self::Own | Self::Sibling | Self::Stranger)
    }
}

/// Where the consent stands that everything was issued under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Active,
    Narrowed,
    Withdrawn,
    ErasedPerson,
    BlockedRecipient,
}

const STATES: [State; 5] = [
    State::Active,
    State::Narrowed,
    State::Withdrawn,
    State::ErasedPerson,
    State::BlockedRecipient,
];

/// What a cell answers: a status, and what must or must not stand in the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    /// As a working client of its own.
    Works,
    /// `invalid_client`.
    InvalidClient,
    /// `invalid_grant`.
    InvalidGrant,
    /// 200, and `active` is false.
    Inactive,
    /// 200: there is nothing to end.
    Done,
}

/// The rule.
fn expected(shown: Shown, asker: Asker, state: State) -> Expected {
    // A blocked recipient's clients are no clients any more, its sibling among them.
    let is_blocked = state == State::BlockedRecipient && matches!(asker, Asker::Own | Asker::Sibling);
    if !asker.is_a_client() || is_blocked {
        return Expected::InvalidClient;
    }
    let lives = matches!(state, State::Active | State::Narrowed);
    match shown {
        Shown::Request => Expected::Works,
        Shown::Code | Shown::RefreshToken if asker == Asker::Own && lives => Expected::Works,
        Shown::Code | Shown::RefreshToken => Expected::InvalidGrant,
        Shown::TokenToIntrospect if asker == Asker::Own && lives => Expected::Works,
        Shown::TokenToIntrospect => Expected::Inactive,
        Shown::TokenToRevoke if asker == Asker::Own => Expected::Done,
        // What is gone with the person is nobody's token; what still has a row is another client's.
        Shown::TokenToRevoke if state == State::ErasedPerson => Expected::Done,
        Shown::TokenToRevoke => Expected::InvalidGrant,
    }
}

/// A house with a code that is not redeemed, and the tokens of another.
struct World {
    house: House,
    code: String,
    access: String,
    refresh: String,
}

async fn world() -> World {
    let house = House::new().await;
    let store = &house.gateway.state.store;
    let organisation = store.organisations().await.unwrap()[0].id;
    for client_id in ["stranger", "blocked"] {
        let new = NewRecipient {
            organisation,
            name_ja: client_id.to_owned(),
            name_en: client_id.to_owned(),
            purposes: vec![PurposeText {
                purpose: Purpose::new("points").unwrap(),
                ja: "健康ポイント".to_owned(),
                en: "Points".to_owned(),
            }],
            state: RegistrationState::Approved,
            ..NewRecipient::default()
        };
        let recipient = store.create_recipient(new).await.unwrap();
        let client = NewClient {
            client_id: client_id.to_owned(),
            recipient,
            name: client_id.to_owned(),
            redirect_uris: vec![CALLBACK.to_owned()],
            state: RegistrationState::Approved,
            ..NewClient::default()
        };
        store.create_client(client).await.unwrap();
        if client_id == "blocked" {
            let by = Actor::CommandLine;
            store
                .set_recipient_state(recipient, RegistrationState::Blocked, by)
                .await
                .unwrap();
        }
    }
    let tokens = house.redeem(&house.code(&[]).await).await;
    World {
        access: tokens.text("access_token").to_owned(),
        refresh: tokens.text("refresh_token").to_owned(),
        code: house.code(&[]).await,
        house,
    }
}

impl World {
    async fn bring_to(&self, state: State) {
        let (house, store) = (&self.house, &self.house.gateway.state.store);
        let person = house.person().await;
        let own = OwnAccess::of_signed_in(person);
        let consent = store.consents(&own).await.unwrap()[0].clone();
        match state {
            State::Active => {}
            State::Narrowed => {
                let grants = consent.grants[..1].to_vec();
                let narrowed = ConsentDraft {
                    person,
                    recipient: consent.recipient,
                    purpose: consent.purpose.clone(),
                    asked: consent::Asked {
                        grants: grants.clone(),
                        identity: consent.identity,
                    },
                    grants,
                    identity: consent.identity,
                    language: consent.language,
                    text: consent.text.clone(),
                    text_hash: consent.text_hash,
                    how: consent.how.clone(),
                };
                store.give_consent(narrowed).await.unwrap();
            }
            State::Withdrawn => {
                store.withdraw_consent(&own, consent.id).await.unwrap();
            }
            State::ErasedPerson => store.erase_person(person).await.unwrap(),
            State::BlockedRecipient => {
                let by = Actor::CommandLine;
                store
                    .set_recipient_state(house.recipient, RegistrationState::Blocked, by)
                    .await
                    .unwrap();
            }
        }
    }

    fn fields(&self, shown: Shown) -> Vec<(String, String)> {
        let pairs = match shown {
            Shown::Code => vec![
                ("grant_type", "authorization_code"),
                ("code", self.code.as_str()),
                ("redirect_uri", CALLBACK),
                ("code_verifier", VERIFIER),
            ],
            Shown::RefreshToken => vec![("grant_type", "refresh_token"), ("refresh_token", &self.refresh)],
            Shown::TokenToIntrospect | Shown::TokenToRevoke => vec![("token", self.access.as_str())],
            Shown::Request => {
                let request = self.house.request();
                return request.into_iter().filter(|(name, _)| name != "client_id").collect();
            }
        };
        pairs
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }
}

#[tokio::test]
async fn every_client_gets_what_the_rule_says_whatever_became_of_the_consent() {
    let mut cells = 0;
    for state in STATES {
        for (_, _, path, kind) in ROWS {
            let Client(shown) = kind else { continue };
            // What works changes something, so who may not comes first, and each row has a world of its own.
            let world = world().await;
            world.bring_to(state).await;
            let mut askers = ASKERS.to_vec();
            askers.sort_by_key(|asker| *asker == Asker::Own);
            for asker in askers {
                let mut fields = world.fields(shown);
                let mut basic = None;
                match asker.credentials() {
                    Some((client_id, Some(secret))) => {
                        let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
                        basic = Some(format!("{}:{}", encode(client_id), encode(secret)));
                        if shown == Shown::Request {
                            // The sibling's own address.
                            fields.retain(|(name, _)| name != "redirect_uri");
                            fields.push(("redirect_uri".to_owned(), super::house::OTHER_CALLBACK.to_owned()));
                        }
                    }
                    Some((client_id, None)) => fields.push(("client_id".to_owned(), client_id.to_owned())),
                    None => {}
                }
                let body = form_urlencoded::Serializer::new(String::new())
                    .extend_pairs(&fields)
                    .finish();
                let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
                if let Some(basic) = basic {
                    request = request.header(header::AUTHORIZATION, format!("Basic {}", STANDARD.encode(basic)));
                }
                let told = world.house.send(request.body(Body::from(body)).unwrap()).await;
                let (status, error) = (told.status.as_u16(), told.body["error"].as_str().unwrap_or_default());
                let active = told.body["active"].as_bool();
                let holds = match expected(shown, asker, state) {
                    Expected::Works => (200..300).contains(&status) && active != Some(false),
                    Expected::InvalidClient => error == "invalid_client" && (status == 401 || status == 400),
                    Expected::InvalidGrant => (status, error) == (400, "invalid_grant"),
                    Expected::Inactive => {
                        (status, active) == (200, Some(false)) && told.body.as_object().unwrap().len() == 1
                    }
                    Expected::Done => status == 200 && told.body.is_null(),
                };
                assert!(
                    holds,
                    "{path} with {shown:?} by {asker:?}, {state:?}: {status} {}, but {:?} by rule",
                    told.body,
                    expected(shown, asker, state)
                );
                cells += 1;
            }
        }
    }
    assert_eq!(cells, STATES.len() * ASKERS.len() * 5);
}

#[tokio::test]
async fn what_no_client_shows_is_public_or_closed() {
    let world = world().await;
    let house = &world.house;
    for (_, method, path, kind) in ROWS {
        for token in [None, Some("a-made-up-token"), Some(world.access.as_str())] {
            let mut request = Request::builder()
                .method(Method::from_bytes(method.to_uppercase().as_bytes()).unwrap())
                .uri(path)
                .header(header::CONTENT_TYPE, "application/json");
            if let Some(token) = token {
                request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
            }
            let told = house.send(request.body(Body::from("{}")).unwrap()).await;
            let status = told.status.as_u16();
            let text = told.body.to_string();
            let holds = match kind {
                Metadata => status == 200,
                Client(_) => status == 400 || status == 401,
                // Not even the client's own access token manages its registration.
                Registration => status == 401,
                // Nobody registers here by themselves.
                Register => status == 403 || status == 404,
                // No session: to sign in, or a page that says what is wrong. Never a code.
                Page => {
                    let there = told.headers.get(header::LOCATION).map(|there| there.to_str().unwrap());
                    there.is_none_or(|there| !there.contains("code=")) && status != 200
                }
            };
            assert!(holds, "{method} {path} with {token:?}: {status} {text}");
            assert!(
                !text.contains(&world.refresh) && !text.contains(&world.code),
                "{method} {path}"
            );
        }
    }
    // Nobody changed anything: the client is still there, and its code still works.
    let kept = house.gateway.state.store.client("point-app").await.unwrap();
    assert!(kept.is_some_and(|client| client.works()));
    assert!(house.opens(&world.access).await);
    assert_eq!(house.redeem(&world.code).await.status, 200);
}
