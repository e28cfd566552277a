//! `value-quantity` (R4 search, quantity): a number with a prefix, and perhaps the unit it is in.
//!
//! Without a prefix a number means what rounds to it: `5.4` is from 5.35 on and below 5.45.

use std::cmp::Ordering;

use model::decimal::{Decimal, POWERS_OF_TEN};
use model::vocabulary::systems;
use model::{Metric, Value};
use store::Record;

use super::token::{split, unescape};

/// How a value compares with the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Prefix {
    Equal,
    NotEqual,
    Greater,
    Less,
    AtLeast,
    AtMost,
    Approximately,
}

/// One alternative of a `value-quantity`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuantityBound {
    prefix: Prefix,
    number: Decimal,
    /// The UCUM code, or the unit as people write it; `None`: in whatever unit.
    unit: Option<String>,
}

impl QuantityBound {
    /// Reads the alternatives of a value: `[prefix]number[|system|code]`, with commas for or.
    ///
    /// # Errors
    /// What is allowed.
    pub fn parse(value: &str) -> Result<Vec<Self>, &'static str> {
        split(value, ',').into_iter().map(Self::parse_one).collect()
    }

    fn parse_one(text: &str) -> Result<Self, &'static str> {
        const ALLOWED: &str = "a number is allowed, with a prefix before it and |system|code after it";
        let mut parts = split(text, '|').into_iter();
        let number = parts.next().unwrap_or_default();
        let unit = match (parts.next(), parts.next(), parts.next()) {
            (None, _, _) => None,
            (Some(system), Some(code), None) if system.is_empty() || system == systems::UCUM => {
                Some(unescape(code)).filter(|code| !code.is_empty())
            }
            (Some(_), Some(_), None) => return Err("the units here are those of UCUM, http://unitsofmeasure.org"),
            _ => return Err(ALLOWED),
        };
        let prefixes = [
            ("eq", Prefix::Equal),
            ("ne", Prefix::NotEqual),
            ("gt", Prefix::Greater),
            ("sa", Prefix::Greater),
            ("lt", Prefix::Less),
            ("eb", Prefix::Less),
            ("ge", Prefix::AtLeast),
            ("le", Prefix::AtMost),
            ("ap", Prefix::Approximately),
        ];
        let (prefix, digits) = prefixes
            .into_iter()
            .find_map(|(name, prefix)| Some((prefix, number.strip_prefix(name)?)))
            .unwrap_or((Prefix::Equal, number));
        let number = Decimal::parse(digits.as_bytes()).map_err(|_| ALLOWED)?;
        Ok(Self { prefix, number, unit })
    }

    /// True of a record whose one value fits.
    pub fn holds(&self, record: &Record) -> bool {
        let Some((value, metric)) = value_of(record) else {
            return false;
        };
        let row = metric.row();
        let in_unit = |unit: &String| unit == row.unit || unit == row.unit_display;
        self.unit.as_ref().is_none_or(in_unit) && self.compares(value)
    }

    fn compares(&self, value: Decimal) -> bool {
        let order = value.compare(self.number);
        match self.prefix {
            Prefix::Equal => self.rounds_to(value),
            Prefix::NotEqual => !self.rounds_to(value),
            Prefix::Greater => order == Ordering::Greater,
            Prefix::Less => order == Ordering::Less,
            Prefix::AtLeast => order != Ordering::Less,
            Prefix::AtMost => order != Ordering::Greater,
            // Within a tenth of the number (R4 search, prefix ap).
            Prefix::Approximately => {
                let (value, number) = widened(value, self.number);
                10 * (value - number).abs() <= number.abs()
            }
        }
    }

    /// True when the value is the number as precisely as that was written.
    fn rounds_to(&self, value: Decimal) -> bool {
        let scale = value.scale.max(self.number.scale);
        let (value, number) = widened(value, self.number);
        let step = i128::from(POWERS_OF_TEN[usize::from((scale - self.number.scale).min(18))]);
        (2 * number - step..2 * number + step).contains(&(2 * value))
    }
}

/// Both as whole numbers of the finer scale.
fn widened(one: Decimal, other: Decimal) -> (i128, i128) {
    let scale = one.scale.max(other.scale);
    let widen = |d: Decimal| i128::from(d.mantissa) * i128::from(POWERS_OF_TEN[usize::from((scale - d.scale).min(18))]);
    (widen(one), widen(other))
}

/// What stands as `valueQuantity` in the Observation of a record, and the metric whose unit it has.
fn value_of(record: &Record) -> Option<(Decimal, Metric)> {
    match record {
        Record::Sample(stored) if !stored.dead => match &stored.sample.value {
            Value::Quantity(measured) => Some((measured.shown(), stored.sample.metric)),
            _ => None,
        },
        Record::Total(stored) => {
            let metric = stored.metric.daily().unwrap_or(stored.metric);
            Some((Decimal::new(stored.eligible, stored.scale), metric))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn holds(bound: &str, value: &str) -> bool {
        let value = Decimal::parse(value.as_bytes()).unwrap();
        let bounds = QuantityBound::parse(bound).unwrap();
        bounds.iter().any(|bound| bound.compares(value))
    }

    #[test]
    fn a_number_without_a_prefix_is_what_rounds_to_it() {
        for (bound, inside, outside) in [
            ("5.4", ["5.35", "5.4", "5.4499"], ["5.34", "5.45", "6"]),
            ("100", ["99.5", "100", "100.4"], ["99.4", "100.5", "101"]),
            ("ne5.4", ["5.34", "5.45", "6"], ["5.35", "5.4", "5.4499"]),
            ("gt5.4", ["5.41", "6", "100"], ["5.4", "5.3", "-6"]),
            ("le5.4", ["5.4", "0", "-9"], ["5.41", "6", "5.400001"]),
            ("ap100", ["90", "100", "110"], ["89.9", "110.1", "0"]),
            ("lt60,gt100", ["59", "101", "0"], ["60", "80", "100"]),
        ] {
            for value in inside {
                assert!(holds(bound, value), "{bound} {value}");
            }
            for value in outside {
                assert!(!holds(bound, value), "{bound} {value}");
            }
        }
    }

    #[test]
    fn a_unit_is_of_ucum_or_as_people_write_it() {
        let unit = |text: &str| QuantityBound::parse(text).map(|bounds| bounds[0].unit.clone());
        assert_eq!(unit("gt60|http://unitsofmeasure.org|kg"), Ok(Some("kg".to_owned())));
        assert_eq!(unit("60||kg"), Ok(Some("kg".to_owned())));
        assert_eq!(unit("60"), Ok(None));
        for bad in ["60|http://other.example|kg", "60|kg", "kg", "", "60|a|b|c", "gtx"] {
            assert!(unit(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,30}") {
            let _ = QuantityBound::parse(&text);
        }

        #[test]
        fn of_every_value_either_a_bound_holds_or_its_opposite(number in "-?[0-9]{1,6}(\\.[0-9]{1,4})?", value in "-?[0-9]{1,6}(\\.[0-9]{1,4})?") {
            let both = |one: &str, other: &str| {
                holds(&format!("{one}{number}"), &value) != holds(&format!("{other}{number}"), &value)
            };
            prop_assert!(both("gt", "le") && both("lt", "ge") && both("eq", "ne"));
        }
    }
}
