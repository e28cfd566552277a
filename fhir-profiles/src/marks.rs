//! What stands beside a value: components for the flags of a sample, the method of a manual entry, reasons for an absent
//! value, extensions of a time.

use std::sync::LazyLock;

use model::Flags;
use model::vocabulary::systems::{self, own};

use crate::json::{raw, string};
use crate::observation::Components;
use crate::prepared::{coding, written};

/// Flags that a recipient is told, each with its finished component.
static COMPONENTS: LazyLock<Vec<(Flags, Vec<u8>)>> = LazyLock::new(|| {
    vec![
        (Flags::OUT_OF_RANGE, flag(own::OUT_OF_RANGE)),
        (Flags::MINUTE_PRECISION, flag(own::MINUTE_PRECISION)),
        (Flags::AMBIGUOUS_TIME, flag(own::AMBIGUOUS_TIME)),
        (Flags::TRUE_ZERO, flag(own::TRUE_ZERO)),
        (
            Flags::BEFORE_MEAL,
            context(own::RELATION_TO_MEAL, systems::SNOMED, systems::BEFORE_MEAL),
        ),
        (
            Flags::AFTER_MEAL,
            context(own::RELATION_TO_MEAL, systems::SNOMED, systems::AFTER_MEAL),
        ),
        (
            Flags::SEDENTARY,
            context(own::MOTION_CONTEXT, systems::SEKISHO, "sedentary"),
        ),
        (Flags::ACTIVE, context(own::MOTION_CONTEXT, systems::SEKISHO, "active")),
        (Flags::CYCLE_START, truth(own::CYCLE_START)),
        (Flags::BASAL, context(own::INSULIN_PURPOSE, systems::SEKISHO, "basal")),
        (Flags::BOLUS, context(own::INSULIN_PURPOSE, systems::SEKISHO, "bolus")),
    ]
});

static MANUAL_METHOD: LazyLock<Vec<u8>> = LazyLock::new(|| {
    written(|out| {
        raw(out, b",\"method\":{\"coding\":[");
        coding(out, systems::SEKISHO, own::MANUAL_ENTRY, None);
        raw(out, b"]}");
    })
});

static OFFSET_ASSUMED: LazyLock<Vec<u8>> = LazyLock::new(|| {
    written(|out| {
        raw(out, b"{\"url\":");
        string(out, systems::OFFSET_ASSUMED);
        raw(out, b",\"valueBoolean\":true}");
    })
});

static ABSENT_UNKNOWN: LazyLock<Vec<u8>> = LazyLock::new(|| reason(systems::ABSENT_UNKNOWN, "不明"));
static ABSENT_UNSUPPORTED: LazyLock<Vec<u8>> =
    LazyLock::new(|| reason(systems::ABSENT_UNSUPPORTED, "値はありますが表せません"));

/// Writes a component for each flag that a recipient is told.
#[inline]
pub(crate) fn write(out: &mut Vec<u8>, flags: Flags, components: &mut Components) {
    const TOLD: u16 = !(Flags::USER_ENTERED.0 | Flags::MILLISECONDS.0);
    if flags.0 & TOLD == 0 {
        return;
    }
    for (flag, component) in COMPONENTS.iter() {
        if flags.has(*flag) {
            components.begin(out);
            raw(out, component);
        }
    }
}

/// `,"method":{…}` of something typed by hand.
#[inline]
pub(crate) fn manual_method() -> &'static [u8] {
    &MANUAL_METHOD
}

/// The extension that says an offset was assumed.
#[inline]
pub(crate) fn offset_assumed() -> &'static [u8] {
    &OFFSET_ASSUMED
}

/// The extension that names the zone.
pub(crate) fn timezone(out: &mut Vec<u8>, zone: &str) {
    raw(out, b"{\"url\":");
    string(out, systems::TIMEZONE);
    raw(out, b",\"valueCode\":");
    string(out, zone);
    out.push(b'}');
}

/// `,"dataAbsentReason":{…}`, for one of the two reasons that [`systems`] knows.
pub(crate) fn absent(code: &'static str) -> &'static [u8] {
    if code == systems::ABSENT_UNKNOWN {
        &ABSENT_UNKNOWN
    } else {
        &ABSENT_UNSUPPORTED
    }
}

/// A component that flags the quality of a value.
pub(crate) fn quality_flag(out: &mut Vec<u8>, code: &str) {
    concept(out, own::QUALITY_FLAG, systems::SEKISHO, code);
}

fn flag(code: &str) -> Vec<u8> {
    written(|out| quality_flag(out, code))
}

fn context(key: &str, system: &str, code: &str) -> Vec<u8> {
    written(|out| concept(out, key, system, code))
}

fn concept(out: &mut Vec<u8>, key: &str, system: &str, code: &str) {
    component_code(out, key);
    raw(out, b",\"valueCodeableConcept\":{\"coding\":[");
    coding(out, system, code, None);
    raw(out, b"]}}");
}

fn truth(key: &str) -> Vec<u8> {
    written(|out| {
        component_code(out, key);
        raw(out, b",\"valueBoolean\":true}");
    })
}

/// `{"code":{…}` with a key of our own.
pub(crate) fn component_code(out: &mut Vec<u8>, key: &str) {
    raw(out, b"{\"code\":{\"coding\":[");
    coding(out, systems::SEKISHO, key, None);
    raw(out, b"]}");
}

/// A reason with a word on it, which checkup reports must have.
fn reason(code: &str, text: &str) -> Vec<u8> {
    written(|out| {
        raw(out, b",\"dataAbsentReason\":{\"coding\":[");
        coding(out, systems::DATA_ABSENT_REASON, code, None);
        raw(out, b"],\"text\":");
        string(out, text);
        out.push(b'}');
    })
}
