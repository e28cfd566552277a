//! What never changes of a metric's Observations, written once: profiles, labels, categories, codes, units.
//!
//! Rendering then copies a few long runs of bytes and writes only what differs between samples.

use std::sync::LazyLock;

use model::vocabulary::{CodeEntry, Component, MetricRow, Shape, systems};
use model::{Metric, Summary};

use crate::codings::{Coding, categories, checkup_item, computed_codings, sample_codings};
use crate::definitions::own_profile;
use crate::json::{raw, string};
use crate::meta::security;

/// The pieces of one metric. Each begins and ends in the middle of an Observation, where a value is written between.
pub(crate) struct Prepared {
    live: [Vec<u8>; 4],
    /// The same for one entered in error: no profile is claimed, since the value is gone.
    pub(crate) dead: Vec<u8>,
    /// After the number of a `valueQuantity`.
    pub(crate) quantity_tail: Vec<u8>,
    /// `,"valueCodeableConcept":{…}` by the number of the entry.
    pub(crate) codes: Vec<(u32, Vec<u8>)>,
    /// The metric's components.
    pub(crate) components: Vec<PreparedComponent>,
    /// A total of a day.
    pub(crate) total: PreparedDay,
    /// A computed day.
    pub(crate) aggregate: PreparedDay,
    /// A week, a month, an event.
    coarse: [PreparedDay; 3],
}

impl Prepared {
    /// From the end of `meta.lastUpdated` to the id of the patient, for a live sample: what it claims depends on whether it was
    /// typed by hand, and on whether its time is a period.
    #[inline]
    pub(crate) fn live(&self, by_hand: bool, is_period: bool) -> &[u8] {
        &self.live[usize::from(by_hand) + 2 * usize::from(is_period)]
    }

    /// The pieces of a summary that is no day.
    pub(crate) fn coarse(&self, summary: Summary) -> Option<&PreparedDay> {
        match summary {
            Summary::Day => None,
            Summary::Week => Some(&self.coarse[0]),
            Summary::Month => Some(&self.coarse[1]),
            Summary::Event => Some(&self.coarse[2]),
        }
    }
}

/// The pieces of one component.
pub(crate) struct PreparedComponent {
    /// `{"code":{…}`
    pub(crate) code: Vec<u8>,
    /// After the number of its `valueQuantity`.
    pub(crate) quantity_tail: Vec<u8>,
    /// `,"valueCodeableConcept":{…}` or `,"valueBoolean":…` by the number of the entry; empty when it is a number.
    pub(crate) codes: Vec<(u32, Vec<u8>)>,
    /// It must be there even when it has no value (R4 profile `bp`: both pressures are required).
    pub(crate) required: bool,
}

/// The pieces of a day.
pub(crate) struct PreparedDay {
    /// From the end of `meta.lastUpdated` to the status.
    pub(crate) to_status: Vec<u8>,
    /// From the end of the status to the id of the patient.
    pub(crate) to_patient: Vec<u8>,
    /// After the number of a `valueQuantity`.
    pub(crate) quantity_tail: Vec<u8>,
}

static TABLE: LazyLock<Vec<Prepared>> = LazyLock::new(|| Metric::all().map(prepare).collect());

/// The pieces of this metric.
#[inline]
pub(crate) fn prepared(metric: Metric) -> &'static Prepared {
    let table: &'static [Prepared] = &TABLE;
    &table[usize::from(metric.number().saturating_sub(1)).min(table.len() - 1)]
}

