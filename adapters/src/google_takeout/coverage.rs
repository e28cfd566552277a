//! What the files of an archive become.

use model::Metric;

use super::{lists, tables};
use crate::google_fit::coverage as fit;
use crate::{Coverage, Covered, How, ReExporter};

/// Grows whenever a table or the mapping changes.
pub const MAPPING_VERSION: u32 = 5;

/// What the archive names its rows' sources that only passed through.
const RE_EXPORTERS: &[ReExporter] = &[
    ReExporter::new("Health Connect", "Health Connect", &[]),
    ReExporter::new("Apple Health", "Health Kit", &[]),
];

/// For pages and documents.
pub fn coverage() -> Coverage {
    let covered = |vendor_type: String, metric, how| Covered {
        vendor_type,
        metric,
        how,
    };
    let mut types: Vec<Covered> = fit::types()
        .into_iter()
        .map(|of| covered(format!("Fit: {}", of.vendor_type), of.metric, of.how))
        .collect();
    let columns = tables::COLUMNS.iter();
    types.extend(columns.map(|of| covered(format!("{}: {}", of.table, of.heading), of.metric, How::Value)));
    types.push(covered("UserSleepStages".to_owned(), Metric::SLEEP_STAGE, How::Code));
    types.push(covered("UserExercises".to_owned(), Metric::EXERCISE_SESSION, How::Part));
    let lists = lists::metrics().into_iter();
    types.extend(lists.map(|(list, metric)| {
        let how = match metric {
            Metric::SLEEP_STAGE => How::Code,
            Metric::EXERCISE_SESSION => How::Part,
            _ => How::Value,
        };
        covered(format!("{list}.json"), metric, how)
    }));
    Coverage {
        identity: "metric, source, start and end; nights and exercises by their id",
        re_exporters: RE_EXPORTERS,
        types,
    }
}
