//! What holds several values: blood-pressure correlations and workouts.

use model::{Metric, Outcome, Value};

use super::{OpenCorrelation, OpenWorkout, Records, cut};
use crate::SinkClosed;
use crate::apple_health::coverage;
use crate::apple_health::pressure::range_flags;
use crate::apple_health::repair::DAMAGE;
use crate::apple_health::wire::{RecordAttributes, attribute};
use crate::measure::{self, Rejection};

impl Records<'_> {
    pub(super) fn begin_correlation(&mut self, raw: &str, line: u64) {
        let attributes = RecordAttributes::read(raw);
        let base = match self.base(&attributes) {
            Ok(base) => base,
            Err(SinkClosed) => Err(Rejection("receiver-closed")),
        };
        self.correlation = Some(OpenCorrelation {
            is_pressure: attributes.kind == b"HKCorrelationTypeIdentifierBloodPressure",
            base,
            halves: [None, None],
            text: cut(raw),
            line,
        });
    }

    pub(super) fn end_correlation(&mut self) -> Result<(), SinkClosed> {
        self.end_record()?;
        let Some(correlation) = self.correlation.take() else {
            return Ok(());
        };
        if !correlation.is_pressure {
            // What it holds was counted record by record.
            self.reading
                .accounting
                .count(Outcome::Duplicate, "correlation-of-its-children");
            return Ok(());
        }
        let [systolic, diastolic] = correlation.halves;
        match correlation.base {
            Ok(mut sample) if systolic.is_some() || diastolic.is_some() => {
                sample.metric = Metric::BLOOD_PRESSURE;
                sample.value = measure::blood_pressure(systolic, diastolic);
                sample.flags = sample.flags.with(range_flags(systolic, diastolic));
                self.hand_sample(sample)
            }
            Ok(_) => self.not_stored(Outcome::Rejected, "value-missing", &correlation.text, correlation.line),
            Err(Rejection(reason)) => self.not_stored(Outcome::Rejected, reason, &correlation.text, correlation.line),
        }
    }

    pub(super) fn begin_workout(&mut self, raw: &str, line: u64) {
        let attributes = RecordAttributes::read(raw);
        let damaged = memchr::memchr(DAMAGE, raw.as_bytes()).is_some();
        let base = match self.base(&attributes) {
            Ok(Ok(_)) if damaged => Err(Rejection("invalid-utf8")),
            Ok(base) => base,
            Err(SinkClosed) => Err(Rejection("receiver-closed")),
        };
        let number = |(value, unit): (&[u8], &[u8]), canonical: &str| {
            let conversion = coverage::conversion_to(canonical, std::str::from_utf8(unit).ok()?)?;
            conversion.convert(measure::number(value).ok()?)
        };
        self.workout = Some(OpenWorkout {
            base,
            activity: std::str::from_utf8(attributes.kind)
                .ok()
                .and_then(coverage::workout_type),
            numbers: [
                number(attributes.duration, "min"),
                number(attributes.distance, "m"),
                number(attributes.energy, "kcal"),
            ],
            text: cut(raw),
            line,
        });
    }

    /// Since iOS 16 a workout's totals stand in statistics; an attribute, where there is one, goes before.
    pub(super) fn statistics(&mut self, raw: &str) {
        let Some(workout) = &mut self.workout else { return };
        let (Some(kind), Some(sum)) = (attribute(raw, "type"), attribute(raw, "sum")) else {
            return;
        };
        let (slot, canonical) = match kind.strip_prefix(coverage::QUANTITY) {
            Some(
                "DistanceWalkingRunning"
                | "DistanceCycling"
                | "DistanceSwimming"
                | "DistanceWheelchair"
                | "DistanceDownhillSnowSports"
                | "DistanceRowing"
                | "DistancePaddleSports"
                | "DistanceSkatingSports"
                | "DistanceCrossCountrySkiing",
            ) => (1, "m"),
            Some("ActiveEnergyBurned") => (2, "kcal"),
            _ => return,
        };
        let unit = attribute(raw, "unit").unwrap_or_default();
        let measured = coverage::conversion_to(canonical, &unit)
            .and_then(|conversion| conversion.convert(measure::number(sum.as_bytes()).ok()?));
        if workout.numbers[slot].is_none() {
            workout.numbers[slot] = measured;
        }
    }

    pub(super) fn end_workout(&mut self) -> Result<(), SinkClosed> {
        self.end_record()?;
        let Some(workout) = self.workout.take() else {
            return Ok(());
        };
        match (workout.base, workout.activity) {
            (Ok(mut sample), Some(activity)) => {
                let [duration, distance, energy] = workout.numbers;
                let duration = duration.or_else(|| measure::minutes(sample.start, sample.end));
                sample.metric = Metric::EXERCISE_SESSION;
                sample.value = Value::Components(Box::new([
                    measure::code_component(activity),
                    duration,
                    distance,
                    energy,
                ]));
                self.hand_sample(sample)
            }
            (Ok(_), None) => self.not_stored(Outcome::Unsupported, "workout-type", &workout.text, workout.line),
            (Err(Rejection(reason)), _) => self.not_stored(Outcome::Rejected, reason, &workout.text, workout.line),
        }
    }
}
