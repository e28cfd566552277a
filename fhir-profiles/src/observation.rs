//! A stored sample as an R4 Observation.

use model::vocabulary::{Shape, Temporal, systems};
use model::{Flags, LocalDay, Measured, OffsetTrust, Sample, Value};

use crate::json::{decimal, escaped, raw};
use crate::marks;
use crate::meta::head;
use crate::prepared::{Prepared, PreparedComponent, prepared};
use crate::time::{date_time, effective_days, instant};
use crate::view::ObservationView;

/// Room for most Observations, so that the buffer grows once.
const USUAL_LENGTH: usize = 1_280;

/// Appends the Observation of a stored sample.
///
/// A live sample is `final`. One entered in error keeps id, code, category and subject, and nothing of what it held.
pub fn observation(out: &mut Vec<u8>, view: &ObservationView<'_>) {
    let sample = view.sample;
    let pieces = prepared(sample.metric);
    out.reserve(USUAL_LENGTH);
    head(out, "Observation", view.id, u64::from(view.version), view.updated);
    if view.dead {
        raw(out, &pieces.dead);
        escaped(out, view.patient);
        raw(out, b"\"}}");
        return;
    }
    let by_hand = sample.flags.has(Flags::USER_ENTERED);
    raw(out, pieces.live(by_hand, is_period(sample)));
    escaped(out, view.patient);
    raw(out, b"\"}");
    effective(out, sample, view.zone);
    raw(out, b",\"issued\":\"");
    // A check-in counts from when it was typed; programmes take them up to a week after the day.
    let entered = sample.metric.is_check_in() && sample.created != Sample::CREATION_UNKNOWN;
    instant(out, if entered { sample.created } else { view.updated });
    out.push(b'"');
    let mut components = Components { any: false };
    value(out, pieces, sample, &mut components);
    marks::write(out, sample.flags, &mut components);
    components.end(out);
    if by_hand {
        raw(out, b",\"performer\":[{\"reference\":\"Patient/");
        escaped(out, view.patient);
        raw(out, b"\"}]");
        raw(out, marks::manual_method());
    } else if let Some(device) = view.device {
        raw(out, b",\"device\":{\"reference\":\"Device/");
        escaped(out, device);
        raw(out, b"\"}");
    }
    for (place, id) in view.derived_from.iter().enumerate() {
        raw(
            out,
            if place == 0 {
                &b",\"derivedFrom\":["[..]
            } else {
                &b","[..]
            },
        );
        raw(out, b"{\"reference\":\"Observation/");
        escaped(out, id);
        raw(out, b"\"}");
    }
    if !view.derived_from.is_empty() {
        out.push(b']');
    }
    out.push(b'}');
}

/// The `component` array, opened with its first entry.
pub(crate) struct Components {
    pub(crate) any: bool,
}

impl Components {
    /// Before an entry.
    #[inline]
    pub(crate) fn begin(&mut self, out: &mut Vec<u8>) {
        raw(out, if self.any { &b","[..] } else { &b",\"component\":["[..] });
        self.any = true;
    }

    /// After the last entry.
    #[inline]
    pub(crate) fn end(self, out: &mut Vec<u8>) {
        if self.any {
            out.push(b']');
        }
    }
}

/// Whether the time is an `effectivePeriod`: of civil days where no clock was given, else of instants.
fn is_period(sample: &Sample) -> bool {
    let temporal = sample.metric.temporal();
    if is_civil(sample, temporal) {
        return last_day(sample, temporal) > sample.local_day();
    }
    temporal == Temporal::Interval || sample.end > sample.start
}

/// True when only the day is known, or meant.
fn is_civil(sample: &Sample, temporal: Temporal) -> bool {
    sample.offset.trust == OffsetTrust::None || temporal == Temporal::DailyTotal
}

/// The last civil day, of a sample that has no clock.
fn last_day(sample: &Sample, temporal: Temporal) -> LocalDay {
    if temporal != Temporal::DailyTotal && sample.end > sample.start {
        sample.end.plus(-1).local_day(sample.offset)
    } else {
        sample.local_day()
    }
}

