use adapters::checkup::synthetic::{MadeUp, document};

use super::*;
use crate::portal::consents::tests::shared;
use crate::sign_in::testing::{Browser, Gateway};

async fn resident(gateway: &Gateway) -> (Browser<'_>, String) {
    let mut browser = gateway.browser();
    browser.sign_in("hanako", "/portal").await;
    let csrf = browser.get(PATH).await.field("csrf");
    (browser, csrf)
}

fn form(csrf: &str, fields: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut form = vec![("csrf".to_owned(), csrf.to_owned())];
    form.extend(
        fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    );
    form
}

/// The person's own document, through its adapter.
async fn bring(gateway: &Gateway, person: model::PersonId, checkup: Checkup) {
    let store = gateway.state.store.clone();
    let work = move || {
        let text = document(&checkup);
        let input = adapters::Input {
            bytes: &text.as_bytes(),
            size: text.len() as u64,
        };
        crate::import::run(&store, person, &adapters::checkup::CheckupDocuments, &input).unwrap();
    };
    tokio::task::spawn_blocking(work).await.unwrap();
}

#[tokio::test]
async fn a_resident_says_that_a_checkup_took_place_and_takes_it_back() {
    let (gateway, _) = shared().await;
    let (mut browser, csrf) = resident(&gateway).await;
    let said = [
        ("kind", "checkup_dental"),
        ("on", "2026-05-01"),
        ("9N006000000000001", "６２．５"),
        ("9A751000000000001", "128"),
    ];
    let answer = browser.post(PATH, &form(&csrf, &said)).await;
    assert_eq!(answer.location(&gateway.base), PATH);
    let page = browser.get(PATH).await.body;
    assert!(
        page.contains("2026年度") && page.contains("歯科健診") && page.contains("2項目"),
        "{page}"
    );
    let detail = browser.get("/portal/checkups/1").await.body;
    assert!(detail.contains("62.5 kg") && detail.contains("128 mmHg"), "{detail}");
    assert!(!detail.contains("/document"), "what was typed has no file");
    assert_eq!(
        browser.get("/portal/checkups/1/document").await.status,
        StatusCode::NOT_FOUND
    );
    let answer = browser.post("/portal/checkups/1/take-back", &form(&csrf, &[])).await;
    assert_eq!(answer.location(&gateway.base), PATH);
    assert!(!browser.get(PATH).await.body.contains("2026年度"));
    assert_eq!(browser.get("/portal/checkups/1").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_ticket_is_told_of_until_its_checkup_is_known_and_never_by_its_number() {
    let (gateway, consent) = shared().await;
    let (mut browser, _) = resident(&gateway).await;
    let store = &gateway.state.store;
    let today = gateway.state.clock.now().local_day(model::Offset::JAPAN_ASSUMED);
    let subject = MadeUp::of(1).subject;
    let insured = store::Insured {
        subject: subject.clone(),
        ..store::Insured::default()
    };
    let organisation = model::OrganisationId(1);
    store.insure(organisation, consent.person, insured).await.unwrap();
    let ticket = Ticket {
        number: "26100000001".to_owned(),
        year: fiscal_year(today),
        issued: None,
        until: today.plus(10),
        is_void: false,
    };
    let listed = store::Insured {
        subject,
        tickets: vec![ticket],
        ..store::Insured::default()
    };
    let followed = store.follow_ledger(organisation, vec![vec![listed]]).await.unwrap();
    assert_eq!(followed, [store::Followed::Changed(0)]);
    let page = browser.get(PATH).await.body;
    assert!(page.contains("受診券が出ています"), "{page}");
    assert!(!page.contains("26100000001"));
    let mut made = MadeUp::of(1).known_as("関所 花子", None, None).checkup(2025);
    (made.day, made.written) = (today, today);
    bring(&gateway, consent.person, made).await;
    let page = browser.get(PATH).await.body;
    assert!(!page.contains("受診券が出ています"), "{page}");
}

#[tokio::test]
async fn what_is_wrong_with_an_entry_is_said_and_nothing_is_lost() {
    let (gateway, _) = shared().await;
    let (mut browser, csrf) = resident(&gateway).await;
    for (fields, said) in [
        (
            vec![("kind", "steps"), ("on", "2026-05-01")],
            "健診の種類を選んでください",
        ),
        (
            vec![("kind", "checkup_dental"), ("on", "2099-05-01")],
            "受けた日を入れてください",
        ),
        (vec![("kind", "checkup_dental"), ("on", "")], "受けた日を入れてください"),
        (
            vec![
                ("kind", "checkup_dental"),
                ("on", "2026-05-01"),
                ("9N006000000000001", "6２kg"),
            ],
            "「体重」の数字",
        ),
        (
            vec![
                ("kind", "checkup_dental"),
                ("on", "2026-05-01"),
                ("9N006000000000001", "6200"),
            ],
            "「体重」の数字",
        ),
    ] {
        let answer = browser.post(PATH, &form(&csrf, &fields)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.body.contains(said), "{said}: {}", answer.body);
        let kept = fields.iter().any(|(_, value)| *value == "2026-05-01");
        assert_eq!(answer.body.contains("value=\"2026-05-01\""), kept, "{said}");
    }
    assert!(browser.get(PATH).await.body.contains("まだ健診の結果がありません"));
}

#[tokio::test]
async fn a_document_takes_the_place_of_what_was_said_and_can_be_saved() {
    let (gateway, consent) = shared().await;
    let (mut browser, csrf) = resident(&gateway).await;
    let made = MadeUp::of(3).known_as("セキショハナコ", None, None).checkup(2025);
    let on = made.day.plus(-1).to_string();
    let said = [("kind", "checkup_specific"), ("on", on.as_str())];
    browser.post(PATH, &form(&csrf, &said)).await;
    assert!(browser.get(PATH).await.body.contains("ご自分で入力したもの"));
    bring(&gateway, consent.person, made.clone()).await;
    let page = browser.get(PATH).await.body;
    assert!(
        !page.contains("ご自分で入力したもの") && page.contains("見本健診センター"),
        "{page}"
    );
    let again = browser.post(PATH, &form(&csrf, &said)).await;
    assert!(again.body.contains("もう記録されています"), "{}", again.body);
    let detail = browser.get("/portal/checkups/2").await.body;
    assert!(detail.contains("HPLC") && detail.contains("基準："), "{detail}");
    let saved = browser.get("/portal/checkups/2/document").await;
    assert_eq!(saved.headers["content-type"], "application/xml");
    assert_eq!(saved.body, document(&made), "the document as it came");
    assert_eq!(
        browser
            .post("/portal/checkups/2/take-back", &form(&csrf, &[]))
            .await
            .status,
        StatusCode::NOT_FOUND,
        "a facility's word is not the resident's to take back"
    );
}

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
                ..finding(item, number)
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
