//! An account that is linked, of which its person brings the archive too, or had a link to the service before: what both hold is there
//! twice and counts once.

use std::io::Write as _;

use adapters::Input;

use super::*;

/// One heart rate that the archive has too and one that it has not, a weight of the account's scale and one that an app wrote, steps.
const LINKED: &str = include_str!("../../../../adapters/src/google_health/fixtures/own_account.json");

/// The same by the service before, which named no device and wrote civil times of Japan.
const LINKED_BEFORE: &str = r#"{"format":"fitbit/1","account":"a","askedAt":"2026-05-12T00:00:00Z","answers":[
    {"series":"activities/heart","start":"2026-05-10T00:00:00Z","end":"2026-05-11T00:00:00Z","pages":[
        {"activities-heart-intraday":{"dataset":[{"time":"10:10:05","value":62}]}}]},
    {"series":"body/log/weight","start":"2026-05-10T00:00:00Z","end":"2026-05-11T00:00:00Z","pages":[{"weight":[
        {"logId":1,"date":"2026-05-10","time":"10:30:00","weight":61.2,"source":"Aria"},
        {"logId":2,"date":"2026-05-10","time":"14:30:00","weight":61.9,"source":"API"}]}]},
    {"series":"activities/steps","start":"2026-05-10T00:00:00Z","end":"2026-05-11T00:00:00Z","pages":[
        {"activities-steps-intraday":{"dataset":[{"time":"10:10:00","value":84}]}}]}]}"#;

fn archive() -> Vec<u8> {
    let files = [
        (
            "heart_rate_2026-05-10.csv",
            "timestamp,beats per minute,data source\n2026-05-10T01:10:05Z,62,Charge 6\n",
        ),
        (
            "weight.csv",
            "timestamp,weight grams,data source\n2026-05-10T01:30:00Z,61200,Aria\n2026-05-10T05:30:00Z,61900,API\n",
        ),
        (
            "steps_2026-05-10.csv",
            "timestamp,steps,data source\n2026-05-10T01:10:00Z,84,Charge 6\n",
        ),
    ];
    let mut bytes = Vec::new();
    let mut archive = rawzip::ZipArchiveWriter::new(&mut bytes);
    for (name, content) in files {
        let name = format!("Takeout/Google Health/Physical Activity_GoogleData/{name}");
        let (mut entry, config) = archive.new_file(&name).start().unwrap();
        let mut writer = config.wrap(&mut entry);
        writer.write_all(content.as_bytes()).unwrap();
        let (_, output) = writer.finish().unwrap();
        entry.finish(output).unwrap();
    }
    archive.finish().unwrap();
    bytes
}

/// A person who brought these one after the other: how many records of a metric are there to read, and its day.
async fn brought(order: &[(&str, &[u8])], metric: Metric) -> (usize, Record) {
    let gateway = Gateway::start(&[]).await;
    let store = gateway.state.store.clone();
    let person = store.create_person(store::NewPerson::default()).await.unwrap();
    for (adapter, bytes) in order {
        let (store, adapter, bytes) = (store.clone(), adapters::named(adapter).unwrap(), bytes.to_vec());
        let importing = tokio::task::spawn_blocking(move || {
            let input = Input {
                bytes: &bytes.as_slice(),
                size: bytes.len() as u64,
            };
            crate::import::run(&store, person, adapter, &input).unwrap();
        });
        importing.await.unwrap();
    }
    let own = OwnAccess::of_signed_in(person);
    let found = async |raw: Vec<Metric>, daily: Vec<Metric>| {
        let search = Search {
            raw,
            daily,
            count: 100,
            now: UtcMillis(1_800_000_000_000),
            ..Search::default()
        };
        store.search(Access::Own(&own), search).await.unwrap().records
    };
    let mut days = found(Vec::new(), vec![metric]).await;
    assert_eq!(days.len(), 1);
    (found(vec![metric], Vec::new()).await.len(), days.remove(0))
}

/// The counted records of a day and their mean.
fn mean(day: &Record) -> (u32, String) {
    match day {
        Record::Aggregate(day) => (day.count, day.mean[0].map(|mean| mean.to_string()).unwrap_or_default()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_account_s_archive_or_its_link_before_has_too_is_there_twice_and_counts_once() {
    let archive = archive();
    let linked = ("google-health", LINKED.as_bytes());
    for again in [
        ("google-takeout", archive.as_slice()),
        ("fitbit", LINKED_BEFORE.as_bytes()),
    ] {
        for order in [[linked, again], [again, linked]] {
            let by = order.map(|(adapter, _)| adapter);
            let (records, day) = brought(&order, Metric::HEART_RATE).await;
            assert_eq!((records, mean(&day)), (3, (2, "71".to_owned())), "{by:?}");
            let (records, day) = brought(&order, Metric::BODY_WEIGHT).await;
            assert_eq!((records, mean(&day)), (4, (2, "61.550".to_owned())), "{by:?}");
            let (records, day) = brought(&order, Metric::STEP_COUNT).await;
            let Record::Total(day) = day else { panic!("{day:?}") };
            assert_eq!((records, day.total, day.shares.len()), (2, 84, 1), "{by:?}");
        }
    }
}

/// Without a link to the service that follows: the archive's tables name the device, the link's answers do not.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_link_before_and_the_archive_both_have_counts_once_where_nothing_else_has_it() {
    let archive = archive();
    let before = ("fitbit", LINKED_BEFORE.as_bytes());
    let archived = ("google-takeout", archive.as_slice());
    for order in [[before, archived], [archived, before]] {
        let by = order.map(|(adapter, _)| adapter);
        let (records, day) = brought(&order, Metric::HEART_RATE).await;
        assert_eq!((records, mean(&day)), (2, (1, "62".to_owned())), "{by:?}");
        let (records, day) = brought(&order, Metric::BODY_WEIGHT).await;
        assert_eq!(
            (records, mean(&day)),
            (2, (2, "61.550".to_owned())),
            "one source in both: {by:?}"
        );
        let (records, day) = brought(&order, Metric::STEP_COUNT).await;
        let Record::Total(day) = day else { panic!("{day:?}") };
        assert_eq!((records, day.total, day.shares.len()), (2, 84, 1), "{by:?}");
    }
}
