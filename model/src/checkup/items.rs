//! The items of Japanese checkups (MHLW item codes, OID 1.2.392.200119.6.1005, and those of municipalities' screenings), the lists
//! of their answers and their methods, generated from `model/vocabulary/checkup-*.tsv` when built.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::unit;
use crate::decimal::{Decimal, Measured};
use crate::time::LocalDay;
use crate::vocabulary::{Metric, Shape, systems};

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

/// Where an item is defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guide {
    /// The guide of checkup reports (eCheckup): MHLW's table.
    Checkup,
    /// The guide of municipalities' screenings (eMunicipalCheckup) alone, with a code system of its own.
    Municipal,
    /// 追加項目: facilities send them under MHLW's code system, whose published table has them not.
    Added,
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
    /// The list of its answers from fiscal 2024 on, as [`list_oid`] takes it.
    pub list: &'static str,
    /// The list before that, where it was another.
    pub list_before: &'static str,
    /// The list in a municipality's screening, where it is another there: its codes may mean the opposite.
    pub list_of_screening: &'static str,
    /// Where it is defined.
    pub guide: Guide,
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

/// Before the number of every list and system of the guide of checkup reports.
pub const ROOT: &str = "1.2.392.200119.";
/// Before the lists of every guide.
const ALL_LISTS: &str = "1.2.392.";
/// How a list of municipalities' screenings begins below that.
const MUNICIPAL_LISTS: &str = "100495.100.";

impl Item {
    /// The item with this number.
    pub fn from_number(number: u16) -> Option<Self> {
        ITEMS
            .get(usize::from(number).checked_sub(1)?)
            .map(|row| Self(row.number))
    }

    /// The item with this code of 17 characters.
    pub fn from_code(code: &str) -> Option<Self> {
        static NUMBERS: LazyLock<HashMap<&str, u16>> = LazyLock::new(|| BY_CODE.iter().copied().collect());
        NUMBERS.get(code).map(|number| Self(*number))
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

    /// The list that its answers on a day are of, as [`list_oid`] takes it; empty where there is none.
    pub fn list_on(self, day: LocalDay) -> &'static str {
        let row = self.row();
        match row.list_before {
            before if !before.is_empty() && day < FOURTH_PERIOD => before,
            _ => row.list,
        }
    }

    /// As [`Item::list_on`], in a municipality's screening, whose lists have not changed.
    pub fn list_of_screening(self) -> &'static str {
        let row = self.row();
        match row.list_of_screening {
            "" => row.list,
            own => own,
        }
    }

    /// What a method is called where it is one of this item: documents give some under the code of another item's, or under a former
    /// code.
    pub fn name_of_method(self, code: &str) -> Option<&'static str> {
        method_of(code, self.0).or_else(|| method(code))
    }

    /// The system that its code is of, as FHIR names it.
    pub fn system(self) -> &'static str {
        match self.row().guide {
            Guide::Municipal => systems::SCREENING_ITEM,
            Guide::Checkup | Guide::Added => systems::CHECKUP_ITEM,
        }
    }

    /// True for what the resident is asked rather than examined for: habits, medicines, history, checklists. What is judged by their
    /// answers, and how they were guided after, is nobody's answer.
    pub fn is_question(self) -> bool {
        let judged = [
            Metric::METABOLIC_SYNDROME_JUDGEMENT,
            Metric::HEALTH_GUIDANCE_LEVEL,
            Metric::GUIDANCE_PROCESS,
        ];
        matches!(self.row().category, "social-history" | "survey") && !judged.contains(&self.metric())
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
        let of_item = self.unit();
        let power = match written.eq_ignore_ascii_case(self.row().ucum) {
            true => of_item.unit.power,
            false => {
                let given = unit::parse(written);
                if given.of != of_item.unit.of {
                    return None;
                }
                given.power
            }
        };
        let exponent = power - of_item.power_of_metric;
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
        let (of_item, given) = (&self.unit().unit, unit::parse(written));
        if given.of != of_item.of {
            return None;
        }
        Some(match (given.power - of_item.power, row.ucum) {
            // Grams of a decilitre stand for per cent, and are not written so.
            (0, "%") if unit::plain(written).contains('/') => "g/dL".into(),
            (0, "") => "1".into(),
            (0, ucum) => ucum.into(),
            _ if given.power == 0 => "/uL".into(),
            _ => format!("10*{}/uL", given.power).into(),
        })
    }

    fn unit(self) -> &'static ItemUnit {
        /// By number: reading a unit costs more than all else that is done with a number.
        static UNITS: LazyLock<Vec<ItemUnit>> = LazyLock::new(|| Item::all().map(ItemUnit::of).collect());
        &UNITS[usize::from(self.0.saturating_sub(1)).min(ITEMS.len() - 1)]
    }
}

