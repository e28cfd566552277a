//! One example of every kind of resource, whole, so that a change of shape is seen as a change.

use fhir_profiles::{
    Activity, AggregateView, CapabilityView, DayStatus, DeviceView, Gender, Issue, OFFERED, Origin, PatientView,
    ProvenanceView, SearchBundle, Severity, TotalView, aggregate, amount, capability_statement, daily_total, device,
    operation_outcome, patient, provenance,
};
use model::source::SourceKind;
use model::{Flags, LocalDay, Measured, Metric, Source, Value};

use crate::common::{STORED, json, measured, plausible, rendered, rendered_as, sample};

/// Compares the rendered resource, laid out for reading, with the one that was approved.
macro_rules! approved {
    ($name:literal, $text:expr) => {{
        let text = $text;
        insta::assert_snapshot!($name, serde_json::to_string_pretty(&json(&text)).expect("JSON"));
    }};
}

fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).expect("UTF-8")
}

const DAY: LocalDay = LocalDay(20_583);

#[test]
fn observations_of_each_shape() {
    approved!(
        "heart_rate",
        rendered(&sample(Metric::HEART_RATE, Value::Quantity(measured("112"))))
    );
    approved!(
        "steps",
        rendered(&sample(Metric::STEP_COUNT, Value::Quantity(measured("3300"))))
    );
    approved!(
        "oxygen",
        rendered(&sample(Metric::OXYGEN_SATURATION, Value::Quantity(measured("97.5"))))
    );
    let pressure: Box<[Option<Measured>]> = [Some(measured("128")), None, None].into();
    approved!(
        "half_a_blood_pressure",
        rendered(&sample(Metric::BLOOD_PRESSURE, Value::Components(pressure)))
    );
    approved!("sleep_stage", rendered(&sample(Metric::SLEEP_STAGE, Value::Code(6))));
    approved!(
        "sleep_session",
        rendered(&sample(Metric::SLEEP_SESSION, plausible(Metric::SLEEP_SESSION)))
    );
    approved!(
        "workout",
        rendered(&sample(Metric::EXERCISE_SESSION, plausible(Metric::EXERCISE_SESSION)))
    );
    let mut weight = sample(Metric::BODY_WEIGHT, Value::Quantity(measured("65.20")));
    approved!("entered_in_error", rendered_as(&weight, None, true));
    weight.flags = Flags::USER_ENTERED;
    approved!("weight_typed_by_hand", rendered_as(&weight, Some("Asia/Tokyo"), false));
}

