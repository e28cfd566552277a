//! Days as Japanese tables write them.

use model::LocalDay;
use unicode_normalization::UnicodeNormalization as _;

use crate::checkup::document;

/// The years before the first of 明治, 大正, 昭和, 平成 and 令和, whose numbers where an era is one are 1 to 5.
const BEFORE: [i32; 5] = [1867, 1911, 1925, 1988, 2018];

/// A day as Japanese tables write it: with an era, with slashes, with signs, as eight digits, or as the number of an era and six.
pub(in crate::checkup) fn day(written: &str) -> Option<LocalDay> {
    let text: String = written.nfkc().filter(|c| !c.is_whitespace()).take(32).collect();
    for (era, first) in [
        ("令和", BEFORE[4]),
        ("平成", BEFORE[3]),
        ("昭和", BEFORE[2]),
        ("大正", BEFORE[1]),
        ("R", BEFORE[4]),
        ("H", BEFORE[3]),
        ("S", BEFORE[2]),
        ("T", BEFORE[1]),
    ] {
        if let Some(rest) = text.strip_prefix(era) {
            let rest = rest.replace('元', "1");
            let [year, month, day] = six_digits(&rest).or_else(|| numbers(&rest))?;
            if !(1..100).contains(&year) {
                return None;
            }
            return LocalDay::from_ymd(first + year, u32::try_from(month).ok()?, u32::try_from(day).ok()?);
        }
    }
    if text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return document::day(&text);
    }
    if let Some((era, rest)) = text.split_at_checked(1)
        && let Some([year, month, day]) = six_digits(rest)
    {
        if year == 0 {
            return None;
        }
        let era: usize = era.parse().ok()?;
        let before = BEFORE.get(era.checked_sub(1)?)?;
        return LocalDay::from_ymd(before + year, u32::try_from(month).ok()?, u32::try_from(day).ok()?);
    }
    let [year, month, day] = numbers(&text)?;
    LocalDay::from_ymd(year, u32::try_from(month).ok()?, u32::try_from(day).ok()?)
}

/// Two digits each of year, month and day, and nothing else.
fn six_digits(text: &str) -> Option<[i32; 3]> {
    let is_six = text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit());
    let two = |from: usize| text[from..from + 2].parse().ok();
    is_six.then(|| Some([two(0)?, two(2)?, two(4)?])).flatten()
}

/// Three numbers with whatever between them.
fn numbers(text: &str) -> Option<[i32; 3]> {
    let mut parts = text
        .split(|c: char| !c.is_ascii_digit())
        .filter(|part| !part.is_empty());
    let mut next = || parts.next()?.parse().ok();
    Some([next()?, next()?, next()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_read_as_tables_write_it() {
        let leap = LocalDay::parse("1960-02-29");
        for written in [
            "1960-02-29",
            "1960/2/29",
            "19600229",
            "昭和35年2月29日",
            "S35.2.29",
            "S350229",
            "昭和350229",
            "3350229",
            "３３５０２２９",
        ] {
            assert_eq!(day(written), leap, "{written}");
        }
        for (written, meant) in [
            ("5010501", "2019-05-01"),
            ("R010501", "2019-05-01"),
            ("令和元年5月1日", "2019-05-01"),
            ("1450101", "1912-01-01"),
        ] {
            assert_eq!(day(written), LocalDay::parse(meant), "{written}");
        }
        for none in [
            "",
            "S350230",
            "6350229",
            "0350229",
            "3000229",
            "335022",
            "33502299",
            "abc",
            "３３５０２２X",
        ] {
            assert_eq!(day(none), None, "{none}");
        }
    }
}
