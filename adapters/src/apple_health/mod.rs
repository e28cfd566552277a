//! Apple Health: the file that the Health app exports, a ZIP or the XML inside it.
//!
//! Follows the DTD "HealthKit Export Version" 11 to 14, which the export carries, and what real exports are known to do
//! beside it. No vendor id is in an export; deletions are not either, since a later export may be of fewer types.

mod ahead;
mod container;
pub(crate) mod coverage;
pub(crate) mod origin;
pub(crate) mod pressure;
mod records;
mod repair;
mod sources;
pub mod synthetic;
mod tags;
#[cfg(test)]
mod tests;
mod types;
pub(crate) mod wire;

use model::Metric;
use model::units::Conversion;

use crate::{Adapter, AdapterError, Coverage, Input, Reading, Sink, archive};

/// Exports of the Health app.
#[derive(Clone, Copy, Debug)]
pub struct AppleHealth;

impl Adapter for AppleHealth {
    fn name(&self) -> &'static str {
        "apple-health"
    }

    fn mapping_version(&self) -> u32 {
        coverage::MAPPING_VERSION
    }

    fn describes(&self) -> &'static str {
        "an Apple Health export (the ZIP, or the XML inside it)"
    }

    fn brought(&self) -> Option<[&'static str; 2]> {
        Some([
            "iPhoneの「ヘルスケア」アプリで書き出したZIPファイル",
            "The ZIP that the Health app of an iPhone exports",
        ])
    }

    fn coverage(&self) -> Coverage {
        coverage::coverage()
    }

    fn promotes(&self, vendor_type: &str, unit: &str) -> Option<(Metric, Conversion)> {
        coverage::promotes(vendor_type, unit)
    }

    fn recognises(&self, input: &Input<'_>) -> bool {
        let head = archive::head(input);
        container::is_export(&head) || (archive::is_zip(&head) && container::find(input).is_ok())
    }

    fn read(&self, input: &Input<'_>, sink: &mut dyn Sink) -> Result<Reading, AdapterError> {
        let found = container::find(input)?;
        let mut records = records::Records::new(sink);
        for reason in found.beside {
            records.count_file(reason);
        }
        ahead::read_ahead(found.export, |ahead| records.read(ahead))?
    }
}