#[test]
fn a_day_of_steps_and_a_day_of_pulses() {
    approved!(
        "daily_steps",
        written(|out| daily_total(
            out,
            &TotalView {
                id: "t1",
                patient: "p1",
                metric: Metric::STEP_COUNT,
                summary: model::Summary::Day,
                day: DAY,
                eligible: amount(6_400, 0, 0),
                total: amount(11_400, 0, 0),
                manual: amount(5_000, 0, 0),
                flags: &["multi-source-resolved"],
                version: 3,
                status: DayStatus::Amended,
                updated: STORED,
            }
        ))
    );
    approved!(
        "daily_distance",
        written(|out| daily_total(
            out,
            &TotalView {
                id: "t2",
                patient: "p1",
                metric: Metric::DISTANCE_WALKING_RUNNING,
                summary: model::Summary::Day,
                day: DAY,
                eligible: amount(4_512_600, 3, 0),
                total: amount(4_512_600, 3, 0),
                manual: amount(0, 3, 0),
                flags: &[],
                version: 1,
                status: DayStatus::Preliminary,
                updated: STORED,
            }
        ))
    );
    let pulse = |text| [Some(measured(text))];
    approved!(
        "computed_day_of_heart_rate",
        written(|out| aggregate(
            out,
            &AggregateView {
                id: "t3",
                patient: "p1",
                metric: Metric::HEART_RATE,
                summary: model::Summary::Day,
                day: DAY,
                mean: &pulse("71"),
                min: &pulse("48"),
                max: &pulse("151"),
                last: &[],
                count: 1_402,
                version: 7,
                status: DayStatus::Final,
                updated: STORED,
            }
        ))
    );
    approved!(
        "week_of_steps",
        written(|out| daily_total(
            out,
            &TotalView {
                id: "t5",
                patient: "p1",
                metric: Metric::STEP_COUNT,
                summary: model::Summary::Week,
                day: model::Summary::Week.first(DAY),
                eligible: amount(44_800, 0, 0),
                total: amount(44_800, 0, 0),
                manual: amount(0, 0, 0),
                flags: &[],
                version: 9,
                status: DayStatus::Final,
                updated: STORED,
            }
        ))
    );
    approved!(
        "month_of_heart_rate",
        written(|out| aggregate(
            out,
            &AggregateView {
                id: "t6",
                patient: "p1",
                metric: Metric::HEART_RATE,
                summary: model::Summary::Month,
                day: model::Summary::Month.first(DAY),
                mean: &pulse("69"),
                min: &pulse("46"),
                max: &pulse("160"),
                last: &[],
                count: 41_200,
                version: 7,
                status: DayStatus::Final,
                updated: STORED,
            }
        ))
    );
    approved!(
        "event_of_blood_pressure",
        written(|out| fhir_profiles::event(
            out,
            &fhir_profiles::EventView {
                id: "e1",
                patient: "p1",
                metric: Metric::BLOOD_PRESSURE,
                code: None,
                day: DAY,
                last: DAY,
                version: 1,
                dead: false,
                updated: STORED,
            }
        ))
    );
    // A resident who knows no more than the year, and it was the first of its kind: fiscal 2025.
    approved!(
        "event_of_a_checkup_of_a_year",
        written(|out| fhir_profiles::event(
            out,
            &fhir_profiles::EventView {
                id: "e2",
                patient: "p1",
                metric: Metric::CHECKUP_DENTAL,
                code: Some(4),
                day: model::LocalDay(20_179),
                last: model::LocalDay(20_543),
                version: 2,
                dead: false,
                updated: STORED,
            }
        ))
    );
    approved!(
        "event_that_is_not_there_any_more",
        written(|out| fhir_profiles::event(
            out,
            &fhir_profiles::EventView {
                id: "e2",
                patient: "p1",
                metric: Metric::CHECKUP_DENTAL,
                code: None,
                day: model::LocalDay(20_179),
                last: model::LocalDay(20_543),
                version: 3,
                dead: true,
                updated: STORED,
            }
        ))
    );
    let pressures = |systolic, diastolic| [Some(measured(systolic)), Some(measured(diastolic)), None];
    approved!(
        "computed_day_of_blood_pressure",
        written(|out| aggregate(
            out,
            &AggregateView {
                id: "t4",
                patient: "p1",
                metric: Metric::BLOOD_PRESSURE,
                summary: model::Summary::Day,
                day: DAY,
                mean: &pressures("126", "81"),
                min: &pressures("121", "78"),
                max: &pressures("131", "84"),
                last: &pressures("121", "78"),
                count: 2,
                version: 1,
                status: DayStatus::Final,
                updated: STORED,
            }
        ))
    );
}

#[test]
fn a_person_shows_no_more_than_was_granted() {
    let nobody = PatientView {
        id: "p1",
        updated: Some(STORED),
        version: Some(2),
        ..PatientView::default()
    };
    approved!("patient_without_a_grant", written(|out| patient(out, &nobody)));
    let age_and_sex = PatientView {
        age_band: Some(60),
        gender: Some(Gender::Female),
        ..nobody
    };
    approved!(
        "patient_of_an_age_band_and_sex",
        written(|out| patient(out, &age_and_sex))
    );
    let known = PatientView {
        name: Some("山田 花子"),
        address: Some("東京都千代田区1-1"),
        birth_date: LocalDay::from_ymd(1958, 4, 1),
        gender: Some(Gender::Female),
        ..nobody
    };
    let member = PatientView {
        municipality: Some(true),
        insurance: Some(false),
        linking_id: Some("abcdefghijklmnopqrstuvwxyz"),
        ..age_and_sex
    };
    approved!("patient_who_belongs_somewhere", written(|out| patient(out, &member)));
    approved!("patient_known_by_name", written(|out| patient(out, &known)));
}

#[test]
fn a_device_has_no_serial_number_and_no_owner() {
    let source = Source {
        key: "secret-key".to_owned(),
        name: "太郎のウォッチ".to_owned(),
        manufacturer: Some("Maker".to_owned()),
        model: Some("Watch".to_owned()),
        hardware: Some("Watch6,2".to_owned()),
        kind: SourceKind::Watch,
        copies: Vec::new(),
    };
    let text = written(|out| {
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
    });
    assert!(!text.contains("太郎") && !text.contains("secret-key"));
    approved!("device", text);
}

