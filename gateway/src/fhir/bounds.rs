//! Date parameters as bounds that the store can look for.
//!
//! A resource's time is a half-open interval, and so is a parameter's. The bounds of several parameters all hold, each tested
//! on the whole interval. `ge` finds what lies with some part at or after the parameter's start, `le` with some part
//! before its end: the night that began the evening before is found by the day it ends on.

use jiff::tz::TimeZone;
use model::UtcMillis;
use store::{Record, TimeBounds};

use super::date::{DateParameter, Prefix};
use super::respond::start_of;

/// Narrows bounds on a resource's interval by one more parameter.
pub fn narrow(bounds: &mut TimeBounds, parameter: DateParameter) {
    let DateParameter { prefix, from, until } = parameter;
    match prefix {
        Prefix::Eq => {
            raise(&mut bounds.start_from, from);
            lower(&mut bounds.end_until, until);
        }
        Prefix::Gt => raise(&mut bounds.end_after, until),
        Prefix::Lt => lower(&mut bounds.start_before, from),
        Prefix::Ge => raise(&mut bounds.end_after, from),
        Prefix::Le => lower(&mut bounds.start_before, until),
        Prefix::Sa => raise(&mut bounds.start_from, until),
        Prefix::Eb => lower(&mut bounds.end_until, from),
        Prefix::Ap => {
            raise(&mut bounds.end_after, from);
            lower(&mut bounds.start_before, until);
        }
        // What lies on both sides of an interval is no bound: each record is held against it.
        Prefix::Ne => {}
    }
}

/// Narrows bounds on an instant (from, before) by one more parameter.
pub fn narrow_instant(bounds: &mut (Option<UtcMillis>, Option<UtcMillis>), parameter: DateParameter) {
    let DateParameter { prefix, from, until } = parameter;
    match prefix {
        Prefix::Eq | Prefix::Ap => {
            raise(&mut bounds.0, from);
            lower(&mut bounds.1, until);
        }
        Prefix::Gt | Prefix::Sa => raise(&mut bounds.0, until),
        Prefix::Lt | Prefix::Eb => lower(&mut bounds.1, from),
        Prefix::Ge => raise(&mut bounds.0, from),
        Prefix::Le => lower(&mut bounds.1, until),
        Prefix::Ne => {}
    }
}

/// When a record was: of a day, week or month its civil days at home.
pub fn interval(record: &Record, home: &TimeZone) -> (UtcMillis, UtcMillis) {
    if let Record::Sample(stored) = record {
        return (stored.sample.start, stored.sample.end);
    }
    let (first, last) = record.days();
    (start_of(first, home), start_of(last.plus(1), home))
}

/// True when an interval (a moment has no length) lies within bounds.
pub fn hold(bounds: &TimeBounds, start: UtcMillis, end: UtcMillis) -> bool {
    let end = end.max(start.plus(1));
    bounds.start_from.is_none_or(|from| start >= from)
        && bounds.start_before.is_none_or(|before| start < before)
        && bounds.end_after.is_none_or(|after| end > after)
        && bounds.end_until.is_none_or(|until| end <= until)
}

/// True when an interval lies wholly within another: what `eq` asks, and `ne` asks not to be.
pub fn within((from, until): (UtcMillis, UtcMillis), start: UtcMillis, end: UtcMillis) -> bool {
    start >= from && end.max(start.plus(1)) <= until
}

/// True when an instant lies within bounds.
pub fn hold_instant(bounds: &(Option<UtcMillis>, Option<UtcMillis>), instant: UtcMillis) -> bool {
    bounds.0.is_none_or(|from| instant >= from) && bounds.1.is_none_or(|before| instant < before)
}

/// The zone of this IANA name; Japan's for a name nobody knows.
pub fn zone(name: &str) -> TimeZone {
    TimeZone::get(name)
        .or_else(|_| TimeZone::get("Asia/Tokyo"))
        .unwrap_or(TimeZone::UTC)
}

fn raise(bound: &mut Option<UtcMillis>, to: UtcMillis) {
    *bound = Some(bound.map_or(to, |known| known.max(to)));
}

fn lower(bound: &mut Option<UtcMillis>, to: UtcMillis) {
    *bound = Some(bound.map_or(to, |known| known.min(to)));
}

#[cfg(test)]
mod tests {
    use super::super::date;
    use super::*;

