//! The demo's residents: who they are, what they carry, and the first start that makes them.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use adapters::Input;
use adapters::checkup::synthetic::{MadeUp, document, write_package};
use adapters::synthetic::{self, Synthetic};
use consent::code::{Binding, Code};
use consent::{
    Asked, Consent, ConsentDraft, ConsentState, DataPeriod, Detail, FamilyId, Grant, HowGiven, IdentityGrant, Language,
    OwnAccess, Purpose, ScopeSet, Sources,
};
use model::checkup::{Checkup, fiscal_year};
use model::environment::{Clock as _, Randomness as _};
use model::time::MINUTE_MS;
use model::{ConsentCategory, LocalDay, Offset, PersonId, RecipientId};
use serde::{Deserialize, Serialize};
use simulators::myna_portal::CardHolder;
use store::{
    Actor, Bilingual, CodeRecord, Endpoint, Need, NewClient, NewOrganisation, NewPerson, NewRecipient, NewToken,
    NewTokens, OrganisationKind, PurposeText, Redemption, Sex, Store, Template,
};

use crate::cli::CommandError;
use crate::config::Config;
use crate::environment::{MachineClock, MachineRandomness};
use crate::import;
use crate::messages;
use crate::oauth::handles::{self, Handle};

/// The example app's client id.
pub const CLIENT: &str = "point-app";
/// Where the example app takes its answers.
pub const REDIRECT: &str = "http://127.0.0.1:9730/callback";
/// Where the example app takes messages about consents.
const MESSAGES: &str = "http://127.0.0.1:9730/messages";
/// What signs them. The demo is the same everywhere, and this guards nothing beyond it.
const MESSAGE_SECRET: &[u8; 32] = b"a-secret-of-the-demo-and-no-more";
/// Who signs in on the operators' page.
pub const OPERATOR: &str = "operator";
/// What the example app may ask for.
const SCOPES: &str =
    "launch/patient offline_access patient/Observation.rs patient/Patient.rs patient/Device.rs patient/Provenance.rs";
/// Days of data that each resident brings.
const DAYS: u32 = 90;

/// Somebody of the demo.
pub struct Resident {
    /// What they type to sign in.
    pub login: &'static str,
    /// Their password.
    pub password: &'static str,
    /// Their name.
    pub name: &'static str,
    /// As documents of checkups write it.
    kana: &'static str,
    /// What to know of their data.
    pub about: &'static str,
    born: (i32, u32, u32),
    sex: Sex,
    with_watch: bool,
    heart_rates: u32,
}

/// The demo's residents.
pub const RESIDENTS: [Resident; 3] = [
    Resident {
        login: "hanako",
        password: "hanako-demo",
        name: "山田 花子",
        kana: "ヤマダハナコ",
        about: "a telephone and a watch that overlap",
        born: (1958, 4, 12),
        sex: Sex::Female,
        with_watch: true,
        heart_rates: 250,
    },
    Resident {
        login: "kenichi",
        password: "kenichi-demo",
        name: "佐藤 健一",
        kana: "サトウケンイチ",
        about: "a telephone only",
        born: (1971, 11, 3),
        sex: Sex::Male,
        with_watch: false,
        heart_rates: 0,
    },
    Resident {
        login: "misaki",
        password: "misaki-demo",
        name: "鈴木 美咲",
        kana: "スズキミサキ",
        about: "a watch worn day and night",
        born: (1990, 7, 25),
        sex: Sex::Female,
        with_watch: true,
        heart_rates: 500,
    },
];

/// What the demo starts with.
pub struct Demo {
    /// The residents' numbers, in their order.
    pub people: Vec<PersonId>,
    /// The example app.
    pub recipient: RecipientId,
    /// What signs messages to the example app, as it is told.
    pub message_secret: String,
    /// A token of the example app under the first resident's consent; `None` once they withdrew.
    pub access_token: Option<String>,
    /// A token of a phone of each resident, in their order.
    pub push_tokens: Vec<String>,
}

/// What the demo's phones call themselves.
const PHONE: &str = "デモのスマホ";

