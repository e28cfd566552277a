//! Apple Health, pushed by a companion on the phone: HealthKit samples as its anchored queries give them.
//!
//! What a type becomes is the export's own table, so that a sample that comes both ways is one record. A sample never changes under
//! its uuid (an edit is a deletion and a new sample), so it counts as said when it ended, and a deletion when the phone told of it.

mod record;
pub mod synthetic;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use model::Metric;
use model::units::Conversion;

use crate::push::{self, Checks, Form};
use crate::{Adapter, AdapterError, Coverage, Input, Reading, Sink};

/// Pushes of HealthKit samples.
#[derive(Clone, Copy, Debug)]
pub struct AppleHealthPush;

static CHECKS: LazyLock<Option<Checks>> = LazyLock::new(|| Checks::of(FORM.schema));

const FORM: Form = Form {
    format: "apple-health-push/1",
    records: "samples",
    deletions: ("deletedSamples", "uuid"),
    schema: include_str!("schema.json"),
    checks: &CHECKS,
};

impl Adapter for AppleHealthPush {
    fn name(&self) -> &'static str {
        "apple-health-push"
    }

    fn mapping_version(&self) -> u32 {
        crate::apple_health::coverage::MAPPING_VERSION
    }

    fn describes(&self) -> &'static str {
        "a companion's push of HealthKit samples"
    }

    fn brought(&self) -> Option<[&'static str; 2]> {
        Some(["iPhoneの「ヘルスケア」", "The Health app of an iPhone"])
    }

    fn push_schema(&self) -> Option<&'static str> {
        Some(FORM.schema)
    }

    fn coverage(&self) -> Coverage {
        Coverage {
            identity: "uuid; the same type, source, start and end in an export is the same record",
            ..crate::apple_health::coverage::coverage()
        }
    }

    fn promotes(&self, vendor_type: &str, unit: &str) -> Option<(Metric, Conversion)> {
        crate::apple_health::coverage::promotes(vendor_type, unit)
    }

    fn recognises(&self, input: &Input<'_>) -> bool {
        push::recognises(&FORM, input)
    }

    fn read(&self, input: &Input<'_>, sink: &mut dyn Sink) -> Result<Reading, AdapterError> {
        push::read(&FORM, input, sink, record::Samples::default())
    }
}
