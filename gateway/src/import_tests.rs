use super::*;

/// A night of an old archive, which says no offset, of somebody who lives in New York.
#[tokio::test(flavor = "multi_thread")]
async fn civil_times_are_those_of_where_the_person_lives() {
    use consent::OwnAccess;
    use model::{Metric, UtcMillis};
    use store::{Access, NewPerson, Record, Search};

    let gateway = crate::sign_in::testing::Gateway::start(&[]).await;
    let store = gateway.state.store.clone();
    let person = store.create_person(NewPerson {
        home_zone: "America/New_York".to_owned(),
        ..NewPerson::default()
    });
    let person = person.await.unwrap();
    let text = br#"{"format":"fitbit/1","account":"a","askedAt":"2026-05-12T00:00:00Z","answers":[
        {"series":"body/log/weight","start":"2026-05-10T00:00:00Z","end":"2026-05-11T00:00:00Z",
         "pages":[{"weight":[{"logId":1,"date":"2026-05-10","time":"07:30:00","weight":61.2,"source":"Aria"}]}]}]}"#;
    let reader = store.clone();
    let imported = tokio::task::spawn_blocking(move || {
        let adapter = adapters::named("fitbit").unwrap();
        let input = Input {
            bytes: &text.as_slice(),
            size: text.len() as u64,
        };
        run(&reader, person, adapter, &input).map(|imported| imported.report.samples_new)
    });
    assert_eq!(imported.await.unwrap().unwrap(), 1);
    let own = OwnAccess::of_signed_in(person);
    let search = Search {
        raw: vec![Metric::BODY_WEIGHT],
        count: 10,
        now: UtcMillis(1_800_000_000_000),
        ..Search::default()
    };
    let page = store.search(Access::Own(&own), search).await.unwrap();
    let Some(Record::Sample(stored)) = page.records.first() else {
        panic!("a weight")
    };
    // 11:30 UTC.
    assert_eq!(
        (stored.sample.start.0, stored.sample.offset.minutes),
        (1_778_412_600_000, -240)
    );
}

/// Says that it handed on three samples, and hands on none.
struct Forgetful;

impl Adapter for Forgetful {
    fn name(&self) -> &'static str {
        "forgetful"
    }

    fn mapping_version(&self) -> u32 {
        1
    }

    fn describes(&self) -> &'static str {
        "nothing"
    }

    fn coverage(&self) -> adapters::Coverage {
        adapters::named("apple-health").unwrap().coverage()
    }

    fn recognises(&self, _: &Input<'_>) -> bool {
        true
    }

    fn read(&self, _: &Input<'_>, _: &mut dyn Sink) -> Result<Reading, AdapterError> {
        let mut reading = Reading {
            samples: 3,
            ..Reading::default()
        };
        reading.accounting.count(Outcome::Unsupported, "unknown");
        Ok(reading)
    }
}