fn prepare(metric: Metric) -> Prepared {
    let row = metric.row();
    let item = checkup_item(row);
    let mut profiles: Vec<&str> = row
        .profiles
        .iter()
        .copied()
        .filter(|profile| item.is_some() || *profile != systems::CHECKUP_PROFILE)
        .collect();
    profiles.extend(own_profile(row));
    let live = |by_hand: bool, is_period: bool, to_patient: &[u8]| {
        // A checkup report's result is of a day.
        let fits = |profile: &&str| !(is_period && *profile == systems::CHECKUP_PROFILE);
        let mut claims: Vec<&str> = profiles.iter().copied().filter(fits).collect();
        claims.extend(by_hand.then_some(systems::MANUAL_ENTRY_PROFILE));
        written(|out| {
            raw(out, to_status(row, &claims));
            raw(out, b"final");
            raw(out, to_patient);
        })
    };
    let code = written(|out| metric_code(out, row));
    let to_patient = written(|out| {
        raw(out, b"\",");
        write_categories_of_sample(out, row);
        raw(out, b",\"code\":");
        raw(out, &code);
        raw(out, b",\"subject\":{\"reference\":\"Patient/");
    });
    let (codes, components) = match row.shape {
        Shape::Quantity => (Vec::new(), Vec::new()),
        Shape::Code(entries) => (coded_values(entries), Vec::new()),
        Shape::Components(parts) => (Vec::new(), parts.iter().map(|part| component(metric, part)).collect()),
    };
    Prepared {
        live: [(false, false), (true, false), (false, true), (true, true)]
            .map(|(by_hand, is_period)| live(by_hand, is_period, &to_patient)),
        dead: written(|out| {
            raw(out, to_status(row, &[]));
            raw(out, b"entered-in-error\",");
            write_categories_of_sample(out, row);
            raw(out, b",\"code\":{\"coding\":[");
            coding(out, systems::METRIC, row.key, None);
            raw(out, b"]},\"subject\":{\"reference\":\"Patient/");
        }),
        quantity_tail: quantity_tail(row.unit, row.unit_display),
        codes,
        components,
        total: total(metric),
        aggregate: computed(metric, Summary::Day),
        coarse: [Summary::Week, Summary::Month, Summary::Event].map(|summary| computed(metric, summary)),
    }
}

/// A summary without a profile. Its categories and labels are those of the metric's day, where there is one.
fn computed(metric: Metric, summary: Summary) -> PreparedDay {
    let row = metric.row();
    let of_day = match summary {
        Summary::Day => row,
        _ => metric.daily().map_or(row, Metric::row),
    };
    PreparedDay {
        to_status: to_status(of_day, &[]),
        to_patient: computed_to_patient(row, of_day, summary),
        quantity_tail: quantity_tail(of_day.unit, of_day.unit_display),
    }
}

fn total(metric: Metric) -> PreparedDay {
    let summed = metric.row();
    let Some(daily) = metric.daily().map(Metric::row) else {
        return PreparedDay {
            to_status: to_status(summed, &[systems::DAILY_TOTAL_PROFILE]),
            to_patient: computed_to_patient(summed, summed, Summary::Day),
            quantity_tail: quantity_tail(summed.unit, summed.unit_display),
        };
    };
    PreparedDay {
        to_status: to_status(daily, &[systems::DAILY_TOTAL_PROFILE]),
        to_patient: written(|out| {
            raw(out, b"\",");
            write_categories(out, daily);
            raw(out, b",\"code\":");
            metric_code(out, daily);
            raw(out, b",\"subject\":{\"reference\":\"Patient/");
        }),
        quantity_tail: quantity_tail(daily.unit, daily.unit_display),
    }
}

fn computed_to_patient(row: &MetricRow, of_day: &MetricRow, summary: Summary) -> Vec<u8> {
    let text = match summary {
        Summary::Day => format!("{}(1日)", row.name_ja),
        Summary::Week => format!("{}(1週間)", row.name_ja),
        Summary::Month => format!("{}(1か月)", row.name_ja),
        Summary::Event => format!("{}(あったことだけ)", row.name_ja),
    };
    written(|out| {
        raw(out, b"\",");
        write_categories(out, of_day);
        raw(out, b",\"code\":{\"coding\":");
        write_codings(out, &computed_codings(row, summary));
        raw(out, b",\"text\":");
        string(out, &text);
        raw(out, b"},\"subject\":{\"reference\":\"Patient/");
    })
}

/// From the end of `meta.lastUpdated` to the status.
pub(crate) fn to_status(row: &MetricRow, profiles: &[&str]) -> Vec<u8> {
    written(|out| {
        raw(out, b"\",");
        if !profiles.is_empty() {
            raw(out, b"\"profile\":");
            list(out, profiles, |out, profile| string(out, profile));
            out.push(b',');
        }
        security(out, &[row]);
        raw(out, b"},\"status\":\"");
    })
}

