//! A result of a checkup as an Observation of the checkup report guide (eCheckup): the official item code first, digits and unit as
//! its document has them.

use std::borrow::Cow;
use std::sync::LazyLock;

use model::checkup::items;
use model::checkup::{Finding, Found, Guide, Item, Kind};
use model::vocabulary::systems::own;
use model::vocabulary::{Component, Shape, systems};
use model::{Decimal, Measured};

use crate::codings::{Coding, Findable, categories};
use crate::json::{decimal, escaped, presentable, raw, string, text_member};
use crate::marks;
use crate::meta::head;
use crate::prepared::{coding, list, to_status, written};
use crate::time::{date, instant};
use crate::view::CheckupView;

/// What never changes of an item's Observations.
struct Pieces {
    /// From the end of `meta.lastUpdated` to the status.
    to_status: Vec<u8>,
    /// From the end of the status to the id of the patient.
    to_patient: Vec<u8>,
    /// The first of the two for what the resident says themselves.
    by_hand: Vec<u8>,
    /// Both of one entered in error, which claims no profile.
    dead: Vec<u8>,
}

static PIECES: LazyLock<Vec<Pieces>> = LazyLock::new(|| Item::all().map(pieces).collect());

fn pieces(item: Item) -> Pieces {
    let row = item.metric().row();
    let to_patient = written(|out| {
        raw(out, b"\",\"category\":[{\"coding\":");
        list(out, &categories_of(item), |out, (system, code)| {
            coding(out, system, code, None)
        });
        raw(out, b"}],\"code\":{\"coding\":");
        list(out, &codings(item), |out, (system, code, display)| {
            coding(out, system, code, display.as_deref());
        });
        raw(out, b",\"text\":");
        string(out, item.row().name_ja);
        raw(out, b"},\"subject\":{\"reference\":\"Patient/");
    });
    // The guide of checkup reports asks for one of its own items, and that of screenings for more than an Observation has here.
    let profiles: &[&str] = match item.row().guide {
        Guide::Checkup => &[systems::CHECKUP_PROFILE],
        Guide::Municipal | Guide::Added => &[],
    };
    Pieces {
        to_status: to_status(row, profiles),
        by_hand: to_status(row, &[systems::MANUAL_ENTRY_PROFILE]),
        dead: written(|out| {
            raw(out, to_status(row, &[]));
            raw(out, b"entered-in-error");
            raw(out, &to_patient);
        }),
        to_patient,
    }
}

/// The official code; of a laboratory test the same as JLAC10 has it; our metric's; LOINC's last, where the item is what it names.
fn codings(item: Item) -> Vec<Coding> {
    let (row, metric) = (item.row(), item.metric().row());
    let mut codings: Vec<Coding> = vec![(item.system(), row.code.into(), Some(row.name_ja.into()))];
    if item.is_laboratory_code() {
        codings.push((systems::JLAC10, row.code.into(), None));
    }
    match component(item) {
        Some(part) => {
            codings.push((systems::SEKISHO, part.key.into(), Some(part.name_en.into())));
            codings.extend(part.loinc.map(|code| (systems::LOINC, code.into(), None)));
        }
        None => {
            codings.push((systems::METRIC, metric.key.into(), Some(metric.name_en.into())));
            let is_what_it_names = row.kind != Kind::Text && !row.is_reason;
            let primary = metric.loinc.first().filter(|_| is_what_it_names);
            codings.extend(primary.map(|code| (systems::LOINC, (*code).into(), None)));
        }
    }
    codings
}

/// The component of its metric that an item is.
fn component(item: Item) -> Option<&'static Component> {
    match item.metric().shape() {
        Shape::Components(parts) => parts.get(usize::from(item.row().part?)),
        _ => None,
    }
}

pub(crate) fn categories_of(item: Item) -> Vec<(&'static str, &'static str)> {
    let mut of_metric = categories(item.metric().row());
    of_metric.retain(|(system, _)| *system != systems::JP_OBSERVATION_CATEGORY);
    of_metric.insert(0, (systems::JP_OBSERVATION_CATEGORY, item.row().category));
    of_metric
}

/// What the Observation of a result of this item can be found by.
#[must_use]
pub fn findable_item(item: Item) -> Findable {
    Findable {
        codes: codings(item)
            .into_iter()
            .map(|(system, code, _)| (system, code))
            .collect(),
        categories: categories_of(item),
        row: item.metric(),
    }
}

/// Appends the Observation of a result.
///
/// What was not done or could not be measured is `cancelled` and says why it has no value; what lies beyond what can be entered has
/// the limit with a comparator.
pub fn checkup_result(out: &mut Vec<u8>, view: &CheckupView<'_>) {
    let finding = view.finding;
    let pieces = &PIECES[usize::from(finding.item.number().saturating_sub(1)).min(PIECES.len() - 1)];
    head(out, "Observation", view.id, u64::from(view.version), view.updated);
    if view.dead {
        raw(out, &pieces.dead);
        escaped(out, view.patient);
        raw(out, b"\"}}");
        return;
    }
    raw(
        out,
        if view.by_hand {
            &pieces.by_hand
        } else {
            &pieces.to_status
        },
    );
    raw(out, if finding.has_no_value() { "cancelled" } else { "final" });
    raw(out, &pieces.to_patient);
    escaped(out, view.patient);
    raw(out, b"\"},\"effectiveDateTime\":\"");
    date(out, view.day);
    raw(out, b"\",\"issued\":\"");
    instant(out, view.updated);
    out.push(b'"');
    if view.by_hand {
        raw(out, b",\"performer\":[{\"reference\":\"Patient/");
        escaped(out, view.patient);
        raw(out, b"\"}]");
        raw(out, marks::manual_method());
    } else if let Some(doctor) = finding.doctor.as_deref().and_then(presentable) {
        raw(out, b",\"performer\":[{\"display\":");
        string(out, &doctor);
        raw(out, b"}]");
    }
    value(out, finding);
    interpretation(out, finding);
    if let Some(method) = finding.method.as_ref().filter(|_| !view.by_hand) {
        raw(out, b",\"method\":{\"coding\":[");
        let name = finding.item.name_of_method(method);
        // A name that the list does not have for this code is no display of it.
        let display = items::method(method).filter(|display| name == Some(*display));
        coding(out, systems::CHECKUP_METHOD, method, display);
        raw(out, b"]");
        if let Some(name) = name.filter(|_| display.is_none()) {
            raw(out, b",\"text\":");
            string(out, name);
        }
        out.push(b'}');
    }
    range(out, finding);
    if view.is_suspicious {
        raw(out, b",\"component\":[");
        marks::quality_flag(out, own::OUT_OF_RANGE);
        out.push(b']');
    }
    out.push(b'}');
}