/// What the first start made, kept beside the data.
#[derive(Default, Serialize, Deserialize)]
struct Made {
    people: Vec<u32>,
    imported: bool,
    recipient: Option<u32>,
    consented: bool,
}

fn note(config: &Config) -> PathBuf {
    config.data.folder.join("demo.json")
}

fn keep(config: &Config, made: &Made) -> Result<(), CommandError> {
    std::fs::write(note(config), serde_json::to_vec(made)?)?;
    Ok(())
}

/// Makes whatever an earlier start has not made yet.
///
/// # Errors
/// What the store and the adapter answer.
pub async fn ready(store: &Store, config: &Config) -> Result<Demo, CommandError> {
    let mut made: Made = match std::fs::read(note(config)) {
        Ok(text) => serde_json::from_slice(&text)?,
        Err(_) => Made::default(),
    };
    while let Some(resident) = RESIDENTS.get(made.people.len()) {
        let city = city(store).await?;
        let (year, month, day) = resident.born;
        let person = store
            .create_person(NewPerson {
                name: Some(resident.name.to_owned()),
                birth_date: LocalDay::from_ymd(year, month, day),
                sex: Some(resident.sex),
                organisation: Some(city),
                ..NewPerson::default()
            })
            .await?;
        made.people.push(person.0);
        keep(config, &made)?;
    }
    let people: Vec<PersonId> = made.people.iter().copied().map(PersonId).collect();
    for (resident, person) in RESIDENTS.iter().zip(&people) {
        store
            .link_identity(*person, &super::issuer(config), resident.login)
            .await?;
    }
    if !made.imported {
        for (resident, person) in RESIDENTS.iter().zip(&people) {
            bring(store, resident, *person).await?;
        }
        made.imported = true;
        keep(config, &made)?;
    }
    let recipient = match made.recipient {
        Some(recipient) => RecipientId(recipient),
        None => {
            let recipient = register(store).await?;
            made.recipient = Some(recipient.0);
            keep(config, &made)?;
            recipient
        }
    };
    if store.operators().await?.is_empty() {
        let city = city(store).await?;
        store
            .create_operator(city, "窓口 担当", &super::issuer(config), OPERATOR)
            .await?;
        let endpoint = Endpoint {
            url: MESSAGES.to_owned(),
            secret: MESSAGE_SECRET.to_vec(),
        };
        store.set_endpoint(recipient, endpoint, Actor::Gateway).await?;
    }
    let person = people.first().copied().ok_or("the demo has no residents")?;
    if !made.consented {
        store.give_consent(draft(config, person, recipient)?).await?;
        made.consented = true;
        keep(config, &made)?;
    }
    let consents = store.person_consents(person).await?;
    let active = consents
        .consents()
        .iter()
        .find(|consent| consent.recipient == recipient && consent.state == ConsentState::Active);
    let access_token = match active {
        Some(consent) => Some(token(store, consent).await?),
        None => None,
    };
    let mut push_tokens = Vec::new();
    for person in &people {
        push_tokens.push(phone(store, *person).await?);
    }
    Ok(Demo {
        push_tokens,
        message_secret: messages::secret_text(MESSAGE_SECRET),
        people,
        recipient,
        access_token,
    })
}

/// Pairs a phone that pushes for a resident, in the place of that of an earlier start: what it was given is kept nowhere.
async fn phone(store: &Store, person: PersonId) -> Result<String, CommandError> {
    let own = OwnAccess::of_signed_in(person);
    for earlier in store.companions(&own).await? {
        if earlier.ended.is_none() && earlier.name == PHONE {
            store.end_companion(&own, earlier.id).await?;
        }
    }
    let (code, token) = (Handle::new(&MachineRandomness), Handle::new(&MachineRandomness));
    let until = MachineClock.now().plus(MINUTE_MS);
    store.begin_pairing(&own, code.hash, until).await?;
    let paired = store.pair(code.hash, token.hash, PHONE.to_owned()).await?;
    paired
        .map(|_| token.text)
        .ok_or_else(|| "the demo's phone could not be paired".into())
}