/// `effectiveDateTime` for a moment or a civil day, `effectivePeriod` for an interval. The end of a sample is exclusive and
/// is written as it is: R4's inclusive end differs by less than the precision.
fn effective(out: &mut Vec<u8>, sample: &Sample, zone: Option<&str>) {
    let temporal = sample.metric.temporal();
    if is_civil(sample, temporal) {
        civil_days(out, sample, temporal);
        return;
    }
    let milliseconds = sample.flags.has(Flags::MILLISECONDS);
    let assumed = sample.offset.trust == OffsetTrust::Assumed;
    if is_period(sample) {
        raw(out, b",\"effectivePeriod\":{");
        if assumed {
            raw(out, b"\"extension\":[");
            raw(out, marks::offset_assumed());
            raw(out, b"],");
        }
        raw(out, b"\"start\":\"");
        date_time(out, sample.start, sample.offset.minutes, milliseconds);
        raw(out, b"\",");
        zone_member(out, "_start", zone);
        raw(out, b"\"end\":\"");
        date_time(
            out,
            sample.end.max(sample.start),
            sample.end_offset_minutes,
            milliseconds,
        );
        out.push(b'"');
        if zone.is_some() {
            out.push(b',');
            zone_member(out, "_end", zone);
            out.pop();
        }
        out.push(b'}');
        return;
    }
    raw(out, b",\"effectiveDateTime\":\"");
    date_time(out, sample.start, sample.offset.minutes, milliseconds);
    out.push(b'"');
    if assumed || zone.is_some() {
        raw(out, b",\"_effectiveDateTime\":{\"extension\":[");
        if assumed {
            raw(out, marks::offset_assumed());
        }
        if let Some(zone) = zone {
            if assumed {
                out.push(b',');
            }
            marks::timezone(out, zone);
        }
        raw(out, b"]}");
    }
}

/// `"name":{"extension":[zone]},`
fn zone_member(out: &mut Vec<u8>, name: &str, zone: Option<&str>) {
    if let Some(zone) = zone {
        out.push(b'"');
        raw(out, name);
        raw(out, b"\":{\"extension\":[");
        marks::timezone(out, zone);
        raw(out, b"]},");
    }
}

fn civil_days(out: &mut Vec<u8>, sample: &Sample, temporal: Temporal) {
    effective_days(out, (sample.local_day(), last_day(sample, temporal)));
}

#[inline]
fn value(out: &mut Vec<u8>, pieces: &Prepared, sample: &Sample, components: &mut Components) {
    match (&sample.value, sample.metric.shape()) {
        (Value::Quantity(measured), Shape::Quantity) => quantity(out, *measured, &pieces.quantity_tail),
        (Value::Code(number), Shape::Code(_)) => match coded(&pieces.codes, *number) {
            Some(value) => raw(out, value),
            None => raw(out, marks::absent(systems::ABSENT_UNSUPPORTED)),
        },
        (Value::Components(values), Shape::Components(_)) => {
            for (index, piece) in pieces.components.iter().enumerate() {
                component(out, piece, values.get(index).copied().flatten(), components);
            }
            if !components.any {
                raw(out, marks::absent(systems::ABSENT_UNKNOWN));
            }
        }
        // A value that does not have its metric's shape cannot be said; that there was one can.
        _ => raw(out, marks::absent(systems::ABSENT_UNSUPPORTED)),
    }
}

fn component(out: &mut Vec<u8>, piece: &PreparedComponent, value: Option<Measured>, components: &mut Components) {
    if value.is_none() && !piece.required {
        return;
    }
    components.begin(out);
    raw(out, &piece.code);
    match value {
        None => raw(out, marks::absent(systems::ABSENT_UNKNOWN)),
        Some(measured) if piece.codes.is_empty() => quantity(out, measured, &piece.quantity_tail),
        Some(measured) => {
            let entry = u32::try_from(measured.shown().mantissa)
                .ok()
                .and_then(|number| coded(&piece.codes, number));
            match entry {
                Some(value) => raw(out, value),
                None => raw(out, marks::absent(systems::ABSENT_UNSUPPORTED)),
            }
        }
    }
    out.push(b'}');
}

/// `,"valueQuantity":{…}`
#[inline]
pub(crate) fn quantity(out: &mut Vec<u8>, measured: Measured, tail: &[u8]) {
    raw(out, b",\"valueQuantity\":{\"value\":");
    decimal(out, measured);
    raw(out, tail);
}

pub(crate) fn coded(codes: &[(u32, Vec<u8>)], number: u32) -> Option<&[u8]> {
    codes
        .iter()
        .find(|(known, _)| *known == number)
        .map(|(_, value)| value.as_slice())
}
