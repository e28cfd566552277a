//! What live pushes come to on disk, table by table: a phone that pushes one sample in each of eight series every two minutes, for
//! days on end, with the upkeep of each day in between, as a server does it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use consent::OwnAccess;
use model::environment::{HandClock, Randomness as _, SeededRandomness};
use model::time::{DAY_MS, HOUR_MS};
use model::{
    Decimal, Flags, Identified, Measured, Metric, Offset, PersonId, Sample, Source, SourceKind, UtcMillis, Value, Word,
};

use serde_json::json;

use crate::{
    Access, BatchStart, FoldBefore, MasterKey, NewPayload, NewPerson, OpenOptions, Record, Result, Search, Sender,
    Store,
};

/// 2026-05-10 in Japan.
const FROM: UtcMillis = UtcMillis(1_778_338_800_000);
const EVERY_MS: i64 = 2 * 60_000;
const A_DAY: i64 = 720;

/// Pushes of the four hours after which they are packed.
const FOUR_HOURS: i64 = 120;
/// For how many days pushes are kept as they came, and after how long they are folded, as a server does by itself.
const KEPT_DAYS: i64 = 7;
const ROWS_MS: i64 = HOUR_MS;

/// As `sekisho synthesize` makes them: a metric, by what name and in what unit a phone tells it, the least value in tenths, how far
/// above it values go; the first half are intervals.
const SERIES: [(Metric, &str, &str, i64, u64); 8] = [
    (Metric::STEP_COUNT, "StepCount", "count", 0, 12_000),
    (
        Metric::DISTANCE_WALKING_RUNNING,
        "DistanceWalkingRunning",
        "m",
        0,
        9_000,
    ),
    (Metric::ACTIVE_ENERGY_BURNED, "ActiveEnergyBurned", "kcal", 0, 900),
    (Metric::BASAL_ENERGY_BURNED, "BasalEnergyBurned", "kcal", 140, 60),
    (Metric::HEART_RATE, "HeartRate", "count/min", 550, 700),
    (Metric::RESPIRATORY_RATE, "RespiratoryRate", "count/min", 120, 70),
    (Metric::WALKING_SPEED, "WalkingSpeed", "m/s", 8, 9),
    (Metric::HRV_SDNN, "HeartRateVariabilitySDNN", "ms", 200, 900),
];

/// A year is `LIVE_DAYS=365`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: prints what each table comes to"]
async fn live_pushes_table_by_table() -> Result<()> {
    let asked = std::env::var("LIVE_DAYS").ok().and_then(|days| days.parse().ok());
    let days = asked.unwrap_or(30);
    let (tables, samples) = pushed(days).await?;
    // Pushes are kept for some days alone, and counted for their samples.
    let (pushes, stays): (Vec<_>, Vec<_>) = tables.into_iter().partition(|(name, _)| name.starts_with("payload"));
    tell("stay", stays, samples);
    tell(
        "kept pushes of the last days",
        pushes,
        samples.min(KEPT_DAYS * A_DAY * SERIES.len() as i64),
    );
    Ok(())
}

fn tell(what: &str, tables: Vec<(String, i64)>, samples: i64) {
    let mut whole = 0.0;
    for (name, bytes) in tables {
        let each = bytes as f64 / samples as f64;
        whole += each;
        println!("{name:24} {each:6.2} bytes a sample");
    }
    println!("{what}: {samples} samples, {whole:.2} bytes each");
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_that_are_packed_are_told_as_before_and_asked_for_by_time() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, clock) = open(folder.path()).await?;
    let random = SeededRandomness::new(7);
    let person = store.create_person(NewPerson::default()).await?;
    let mut times = Vec::new();
    for place in 0..6 {
        let end = FROM.plus((place + 1) * EVERY_MS);
        clock.set(end.plus(1_500));
        push_apart(&store, person, words(&random, end.plus(-EVERY_MS), end), end).await?;
        // Between two pushes something else is committed, often.
        let between = move |writing: &super::writer::Writing<'_>| {
            for _ in 0..150 {
                super::people::next_commit(writing, person, None)?;
            }
            Ok(())
        };
        store.database.write("a test", between).await?;
        times.push(end.plus(1_500));
    }
    let mut before = Vec::new();
    for time in &times {
        before.push((
            updated(&store, person, *time).await?,
            updated(&store, person, time.plus(1)).await?,
        ));
    }
    assert_eq!(before[0].0.len(), 48);
    assert_eq!((before[5].0.len(), before[5].1.len()), (8, 0));
    let packed = store.pack_commits(None).await?;
    assert_eq!((packed.rows, packed.next), (3 * 256, None), "of some nine hundred");
    assert_eq!(store.pack_commits(None).await?.rows, 0);
    for (time, before) in times.iter().zip(before) {
        let after = (
            updated(&store, person, *time).await?,
            updated(&store, person, time.plus(1)).await?,
        );
        assert_eq!(after, before);
    }
    // What comes later goes on behind them.
    let end = FROM.plus(10 * EVERY_MS);
    clock.set(end.plus(1_500));
    push_apart(&store, person, words(&random, end.plus(-EVERY_MS), end), end).await?;
    assert_eq!(updated(&store, person, times[5].plus(1)).await?.len(), 8);
    store.erase_person(person).await?;
    let left = store.database.read_blocking(|snapshot| {
        let left = snapshot.query_row("SELECT count(*) FROM commit_pack", [], |row| row.get::<_, i64>(0));
        Ok(left.expect("a count"))
    });
    assert_eq!(left?, 0);
    Ok(())
}

