//! FHIR documents as XML say what they say as JSON, and nothing more may stand in them.

use std::ops::ControlFlow;

use serde_json::Value;

use super::*;

const JSON: [&str; 3] = [
    include_str!("../fixtures/report.json"),
    include_str!("../fixtures/lung.json"),
    include_str!("../fixtures/osteoporosis.json"),
];
const XML: &str = include_str!("../fixtures/report-in-xml.xml");

/// A document as XML, with a prefix or without, its digits as they stand.
fn in_xml(json: &str, prefix: &str) -> String {
    let bundle: Value = serde_json::from_str(json).unwrap();
    let colon = if prefix.is_empty() { "" } else { ":" };
    let mut xml = String::new();
    resource(&bundle, &format!("{prefix}{colon}"), &mut xml);
    xml.replacen(
        "Bundle>",
        &format!("Bundle xmlns{colon}{prefix}=\"http://hl7.org/fhir\">"),
        1,
    )
}

fn resource(told: &Value, prefix: &str, xml: &mut String) {
    let name = told["resourceType"].as_str().unwrap();
    *xml += &format!("<{prefix}{name}>");
    for (name, value) in told
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| *name != "resourceType")
    {
        element(name, value, prefix, xml);
    }
    *xml += &format!("</{prefix}{name}>");
}

fn element(name: &str, told: &Value, prefix: &str, xml: &mut String) {
    let escaped = |text: &str| quick_xml::escape::escape(text).into_owned();
    match told {
        Value::Array(several) => several.iter().for_each(|one| element(name, one, prefix, xml)),
        Value::Object(members) => {
            let url = members
                .get("url")
                .filter(|_| name == "extension")
                .and_then(Value::as_str);
            let url = url.map_or(String::new(), |url| format!(" url='{}'", escaped(url)));
            *xml += &format!("<!-- - --><{prefix}{name}{url}>\n");
            match members.contains_key("resourceType") {
                true => resource(told, prefix, xml),
                false => members
                    .iter()
                    .filter(|(name, _)| url.is_empty() || *name != "url")
                    .for_each(|(name, value)| element(name, value, prefix, xml)),
            }
            *xml += &format!("</{prefix}{name}>\n");
        }
        Value::String(text) => *xml += &format!("<{prefix}{name} value=\"{}\"/>", escaped(text)),
        other => *xml += &format!("<{prefix}{name} value=\"{other}\"/>"),
    }
}

/// Numbers keep their digits, also those that a reader of JSON would shorten.
#[test]
fn a_document_in_xml_says_what_it_says_in_json() {
    assert_eq!(checkups(XML.as_bytes()).0, checkups(JSON[0].as_bytes()).0);
    for json in JSON {
        let (expected, reading) = checkups(json.as_bytes());
        let expected_accounting = reading.unwrap().accounting;
        // The writer of this test shortens numbers; digits are held against each other above and below.
        for prefix in ["", "f"] {
            let xml = in_xml(json, prefix);
            let (read, reading) = checkups(xml.as_bytes());
            assert_eq!(reading.unwrap().accounting, expected_accounting);
            let told = |checkup: &Checkup| {
                (
                    checkup.subject.clone(),
                    checkup.facility.clone(),
                    checkup.findings.len(),
                )
            };
            assert_eq!(
                read.iter().map(told).collect::<Vec<_>>(),
                expected.iter().map(told).collect::<Vec<_>>()
            );
            let (read_in_zip, _) = checkups(&zip(&[("whatever", xml.as_bytes())]));
            assert_eq!(read_in_zip, read);
        }
    }
    let longer = XML.replacen("<value value=\"5.8\"/>", "<value value=\"5.80\"/>", 1);
    let number = |text: &str| {
        checkups(text.as_bytes()).0[0].findings[0]
            .number()
            .map(|(number, _)| number)
    };
    assert_eq!(
        (number(XML), number(&longer)),
        (Some(Decimal::new(58, 1)), Some(Decimal::new(580, 2)))
    );
}

fn packed(xml: &str) -> (Vec<package::PackageEntry>, Result<package::PackageSum, AdapterError>) {
    let archive = zip(&[("DATA/1.xml", xml.as_bytes())]);
    let input = Input {
        bytes: &archive,
        size: archive.len() as u64,
    };
    let mut entries = Vec::new();
    let sum = package::zip(&input, &mut |entry| {
        entries.push(entry);
        ControlFlow::Continue(())
    });
    (entries, sum)
}

