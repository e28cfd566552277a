//! Records that became no data lead to what is kept of them, sealed: also where the same came again, and where deliveries were folded.

use model::time::DAY_MS;
use model::{OrganisationId, Outcome, PersonId, UtcMillis};
use store::{
    Actor, BatchStart, DAMAGED, FoldBefore, ImportReport, NewPayload, Raw, Rejection, RejectionsOf, Result, Sender,
};

use crate::harness::House;

const ADAPTER: &str = "file";

/// Brings something of which these records cannot be read; what a feed brought is kept as it came as well.
async fn bring(house: &House, person: PersonId, records: &[&str], kept_as: Option<&str>) -> ImportReport {
    let texts: Vec<String> = records.iter().map(|text| (*text).to_owned()).collect();
    let (store, kept_as) = (house.store.clone(), kept_as.map(str::to_owned));
    let brought = move || -> Result<ImportReport> {
        let start = BatchStart {
            adapter: ADAPTER.to_owned(),
            mapping_version: 1,
        };
        let mut import = store.begin_import(person, start)?;
        let mut accounting = model::Accounting::default();
        for (place, text) in texts.iter().enumerate() {
            accounting.count(Outcome::Rejected, "no number");
            import.raw(Raw {
                text: text.clone().into_bytes(),
                outcome: Outcome::Rejected,
                reason: "no number".to_owned(),
                line: place as u64 + 1,
            })?;
        }
        import.account(&accounting);
        let Some(batch) = kept_as else { return import.finish() };
        let push = NewPayload {
            from: Sender::Feed(1),
            adapter: ADAPTER.to_owned(),
            batch,
            body: texts.concat().into_bytes(),
            answer: Box::new(|_| Vec::new()),
        };
        import.finish_keeping(push).map(|(report, _)| report)
    };
    let brought = tokio::task::spawn_blocking(brought).await.expect("a bringing thread");
    house.clock.advance(60_000);
    brought.expect("a delivery")
}

async fn rejected(house: &House) -> Vec<Rejection> {
    let wanted = RejectionsOf {
        outcome: Outcome::Rejected,
        adapter: None,
        since: UtcMillis(0),
    };
    let page = house.store.rejections(&wanted, (PersonId(0), model::BatchId(0))).await;
    page.expect("rejections").rows
}

async fn fold_all(house: &House) -> usize {
    let before = FoldBefore {
        counts_alone: house.now(),
        any: house.now(),
    };
    house.store.fold_deliveries(None, before).await.expect("folded").rows
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_file_again_leads_to_what_was_kept_the_first_time() {
    let house = House::new().await;
    let person = house.person().await;
    for _ in 0..2 {
        bring(&house, person, &["steps: many"], None).await;
    }
    let other = bring(&house, person, &["weight: heavy"], None).await;
    let rows = rejected(&house).await;
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[0].texts.len(), 1);
    assert_eq!(rows[1].texts, rows[0].texts, "the second time as the first");
    assert_eq!((rows[2].batch, rows[2].texts.len()), (other.batch, 1));
    assert_ne!(rows[2].texts, rows[0].texts);
}

