//! Municipalities by their code (全国地方公共団体コード): prefecture and municipality in five digits, and a sixth that checks them.
//!
//! The numbers of insurers hold a prefecture and a municipality too, by other tables: neither number is ever made of the other.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::LocalDay;

/// A city, ward, town or village. One that exists nowhere cannot be told from its digits; one that cannot exist is never made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Municipality(u32);

/// That somebody lives in a municipality, by the word of whoever insures them there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Residence {
    /// Where.
    pub municipality: Municipality,
    /// The first day; `None` where nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<LocalDay>,
    /// The last day; `None` while it lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<LocalDay>,
}

impl Residence {
    /// Of no days of its own.
    pub fn of(municipality: Municipality) -> Self {
        Self {
            municipality,
            since: None,
            until: None,
        }
    }

    /// True on a day within its own days.
    pub fn holds_on(&self, day: LocalDay) -> bool {
        self.since.is_none_or(|since| since <= day) && self.until.is_none_or(|until| day <= until)
    }
}

/// Why a text is no municipality's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAMunicipality {
    /// Of another length, or with something else in it.
    #[error("a municipality's code has five digits, or six with its check digit; one that begins with 0 keeps it")]
    Form,
    /// The sixth digit is not that of the other five.
    #[error("the check digit of a municipality's code does not fit the others")]
    CheckDigit,
    /// Well formed, and of something else.
    #[error("the code is no municipality's: of a prefecture, of none, or of an association of several")]
    Other,
}

impl Municipality {
    /// Prefectures are numbered so (JIS X 0401).
    const PREFECTURES: std::ops::RangeInclusive<u32> = 1..=47;
    /// Cities, wards, towns and villages within one (JIS X 0402); 000 is the prefecture, from 800 on are associations.
    const WITHIN: std::ops::RangeInclusive<u32> = 100..=799;

    /// Reads a code of five digits, or of six of which the last must fit.
    ///
    /// # Errors
    /// [`NotAMunicipality`].
    pub fn parse(text: &str) -> Result<Self, NotAMunicipality> {
        let is_form = matches!(text.len(), 5 | 6) && text.bytes().all(|byte| byte.is_ascii_digit());
        let number: u32 = match is_form {
            true => text[..5].parse().map_err(|_| NotAMunicipality::Form)?,
            false => return Err(NotAMunicipality::Form),
        };
        let municipality = Self(number);
        if text.len() == 6 && !text.ends_with(municipality.check_digit()) {
            return Err(NotAMunicipality::CheckDigit);
        }
        let is_one = Self::PREFECTURES.contains(&(number / 1_000)) && Self::WITHIN.contains(&(number % 1_000));
        is_one.then_some(municipality).ok_or(NotAMunicipality::Other)
    }

    /// The five digits as a number.
    pub fn number(self) -> u32 {
        self.0
    }

    /// The one of this number; `None` where there can be none.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::parse(&format!("{number:05}")).ok()
    }

    /// 11 less the rest by 11 of the digits times 6, 5, 4, 3, 2, and of that its last digit (JIS X 0402).
    fn check_digit(self) -> char {
        let digit = |place: u32| self.0 / 10_u32.pow(4 - place) % 10;
        let sum: u32 = (0..5).map(|place| digit(place) * (6 - place)).sum();
        char::from_digit((11 - sum % 11) % 10, 10).unwrap_or('0')
    }
}

/// All six digits.
impl fmt::Display for Municipality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:05}{}", self.0, self.check_digit())
    }
}

impl FromStr for Municipality {
    type Err = NotAMunicipality;
    fn from_str(text: &str) -> Result<Self, NotAMunicipality> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Municipality {
    type Error = NotAMunicipality;
    fn try_from(text: String) -> Result<Self, NotAMunicipality> {
        Self::parse(&text)
    }
}

impl From<Municipality> for String {
    fn from(municipality: Municipality) -> Self {
        municipality.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn codes_are_read_with_and_without_their_check_digit() {
        // Wards of Tokyo, Sapporo, Osaka, Naha: sums below 11, of 11 and more, and rests of 0 and 1.
        for (five, six) in [
            ("13101", "131016"),
            ("13102", "131024"),
            ("01100", "011002"),
            ("27100", "271004"),
            ("47201", "472018"),
        ] {
            let municipality = Municipality::parse(five).unwrap();
            assert_eq!(Municipality::parse(six), Ok(municipality));
            assert_eq!(municipality.to_string(), six);
            assert_eq!(Municipality::from_number(municipality.number()), Some(municipality));
        }
    }

    #[test]
    fn what_is_no_municipality_says_why() {
        for (text, why) in [
            ("", NotAMunicipality::Form),
            ("1310", NotAMunicipality::Form),
            ("１３１０１", NotAMunicipality::Form),
            ("13101a", NotAMunicipality::Form),
            ("00139999", NotAMunicipality::Form),
            ("131017", NotAMunicipality::CheckDigit),
            ("13000", NotAMunicipality::Other),
            ("130001", NotAMunicipality::Other),
            ("48101", NotAMunicipality::Other),
            ("00101", NotAMunicipality::Other),
            ("13801", NotAMunicipality::Other),
            // 011011 without the zero that a spreadsheet took away.
            ("11011", NotAMunicipality::Other),
        ] {
            assert_eq!(Municipality::parse(text), Err(why), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_and_what_is_read_is_written_as_it_is(text in "[0-9]{5,6}|.{0,8}") {
            if let Ok(municipality) = Municipality::parse(&text) {
                let written = municipality.to_string();
                prop_assert!(written.starts_with(&text));
                prop_assert_eq!(Municipality::parse(&written), Ok(municipality));
            }
        }

        #[test]
        fn of_ten_check_digits_one_fits(number in 0_u32..100_000) {
            if let Some(municipality) = Municipality::from_number(number) {
                let fits = |digit: &u32| Municipality::parse(&format!("{number:05}{digit}")) == Ok(municipality);
                prop_assert_eq!((0..10).filter(fits).count(), 1);
            }
        }
    }
}