    fn bounds(parameters: &[&str]) -> TimeBounds {
        let mut bounds = TimeBounds::default();
        for text in parameters {
            narrow(&mut bounds, date::parse(text, &zone("Asia/Tokyo")).unwrap());
        }
        bounds
    }

    fn at(text: &str) -> UtcMillis {
        UtcMillis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    fn found(parameters: &[&str], start: &str, end: &str) -> bool {
        hold(&bounds(parameters), at(start), at(end))
    }

    #[test]
    fn each_prefix_finds_what_its_definition_says() {
        let before = ("2026-05-09T10:00:00+09:00", "2026-05-09T11:00:00+09:00");
        let night = ("2026-05-09T23:10:00+09:00", "2026-05-10T06:40:00+09:00");
        let within = ("2026-05-10T10:00:00+09:00", "2026-05-10T10:00:00+09:00");
        let evening = ("2026-05-10T23:10:00+09:00", "2026-05-11T06:40:00+09:00");
        let after = ("2026-05-11T00:00:00+09:00", "2026-05-11T00:00:00+09:00");
        for (prefix, expected) in [
            ("eq", [false, false, true, false, false]),
            ("", [false, false, true, false, false]),
            ("gt", [false, false, false, true, true]),
            ("ge", [false, true, true, true, true]),
            ("lt", [true, true, false, false, false]),
            ("le", [true, true, true, true, false]),
            ("sa", [false, false, false, false, true]),
            ("eb", [true, false, false, false, false]),
            ("ap", [false, true, true, true, false]),
        ] {
            let asked = format!("{prefix}2026-05-10");
            let given = [before, night, within, evening, after].map(|(start, end)| found(&[&asked], start, end));
            assert_eq!(given, expected, "{asked}");
        }
    }

    #[test]
    fn what_eq_finds_ne_does_not_and_the_other_way_round() {
        let day = date::parse("ne2026-05-10", &zone("Asia/Tokyo")).unwrap();
        assert_eq!(day.prefix, Prefix::Ne);
        for (start, end) in [
            ("2026-05-09T23:10:00+09:00", "2026-05-10T06:40:00+09:00"),
            ("2026-05-10T10:00:00+09:00", "2026-05-10T10:00:00+09:00"),
            ("2026-05-10T23:10:00+09:00", "2026-05-11T00:00:00+09:00"),
            ("2026-05-11T00:00:00+09:00", "2026-05-11T00:00:00+09:00"),
        ] {
            let is_within = within((day.from, day.until), at(start), at(end));
            assert_eq!(is_within, found(&["2026-05-10"], start, end), "{start}");
        }
    }

    #[test]
    fn a_moment_at_the_first_instant_of_a_day_is_of_that_day() {
        let (start, end) = ("2026-05-09T15:00:00Z", "2026-05-09T15:00:00Z");
        assert!(found(&["2026-05-10"], start, end));
        assert!(!found(&["2026-05-09"], start, end));
        assert!(found(&["ge2026-05-10", "lt2026-05-11"], start, end));
    }

    #[test]
    fn several_parameters_are_each_tested_on_the_whole_interval() {
        let long = ("2026-10-30T00:00:00Z", "2026-12-05T00:00:00Z");
        assert!(found(&["ge2026-11-01", "lt2026-12-01"], long.0, long.1));
        assert!(!found(&["ge2026-11-01", "lt2026-10-01"], long.0, long.1));
        assert_eq!(bounds(&["ge2026-01-01", "ge2026-03-01"]), bounds(&["ge2026-03-01"]));
    }

    #[test]
    fn a_commit_is_found_by_its_own_millisecond_and_continued_after_it() {
        let instant = at("2026-05-10T21:10:02.114Z");
        let found = |text: &str| {
            let mut bounds = (None, None);
            narrow_instant(&mut bounds, date::parse(text, &TimeZone::UTC).unwrap());
            hold_instant(&bounds, instant)
        };
        assert!(found("2026-05-10T21:10:02.114Z") && found("ge2026-05-10T21:10:02.114Z") && found("2026-05-10"));
        assert!(!found("gt2026-05-10T21:10:02.114Z") && !found("lt2026-05-10T21:10:02.114Z"));
        assert!(found("gt2026-05-10T21:10:02.113Z") && found("le2026-05-10T21:10:02Z") && !found("sa2026-05-10"));
    }
}
