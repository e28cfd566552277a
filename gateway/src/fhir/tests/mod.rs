//! The FHIR face over a real store: one resident with two devices, recipients with consents of different reach.

mod answers;
mod backends;
mod batteries;
mod beyond;
mod checkup_reports;
mod checkups;
mod declared;
mod events;
mod fuzz;
mod inside;
mod insured;
mod matrix;
mod operations;
mod permissions;
mod resources;
mod searches;

use aws_lc_rs::digest;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use consent::code::{Binding, Code};
use consent::scope::ScopeSet;
use consent::token::TokenKind;
use consent::{
    Asked, Consent, ConsentDraft, DataPeriod, Detail, FamilyId, Grant, HowGiven, IdentityGrant, Language, OwnAccess,
    Purpose, Sources,
};
use model::environment::Clock;
use model::{
    ConsentCategory, Decimal, Flags, LocalDay, Measured, Metric, Offset, PersonId, RecipientId, Sample, Source,
    SourceKind, UtcMillis, Value,
};
use serde_json::Value as Json;
use store::{
    BatchStart, CodeRecord, MasterKey, NewClient, NewOrganisation, NewPerson, NewRecipient, NewToken, NewTokens,
    OpenOptions, OrganisationKind, PurposeText, Redemption, Sex, Store,
};
use tower::ServiceExt as _;

use crate::config::Config;
use crate::environment::{MachineClock, MachineRandomness};
use crate::state::AppState;

/// 2024-05-10T00:00:00+09:00.
const DAY: UtcMillis = UtcMillis(1_715_266_800_000);
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const CALLBACK: &str = "https://app.example/callback";

/// Everything that a recipient can be given scopes for.
const ALL_SCOPES: &str = "patient/*.rs";

struct World {
    state: AppState,
    router: Router,
    person: PersonId,
    _folder: tempfile::TempDir,
}

/// What came back.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Json,
}

/// What a consent gives.
struct Given<'a> {
    categories: &'a [ConsentCategory],
    detail: Detail,
    identity: IdentityGrant,
    scopes: &'a str,
    /// The first day of data.
    from: Option<LocalDay>,
    /// When it is over.
    expires: Option<UtcMillis>,
    /// Whose data it is; the world's first resident's when `None`.
    person: Option<PersonId>,
}

impl Default for Given<'_> {
    fn default() -> Self {
        Self {
            categories: &ConsentCategory::ALL,
            detail: Detail::Raw,
            identity: IdentityGrant::NOTHING,
            scopes: ALL_SCOPES,
            from: None,
            expires: None,
            person: None,
        }
    }
}

/// A token, and the consent under it.
struct Granted {
    token: String,
    consent: Consent,
    recipient: RecipientId,
}

impl World {
    /// A gateway with one resident, whose watch and telephone measured on 2024-05-10 and 2024-05-11.
    async fn new() -> Self {
        Self::by(std::sync::Arc::new(MachineClock)).await
    }

    /// As [`World::new`], by another clock.
    async fn by(clock: std::sync::Arc<dyn Clock>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sekisho.toml");
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(
            &file,
            format!(
                "[data]\nfolder = \"{}\"\nmaster_key_file = \"{}\"\nid_root_file = \"{}\"\n[http]\npublic_url = \"https://phr.example\"\n",
                path("data"),
                path("master.key"),
                path("id-root.key")
            ),
        )
        .unwrap();
        let config = Config::load(Some(&file), std::iter::empty()).unwrap();
        let store = Store::open(OpenOptions {
            folder: config.data.folder.clone(),
            master_key: MasterKey::new([3; 32]),
            clock: clock.clone(),
            randomness: std::sync::Arc::new(MachineRandomness),
            exclusive: true,
            size_limit: None,
        })
        .await
        .unwrap();
        let person = resident(&store).await;
        let state = AppState::with_clock(config, store, clock).unwrap();
        Self {
            router: super::routes().with_state(state.clone()),
            state,
            person,
            _folder: folder,
        }
    }

    /// Another resident, who measured the same at the same times.
    async fn somebody_else(&self) -> PersonId {
        resident(&self.state.store).await
    }

