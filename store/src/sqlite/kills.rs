//! What a kill between any two syncs leaves, of all files: the folder is copied at each such place, as a kill there would
//! leave it, and every copy must open, hold all that was acknowledged, and come to the same in the end.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use consent::{
    Asked, ConsentDraft, ConsentId, ConsentState, DataPeriod, Detail, Grant, HowGiven, IdentityGrant, Language,
    OwnAccess, Purpose, Sources,
};
use model::environment::{HandClock, SeededRandomness};
use model::{ConsentCategory, Decimal, Flags, Measured, Metric, Offset, PersonId, Sample, Source, UtcMillis, Value};

use crate::{
    Access, BatchStart, ImportReport, MasterKey, NewOrganisation, NewPerson, NewRecipient, OpenOptions,
    OrganisationKind, PurposeText, Result, Search, Store, StoreError,
};

const TEXT: &str = "渡します";
const NOON: UtcMillis = UtcMillis(1_778_382_000_000);

/// What was acknowledged before a kill.
#[derive(Clone, Debug, Default)]
struct Acknowledged {
    person: Option<PersonId>,
    samples: usize,
    consent: Option<ConsentId>,
    withdrawn: bool,
    erased: bool,
    /// The step that is under way.
    step: &'static str,
}

/// A copy of the folder, where it was taken, and what was acknowledged then.
type Taken = (PathBuf, &'static str, Acknowledged);

fn options(folder: &Path, seed: u64) -> OpenOptions {
    OpenOptions {
        folder: folder.to_owned(),
        master_key: MasterKey::new([7; 32]),
        clock: Arc::new(HandClock::at(NOON)),
        randomness: Arc::new(SeededRandomness::new(seed)),
        exclusive: true,
        size_limit: None,
    }
}

fn import(store: &Store, person: PersonId, count: i64) -> Result<ImportReport> {
    let mut import = store.begin_import(
        person,
        BatchStart {
            adapter: "test".to_owned(),
            mapping_version: 1,
        },
    )?;
    import.set_asserted(NOON)?;
    let source = import.source(&Source {
        key: "phone".to_owned(),
        name: "phone".to_owned(),
        ..Source::default()
    })?;
    for minute in 0..count {
        let start = NOON.plus(-minute * 120_000);
        import.push(vec![Sample {
            metric: Metric::STEP_COUNT,
            source,
            start,
            end: start.plus(60_000),
            offset: Offset::given(540),
            end_offset_minutes: 540,
            value: Value::Quantity(Measured::as_given(Decimal::whole(50 + minute % 40))),
            flags: Flags::default(),
            created: Sample::CREATION_UNKNOWN,
        }])?;
        if minute % 100 == 99 {
            import.checkpoint()?;
        }
    }
    import.finish()
}

async fn look(store: &Store, person: PersonId, search: Search) -> Result<usize> {
    let own = OwnAccess::of_signed_in(person);
    let search = Search {
        count: 1_000,
        now: NOON,
        ..search
    };
    Ok(store.search(Access::Own(&own), search).await?.records.len())
}

async fn samples(store: &Store, person: PersonId) -> Result<usize> {
    look(
        store,
        person,
        Search {
            raw: vec![Metric::STEP_COUNT],
            ..Search::default()
        },
    )
    .await
}

async fn days(store: &Store, person: PersonId) -> Result<usize> {
    look(
        store,
        person,
        Search {
            daily: vec![Metric::STEP_COUNT],
            ..Search::default()
        },
    )
    .await
}

async fn give(store: &Store, person: PersonId) -> Result<ConsentId> {
    let kind = OrganisationKind::Company;
    let organisation = store
        .create_organisation(NewOrganisation {
            name: "会社".to_owned(),
            kind,
        })
        .await?;
    let purpose = Purpose::new("points").expect("a purpose");
    let purposes = vec![PurposeText {
        purpose: purpose.clone(),
        ja: "点".to_owned(),
        en: "points".to_owned(),
    }];
    let new = NewRecipient {
        organisation,
        name_ja: "アプリ".to_owned(),
        name_en: "app".to_owned(),
        purposes,
        state: crate::RegistrationState::Approved,
        ..NewRecipient::default()
    };
    let recipient = store.create_recipient(new).await?;
    let grants = vec![Grant {
        category: ConsentCategory::Activity,
        sources: Sources::All,
        period: DataPeriod::ALL,
        detail: Detail::Raw,
        running_day: true,
        expires: None,
    }];
    let mut hash = [0; 32];
    hash.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, TEXT.as_bytes()).as_ref());
    let draft = ConsentDraft {
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
        text: TEXT.to_owned(),
        text_hash: hash,
        how: HowGiven::SignedIn {
            issuer: "https://id.example".to_owned(),
            assurance: None,
            acting: None,
        },
    };
    Ok(store.give_consent(draft).await?.id)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("the folder").flatten() {
        let name = entry.file_name();
        // The shared-memory file belongs to the living process; the next one makes its own.
        if !name.to_string_lossy().ends_with("-shm") && entry.path().is_file() {
            std::fs::copy(entry.path(), to.join(name)).expect("a copy");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_every_window_between_syncs_loses_nothing_that_was_acknowledged() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let copies = tempfile::tempdir().expect("a folder");
    let store = Store::open(options(folder.path(), 1)).await?;
    let acknowledged = Arc::new(Mutex::new(Acknowledged::default()));
    let taken: Arc<Mutex<Vec<Taken>>> = Arc::default();
    {
        let (from, to) = (folder.path().to_owned(), copies.path().to_owned());
        let (acknowledged, taken) = (Arc::clone(&acknowledged), Arc::clone(&taken));
        *store.database.shared().at_sync.lock().expect("the hook") = Some(Box::new(move |place| {
            let mut taken = taken.lock().expect("the copies");
            let copied = to.join(taken.len().to_string());
            copy(&from, &copied);
            taken.push((copied, place, acknowledged.lock().expect("the promises").clone()));
        }));
    }
    let set = |change: &dyn Fn(&mut Acknowledged)| change(&mut acknowledged.lock().expect("the promises"));
    set(&|now| now.step = "create");
    let person = store.create_person(NewPerson::default()).await?;
    set(&|now| (now.person, now.step) = (Some(person), "import"));
    let importing = store.clone();
    tokio::task::spawn_blocking(move || import(&importing, person, 450))
        .await
        .expect("the import")?;
    set(&|now| (now.samples, now.step) = (450, "consent"));
    let consent = give(&store, person).await?;
    set(&|now| (now.consent, now.step) = (Some(consent), "withdraw"));
    store
        .withdraw_consent(&OwnAccess::of_signed_in(person), consent)
        .await?;
    set(&|now| (now.withdrawn, now.step) = (true, "erase"));
    let whole_days = days(&store, person).await?;
    store.erase_person(person).await?;
    set(&|now| (now.erased, now.step) = (true, "done"));
    store.create_person(NewPerson::default()).await?;
    *store.database.shared().at_sync.lock().expect("the hook") = None;
    store.close().await;
    let taken = std::mem::take(&mut *taken.lock().expect("the copies"));
    let windows: std::collections::BTreeSet<(&str, &str)> =
        taken.iter().map(|(_, place, before)| (before.step, *place)).collect();
    for window in [
        ("create", "person key made"),
        ("import", "committed"),
        ("withdraw", "journal synced"),
        ("erase", "journal synced"),
        ("erase", "committed"),
    ] {
        assert!(windows.contains(&window), "{window:?} of {windows:?}");
    }
    for (number, (copied, place, before)) in taken.into_iter().enumerate() {
        let at = format!("killed in {} at {place}", before.step);
        let store = Store::open(options(&copied, 100 + number as u64)).await?;
        for finding in store.doctor().await? {
            assert!(finding.ok, "{at}: {finding:?}");
        }
        let Some(person) = before.person else { continue };
        // A step that reached the journal is carried out, acknowledged or not.
        let erased = before.erased || before.step == "erase";
        if erased {
            assert_eq!(store.person(person).await?, None, "{at}");
            assert_eq!(
                samples(&store, person).await,
                Err(StoreError::Erased { person }),
                "{at}"
            );
            store.close().await;
            continue;
        }
        assert!(store.person(person).await?.is_some(), "{at}");
        assert!(samples(&store, person).await? >= before.samples, "{at}");
        if before.withdrawn || before.step == "withdraw" {
            let consents = store.person_consents(person).await?;
            let id = before.consent.expect("a consent");
            let state = consents.consent(id).map(|consent| consent.state);
            assert_ne!(state, Some(ConsentState::Active), "{at}");
        }
        // The same import again comes to the same as one that was never cut off.
        let importing = store.clone();
        let report = tokio::task::spawn_blocking(move || import(&importing, person, 450))
            .await
            .expect("the import")?;
        assert!(report.accounting.adds_up());
        assert_eq!(samples(&store, person).await?, 450, "{at}");
        assert_eq!(days(&store, person).await?, whole_days, "{at}");
        assert_eq!(store.rebuild_totals(Some(person)).await?.changed, 0, "{at}");
        store.close().await;
    }
    Ok(())
}
