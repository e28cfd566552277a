//! Observations of one metric: plain, flagged, typed, dated, entered in error, every code, halves, days.

use fhir_profiles::{
    AggregateView, DayStatus, EventView, ObservationView, TotalView, aggregate, amount, daily_total, event, observation,
};
use model::vocabulary::{Component, Shape, Temporal};
use model::{Decimal, Flags, LocalDay, Measured, Metric, Offset, OffsetTrust, Sample, Summary, UtcMillis, Value};

use super::{SampleResource, sample};

/// 2026-05-10T07:04:44.250+09:00.
const MORNING: UtcMillis = UtcMillis(1_778_364_284_250);
/// When the gateway stored it.
const STORED: UtcMillis = UtcMillis(1_778_447_402_114);
const DAY: LocalDay = LocalDay(20_583);

/// Appends the Observations of this metric.
pub(super) fn of(metric: Metric, samples: &mut Vec<SampleResource>) {
    let key = metric.key();
    let plain = stored(metric, plausible(metric));
    samples.push(rendered(format!("{key} plain"), &plain, None, false));
    samples.push(rendered(
        format!("{key} in a known zone"),
        &plain,
        Some("Asia/Tokyo"),
        false,
    ));
    samples.push(rendered(format!("{key} entered in error"), &plain, None, true));
    for (name, trust) in [
        ("an assumed offset", OffsetTrust::Assumed),
        ("a civil date", OffsetTrust::None),
    ] {
        let mut changed = plain.clone();
        changed.offset.trust = trust;
        samples.push(rendered(format!("{key} with {name}"), &changed, None, false));
    }
    let mut typed = plain.clone();
    typed.flags = Flags::USER_ENTERED.with(Flags::MILLISECONDS);
    samples.push(rendered(format!("{key} typed by hand"), &typed, None, false));
    let mut flagged = plain.clone();
    flagged.flags = Flags(!Flags::USER_ENTERED.0);
    samples.push(rendered(format!("{key} with every flag"), &flagged, None, false));
    let mut long = plain;
    long.end = long.start.plus(3 * 86_400_000);
    long.end_offset_minutes = -570;
    samples.push(rendered(
        format!("{key} over three days"),
        &long,
        Some("Pacific/Marquesas"),
        false,
    ));
    for (index, value) in variations(metric).into_iter().enumerate() {
        samples.push(rendered(
            format!("{key} value {index}"),
            &stored(metric, value),
            None,
            false,
        ));
    }
    days(metric, samples);
}

fn rendered(name: String, stored: &Sample, zone: Option<&str>, dead: bool) -> SampleResource {
    sample(name, |out| {
        observation(
            out,
            &ObservationView {
                id: "4f6x2k7qzm5v3h9n8c1b0d2f4g",
                patient: "p1",
                device: Some("d1"),
                sample: stored,
                zone,
                version: 1 + u32::from(dead),
                updated: STORED,
                dead,
                derived_from: &[],
            },
        );
    })
}

fn stored(metric: Metric, value: Value) -> Sample {
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

fn measured(mantissa: i64, scale: u8) -> Measured {
    Measured::as_given(Decimal::new(mantissa, scale))
}

fn part(component: &Component, number: i64) -> Option<Measured> {
    Some(match component.codes.first() {
        Some(entry) => measured(i64::from(entry.number), 0),
        None => measured(number, 1),
    })
}

fn plausible(metric: Metric) -> Value {
    match metric.shape() {
        Shape::Quantity => Value::Quantity(Measured::as_given(
            metric.row().plausible_min.unwrap_or(Decimal::whole(1)),
        )),
        Shape::Components(parts) => Value::Components(parts.iter().map(|component| part(component, 720)).collect()),
        Shape::Code(codes) => Value::Code(codes.first().map_or(1, |entry| entry.number)),
    }
}

/// Every code; every component alone and each left out; numbers with many digits, below zero, with zeros at the end.
fn variations(metric: Metric) -> Vec<Value> {
    match metric.shape() {
        Shape::Quantity => [(7_200, 2), (-5, 1), (0, 0), (i64::MAX, 18), (i64::MIN, 0)]
            .into_iter()
            .map(|(mantissa, scale)| Value::Quantity(measured(mantissa, scale)))
            .collect(),
        Shape::Code(codes) => codes
            .iter()
            .map(|entry| Value::Code(entry.number))
            .chain([Value::Code(u32::MAX)])
            .collect(),
        Shape::Components(parts) => {
            let only = |keep: &dyn Fn(usize) -> bool| {
                Value::Components(
                    parts
                        .iter()
                        .enumerate()
                        .map(|(index, component)| part(component, 980).filter(|_| keep(index)))
                        .collect(),
                )
            };
            let mut values = vec![only(&|_| false)];
            for at in 0..parts.len() {
                values.push(only(&|index| index == at));
                values.push(only(&|index| index != at));
            }
            for (at, component) in parts.iter().enumerate() {
                for entry in component.codes {
                    let mut numbers = vec![None; parts.len()];
                    numbers[at] = Some(measured(i64::from(entry.number), 0));
                    values.push(Value::Components(numbers.into()));
                }
            }
            values
        }
    }
}

fn days(metric: Metric, samples: &mut Vec<SampleResource>) {
    let key = metric.key();
    let numbers = vec![Some(measured(7_200, 2)); metric.width()];
    samples.push(sample(format!("{key} computed day"), |out| {
        aggregate(
            out,
            &AggregateView {
                id: "t1",
                patient: "p1",
                metric,
                summary: model::Summary::Day,
                day: DAY,
                mean: &numbers,
                min: &numbers,
                max: &numbers,
                last: &numbers,
                count: 12,
                version: 3,
                status: DayStatus::Final,
                updated: STORED,
            },
        );
    }));
    for summary in [Summary::Week, Summary::Month] {
        samples.push(sample(format!("{key} {summary:?}"), |out| {
            aggregate(
                out,
                &AggregateView {
                    id: "t3",
                    patient: "p1",
                    metric,
                    summary,
                    day: summary.first(DAY),
                    mean: &numbers,
                    min: &numbers,
                    max: &numbers,
                    last: &numbers,
                    count: 12,
                    version: 3,
                    status: DayStatus::Final,
                    updated: STORED,
                },
            );
        }));
    }
    for (name, last, dead) in [
        ("event", DAY, false),
        ("event of a year", DAY.plus(364), false),
        ("event that is not there any more", DAY, true),
    ] {
        samples.push(sample(format!("{key} {name}"), |out| {
            event(
                out,
                &EventView {
                    id: "e1",
                    patient: "p1",
                    metric,
                    code: None,
                    day: DAY,
                    last,
                    version: 2,
                    dead,
                    updated: STORED,
                },
            );
        }));
    }
    for status in [DayStatus::Preliminary, DayStatus::Final, DayStatus::Amended] {
        samples.push(sample(format!("{key} {} total of a day", status.code()), |out| {
            daily_total(
                out,
                &TotalView {
                    id: "t2",
                    patient: "p1",
                    metric,
                    summary: model::Summary::Day,
                    day: DAY,
                    eligible: amount(6_400_000, 3, 0),
                    total: amount(6_500_000, 3, 0),
                    manual: amount(100_000, 3, 0),
                    flags: if status == DayStatus::Final {
                        &[]
                    } else {
                        &["multi-source-resolved", "cadence"]
                    },
                    version: 1,
                    status,
                    updated: STORED,
                },
            );
        }));
    }
}
