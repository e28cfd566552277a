//! Short ways to bring samples in and to look at what is there.

use model::vocabulary::Metric;
use model::{
    Decimal, Flags, LocalDay, Measured, Offset, OffsetTrust, Outcome, PersonId, Sample, Source, SourceKind, UtcMillis,
    Value,
};
use store::{
    Access, BatchStart, ImportReport, Page, Record, Result, Search, Sort, Store, StoredSample, StoredTotal, TimeBounds,
};

use crate::harness::{House, MAY_10};

/// A watch.
pub const WATCH: u16 = 0;
/// A phone.
pub const PHONE: u16 = 1;

/// A time on 2026-05-10 in Japan, by hour and minute; hours beyond 24 are days after.
pub fn at(hour: i64, minute: i64) -> UtcMillis {
    MAY_10.plus((hour * 60 + minute) * 60_000)
}

/// A day.
pub fn day(text: &str) -> LocalDay {
    LocalDay::parse(text).expect("a day")
}

/// A quantity of a metric; the source is one of the constants above.
pub fn quantity(metric: Metric, source: u16, start: UtcMillis, end: UtcMillis, mantissa: i64, scale: u8) -> Sample {
    Sample {
        metric,
        source,
        start,
        end,
        offset: Offset::given(540),
        end_offset_minutes: 540,
        value: Value::Quantity(Measured::as_given(Decimal::new(mantissa, scale))),
        flags: Flags::default(),
        created: Sample::CREATION_UNKNOWN,
    }
}

/// Steps.
pub fn steps(source: u16, start: UtcMillis, end: UtcMillis, count: i64) -> Sample {
    quantity(Metric::STEP_COUNT, source, start, end, count, 0)
}

/// A weight in kg with one decimal.
pub fn weight(start: UtcMillis, tenths: i64) -> Sample {
    quantity(Metric::BODY_WEIGHT, PHONE, start, start, tenths, 1)
}

/// A heart rate.
pub fn pulse(start: UtcMillis, rate: i64) -> Sample {
    quantity(Metric::HEART_RATE, WATCH, start, start, rate, 0)
}

/// A sleep segment, by the key of its stage.
pub fn stage(source: u16, start: UtcMillis, end: UtcMillis, key: &str) -> Sample {
    let code = (0..20)
        .find(|number| Metric::SLEEP_STAGE.code(*number).is_some_and(|entry| entry.key == key))
        .expect("a stage");
    Sample {
        value: Value::Code(code),
        ..quantity(Metric::SLEEP_STAGE, source, start, end, 0, 0)
    }
}

/// The same sample as written by an export made where clocks show this offset, which says nothing of where the person was.
pub fn assumed(sample: Sample, minutes: i16) -> Sample {
    Sample {
        offset: Offset {
            minutes,
            trust: OffsetTrust::Assumed,
        },
        end_offset_minutes: minutes,
        ..sample
    }
}

/// The sources behind the constants above.
pub fn sources() -> Vec<Source> {
    let source = |key: &str, kind| Source {
        key: key.to_owned(),
        name: key.to_owned(),
        kind,
        ..Source::default()
    };
    vec![
        source("watch", SourceKind::Watch),
        source("phone", SourceKind::Phone),
        source("ring", SourceKind::Ring),
    ]
}

/// Brings one delivery in, in pieces of `piece` samples; when it was asserted, or `None` if the vendor does not say.
pub async fn import_in_pieces(
    store: &Store,
    person: PersonId,
    asserted: impl Into<Option<UtcMillis>>,
    samples: Vec<Sample>,
    piece: usize,
) -> Result<ImportReport> {
    let (store, asserted) = (store.clone(), asserted.into());
    tokio::task::spawn_blocking(move || {
        let start = BatchStart {
            adapter: "test".to_owned(),
            mapping_version: 1,
        };
        let mut import = store.begin_import(person, start)?;
        if let Some(asserted) = asserted {
            import.set_asserted(asserted)?;
        }
        let numbers: Vec<u16> = sources()
            .iter()
            .map(|source| import.source(source))
            .collect::<Result<_>>()?;
        for chunk in samples.chunks(piece.max(1)) {
            let chunk = chunk
                .iter()
                .cloned()
                .map(|sample| Sample {
                    source: numbers[usize::from(sample.source)],
                    ..sample
                })
                .collect();
            import.push(chunk)?;
            if piece < usize::MAX {
                import.checkpoint()?;
            }
        }
        import.finish()
    })
    .await
    .expect("the importing thread")
}

