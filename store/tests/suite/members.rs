//! Whose a document is where it leaves something out: twins, and households of which the symbol is not said.

use model::checkup::{Subject, Ticket};
use store::{EntryOutcome, Insured, Result};

use crate::deliveries::day;
use crate::harness::House;
use crate::packages::{about, documents, hand_over, insured, insurer, known_member, member, outcomes, subject};

use EntryOutcome::{Possible, Taken, Unclaimed};

/// A list of results names nobody: a twin who is no member may be meant.
#[tokio::test(flavor = "multi_thread")]
async fn the_only_twin_who_is_known_is_given_nothing_that_may_be_the_others() -> Result<()> {
    let house = House::new().await;
    let (organisation, ..) = known_member(&house).await?;
    let store = &house.store;
    let ticket = |number: &str| {
        let told = Insured {
            subject: subject("123", "", ""),
            tickets: vec![Ticket {
                number: number.to_owned(),
                year: 2025,
                issued: None,
                until: day("2026-03-31"),
                is_void: false,
            }],
            ..Insured::default()
        };
        store.follow_ledger(organisation, vec![vec![told]])
    };
    let with_ticket = |number: &str, day| {
        let subject = Subject {
            ticket: number.to_owned(),
            ..subject("123", "", "")
        };
        about(subject, day)
    };
    ticket("25000000001").await?;
    let given = [
        about(subject("123", "", ""), "2025-06-10"),
        about(subject("123", "01", ""), "2025-06-11"),
        with_ticket("25000000001", "2025-06-12"),
        about(subject("123", "02", ""), "2025-06-13"),
    ];
    let results = hand_over(&house, organisation, 1, &given).await?;
    assert_eq!(outcomes(&results), [Possible, Taken, Taken, Unclaimed]);
    assert!(
        results[0].reasons.contains("twins") && results[3].reasons.contains("twin"),
        "{results:?}"
    );
    // The list of tickets names nobody either: once it has the twin's too, neither tells them apart.
    ticket("25000000002").await?;
    let given = [with_ticket("25000000001", "2025-07-12")];
    let results = hand_over(&house, organisation, 2, &given).await?;
    assert_eq!(outcomes(&results), [Possible]);
    Ok(())
}

/// The form lets documents leave the symbol out: then the number may be of another household too.
#[tokio::test(flavor = "multi_thread")]
async fn a_document_without_the_symbol_is_found_and_given_by_the_name_alone() -> Result<()> {
    let house = House::new().await;
    let organisation = insurer(&house).await;
    let store = &house.store;
    let without = |number: &str, branch: &str, kana: &str| Subject {
        symbol: String::new(),
        postal_code: String::new(),
        ..subject(number, branch, kana)
    };
    let given = [
        about(without("123", "01", "ミホンハナコ"), "2025-06-10"),
        about(without("123", "", "ミホンハナコ"), "2025-06-11"),
        about(without("123", "02", "ミホンハナコ"), "2025-06-12"),
        about(without("123", "01", "ミホンハナエ"), "2025-06-13"),
        about(without("123", "01", ""), "2025-06-14"),
        about(without("124", "01", "ミホンハナコ"), "2025-06-15"),
    ];
    // What comes before anybody is known waits, and finds them as well.
    let results = hand_over(&house, organisation, 1, &given[..1]).await?;
    assert_eq!(outcomes(&results), [Unclaimed]);
    let one = member(&house, organisation).await;
    let own = insured(subject("123", "01", "ミホンハナコ"));
    assert_eq!(store.insure(organisation, one, own).await?, 1);
    let results = hand_over(&house, organisation, 2, &given).await?;
    assert_eq!(
        outcomes(&results),
        [Taken, Taken, Unclaimed, Possible, Possible, Unclaimed]
    );
    // Of the same name, number and birth in another household: nobody can say whose it is.
    let namesake = member(&house, organisation).await;
    let other = Subject {
        symbol: "別".to_owned(),
        ..subject("123", "01", "ミホンハナコ")
    };
    store.insure(organisation, namesake, insured(other.clone())).await?;
    let package = store.begin_package(organisation, [3; 32]).await?;
    let given = [
        about(without("123", "01", "ミホンハナコ"), "2025-07-10"),
        about(other, "2025-07-11"),
        about(subject("123", "01", "ミホンハナコ"), "2025-07-12"),
    ];
    let results = store
        .take_documents(organisation, package.id, documents(1, &given))
        .await?;
    assert_eq!(outcomes(&results), [Possible, Taken, Taken]);
    let candidates = &store.possible_documents(organisation, 0, 10).await?;
    let candidates = candidates.iter().find(|waiting| waiting.place.0 == package.id);
    assert_eq!(candidates.expect("it waits").candidates.len(), 2);
    Ok(())
}

/// An insurer whose ledger has no symbol finds documents that have one, and learns it with the next word.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_insured_without_a_symbol_is_found_and_told_it_later() -> Result<()> {
    let house = House::new().await;
    let organisation = insurer(&house).await;
    let store = &house.store;
    let one = member(&house, organisation).await;
    let whole = subject("123", "01", "ミホンハナコ");
    let without = Subject {
        symbol: String::new(),
        ..whole.clone()
    };
    let another = Subject {
        symbol: "別".to_owned(),
        postal_code: String::new(),
        ..whole.clone()
    };
    let mut package = 0;
    let mut taken = async |subject: &Subject| -> Result<EntryOutcome> {
        package += 1;
        let begun = store.begin_package(organisation, [package; 32]).await?;
        let on = format!("2025-06-{:02}", package + 9);
        let results = store
            .take_documents(organisation, begun.id, documents(1, &[about(subject.clone(), &on)]))
            .await?;
        Ok(results[0].outcome)
    };
    store.insure(organisation, one, insured(without.clone())).await?;
    assert_eq!([taken(&whole).await?, taken(&without).await?], [Taken, Taken]);
    // The number is theirs until a day: it is the same insurance, whether its symbol is said or not.
    store.insure(organisation, one, insured(whole.clone())).await?;
    let ended = Insured {
        lost: Some(day("2025-06-01")),
        ..insured(without.clone())
    };
    store.insure(organisation, one, ended).await?;
    assert_eq!(taken(&whole).await?, Possible, "after its end");
    store.insure(organisation, one, insured(without.clone())).await?;
    assert_eq!(taken(&whole).await?, Taken);
    assert_eq!(taken(&another).await?, Unclaimed, "the symbol that was said stays");
    Ok(())
}