#[test]
fn a_package_s_document_in_xml_is_one_and_kept_as_it_came() {
    let (entries, sum) = packed(XML);
    assert_eq!((entries.len(), sum.unwrap().documents), (1, 1));
    assert_eq!(entries[0].checkup.as_ref(), checkups(JSON[0].as_bytes()).0.first());
    assert_eq!(plain_of(&entries[0].original), XML.as_bytes());
    assert_eq!(
        without_insurance(XML.as_bytes()),
        None,
        "what cannot be taken apart is not given"
    );
}

#[test]
fn individual_numbers_refuse_a_document_in_xml_wherever_their_name_stands() {
    for (from, to) in [
        ("JP_Insurance_memberID", "my-number"),
        ("JP_Insurance_memberID", "&#20491;人番号"),
        ("<gender", "<個人番号 value=\"1\"/><gender"),
        ("<gender", "<extension url=\"http://example.org/マイナンバー\"/><gender"),
    ] {
        let xml = XML.replacen(from, to, 1);
        assert_ne!(xml, XML);
        for bytes in [xml.clone().into_bytes(), zip(&[("1", xml.as_bytes())])] {
            let (read, reading) = checkups(&bytes);
            assert!(
                read.is_empty() && matches!(reading, Err(AdapterError::IndividualNumber)),
                "{to}"
            );
        }
        let (entries, sum) = packed(&xml);
        assert!(
            entries.is_empty() && matches!(sum, Err(AdapterError::IndividualNumber)),
            "{to}"
        );
    }
    // One of many may be by chance; all of a package are they.
    let passing = |body: u64| {
        let mut numbers = (0..10).map(|digit| format!("{body:011}{digit}"));
        numbers.find(|number| individual_number::passes(number)).unwrap()
    };
    let documents: Vec<String> = (0..20)
        .map(|body| {
            let id = format!(
                "<identifier><system value=\"urn:oid:1.2.3\"/><value value=\"{}\"/></identifier>",
                passing(12_345 + body * 977)
            );
            XML.replacen("<gender", &format!("{id}<gender"), 1)
        })
        .collect();
    let files: Vec<(&str, &[u8])> = documents
        .iter()
        .map(|document| ("1.xml", document.as_bytes()))
        .collect();
    let archive = zip(&files);
    let input = Input {
        bytes: &archive,
        size: archive.len() as u64,
    };
    let refused = package::zip(&input, &mut |_| ControlFlow::Continue(()));
    assert!(matches!(refused, Err(AdapterError::IndividualNumber)));
}

#[test]
fn what_is_no_document_in_xml_says_why() {
    let refused = |xml: &str| checkups(xml.as_bytes()).1.unwrap_err().to_string();
    let declares = XML.replacen("<Bundle", "<!DOCTYPE Bundle [<!ENTITY x 'y'>]><Bundle", 1);
    assert!(refused(&declares).contains("declares types"));
    let deep = XML.replacen("<meta>", &format!("<meta>{}", "<extension>".repeat(100)), 1);
    assert!(refused(&deep).contains("deeper"));
    assert!(refused(&XML[..XML.len() - 30]).contains("do not close"));
    let other = XML.replacen("value=\"document\"", "value=\"searchset\"", 1);
    assert!(refused(&other).contains("of another type"));
    // Another's Bundle, and what only looks like one.
    for other in [
        XML.replace("eCheckup", "eOther").replace("6.1005", "6.0"),
        XML.replacen("http://hl7.org/fhir\"", "urn:other\"", 1),
    ] {
        assert!(checkups(other.as_bytes()).1.is_err());
        let (entries, sum) = packed(&other);
        assert_eq!(
            (entries.len(), sum.unwrap().unsupported.counts["another-document"]),
            (0, 1)
        );
    }
    // A value of no number is told as one, and takes nothing else with it.
    let (read, reading) = checkups(
        XML.replacen("<value value=\"5.8\"/>", "<value value=\"5.8x\"/>", 1)
            .as_bytes(),
    );
    let accounting = reading.unwrap().accounting;
    assert_eq!((read.len(), accounting.rejected), (1, 1));
    assert_eq!(accounting.reasons[&(Outcome::Rejected, "not-a-number".to_owned())], 1);
}
