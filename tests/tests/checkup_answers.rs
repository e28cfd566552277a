//! Every answer of every list goes out as FHIR by its system, code and name, and is read again as the same answer.

use adapters::checkup::CheckupDocuments;
use adapters::{Adapter as _, Handed, Input, Sink, SinkClosed};
use fhir_profiles::{CheckupView, checkup_result};
use model::checkup::items::{ANSWERS, list_oid};
use model::checkup::{Finding, Found, Item, Kind};
use model::{LocalDay, UtcMillis};
use serde_json::{Value, json};

/// A document without its results.
const REPORT: &str = include_str!("../../adapters/src/checkup/fixtures/report.json");

/// Items that answer from a list, on whatever day; where there is none, one that answers from another.
fn items_of(list: &str) -> Vec<Item> {
    let lists = |item: Item| {
        let row = item.row();
        [row.list, row.list_before, row.list_of_screening]
    };
    let items: Vec<Item> = Item::all().filter(|item| lists(*item).contains(&list)).collect();
    match items.is_empty() {
        true => Item::from_code("9N736000000000011").into_iter().collect(),
        false => items,
    }
}

fn finding(item: Item, result: Found) -> Finding {
    Finding::new(item, result)
}

fn rendered(finding: &Finding, day: LocalDay) -> Value {
    let mut out = Vec::new();
    let view = CheckupView {
        id: "o1",
        patient: "p1",
        finding,
        day,
        by_hand: false,
        is_suspicious: false,
        version: 1,
        updated: UtcMillis(1_778_338_800_000),
        dead: false,
    };
    checkup_result(&mut out, &view);
    serde_json::from_slice(&out).expect("JSON")
}

struct Results(Vec<Finding>);

impl Sink for Results {
    fn hand(&mut self, piece: Handed) -> Result<(), SinkClosed> {
        if let Handed::Checkup(brought) = piece {
            self.0.extend(brought.checkup.findings);
        }
        Ok(())
    }
}

/// What is read of a document with these results.
fn read(observations: Vec<Value>) -> Vec<Finding> {
    let mut bundle: Value = serde_json::from_str(REPORT).expect("JSON");
    let entries = bundle["entry"].as_array_mut().expect("entries");
    entries.retain(|entry| entry["resource"]["resourceType"] != "Observation");
    entries.extend(observations.into_iter().map(|resource| json!({ "resource": resource })));
    let bytes = serde_json::to_vec(&bundle).expect("JSON");
    let input = Input {
        bytes: &bytes.as_slice(),
        size: bytes.len() as u64,
    };
    let mut results = Results(Vec::new());
    CheckupDocuments.read(&input, &mut results).expect("a document");
    results.0
}

#[test]
fn every_answer_goes_out_by_its_list_and_is_read_again_as_itself() {
    let day = LocalDay::parse("2025-06-10").expect("a day");
    let mut walked = 0;
    for (list, code, name) in ANSWERS {
        let answer = Found::Answer(list_oid(list), (*code).to_owned());
        let items = items_of(list);
        let mut observations = Vec::new();
        for item in &items {
            let observation = rendered(&finding(*item, answer.clone()), day);
            let value = &observation["valueCodeableConcept"];
            let mut expected = json!({
                "system": format!("urn:oid:{}", list_oid(list)), "code": code, "display": name,
            });
            if item.row().kind == Kind::Ordered
                && let Ok(ordinal) = code.parse::<u8>()
            {
                expected["extension"] = json!([{
                    "url": "http://hl7.org/fhir/StructureDefinition/ordinalValue", "valueDecimal": ordinal,
                }]);
            }
            assert_eq!(value["coding"], json!([expected]), "{list} {code} {item:?}");
            assert_eq!(value["text"], json!(name), "{list} {code}");
            observations.push(observation);
        }
        let expected: Vec<Finding> = items.iter().map(|item| finding(*item, answer.clone())).collect();
        assert_eq!(read(observations), expected, "{list} {code}");
        walked += 1;
    }
    assert!(walked > 300, "all lists were walked: {walked}");
}
