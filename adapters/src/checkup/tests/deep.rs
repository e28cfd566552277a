//! Results that say of no item what they are, such as lie deep in others, and very many.

use super::*;

/// Reasons with how often each was given, and how many pressures were read.
fn told(observations: &str) -> (Vec<(String, u64)>, usize) {
    let (read, reading) = read(&observation(observations));
    let pressure = Item::from_code("9A751000000000001").unwrap();
    let found = read.findings.iter().filter(|finding| finding.item == pressure);
    let reasons = reading.accounting.reasons.into_iter();
    (
        reasons.map(|((_, reason), count)| (reason, count)).collect(),
        found.count(),
    )
}

const PRESSURE: &str =
    "<observation><code code=\"9A751000000000001\"/><value xsi:type=\"PQ\" value=\"120\" unit=\"mmHg\"/></observation>";

#[test]
fn a_value_of_no_item_is_told_as_rejected() {
    let value = "<value xsi:type=\"PQ\" value=\"120\" unit=\"mmHg\"/>";
    for code in [
        "<code/>",
        "<code nullFlavor=\"NI\"/>",
        "<code nullFlavor=\"NA\"/>",
        "<code code=\" \"/>",
        "",
    ] {
        let (reasons, _) = told(&format!("<observation>{code}{value}</observation>"));
        assert_eq!(reasons, [("no-item".to_owned(), 1)], "{code}");
    }
    // What lies in it is read all the same.
    let around = format!("<observation><code/>{value}<entryRelationship>{PRESSURE}</entryRelationship></observation>");
    assert_eq!(told(&around), (vec![("no-item".to_owned(), 1)], 1));
}

#[test]
fn a_battery_has_no_item_of_its_own() {
    let battery = format!(
        "<observation><code nullFlavor=\"NA\"/><entryRelationship>{PRESSURE}</entryRelationship></observation>"
    );
    assert_eq!(told(&battery), (Vec::new(), 1));
}

#[test]
fn a_result_is_read_however_deep_a_document_may_be() {
    let mut read = 0;
    for depth in 0..tree::MOST_DEPTH {
        let nested = format!(
            "{}{PRESSURE}{}",
            "<organizer>".repeat(depth),
            "</organizer>".repeat(depth)
        );
        let (collected, reading) = checkups(observation(&nested).as_bytes());
        let Ok(reading) = reading else { break };
        assert_eq!(
            (collected[0].findings.len(), reading.accounting.received),
            (1, 0),
            "{depth}"
        );
        read = depth;
    }
    assert!(
        read > 50,
        "only what is deeper than a document may be is refused, and it is refused whole: {read}"
    );
}

/// Of 95,000 results that nobody knows each says its line: to count them from the beginning each time would take minutes.
#[test]
fn very_many_results_that_nobody_knows_each_say_their_line() {
    let unknown = "\n<observation><code code=\"x\"/></observation>";
    let (collected, reading) = harness::read(&CheckupDocuments, observation(&unknown.repeat(95_000)).as_bytes());
    let reasons = reading.unwrap().accounting.reasons;
    assert_eq!(reasons.into_values().collect::<Vec<u64>>(), [95_000]);
    let lines = collected.pieces.iter().filter_map(|piece| match piece {
        Handed::NotStored(left_out) => Some(left_out.iter().map(|left_out| left_out.line)),
        _ => None,
    });
    let lines: Vec<u64> = lines.flatten().collect();
    assert!(lines.is_sorted_by(|one, next| one + 1 == *next) && lines.len() == 95_000);
}
