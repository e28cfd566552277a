use model::checkup::{Checkup, Subject};
use model::{LocalDay, Metric};
use rusqlite::params;

use super::hashes;
use crate::{
    DocumentBytes, EntryOutcome, Insured, NewOrganisation, NewPerson, OrganisationKind, PackageDocument, Result, Sex,
    Store,
};

/// As it was made while the symbol was part of the hash.
async fn made_of_old(store: &Store, table: &'static str, subject: &Subject) -> Result<()> {
    let subject = subject.clone();
    let change = move |writing: &crate::sqlite::writer::Writing<'_>| {
        let [now, .., before] = hashes(writing, &subject);
        let changed = writing.execute(
            &format!("UPDATE {table} SET number_hash = ?1 WHERE number_hash = ?2"),
            params![before, now],
        );
        assert_eq!(changed.expect("it is changed"), 1);
        Ok(())
    };
    store.database.write("a test", change).await
}

/// Who was known, and what waited, before the symbol could be missing goes on to be found.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_kept_by_a_hash_of_the_symbol_too_is_found() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, _) = crate::sqlite::live_disk::open(folder.path()).await?;
    let organisation = store
        .create_organisation(NewOrganisation {
            name: "みほん国保".to_owned(),
            kind: OrganisationKind::Insurer,
        })
        .await?;
    let birth = LocalDay::parse("1960-02-29");
    let person = NewPerson {
        birth_date: birth,
        sex: Some(Sex::Female),
        organisation: Some(organisation),
        ..NewPerson::default()
    };
    let person = store.create_person(person).await?;
    let subject = Subject {
        insurer: "00139999".to_owned(),
        symbol: "見本".to_owned(),
        number: "123".to_owned(),
        name: "ミホンハナコ".to_owned(),
        birth,
        sex: Some(2),
        ..Subject::default()
    };
    let insured = Insured {
        subject: subject.clone(),
        ..Insured::default()
    };
    let mut package = 0;
    let mut taken = async |subject: &Subject| -> Result<EntryOutcome> {
        package += 1;
        let begun = store.begin_package(organisation, [package; 32]).await?;
        let day = LocalDay(20_000 + i32::from(package));
        let checkup = Checkup {
            subject: subject.clone(),
            ..Checkup::declared(Metric::CHECKUP_SPECIFIC, day, day, Vec::new())
        };
        let document = PackageDocument::new(1, 1, Some(checkup), DocumentBytes::Plain(b"<a/>"), Vec::new())?;
        let results = store.take_documents(organisation, begun.id, vec![document]).await?;
        Ok(results[0].outcome)
    };
    assert_eq!(taken(&subject).await?, EntryOutcome::Unclaimed);
    made_of_old(&store, "waiting_checkup", &subject).await?;
    assert_eq!(store.insure(organisation, person, insured.clone()).await?, 1);
    made_of_old(&store, "insurance", &subject).await?;
    assert_eq!(taken(&subject).await?, EntryOutcome::Taken);
    // The next word of the ledger makes the hash anew, of the same insurance.
    store.insure(organisation, person, insured).await?;
    let without = Subject {
        symbol: String::new(),
        ..subject
    };
    assert_eq!(taken(&without).await?, EntryOutcome::Taken);
    let rows = store.database.read_blocking(|snapshot| {
        let rows = snapshot.query_row("SELECT count(*) FROM insurance", [], |row| row.get::<_, i64>(0));
        Ok(rows.expect("a count"))
    });
    assert_eq!(rows?, 1);
    Ok(())
}
