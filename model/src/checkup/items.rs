//! The items of Japanese checkups (MHLW item codes, OID 1.2.392.200119.6.1005), the lists of their answers and their methods,
//! generated from `model/vocabulary/checkup-*.tsv` when built.

use std::borrow::Cow;

use super::unit;
use crate::decimal::{Decimal, Measured};
use crate::time::LocalDay;
use crate::vocabulary::{Metric, Shape};

include!(concat!(env!("OUT_DIR"), "/checkup.rs"));

/// An item, by its append-only number: it stands in ids that recipients hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Item(u16);

/// What a result of an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number with a unit (`PQ`).
    Quantity,
    /// An entry of a list whose order means something (`CO`).
    Ordered,
    /// An entry of a list (`CD`).
    Coded,
    /// Text (`ST`).
    Text,
}

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ItemRow {
    /// Append-only number.
    pub number: u16,
    /// The 17 characters.
    pub code: &'static str,
    /// The official name.
    pub name_ja: &'static str,
    /// What a result is. Never told by the last digits of the code.
    pub kind: Kind,
    /// The unit as documents write it.
    pub unit: &'static str,
    /// The same as UCUM.
    pub ucum: &'static str,
    /// The method that the item implies, as a code of OID 1.2.392.200119.6.1007; empty where it implies none.
    pub method: &'static str,
    /// The list of its answers from fiscal 2024 on, as what follows `1.2.392.200119.`
    pub list: &'static str,
    /// The list before that, where it was another.
    pub list_before: &'static str,
    /// Code in JP Core's simple observation category system.
    pub category: &'static str,
    /// The reason item of the battery it is in; 0 for none.
    pub parent: u16,
    /// In its battery it says why, not what was found.
    pub is_reason: bool,
    /// The item that older documents name the doctor by; 0 for none.
    pub author: u16,
    /// The metric it is a value of.
    pub metric: u16,
    /// Which component of the metric it is, where it is one only.
    pub part: Option<u8>,
    /// Lowest value that may be entered.
    pub lowest: Option<Decimal>,
    /// Highest value that may be entered.
    pub highest: Option<Decimal>,
}

/// The first day of the fourth period: lists and items changed with fiscal 2024.
pub const FOURTH_PERIOD: LocalDay = LocalDay(19_814);

/// Before the number of every list and system of the checkup guides.
pub const ROOT: &str = "1.2.392.200119.";

impl Item {
    /// The item with this number.
    pub fn from_number(number: u16) -> Option<Self> {
        ITEMS
            .get(usize::from(number).checked_sub(1)?)
            .map(|row| Self(row.number))
    }

    /// The item with this code of 17 characters.
    pub fn from_code(code: &str) -> Option<Self> {
        let place = BY_CODE.binary_search_by_key(&code, |(known, _)| known).ok()?;
        Some(Self(BY_CODE[place].1))
    }

    /// All items, by number.
    pub fn all() -> impl Iterator<Item = Self> {
        ITEMS.iter().map(|row| Self(row.number))
    }