/// The categories of a sample.
fn write_categories_of_sample(out: &mut Vec<u8>, row: &MetricRow) {
    if checkup_item(row).is_some() {
        // A checkup report's result has one category, whatever its codings.
        let categories = categories(row);
        raw(out, b"\"category\":[{\"coding\":");
        list(out, &categories, |out, (system, code)| coding(out, system, code, None));
        raw(out, b"}]");
    } else {
        write_categories(out, row);
    }
}

fn write_categories(out: &mut Vec<u8>, row: &MetricRow) {
    raw(out, b"\"category\":");
    list(out, &categories(row), |out, (system, code)| {
        raw(out, b"{\"coding\":[");
        coding(out, system, code, None);
        raw(out, b"]}");
    });
}

fn metric_code(out: &mut Vec<u8>, row: &'static MetricRow) {
    raw(out, b"{\"coding\":");
    write_codings(out, &sample_codings(row));
    raw(out, b",\"text\":");
    string(out, row.name_ja);
    out.push(b'}');
}

fn write_codings(out: &mut Vec<u8>, codings: &[Coding]) {
    list(out, codings, |out, (system, code, display)| {
        coding(out, system, code, display.as_deref());
    });
}

fn component(metric: Metric, part: &Component) -> PreparedComponent {
    let mut codings: Vec<(&str, &str, Option<&str>)> = Vec::new();
    codings.extend(part.loinc.map(|code| (systems::LOINC, code, None)));
    codings.push((systems::SEKISHO, part.key, Some(part.name_en)));
    PreparedComponent {
        code: written(|out| {
            raw(out, b"{\"code\":{\"coding\":");
            list(out, &codings, |out, (system, code, display)| {
                coding(out, system, code, *display)
            });
            out.push(b'}');
        }),
        quantity_tail: quantity_tail(part.unit, part.unit_display),
        codes: if is_yes_or_no(part.codes) {
            truth_values(part.codes)
        } else {
            coded_values(part.codes)
        },
        required: metric == Metric::BLOOD_PRESSURE && matches!(part.key, "systolic" | "diastolic"),
    }
}

fn is_yes_or_no(entries: &[CodeEntry]) -> bool {
    matches!(entries, [no, yes] if no.key == "no" && yes.key == "yes")
}

fn truth_values(entries: &[CodeEntry]) -> Vec<(u32, Vec<u8>)> {
    entries
        .iter()
        .map(|entry| {
            (
                entry.number,
                format!(",\"valueBoolean\":{}", entry.key == "yes").into_bytes(),
            )
        })
        .collect()
}

fn coded_values(entries: &[CodeEntry]) -> Vec<(u32, Vec<u8>)> {
    entries
        .iter()
        .map(|entry| {
            let value = written(|out| {
                raw(out, b",\"valueCodeableConcept\":{\"coding\":[");
                coding(out, systems::VALUE, entry.key, Some(entry.name_en));
                if let Some((system, code)) = entry.also {
                    out.push(b',');
                    coding(out, system, code, None);
                }
                raw(out, b"],\"text\":");
                string(out, entry.name_ja);
                out.push(b'}');
            });
            (entry.number, value)
        })
        .collect()
}

fn quantity_tail(unit: &str, display: &str) -> Vec<u8> {
    if unit.is_empty() {
        return b"}".to_vec();
    }
    written(|out| {
        raw(out, b",\"unit\":");
        string(out, if display.is_empty() { unit } else { display });
        raw(out, b",\"system\":");
        string(out, systems::UCUM);
        raw(out, b",\"code\":");
        string(out, unit);
        out.push(b'}');
    })
}

/// `{"system":…,"code":…,"display":…}`
pub(crate) fn coding(out: &mut Vec<u8>, system: &str, code: &str, display: Option<&str>) {
    raw(out, b"{\"system\":");
    string(out, system);
    raw(out, b",\"code\":");
    string(out, code);
    if let Some(display) = display {
        raw(out, b",\"display\":");
        string(out, display);
    }
    out.push(b'}');
}

/// A JSON array.
pub(crate) fn list<T>(out: &mut Vec<u8>, items: &[T], mut write: impl FnMut(&mut Vec<u8>, &T)) {
    out.push(b'[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

/// What a writer writes, on its own.
pub(crate) fn written(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out);
    out
}
