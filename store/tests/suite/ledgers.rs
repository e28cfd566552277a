//! Ledgers of the insured, and lists of their tickets: the last word on whom an insurer knows already, and on nobody else.

use model::checkup::{Subject, Ticket};
use store::{EntryOutcome, Followed, Insured, Result};

use crate::checkups::{all, records};
use crate::deliveries::day;
use crate::harness::House;
use crate::packages::{about, hand_over, insured, known_member, outcomes, subject};

use EntryOutcome::{Possible, Taken, Unclaimed};

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_ends_an_insurance_and_begins_the_next_for_whom_it_knows_and_keeps_nobody_else() -> Result<()> {
    let house = House::new().await;
    let (organisation, person, own) = known_member(&house).await?;
    let store = &house.store;
    let elderly = Subject {
        insurer: "39139999".to_owned(),
        symbol: String::new(),
        number: "55555555".to_owned(),
        branch: String::new(),
        care_number: "0001234567".to_owned(),
        ..own.clone()
    };
    // What waits for the number that only the ledger tells.
    let later = about(elderly.clone(), "2025-06-10");
    let ended = hand_over(&house, organisation, 1, &[later]).await?;
    assert_eq!(outcomes(&ended), [Possible], "the name alone is no proof");
    let of = |subject: &Subject, gained: &str, lost: Option<&str>| Insured {
        subject: subject.clone(),
        gained: Some(day(gained)),
        lost: lost.map(day),
        area: "2".to_owned(),
        ..Insured::default()
    };
    let cared = Subject {
        branch: String::new(),
        care_number: elderly.care_number.clone(),
        ..own.clone()
    };
    let line = vec![
        of(&cared, "2020-04-01", Some("2025-05-05")),
        of(&elderly, "2025-05-06", None),
    ];
    let stranger = vec![of(&subject("777", "01", "タナカユキ"), "2020-04-01", None)];
    let alike = vec![of(&subject("888", "01", "ミホンハナコ"), "2020-04-01", None)];
    let ledger = vec![line.clone(), stranger, alike];
    let followed = store.follow_ledger(organisation, ledger.clone()).await?;
    assert!(
        matches!(&followed[..], [Followed::Changed(1), Followed::Unknown, Followed::Possible(why)] if why.contains("postal code")),
        "{followed:?}"
    );
    let again = store.follow_ledger(organisation, ledger).await?;
    assert_eq!(again[0], Followed::Known);
    let given = [
        about(elderly.clone(), "2025-07-10"),
        about(own.clone(), "2025-07-11"),
        about(own.clone(), "2025-05-01"),
        // By the number of care insurance, whatever else it says.
        about(
            Subject {
                number: "1".to_owned(),
                ..elderly.clone()
            },
            "2025-07-12",
        ),
        about(subject("777", "01", "タナカユキ"), "2025-07-10"),
    ];
    let ended = hand_over(&house, organisation, 2, &given).await?;
    assert_eq!(outcomes(&ended), [Taken, Possible, Taken, Taken, Unclaimed]);
    assert!(
        ended[1].reasons.contains("not theirs on that day"),
        "{}",
        ended[1].reasons
    );
    // The branch number, which the ledger left open, still tells twins apart.
    let twin = about(subject("123", "02", "ミホンハナエ"), "2025-05-01");
    let ended = hand_over(&house, organisation, 3, &[twin]).await?;
    assert_eq!(outcomes(&ended), [Unclaimed]);
    // What the person has stays theirs.
    assert!(!records(&house, person, all()).await.is_empty());
    store.erase_person(person).await?;
    assert_eq!(
        store.follow_ledger(organisation, vec![line]).await?,
        [Followed::Unknown]
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_its_members_while_it_and_the_insurance_hold_and_nothing_else_changes_with_it() -> Result<()> {
    let house = House::new().await;
    let (organisation, person, own) = known_member(&house).await?;
    let store = &house.store;
    let ticket = |number: &str, until: &str, is_void| Ticket {
        number: number.to_owned(),
        year: 2026,
        issued: Some(day("2026-05-01")),
        until: day(until),
        is_void,
    };
    // As the list has it: without a name and a branch.
    let listed = |subject: &Subject, ticket: Ticket| {
        vec![Insured {
            subject: Subject {
                name: String::new(),
                branch: String::new(),
                postal_code: String::new(),
                ..subject.clone()
            },
            tickets: vec![ticket],
            ..Insured::default()
        }]
    };
    let follow = async |line| store.follow_ledger(organisation, vec![line]).await;
    let held = async |on: &str| -> Result<Vec<String>> {
        let tickets = store.own_tickets(&crate::harness::own(person), day(on)).await?;
        Ok(tickets.into_iter().map(|ticket| ticket.number).collect())
    };
    let first = listed(&own, ticket("26100000001", "2027-03-31", false));
    assert_eq!(follow(first.clone()).await?, [Followed::Changed(0)]);
    assert_eq!(follow(first).await?, [Followed::Known]);
    let of_another = listed(&subject("777", "01", ""), ticket("26100000002", "2027-03-31", false));
    assert_eq!(follow(of_another).await?, [Followed::Unknown]);
    assert_eq!(held("2026-06-01").await?, ["26100000001"]);
    assert!(held("2026-04-30").await?.is_empty() && held("2027-04-01").await?.is_empty());
    // A ledger that knows of no ticket leaves it, and says when the insurance ends.
    let ends = Insured {
        lost: Some(day("2026-08-31")),
        ..insured(own.clone())
    };
    assert_eq!(follow(vec![ends]).await?, [Followed::Changed(0)]);
    assert_eq!(held("2026-08-31").await?, ["26100000001"]);
    assert!(held("2026-09-01").await?.is_empty());
    // The ticket that was taken back, and a new one.
    follow(listed(&own, ticket("26100000001", "2027-03-31", true))).await?;
    follow(listed(&own, ticket("26100000009", "2027-03-31", false))).await?;
    assert_eq!(held("2026-06-01").await?, ["26100000009"]);
    Ok(())
}
