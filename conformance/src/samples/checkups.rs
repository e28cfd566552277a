//! Results of every item of checkups, of every kind that a document can tell.

use fhir_profiles::{
    BatteryView, CheckupDocumentView, CheckupView, DocumentView, ReportView, binary, checkup_battery, checkup_document,
    checkup_result, diagnostic_report, document_reference, questionnaire_response,
};
use model::checkup::items::{FOURTH_PERIOD, list_oid};
use model::checkup::{Battery, Checkup, Finding, Found, Guide, Item, Kind, Organisation, Range, Subject, Told};
use model::{Decimal, LocalDay, UtcMillis};

use super::{SampleResource, sample};

/// Appends checkups as wholes: a report of each kind, and answers of each kind.
pub(super) fn wholes(samples: &mut Vec<SampleResource>) {
    let questions = Item::all().filter(|item| item.is_question());
    let answers: Vec<Finding> = questions
        .map(|item| {
            let result = match item.row().kind {
                Kind::Quantity => Found::AtLeast(Decimal::new(5, 1), item.row().unit.to_owned()),
                Kind::Ordered | Kind::Coded => Found::Answer(list_oid(item.list_on(FOURTH_PERIOD)), "1".to_owned()),
                Kind::Text => Found::Text("薬の\n名前".to_owned()),
            };
            Finding::new(item, result)
        })
        .collect();
    let answers: Vec<&Finding> = answers.iter().collect();
    for event in model::checkup::Checkup::EVENTS {
        for dead in [false, true] {
            let view = ReportView {
                id: "4f6x2k7qzm5v3h9n8c1b0d2f4g",
                patient: "p1",
                days: (LocalDay(20_583), LocalDay(20_583)),
                event,
                programme: if event == model::Metric::CHECKUP_SPECIFIC {
                    "010"
                } else {
                    ""
                },
                version: 1 + u64::from(dead),
                updated: UtcMillis(1_778_447_402_114),
                dead,
            };
            let results: Vec<String> = (0..3).map(|number| format!("o{number}")).collect();
            samples.push(sample(format!("{} as a report", event.key()), |out| {
                diagnostic_report(out, &view, &results);
            }));
            samples.push(sample(format!("{} answers", event.key()), |out| {
                questionnaire_response(out, &view, &answers);
            }));
            // Of one of which only the fiscal year is known.
            let of_year = ReportView {
                days: (LocalDay(20_179), LocalDay(20_543)),
                ..view
            };
            samples.push(sample(format!("{} of a year", event.key()), |out| {
                diagnostic_report(out, &of_year, &[]);
            }));
            samples.push(sample("a report of nothing", |out| diagnostic_report(out, &view, &[])));
            samples.push(sample("no answers", |out| questionnaire_response(out, &view, &[])));
        }
    }
}

/// Appends batteries: each of all its groups, and one that is gone.
pub(super) fn batteries(samples: &mut Vec<SampleResource>) {
    for battery in Battery::all() {
        let groups: Vec<&str> = battery.possible_groups().collect();
        for dead in [false, true] {
            let view = BatteryView {
                id: "4f6x2k7qzm5v3h9n8c1b0d2f4g",
                patient: "p1",
                battery,
                groups: &groups,
                members: &[("o1", false), ("o2", true)],
                day: LocalDay(20_583),
                version: 3,
                updated: UtcMillis(1_778_447_402_114),
                dead,
            };
            samples.push(sample(battery.name(), |out| checkup_battery(out, &view)));
        }
    }
}

