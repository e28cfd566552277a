//! What a day comes to: totals resolved between overlapping sources, nights, and how a stored day changes. Pure: no database.
//!
//! [`resolve`] is the algorithm of facts 5.2, [`nights`] builds sessions of loose segments, [`day`] keeps a day's versions.

pub(crate) mod compute;
pub(crate) mod day;
pub(crate) mod nights;
pub(crate) mod resolve;
mod so_far;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use model::vocabulary::systems::own;
use model::{LocalDay, Metric};

pub(crate) use compute::{Computed, VendorDay, compute};
pub(crate) use resolve::Piece;
pub(crate) use so_far::SoFar;

/// Version of the computation of days, raised when the same samples would come to other days.
pub const DAYS_ALGORITHM: u32 = 3;

/// What a reader of a day should know of it; numbers are stored.
pub(crate) mod flag {
    /// More than one source measured.
    pub(crate) const MULTI_SOURCE: u32 = 1;
    /// A sample was faster than anybody walks and was capped.
    pub(crate) const CADENCE: u32 = 1 << 1;
    /// More than 100,000.
    pub(crate) const BEYOND_LIMIT: u32 = 1 << 2;
    /// More than ten hours without ten minutes' pause.
    pub(crate) const NO_PAUSE: u32 = 1 << 3;
    /// The same count thirty times in a row.
    pub(crate) const UNIFORM: u32 = 1 << 4;
    /// The vendor's own total of the day is another.
    pub(crate) const VENDOR_MISMATCH: u32 = 1 << 5;
}

/// The codes of a day's flags, for recipients.
pub fn day_flag_codes(flags: u32) -> impl Iterator<Item = &'static str> {
    [
        (flag::MULTI_SOURCE, own::MULTI_SOURCE_RESOLVED),
        (flag::CADENCE, own::CADENCE),
        (flag::BEYOND_LIMIT, own::BEYOND_DAILY_LIMIT),
        (flag::NO_PAUSE, own::NO_PAUSE),
        (flag::UNIFORM, own::UNIFORM_COUNTS),
        (flag::VENDOR_MISMATCH, own::VENDOR_MISMATCH),
    ]
    .into_iter()
    .filter(move |(bit, _)| flags & bit != 0)
    .map(|(_, code)| code)
}

/// What one day comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DayAmounts {
    /// Without hand-typed and impossible entries.
    pub(crate) eligible: i64,
    /// With everything.
    pub(crate) total: i64,
    /// The hand-typed part of the total.
    pub(crate) manual: i64,
    /// See [`flag`].
    pub(crate) flags: u32,
    /// By source: its part of the total, and of the eligible total.
    pub(crate) shares: BTreeMap<u16, (i64, i64)>,
}

/// Days by date.
pub(crate) type Days = BTreeMap<LocalDay, DayAmounts>;

/// True for metrics whose days are kept: the summed ones, and the night.
pub(crate) fn is_kept(metric: Metric) -> bool {
    metric.has_stored_totals() || metric == Metric::SLEEP_DURATION
}

/// Decimals in which days of a metric are kept: counts and minutes are whole, the rest has three.
pub(crate) fn scale(metric: Metric) -> u8 {
    if metric == Metric::DISTANCE_WALKING_RUNNING || metric == Metric::ACTIVE_ENERGY_BURNED {
        3
    } else {
        0
    }
}
