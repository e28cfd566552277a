//! FHIR documents of which somebody deleted, repeated or swapped parts, that were cut off or had a byte changed: as those of the
//! electronic form, each gives a reason or a reading, and never a record of somebody else.

use proptest::sample::Index;
use serde_json::Value;

use super::mutated::{has_own_numbers, is_nobody_elses, is_same_or_unsaid, read};
use super::*;

const REPORT: &str = include_str!("../fixtures/report.json");

#[derive(Clone, Copy, Debug)]
enum Act {
    Delete,
    Repeat,
    Swap,
    Empty,
}

fn acts() -> impl Strategy<Value = (Act, Index, Index)> {
    let act = prop::sample::select(vec![Act::Delete, Act::Repeat, Act::Swap, Act::Empty]);
    (act, any::<Index>(), any::<Index>())
}

/// Where every part of it lies, as JSON pointers (RFC 6901).
fn places(of: &Value, at: &str, found: &mut Vec<String>) {
    let mut below = |key: &str, value: &Value| {
        let place = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        found.push(place.clone());
        places(value, &place, found);
    };
    match of {
        Value::Object(members) => members.iter().for_each(|(key, value)| below(key, value)),
        Value::Array(elements) => elements
            .iter()
            .enumerate()
            .for_each(|(key, value)| below(&key.to_string(), value)),
        _ => {}
    }
}

fn change(document: &mut Value, (act, which, other): (Act, Index, Index)) {
    let mut found = Vec::new();
    places(document, "", &mut found);
    if found.is_empty() {
        return;
    }
    let (place, further) = (which.get(&found), other.get(&found));
    let (parent, key) = place.rsplit_once('/').unwrap();
    match act {
        Act::Empty => *document.pointer_mut(place).unwrap() = Value::Null,
        Act::Swap if !place.starts_with(further.as_str()) && !further.starts_with(place.as_str()) => {
            let [one, two] = [place, further].map(|place| document.pointer(place).unwrap().clone());
            *document.pointer_mut(place).unwrap() = two;
            *document.pointer_mut(further).unwrap() = one;
        }
        Act::Swap => {}
        Act::Delete | Act::Repeat => match document.pointer_mut(parent).unwrap() {
            Value::Array(elements) => {
                let element = elements.remove(key.parse().unwrap());
                if matches!(act, Act::Repeat) {
                    elements.extend([element.clone(), element]);
                }
            }
            Value::Object(members) => {
                members.remove(&key.replace("~1", "/").replace("~0", "~"));
            }
            _ => {}
        },
    }
}

fn own() -> Checkup {
    read(REPORT.as_bytes()).unwrap().expect("the document of a checkup")
}

proptest! {
    #[test]
    fn parts_that_are_missing_or_elsewhere_give_a_reason_and_nobody_elses_record(
        acts in prop::collection::vec(acts(), 1..4)
    ) {
        let mut document: Value = serde_json::from_str(REPORT).unwrap();
        for &one in &acts {
            change(&mut document, one);
        }
        let (own, text) = (own().subject, document.to_string());
        let Some(read) = read(text.as_bytes())? else { return Ok(()) };
        is_nobody_elses(&read.subject, &own)?;
        if !acts.iter().any(|(act, ..)| matches!(act, Act::Swap)) {
            prop_assert!(has_own_numbers(&read.subject, &own), "{:?}", read.subject);
            prop_assert!(is_same_or_unsaid(&read.subject.birth, &own.birth), "{:?}", read.subject);
            prop_assert!(is_same_or_unsaid(&read.subject.sex, &own.sex), "{:?}", read.subject);
        }
    }

    #[test]
    fn a_byte_that_is_another_gives_a_reason_and_nobody_elses_record(at in any::<Index>(), other in 1u8..) {
        let mut bytes = REPORT.as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= other;
        let Some(read) = read(&bytes)? else { return Ok(()) };
        is_nobody_elses(&read.subject, &own().subject)?;
    }

    #[test]
    fn a_document_that_is_cut_off_is_no_record(at in any::<Index>()) {
        let at = at.index(REPORT.trim_end().len());
        prop_assert_eq!(read(&REPORT.as_bytes()[..at])?, None);
    }
}