/// Brings one delivery in.
pub async fn import(
    house: &House,
    person: PersonId,
    asserted: impl Into<Option<UtcMillis>>,
    samples: Vec<Sample>,
) -> ImportReport {
    let report = import_in_pieces(&house.store, person, asserted, samples, usize::MAX)
        .await
        .expect("an import");
    assert!(report.accounting.adds_up());
    report
}

/// What a delivery was accounted as: stored, duplicate, and how often as superseded.
pub fn ended(report: &ImportReport) -> (u64, u64, u64) {
    let superseded = (Outcome::Duplicate, "superseded".to_owned());
    let superseded = report.accounting.reasons.get(&superseded).copied().unwrap_or(0);
    (report.accounting.stored, report.accounting.duplicate, superseded)
}

/// The person's own search for samples of one metric.
pub fn search_for(house: &House, metric: Metric) -> Search {
    Search {
        raw: vec![metric],
        count: 1_000,
        now: house.now(),
        ..Search::default()
    }
}

/// A page of a search with the person's own access.
pub async fn page(house: &House, person: PersonId, search: Search) -> Page {
    let own = consent::OwnAccess::of_signed_in(person);
    house.store.search(Access::Own(&own), search).await.expect("a page")
}

/// All samples of a metric, dead ones left out.
pub async fn samples(house: &House, person: PersonId, metric: Metric) -> Vec<StoredSample> {
    all(house, person, Sort::default(), metric).await
}

async fn all(house: &House, person: PersonId, sort: Sort, metric: Metric) -> Vec<StoredSample> {
    let mut found = Vec::new();
    let mut search = Search {
        sort,
        ..search_for(house, metric)
    };
    loop {
        let page = page(house, person, search.clone()).await;
        found.extend(page.records.into_iter().filter_map(|record| match record {
            Record::Sample(sample) => Some(sample),
            _ => None,
        }));
        match page.next {
            Some(next) => search.after = Some(next),
            None => return found,
        }
    }
}

/// Values of a metric's samples as text, by start.
pub async fn values(house: &House, person: PersonId, metric: Metric) -> Vec<String> {
    let shown = |sample: StoredSample| match sample.sample.value {
        Value::Quantity(value) => value.to_string(),
        other => format!("{other:?}"),
    };
    samples(house, person, metric).await.into_iter().map(shown).collect()
}

/// All samples that were touched, dead ones among them, in the order of commits.
pub async fn touched(house: &House, person: PersonId, metric: Metric) -> Vec<StoredSample> {
    all(house, person, Sort::LastUpdated, metric).await
}

/// The totals of a summed metric, by day.
pub async fn totals(house: &House, person: PersonId, metric: Metric) -> Vec<StoredTotal> {
    let search = Search {
        raw: Vec::new(),
        daily: vec![metric],
        ..search_for(house, metric)
    };
    let records = page(house, person, search).await.records;
    records
        .into_iter()
        .filter_map(|record| match record {
            Record::Total(total) => Some(total),
            _ => None,
        })
        .collect()
}

/// The total of one day.
pub async fn total(house: &House, person: PersonId, metric: Metric, date: &str) -> Option<StoredTotal> {
    totals(house, person, metric)
        .await
        .into_iter()
        .find(|total| total.day == day(date))
}

/// Bounds of a search between two instants: whatever touches them.
pub fn between(from: UtcMillis, until: UtcMillis) -> TimeBounds {
    TimeBounds {
        end_after: Some(from),
        start_before: Some(until),
        ..TimeBounds::default()
    }
}
