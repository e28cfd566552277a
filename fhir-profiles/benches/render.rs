//! How many Observations a second one core renders. `cargo bench -p fhir-profiles`; divan prints items a second.

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use fhir_profiles::{ObservationView, SearchBundle, TotalView, amount, daily_total, observation};
use model::{Decimal, Flags, LocalDay, Measured, Metric, Offset, Sample, UtcMillis, Value};

const PAGE: usize = 1_000;
const ID: &str = "4f6x2k7qzm5v3h9n8c1b0d2f4g";
const PATIENT: &str = "9a8s7d6f5g4h3j2k1l0q1w2e3r";
const DEVICE: &str = "7z6x5c4v3b2n1m0a9s8d7f6g5h";
const NOON: i64 = 1_778_382_000_000;

fn main() {
    divan::main();
}

fn samples(metric: Metric, value: impl Fn(i64) -> Value, length_ms: i64, flags: Flags) -> Vec<Sample> {
    (0..PAGE as i64)
        .map(|index| Sample {
            metric,
            source: 1,
            start: UtcMillis(NOON + index * 5_000),
            end: UtcMillis(NOON + index * 5_000 + length_ms),
            offset: Offset::given(540),
            end_offset_minutes: 540,
            value: value(index),
            flags,
            created: Sample::CREATION_UNKNOWN,
        })
        .collect()
}

fn whole(number: i64) -> Measured {
    Measured::as_given(Decimal::whole(number))
}

fn render(bencher: Bencher<'_, '_>, samples: &[Sample]) {
    let page = |out: &mut Vec<u8>| {
        out.clear();
        let mut bundle = SearchBundle::begin(out, "https://example.org/fhir/r4/Observation?code=8867-4", None);
        for sample in samples {
            bundle.matched(out, "https://example.org/fhir/r4", "Observation", ID, |out| {
                observation(
                    out,
                    &ObservationView {
                        id: ID,
                        patient: PATIENT,
                        device: Some(DEVICE),
                        sample,
                        zone: None,
                        version: 1,
                        updated: UtcMillis(NOON + 1),
                        dead: false,
                        derived_from: &[],
                    },
                );
            });
        }
        bundle.end(out);
    };
    let mut out = Vec::new();
    page(&mut out);
    bencher
        .counter(ItemsCount::new(samples.len()))
        .counter(BytesCount::new(out.len()))
        .bench_local(|| page(divan::black_box(&mut out)));
}

#[divan::bench]
fn heart_rate(bencher: Bencher<'_, '_>) {
    render(
        bencher,
        &samples(
            Metric::HEART_RATE,
            |index| Value::Quantity(whole(60 + index % 90)),
            0,
            Flags::default(),
        ),
    );
}

#[divan::bench]
fn steps(bencher: Bencher<'_, '_>) {
    render(
        bencher,
        &samples(
            Metric::STEP_COUNT,
            |index| Value::Quantity(whole(index)),
            5_000,
            Flags::default(),
        ),
    );
}

#[divan::bench]
fn blood_pressure(bencher: Bencher<'_, '_>) {
    let value =
        |index| Value::Components(vec![Some(whole(110 + index % 40)), Some(whole(70 + index % 20)), None].into());
    render(bencher, &samples(Metric::BLOOD_PRESSURE, value, 0, Flags::default()));
}

#[divan::bench]
fn daily_steps(bencher: Bencher<'_, '_>) {
    let mut out = Vec::new();
    bencher.counter(ItemsCount::new(PAGE)).bench_local(|| {
        out.clear();
        for day in 0..PAGE as i32 {
            daily_total(
                divan::black_box(&mut out),
                &TotalView {
                    id: ID,
                    patient: PATIENT,
                    metric: Metric::STEP_COUNT,
                    summary: model::Summary::Day,
                    day: LocalDay(20_000 + day),
                    eligible: amount(6_400, 0, 0),
                    total: amount(6_500, 0, 0),
                    manual: amount(100, 0, 0),
                    flags: &["multi-source-resolved"],
                    version: 3,
                    status: fhir_profiles::DayStatus::Final,
                    updated: UtcMillis(NOON),
                },
            );
        }
        out.len()
    });
}
