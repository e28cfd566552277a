//! What a checked token and its decision add to a read: 10,000 persons in the store, 300 consents of the one who is asked about.
//! The figure is the difference between the last line and the first.

use std::sync::{Arc, LazyLock};

use aws_lc_rs::digest::{SHA256, digest};
use consent::code::{Binding, Code};
use consent::token::TokenKind;
use consent::{
    Asked, ConsentDraft, DataPeriod, Decision, Detail, FamilyId, Grant, HowGiven, IdentityGrant, Language, Purpose,
    Request, Sources, decide,
};
use divan::{Bencher, black_box};
use model::environment::{Clock, HandClock, SeededRandomness};
use model::{ConsentCategory, Metric, PersonId, RecipientId, UtcMillis};
use store::{
    Access, CodeRecord, HandleHash, MasterKey, NewClient, NewOrganisation, NewPerson, NewRecipient, NewToken,
    NewTokens, OpenOptions, OrganisationKind, PurposeText, RegistrationState, Search, Store,
};
use tokio::runtime::Runtime;

const PERSONS: usize = 10_000;
const CONSENTS: usize = 300;
const NOW: UtcMillis = UtcMillis(1_778_338_800_000);
const CHALLENGE: [u8; 32] = [3; 32];
const REDIRECT: &str = "https://app.example/cb";
const ACCESS: HandleHash = [9; 32];

fn main() {
    divan::main();
}

struct World {
    runtime: Runtime,
    store: Store,
    _folder: tempfile::TempDir,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let runtime = Runtime::new().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let clock: Arc<dyn Clock> = Arc::new(Arc::new(HandClock::at(NOW)));
    let store = runtime.block_on(async {
        let store = Store::open(OpenOptions {
            folder: folder.path().to_owned(),
            master_key: MasterKey::new([7; 32]),
            clock,
            randomness: Arc::new(SeededRandomness::new(1)),
            exclusive: true,
            size_limit: None,
        })
        .await
        .expect("a store");
        fill(&store).await.expect("what is measured");
        store
    });
    World {
        runtime,
        store,
        _folder: folder,
    }
});

async fn fill(store: &Store) -> store::Result<()> {
    let organisation = store
        .create_organisation(NewOrganisation {
            name: "関所市".to_owned(),
            kind: OrganisationKind::Municipality,
        })
        .await?;
    let person = store.create_person(NewPerson::default()).await?;
    let mut others = tokio::task::JoinSet::new();
    for _ in 1..PERSONS {
        let store = store.clone();
        others.spawn(async move { store.create_person(NewPerson::default()).await });
        if others.len() >= 64 {
            others.join_next().await.expect("one").expect("no panic")?;
        }
    }
    while let Some(made) = others.join_next().await {
        made.expect("no panic")?;
    }
    for number in 0..CONSENTS {
        let purpose = Purpose::new("points").expect("a purpose");
        let recipient = store
            .create_recipient(NewRecipient {
                organisation,
                name_ja: format!("アプリ{number}"),
                name_en: format!("App {number}"),
                purposes: vec![PurposeText {
                    purpose: purpose.clone(),
                    ja: "健康ポイント".to_owned(),
                    en: "Points".to_owned(),
                }],
                state: RegistrationState::Approved,
                ..NewRecipient::default()
            })
            .await?;
        let consent = store.give_consent(draft(person, recipient, purpose)).await?;
        if number == CONSENTS / 2 {
            token(store, &consent).await?;
        }
    }
    Ok(())
}

fn draft(person: PersonId, recipient: RecipientId, purpose: Purpose) -> ConsentDraft {
    let grants = vec![Grant {
        category: ConsentCategory::Activity,
        sources: Sources::All,
        period: DataPeriod::ALL,
        detail: Detail::Daily,
        running_day: true,
        expires: None,
    }];
    let text = "歩数を渡します".to_owned();
    ConsentDraft {
        person,
        recipient,
        purpose,
        asked: Asked {
            grants: grants.clone(),
            identity: IdentityGrant::NOTHING,
        },
        grants,
        identity: IdentityGrant::NOTHING,
        language: Language::Ja,
        text_hash: digest(&SHA256, text.as_bytes()).as_ref().try_into().expect("32 bytes"),
        text,
        how: HowGiven::SignedIn {
            issuer: "https://id.example".to_owned(),
            assurance: None,
            acting: None,
        },
    }
}

async fn token(store: &Store, consent: &consent::Consent) -> store::Result<()> {
    let client = NewClient {
        client_id: "app".to_owned(),
        recipient: consent.recipient,
        name: "App".to_owned(),
        redirect_uris: vec![REDIRECT.to_owned()],
        state: RegistrationState::Approved,
        ..NewClient::default()
    };
    store.create_client(client).await?;
    let record = CodeRecord {
        client_id: "app".to_owned(),
        redirect_uri: REDIRECT.to_owned(),
        code_challenge: CHALLENGE,
        person: consent.person,
        recipient: consent.recipient,
        consent: consent.id,
        scopes: "patient/Observation.rs".to_owned(),
        nonce: None,
        signed_in: None,
        code: Code::issue(FamilyId(5), NOW),
    };
    store.save_code([8; 32], record).await?;
    let shown = Binding {
        client_id: "app",
        redirect_uri: REDIRECT,
        code_challenge: &CHALLENGE,
    };
    let tokens = NewTokens {
        access: NewToken {
            hash: ACCESS,
            expires: TokenKind::Access.expires(NOW),
        },
        refresh: None,
        scopes: "patient/Observation.rs".to_owned(),
    };
    store.redeem_code([8; 32], shown, tokens, NOW).await.map(|_| ())
}

/// As the gate does it for every page.
async fn decided(store: &Store) -> Decision {
    let found = store.token_and_consents(black_box(ACCESS), NOW).await;
    let (token, consents) = found.expect("an answer").expect("a token");
    let request = Request {
        person: token.person,
        recipient: token.recipient,
        consent: token.consent,
    };
    decide(&request, &consents, NOW)
}

async fn read(store: &Store, decision: &Decision) -> usize {
    let search = Search {
        daily: Metric::from_key("step_count").into_iter().collect(),
        count: 1,
        now: NOW,
        ..Search::default()
    };
    let page = store.search(Access::Decision(decision), search).await.expect("a page");
    page.records.len()
}

#[divan::bench]
fn a_read(bencher: Bencher) {
    let decision = WORLD.runtime.block_on(decided(&WORLD.store));
    assert!(decision.gives(ConsentCategory::Activity, Detail::Daily));
    bencher.bench_local(|| WORLD.runtime.block_on(read(&WORLD.store, &decision)));
}

#[divan::bench]
fn b_token_and_decision(bencher: Bencher) {
    bencher.bench_local(|| WORLD.runtime.block_on(decided(&WORLD.store)));
}

#[divan::bench]
fn c_token_decision_and_read(bencher: Bencher) {
    bencher.bench_local(|| {
        WORLD.runtime.block_on(async {
            let decision = decided(&WORLD.store).await;
            read(&WORLD.store, &decision).await
        })
    });
}
