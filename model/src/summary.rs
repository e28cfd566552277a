//! Summaries: what the days of a metric are given as, where not every sample is given.

use crate::time::LocalDay;

/// A summary of days. The numbers stand in ids that recipients hold (the tie-break of a computed record), so they never change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Summary {
    /// A civil day's total or aggregate.
    #[default]
    Day = 0,
    /// A week's, from Monday to Sunday (ISO 8601).
    Week = 1,
    /// A calendar month's.
    Month = 2,
    /// That something took place on a day, and no value.
    Event = 3,
}

impl Summary {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Day, Self::Week, Self::Month, Self::Event];

    /// The summary with this number.
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|summary| *summary as u16 == number)
    }

    /// What stands before a metric's key in the code of its summary, as `daily` in `daily_step_count`.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Day => "daily",
            Self::Week => "weekly",
            Self::Month => "monthly",
            Self::Event => "event",
        }
    }

    /// The first day of the summary in which a day lies.
    pub fn first(self, day: LocalDay) -> LocalDay {
        match self {
            Self::Day | Self::Event => day,
            // 1970-01-01 was a Thursday, three days after a Monday.
            Self::Week => LocalDay(day.0.saturating_sub((day.0.saturating_add(3)).rem_euclid(7))),
            Self::Month => {
                let (year, month, _) = day.ymd();
                LocalDay::from_ymd(year, month, 1).unwrap_or(day)
            }
        }
    }

    /// The last day of the summary in which a day lies.
    pub fn last(self, day: LocalDay) -> LocalDay {
        match self {
            Self::Day | Self::Event => day,
            Self::Week => self.first(day).plus(6),
            Self::Month => {
                let (year, month, _) = day.ymd();
                let (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
                LocalDay::from_ymd(year, month, 1).map_or(day, |next| next.plus(-1))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> LocalDay {
        LocalDay::parse(text).unwrap()
    }

    #[test]
    fn a_week_begins_on_monday_and_a_month_on_its_first() {
        // 2026-11-27 is a Friday.
        assert_eq!(Summary::Week.first(day("2026-11-27")), day("2026-11-23"));
        assert_eq!(Summary::Week.last(day("2026-11-27")), day("2026-11-29"));
        assert_eq!(Summary::Week.first(day("2026-11-23")), day("2026-11-23"));
        assert_eq!(Summary::Week.first(day("1969-12-29")), day("1969-12-29"));
        assert_eq!(Summary::Month.first(day("2024-02-29")), day("2024-02-01"));
        assert_eq!(Summary::Month.last(day("2024-02-01")), day("2024-02-29"));
        assert_eq!(Summary::Month.last(day("2026-12-31")), day("2026-12-31"));
        assert_eq!(Summary::Event.last(day("2026-12-31")), day("2026-12-31"));
    }

    proptest! {
        #[test]
        fn every_day_lies_in_one_summary_of_each_kind(number in -200_000_i32..200_000) {
            for summary in Summary::ALL {
                let (first, last) = (summary.first(LocalDay(number)), summary.last(LocalDay(number)));
                prop_assert!(first.0 <= number && number <= last.0);
                for other in [first, last] {
                    prop_assert_eq!((summary.first(other), summary.last(other)), (first, last));
                }
                let next = last.plus(1);
                prop_assert_eq!(summary.first(next), next);
                prop_assert_eq!(Summary::from_number(summary as u16), Some(summary));
            }
        }
    }
}
