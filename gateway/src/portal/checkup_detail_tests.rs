use adapters::checkup::synthetic::MadeUp;
use model::Decimal;
use model::checkup::{Checkup, Item};

use super::*;
use crate::portal::checkups::tests::{bring, resident};
use crate::portal::consents::tests::shared;

/// What a FHIR document of a checkup reads as.
fn read_back(checkup: &Checkup) -> (Checkup, String) {
    struct First(Option<Checkup>);
    impl adapters::Sink for First {
        fn hand(&mut self, piece: adapters::Handed) -> Result<(), adapters::SinkClosed> {
            if let adapters::Handed::Checkup(brought) = piece {
                self.0 = Some(brought.checkup);
            }
            Ok(())
        }
    }
    let mut written = Vec::new();
    let view = fhir_profiles::CheckupDocumentView {
        base: "https://phr.example/fhir/r4",
        number: 3,
        checkup,
        now: model::UtcMillis(1_778_447_402_114),
    };
    fhir_profiles::checkup_document(&mut written, &view);
    let input = adapters::Input {
        bytes: &written.as_slice(),
        size: written.len() as u64,
    };
    let mut first = First(None);
    let adapter = adapters::recognise(&input).unwrap();
    assert_eq!(adapter.name(), "checkup");
    let reading = adapter.read(&input, &mut first).unwrap();
    assert_eq!(reading.accounting.received, 0, "{:?}", reading.accounting);
    (first.0.unwrap(), String::from_utf8(written).unwrap())
}

#[test]
fn a_fhir_document_that_goes_out_comes_in_as_the_same_results() {
    for seed in 0..20 {
        for year in [2014, 2019, 2024, 2025] {
            let made = MadeUp::of(seed).checkup(year);
            assert_eq!(read_back(&made).0, made);
        }
    }
    let mut every = MadeUp::of(1).checkup(2025);
    let kinds = [Found::NotPerformed, Found::NotMeasurable];
    every.findings = Item::all()
        .enumerate()
        .map(|(place, item)| {
            let unit = item.row().unit.to_owned();
            let number = Decimal::new(580, 2);
            Finding {
                interpretation: [None, Some('N'), Some('H'), Some('L')][place % 4],
                ..Finding::new(
                    item,
                    match (item.row().kind, place % 5) {
                        (_, 0) => kinds[place / 5 % 2].clone(),
                        (model::checkup::Kind::Quantity, 1) => Found::AtLeast(number, unit),
                        (model::checkup::Kind::Quantity, 2) => Found::AtMost(number, unit),
                        (model::checkup::Kind::Quantity, _) => Found::Quantity(number, unit),
                        (model::checkup::Kind::Text, _) => Found::Text("\"所見\"\nなし".to_owned()),
                        _ => Found::Answer(model::checkup::items::list_oid(item.list_on(every.day)), "1".to_owned()),
                    },
                )
            }
        })
        .collect();
    let screenings = ["51", "52", "53", "54", "55", "56", "57", "58"].map(|report| Checkup {
        report: report.to_owned(),
        programme: "3".to_owned(),
        ..every.clone()
    });
    for screening in screenings {
        let (read, written) = read_back(&screening);
        assert_eq!(read, screening);
        // Its guide's profiles ask for more than is told, and the other guide is not its own.
        assert!(!written.contains("JP_Bundle_") && !written.contains("JP_Composition_"));
        assert!(written.contains("checkup-type-code") && !written.contains("200119.6.1002"));
        let nothing = Checkup {
            findings: Vec::new(),
            ..screening
        };
        assert_eq!(read_back(&nothing).0, nothing);
    }
    let (read, written) = read_back(&every);
    assert_eq!(read, every);
    assert!(written.contains("\"value\":5.80"), "digits as they were");
}

