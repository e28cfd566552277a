//! Health Connect, pushed by a companion on the phone: records as the phone reads them, deletions by their ids.
//!
//! A record keeps its id when it is edited and says when it was; after thirty days without asking, a phone reads everything anew,
//! which says again what is known. The package that wrote a record and its device make its source; the phone's own counts are one
//! source a phone, whatever package they come by.

mod coverage;
mod record;
pub mod synthetic;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use crate::push::{self, Checks, Form};
use crate::{Adapter, AdapterError, Coverage, Input, Reading, Sink};
pub(crate) use record::writer;

/// Pushes of Health Connect records.
#[derive(Clone, Copy, Debug)]
pub struct HealthConnect;

static CHECKS: LazyLock<Option<Checks>> = LazyLock::new(|| Checks::of(FORM.schema));

const FORM: Form = Form {
    format: "health-connect/1",
    records: "records",
    deletions: ("deletionChanges", "recordId"),
    schema: include_str!("schema.json"),
    checks: &CHECKS,
};

impl Adapter for HealthConnect {
    fn name(&self) -> &'static str {
        "health-connect"
    }

    fn mapping_version(&self) -> u32 {
        coverage::MAPPING_VERSION
    }

    fn describes(&self) -> &'static str {
        "a companion's push of Health Connect records"
    }

    fn brought(&self) -> Option<[&'static str; 2]> {
        Some(["Androidの「ヘルスコネクト」", "Health Connect on Android"])
    }

    fn push_schema(&self) -> Option<&'static str> {
        Some(FORM.schema)
    }

    fn coverage(&self) -> Coverage {
        coverage::coverage()
    }

    fn recognises(&self, input: &Input<'_>) -> bool {
        push::recognises(&FORM, input)
    }

    fn read(&self, input: &Input<'_>, sink: &mut dyn Sink) -> Result<Reading, AdapterError> {
        push::read(&FORM, input, sink, record::record)
    }
}