    /// A recipient of its own with a consent and an access token under it.
    async fn given(&self, given: Given<'_>) -> Granted {
        let store = &self.state.store;
        let organisation = store
            .create_organisation(NewOrganisation {
                name: "町".into(),
                kind: OrganisationKind::Municipality,
            })
            .await
            .unwrap();
        let purpose = Purpose::new("health-points").unwrap();
        let recipient = store
            .create_recipient(NewRecipient {
                organisation,
                name_ja: "歩数アプリ".into(),
                name_en: "Step app".into(),
                purposes: vec![PurposeText {
                    purpose: purpose.clone(),
                    ja: "健康ポイント".into(),
                    en: "Points".into(),
                }],
                state: store::RegistrationState::Approved,
                ..NewRecipient::default()
            })
            .await
            .unwrap();
        let client_id = format!("app-{}", recipient.0);
        store
            .create_client(NewClient {
                client_id: client_id.clone(),
                recipient,
                name: "Step app".into(),
                secret_hash: None,
                keys: None,
                redirect_uris: vec![CALLBACK.into()],
                launch_url: None,
                state: store::RegistrationState::Approved,
                ..NewClient::default()
            })
            .await
            .unwrap();
        let grant = |category: &ConsentCategory| Grant {
            category: *category,
            sources: Sources::All,
            period: DataPeriod {
                from: given.from,
                ..DataPeriod::ALL
            },
            detail: given.detail,
            running_day: true,
            expires: given.expires,
        };
        let text = "同意".to_owned();
        let consent = store
            .give_consent(ConsentDraft {
                person: given.person.unwrap_or(self.person),
                recipient,
                purpose,
                asked: Asked::by_scopes(&ScopeSet::parse(ALL_SCOPES).unwrap()),
                grants: given.categories.iter().map(grant).collect(),
                identity: given.identity,
                language: Language::Ja,
                text_hash: sha256(text.as_bytes()),
                text,
                how: HowGiven::SignedIn {
                    issuer: "https://idp.example".into(),
                    assurance: None,
                    acting: None,
                },
            })
            .await
            .unwrap();
        let token = self.token(&client_id, &consent, given.scopes).await;
        Granted {
            token,
            consent,
            recipient,
        }
    }

    /// The telephone states another number of steps for noon of the first day.
    async fn restate_steps(&self, count: &str) {
        let (store, person) = (self.state.store.clone(), self.person);
        let value = Value::Quantity(number(count));
        let work = move || {
            let start = BatchStart {
                adapter: "apple-health".into(),
                mapping_version: 1,
            };
            let mut import = store.begin_import(person, start).unwrap();
            let phone = Source {
                key: "p".into(),
                name: "花子のiPhone".into(),
                manufacturer: Some("Apple".into()),
                model: Some("iPhone".into()),
                hardware: None,
                copies: Vec::new(),
                kind: SourceKind::Phone,
            };
            let phone = import.source(&phone).unwrap();
            let noon = DAY.plus(12 * HOUR);
            let steps = sample(Metric::STEP_COUNT, phone, noon, 10 * MINUTE, value);
            import.push(vec![steps]).unwrap();
            import.finish().unwrap();
        };
        tokio::task::spawn_blocking(work).await.unwrap();
    }

    /// A draft of the next version of a consent.
    fn again(&self, granted: &Granted) -> ConsentDraft {
        let consent = &granted.consent;
        ConsentDraft {
            person: consent.person,
            recipient: consent.recipient,
            purpose: consent.purpose.clone(),
            asked: Asked::default(),
            grants: consent.grants.clone(),
            identity: consent.identity,
            language: consent.language,
            text: consent.text.clone(),
            text_hash: consent.text_hash,
            how: consent.how.clone(),
        }
    }