/// Samples that changed since, in the order of changes: when and by which delivery.
async fn updated(store: &Store, person: PersonId, since: UtcMillis) -> Result<Vec<(UtcMillis, u32)>> {
    let search = Search {
        raw: SERIES.iter().map(|(metric, ..)| *metric).collect(),
        updated: (Some(since), None),
        sort: crate::Sort::LastUpdated,
        count: 1_000,
        now: since,
        ..Search::default()
    };
    let page = store
        .search(Access::Own(&OwnAccess::of_signed_in(person)), search)
        .await?;
    let told = page.records.into_iter().map(|record| match record {
        Record::Sample(sample) => (sample.committed, sample.batch.0),
        other => panic!("not a sample: {other:?}"),
    });
    Ok(told.collect())
}

pub(super) async fn open(folder: &std::path::Path) -> Result<(Store, Arc<HandClock>)> {
    let clock = Arc::new(HandClock::at(FROM));
    let store = Store::open(OpenOptions {
        folder: folder.to_owned(),
        master_key: MasterKey::new([7; 32]),
        clock: Arc::new(Arc::clone(&clock)),
        randomness: Arc::new(SeededRandomness::new(1)),
        exclusive: true,
        size_limit: None,
    })
    .await?;
    Ok((store, clock))
}

/// Pages of each table and index beside those of an empty store, and what was pushed.
#[expect(clippy::disallowed_methods, reason = "a test that measures")]
async fn pushed(days: i64) -> Result<(Vec<(String, i64)>, i64)> {
    let folder = tempfile::tempdir().expect("a folder");
    let random = SeededRandomness::new(7);
    let (store, clock) = open(folder.path()).await?;
    let person = store.create_person(NewPerson::default()).await?;
    let before = pages(&store);
    let mut last = FROM;
    let (mut pushing, mut packing) = (Duration::ZERO, Duration::ZERO);
    for day in 0..days {
        for place in day * A_DAY..(day + 1) * A_DAY {
            let end = FROM.plus((place + 1) * EVERY_MS - random.below(5_000) as i64);
            clock.set(end.plus(1_000 + random.below(900) as i64));
            let began = Instant::now();
            push_apart(&store, person, words(&random, last, end), end).await?;
            pushing += began.elapsed();
            last = end;
            if (place + 1) % FOUR_HOURS == 0 {
                let began = Instant::now();
                fold_pushes(&store, last.plus(-ROWS_MS)).await?;
                packing += began.elapsed();
            }
        }
        store.delete_payloads(last.plus(-KEPT_DAYS * DAY_MS)).await?;
        clock.set(FROM.plus((day + 1) * DAY_MS + 3_000));
        let before = FoldBefore {
            counts_alone: last.plus(-DAY_MS),
            any: last.plus(-7 * DAY_MS),
        };
        store.fold_deliveries(None, before).await?;
        store.pack_commits(None).await?;
        let mut after = None;
        loop {
            after = store.pack_ids(after).await?.next;
            if after.is_none() {
                break;
            }
        }
    }
    let beside = packing.as_secs_f64() / pushing.as_secs_f64();
    println!("pushes are packed in {beside:.3} of the time in which they were taken");
    let mut after = pages(&store);
    for (name, bytes) in &mut after {
        let of_nothing = before.iter().find(|(before, _)| before == name);
        *bytes -= of_nothing.map_or(0, |(_, bytes)| *bytes);
    }
    after.retain(|(_, bytes)| *bytes != 0);
    after.sort_by_key(|(_, bytes)| -*bytes);
    store.close().await;
    Ok((after, days * A_DAY * SERIES.len() as i64))
}

fn words(random: &SeededRandomness, begins: UtcMillis, end: UtcMillis) -> Vec<Identified> {
    let word = |(number, (metric, _, _, least, above)): (usize, &(Metric, &str, &str, i64, u64))| {
        let mut uuid = [0; 16];
        random.fill(&mut uuid);
        let tenths = least + random.below(above + 1) as i64;
        let value = match metric {
            &Metric::STEP_COUNT => Decimal::new(tenths / 10, 0),
            _ => Decimal::new(tenths, 1),
        };
        let sample = Sample {
            metric: *metric,
            source: 0,
            start: if number < SERIES.len() / 2 { begins } else { end },
            end,
            offset: Offset::given(540),
            end_offset_minutes: 540,
            value: Value::Quantity(Measured::as_given(value)),
            flags: Flags::default(),
            created: Sample::CREATION_UNKNOWN,
        };
        Identified {
            id: format!("{:032X}", u128::from_le_bytes(uuid)),
            said: end.floor_second(),
            what: Word::Holds(vec![sample]),
        }
    };
    SERIES.iter().enumerate().map(word).collect()
}

