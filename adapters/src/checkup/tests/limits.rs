//! Numbers that are limits of what can be entered, and answers whose list a document leaves out.

use super::*;

/// A document's one result with these values, or why it came to nothing.
fn said(code: &str, values: &str) -> Result<Vec<Found>, String> {
    let (read, reading) = read(&observation(&format!(
        "<observation><code code=\"{code}\"/>{values}</observation>"
    )));
    let item = Item::from_code(code).unwrap();
    let found = read.findings.into_iter().filter(|finding| finding.item == item);
    let found: Vec<Found> = found.map(|finding| finding.result).collect();
    match reading.accounting.reasons.into_keys().next() {
        Some((_, reason)) => Err(reason),
        None => Ok(found),
    }
}

#[test]
fn a_limit_is_one_whether_or_not_it_names_its_code_system() {
    let number = "<value xsi:type=\"PQ\" value=\"300\" unit=\"mmHg\"/>";
    let system = " codeSystem=\"2.16.840.1.113883.5.83\"";
    for system in [system, "", " codeSystem=\"\""] {
        for kind in ["CD", "CO"] {
            let side = |code: &str| format!("<value xsi:type=\"{kind}\" code=\"{code}\"{system}/>");
            let pressure = |values: &str| said("9A751000000000001", values);
            let of_300 = |found: fn(Decimal, String) -> Found| Ok(vec![found(Decimal::whole(300), "mmHg".to_owned())]);
            let [high, low] = ["H", "Ｌ"].map(side);
            assert_eq!(pressure(&format!("{high}{number}")), of_300(Found::AtLeast), "{system}");
            assert_eq!(pressure(&format!("{number}{low}")), of_300(Found::AtMost), "{system}");
            let alone = Err("limit-without-its-number".to_owned());
            assert_eq!(pressure(&high), alone);
            assert_eq!(pressure(&format!("{high}{number}{number}")), alone);
            assert_eq!(pressure(&format!("{high}{low}{number}")), Err("limit".to_owned()));
        }
    }
}

#[test]
fn an_answer_is_of_a_list() {
    let other = "<value xsi:type=\"CD\" code=\"1\"/>";
    let number = "<value xsi:type=\"PQ\" value=\"120\" unit=\"mmHg\"/>";
    let without = Err("answer-without-list".to_owned());
    assert_eq!(said("9A751000000000001", other), without);
    assert_eq!(said("9A751000000000001", &format!("{number}{other}")), without);
    assert_eq!(said("9N511000000000049", other), without, "a text has no list either");
    let high = "<value xsi:type=\"CD\" code=\"H\"/>";
    assert_eq!(said("9N511000000000049", high), without, "only a number has a limit");
    let named = "<value xsi:type=\"CD\" code=\"1\" codeSystem=\"1.2.392.200119.6.2002\"/>";
    let answer = Found::Answer("1.2.392.200119.6.2002".to_owned(), "1".to_owned());
    assert_eq!(said("9N511000000000049", named), Ok(vec![answer]), "as it came");
    let smokes = Found::Answer("1.2.392.200119.6.24060".to_owned(), "1".to_owned());
    for system in ["", " codeSystem=\"\""] {
        let value = format!("<value xsi:type=\"CD\" code=\"1\"{system}/>");
        assert_eq!(said("9N736000000000011", &value), Ok(vec![smokes.clone()]));
    }
}
