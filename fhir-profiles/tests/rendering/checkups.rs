//! Results of checkups, each kind whole, and every item once.

use fhir_profiles::{
    CheckupView, ReportView, checkup_result, diagnostic_report, findable_item, questionnaire_response,
};
use model::checkup::items::{FOURTH_PERIOD, ROOT, list_oid};
use model::checkup::{Finding, Found, Guide, Item, Kind, Range};
use model::vocabulary::systems;
use model::{Decimal, LocalDay};
use serde_json::Value as Json;

use crate::common::{STORED, json};

fn finding(code: &str, result: Found) -> Finding {
    Finding::new(Item::from_code(code).expect("an item"), result)
}

fn view(finding: &Finding, dead: bool) -> CheckupView<'_> {
    CheckupView {
        id: "o1",
        patient: "p1",
        finding,
        day: LocalDay(20_583),
        by_hand: false,
        is_suspicious: false,
        version: if dead { 2 } else { 1 },
        updated: STORED,
        dead,
    }
}

fn rendered_as(finding: &Finding, dead: bool) -> Json {
    let mut out = Vec::new();
    checkup_result(&mut out, &view(finding, dead));
    json(&String::from_utf8(out).expect("UTF-8"))
}

fn rendered(finding: &Finding) -> Json {
    rendered_as(finding, false)
}

fn quantity(number: &str, unit: &str) -> Found {
    Found::Quantity(Decimal::parse(number.as_bytes()).expect("a number"), unit.to_owned())
}

macro_rules! approved {
    ($name:expr, $json:expr) => {
        insta::assert_snapshot!($name, serde_json::to_string_pretty(&$json).expect("JSON"));
    };
}

fn report(dead: bool) -> ReportView<'static> {
    ReportView {
        id: "d1",
        patient: "p1",
        days: (LocalDay(20_583), LocalDay(20_583)),
        event: model::Metric::CHECKUP_SPECIFIC,
        programme: "010",
        version: if dead { 2 } else { 1 },
        updated: STORED,
        dead,
    }
}

#[test]
fn a_report_and_the_answers() {
    let results = ["o1".to_owned(), "o2".to_owned()];
    for (name, dead) in [("report", false), ("report_gone", true)] {
        let mut out = Vec::new();
        diagnostic_report(&mut out, &report(dead), &results);
        approved!(name, json(&String::from_utf8(out).expect("UTF-8")));
    }
    let of_year = ReportView {
        days: (LocalDay(20_179), LocalDay(20_543)),
        programme: "",
        ..report(false)
    };
    let mut out = Vec::new();
    diagnostic_report(&mut out, &of_year, &[]);
    approved!("report_of_a_year", json(&String::from_utf8(out).expect("UTF-8")));
    let answer =
        |code: &str, list: &str, of: &str| finding(code, Found::Answer(format!("{ROOT}{list}"), of.to_owned()));
    let second = Finding {
        reading: 1,
        ..finding("9N701167000000049", Found::Text("アムロジピン".to_owned()))
    };
    let answers = [
        answer("9N736000000000011", "6.24060", "2"),
        answer("9N786000000000011", "6.2005", "7"),
        finding("9N741000000000011", Found::NotPerformed),
        second,
    ];
    for (name, dead) in [("answers", false), ("answers_gone", true)] {
        let mut out = Vec::new();
        questionnaire_response(&mut out, &report(dead), &answers.each_ref());
        approved!(name, json(&String::from_utf8(out).expect("UTF-8")));
    }
}