fn value(out: &mut Vec<u8>, finding: &Finding) {
    match &finding.result {
        Found::Quantity(number, unit) => quantity(out, "valueQuantity", finding.item, *number, unit, None),
        Found::AtLeast(number, unit) => quantity(out, "valueQuantity", finding.item, *number, unit, Some(">=")),
        Found::AtMost(number, unit) => quantity(out, "valueQuantity", finding.item, *number, unit, Some("<=")),
        Found::Answer(of, code) => answer(out, finding.item, of, code),
        Found::Text(text) => match presentable(text) {
            Some(_) => text_member(out, "valueString", Some(text)),
            None => absent(out, systems::ABSENT_UNKNOWN, "記載なし"),
        },
        Found::NotPerformed => absent(out, systems::ABSENT_NOT_PERFORMED, "未実施"),
        Found::NotMeasurable => absent(out, systems::ABSENT_ERROR, "測定不能"),
    }
}

/// `,"name":{…}`
fn quantity(out: &mut Vec<u8>, name: &str, item: Item, number: Decimal, unit: &str, comparator: Option<&str>) {
    raw(out, b",\"");
    raw(out, name);
    raw(out, b"\":{\"value\":");
    decimal(out, Measured::as_given(number));
    if let Some(comparator) = comparator {
        raw(out, b",\"comparator\":\"");
        raw(out, comparator);
        out.push(b'"');
    }
    text_member(out, "unit", Some(unit));
    // A unit that nobody knows is said, and not coded.
    if let Some(code) = item.ucum(unit) {
        raw(out, b",\"system\":");
        string(out, systems::UCUM);
        raw(out, b",\"code\":");
        string(out, &code);
    }
    out.push(b'}');
}

fn answer(out: &mut Vec<u8>, item: Item, of: &str, code: &str) {
    let name = items::answer_of(of, code);
    raw(out, b",\"valueCodeableConcept\":{\"coding\":[{");
    let ordinal = Some(code).filter(|code| item.row().kind == Kind::Ordered && code.parse::<u8>().is_ok());
    if let Some(ordinal) = ordinal {
        raw(out, b"\"extension\":[{\"url\":\"");
        raw(out, systems::ORDINAL_VALUE);
        raw(out, b"\",\"valueDecimal\":");
        raw(
            out,
            ordinal.trim_start_matches('0').parse::<u8>().unwrap_or(0).to_string(),
        );
        raw(out, b"}],");
    }
    raw(out, b"\"system\":");
    string(out, &list_system(of));
    raw(out, b",\"code\":");
    string(out, code);
    if let Some(name) = name {
        raw(out, b",\"display\":");
        string(out, name);
    }
    raw(out, b"}]");
    text_member(out, "text", name);
    out.push(b'}');
}

fn absent(out: &mut Vec<u8>, reason: &str, text: &str) {
    raw(out, b",\"dataAbsentReason\":{\"coding\":[");
    coding(out, systems::DATA_ABSENT_REASON, reason, None);
    raw(out, b"],\"text\":");
    string(out, text);
    out.push(b'}');
}

/// The system of an answer: its list is an OID, but for lists that came by another name.
pub(crate) fn list_system(of: &str) -> Cow<'_, str> {
    match of.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        true => Cow::Owned(format!("urn:oid:{of}")),
        false => Cow::Borrowed(of),
    }
}

/// `HX` and `LX` are the guide's words for beyond what can be entered. What the facility judges stands beside them.
fn interpretation(out: &mut Vec<u8>, finding: &Finding) {
    let beyond = match &finding.result {
        Found::AtLeast(..) => Some("HX"),
        Found::AtMost(..) => Some("LX"),
        _ => None,
    };
    let judged = match finding.interpretation {
        Some('H') => Some("H"),
        Some('L') => Some("L"),
        Some('N') => Some("N"),
        _ => None,
    };
    let mut before: &[u8] = b",\"interpretation\":[{\"coding\":[";
    for code in beyond.into_iter().chain(judged) {
        raw(out, before);
        coding(out, systems::INTERPRETATION, code, None);
        before = b",";
    }
    if beyond.or(judged).is_some() {
        raw(out, b"]}]");
    }
}

fn range(out: &mut Vec<u8>, finding: &Finding) {
    let Some(range) = &finding.range else { return };
    let mut bounds = Vec::new();
    for (name, bound) in [("low", &range.low), ("high", &range.high)] {
        if let Some((number, unit)) = bound {
            quantity(&mut bounds, name, finding.item, *number, unit, None);
        }
    }
    raw(out, b",\"referenceRange\":[{");
    raw(out, bounds.get(1..).unwrap_or_default());
    raw(out, b"}]");
}