/// The push that has these words, as long as the phone sends it and with the same keys; its own words are its adapter's.
fn body(words: &[Identified], end: UtcMillis) -> Vec<u8> {
    let told = |(word, (_, name, unit, ..)): (&Identified, &(Metric, &str, &str, i64, u64))| {
        let Word::Holds(samples) = &word.what else {
            panic!("a word that holds nothing")
        };
        let [sample] = samples.as_slice() else {
            panic!("one sample a word")
        };
        let Value::Quantity(value) = &sample.value else {
            panic!("a number")
        };
        let value: serde_json::Number = value.exact().to_string().parse().expect("a number");
        let (id, at) = (&word.id, [0, 8, 12, 16, 20, 32]);
        let id: Vec<&str> = at.windows(2).map(|part| &id[part[0]..part[1]]).collect();
        json!({
            "uuid": id.join("-"),
            "quantityType": format!("TypeIdentifierOfQuantity{name}"),
            "quantity": value,
            "unit": unit,
            "startDate": text(sample.start),
            "endDate": text(sample.end),
            "sourceRevision": {"source": {"name": "計測のWatch"}},
            "device": {"manufacturer": "Apple Inc.", "model": "Watch", "hardwareVersion": "Watch7,5"},
            "metadata": {"HKTimeZone": "Asia/Tokyo"},
        })
    };
    let push = json!({
        "format": "apple-health-push/1",
        "batch": batch(end),
        "sentAt": text(end.plus(1_000)),
        "samples": words.iter().zip(&SERIES).map(told).collect::<Vec<_>>(),
    });
    push.to_string().into_bytes()
}

fn text(at: UtcMillis) -> String {
    jiff::Timestamp::from_millisecond(at.0).expect("a time").to_string()
}

fn batch(end: UtcMillis) -> String {
    ((end.0 - FROM.0) / EVERY_MS).to_string()
}

async fn push_apart(store: &Store, person: PersonId, words: Vec<Identified>, end: UtcMillis) -> Result<()> {
    let store = store.clone();
    let pushed = tokio::task::spawn_blocking(move || push(&store, person, words, end));
    pushed.await.expect("a push")
}

fn push(store: &Store, person: PersonId, mut words: Vec<Identified>, end: UtcMillis) -> Result<()> {
    let start = BatchStart {
        adapter: "apple-health-push".to_owned(),
        mapping_version: 1,
    };
    let mut import = store.begin_import(person, start)?;
    let source = import.source(&Source {
        key: "watch".to_owned(),
        name: "計測のWatch".to_owned(),
        kind: SourceKind::Watch,
        ..Source::default()
    })?;
    let body = body(&words, end);
    for word in &mut words {
        for sample in word.what.samples_mut() {
            sample.source = source;
        }
    }
    import.push_identified(words)?;
    let push = NewPayload {
        from: Sender::Companion(1),
        adapter: "apple-health-push".to_owned(),
        batch: batch(end),
        body,
        answer: Box::new(move |counts| {
            let mut answer =
                json!({"received": counts.received, "stored": counts.stored, "duplicate": counts.duplicate});
            answer["unsupported"] = counts.unsupported.into();
            answer["rejected"] = counts.rejected.into();
            answer["batch"] = batch(end).into();
            answer["problems"] = json!([]);
            answer.to_string().into_bytes()
        }),
    };
    import.finish_keeping(push).map(|_| ())
}

async fn fold_pushes(store: &Store, before: UtcMillis) -> Result<()> {
    let mut after = None;
    loop {
        after = store.fold_payloads(after, before).await?.next;
        if after.is_none() {
            return Ok(());
        }
    }
}

/// Bytes of pages of each table and index, and of pages that are free.
fn pages(store: &Store) -> Vec<(String, i64)> {
    let read = store.database.read_blocking(|snapshot| {
        let mut statement = snapshot
            .prepare("SELECT name, sum(pgsize) FROM dbstat WHERE aggregate = TRUE GROUP BY name")
            .expect("a statement");
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        let mut pages: Vec<(String, i64)> = rows.and_then(Iterator::collect).expect("tables");
        let free: i64 = snapshot
            .query_row(
                "SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size",
                [],
                |row| row.get(0),
            )
            .expect("free pages");
        pages.push(("free".to_owned(), free));
        Ok(pages)
    });
    read.expect("pages")
}
