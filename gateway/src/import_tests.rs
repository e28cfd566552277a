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
