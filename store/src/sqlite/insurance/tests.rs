use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use model::checkup::{Checkup, Subject};
use model::{LocalDay, Metric, OrganisationId, PersonId};
use rusqlite::trace::{TraceEvent, TraceEventCodes};
use rusqlite::{Connection, params};

use super::{Whose, hashes};
use crate::sqlite::database::{FILE, Snapshot};
use crate::sqlite::writer::Writing;
use crate::sqlite::{live_disk, packages};
use crate::{
    DocumentBytes, EntryOutcome, Insured, NewOrganisation, NewPerson, OrganisationKind, PackageDocument, Result, Sex,
    Store, matching,
};

const BORN: &str = "1960-02-29";

fn subject(name: &str) -> Subject {
    Subject {
        insurer: "00139999".to_owned(),
        symbol: "見本".to_owned(),
        number: "123".to_owned(),
        name: name.to_owned(),
        birth: LocalDay::parse(BORN),
        sex: Some(2),
        ..Subject::default()
    }
}

/// Without the symbol, as documents may be.
fn without_symbol(name: &str) -> Subject {
    Subject {
        symbol: String::new(),
        ..subject(name)
    }
}

fn about(entry: u32, subject: Subject, day: LocalDay) -> Result<PackageDocument> {
    let checkup = Checkup {
        subject,
        ..Checkup::declared(Metric::CHECKUP_SPECIFIC, day, day, Vec::new())
    };
    PackageDocument::new(entry, 1, Some(checkup), DocumentBytes::Plain(b"<a/>"), Vec::new())
}

/// An insurer and its members, in a folder that is opened again.
struct Insurer {
    store: Store,
    organisation: OrganisationId,
    packages: u8,
}

impl Insurer {
    async fn new(folder: &Path) -> Result<Self> {
        let (store, _) = live_disk::open(folder).await?;
        let insurer = NewOrganisation {
            name: "みほん国保".to_owned(),
            kind: OrganisationKind::Insurer,
        };
        Ok(Self {
            organisation: store.create_organisation(insurer).await?,
            store,
            packages: 0,
        })
    }

    async fn opened_again(self, folder: &Path) -> Result<Self> {
        self.store.close().await;
        let (store, _) = live_disk::open(folder).await?;
        Ok(Self { store, ..self })
    }

    async fn member(&self, subject: &Subject) -> Result<PersonId> {
        let person = NewPerson {
            birth_date: LocalDay::parse(BORN),
            sex: Some(Sex::Female),
            organisation: Some(self.organisation),
            ..NewPerson::default()
        };
        let person = self.store.create_person(person).await?;
        self.insure(person, subject).await?;
        Ok(person)
    }

    async fn insure(&self, person: PersonId, subject: &Subject) -> Result<u64> {
        let insured = Insured {
            subject: subject.clone(),
            ..Insured::default()
        };
        self.store.insure(self.organisation, person, insured).await
    }

    /// How a document about somebody ends.
    async fn take(&mut self, subject: Subject) -> Result<EntryOutcome> {
        self.packages += 1;
        let begun = self.store.begin_package(self.organisation, [self.packages; 32]).await?;
        let day = LocalDay(20_000 + i32::from(self.packages));
        let checkup = Checkup {
            subject,
            ..Checkup::declared(Metric::CHECKUP_SPECIFIC, day, day, Vec::new())
        };
        let document = PackageDocument::new(1, 1, Some(checkup), DocumentBytes::Plain(b"<a/>"), Vec::new())?;
        let results = self
            .store
            .take_documents(self.organisation, begun.id, vec![document])
            .await?;
        Ok(results[0].outcome)
    }