async fn city(store: &Store) -> Result<model::OrganisationId, CommandError> {
    Ok(match store.organisations().await?.first() {
        Some(first) => first.id,
        None => {
            let city = NewOrganisation {
                name: "みどり市".to_owned(),
                kind: OrganisationKind::Municipality,
            };
            store.create_organisation(city).await?
        }
    })
}

/// Generates a resident's export and imports it as any other file.
async fn bring(store: &Store, resident: &Resident, person: PersonId) -> Result<(), CommandError> {
    let today = MachineClock.now().local_day(Offset::JAPAN_ASSUMED);
    let wanted = Synthetic {
        seed: u64::from(resident.born.0.unsigned_abs()),
        first_day: today.plus(-(DAYS as i32)),
        days: DAYS,
        exported: None,
        heart_rates: resident.heart_rates,
        with_watch: resident.with_watch,
        unsorted: false,
    };
    let checkups = checkups(resident, today);
    let store = store.clone();
    tokio::task::spawn_blocking(move || -> Result<(), CommandError> {
        let mut archive = Vec::new();
        synthetic::write_zip(&mut archive, &wanted)?;
        let files = std::iter::once(archive).chain(checkups.iter().map(|checkup| document(checkup).into_bytes()));
        for file in files {
            let input = Input {
                bytes: &file.as_slice(),
                size: file.len() as u64,
            };
            let adapter = adapters::recognise(&input)?;
            import::run(&store, person, adapter, &input)?;
        }
        Ok(())
    })
    .await?
}

/// Ten years of a resident's checkups.
fn checkups(resident: &Resident, today: LocalDay) -> Vec<Checkup> {
    let last = fiscal_year(today) - 1;
    checkups_of(resident, last - 9..=last)
}

/// Who may show their card at the demo's portal, which knows of the last five years, this one among them.
///
/// # Errors
/// What packing their documents answers.
pub fn card_holders() -> std::io::Result<Vec<CardHolder>> {
    let today = MachineClock.now().local_day(Offset::JAPAN_ASSUMED);
    let this = fiscal_year(today);
    let holder = |resident: &Resident| {
        let (year, month, day) = resident.born;
        let mut file = Vec::new();
        let five = checkups_of(resident, this - 4..=this).into_iter();
        write_package(&mut file, five.filter(|checkup| checkup.day <= today))?;
        Ok(CardHolder {
            name: resident.name.to_owned(),
            birth: format!("{year:04}{month:02}{day:02}"),
            gender: (resident.sex as u8).to_string(),
            file,
        })
    };
    RESIDENTS.iter().map(holder).collect()
}

/// A resident's checkups: a specific health checkup from the year in which they are 40, at work before.
fn checkups_of(resident: &Resident, years: RangeInclusive<i32>) -> Vec<Checkup> {
    let (year, month, day) = resident.born;
    let made = MadeUp::of(u64::from(year.unsigned_abs())).known_as(
        resident.kana,
        LocalDay::from_ymd(year, month, day),
        Some(resident.sex as u8),
    );
    let made = years.map(|of| {
        let mut checkup = made.checkup(of);
        if of + 1 - year < 40 {
            "030".clone_into(&mut checkup.programme);
        }
        checkup
    });
    made.collect()
}

async fn register(store: &Store) -> Result<RecipientId, CommandError> {
    let company = NewOrganisation {
        name: "みどり健康サービス".to_owned(),
        kind: OrganisationKind::Company,
    };
    let text = Bilingual {
        ja: "歩数などに応じて健康ポイントを付けるため".to_owned(),
        en: "To give health points for steps and the like".to_owned(),
    };
    let organisation = store.create_organisation(company).await?;
    let recipient = store
        .create_recipient(NewRecipient {
            organisation,
            name_ja: "みどり健康ポイント".to_owned(),
            name_en: "Midori Health Points".to_owned(),
            purposes: vec![PurposeText {
                purpose: Purpose::new("health-points")?,
                ja: text.ja.clone(),
                en: text.en.clone(),
            }],
            state: store::RegistrationState::Approved,
            ..NewRecipient::default()
        })
        .await?;
    store
        .create_client(NewClient {
            client_id: CLIENT.to_owned(),
            recipient,
            name: "みどり健康ポイント".to_owned(),
            secret_hash: None,
            keys: None,
            redirect_uris: vec![REDIRECT.to_owned()],
            launch_url: None,
            state: store::RegistrationState::Approved,
            ..NewClient::default()
        })
        .await?;
    let purpose = Purpose::new("health-points")?;
    store
        .set_template(recipient, &purpose, text, template(), false, Actor::CommandLine)
        .await?;
    Ok(recipient)
}

