//! Fields left out and moved: what a fixture gives without each of them, and in another order.

use std::collections::BTreeMap;

use super::{fixtures, read};
use crate::{Adapter, Reading, all};

/// Each field that is left out gives a sample or a reason; the order of fields changes nothing.
#[test]
fn every_field_may_be_missing_and_stand_anywhere() {
    for &adapter in all() {
        for (name, path) in fixtures(adapter) {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            match path.extension().and_then(|end| end.to_str()) {
                Some("xml") => attributes(adapter, &name, &text),
                Some("json") => members(adapter, &name, &text),
                // A container's fields are those of what it holds, which has a fixture of its own.
                _ => {}
            }
        }
    }
}

fn attributes(adapter: &dyn Adapter, name: &str, fixture: &str) {
    let (collected, reading) = read(adapter, fixture.as_bytes());
    let (expected, known) = (collected.lines(), ended(&reading.unwrap()));
    let mut reversed = String::new();
    for line in fixture.lines() {
        let Some((head, rest)) = line.split_once("<Record ") else {
            reversed.push_str(line);
            reversed.push('\n');
            continue;
        };
        let end = rest.rfind('"').map_or(rest.len(), |at| at + 1);
        let mut parts: Vec<&str> = rest[..end].split_inclusive("\" ").map(str::trim).collect();
        for removed in 0..parts.len() {
            let mut some = parts.clone();
            some.remove(removed);
            let changed = fixture.replacen(line, &format!("{head}<Record {}{}", some.join(" "), &rest[end..]), 1);
            let ended = ended(&read(adapter, changed.as_bytes()).1.unwrap());
            assert!(
                ended >= known,
                "{name} without {}: {ended} of {known} records end",
                parts[removed]
            );
        }
        parts.reverse();
        reversed.push_str(&format!("{head}<Record {}{}\n", parts.join(" "), &rest[end..]));
    }
    let other = read(adapter, reversed.as_bytes()).0.lines();
    assert_eq!(other, expected, "{name}: the order of attributes changes samples");
}

/// Of a list of more records each is looked at by itself: all of it would be read as often as it has members.
const MANY: usize = 16;

/// Maps of this parser are in the order of their keys.
fn members(adapter: &dyn Adapter, name: &str, fixture: &str) {
    let whole: serde_json::Value = serde_json::from_str(fixture).unwrap();
    let expected = read(adapter, fixture.as_bytes()).0.lines();
    let sorted = read(adapter, whole.to_string().as_bytes()).0.lines();
    assert_eq!(sorted, expected, "{name}: the order of members changes samples");
    let lists = whole.as_object().into_iter().flatten();
    let long = lists.filter_map(|(list, records)| Some((list, records.as_array().filter(|list| list.len() > MANY)?)));
    let Some((list, records)) = long.max_by_key(|(_, records)| records.len()) else {
        return without_each_member(adapter, name, &whole);
    };
    for record in records {
        let mut alone = whole.clone();
        alone[list] = serde_json::Value::from(vec![record.clone()]);
        without_each_member(adapter, name, &alone);
    }
}

/// Leaves out one member of one object after the other.
fn without_each_member(adapter: &dyn Adapter, name: &str, whole: &serde_json::Value) {
    let reading = read(adapter, whole.to_string().as_bytes()).1.unwrap();
    let (known, accounted) = (ended(&reading), reading.accounting.received);
    let beside = left_out(&reading);
    let mut lefts = BTreeMap::new();
    let mut pointers = Vec::new();
    pointers_of(whole, String::new(), &mut pointers);
    for pointer in pointers {
        let reading = read(adapter, without(whole, &pointer).to_string().as_bytes()).1;
        let around = element(&pointer);
        // Where there are no records any more, nothing says how many there were; and a whole that is refused says so.
        let (Some(around), Ok(reading), false) = (around, reading, holds_a_list(whole.pointer(&pointer))) else {
            continue;
        };
        let left = *lefts.entry(around.to_owned()).or_insert_with(|| {
            let left = read(adapter, without(whole, around).to_string().as_bytes()).1;
            left.map_or(known, |reading| ended(&reading))
        });
        let has_word =
            reading.ended.is_some() || reading.accounting.received > accounted || left_out(&reading) > beside;
        assert!(
            left >= known || ended(&reading) > left || has_word,
            "{name} without {pointer}: what was at {around} vanishes without a word"
        );
    }
}

/// The innermost element of a list around a member.
fn element(pointer: &str) -> Option<&str> {
    let ends = pointer.match_indices('/').map(|(at, _)| at).collect::<Vec<_>>();
    let mut parts = ends
        .windows(2)
        .rev()
        .map(|part| (part[1], &pointer[part[0] + 1..part[1]]));
    parts.find_map(|(end, part)| part.parse::<usize>().is_ok().then_some(&pointer[..end]))
}

fn holds_a_list(value: Option<&serde_json::Value>) -> bool {
    match value {
        Some(serde_json::Value::Array(_)) => true,
        Some(serde_json::Value::Object(members)) => members.values().any(|member| holds_a_list(Some(member))),
        _ => false,
    }
}

/// All but what stands there.
fn without(whole: &serde_json::Value, pointer: &str) -> serde_json::Value {
    let mut changed = whole.clone();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match changed.pointer_mut(parent) {
        Some(serde_json::Value::Object(members)) => drop(members.remove(key)),
        Some(serde_json::Value::Array(elements)) => drop(elements.remove(key.parse().unwrap())),
        _ => panic!("nothing stands at {pointer}"),
    }
    changed
}

/// Members that were looked at and told as used or left out.
fn left_out(reading: &Reading) -> u64 {
    reading.metadata.values().map(|(_, count)| count).sum()
}

/// Records that ended in any way.
fn ended(reading: &Reading) -> u64 {
    assert!(reading.accounting.adds_up());
    reading.samples + reading.accounting.received
}

fn pointers_of(value: &serde_json::Value, at: String, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(members) => {
            for (key, member) in members {
                // A key with a slash would need an escape, and no vendor has one.
                let below = format!("{at}/{key}");
                found.push(below.clone());
                pointers_of(member, below, found);
            }
        }
        serde_json::Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                pointers_of(item, format!("{at}/{place}"), found);
            }
        }
        _ => {}
    }
}
