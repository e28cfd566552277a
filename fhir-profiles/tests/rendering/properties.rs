//! Whatever a sample holds, it renders to JSON that reads back, with every number exactly as it is shown.

use crate::common::{json, measured, rendered, rendered_as, sample};
use fhir_profiles::{
    AggregateView, DayStatus, DeviceView, Gender, PatientView, SearchBundle, TotalView, aggregate, daily_total, device,
    patient,
};
use model::source::SourceKind;
use model::vocabulary::Shape;
use model::{Flags, LocalDay, Measured, Metric, Offset, OffsetTrust, Sample, Source, UtcMillis, Value};
use proptest::prelude::*;

fn any_measured() -> impl Strategy<Value = Measured> {
    (any::<i64>(), 0u8..=18, 0u8..=18).prop_map(|(mantissa, scale, digits)| Measured {
        mantissa,
        scale,
        digits,
    })
}

fn any_metric() -> impl Strategy<Value = Metric> {
    let all: Vec<Metric> = Metric::all().collect();
    proptest::sample::select(all)
}

fn any_value(metric: Metric) -> BoxedStrategy<Value> {
    match metric.shape() {
        Shape::Quantity => any_measured().prop_map(Value::Quantity).boxed(),
        Shape::Components(parts) => proptest::collection::vec(proptest::option::of(any_measured()), parts.len())
            .prop_map(|values| Value::Components(values.into()))
            .boxed(),
        Shape::Code(_) => (0u32..40).prop_map(Value::Code).boxed(),
    }
}

fn any_sample() -> impl Strategy<Value = Sample> {
    let times = (
        UtcMillis::EARLIEST.0..UtcMillis::LATEST.0,
        0i64..200_000_000,
        -1_080i16..=1_080,
        -1_080i16..=1_080,
    );
    (any_metric(), times, 0u8..4, any::<u16>()).prop_flat_map(
        |(metric, (start, length, offset, end_offset), trust, flags)| {
            any_value(metric).prop_map(move |value| Sample {
                metric,
                source: 0,
                start: UtcMillis(start),
                end: UtcMillis(start + length),
                offset: Offset {
                    minutes: offset,
                    trust: OffsetTrust::from_number(trust).unwrap_or_default(),
                },
                end_offset_minutes: end_offset,
                value,
                flags: Flags(flags),
                created: Sample::CREATION_UNKNOWN,
            })
        },
    )
}

/// The numbers of every `"value":` in the text, as they stand there.
fn literal_values(text: &str) -> Vec<&str> {
    text.split("\"valueQuantity\":{\"value\":")
        .skip(1)
        .map(|rest| rest.split([',', '}']).next().unwrap_or_default())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_sample_renders_to_json_with_its_numbers_as_shown(sample in any_sample(), dead in any::<bool>()) {
        let text = rendered_as(&sample, (sample.source == 0).then_some("Europe/Paris"), dead);
        let resource = json(&text);
        prop_assert_eq!(&resource["resourceType"], "Observation");
        let expected: Vec<String> = match (&sample.value, sample.metric.shape()) {
            _ if dead => Vec::new(),
            (Value::Quantity(measured), _) => vec![measured.shown().to_string()],
            (Value::Components(values), Shape::Components(parts)) => values
                .iter()
                .zip(parts)
                .filter(|(_, part)| part.codes.is_empty())
                .filter_map(|(value, _)| value.map(|value| value.shown().to_string()))
                .collect(),
            _ => Vec::new(),
        };
        prop_assert_eq!(literal_values(&text), expected);
    }

    #[test]
    fn any_day_renders_to_json(
        metric in any_metric(),
        day in -30_000i32..90_000,
        values in proptest::collection::vec(proptest::option::of(any_measured()), 0..12),
        count in any::<u32>(),
    ) {
        let mut out = Vec::new();
        aggregate(&mut out, &AggregateView {
            summary: model::Summary::Day,
            id: "a", patient: "p", metric, day: LocalDay(day), mean: &values, min: &values, max: &values, last: &values,
            count, version: 1, status: DayStatus::Final, updated: UtcMillis(0),
        });
        let resource = json(std::str::from_utf8(&out).expect("UTF-8"));
        prop_assert_eq!(&resource["effectiveDateTime"], &LocalDay(day).to_string());
        prop_assert!(resource["meta"]["profile"].is_null(), "a computed day claims no profile");
        let (code, systems) = (&resource["code"]["coding"][0]["code"], resource["code"]["coding"].as_array().map(Vec::len));
        prop_assert_eq!(code, &format!("daily_{}", metric.key()));
        prop_assert_eq!(systems, Some(1));
        out.clear();
        let amount = values.first().copied().flatten().unwrap_or_default();
        daily_total(&mut out, &TotalView {
            summary: model::Summary::Day,
            id: "t", patient: "p", metric, day: LocalDay(day), eligible: amount, total: amount, manual: amount, flags: &["x"],
            version: 1, status: DayStatus::Preliminary, updated: UtcMillis(0),
        });
        let text = String::from_utf8(out).expect("UTF-8");
        json(&text);
        prop_assert_eq!(literal_values(&text), vec![amount.shown().to_string(); 3]);
    }

    #[test]
    fn any_words_survive_in_a_patient_a_device_and_a_link(words in any::<String>()) {
        let mut out = Vec::new();
        patient(&mut out, &PatientView {
            id: "p", name: Some(&words), address: Some(&words), gender: Some(Gender::Other), ..PatientView::default()
        });
        let resource = json(std::str::from_utf8(&out).expect("UTF-8"));
        let kept: String = words.chars().filter(|c| !c.is_control() || matches!(c, '\t' | '\n' | '\r')).collect();
        prop_assert_eq!(resource["name"][0]["text"].as_str().unwrap_or_default(), kept.trim());
        out.clear();
        let source = Source {
            key: words.clone(), name: words.clone(), manufacturer: Some(words.clone()), model: Some(words.clone()),
            hardware: Some(words.clone()), kind: SourceKind::Watch, copies: Vec::new(),
        };
        device(&mut out, &DeviceView { id: "d", patient: "p", source: &source, version: 1, updated: UtcMillis(0) });
        json(std::str::from_utf8(&out).expect("UTF-8"));
        out.clear();
        let bundle = SearchBundle::begin(&mut out, &words, Some(&words));
        bundle.end(&mut out);
        let resource = json(std::str::from_utf8(&out).expect("UTF-8"));
        prop_assert_eq!(resource["link"][1]["url"].as_str(), Some(words.as_str()));
        prop_assert!(resource["entry"].is_null(), "an empty array is not FHIR JSON");
    }
}

#[test]
fn digits_of_the_source_are_kept() {
    for text in ["72.0", "72", "0.010", "65.20", "-0.5", "0"] {
        let rendered = rendered(&sample(Metric::BODY_WEIGHT, Value::Quantity(measured(text))));
        assert_eq!(literal_values(&rendered), [text]);
    }
}
