//! What becomes of each item.

use model::checkup::{Item, Kind};

use crate::coverage::{Coverage, Covered, How};

/// Grows whenever the mapping changes.
pub(super) const MAPPING_VERSION: u32 = 6;

/// Every item of the table: what is in it, the vocabulary says.
pub(super) fn coverage() -> Coverage {
    let types = Item::all().map(|item| Covered {
        vendor_type: item.row().code.to_owned(),
        metric: item.metric(),
        how: match (item.row().kind, item.row().part) {
            (_, Some(_)) => How::Part,
            (Kind::Quantity, None) => How::Value,
            (Kind::Ordered | Kind::Coded, None) => How::Code,
            (Kind::Text, None) => How::Text,
        },
    });
    Coverage {
        identity: "person, day, programme, facility and screening of the checkup; the item and its reading within it",
        types: types.collect(),
        re_exporters: &[],
    }
}