/// How the example app asks.
fn template() -> Template {
    let both = |ja: &str, en: &str| Bilingual {
        ja: ja.to_owned(),
        en: en.to_owned(),
    };
    Template {
        links_with: None,
        needs: vec![Need {
            category: ConsentCategory::Activity.key().to_owned(),
            needed: true,
            reason: both("歩数でポイントを計算します", "your steps decide your points"),
        }],
        not_for: both("広告、保険の審査", "advertising, insurance decisions"),
        afterwards: both(
            "すでに渡したデータは、アプリが30日以内に消します。",
            "The app deletes data already received within 30 days.",
        ),
    }
}

/// The first resident's consent to the example app: all periods, every measurement, the running day as it grows.
fn draft(config: &Config, person: PersonId, recipient: RecipientId) -> Result<ConsentDraft, CommandError> {
    let grant = |category| Grant {
        category,
        sources: Sources::All,
        period: DataPeriod::ALL,
        detail: Detail::Raw,
        running_day: true,
        expires: None,
    };
    let text = "デモのための同意: みどり健康ポイントに、すべての期間の、すべての測定値を渡します。".to_owned();
    let categories = ConsentCategory::ALL
        .into_iter()
        .filter(|category| !matches!(category, ConsentCategory::Routes | ConsentCategory::Documents));
    Ok(ConsentDraft {
        person,
        recipient,
        purpose: Purpose::new("health-points")?,
        asked: Asked::by_scopes(&ScopeSet::parse(SCOPES)?),
        grants: categories.map(grant).collect(),
        identity: IdentityGrant {
            age_band_and_sex: true,
            ..IdentityGrant::NOTHING
        },
        language: Language::Ja,
        text_hash: handles::hash(&text),
        text,
        how: HowGiven::SignedIn {
            issuer: super::issuer(config),
            assurance: None,
            acting: None,
        },
    })
}

/// An access token as the example app would get one, by a code that is redeemed at once.
async fn token(store: &Store, consent: &Consent) -> Result<String, CommandError> {
    let now = MachineClock.now();
    let (code, access) = (Handle::new(&MachineRandomness), Handle::new(&MachineRandomness));
    let (mut challenge, mut family) = ([0; 32], [0; 8]);
    MachineRandomness.fill(&mut challenge);
    MachineRandomness.fill(&mut family);
    let record = CodeRecord {
        client_id: CLIENT.to_owned(),
        redirect_uri: REDIRECT.to_owned(),
        code_challenge: challenge,
        person: consent.person,
        recipient: consent.recipient,
        consent: consent.id,
        scopes: SCOPES.to_owned(),
        nonce: None,
        signed_in: None,
        code: Code::issue(FamilyId(u64::from_le_bytes(family)), now),
    };
    store.save_code(code.hash, record).await?;
    let shown = Binding {
        client_id: CLIENT,
        redirect_uri: REDIRECT,
        code_challenge: &challenge,
    };
    let tokens = NewTokens {
        access: NewToken {
            hash: access.hash,
            expires: consent::token::TokenKind::Access.expires(now),
        },
        refresh: None,
        scopes: SCOPES.to_owned(),
    };
    match store.redeem_code(code.hash, shown, tokens, now).await? {
        Redemption::Redeemed(_) => Ok(access.text),
        other => Err(format!("the demo's token was not issued: {other:?}").into()),
    }
}