    /// Makes the rows of a table as a version left them that had the symbol in the hash of the number.
    async fn made_of_old(&self, table: &'static str, subject: &Subject) -> Result<()> {
        let subject = subject.clone();
        let change = move |writing: &Writing<'_>| {
            let [now, ..] = hashes(writing, &subject);
            let [insurer, own, birth] = matching::by_number(&subject).expect("a number");
            let parts = [insurer, matching::number(&subject.symbol), own, birth];
            let parts = parts.each_ref().map(|part| part.as_bytes());
            let before = writing.keys().lookup_hash("insurance.number", &parts);
            let changed = writing.execute(
                &format!("UPDATE {table} SET number_hash = ?1, derivation = 0 WHERE number_hash = ?2"),
                params![before, now],
            );
            assert!(changed.expect("they are changed") > 0);
            Ok(())
        };
        self.store.database.write("a test", change).await
    }

    fn count(&self, what: &str) -> i64 {
        let rows = self.store.database.read_blocking(|snapshot| {
            let rows = snapshot.query_row(&format!("SELECT count(*) FROM {what}"), [], |row| row.get(0));
            Ok(rows.expect("a count"))
        });
        rows.expect("a snapshot")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_insured_before_the_symbol_could_be_missing_is_found_once_the_folder_is_opened() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut insurer = Insurer::new(folder.path()).await?;
    let name = "ミホンハナコ";
    let person = insurer.member(&subject(name)).await?;
    insurer.made_of_old("insurance", &subject(name)).await?;
    assert_eq!(insurer.take(without_symbol(name)).await?, EntryOutcome::Unclaimed);
    insurer.made_of_old("waiting_checkup", &without_symbol(name)).await?;
    insurer = insurer.opened_again(folder.path()).await?;
    assert_eq!(insurer.count("waiting_checkup"), 0, "what waited came to its member");
    assert_eq!(insurer.count(&format!("checkup WHERE person = {person}")), 1);
    assert_eq!(insurer.take(without_symbol(name)).await?, EntryOutcome::Taken);
    // The next word of the ledger is of the same insurance.
    insurer.insure(person, &subject(name)).await?;
    assert_eq!(insurer.count("insurance"), 1);
    assert_eq!(insurer.take(subject(name)).await?, EntryOutcome::Taken);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waited_before_the_symbol_could_be_missing_is_found_by_who_becomes_known() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut insurer = Insurer::new(folder.path()).await?;
    let name = "ミホンハナコ";
    assert_eq!(insurer.take(subject(name)).await?, EntryOutcome::Unclaimed);
    insurer.made_of_old("waiting_checkup", &subject(name)).await?;
    insurer = insurer.opened_again(folder.path()).await?;
    assert_eq!(insurer.count("waiting_checkup"), 1, "nobody is known");
    insurer.member(&without_symbol(name)).await?;
    assert_eq!(insurer.count("waiting_checkup"), 0);
    Ok(())
}

/// Were what waits looked at while one of two is not found yet, it would be given to the other.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_are_alike_neither_is_given_what_waited() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut insurer = Insurer::new(folder.path()).await?;
    let name = "ミホンハナコ";
    let other = Subject {
        symbol: "別".to_owned(),
        ..subject(name)
    };
    for subject in [&subject(name), &other] {
        insurer.member(subject).await?;
        insurer.made_of_old("insurance", subject).await?;
    }
    assert_eq!(insurer.take(without_symbol(name)).await?, EntryOutcome::Unclaimed);
    insurer.made_of_old("waiting_checkup", &without_symbol(name)).await?;
    // Cut off after the first of them.
    let cut_off = |writing: &Writing<'_>| super::hashes::derive_some(writing, (PersonId(0), 0), 1);
    let (derived, next) = insurer.store.database.write("a test", cut_off).await?;
    assert_eq!((derived, next.is_some()), (1, true));
    insurer = insurer.opened_again(folder.path()).await?;
    assert_eq!(insurer.count("insurance WHERE derivation = 0"), 0);
    let waiting = insurer.store.possible_documents(insurer.organisation, 0, 10).await?;
    assert_eq!((waiting.len(), waiting[0].candidates.len()), (1, 2));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_damaged_keeps_nobody_else_from_being_found() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut insurer = Insurer::new(folder.path()).await?;
    let (damaged, whole) = (subject("ミホンタロウ"), subject("ミホンハナコ"));
    let damaged = Subject {
        number: "999".to_owned(),
        ..damaged
    };
    for subject in [&damaged, &whole] {
        insurer.member(subject).await?;
        insurer.made_of_old("insurance", subject).await?;
    }
    for number in ["998", "997"] {
        let nobodys = Subject {
            number: number.to_owned(),
            ..whole.clone()
        };
        assert_eq!(insurer.take(nobodys.clone()).await?, EntryOutcome::Unclaimed);
        insurer.made_of_old("waiting_checkup", &nobodys).await?;
    }
    let damage = |writing: &Writing<'_>| {
        for table in ["insurance", "waiting_checkup"] {
            let first = format!("SELECT min(rowid) FROM {table}");
            let damaged = writing.execute(&format!("UPDATE {table} SET body = x'00' WHERE rowid = ({first})"), []);
            assert_eq!(damaged.expect("it is damaged"), 1);
        }
        Ok(())
    };
    insurer.store.database.write("a test", damage).await?;
    for _ in 0..2 {
        insurer = insurer.opened_again(folder.path()).await?;
        assert_eq!(insurer.count("insurance WHERE derivation = 0"), 1);
        assert_eq!(insurer.count("waiting_checkup WHERE derivation = 0"), 1);
    }
    assert_eq!(insurer.take(without_symbol("ミホンハナコ")).await?, EntryOutcome::Taken);
    Ok(())
}

