//! A sample: one measured value with its interval and its source.

use crate::decimal::Measured;
use crate::time::{LocalDay, Offset, UtcMillis};
use crate::vocabulary::{Metric, Temporal};

/// What was measured, in the metric's one canonical unit.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// One number.
    Quantity(Measured),
    /// Several numbers in the order of the metric's components; `None` where one is absent.
    Components(Box<[Option<Measured>]>),
    /// The number of an entry in the metric's list of codes.
    Code(u32),
}

/// Facts about how a sample came to be, kept beside its value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flags(pub u16);

impl Flags {
    /// Typed by hand, as the vendor says it.
    pub const USER_ENTERED: Self = Self(1);
    /// Outside the metric's plausible range: stored, delivered, marked.
    pub const OUT_OF_RANGE: Self = Self(1 << 1);
    /// The source gave the time to the minute only.
    pub const MINUTE_PRECISION: Self = Self(1 << 2);
    /// A zero that asserts wear (the device was worn and counted nothing).
    pub const TRUE_ZERO: Self = Self(1 << 3);
    /// The source printed milliseconds.
    pub const MILLISECONDS: Self = Self(1 << 4);
    /// The local time was ambiguous (a clock going back) and the earlier instant was taken.
    pub const AMBIGUOUS_TIME: Self = Self(1 << 5);
    /// Glucose before a meal.
    pub const BEFORE_MEAL: Self = Self(1 << 6);
    /// Glucose after a meal.
    pub const AFTER_MEAL: Self = Self(1 << 7);
    /// Heart rate at rest, as the vendor says it.
    pub const SEDENTARY: Self = Self(1 << 8);
    /// Heart rate while moving, as the vendor says it.
    pub const ACTIVE: Self = Self(1 << 9);
    /// First day of a menstrual cycle.
    pub const CYCLE_START: Self = Self(1 << 10);
    /// Basal insulin.
    pub const BASAL: Self = Self(1 << 11);
    /// Bolus insulin.
    pub const BOLUS: Self = Self(1 << 12);

    /// True when every flag of `other` is set.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These flags and those of `other`.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// One measured value with its interval and source.
///
/// `source` is a number: in an adapter's output, the index of the batch's source; in the store, the source's number
/// within its person.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// What was measured.
    pub metric: Metric,
    /// Which device or app measured.
    pub source: u16,
    /// When the interval begins.
    pub start: UtcMillis,
    /// When it ends, exclusive; equal to `start` for an instant. Never before `start`.
    pub end: UtcMillis,
    /// Local offset at the start.
    pub offset: Offset,
    /// Local offset in minutes at the end; nearly always that of the start.
    pub end_offset_minutes: i16,
    /// What was measured, in the canonical unit.
    pub value: Value,
    /// How it came to be.
    pub flags: Flags,
    /// When the vendor's database made the record, [`Sample::CREATION_UNKNOWN`] when it does not say. Kept only of a check-in
    /// ([`Metric::is_check_in`]), where it is the time of entry; of others it orders records inside one batch.
    pub created: UtcMillis,
}

impl Sample {
    /// Stands where a vendor does not say when it made a record.
    pub const CREATION_UNKNOWN: UtcMillis = UtcMillis(i64::MIN);

    /// The civil day that owns this sample: of its start, or of its end for sleep.
    pub fn local_day(&self) -> LocalDay {
        if self.metric.temporal() == Temporal::Interval && self.metric.is_sleep() {
            self.end.local_day(Offset {
                minutes: self.end_offset_minutes,
                trust: self.offset.trust,
            })
        } else {
            self.start.local_day(self.offset)
        }
    }

    /// Length in milliseconds.
    pub fn duration_ms(&self) -> i64 {
        self.end.0 - self.start.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_fits_a_cache_line() {
        assert!(std::mem::size_of::<Sample>() <= 72, "{}", std::mem::size_of::<Sample>());
    }
}
