//! Screenings of municipalities, as FHIR documents tell them: each of their items and answers, whatever the document says its codes
//! are of.

use std::fmt::Write as _;

use model::checkup::items::{ANSWERS, list_oid};
use model::checkup::{Checkup, Found, Guide, Item, Kind};
use model::vocabulary::systems;
use model::{Decimal, Metric, Outcome};

use super::tests::checkups;

/// Eight items of MHLW's table that screenings ask for too.
const SHARED: [&str; 8] = [
    "9N001000000000001",
    "9N006000000000001",
    "9N281160800000049",
    "9N291160700000011",
    "9N291160800000049",
    "9N296160700000011",
    "9N296160800000049",
    "9N401000000000011",
];

fn items() -> Vec<Item> {
    let of_screenings = |item: &Item| item.row().guide == Guide::Municipal || SHARED.contains(&item.row().code);
    Item::all().filter(of_screenings).collect()
}

/// A document of this report with these Observations: code and value as JSON.
fn document(report: &str, system: &str, observations: &[(&str, String)]) -> String {
    let mut entries = format!(
        r#"{{"resource": {{"resourceType": "Composition", "date": "2025-10-20",
            "category": [{{"coding": [{{"system": "urn:oid:2.16.840.1.113883.2.2.1.6.1001", "code": "{report}"}}]}}],
            "event": [{{"code": [{{"coding": [{{"system": "{}", "code": "1"}}]}}], "period": {{"start": "2025-10-05"}}}}]}}}}"#,
        systems::SCREENING_PART
    );
    for (code, value) in observations {
        let _ = write!(
            entries,
            r#", {{"resource": {{"resourceType": "Observation", "status": "final",
                "code": {{"coding": [{{"system": "{system}", "code": "{code}"}}]}}, {value}}}}}"#
        );
    }
    format!(
        r#"{{"resourceType": "Bundle", "type": "document", "meta": {{"profile": ["eMunicipalCheckup"]}}, "entry": [{entries}]}}"#
    )
}

fn read(text: &str) -> Checkup {
    let (mut read, reading) = checkups(text.as_bytes());
    let accounting = reading.unwrap().accounting;
    assert_eq!((read.len(), accounting.received), (1, 0), "{:?}", accounting.reasons);
    read.remove(0)
}

