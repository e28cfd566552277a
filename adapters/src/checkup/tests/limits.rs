//! Numbers that are limits of what can be entered, and answers whose list a document leaves out.

use super::*;

/// A pressure of 300 in a FHIR document, or why it came to nothing.
fn in_a_bundle(comparator: &str, interpretation: &[&str]) -> Result<Found, String> {
    let mut observation = serde_json::json!({
        "resourceType": "Observation", "status": "final",
        "code": { "coding": [{ "system": "urn:oid:1.2.392.200119.6.1005", "code": "9A751000000000001" }] },
        "effectiveDateTime": "2025-06-01",
        "valueQuantity": { "value": 300, "unit": "mmHg" },
        "interpretation": interpretation.iter().map(|code| serde_json::json!({ "coding": [{ "code": code }] })).collect::<Vec<_>>(),
    });
    if !comparator.is_empty() {
        observation["valueQuantity"]["comparator"] = comparator.into();
    }
    let mut bundle: serde_json::Value = serde_json::from_str(include_str!("../fixtures/report.json")).unwrap();
    let entries = bundle["entry"].as_array_mut().unwrap();
    entries.retain(|entry| {
        let kind = entry["resource"]["resourceType"].as_str();
        !matches!(kind, Some("Observation" | "DocumentReference"))
    });
    entries.push(serde_json::json!({ "resource": observation }));
    let (mut read, reading) = checkups(&serde_json::to_vec(&bundle).unwrap());
    match reading.unwrap().accounting.reasons.into_keys().next() {
        Some((_, reason)) => Err(reason),
        None => Ok(read.remove(0).findings.remove(0).result),
    }
}

#[test]
fn a_limit_in_a_fhir_document_is_one_by_comparator_or_by_interpretation() {
    let of_300 = |found: fn(Decimal, String) -> Found| Ok(found(Decimal::whole(300), "mmHg".to_owned()));
    for (comparator, interpretation) in [
        ("", vec!["HX"]),
        ("", vec!["ＨＸ"]),
        ("", vec!["H", "HX"]),
        (">=", vec!["HX"]),
        (">", vec![]),
    ] {
        let read = in_a_bundle(comparator, &interpretation);
        assert_eq!(read, of_300(Found::AtLeast), "{comparator} {interpretation:?}");
    }
    for (comparator, interpretation) in [
        ("", vec!["LX"]),
        ("", vec!["LX", "L"]),
        ("<=", vec!["L"]),
        ("<", vec!["LX"]),
    ] {
        let read = in_a_bundle(comparator, &interpretation);
        assert_eq!(read, of_300(Found::AtMost), "{comparator} {interpretation:?}");
    }
    assert_eq!(
        in_a_bundle("", &["H"]),
        of_300(Found::Quantity),
        "a judgement is no limit"
    );
    for (comparator, interpretation) in [(">=", "LX"), ("<=", "HX"), ("ad", "")] {
        let read = in_a_bundle(comparator, &[interpretation]);
        assert_eq!(read, Err("limit".to_owned()), "{comparator} {interpretation}");
    }
    assert_eq!(
        in_a_bundle("", &["HX", "LX"]),
        Err("limit".to_owned()),
        "it cannot be both"
    );
}

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
fn a_unit_in_full_width_stays_as_written_and_is_known() {
    let sugar = "3D010000001926101";
    let item = Item::from_code(sugar).unwrap();
    let of = |code: &str, unit: &str| {
        said(
            code,
            &format!("<value xsi:type=\"PQ\" value=\"９８\" unit=\"{unit}\"/>"),
        )
    };
    let written = "ｍｇ／ｄＬ";
    assert_eq!(
        of(sugar, written),
        Ok(vec![Found::Quantity(Decimal::whole(98), written.to_owned())])
    );
    let trend = item.trend(Decimal::whole(98), written).expect("a unit that is known");
    assert_eq!(trend.exact(), Decimal::whole(98));
    assert_eq!(item.ucum(written).as_deref(), Some("mg/dL"));
    let pure = Ok(vec![Found::Quantity(Decimal::whole(98), String::new())]);
    assert_eq!([of(sugar, "1"), of(sugar, "１")], [pure.clone(), pure]);
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