/// Appends a whole checkup as a FHIR document, with every item of its guide once, and a screening with every item there is.
pub(super) fn bundle(samples: &mut Vec<SampleResource>) {
    let organisation = |number: &str| Organisation {
        number: number.to_owned(),
        name: "見本健診センター".to_owned(),
    };
    let finding = |item: Item| Finding {
        doctor: (item.row().code == "9N511000000000049").then(|| "見本 医師".to_owned()),
        ..Finding::new(
            item,
            match item.row().kind {
                Kind::Quantity => Found::Quantity(Decimal::new(712, 1), item.row().unit.to_owned()),
                Kind::Ordered | Kind::Coded => Found::Answer(list_oid(item.list_on(FOURTH_PERIOD)), "1".to_owned()),
                Kind::Text => Found::Text("所見なし".to_owned()),
            },
        )
    };
    let whole = Checkup {
        report: "10".to_owned(),
        programme: "010".to_owned(),
        day: LocalDay(20_583),
        written: LocalDay(20_603),
        facility: organisation("1310000001"),
        author: organisation("1310000002"),
        subject: Subject {
            insurer: "00139999".to_owned(),
            symbol: "見本".to_owned(),
            number: "0000001".to_owned(),
            branch: "01".to_owned(),
            name: "ミホンハナコ".to_owned(),
            birth: Some(LocalDay(-5_000)),
            sex: Some(2),
            postal_code: "999-9999".to_owned(),
            address: "架空市見本町一丁目".to_owned(),
            ..Subject::default()
        },
        findings: Item::all()
            .filter(|item| item.row().guide == Guide::Checkup)
            .map(finding)
            .collect(),
        word: Told::Confirmed,
        deletes: String::new(),
        year_only: false,
    };
    let bare = Checkup {
        facility: Organisation::default(),
        author: Organisation::default(),
        subject: Subject::default(),
        findings: Vec::new(),
        ..whole.clone()
    };
    let screening = Checkup {
        report: "51".to_owned(),
        programme: "3".to_owned(),
        findings: Item::all().map(finding).collect(),
        ..whole.clone()
    };
    let insured = |change: &dyn Fn(&mut Subject)| {
        let mut changed = whole.clone();
        changed.findings.truncate(1);
        change(&mut changed.subject);
        changed
    };
    let odd = insured(&|subject| {
        subject.insurer = "139999".to_owned();
        subject.symbol = "見 本".to_owned();
        subject.branch = "１".to_owned();
        subject.name = "見本　花子".to_owned();
    });
    let unnumbered = insured(&|subject| subject.branch = "甲".to_owned());
    let unaddressed = insured(&|subject| subject.address.clear());
    for (name, checkup) in [
        ("whole", &whole),
        ("bare", &bare),
        ("municipality's", &screening),
        ("oddly written", &odd),
        ("not well numbered", &unnumbered),
        ("not addressed", &unaddressed),
    ] {
        let view = CheckupDocumentView {
            base: "https://phr.example/fhir/r4",
            number: 7,
            checkup,
            now: UtcMillis(1_778_447_402_114),
        };
        samples.push(sample(format!("a {name} checkup as a FHIR document"), |out| {
            checkup_document(out, &view);
        }));
    }
}

/// Appends a document: where it lies, and its bytes.
pub(super) fn documents(samples: &mut Vec<SampleResource>) {
    let view = DocumentView {
        id: "4f6x2k7qzm5v3h9n8c1b0d2f4g",
        binary: "4f6x2k7qzm5v3h9n8c1b0d2f4h",
        patient: "p1",
        day: LocalDay(20_583),
        title: "特定健診 2026-05-10",
        content_type: "application/xml",
        event: model::Metric::CHECKUP_SPECIFIC,
        size: 3,
        hash: "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=",
        version: 1,
        updated: UtcMillis(1_778_447_402_114),
    };
    samples.push(sample("a document", |out| document_reference(out, &view)));
    samples.push(sample("the bytes of a document", |out| binary(out, &view, "YWJj")));
}

/// Appends the Observations of this item.
pub(super) fn of(item: Item, samples: &mut Vec<SampleResource>) {
    let row = item.row();
    let number = |mantissa| (Decimal::new(mantissa, 1), row.unit.to_owned());
    let (value, unit) = number(712);
    let mut kinds = vec![
        ("not performed", Found::NotPerformed),
        ("not measurable", Found::NotMeasurable),
    ];
    match row.kind {
        Kind::Quantity => kinds.extend([
            ("number", Found::Quantity(value, unit.clone())),
            ("at the highest", Found::AtLeast(value, unit.clone())),
            ("at the lowest", Found::AtMost(value, unit)),
            ("number in an odd unit", Found::Quantity(value, "furlong".to_owned())),
        ]),
        Kind::Ordered | Kind::Coded => {
            let answer = |code: &str| Found::Answer(list_oid(item.list_on(FOURTH_PERIOD)), code.to_owned());
            kinds.extend([("answer", answer("1")), ("answer that no list has", answer("77"))]);
        }
        Kind::Text => kinds.push(("text", Found::Text("所見なし\n\"経過観察\"".to_owned()))),
    }
    for (what, result) in kinds {
        let finding = Finding {
            interpretation: Some('H'),
            method: Some("9A75100000".to_owned()),
            range: (row.kind == Kind::Quantity).then(|| Range {
                low: Some(number(600)),
                high: None,
            }),
            doctor: Some("見本 医師".to_owned()),
            ..Finding::new(item, result)
        };
        for (dead, by_hand) in [(false, false), (false, true), (true, false)] {
            samples.push(sample(format!("{} {what}", row.code), |out| {
                checkup_result(
                    out,
                    &CheckupView {
                        id: "4f6x2k7qzm5v3h9n8c1b0d2f4g",
                        patient: "p1",
                        finding: &finding,
                        day: LocalDay(20_583),
                        by_hand,
                        is_suspicious: by_hand && !dead,
                        version: 1 + u32::from(dead),
                        updated: UtcMillis(1_778_447_402_114),
                        dead,
                    },
                );
            }));
        }
    }
}