#[tokio::test]
async fn a_resident_saves_a_checkup_as_fhir_and_nobody_elses() {
    let (gateway, consent) = shared().await;
    let (mut browser, _) = resident(&gateway).await;
    let made = MadeUp::of(3).known_as("セキショハナコ", None, None).checkup(2025);
    bring(&gateway, consent.person, made).await;
    let saved = browser.get("/portal/checkups/1/fhir").await;
    assert_eq!(saved.headers["content-type"], "application/fhir+json");
    let bundle: serde_json::Value = serde_json::from_str(&saved.body).unwrap();
    let of = |kind: &str| {
        bundle["entry"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|entry| entry["resource"]["resourceType"] == kind)
            .count()
    };
    assert_eq!(
        (of("Composition"), of("Patient"), of("Organization"), of("Observation")),
        (1, 1, 2, 59),
        "56 results, of which some are of three batteries"
    );
    // Every reference of the document is to a part of it.
    let urls: Vec<&str> = bundle["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["fullUrl"].as_str().unwrap())
        .collect();
    for reference in saved
        .body
        .split("\"reference\":\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
    {
        assert!(
            urls.iter().any(|url| url.ends_with(&format!("/{reference}"))),
            "{reference}"
        );
    }
}

/// The profiles that the parts of a checkup's document claim, by type.
fn claims(checkup: &Checkup) -> std::collections::BTreeMap<String, String> {
    let bundle: serde_json::Value = serde_json::from_str(&read_back(checkup).1).unwrap();
    let claimed = |resource: &serde_json::Value| {
        let profile = resource["meta"]["profile"][0].as_str().unwrap_or("none");
        let short = profile
            .replace("/StructureDefinition/JP_", " ")
            .replace("_eCheckupGeneral", "");
        let short = short.trim_start_matches("http://jpfhir.jp/fhir/").to_owned();
        let kind = resource["resourceType"].as_str().unwrap();
        let group = if resource.get("hasMember").is_some() {
            " group"
        } else {
            ""
        };
        (format!("{kind}{group}"), short)
    };
    let parts = bundle["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["resource"]);
    std::iter::once(&bundle).chain(parts).map(claimed).collect()
}

#[test]
fn each_part_claims_what_it_keeps_to_and_the_whole_where_all_do() {
    let whole = MadeUp::of(3).checkup(2025);
    let claimed: Vec<String> = claims(&whole)
        .into_iter()
        .map(|(kind, profile)| format!("{kind}: {profile}"))
        .collect();
    assert_eq!(
        claimed,
        [
            "Bundle: clins Bundle",
            "Composition: eCheckup Composition",
            "Coverage: core Coverage",
            "Encounter: eCheckup Encounter",
            "Observation: eCheckup Observation",
            "Observation group: eCheckup ObservationGroup",
            "Organization: eCheckup Organization",
            "Patient: clins Patient",
            "Practitioner: eCheckup Practitioner",
        ]
    );
    let with = |change: &dyn Fn(&mut Checkup)| {
        let mut changed = whole.clone();
        change(&mut changed);
        let claimed = claims(&changed);
        (claimed["Bundle"].clone(), claimed["Patient"].clone())
    };
    let says = |bundle: &str, patient: &str| (bundle.to_owned(), patient.to_owned());
    // What can be written as the guide wants it is.
    let odd = with(&|checkup| {
        checkup.subject.insurer = "139999".to_owned();
        checkup.subject.symbol = "見　本".to_owned();
        checkup.subject.branch = "１".to_owned();
        checkup.subject.name = "見本　花子".to_owned();
    });
    assert_eq!(odd, says("clins Bundle", "clins Patient"));
    // What cannot takes away the claims that ask for it, and those of no other part.
    let numbered = with(&|checkup| checkup.subject.branch = "甲".to_owned());
    assert_eq!(numbered, says("none", "eCheckup Patient"));
    for change in [
        &(|checkup: &mut Checkup| checkup.subject.name.clear()) as &dyn Fn(&mut Checkup),
        &|checkup| checkup.subject.name = "MIHON HANAKO".to_owned(),
        &|checkup| checkup.subject.birth = None,
        &|checkup| checkup.subject.address.clear(),
        &|checkup| checkup.subject.insurer.clear(),
    ] {
        assert_eq!(with(change), says("none", "none"));
    }
    for change in [
        &(|checkup: &mut Checkup| checkup.facility.name.clear()) as &dyn Fn(&mut Checkup),
        &|checkup| checkup.facility.number = "1399".to_owned(),
        &|checkup| checkup.day = checkup.day.plus(-365 * 10),
        &|checkup| {
            for finding in &mut checkup.findings {
                finding.doctor = None;
            }
        },
    ] {
        assert_eq!(with(change), says("none", "clins Patient"));
    }
}

#[test]
fn the_number_of_the_insured_is_written_as_the_guide_wants_it() {
    let mut made = MadeUp::of(3).checkup(2025);
    made.subject.insurer = "139999".to_owned();
    made.subject.symbol = "見　本".to_owned();
    made.subject.number = "１２:3".to_owned();
    made.subject.branch = "１".to_owned();
    made.subject.name = "見本　花子".to_owned();
    let (read, written) = read_back(&made);
    assert!(written.contains("\"00139999:見本:１２：3:01\""), "{written}");
    assert!(
        !written.contains('\u{3000}') || !written.contains("見本\u{3000}"),
        "{written}"
    );
    let subject = read.subject;
    assert_eq!(
        [
            &subject.insurer,
            &subject.symbol,
            &subject.number,
            &subject.branch,
            &subject.name
        ],
        ["00139999", "見本", "１２：3", "01", "見本 花子"]
    );
    assert_eq!(subject.address, made.subject.address);
}
