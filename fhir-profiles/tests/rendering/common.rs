//! Samples to render and JSON to look into, shared by the tests.

use fhir_profiles::{ObservationView, observation};
use model::vocabulary::{Shape, Temporal};
use model::{Decimal, Flags, Measured, Metric, Offset, Sample, UtcMillis, Value};
use serde_json::Value as Json;

/// 2026-05-10T07:04:44+09:00.
pub const MORNING: UtcMillis = UtcMillis(1_778_364_284_000);
/// When the gateway stored it: 2026-05-10T21:10:02.114Z.
pub const STORED: UtcMillis = UtcMillis(1_778_447_402_114);

/// A decimal as a source wrote it.
pub fn measured(text: &str) -> Measured {
    Measured::as_given(Decimal::parse(text.as_bytes()).expect("a decimal"))
}

/// A plausible value of the metric: the middle of its range, the first code, every component.
pub fn plausible(metric: Metric) -> Value {
    let row = metric.row();
    match row.shape {
        Shape::Quantity => {
            let low = row.plausible_min.unwrap_or(Decimal::whole(1));
            Value::Quantity(Measured::as_given(low))
        }
        Shape::Components(parts) => Value::Components(
            parts
                .iter()
                .map(|part| {
                    Some(Measured::as_given(Decimal::whole(
                        part.codes.first().map_or(7, |code| code.number.into()),
                    )))
                })
                .collect(),
        ),
        Shape::Code(codes) => Value::Code(codes.first().map_or(1, |code| code.number)),
    }
}

/// A sample of the metric in the morning of 10 May 2026 in Japan.
pub fn sample(metric: Metric, value: Value) -> Sample {
    let length = if metric.temporal() == Temporal::Interval {
        30 * 60_000
    } else {
        0
    };
    Sample {
        metric,
        source: 1,
        start: MORNING,
        end: MORNING.plus(length),
        offset: Offset::given(540),
        end_offset_minutes: 540,
        value,
        flags: Flags::default(),
        created: Sample::CREATION_UNKNOWN,
    }
}

/// The bytes of its Observation.
pub fn rendered(sample: &Sample) -> String {
    rendered_as(sample, None, false)
}

/// The bytes of its Observation with a zone, or entered in error.
pub fn rendered_as(sample: &Sample, zone: Option<&str>, dead: bool) -> String {
    let mut out = Vec::new();
    observation(
        &mut out,
        &ObservationView {
            id: "o1",
            patient: "p1",
            device: Some("d1"),
            sample,
            zone,
            version: if dead { 2 } else { 1 },
            updated: STORED,
            dead,
            derived_from: &[],
        },
    );
    String::from_utf8(out).expect("UTF-8")
}

/// Parsed.
pub fn json(text: &str) -> Json {
    serde_json::from_str(text).expect("JSON")
}
