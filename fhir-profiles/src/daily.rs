//! Days as Observations: the resolved total of a summed metric, and mean, minimum and maximum of any other.
//!
//! The value of a total is its eligible part: what programmes may count. A computed day never carries the code or profile
//! of a single measurement, so that nobody takes a mean for a reading.

use model::vocabulary::{Component, Shape, systems};
use model::{LocalDay, Measured, Summary, UtcMillis};

use crate::json::{escaped, raw, whole};
use crate::marks::{component_code, quality_flag};
use crate::meta::head;
use crate::observation::{Components, coded, quantity};
use crate::prepared::{PreparedDay, coding, prepared};
use crate::time::{effective_days, instant};
use crate::view::{AggregateView, DayStatus, EventView, TotalView};

/// Appends the Observation of a day's total.
pub fn daily_total(out: &mut Vec<u8>, view: &TotalView<'_>) {
    let prepared = prepared(view.metric);
    let pieces = prepared.coarse(view.summary).unwrap_or(&prepared.total);
    begin(
        out,
        pieces,
        &Day {
            id: view.id,
            patient: view.patient,
            days: (view.day, view.summary.last(view.day)),
            version: view.version,
            status: view.status,
            updated: view.updated,
        },
    );
    quantity(out, view.eligible, &pieces.quantity_tail);
    let mut components = Components { any: false };
    for (key, amount) in [
        (systems::own::TOTAL, view.total),
        (systems::own::MANUAL_PART, view.manual),
    ] {
        components.begin(out);
        component_code(out, key);
        quantity(out, amount, &pieces.quantity_tail);
        out.push(b'}');
    }
    for code in view.flags {
        components.begin(out);
        quality_flag(out, code);
    }
    components.end(out);
    out.push(b'}');
}

/// Appends the Observation of a computed day. Of a metric whose values are codes only the count is given.
pub fn aggregate(out: &mut Vec<u8>, view: &AggregateView<'_>) {
    let pieces = prepared(view.metric);
    begin(
        out,
        pieces.coarse(view.summary).unwrap_or(&pieces.aggregate),
        &Day {
            id: view.id,
            patient: view.patient,
            days: (view.day, view.summary.last(view.day)),
            version: view.version,
            status: view.status,
            updated: view.updated,
        },
    );
    let mut components = Components { any: false };
    let statistics = [
        (systems::OBSERVATION_STATISTICS, systems::AVERAGE, view.mean),
        (systems::OBSERVATION_STATISTICS, systems::MINIMUM, view.min),
        (systems::OBSERVATION_STATISTICS, systems::MAXIMUM, view.max),
        (systems::SEKISHO, systems::own::LAST, view.last),
    ];
    let shape = view.metric.shape();
    for (system, statistic, values) in statistics {
        for (index, value) in values.iter().enumerate() {
            let (part, tail) = match shape {
                Shape::Quantity => (None, &pieces.aggregate.quantity_tail),
                Shape::Components(parts) => match (parts.get(index), pieces.components.get(index)) {
                    (Some(part), Some(piece)) if part.codes.is_empty() => (Some(part), &piece.quantity_tail),
                    _ => continue,
                },
                Shape::Code(_) => continue,
            };
            if let Some(value) = value {
                components.begin(out);
                statistic_code(out, system, statistic, part);
                quantity(out, *value, tail);
                out.push(b'}');
            }
        }
    }
    components.begin(out);
    statistic_code(out, systems::OBSERVATION_STATISTICS, systems::COUNT, None);
    raw(out, b",\"valueQuantity\":{\"value\":");
    whole(out, u64::from(view.count));
    raw(out, b",\"unit\":\"samples\",\"system\":\"");
    raw(out, systems::UCUM);
    raw(out, b"\",\"code\":\"");
    raw(out, systems::UCUM_COUNT);
    raw(out, b"\"}}");
    components.end(out);
    out.push(b'}');
}

/// Appends the Observation of an event: that it took place, and on which day, or within which. Its value is there and is not given.
/// One that is not there any more keeps id, code, category and subject, and nothing of what it held.
pub fn event(out: &mut Vec<u8>, view: &EventView<'_>) {
    let pieces = prepared(view.metric);
    let of_event = pieces.coarse(Summary::Event).unwrap_or(&pieces.aggregate);
    if view.dead {
        head(out, "Observation", view.id, u64::from(view.version), view.updated);
        raw(out, &of_event.to_status);
        raw(out, b"entered-in-error");
        raw(out, &of_event.to_patient);
        escaped(out, view.patient);
        raw(out, b"\"}}");
        return;
    }
    begin(
        out,
        of_event,
        &Day {
            id: view.id,
            patient: view.patient,
            days: (view.day, view.last),
            version: view.version,
            status: DayStatus::Final,
            updated: view.updated,
        },
    );
    match view.code.and_then(|code| coded(&pieces.codes, code)) {
        Some(whose_word) => raw(out, whose_word),
        None => {
            raw(out, b",\"dataAbsentReason\":{\"coding\":[");
            coding(out, systems::DATA_ABSENT_REASON, systems::ABSENT_MASKED, None);
            raw(out, b"]}");
        }
    }
    out.push(b'}');
}

/// `{"code":{…}`: the statistic, and which component of the metric it is of.
fn statistic_code(out: &mut Vec<u8>, system: &str, statistic: &str, part: Option<&Component>) {
    raw(out, b"{\"code\":{\"coding\":[");
    coding(out, system, statistic, None);
    if let Some(part) = part {
        out.push(b',');
        coding(out, systems::SEKISHO, part.key, Some(part.name_en));
    }
    raw(out, b"]}");
}

struct Day<'a> {
    id: &'a str,
    patient: &'a str,
    days: (LocalDay, LocalDay),
    version: u32,
    status: DayStatus,
    updated: UtcMillis,
}

/// Everything before the values.
fn begin(out: &mut Vec<u8>, pieces: &PreparedDay, day: &Day<'_>) {
    head(out, "Observation", day.id, u64::from(day.version), day.updated);
    raw(out, &pieces.to_status);
    raw(out, day.status.code());
    raw(out, &pieces.to_patient);
    escaped(out, day.patient);
    raw(out, b"\"}");
    effective_days(out, day.days);
    raw(out, b",\"issued\":\"");
    instant(out, day.updated);
    out.push(b'"');
}

/// A decimal of a whole number with `scale` decimals, shown to `digits` of them: how totals are kept and shown.
#[must_use]
pub const fn amount(mantissa: i64, scale: u8, digits: u8) -> Measured {
    Measured {
        mantissa,
        scale,
        digits,
    }
}
