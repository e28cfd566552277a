//! Leaves: runs of one series' samples as compressed columns, and how a delivery is merged into them. Pure: no database.
//!
//! [`codec`] turns rows into bytes and back, [`columns`] one column of them. [`merge`] is where a record meets what is known
//! already: whether it is new, a version, known, or superseded.

mod again;
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
    /// When a vendor last said so, in ms.
    pub(crate) asserted: i64,
    /// Entered in error: a later statement about the same interval does not hold it any more.
    pub(crate) dead: bool,
}

impl Row {
    /// The first version of a sample.
    pub(crate) fn first(sample: Sample, tie_break: u16, seq: i64, asserted: i64) -> Self {
        Self {
            first_start: sample.start,
            sample: kept(sample),
            tie_break,
            version: 1,
            seq,
            asserted,
            dead: false,
        }
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