#[test]
fn a_check_in_is_issued_when_it_was_typed() {
    let mut typed = sample(Metric::TOOTHBRUSHING_COUNT, Value::Quantity(measured("3")));
    typed.flags = Flags::USER_ENTERED;
    typed.created = STORED.plus(-3_600_000);
    approved!("check_in", rendered(&typed));
}

#[test]
fn a_provenance_says_who_made_what_from_what() {
    let view = ProvenanceView {
        id: "v1",
        observation: "o1",
        patient: "p1",
        activity: Activity::of(1, false),
        origin: delivered(false),
        recorded: STORED,
        version: 1,
    };
    approved!("provenance_of_a_device", written(|out| provenance(out, &view)));
    let typed = ProvenanceView {
        origin: delivered(true),
        activity: Activity::of(2, false),
        version: 2,
        ..view
    };
    approved!("provenance_of_a_manual_entry", written(|out| provenance(out, &typed)));
    let devices = ["d1".to_owned(), "d2".to_owned()];
    let day = ProvenanceView {
        origin: Origin::Computed {
            day: LocalDay::from_ymd(2026, 5, 10).expect("a day"),
            devices: &devices,
            algorithm: 1,
        },
        ..view
    };
    approved!("provenance_of_a_day", written(|out| provenance(out, &day)));
}

fn delivered(manual: bool) -> Origin<'static> {
    Origin::Delivered {
        device: Some("d1"),
        manual,
        adapter: "vendor-export",
        mapping_version: 4,
        obtained: STORED.plus(-2_000),
    }
}

#[test]
fn a_page_has_its_links_its_matches_and_no_total() {
    let heart = sample(Metric::HEART_RATE, Value::Quantity(measured("112")));
    let notice = Issue {
        severity: Severity::Warning,
        code: "not-supported",
        text: "the parameter \"foo\" was ignored".to_owned(),
        expression: Some("http.foo"),
    };
    let text = written(|out| {
        let base = "https://example.org/fhir/r4";
        let mut bundle = SearchBundle::begin(
            out,
            "https://example.org/fhir/r4/Observation?code=x",
            Some("https://example.org/next"),
        );
        bundle.matched(out, base, "Observation", "o1", |out| {
            out.extend_from_slice(rendered(&heart).as_bytes())
        });
        bundle.matched(out, base, "Patient", "p1", |out| {
            patient(
                out,
                &PatientView {
                    id: "p1",
                    ..PatientView::default()
                },
            );
        });
        bundle.outcome(out, std::slice::from_ref(&notice));
        bundle.end(out);
    });
    assert!(json(&text)["total"].is_null());
    approved!("search_page", text);
    approved!("operation_outcome", written(|out| operation_outcome(out, &[notice])));
}

#[test]
fn the_capability_statement_says_what_is_offered_and_how_dates_are_read() {
    let text = written(|out| {
        capability_statement(
            out,
            &CapabilityView {
                base_url: "https://example.org/fhir/r4",
                software_version: "0.1.0",
                date: DAY,
                authorize_url: "https://example.org/oauth/authorize",
                token_url: "https://example.org/oauth/token",
                revoke_url: Some("https://example.org/oauth/revoke"),
                manage_url: Some("https://example.org/portal/consents"),
                resources: OFFERED,
            },
        );
    });
    let statement = json(&text);
    assert_eq!(statement["fhirVersion"], "4.0.1");
    let observation = statement["rest"][0]["resource"]
        .as_array()
        .and_then(|resources| resources.iter().find(|resource| resource["type"] == "Observation"))
        .expect("Observation is offered");
    let names: Vec<&str> = observation["searchParam"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|parameter| parameter["name"].as_str())
        .collect();
    assert_eq!(
        names,
        [
            "patient",
            "subject",
            "code",
            "category",
            "date",
            "_lastUpdated",
            "_id",
            "status",
            "device",
            "value-quantity",
            "component-code",
            "_count",
            "_sort",
            "_include",
            "_revinclude",
            "_total",
            "_summary",
            "_elements"
        ]
    );
    approved!("capability_statement", text);
}
