//! What a vendor's app wrote into another vendor's store, beside the vendor's own: both are there, one says that it is a copy, and days
//! count the vendor's own alone.

use consent::{Detail, Sources};
use model::{ConsentCategory, Metric, PersonId, Sample, Source, SourceKind};
use store::{Access, BatchStart, Record, Search, StoredAggregate, StoredSample};

use crate::deliveries::{at, day, quantity, total};
use crate::harness::{House, draft, own};

const OWN: u16 = 0;
const COPY: u16 = 1;
const OTHER: u16 = 2;

/// The vendor's own device, what its app wrote elsewhere, and an app that wrote nothing of it.
fn sources() -> Vec<Source> {
    let source = |key: &str, copies: &[&str]| Source {
        key: key.to_owned(),
        name: key.to_owned(),
        kind: SourceKind::Instrument,
        copies: copies.iter().map(|own| (*own).to_owned()).collect(),
        ..Source::default()
    };
    vec![
        source("own|scale", &[]),
        source("its app", &["own|"]),
        source("another app", &[]),
    ]
}

/// Brings samples in, each source as a delivery of its own, in this order.
async fn bring(house: &House, person: PersonId, order: &[u16], samples: &[Sample]) {
    for source in order {
        let of: Vec<Sample> = samples
            .iter()
            .filter(|sample| sample.source == *source)
            .cloned()
            .collect();
        let (store, described) = (house.store.clone(), sources()[usize::from(*source)].clone());
        let brought = tokio::task::spawn_blocking(move || {
            let start = BatchStart {
                adapter: "test".to_owned(),
                mapping_version: 1,
            };
            let mut import = store.begin_import(person, start)?;
            let number = import.source(&described)?;
            import.push(
                of.into_iter()
                    .map(|sample| Sample {
                        source: number,
                        ..sample
                    })
                    .collect(),
            )?;
            import.finish()
        });
        brought.await.expect("a thread").expect("an import");
    }
}

fn weight(source: u16, hour: i64, minute: i64, seconds: i64, grams: i64) -> Sample {
    let mut sample = quantity(
        Metric::BODY_WEIGHT,
        source,
        at(hour, minute),
        at(hour, minute),
        grams,
        3,
    );
    sample.start = sample.start.plus(seconds * 1_000);
    sample.end = sample.start;
    sample
}

async fn records(house: &House, access: Access<'_>, search: Search) -> Vec<Record> {
    let search = Search {
        count: 100,
        now: at(100, 0),
        ..search
    };
    house.store.search(access, search).await.expect("a search").records
}

async fn weights(house: &House, access: Access<'_>) -> Vec<StoredSample> {
    let search = Search {
        raw: vec![Metric::BODY_WEIGHT],
        ..Search::default()
    };
    let found = records(house, access, search).await.into_iter();
    found
        .map(|record| match record {
            Record::Sample(sample) => sample,
            other => panic!("{other:?}"),
        })
        .collect()
}