    async fn token(&self, client_id: &str, consent: &Consent, scopes: &str) -> String {
        let (store, now) = (&self.state.store, self.state.clock.now());
        let mut random = [0; 16];
        self.state.randomness.fill(&mut random);
        let handle = data_encoding::HEXLOWER.encode(&random);
        let code = sha256(format!("code {handle}").as_bytes());
        let family = FamilyId(u64::from_be_bytes(random[..8].try_into().unwrap()));
        store
            .save_code(
                code,
                CodeRecord {
                    client_id: client_id.to_owned(),
                    redirect_uri: CALLBACK.into(),
                    code_challenge: [9; 32],
                    person: consent.person,
                    recipient: consent.recipient,
                    consent: consent.id,
                    scopes: scopes.to_owned(),
                    nonce: None,
                    signed_in: None,
                    code: Code::issue(family, now),
                },
            )
            .await
            .unwrap();
        let access = NewToken {
            hash: sha256(handle.as_bytes()),
            expires: TokenKind::Access.expires(now),
        };
        let tokens = NewTokens {
            access,
            refresh: None,
            scopes: scopes.to_owned(),
        };
        let shown = Binding {
            client_id,
            redirect_uri: CALLBACK,
            code_challenge: &[9; 32],
        };
        let redeemed = store.redeem_code(code, shown, tokens, now).await.unwrap();
        assert!(matches!(redeemed, Redemption::Redeemed(_)));
        handle
    }

    /// The id of the resident for a recipient.
    fn patient(&self, granted: &Granted) -> String {
        self.state.pairwise.of(granted.recipient).patient(self.person)
    }

    fn own(&self) -> OwnAccess {
        OwnAccess::of_signed_in(self.person)
    }

    async fn get(&self, granted: &Granted, path: &str) -> Answer {
        self.send(
            request(Method::GET, path)
                .header(header::AUTHORIZATION, bearer(granted))
                .body(Body::empty()),
        )
        .await
    }