/// The unit of an item.
struct ItemUnit {
    unit: unit::Unit,
    /// The power of ten that the metric's unit counts in; that of the item for units that count in none.
    power_of_metric: i32,
}

impl ItemUnit {
    fn of(item: Item) -> Self {
        let unit = unit::parse(item.row().ucum);
        let of_metric = unit::parse(item.metric().row().unit);
        Self {
            power_of_metric: match of_metric.of == unit.of {
                true => of_metric.power,
                false => unit.power,
            },
            unit,
        }
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

/// True for a spelling of a unit that results of some item or metric are given in, whatever power of ten it counts in. One capital letter is
/// a grade or a mark (`A`, `H`) more often than a unit: only an item that is counted in it says otherwise.
pub fn is_unit(written: &str) -> bool {
    static KNOWN: LazyLock<HashSet<String>> = LazyLock::new(|| {
        let of_items = Item::all().map(|item| item.row().ucum);
        let of_metrics = Metric::all().map(|metric| metric.row().unit);
        of_items.chain(of_metrics).map(|ucum| unit::parse(ucum).of).collect()
    });
    let is_letter = matches!(written.as_bytes(), [b'A'..=b'Z']);
    !written.is_empty() && !is_letter && KNOWN.contains(&unit::parse(written).of)
}

/// The OID of a list: its name is what follows `1.2.392.200119.`, and of municipalities' screenings what follows `1.2.392.`
pub fn list_oid(list: &str) -> String {
    let root = if list.starts_with(MUNICIPAL_LISTS) {
        ALL_LISTS
    } else {
        ROOT
    };
    format!("{root}{list}")
}

/// The name of an answer in the list of this OID.
pub fn answer_of(oid: &str, code: &str) -> Option<&'static str> {
    let list = oid.strip_prefix(ROOT).filter(|list| !list.starts_with(MUNICIPAL_LISTS));
    let municipal = || {
        oid.strip_prefix(ALL_LISTS)
            .filter(|list| list.starts_with(MUNICIPAL_LISTS))
    };
    answer(list.or_else(municipal)?, code)
}

/// The name of an answer in a list, as [`list_oid`] takes it.
pub fn answer(list: &str, code: &str) -> Option<&'static str> {
    let place = ANSWERS.binary_search_by_key(&(list, code), |(list, code, _)| (list, code));
    place.ok().map(|place| ANSWERS[place].2)
}

/// The name of a method in the list of methods, which an item may have another name for: [`Item::name_of_method`].
pub fn method(code: &str) -> Option<&'static str> {
    method_of(code, 0)
}