async fn mean(house: &House, access: Access<'_>) -> StoredAggregate {
    let search = Search {
        daily: vec![Metric::BODY_WEIGHT],
        ..Search::default()
    };
    match records(house, access, search).await.pop() {
        Some(Record::Aggregate(aggregate)) => aggregate,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_says_so_and_counts_once_whichever_came_first() {
    let samples = [
        weight(OWN, 7, 0, 12, 64_250),
        weight(COPY, 7, 0, 0, 64_250),
        weight(OWN, 21, 0, 0, 65_250),
        weight(COPY, 21, 2, 0, 65_250),
        weight(COPY, 22, 0, 0, 66_000),
        weight(OTHER, 7, 0, 12, 64_250),
    ];
    for order in [[OWN, COPY, OTHER], [OTHER, COPY, OWN]] {
        let house = House::new().await;
        let person = house.person().await;
        bring(&house, person, &order, &samples).await;
        let own = own(person);
        let found = weights(&house, Access::Own(&own)).await;
        assert_eq!(found.len(), 6, "all of them are there");
        let of = |found: &StoredSample| found.copy_of.map(|original| original.start);
        let copies: Vec<_> = found.iter().filter(|found| found.copy_of.is_some()).collect();
        assert_eq!(
            copies.len(),
            1,
            "two minutes apart, and of an app that says nothing, is none: {found:?}"
        );
        assert_eq!(
            (copies[0].sample.start, of(copies[0])),
            (at(7, 0), Some(samples[0].start))
        );
        let mean = mean(&house, Access::Own(&own)).await;
        assert_eq!(mean.count, 5);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_given_the_original_is_told_nothing_of_it() {
    let house = House::new().await;
    let person = house.person().await;
    let samples = [weight(OWN, 7, 0, 12, 64_250), weight(COPY, 7, 0, 0, 64_250)];
    bring(&house, person, &[OWN, COPY], &samples).await;
    let recipient = house.recipient().await;
    let mut draft = draft(person, recipient, &[ConsentCategory::Body], Detail::Raw);
    for grant in &mut draft.grants {
        grant.sources = Sources::Only(vec![2]);
        grant.running_day = true;
    }
    draft.asked.grants.clone_from(&draft.grants);
    let consent = house.store.give_consent(draft).await.expect("a consent");
    let decision = house.decide(&consent).await.expect("a decision");
    let found = weights(&house, Access::Decision(&decision)).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].copy_of, None);
    let mean = mean(&house, Access::Decision(&decision)).await;
    assert_eq!(mean.count, 1, "to them it is no copy of anything");
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_that_came_twice_count_once_though_their_times_differ_by_seconds() {
    let house = House::new().await;
    let person = house.person().await;
    let walk = |source, seconds: i64, steps| {
        let (start, end) = (at(8, 0).plus(seconds * 1_000), at(8, 30).plus(seconds * 1_000));
        quantity(Metric::STEP_COUNT, source, start, end, steps, 0)
    };
    let samples = [walk(OWN, 0, 3_000), walk(COPY, 40, 3_000), walk(OTHER, 1_900, 500)];
    bring(&house, person, &[COPY, OTHER, OWN], &samples).await;
    let of_day = total(&house, person, Metric::STEP_COUNT, "2026-05-10")
        .await
        .expect("a total");
    assert_eq!(of_day.total, 3_500, "not forty seconds of the copy besides");
    let told = house
        .store
        .explain_total(&own(person), Metric::STEP_COUNT, day("2026-05-10"), at(100, 0))
        .await
        .expect("told");
    let copies: Vec<_> = told
        .pieces
        .iter()
        .filter(|piece| piece.reason == "copy-of-another")
        .collect();
    assert_eq!(copies.len(), 1, "{:?}", told.pieces);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_vendor_counts_of_all_its_sources_is_used_only_where_none_of_them_told_more_finely() {
    let walk = |source, day: i64, count| {
        let hours = 24 * day;
        quantity(
            Metric::STEP_COUNT,
            source,
            at(hours + 8, 0),
            at(hours + 8, 30),
            count,
            0,
        )
    };
    let stated = |date: &str, count| {
        let start = day(date).start(model::Offset::given(0));
        let mut sample = quantity(Metric::DAILY_STEP_COUNT, COPY, start, start, count, 0);
        sample.offset = model::Offset {
            minutes: 0,
            trust: model::OffsetTrust::None,
        };
        sample.end_offset_minutes = 0;
        sample
    };
    let told = [
        walk(OWN, 0, 3_000),
        walk(OTHER, 1, 1_000),
        stated("2026-05-10", 5_000),
        stated("2026-05-11", 4_000),
        stated("2026-05-12", 6_000),
    ];
    for order in [[OWN, COPY, OTHER], [COPY, OTHER, OWN]] {
        let house = House::new().await;
        let person = house.person().await;
        bring(&house, person, &order, &told).await;
        let of = async |date| total(&house, person, Metric::STEP_COUNT, date).await.expect("a total");
        let measured = of("2026-05-10").await;
        assert_eq!((measured.total, measured.shares.len()), (3_000, 1), "{order:?}");
        let flags: Vec<_> = store::day_flag_codes(measured.flags).collect();
        assert_eq!(
            flags,
            ["vendor-mismatch"],
            "held against what was measured, and no source more"
        );
        assert_eq!(
            of("2026-05-11").await.total,
            4_000,
            "nothing of its own is finer: what knows more counts"
        );
        assert_eq!(of("2026-05-12").await.total, 6_000);
    }
}
