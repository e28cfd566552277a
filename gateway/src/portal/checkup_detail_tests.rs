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
                result: match (item.row().kind, place % 5) {
                    (_, 0) => kinds[place / 5 % 2].clone(),
                    (model::checkup::Kind::Quantity, 1) => Found::AtLeast(number, unit),
                    (model::checkup::Kind::Quantity, 2) => Found::AtMost(number, unit),
                    (model::checkup::Kind::Quantity, _) => Found::Quantity(number, unit),
                    (model::checkup::Kind::Text, _) => Found::Text("\"所見\"\nなし".to_owned()),
                    _ => Found::Answer(model::checkup::items::list_oid(item.list_on(every.day)), "1".to_owned()),
                },
                interpretation: [None, Some('N'), Some('H'), Some('L')][place % 4],
                reading: 0,
                method: None,
                range: None,
                doctor: None,
                day: None,
                item,
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
        (1, 1, 2, 56)
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
