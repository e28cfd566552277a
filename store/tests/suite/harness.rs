//! A store in a folder that vanishes, a clock in the hand, and short ways to say what a test is about.

use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use consent::{
    Asked, ConsentDraft, DataPeriod, Decision, Detail, Grant, HowGiven, IdentityGrant, Language, OwnAccess, Purpose,
    Request, Sources,
};
use model::environment::Clock as _;
use model::environment::{HandClock, SeededRandomness};
use model::{ConsentCategory, LocalDay, PersonId, RecipientId, UtcMillis};
use store::{
    AccessDraft, AccessItem, AccessKind, MasterKey, NewOrganisation, NewPerson, NewRecipient, OpenOptions,
    OrganisationKind, PurposeText, Result, Store,
};
use tempfile::TempDir;

/// 2026-05-10T00:00:00+09:00, the day most tests live on.
pub const MAY_10: UtcMillis = UtcMillis(1_778_338_800_000);

/// An open store with its folder and its clock.
pub struct House {
    pub store: Store,
    pub clock: Arc<HandClock>,
    pub folder: TempDir,
    seed: u64,
}

/// How the tests open a folder.
pub fn options(folder: &Path, clock: &Arc<HandClock>, seed: u64) -> OpenOptions {
    OpenOptions {
        folder: folder.to_owned(),
        master_key: MasterKey::new([7; 32]),
        clock: Arc::new(Arc::clone(clock)),
        randomness: Arc::new(SeededRandomness::new(seed)),
        exclusive: true,
        size_limit: None,
    }
}

impl House {
    /// A new store at noon of 2026-05-20.
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let clock = Arc::new(HandClock::at(
            MAY_10.plus(10 * model::time::DAY_MS + 12 * model::time::HOUR_MS),
        ));
        let store = Store::open(options(folder.path(), &clock, 1))
            .await
            .expect("a new store");
        Self {
            store,
            clock,
            folder,
            seed: 1,
        }
    }

    /// Closes the store and opens the folder again.
    pub async fn reopen(&mut self) -> Result<()> {
        self.store.clone().close().await;
        self.seed += 1;
        self.store = Store::open(options(self.folder.path(), &self.clock, self.seed)).await?;
        Ok(())
    }

    /// A person who lives in Japan.
    pub async fn person(&self) -> PersonId {
        self.store
            .create_person(NewPerson {
                name: Some("山田 花子".to_owned()),
                ..NewPerson::default()
            })
            .await
            .expect("a person")
    }

    /// The instant now.
    pub fn now(&self) -> UtcMillis {
        self.clock.now()
    }

    /// A recipient that asks for the purposes `points` and `advice`.
    pub async fn recipient(&self) -> RecipientId {
        let organisation = self
            .store
            .create_organisation(NewOrganisation {
                name: "みどり健保".to_owned(),
                kind: OrganisationKind::Insurer,
            })
            .await
            .expect("an organisation");
        let purpose = |code: &str| PurposeText {
            purpose: Purpose::new(code).expect("a purpose"),
            ja: "健康ポイント".to_owned(),
            en: "Health points".to_owned(),
        };
        self.store
            .create_recipient(NewRecipient {
                organisation,
                name_ja: "ポイントアプリ".to_owned(),
                name_en: "Point app".to_owned(),
                purposes: vec![purpose("points"), purpose("advice")],
                state: store::RegistrationState::Approved,
                ..NewRecipient::default()
            })
            .await
            .expect("a recipient")
    }

    /// Decides as the gate does: with what the store says now.
    pub async fn decide(&self, consent: &consent::Consent) -> Result<Decision> {
        let consents = self.store.person_consents(consent.person).await?;
        let request = Request {
            person: consent.person,
            recipient: consent.recipient,
            consent: consent.id,
        };
        Ok(consent::decide(&request, &consents, self.now()))
    }
}

/// The key of a person to what is their own.
pub fn own(person: PersonId) -> OwnAccess {
    OwnAccess::of_signed_in(person)
}

/// A grant of these categories, all days, at this detail, for the purpose `points`.
pub fn draft(person: PersonId, recipient: RecipientId, categories: &[ConsentCategory], detail: Detail) -> ConsentDraft {
    let grants: Vec<Grant> = categories
        .iter()
        .map(|&category| Grant {
            category,
            sources: Sources::All,
            period: DataPeriod::ALL,
            detail,
            running_day: true,
            expires: None,
        })
        .collect();
    let text = "歩数を健康ポイントのために渡します".to_owned();
    let text_hash = digest(&SHA256, text.as_bytes()).as_ref().try_into().expect("32 bytes");
    ConsentDraft {
        person,
        recipient,
        purpose: Purpose::new("points").expect("a purpose"),
        asked: Asked {
            grants: grants.clone(),
            identity: IdentityGrant::NOTHING,
        },
        grants,
        identity: IdentityGrant::NOTHING,
        language: Language::Ja,
        text,
        text_hash,
        how: HowGiven::SignedIn {
            issuer: "https://id.example".to_owned(),
            assurance: None,
            acting: None,
        },
    }
}

/// A page of thirty days of steps.
pub fn page(request_id: &str) -> AccessDraft {
    AccessDraft {
        client_id: "point-app".to_owned(),
        what: AccessKind::Search,
        items: vec![AccessItem {
            category: ConsentCategory::Activity,
            detail: Detail::Daily,
            first_day: LocalDay(20_000),
            last_day: LocalDay(20_029),
            count: 30,
        }],
        identity: IdentityGrant {
            birth_date: true,
            ..IdentityGrant::NOTHING
        },
        reader: String::new(),
        request_id: request_id.to_owned(),
    }
}

/// What doctor says about one thing.
pub async fn finding(store: &Store, what: &str) -> store::Finding {
    let findings = store.doctor().await.expect("findings");
    findings
        .into_iter()
        .find(|finding| finding.what == what)
        .expect("a line on it")
}

/// So many cases of a property; as many as `PROPTEST_CASES` asks for, where it does.
pub fn cases(few: u32) -> proptest::test_runner::Config {
    let asked = proptest::test_runner::Config::default();
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => asked,
        None => proptest::test_runner::Config { cases: few, ..asked },
    }
}