#[test]
fn results_of_each_kind() {
    let bound = |number: i64| Some((Decimal::new(number, 1), "%".to_owned()));
    let sugar = Finding {
        interpretation: Some('H'),
        method: Some("3D04620000".to_owned()),
        range: Some(Range {
            low: bound(46),
            high: bound(55),
        }),
        ..finding("3D046000001920402", quantity("5.80", "%"))
    };
    approved!("checkup_number", rendered(&sugar));
    let mut out = Vec::new();
    checkup_result(&mut out, &view(&sugar, false));
    let text = String::from_utf8(out).expect("UTF-8");
    assert!(text.contains("\"value\":5.80,"), "the digits of the document: {text}");
    approved!("checkup_gone", rendered_as(&sugar, true));
    let mut out = Vec::new();
    let suspicious = CheckupView {
        is_suspicious: true,
        ..view(&sugar, false)
    };
    checkup_result(&mut out, &suspicious);
    let flagged = json(&String::from_utf8(out).expect("UTF-8"));
    assert_eq!(
        flagged["component"][0]["valueCodeableConcept"]["coding"][0]["code"],
        "out-of-range"
    );
    let beyond = Found::AtLeast(Decimal::whole(300), "mmHg".to_owned());
    approved!(
        "checkup_beyond_what_can_be_entered",
        rendered(&finding("9A751000000000001", beyond))
    );
    let elsewhere = Found::Answer("http://example.org/list".to_owned(), "1".to_owned());
    let elsewhere = rendered(&finding("9N736000000000011", elsewhere)).to_string();
    assert!(elsewhere.contains("\"http://example.org/list\""), "{elsewhere}");
    approved!(
        "checkup_not_performed",
        rendered(&finding("3C020000002327101", Found::NotPerformed))
    );
    approved!(
        "checkup_not_measurable",
        rendered(&finding("9N011000000000001", Found::NotMeasurable))
    );
    let protein = Found::Answer(format!("{ROOT}6.2102"), "3".to_owned());
    approved!(
        "checkup_ordered_answer",
        rendered(&finding("1A010000000191111", protein))
    );
    let smokes_no_more = Found::Answer(format!("{ROOT}6.24060"), "2".to_owned());
    approved!(
        "checkup_answer",
        rendered(&finding("9N736000000000011", smokes_no_more))
    );
    let judgement = Finding {
        doctor: Some("見本 医師".to_owned()),
        ..finding("9N511000000000049", Found::Text("要経過観察\n再検査".to_owned()))
    };
    approved!("checkup_text", rendered(&judgement));
}

#[test]
fn the_same_answer_means_what_its_own_list_says() {
    let smoking = |list: &str| {
        let result = Found::Answer(format!("{ROOT}{list}"), "2".to_owned());
        rendered(&finding("9N736000000000011", result))["valueCodeableConcept"]["text"].clone()
    };
    assert_eq!(smoking("6.2003"), "いいえ");
    assert_eq!(smoking("6.24060"), "以前は吸っていたが、最近1ヶ月間は吸っていない");
    let unknown = rendered(&finding(
        "9N786000000000011",
        Found::Answer(format!("{ROOT}6.2005"), "4".to_owned()),
    ));
    assert_eq!(unknown["valueCodeableConcept"]["coding"][0]["code"], "4");
    assert!(unknown["valueCodeableConcept"].get("text").is_none(), "never guessed");
}

#[test]
fn a_method_is_called_as_it_fits_its_item_and_coded_as_the_list_has_it() {
    let method = |item: &str, code: &str| {
        let found = finding(item, quantity("12", ""));
        let method = Some(code.to_owned());
        let rendered = rendered(&Finding { method, ..found });
        let method = &rendered["method"];
        assert_eq!(method["coding"][0]["code"], code);
        [&method["coding"][0]["display"], &method["text"]].map(|name| name.as_str().map(ToOwned::to_owned))
    };
    let named = |display: &str| [Some(display.to_owned()), None];
    let serum = "可視吸光光度法(BCG法、BCP改良法)";
    let urine = "免疫比濁法(TIA)(尿)";
    assert_eq!(method("3A015000002327101", "3A01510000"), named(serum));
    assert_eq!(method("3A015000000106101", "3A01510001"), named(urine));
    assert_eq!(
        method("3A015000000106101", "3A01510000"),
        [None, Some(urine.to_owned())]
    );
    assert_eq!(method("3B070000002399901", "3B07030009"), named("その他"));
    assert_eq!(
        method("3B070000002399901", "3B07020009"),
        [None, Some("その他".to_owned())]
    );
    assert_eq!(method("3B070000002399901", "3B07990000"), [None, None]);
}

#[test]
fn a_unit_that_nobody_knows_is_said_and_not_coded() {
    let odd = rendered(&finding("3F070000002327101", quantity("1.6", "mmol/L")));
    assert_eq!(odd["valueQuantity"]["unit"], "mmol/L");
    assert!(odd["valueQuantity"].get("code").is_none());
}