    /// Its number.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// Its row of the table.
    pub fn row(self) -> &'static ItemRow {
        &ITEMS[usize::from(self.0.saturating_sub(1)).min(ITEMS.len() - 1)]
    }

    /// The metric it is a value of.
    pub fn metric(self) -> Metric {
        Metric::from_number(self.row().metric).unwrap_or(Metric::NONE)
    }

    /// The list that its answers on a day are of, as what follows `1.2.392.200119.`; empty where there is none.
    pub fn list_on(self, day: LocalDay) -> &'static str {
        let row = self.row();
        match row.list_before {
            before if !before.is_empty() && day < FOURTH_PERIOD => before,
            _ => row.list,
        }
    }

    /// True for what the resident is asked rather than examined for: habits, medicines, history, checklists.
    pub fn is_question(self) -> bool {
        matches!(self.row().category, "social-history" | "survey")
    }

    /// True for a code of the JLAC10 table of laboratory tests, which MHLW's own `9…` codes are not part of.
    pub fn is_laboratory_code(self) -> bool {
        !self.row().code.starts_with('9') && self.row().kind != Kind::Text
    }

    /// A number of this item in the unit of its metric; `None` where the unit is not one that it can be turned from exactly.
    pub fn trend(self, value: Decimal, written: &str) -> Option<Measured> {
        let metric = self.metric();
        if metric.shape() != Shape::Quantity && self.row().part.is_none() {
            return None;
        }
        let of_item = unit::parse(self.row().ucum);
        // Mostly it is written as it is, and reading a unit costs more than all else here.
        let given = match written.eq_ignore_ascii_case(self.row().ucum) {
            true => of_item.clone(),
            false => unit::parse(written),
        };
        if given.of != of_item.of {
            return None;
        }
        let exponent = given.power - self.power_of_metric(of_item.power);
        let digits = i32::from(value.scale) - exponent;
        let scale = u8::try_from(digits.max(0)).ok()?;
        let mantissa = match u8::try_from(-digits) {
            Ok(zeros) if zeros > 0 => Decimal::whole(value.mantissa).rescale(zeros)?.mantissa,
            _ => value.mantissa,
        };
        (scale <= crate::decimal::MAX_SCALE).then_some(Measured {
            mantissa,
            scale,
            digits: scale,
        })
    }

    /// A unit of this item as UCUM; `None` for one that is not a spelling of it, or of a power of ten of it.
    pub fn ucum(self, written: &str) -> Option<Cow<'static, str>> {
        let row = self.row();
        let (of_item, given) = (unit::parse(row.ucum), unit::parse(written));
        if given.of != of_item.of {
            return None;
        }
        Some(match (given.power - of_item.power, row.ucum) {
            // Grams of a decilitre stand for per cent, and are not written so.
            (0, "%") if written.contains('/') => "g/dL".into(),
            (0, "") => "1".into(),
            (0, ucum) => ucum.into(),
            _ if given.power == 0 => "/uL".into(),
            _ => format!("10*{}/uL", given.power).into(),
        })
    }

    /// The power of ten that the metric's unit counts in; that of the item for units that count in none.
    fn power_of_metric(self, of_item: i32) -> i32 {
        if self.metric().row().unit == self.row().ucum {
            return of_item;
        }
        let of_metric = unit::parse(self.metric().row().unit);
        let counts = of_metric.of == unit::parse(self.row().ucum).of;
        if counts { of_metric.power } else { of_item }
    }
}

impl TryFrom<u16> for Item {
    type Error = &'static str;

    fn try_from(number: u16) -> Result<Self, Self::Error> {
        Self::from_number(number).ok_or("there is no checkup item of this number")
    }
}

impl From<Item> for u16 {
    fn from(item: Item) -> Self {
        item.0
    }
}

/// The name of an answer in a list (what follows `1.2.392.200119.`).
pub fn answer(list: &str, code: &str) -> Option<&'static str> {
    let place = ANSWERS.binary_search_by_key(&(list, code), |(list, code, _)| (list, code));
    place.ok().map(|place| ANSWERS[place].2)
}