#[tokio::test(flavor = "multi_thread")]
async fn folded_deliveries_still_lead_to_their_texts() {
    let house = House::new().await;
    let person = house.person().await;
    bring(&house, person, &["steps: many"], None).await;
    bring(&house, person, &["weight: heavy"], None).await;
    bring(&house, person, &["steps: many"], None).await;
    let mut texts: Vec<i64> = rejected(&house).await.into_iter().flat_map(|row| row.texts).collect();
    texts.sort_unstable();
    texts.dedup();
    assert_eq!(texts.len(), 2);
    // The next day it comes again: only that it was known leads to it.
    house.clock.advance(DAY_MS);
    bring(&house, person, &["weight: heavy"], None).await;
    bring(&house, person, &["weight: heavy"], None).await;
    assert_eq!(fold_all(&house).await, 3);
    let rows = rejected(&house).await;
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].texts, texts);
    assert_eq!((rows[1].records, rows[1].texts.as_slice()), (2, &texts[1..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_feed_brings_again_is_kept_once_and_both_deliveries_lead_to_it() {
    let house = House::new().await;
    let person = house.person().await;
    for _ in 0..2 {
        bring(&house, person, &["steps: many"], Some("a")).await;
        bring(&house, person, &["steps: none"], Some("b")).await;
    }
    let kept = house.store.next_payloads(ADAPTER, UtcMillis(0), None).await;
    let kept: Vec<i64> = kept.expect("payloads").iter().map(|payload| payload.number).collect();
    assert_eq!(kept.len(), 2);
    let rows = rejected(&house).await;
    let payloads: Vec<i64> = rows.iter().filter_map(|row| row.payload).collect();
    assert_eq!(payloads, [kept[0], kept[1], kept[0], kept[1]]);
    // Once it is deleted nothing leads there.
    house.store.delete_payloads(house.now()).await.expect("deleted");
    assert!(rejected(&house).await.iter().all(|row| row.payload.is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_packed_is_led_to_as_before() {
    let house = House::new().await;
    let person = house.person().await;
    for number in 0..40 {
        let text = number.to_string();
        bring(&house, person, &[&text], Some(&text)).await;
    }
    let before = rejected(&house).await;
    assert!(before.len() == 40 && before.iter().all(|row| row.payload.is_some()));
    let packed = house.store.fold_payloads(None, house.now()).await.expect("packed");
    assert_eq!(packed.rows, 40);
    assert_eq!(rejected(&house).await, before);
    // One of a pack that comes again lies elsewhere.
    bring(&house, person, &["7"], Some("7")).await;
    let after = rejected(&house).await;
    assert_eq!(after[7].payload, after[40].payload);
    assert!(after.iter().all(|row| row.payload.is_some()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_text_is_shown_as_it_came_and_that_it_was_is_recorded() {
    let house = House::new().await;
    let person = house.person().await;
    let records = ["steps: many", "a\ttab and\na line", "", "歩数"];
    let brought = bring(&house, person, &records, None).await;
    let numbers: Vec<i64> = rejected(&house).await.remove(0).texts;
    let mut shown = Vec::new();
    for number in &numbers {
        let kept = house.store.kept_text(*number, Actor::CommandLine).await;
        let kept = kept.expect("a text").expect("is kept");
        assert_eq!((kept.person, kept.batch), (person, brought.batch));
        shown.extend(kept.records);
    }
    let texts: Vec<&[u8]> = shown.iter().map(|record| record.text.as_slice()).collect();
    assert_eq!(texts, records.map(str::as_bytes));
    assert!(shown.iter().all(|record| record.reason == "no number"));
    let none = house.store.kept_text(1_000, Actor::CommandLine).await;
    assert_eq!(none.expect("an answer"), None);
    let acts = house.store.acts(OrganisationId(1), None, 100).await.expect("acts");
    let mut acts = acts
        .into_iter()
        .map(|(_, act)| act)
        .filter(|act| act.what == "kept-text-shown");
    let last = acts.next().expect("recorded");
    assert_eq!(last.by, Actor::CommandLine);
    assert_eq!(
        last.subject,
        format!("text {}, person {person}", numbers[numbers.len() - 1])
    );
    assert_eq!(acts.count(), numbers.len() - 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_damaged_row_is_told_as_such_among_the_others() {
    let mut house = House::new().await;
    let person = house.person().await;
    for text in ["one", "two", "three"] {
        bring(&house, person, &[text], None).await;
    }
    let before = rejected(&house).await;
    house.store.clone().close().await;
    let database = rusqlite::Connection::open(house.folder.path().join("sekisho.db")).expect("the database");
    let changed = database.execute(
        "UPDATE batch SET body = zeroblob(40) WHERE batch = ?1",
        [before[1].batch.0],
    );
    assert_eq!(changed.expect("changed"), 1);
    drop(database);
    house.reopen().await.expect("opened");
    let after = rejected(&house).await;
    assert_eq!(after.len(), 3);
    assert_eq!((&after[0], &after[2]), (&before[0], &before[2]));
    assert_eq!((after[1].batch, after[1].reason.as_str()), (before[1].batch, DAMAGED));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_deliveries_of_a_week_none_that_was_rejected_is_left_out() {
    let house = House::new().await;
    let person = house.person().await;
    bring(&house, person, &["steps: many"], None).await;
    // More than stand by themselves in any week, each of them known before: with a reason.
    let store = house.store.clone();
    let many = tokio::task::spawn_blocking(move || {
        for _ in 0..2_100 {
            let start = BatchStart {
                adapter: ADAPTER.to_owned(),
                mapping_version: 1,
            };
            let mut import = store.begin_import(person, start)?;
            let mut accounting = model::Accounting::default();
            accounting.count(Outcome::Duplicate, "known");
            import.account(&accounting);
            import.finish()?;
        }
        Result::Ok(())
    });
    many.await.expect("a bringing thread").expect("deliveries");
    let own = consent::OwnAccess::of_signed_in(person);
    let told = house.store.rejected_since(&own, UtcMillis(0)).await.expect("counts");
    assert_eq!(told.get(ADAPTER), Some(&1));
    // A day later what brought data alone is folded, and what did not still stands by itself.
    house.clock.advance(2 * DAY_MS);
    bring(&house, person, &[], None).await;
    let before = FoldBefore {
        counts_alone: house.now().plus(-DAY_MS),
        any: house.now().plus(-8 * DAY_MS),
    };
    assert_eq!(
        house.store.fold_deliveries(None, before).await.expect("folded").rows,
        2_099
    );
    assert_eq!(rejected(&house).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_without_an_end_is_under_way_for_a_day_and_cut_off_then() {
    let house = House::new().await;
    let person = house.person().await;
    let store = house.store.clone();
    let cut_off = tokio::task::spawn_blocking(move || {
        let start = BatchStart {
            adapter: ADAPTER.to_owned(),
            mapping_version: 1,
        };
        let mut import = store.begin_import(person, start)?;
        // It begins with the first that is written.
        import.set_asserted(UtcMillis(0))
    });
    cut_off.await.expect("a bringing thread").expect("begun");
    for (hours, told) in [(1, "1 under way; 0 were cut off"), (24, "0 under way; 1 were cut off")] {
        house.clock.advance(hours * model::time::HOUR_MS);
        let findings = house.store.doctor().await.expect("a check");
        let found = findings
            .iter()
            .find(|finding| finding.what == "deliveries")
            .expect("deliveries");
        assert!(found.ok && found.advice.contains(told), "{}", found.advice);
    }
}