#[test]
fn every_item_says_its_code_first_and_can_be_found_by_what_it_says() {
    for item in Item::all() {
        let row = item.row();
        let result = match row.kind {
            Kind::Quantity => quantity("7.0", row.unit),
            Kind::Ordered | Kind::Coded => Found::Answer(list_oid(item.list_on(FOURTH_PERIOD)), "1".into()),
            Kind::Text => Found::Text("見本".into()),
        };
        let json = rendered(&finding(row.code, result));
        let codings = json["code"]["coding"].as_array().expect("codings");
        let (system, profile) = match row.guide {
            Guide::Checkup => ("urn:oid:1.2.392.200119.6.1005", Some(systems::CHECKUP_PROFILE)),
            Guide::Added => ("urn:oid:1.2.392.200119.6.1005", None),
            Guide::Municipal => ("urn:oid:1.2.392.100495.100.1051", None),
        };
        assert_eq!(
            (codings[0]["system"].as_str(), codings[0]["code"].as_str()),
            (Some(system), Some(row.code))
        );
        assert_eq!(json["meta"]["profile"][0].as_str(), profile, "{}", row.code);
        assert_eq!(json["code"]["text"], row.name_ja);
        let loinc = codings.iter().position(|coding| coding["system"] == "http://loinc.org");
        assert!(
            loinc.is_none_or(|place| place == codings.len() - 1),
            "{}: LOINC last",
            row.code
        );
        let findable = findable_item(item);
        let said: Vec<(&str, &str)> = codings
            .iter()
            .map(|coding| {
                (
                    coding["system"].as_str().expect("a system"),
                    coding["code"].as_str().expect("a code"),
                )
            })
            .collect();
        let found: Vec<(&str, &str)> = findable
            .codes
            .iter()
            .map(|(system, code)| (*system, code.as_ref()))
            .collect();
        assert_eq!(said, found);
        assert_eq!(
            json["category"].as_array().map(Vec::len),
            Some(1),
            "the guide allows one"
        );
        assert_eq!(json["status"], "final");
        assert!(
            json.get("effectiveDateTime").is_some() && json.get("dataAbsentReason").is_none(),
            "{}",
            row.code
        );
        if row.kind == Kind::Quantity {
            assert!(
                json["valueQuantity"].get("code").is_some(),
                "{}: its own unit is known",
                row.code
            );
        }
    }
}

#[test]
fn a_result_of_a_screening_says_its_answer_by_its_own_list_and_its_number_as_it_was_written() {
    let told = rendered(&finding(
        "9P502000000000011",
        Found::Answer(list_oid("100495.100.2100"), "4".to_owned()),
    ));
    let answer = &told["valueCodeableConcept"]["coding"][0];
    assert_eq!(answer["system"], "urn:oid:1.2.392.100495.100.2100");
    assert_eq!(
        (&answer["display"], &told["valueCodeableConcept"]["text"]),
        (&"Ｅ（肺癌の疑い）".into(), &"Ｅ（肺癌の疑い）".into())
    );
    let categories = told["category"][0]["coding"].as_array().expect("codings");
    assert_eq!(categories[0]["code"], "imaging", "as the guide's table has it");
    let number = |code: &str, unit: &str| rendered(&finding(code, quantity("12", unit)))["valueQuantity"].clone();
    assert_eq!(
        number("9P663000000000001", "本"),
        serde_json::json!({"value": 12, "unit": "本", "system": "http://unitsofmeasure.org", "code": "{hon}"})
    );
    assert_eq!(
        number("9P663000000000001", ""),
        serde_json::json!({"value": 12}),
        "no unit is made up"
    );
    assert_eq!(
        number("9P626000000000001", "合"),
        serde_json::json!({"value": 12, "unit": "合"})
    );
    for (code, label) in [("9P502000000000011", "R"), ("9P615000000000011", "V")] {
        let security = rendered(&finding(code, Found::NotPerformed))["meta"]["security"].to_string();
        assert!(security.contains(&format!("\"code\":\"{label}\"")), "{security}");
    }
}

#[test]
fn results_by_two_standards_are_never_of_one_code() {
    let [old, new] =
        ["3D045000001920402", "3D046000001920402"].map(|code| findable_item(Item::from_code(code).expect("an item")));
    assert!(old.codes.iter().all(|code| !new.codes.contains(code)));
    assert_ne!(old.row, new.row);
}