/// The name of a method.
pub fn method(code: &str) -> Option<&'static str> {
    let place = METHODS.binary_search_by_key(&code, |(known, _)| known);
    place.ok().map(|place| METHODS[place].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_never_change() {
        assert_eq!(ITEMS.len(), 329, "an item was added: extend this test by a line");
        let told = [1, 23, 322, 323, 329].map(|number| Item::from_number(number).map(|item| item.row().code));
        assert_eq!(
            told,
            [
                Some("9N001000000000001"),
                Some("9A751000000000001"),
                Some("9N946000000000011"),
                Some("9N806000000000011"),
                Some("9N776000000000011")
            ]
        );
        assert_eq!((Item::from_number(0), Item::from_number(330)), (None, None));
    }

    #[test]
    fn every_item_is_the_item_of_its_code_and_its_metric_says_so() {
        for item in Item::all() {
            let row = item.row();
            assert_eq!(Item::from_code(row.code), Some(item));
            assert!(item.metric().row().jlac10.contains(&row.code), "{}", row.code);
        }
        assert_eq!(Item::from_code("9N001"), None);
    }

    #[test]
    fn every_coded_item_has_answers_and_no_other() {
        // The two lists of drinking before fiscal 2024 were never published.
        let unpublished = ["6.2005", "6.2006"];
        for item in Item::all() {
            let row = item.row();
            let coded = matches!(row.kind, Kind::Coded | Kind::Ordered);
            assert_eq!(coded, !row.list.is_empty(), "{}", row.code);
            for list in [row.list, row.list_before] {
                let known = ANSWERS.iter().any(|(known, ..)| *known == list);
                assert!(
                    list.is_empty() || known || unpublished.contains(&list),
                    "{}: {list}",
                    row.code
                );
            }
        }
    }

    #[test]
    fn a_list_is_chosen_by_the_day_where_nobody_names_it() {
        let smoking = Item::from_code("9N736000000000011").unwrap();
        let day = |text: &str| LocalDay::parse(text).unwrap();
        assert_eq!(day("2024-04-01"), FOURTH_PERIOD);
        assert_eq!(smoking.list_on(day("2024-03-31")), "6.2003");
        assert_eq!(smoking.list_on(day("2024-04-01")), "6.24060");
        assert_eq!(
            answer("6.24060", "2"),
            Some("以前は吸っていたが、最近1ヶ月間は吸っていない")
        );
        assert_eq!(answer("6.2003", "2"), Some("いいえ"));
        assert_eq!(answer("6.2003", "3"), None);
        assert_eq!(method("3D04620000"), Some("HPLC(不安定分画除去HPLC法)"));
    }

    #[test]
    fn a_trend_is_in_the_unit_of_the_metric_and_exact() {
        let trend = |code: &str, value: &str, unit: &str| {
            let value = Decimal::parse(value.as_bytes()).unwrap();
            let found = Item::from_code(code).unwrap().trend(value, unit);
            found.map(|found| found.to_string())
        };
        let red = "2A020000001930101";
        assert_eq!(trend(red, "450", "10*4/mm3").as_deref(), Some("4.50"));
        assert_eq!(trend(red, "4.50", "10*6/uL").as_deref(), Some("4.50"));
        assert_eq!(trend("2A050000001930101", "21.5", "10*4/mm3").as_deref(), Some("215"));
        assert_eq!(trend("2A010000001930101", "5600", "/mm3").as_deref(), Some("5.600"));
        assert_eq!(trend("3F070000002327101", "61", "mg/dl").as_deref(), Some("61"));
        assert_eq!(
            trend("3F070000002327101", "1.6", "mmol/L"),
            None,
            "another kind of unit"
        );
        assert_eq!(trend("9A751000000000001", "128", "mmHg").as_deref(), Some("128"));
        assert_eq!(trend("2A080000001930101", "33.1", "%").as_deref(), Some("33.1"));
        assert_eq!(
            trend("8A065000002391901", "71.3", "ml/min/1.73m2").as_deref(),
            Some("71.3")
        );
        assert_eq!(trend("9N056160400000049", "1", ""), None, "a text");
    }

    #[test]
    fn a_unit_is_coded_as_it_was_written() {
        let ucum = |code: &str, unit: &str| Item::from_code(code).unwrap().ucum(unit);
        assert_eq!(ucum("2A020000001930101", "万/mm3").as_deref(), Some("10*4/uL"));
        assert_eq!(ucum("2A020000001930101", "10*6/uL").as_deref(), Some("10*6/uL"));
        assert_eq!(ucum("2A010000001930101", "/mm3").as_deref(), Some("/uL"));
        assert_eq!(ucum("2A080000001930101", "g/dL").as_deref(), Some("g/dL"));
        assert_eq!(ucum("2A080000001930101", "%").as_deref(), Some("%"));
        assert_eq!(ucum("9A751000000000001", "mmHg").as_deref(), Some("mm[Hg]"));
        assert_eq!(ucum("1A030000000190301", "").as_deref(), Some("1"));
        assert_eq!(ucum("3F070000002327101", "mmol/L"), None);
    }

    #[test]
    fn every_number_of_the_table_has_a_trend_in_its_own_unit() {
        for item in Item::all().filter(|item| item.row().kind == Kind::Quantity) {
            let row = item.row();
            for unit in [row.unit, row.ucum] {
                assert!(
                    item.trend(Decimal::whole(7), unit).is_some(),
                    "{} in {unit:?}",
                    row.code
                );
            }
        }
    }
}