fn answer(oid: &str, code: &str) -> String {
    format!(r#""valueCodeableConcept": {{"coding": [{{"system": "urn:oid:{oid}", "code": "{code}"}}]}}"#)
}

#[test]
fn every_item_of_a_screening_goes_in_and_comes_out_once_by_whichever_system() {
    let items = items();
    assert_eq!(items.len(), 166);
    for system in [systems::SCREENING_ITEM, systems::SCREENING_ITEM_OF_EXAMPLES] {
        let made = items.iter().map(|item| {
            let row = item.row();
            let (value, found) = match row.kind {
                Kind::Quantity => (
                    format!(r#""valueQuantity": {{"value": 7.10, "unit": "{}"}}"#, row.unit),
                    Found::Quantity(Decimal::new(710, 2), row.unit.to_owned()),
                ),
                Kind::Ordered | Kind::Coded => {
                    let list = list_oid(item.list_of_screening());
                    (answer(&list, "2"), Found::Answer(list, "2".to_owned()))
                }
                Kind::Text => (r#""valueString": "所見""#.to_owned(), Found::Text("所見".to_owned())),
            };
            ((row.code, value), found)
        });
        let (told, expected): (Vec<_>, Vec<_>) = made.unzip();
        let read = read(&document("51", system, &told));
        let found: Vec<Item> = read.findings.iter().map(|finding| finding.item).collect();
        assert_eq!(found, items, "{system}");
        let results: Vec<Found> = read.findings.into_iter().map(|finding| finding.result).collect();
        assert_eq!(results, expected);
    }
}

#[test]
fn every_answer_of_every_list_of_a_screening_is_read_with_its_list_or_without_it() {
    for item in items() {
        let list = item.list_of_screening();
        for (_, code, name) in ANSWERS.iter().filter(|(of, ..)| !list.is_empty() && *of == list) {
            let oid = list_oid(list);
            let bare = format!(r#""valueCodeableConcept": {{"coding": [{{"code": "{code}"}}]}}"#);
            for value in [answer(&oid, code), bare] {
                let read = read(&document("54", systems::SCREENING_ITEM, &[(item.row().code, value)]));
                assert_eq!(read.findings[0].result, Found::Answer(oid.clone(), (*code).to_owned()));
                assert_eq!(model::checkup::items::answer_of(&oid, code), Some(*name));
            }
        }
    }
    // In a checkup that is no screening the same item answers from its other list, where 1 is the opposite.
    let bare = r#""valueCodeableConcept": {"coding": [{"code": "1"}]}"#.to_owned();
    let read = read(&document("10", systems::CHECKUP_ITEM, &[("9N291160700000011", bare)]));
    let expected = Found::Answer("1.2.392.200119.6.2002".to_owned(), "1".to_owned());
    assert_eq!(read.findings[0].result, expected);
}

#[test]
fn each_screening_says_that_it_took_place() {
    for (report, event) in [
        ("51", Metric::CHECKUP_LUNG_CANCER),
        ("52", Metric::CHECKUP_BREAST_CANCER),
        ("53", Metric::CHECKUP_STOMACH_CANCER),
        ("54", Metric::CHECKUP_CERVICAL_CANCER),
        ("55", Metric::CHECKUP_COLORECTAL_CANCER),
        ("56", Metric::CHECKUP_HEPATITIS),
        ("57", Metric::CHECKUP_OSTEOPOROSIS),
        ("58", Metric::CHECKUP_DENTAL),
    ] {
        let of = |report: &str| read(&document(report, systems::SCREENING_ITEM, &[]));
        assert_eq!((of(report).event(), of(report).part_of_screening()), (event, Some("1")));
        assert!(of("49").is_same(&of(report)), "a request to delete finds it");
    }
    let weight = (
        "9N006000000000001",
        r#""valueQuantity": {"value": 60, "unit": "kg"}"#.to_owned(),
    );
    let deletion = read(&document("49", systems::SCREENING_ITEM, &[weight]));
    assert!(deletion.is_deletion() && deletion.findings.is_empty());
}

#[test]
fn the_parts_of_a_screening_s_document_are_told_apart() {
    let lung = read_fixture(include_str!("fixtures/lung.json"), 1);
    assert_eq!((lung.report.as_str(), lung.programme.as_str()), ("51", "3"));
    assert_eq!(
        lung.facility.number, "1310000001",
        "not who insures, nor the prefecture"
    );
    assert_eq!(
        lung.findings[0].result,
        Found::Quantity(Decimal::whole(420), String::new())
    );
    assert_eq!(lung.findings[1].result, Found::Text("2025-10-04".to_owned()));
    assert_eq!(lung.findings[2].doctor.as_deref(), Some("見本 医師"));
    assert_eq!(
        lung.findings[4].day.map(|day| day.to_string()).as_deref(),
        Some("2025-11-10")
    );
    let bones = read_fixture(include_str!("fixtures/osteoporosis.json"), 1);
    let numbers: Vec<_> = bones.findings.iter().filter_map(|finding| finding.number()).collect();
    let units: Vec<&str> = numbers.iter().map(|(_, unit)| *unit).collect();
    assert_eq!(units, ["kg", "{%YAM}", "g/cm²", "合", ""], "as they are written");
    let coded = |code: &str, unit: &str| Item::from_code(code).unwrap().ucum(unit).map(|ucum| ucum.into_owned());
    assert_eq!(coded("9Z507195700000001", "g/cm²").as_deref(), Some("g/cm2"));
    assert_eq!(coded("9P626000000000001", "合"), None, "said, and not coded");
    assert_eq!(
        coded("9P633000000000001", ""),
        None,
        "a unit that is left out is not made up"
    );
}

/// Reads a fixture of which so many entries come to nothing.
fn read_fixture(text: &str, unsupported: u64) -> Checkup {
    let (mut read, reading) = checkups(text.as_bytes());
    let accounting = reading.unwrap().accounting;
    assert_eq!(accounting.unsupported, unsupported, "{:?}", accounting.reasons);
    assert!(
        accounting
            .reasons
            .keys()
            .all(|(outcome, _)| *outcome == Outcome::Unsupported)
    );
    read.remove(0)
}
