//! Everything but Observations: people, devices, provenance, pages, outcomes, the capability statement.

use fhir_profiles::{
    Activity, AuditItem, AuditView, CapabilityView, DeviceView, Gender, Issue, OFFERED, Origin, PatientView,
    ProvenanceView, SearchBundle, Severity, audit_event, capability_statement, definitions, device, operation_outcome,
    patient, provenance,
};
use model::source::SourceKind;
use model::{LocalDay, Source, UtcMillis};

use super::{SampleResource, sample};

const STORED: UtcMillis = UtcMillis(1_778_447_402_114);
const BASE: &str = "https://gateway.example/fhir/r4";

/// Appends them.
pub(super) fn all(samples: &mut Vec<SampleResource>) {
    people(samples);
    devices(samples);
    provenances(samples);
    pages(samples);
    outcomes(samples);
    audits(samples);
    // As the consent crate renders them: its tests keep the file true.
    for (number, consent) in include_str!("../../../consent/samples/consents.ndjson")
        .lines()
        .enumerate()
    {
        samples.push(sample(format!("consent {number}"), |out| {
            out.extend_from_slice(consent.as_bytes());
        }));
    }
    for one in definitions() {
        samples.push(sample(format!("{} {}", one.kind, one.id), |out| {
            out.extend_from_slice(&one.json);
        }));
    }
    samples.push(sample("capability statement", |out| {
        capability_statement(
            out,
            &CapabilityView {
                base_url: BASE,
                software_version: "0.1.0",
                date: LocalDay(20_583),
                authorize_url: "https://gateway.example/oauth/authorize",
                token_url: "https://gateway.example/oauth/token",
                revoke_url: Some("https://gateway.example/oauth/revoke"),
                manage_url: Some("https://gateway.example/portal/consents"),
                resources: OFFERED,
            },
        );
    }));
}

fn audits(samples: &mut Vec<SampleResource>) {
    let item = AuditItem {
        category: "activity",
        detail: "daily",
        first_day: LocalDay(20_500),
        last_day: LocalDay(20_530),
        count: 31,
    };
    let page = AuditView {
        person: 7,
        number: 12,
        recorded: STORED,
        is_search: true,
        recipient: (3, "みどり健康ポイント"),
        client_id: "point-app",
        reader: "栄養士 一号",
        purpose: ("health-points", "健康ポイントの計算"),
        consent: (9_007_199_254_740_993, 2),
        request_id: "r-1",
        items: &[
            item,
            AuditItem {
                category: "sleep",
                detail: "raw",
                ..item
            },
        ],
        identity: &["name", "age-band-and-sex"],
    };
    let bare = AuditView {
        is_search: false,
        recipient: (4, ""),
        reader: "",
        purpose: ("p", ""),
        request_id: "",
        items: &[],
        identity: &[],
        ..page
    };
    for (name, view) in [("audit of a page", page), ("audit of nothing", bare)] {
        samples.push(sample(name, |out| audit_event(out, &view)));
    }
}

fn people(samples: &mut Vec<SampleResource>) {
    let nobody = PatientView {
        id: "p1",
        ..PatientView::default()
    };
    let views = [
        nobody,
        PatientView {
            updated: Some(STORED),
            ..nobody
        },
        PatientView {
            version: Some(3),
            age_band: Some(60),
            gender: Some(Gender::Female),
            municipality: None,
            insurance: None,
            linking_id: None,
            ..nobody
        },
        PatientView {
            version: Some(1),
            updated: Some(STORED),
            name: Some("山田 \"花子\"\n\u{7}"),
            address: Some("東京都千代田区\\1-1"),
            birth_date: LocalDay::from_ymd(1958, 4, 1),
            age_band: Some(0),
            gender: Some(Gender::Other),
            municipality: None,
            insurance: None,
            linking_id: None,
            ..nobody
        },
        PatientView {
            name: Some(" \u{0} "),
            gender: Some(Gender::Male),
            municipality: None,
            insurance: None,
            linking_id: None,
            ..nobody
        },
    ];
    for (index, view) in views.iter().enumerate() {
        samples.push(sample(format!("patient {index}"), |out| patient(out, view)));
    }
}

fn devices(samples: &mut Vec<SampleResource>) {
    for number in 1..=9 {
        let source = Source {
            key: "key".to_owned(),
            name: "太郎のウォッチ".to_owned(),
            manufacturer: (number != 2).then(|| "Maker".to_owned()),
            model: (number != 3).then(|| "Watch".to_owned()),
            hardware: (number % 2 == 0).then(|| "Watch6,2".to_owned()),
            copies: Vec::new(),
            kind: SourceKind::from_number(number).unwrap_or_default(),
        };
        samples.push(sample(format!("device of kind {number}"), |out| {
            device(
                out,
                &DeviceView {
                    id: "d1",
                    patient: "p1",
                    source: &source,
                    version: 1,
                    updated: STORED,
                },
            );
        }));
    }
}

fn provenances(samples: &mut Vec<SampleResource>) {
    for activity in [Activity::Create, Activity::Update, Activity::Delete] {
        for (manual, device) in [(true, Some("d1")), (false, Some("d1")), (false, None)] {
            samples.push(sample(format!("provenance of {}", activity.code()), |out| {
                provenance(
                    out,
                    &ProvenanceView {
                        id: "v1",
                        observation: "o1",
                        patient: "p1",
                        activity,
                        origin: Origin::Delivered {
                            device,
                            manual,
                            adapter: "vendor_export",
                            mapping_version: 1,
                            obtained: STORED.plus(-5_000),
                        },
                        recorded: STORED,
                        version: 2,
                    },
                );
            }));
        }
    }
    for devices in [&["d1".to_owned(), "d2".to_owned()][..], &[]] {
        samples.push(sample("provenance of a day".to_owned(), |out| {
            provenance(
                out,
                &ProvenanceView {
                    id: "v2",
                    observation: "o2",
                    patient: "p1",
                    activity: Activity::Update,
                    origin: Origin::Computed {
                        day: LocalDay(20_000),
                        devices,
                        algorithm: 1,
                    },
                    recorded: STORED,
                    version: 2,
                },
            );
        }));
    }
}

fn notice(severity: Severity, expression: Option<&str>) -> Issue<'_> {
    Issue {
        severity,
        code: "not-supported",
        text: "parameter `foo` is not supported: see the \"CapabilityStatement\"".to_owned(),
        expression,
    }
}

fn pages(samples: &mut Vec<SampleResource>) {
    samples.push(sample("page without a match", |out| {
        SearchBundle::begin(out, BASE, None).end(out);
    }));
    samples.push(sample("page with a match, a notice and a next page", |out| {
        let mut bundle = SearchBundle::begin(
            out,
            &format!("{BASE}/Observation?code=http%3A%2F%2Floinc.org%7C8867-4"),
            Some(&format!("{BASE}/Observation?_cursor=abc")),
        );
        let view = PatientView {
            id: "p1",
            ..PatientView::default()
        };
        bundle.matched(out, BASE, "Patient", "p1", |out| patient(out, &view));
        bundle.outcome(out, &[notice(Severity::Warning, Some("http.foo"))]);
        bundle.end(out);
    }));
}

fn outcomes(samples: &mut Vec<SampleResource>) {
    for severity in [Severity::Error, Severity::Warning, Severity::Information] {
        samples.push(sample(format!("outcome of severity {}", severity.code()), |out| {
            operation_outcome(out, &[notice(severity, Some("http.foo")), notice(severity, None)]);
        }));
    }
}