/// The rule of `docs/logging.md`, as it is written there: the name of what it watches.
fn watched_by_the_rule() -> &'static str {
    let rule = include_str!("../../docs/logging.md").split("expr: ").nth(1).unwrap();
    let inside = rule.split("increase(").nth(1).unwrap();
    inside.split('[').next().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_ends_nowhere_is_noticed_at_once_and_by_doctor_later() {
    let gateway = crate::sign_in::testing::Gateway::start(&[]).await;
    let store = gateway.state.store.clone();
    let person = store.create_person(store::NewPerson::default()).await.unwrap();
    let said = async || {
        let findings = store.doctor().await.unwrap();
        let of = findings.into_iter().find(|finding| finding.what == "deliveries");
        of.map(|finding| finding.ok)
    };
    let told = |adapter: &str| {
        let metrics = gateway.state.metrics.render();
        let line = format!("{}{{adapter=\"{adapter}\"}} ", watched_by_the_rule());
        let found = metrics.lines().find_map(|told| told.strip_prefix(&line));
        found.map(str::to_owned)
    };
    let import = async |adapter: &'static dyn Adapter, bytes: &'static [u8]| {
        let importing = store.clone();
        let imported = tokio::task::spawn_blocking(move || {
            let size = bytes.len() as u64;
            run(&importing, person, adapter, &Input { bytes: &bytes, size })
        });
        imported.await.unwrap().unwrap().report.accounting
    };
    begin_watching();
    for adapter in adapters::all() {
        assert_eq!(
            told(adapter.name()).as_deref(),
            Some("0"),
            "it is there before it grows"
        );
    }
    let whole = br#"{"format":"fitbit/1","account":"a","askedAt":"2026-05-12T00:00:00Z","answers":[]}"#;
    assert!(import(adapters::named("fitbit").unwrap(), whole).await.adds_up());
    assert_eq!(told("fitbit").as_deref(), Some("0"));
    assert_eq!(said().await, Some(true));
    for times in ["1", "2"] {
        let counts = import(&Forgetful, b"").await;
        assert_eq!((counts.received, counts.unsupported, counts.adds_up()), (4, 1, false));
        assert_eq!(told("forgetful").as_deref(), Some(times));
    }
    assert_eq!(said().await, Some(false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_night_on_which_the_vendor_still_works_stays_until_it_is_named_no_more() {
    use consent::OwnAccess;
    use model::{Metric, UtcMillis};
    use store::{Access, NewPerson, Record, Search};

    let gateway = crate::sign_in::testing::Gateway::start(&[]).await;
    let store = gateway.state.store.clone();
    let person = store.create_person(NewPerson::default()).await.unwrap();
    let own = OwnAccess::of_signed_in(person);
    let night = r#"{"sleep":[{"logId":1,"dateOfSleep":"2026-05-10","startTime":"2026-05-09T23:00:00.000","endTime":"2026-05-10T06:00:00.000",
        "levels":{"data":[{"dateTime":"2026-05-09T23:30:00.000","level":"light","seconds":600}]}}]}"#;
    for (hour, page, expected) in [
        (1, night, 1),
        (2, r#"{"meta":{"retryDuration":3000,"state":"pending"}}"#, 1),
        (3, r#"{"sleep":[],"meta":{"retryDuration":3000,"state":"pending"}}"#, 1),
        (4, night, 1),
        (5, r#"{"sleep":[]}"#, 0),
    ] {
        let text = format!(
            r#"{{"format":"fitbit/1","account":"a","askedAt":"2026-05-12T0{hour}:00:00Z","answers":[{{"series":"sleep",
                "start":"2026-05-10T00:00:00Z","end":"2026-05-11T00:00:00Z","pages":[{page}]}}]}}"#
        );
        let importing = store.clone();
        let imported = tokio::task::spawn_blocking(move || {
            let (bytes, size) = (text.as_bytes(), text.len() as u64);
            let adapter = adapters::named("fitbit").unwrap();
            run(&importing, person, adapter, &Input { bytes: &bytes, size }).map(|_| ())
        });
        imported.await.unwrap().unwrap();
        let search = Search {
            raw: vec![Metric::SLEEP_STAGE],
            count: 10,
            now: UtcMillis(1_800_000_000_000),
            ..Search::default()
        };
        let found = store.search(Access::Own(&own), search).await.unwrap().records;
        let held = found
            .iter()
            .filter(|record| matches!(record, Record::Sample(_)))
            .count();
        assert_eq!(held, expected, "after {page}");
    }
}

#[path = "../../adapters/src/harness/packed.rs"]
mod packed;

/// Every fixture of every adapter, by the adapter.
fn fixtures() -> Vec<(&'static dyn Adapter, std::path::PathBuf)> {
    let sources = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../adapters/src");
    let mut all = Vec::new();
    for adapter in adapters::all() {
        let folder = sources.join(adapter.name().replace('-', "_")).join("fixtures");
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let lie =
            entries.filter(|path| path.is_dir() || path.extension().is_some_and(|end| end != "snap" && end != "new"));
        all.extend(lie.map(|path| (*adapter, path)));
    }
    all
}

/// What the store says of each record against how many were handed on.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_received_of_every_fixture_ends_somewhere_and_the_same_again_brings_nothing() {
    let gateway = crate::sign_in::testing::Gateway::start(&[]).await;
    let store = gateway.state.store.clone();
    let fixtures = fixtures();
    assert!(fixtures.len() > adapters::all().len());
    for (adapter, path) in fixtures {
        let person = store.create_person(store::NewPerson::default()).await.unwrap();
        let bytes = match path.is_dir() {
            true => packed::packed(&path),
            false => std::fs::read(&path).unwrap(),
        };
        for is_again in [false, true] {
            let (importing, bytes) = (store.clone(), bytes.clone());
            let imported = tokio::task::spawn_blocking(move || {
                let (bytes, size) = (bytes.as_slice(), bytes.len() as u64);
                run(&importing, person, adapter, &Input { bytes: &bytes, size })
            });
            let report = imported.await.unwrap().unwrap().report;
            let counts = &report.accounting;
            assert!(
                counts.received > 0 && counts.adds_up(),
                "{}: {counts:?}",
                path.display()
            );
            let new = (counts.stored, report.samples_new);
            assert!(!is_again || new == (0, 0), "{} again: {counts:?}", path.display());
        }
    }
}