    /// A GET that must work.
    async fn found(&self, granted: &Granted, path: &str) -> Json {
        let answer = self.get(granted, path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        answer.body
    }

    async fn send(&self, request: Result<Request<Body>, axum::http::Error>) -> Answer {
        let response = self.router.clone().oneshot(request.unwrap()).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let body = if bytes.is_empty() {
            Json::Null
        } else {
            serde_json::from_slice(&bytes).unwrap()
        };
        Answer { status, headers, body }
    }

    /// Pages one after another until there is no next link.
    async fn walk(&self, granted: &Granted, path: &str) -> Vec<Json> {
        let mut pages = vec![self.found(granted, path).await];
        while let Some(next) = link(pages.last().unwrap(), "next") {
            assert!(pages.len() < 50, "a walk that does not end");
            pages.push(self.found(granted, &next).await);
        }
        pages
    }
}

fn bearer(granted: &Granted) -> String {
    format!("Bearer {}", granted.token)
}

/// A request for a path below the base, or for an address that a Bundle linked to.
fn request(method: Method, path: &str) -> axum::http::request::Builder {
    let path = path.strip_prefix("https://phr.example/fhir/r4/").unwrap_or(path);
    Request::builder().method(method).uri(format!("/fhir/r4/{path}"))
}

fn link(bundle: &Json, relation: &str) -> Option<String> {
    let links = bundle["link"].as_array()?;
    let link = links.iter().find(|link| link["relation"] == relation)?;
    Some(link["url"].as_str()?.to_owned())
}

/// The matches of a Bundle.
fn matches(bundle: &Json) -> Vec<&Json> {
    let entries = bundle["entry"].as_array().map(Vec::as_slice).unwrap_or_default();
    entries
        .iter()
        .filter(|entry| entry["search"]["mode"] == "match")
        .map(|entry| &entry["resource"])
        .collect()
}

fn ids(bundles: &[Json]) -> Vec<String> {
    bundles
        .iter()
        .flat_map(matches)
        .filter_map(|resource| resource["id"].as_str().map(str::to_owned))
        .collect()
}

/// Our own code of each match, as often as it comes.
fn codes(bundle: &Json) -> Vec<String> {
    let own = |resource: &Json| {
        let codings = resource["code"]["coding"].as_array()?;
        let own = codings
            .iter()
            .find(|coding| coding["system"] == model::vocabulary::systems::METRIC)?;
        Some(own["code"].as_str()?.to_owned())
    };
    matches(bundle).into_iter().filter_map(own).collect()
}

/// The one issue of an OperationOutcome.
fn issue(body: &Json) -> (&str, &str) {
    assert_eq!(body["resourceType"], "OperationOutcome", "{body}");
    let issue = &body["issue"][0];
    (
        issue["code"].as_str().unwrap(),
        issue["details"]["text"].as_str().unwrap(),
    )
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest::digest(&digest::SHA256, bytes).as_ref().try_into().unwrap()
}

fn number(text: &str) -> Measured {
    Measured::as_given(Decimal::parse(text.as_bytes()).unwrap())
}

fn sample(metric: Metric, source: u16, start: UtcMillis, length: i64, value: Value) -> Sample {
    Sample {
        metric,
        source,
        start,
        end: start.plus(length),
        offset: Offset::given(540),
        end_offset_minutes: 540,
        value,
        flags: Flags::default(),
        created: Sample::CREATION_UNKNOWN,
    }
}

async fn resident(store: &Store) -> PersonId {
    let person = store
        .create_person(NewPerson {
            name: Some("関所 花子".into()),
            birth_date: LocalDay::parse("1980-02-03"),
            sex: Some(Sex::Female),
            address: Some("神奈川県足柄下郡箱根町1".into()),
            home_zone: "Asia/Tokyo".into(),
            ..NewPerson::default()
        })
        .await
        .unwrap();
    measure(store.clone(), person).await;
    person
}

/// Ten heart rates and steps by watch and telephone on two days, a night, a weight typed by hand, half a blood pressure.
async fn measure(store: Store, person: PersonId) {
    let work = move || {
        let mut import = store
            .begin_import(
                person,
                BatchStart {
                    adapter: "apple-health".into(),
                    mapping_version: 1,
                },
            )
            .unwrap();
        let device = |key: &str, model: &str, kind| Source {
            key: key.into(),
            name: format!("花子の{model}"),
            manufacturer: Some("Apple".into()),
            model: Some(model.into()),
            hardware: None,
            copies: Vec::new(),
            kind,
        };
        let watch = import.source(&device("w", "Watch", SourceKind::Watch)).unwrap();
        let phone = import.source(&device("p", "iPhone", SourceKind::Phone)).unwrap();
        let mut samples = Vec::new();
        for day in 0..2 {
            let day = DAY.plus(day * 24 * HOUR);
            for beat in 0..5 {
                let rate = Value::Quantity(number(&format!("{}.0", 60 + beat)));
                samples.push(sample(
                    Metric::HEART_RATE,
                    watch,
                    day.plus(8 * HOUR + beat * MINUTE),
                    0,
                    rate,
                ));
            }
            let steps = |count: &str| Value::Quantity(number(count));
            samples.push(sample(
                Metric::STEP_COUNT,
                watch,
                day.plus(9 * HOUR),
                10 * MINUTE,
                steps("1000"),
            ));
            samples.push(sample(
                Metric::STEP_COUNT,
                phone,
                day.plus(9 * HOUR),
                10 * MINUTE,
                steps("900"),
            ));
            samples.push(sample(
                Metric::STEP_COUNT,
                phone,
                day.plus(12 * HOUR),
                10 * MINUTE,
                steps("500"),
            ));
        }
        let deep = Metric::SLEEP_STAGE;
        samples.push(sample(deep, watch, DAY.plus(-HOUR), 7 * HOUR, Value::Code(4)));
        let pressure = Value::Components(Box::new([Some(number("128")), None]));
        samples.push(sample(Metric::BLOOD_PRESSURE, phone, DAY.plus(7 * HOUR), 0, pressure));
        let mut weight = sample(
            Metric::BODY_WEIGHT,
            phone,
            DAY.plus(7 * HOUR),
            0,
            Value::Quantity(number("65.20")),
        );
        weight.flags = Flags::USER_ENTERED;
        samples.push(weight);
        import.push(samples).unwrap();
        import.finish().unwrap();
    };
    tokio::task::spawn_blocking(work).await.unwrap();
}
