//! Leaves: runs of one series' samples as compressed columns, and how a delivery is merged into them. Pure: no database.
//!
//! [`codec`] turns rows into bytes and back, [`columns`] one column of them. [`merge`] is where a record meets what is known
//! already: whether it is new, a version, known, or superseded; [`by_id`] where a vendor says it by an id of its own.
//!
//! Two layers hold a row, and neither knows of the other: the latest export that names its key, and the vendor's ids that stand
//! for it. It lives while one of them holds it, so that exports and records by id may come in any order.

mod again;
pub(crate) mod by_id;
pub(crate) mod codec;
pub(crate) mod columns;
pub(crate) mod merge;

use model::{Sample, UtcMillis};

/// One sample with what the store knows of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    /// The sample; its creation time is not kept.
    pub(crate) sample: Sample,
    /// Start of its first identity: what its id is made of.
    pub(crate) first_start: UtcMillis,
    /// Tells it from others with the same first start.
    pub(crate) tie_break: u16,
    /// Its version, from 1.
    pub(crate) version: u32,
    /// The commit of that version.
    pub(crate) seq: i64,
    /// When a vendor last said so, in an export or by an id, in ms.
    pub(crate) asserted: i64,
    /// The date of the last export that stated it; `None` where none ever did.
    pub(crate) stated: Option<i64>,
    /// An export later than that names its key without it.
    pub(crate) left_out: bool,
    /// How many of the vendor's ids that are alive stand for it.
    pub(crate) ids: u16,
    /// When the vendor last deleted an id of it; exports before that hold it no more.
    pub(crate) deleted: Option<i64>,
    /// The row lies elsewhere by now, at this start: what stands here only shows the way, since its id was made here.
    pub(crate) moved_to: Option<UtcMillis>,
    /// Entered in error: nothing holds it any more.
    pub(crate) dead: bool,
}

impl Row {
    /// The first version of a sample that an export states.
    pub(crate) fn first(sample: Sample, tie_break: u16, seq: i64, asserted: i64) -> Self {
        Self {
            first_start: sample.start,
            sample: kept(sample),
            tie_break,
            version: 1,
            seq,
            asserted,
            stated: Some(asserted),
            left_out: false,
            ids: 0,
            deleted: None,
            moved_to: None,
            dead: false,
        }
    }

    /// True while the latest export of its key holds it, and no deletion came after.
    pub(crate) fn is_stated(&self) -> bool {
        let stated = self.stated.filter(|_| !self.left_out);
        stated.is_some_and(|stated| self.deleted.is_none_or(|deleted| deleted <= stated))
    }

    /// True while something holds it.
    pub(crate) fn is_held(&self) -> bool {
        self.ids > 0 || self.is_stated()
    }

    /// True where exports alone ever spoke of it, and the last that spoke of its key stated it.
    pub(crate) fn is_of_exports(&self) -> bool {
        self.stated == Some(self.asserted) && self.deleted.is_none() && !self.left_out
    }

    /// The second in which it begins: leaves never part samples of one second.
    pub(crate) fn second(&self) -> i64 {
        second(self.sample.start)
    }
}

/// A sample without what is not kept of it.
pub(crate) fn kept(mut sample: Sample) -> Sample {
    if !sample.metric.is_check_in() {
        sample.created = Sample::CREATION_UNKNOWN;
    }
    sample
}

/// The second of an instant, in ms.
pub(crate) fn second(instant: UtcMillis) -> i64 {
    instant.floor_second().0
}