fn method_of(code: &str, item: u16) -> Option<&'static str> {
    let place = METHODS.binary_search_by_key(&(code, item), |(code, item, _)| (code, *item));
    place.ok().map(|place| METHODS[place].2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_one_that_something_is_measured_in() {
        for unit in ["mg/dL", "MG/DL", "mmol/L", "万/μL", "回/分", "%", "U/L"] {
            assert!(is_unit(unit), "{unit}");
        }
        for other in ["", "A", "H", "*", "高い", "mg/dLX", "HH"] {
            assert!(!is_unit(other), "{other}");
        }
    }

    #[test]
    fn a_unit_may_be_written_in_full_width() {
        let item = |code| Item::from_code(code).expect("an item");
        let [cells, sugar, haematocrit] = ["2A020000001930101", "3D010000001926101", "2A040000001930102"].map(item);
        let of = |item: Item, unit| item.trend(Decimal::whole(5), unit).map(|value| value.exact());
        for (item, wide, narrow) in [
            (cells, "百万/mm3", "10*6/uL"),
            (cells, "百万／ｍｍ３", "10*6/uL"),
            (cells, "万／ｍｍ３", "10*4/uL"),
            (sugar, "ｍｇ/ｄＬ", "mg/dL"),
            (haematocrit, "％", "%"),
            (haematocrit, "ｇ／ｄＬ", "g/dL"),
        ] {
            assert!(of(item, wide).is_some(), "{wide}");
            assert_eq!(of(item, wide), of(item, narrow), "{wide}");
            assert_eq!(item.ucum(wide).as_deref(), Some(narrow), "{wide}");
        }
        assert_eq!(
            sugar.ucum("ｍｍｏｌ／Ｌ"),
            None,
            "another unit is another one in any width"
        );
    }

    #[test]
    fn what_is_judged_is_no_answer_of_the_residents() {
        let is_question = |code| Item::from_code(code).expect("an item").is_question();
        for judged in [
            "9N501000000000011",
            "9N506000000000011",
            "9N950000000000011",
            "9N807000000000011",
        ] {
            assert!(!is_question(judged), "{judged}");
        }
        for asked in [
            "9N736000000000011",
            "9N701000000000011",
            "9N808000000000011",
            "9N943000000000011",
        ] {
            assert!(is_question(asked), "{asked}");
        }
    }

    #[test]
    fn numbers_never_change() {
        assert_eq!(ITEMS.len(), 604, "an item was added: extend this test by a line");
        let told = [1, 23, 322, 323, 329, 330, 487, 488, 604]
            .map(|number| Item::from_number(number).map(|item| item.row().code));
        assert_eq!(
            told,
            [
                Some("9N001000000000001"),
                Some("9A751000000000001"),
                Some("9N946000000000011"),
                Some("9N806000000000011"),
                Some("9N776000000000011"),
                Some("9P500000000000011"),
                Some("9P692160800000049"),
                Some("1A035000000190101"),
                Some("9I200160800000049")
            ]
        );
        assert_eq!((Item::from_number(0), Item::from_number(605)), (None, None));
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
        for item in Item::all() {
            let row = item.row();
            let coded = matches!(row.kind, Kind::Coded | Kind::Ordered);
            assert_eq!(coded, !row.list.is_empty(), "{}", row.code);
            for list in [row.list, row.list_before, row.list_of_screening] {
                let known = ANSWERS.iter().any(|(known, ..)| *known == list);
                assert!(list.is_empty() || known, "{}: {list}", row.code);
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
        let drinking = Item::from_code("9N786000000000011").unwrap();
        assert_eq!(
            answer(drinking.list_on(day("2024-03-31")), "3"),
            Some("ほとんど飲まない")
        );
        assert_eq!(answer(drinking.list_on(day("2024-04-01")), "3"), Some("週3～4日"));
        assert_eq!(method("3D04620000"), Some("HPLC(不安定分画除去HPLC法)"));
    }

    #[test]
    fn a_method_is_called_as_it_fits_its_item() {
        let [tia, bcg] = ["免疫比濁法(TIA)(尿)", "可視吸光光度法(BCG法、BCP改良法)"];
        let [jscc, ifcc] = ["可視吸光光度法(JSCC標準化対応法)", "IFCC対応法(改定JSCC標準化対応法)"];
        for (item, code, expected) in [
            // Albumin of urine: the table of items has the code of serum's first method, the list one of its own.
            ("3A015000000106101", "3A01510000", Some(tia)),
            ("3A015000000106101", "3A01510001", Some(tia)),
            ("3A015000000199901", "3A01520000", Some("その他(尿)")),
            ("3A015000002327101", "3A01510000", Some(bcg)),
            ("3A015000002399901", "3A01520009", Some("その他")),
            // ALP: two codes of one method that is neither.
            ("3B070000002327101", "3B07010000", Some(jscc)),
            ("3B070000002327501", "3B07020000", Some(ifcc)),
            ("3B070000002399901", "3B07030009", Some("その他")),
            ("3B070000002399901", "3B07020009", Some("その他")),
            ("3B070000002327101", "3B07020009", None),
            ("3B070000002327101", "", None),
        ] {
            let item = Item::from_code(item).unwrap();
            assert_eq!(item.name_of_method(code), expected, "{code} of {}", item.row().code);
        }
        assert_eq!(
            (method("3A01510000"), method("3B07020009")),
            (Some(bcg), None),
            "as the list has them"
        );
        for row in Item::all().map(Item::row).filter(|row| !row.method.is_empty()) {
            let item = Item(row.number);
            assert!(item.name_of_method(row.method).is_some(), "{}", row.code);
        }
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
    fn every_number_of_the_table_is_coded_in_its_own_unit_and_has_a_trend_where_its_metric_is_one_number() {
        for item in Item::all().filter(|item| item.row().kind == Kind::Quantity) {
            let row = item.row();
            let is_number = item.metric().shape() == Shape::Quantity || row.part.is_some();
            assert!(is_number || row.guide != Guide::Checkup, "{}", row.code);
            for unit in [row.unit, row.ucum] {
                let trend = item.trend(Decimal::whole(7), unit);
                assert_eq!(trend.is_some(), is_number, "{} in {unit:?}", row.code);
                let own = if row.ucum.is_empty() { "1" } else { row.ucum };
                assert_eq!(item.ucum(unit).as_deref(), Some(own), "{} in {unit:?}", row.code);
            }
        }
    }

    #[test]
    fn the_lists_of_screenings_have_an_arc_of_their_own_and_some_say_the_opposite() {
        assert_eq!(list_oid("6.2002"), "1.2.392.200119.6.2002");
        assert_eq!(list_oid("100495.100.2050"), "1.2.392.100495.100.2050");
        let inspection = Item::from_code("9N291160700000011").unwrap();
        let [checkup, screening] = [inspection.list_on(FOURTH_PERIOD), inspection.list_of_screening()];
        assert_eq!(answer_of(&list_oid(checkup), "1"), Some("所見あり"));
        assert_eq!(answer_of(&list_oid(screening), "1"), Some("所見なし"));
        assert_eq!(answer_of("1.2.392.100495.100.2803", "X"), Some("該当歯なし"));
        for oid in [
            "1.2.392.200119.100495.100.2050",
            "1.2.392.6.2002",
            "2.16.840",
            "100495.100.2050",
        ] {
            assert_eq!(answer_of(oid, "1"), None, "{oid}");
        }
    }

    #[test]
    fn municipalities_screenings_have_166_items() {
        let of = |guide: Guide| -> Vec<Item> { Item::all().filter(|item| item.row().guide == guide).collect() };
        let [own, added] = [of(Guide::Municipal), of(Guide::Added)];
        assert_eq!(
            (own.len(), added.len()),
            (158, 117),
            "eight of 166 are in MHLW's table too"
        );
        for item in own {
            assert_eq!(item.system(), systems::SCREENING_ITEM);
            assert!(item.row().list.is_empty() || item.row().list.starts_with(MUNICIPAL_LISTS));
        }
        let answers = ANSWERS.iter().filter(|(list, ..)| list.starts_with(MUNICIPAL_LISTS));
        assert_eq!(answers.count(), 186);
        // Codes of somebody's own say what they are to nobody else.
        assert!(added.iter().all(|item| !item.row().code.contains('Z')));
    }
}