/// Statements of both files that matching takes, of documents about people of these numbers, none of whom was met since opening.
fn statements(insurer: &Insurer, numbers: std::ops::Range<u32>) -> Result<usize> {
    let documents = numbers.map(|number| about(number + 1, numbered(number), LocalDay(20_000)));
    let documents = documents.collect::<Result<Vec<_>>>()?;
    let database = &insurer.store.database;
    let told = Arc::new(AtomicUsize::new(0));
    let count = |told: &Arc<AtomicUsize>| {
        let told = Arc::clone(told);
        move |_: TraceEvent<'_>| {
            told.fetch_add(1, Ordering::Relaxed);
        }
    };
    let mut connection = Connection::open(database.folder().join(FILE)).expect("the database opens");
    connection
        .trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(count(&told)))
        .expect("it is traced");
    database.shared().keys.trace(count(&told));
    let snapshot = Snapshot::new(&connection, database.shared());
    let matched = packages::matched(&snapshot, insurer.organisation, &documents)?;
    let is_ones = |(_, whose): &(_, Option<Whose>)| matches!(whose, Some(Whose::One(..)));
    assert!(matched.len() == documents.len() && matched.iter().all(is_ones));
    Ok(told.load(Ordering::Relaxed))
}

fn numbered(number: u32) -> Subject {
    Subject {
        number: (1_000 + number).to_string(),
        // Nobody is found by the name of all.
        postal_code: format!("999-{number:04}"),
        ..subject("ミホンハナコ")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_are_matched_by_as_many_queries_whatever_their_number() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut insurer = Insurer::new(folder.path()).await?;
    for number in 0..144 {
        insurer.member(&numbered(number)).await?;
    }
    // Whoever was just made is in memory.
    insurer = insurer.opened_again(folder.path()).await?;
    let few = statements(&insurer, 0..16)?;
    let many = statements(&insurer, 16..144)?;
    assert!(
        few > 0 && many <= few,
        "{few} statements for 16 documents, {many} for 128"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_area_is_what_the_ledger_said_last_and_holds_as_long_as_the_insurance() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let insurer = Insurer::new(folder.path()).await?;
    let own = subject("ミホンハナコ");
    let person = insurer.member(&own).await?;
    let day = |text: &str| LocalDay::parse(text).expect("a day");
    for (area, lost) in [("第一", None), ("第二", None), ("第二", Some("2025-05-05"))] {
        let line = Insured {
            subject: own.clone(),
            gained: Some(day("2020-04-01")),
            lost: lost.map(day),
            area: area.to_owned(),
            ..Insured::default()
        };
        let followed = insurer
            .store
            .follow_ledger(insurer.organisation, vec![vec![line]])
            .await?;
        assert!(matches!(followed[..], [crate::Followed::Changed(_)]), "{followed:?}");
        let organisation = insurer.organisation;
        let read = |snapshot: &Snapshot<'_>| super::insurances_of(snapshot, organisation, person);
        let kept = insurer.store.database.read_blocking(read)?;
        let told: Vec<_> = kept
            .iter()
            .map(|one| {
                let of = |on: &str| one.holds_on(day(on));
                (one.area.as_str(), of("2020-03-31"), of("2025-05-05"), of("2025-05-06"))
            })
            .collect();
        assert_eq!(told, [(area, false, true, lost.is_none())]);
    }
    Ok(())
}
