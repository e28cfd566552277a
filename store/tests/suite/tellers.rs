//! Whose word a checkup is: what residents bring themselves never takes the place of what facilities and insurers hand over, and a
//! table that is handed over again says when.

use model::checkup::{Checkup, Organisation, Told};
use model::{Accounting, Metric};
use store::{OfCheckup, Result, Search};

use crate::checkups::{WEIGHT, all, bring, document, records};
use crate::harness::House;

/// As the resident brings it.
fn brought(checkup: Checkup) -> Checkup {
    Checkup {
        word: Told::Brought,
        ..checkup
    }
}

/// As a line of a table tells it.
fn line(checkup: Checkup) -> Checkup {
    Checkup {
        author: Organisation::default(),
        ..checkup
    }
}

fn duplicates(accounting: &Accounting) -> (u64, u64, u64) {
    (accounting.received, accounting.stored, accounting.duplicate)
}

/// The weight that holds, the word of its checkup and the checkup's version; nothing where it is deleted.
async fn held(house: &House, person: model::PersonId) -> Option<(String, String, u32)> {
    let found = records(house, person, Search { ..all() }).await;
    let event = found
        .iter()
        .find(|record| record.of_checkup == Some(OfCheckup::TookPlace) && !record.dead)?;
    let weight = found
        .iter()
        .find(|record| matches!(record.of_checkup, Some(OfCheckup::Result(_))) && !record.dead)?;
    let text = |value: &model::Value| match value {
        model::Value::Quantity(value) => value.to_string(),
        other => format!("{other:?}"),
    };
    Some((text(&weight.sample.value), text(&event.sample.value), event.version))
}

fn expected(weight: &str, word: u32, version: u32) -> Option<(String, String, u32)> {
    Some((weight.to_owned(), format!("{:?}", model::Value::Code(word)), version))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_resident_brings_never_takes_an_insurers_place() -> Result<()> {
    let house = House::new().await;
    let person = house.person().await;
    let handed_over = document("2025-06-10", 10, &[(WEIGHT, 61)]);
    bring(&house, person, vec![handed_over.clone()]).await?;
    assert_eq!(held(&house, person).await, expected("61", 1, 1));
    // Written later, of more results, or a request to delete: none of it holds.
    let later = brought(document("2025-06-10", 90, &[(WEIGHT, 50)]));
    let deletion = Checkup {
        report: "19".to_owned(),
        findings: Vec::new(),
        ..later.clone()
    };
    for document in [later, deletion] {
        let ended = bring(&house, person, vec![document]).await?;
        assert_eq!(duplicates(&ended.accounting), (1, 0, 1));
        assert_eq!(held(&house, person).await, expected("61", 1, 1));
    }
    // The same as they have it is known.
    let ended = bring(&house, person, vec![brought(handed_over)]).await?;
    let known = (model::Outcome::Duplicate, "known".to_owned());
    assert_eq!(ended.accounting.reasons.get(&known), Some(&1));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_insurers_document_takes_the_place_of_what_a_resident_brought() -> Result<()> {
    let house = House::new().await;
    let person = house.person().await;
    let changed = brought(document("2025-06-10", 90, &[(WEIGHT, 50)]));
    bring(&house, person, vec![changed]).await?;
    assert_eq!(
        held(&house, person).await,
        expected("50", 2, 1),
        "nobody else vouches for it"
    );
    bring(&house, person, vec![document("2025-06-10", 10, &[(WEIGHT, 61)])]).await?;
    assert_eq!(held(&house, person).await, expected("61", 1, 2));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn to_answer_a_questionnaire_is_no_checkup() -> Result<()> {
    let house = House::new().await;
    let person = house.person().await;
    let on = crate::deliveries::day("2025-05-01");
    let declared = Checkup::declared(Metric::CHECKUP_OTHER, on, on, Vec::new());
    bring(&house, person, vec![declared]).await?;
    let answered = Checkup {
        programme: "990".to_owned(),
        ..document("2025-06-10", 10, &[("9N736000000000011", 1)])
    };
    bring(&house, person, vec![answered.clone()]).await?;
    let found = records(&house, person, Search { ..all() }).await;
    let took_place: Vec<String> = found
        .iter()
        .filter(|record| record.of_checkup == Some(OfCheckup::TookPlace))
        .map(|record| format!("{} {}", record.sample.local_day(), record.dead))
        .collect();
    assert_eq!(took_place, ["2025-05-01 false"], "what the resident said stands");
    assert_eq!(found.len(), 2, "and the answer besides");
    // With what was examined it is one.
    let examined = document("2025-06-10", 20, &[("9N736000000000011", 1), (WEIGHT, 60)]);
    let examined = Checkup {
        programme: "990".to_owned(),
        ..examined
    };
    bring(&house, person, vec![examined]).await?;
    let found = records(&house, person, Search { ..all() }).await;
    let living = found
        .iter()
        .filter(|record| record.of_checkup == Some(OfCheckup::TookPlace) && !record.dead);
    assert_eq!(
        living.map(|record| record.sample.local_day()).collect::<Vec<_>>(),
        [answered.day]
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_lists_that_are_handed_over_the_last_holds() -> Result<()> {
    let house = House::new().await;
    let person = house.person().await;
    // In January, corrected in February by no more results and a smaller number, and in March as in February.
    let january = line(document("2025-06-10", 200, &[(WEIGHT, 61)]));
    let february = line(document("2025-06-10", 230, &[(WEIGHT, 58)]));
    let march = line(document("2025-06-10", 260, &[(WEIGHT, 58)]));
    bring(&house, person, vec![january.clone()]).await?;
    bring(&house, person, vec![february.clone()]).await?;
    assert_eq!(held(&house, person).await, expected("58", 1, 2));
    let ended = bring(&house, person, vec![march]).await?;
    assert_eq!(duplicates(&ended.accounting), (1, 0, 1), "it says the same");
    assert_eq!(held(&house, person).await, expected("58", 1, 2), "and makes no version");
    // What was written before that does not hold any more.
    let between = line(document("2025-06-10", 245, &[(WEIGHT, 70)]));
    bring(&house, person, vec![between]).await?;
    assert_eq!(held(&house, person).await, expected("58", 1, 2));
    // Of two of one day the one that comes later corrects.
    bring(&house, person, vec![line(document("2025-06-10", 260, &[(WEIGHT, 57)]))]).await?;
    assert_eq!(held(&house, person).await, expected("57", 1, 3));
    // A document knows the checkup better than every list, whenever it was written.
    bring(&house, person, vec![document("2025-06-10", 10, &[(WEIGHT, 60)])]).await?;
    assert_eq!(held(&house, person).await, expected("60", 1, 4));
    bring(&house, person, vec![february]).await?;
    assert_eq!(held(&house, person).await, expected("60", 1, 4));
    Ok(())
}
