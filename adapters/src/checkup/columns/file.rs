//! The file in which an operator says which column of a table is what.

use std::borrow::Cow;
use std::collections::BTreeMap;

use model::checkup::Item;
use model::checkup::items::answer;
use model::{LocalDay, Metric};
use serde::Deserialize;

use super::kind::Kind;
use crate::checkup::document::is_plausible;
use crate::checkup::items::Items;

/// The most lines above the first person.
const MOST_HEADER_LINES: usize = 10;

/// Files of columns that come with the program, by name.
const SHIPPED: &[(&str, &str)] = &[
    ("checkup-history", include_str!("checkup-history.toml")),
    ("guidance", include_str!("guidance.toml")),
    ("elderly-questionnaire", include_str!("elderly-questionnaire.toml")),
];

/// The most further days that one line tells of.
const MOST_OCCASIONS: usize = 8;

/// Why a file of columns is none.
#[derive(Debug, thiserror::Error)]
pub enum ColumnsError {
    /// It does not have the form; says the line.
    #[error("it is no file of columns: {0}")]
    Form(#[from] toml::de::Error),
    /// A number or code that is not allowed.
    #[error("{key} is \"{found}\": {allowed}")]
    Value {
        /// Where it stands.
        key: String,
        /// What stands there.
        found: String,
        /// What may.
        allowed: Cow<'static, str>,
    },
}

pub(super) fn wrong(key: &str, found: &str, allowed: impl Into<Cow<'static, str>>) -> ColumnsError {
    ColumnsError::Value {
        key: key.to_owned(),
        found: found.to_owned(),
        allowed: allowed.into(),
    }
}

/// Which column is what.
#[derive(Clone, Debug)]
pub struct Columns {
    pub(super) written: Written,
    /// The checkup itself, then each further day; with the items of their results.
    pub(super) occasions: Vec<(Occasion, Vec<Items>)>,
    pub(super) kind: Kind,
    pub(super) written_on: Option<LocalDay>,
    pub(super) text: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    #[serde(default = "one")]
    pub(super) header_lines: usize,
    pub(super) person: Person,
    pub(super) checkup: About,
    #[serde(default)]
    pub(super) result: Vec<ResultColumn>,
    #[serde(default)]
    pub(super) occasion: Vec<Occasion>,
}

/// A further day that the same line tells of, as something of its own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Occasion {
    pub(super) day: Column,
    pub(super) facility: Option<Column>,
    pub(super) facility_number: Option<Column>,
    #[serde(default)]
    pub(super) result: Vec<ResultColumn>,
}

pub(super) const fn one() -> usize {
    1
}

pub(super) fn check_header_lines(lines: usize) -> Result<(), ColumnsError> {
    match lines {
        0..=MOST_HEADER_LINES => Ok(()),
        _ => Err(wrong(
            "header_lines",
            &lines.to_string(),
            "0 to 10 lines stand above the first person",
        )),
    }
}

/// A file that comes with the program, by its name.
pub(super) fn named(shipped: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    let mut shipped = shipped.iter();
    shipped.find(|(known, _)| *known == name).map(|(_, text)| *text)
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Person {
    pub(super) insurer: Option<Column>,
    pub(super) symbol: Option<Column>,
    pub(super) number: Option<Column>,
    pub(super) branch: Option<Column>,
    pub(super) name: Option<Column>,
    pub(super) birth_era: Option<Column>,
    pub(super) birth: Option<Column>,
    pub(super) sex: Option<Column>,
    pub(super) postal_code: Option<Column>,
    pub(super) care_number: Option<Column>,
    pub(super) ticket: Option<Column>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct About {
    pub(super) programme: Option<String>,
    /// In place of a programme: which of municipalities' screenings it is.
    pub(super) screening: Option<String>,
    /// Which part of the screening (検診区分), where the table is of one.
    pub(super) part: Option<u8>,
    pub(super) day: Column,
    pub(super) facility: Option<Column>,
    pub(super) facility_number: Option<Column>,
    /// The day on which the table was drawn up: of two tables of the same checkup the later holds.
    pub(super) written: Option<String>,
    /// How names of columns begin that hold the marks H and L of others.
    pub(super) marks_begin: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResultColumn {
    pub(super) column: Column,
    pub(super) item: String,
    /// From which days on the column holds other items, by the day of the checkup.
    #[serde(default)]
    pub(super) since: BTreeMap<String, String>,
    /// The item that it holds where another column of the line says so.
    pub(super) otherwise: Option<OtherItem>,
    pub(super) mark: Option<Column>,
    #[serde(default)]
    pub(super) answers: BTreeMap<String, String>,
}

/// Another item of a column, and what another column says where it is that one.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OtherItem {
    pub(super) column: Column,
    pub(super) says: Vec<String>,
    pub(super) item: String,
}

/// Where something stands: a column by its place from 1 on, by its place where it must bear a name, by its name, or by the first of
/// several names that the table has; or one thing for all lines.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Column {
    Place(usize),
    Placed { place: usize, name: String },
    Name(String),
    Names(Vec<String>),
    Always { always: String },
}

impl Columns {
    /// Reads a file of columns.
    ///
    /// # Errors
    /// [`ColumnsError`], which says what is wrong where.
    pub fn parse(text: &str) -> Result<Self, ColumnsError> {
        let written: Written = toml::from_str(text)?;
        check_header_lines(written.header_lines)?;
        let kind = Kind::of(&written.checkup)?;
        let written_on = match &written.checkup.written {
            None => None,
            Some(day) => Some(
                LocalDay::parse(day)
                    .filter(|day| is_plausible(*day))
                    .ok_or_else(|| wrong("checkup.written", day, "a day is YYYY-MM-DD"))?,
            ),
        };
        if written.occasion.len() > MOST_OCCASIONS {
            let found = written.occasion.len().to_string();
            return Err(wrong("occasion", &found, "a line tells of at most 8 further days"));
        }
        let checkup = Occasion {
            day: written.checkup.day.clone(),
            facility: written.checkup.facility.clone(),
            facility_number: written.checkup.facility_number.clone(),
            result: written.result.clone(),
        };
        let items = items_of(&checkup.result, &kind, "")?;
        let mut occasions = vec![(checkup, items)];
        for (place, occasion) in written.occasion.iter().enumerate() {
            let items = items_of(&occasion.result, &kind, &format!("occasion {}: ", place + 1))?;
            occasions.push((occasion.clone(), items));
        }
        Ok(Self {
            written,
            occasions,
            kind,
            written_on,
            text: text.to_owned(),
        })
    }

    /// True where a line may tell of the one day and not of the other.
    pub(super) fn tells_of_more_days(&self) -> bool {
        self.occasions.len() > 1
    }

    /// A file of columns that comes with the program.
    #[must_use]
    pub fn shipped(name: &str) -> Option<&'static str> {
        named(SHIPPED, name)
    }

    /// The day on which the table was written, where the file says it.
    #[must_use]
    pub fn written_on(&self) -> Option<LocalDay> {
        self.written_on
    }

    /// The metric that says that what its lines tell of took place.
    #[must_use]
    pub fn event(&self) -> Metric {
        self.kind.event()
    }

    /// The file as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// The items of results, each of which the vocabulary has, with answers of its own lists.
fn items_of(results: &[ResultColumn], kind: &Kind, of: &str) -> Result<Vec<Items>, ColumnsError> {
    let items = |(place, result): (usize, &ResultColumn)| {
        let key = |name: &str| format!("{of}result {}: {name}", place + 1);
        let item = |name: &str, code: &str| {
            let allowed = "an item is one of the vocabulary's 17-digit codes";
            Item::from_code(code).ok_or_else(|| wrong(&key(name), code, allowed))
        };
        let since = result.since.iter().map(|(written, code)| {
            let day = LocalDay::parse(written);
            let day = day.ok_or_else(|| wrong(&key("since"), written, "a day is YYYY-MM-DD"))?;
            Ok((day, item("since", code)?))
        });
        let mut items = Items {
            first: item("item", &result.item)?,
            since: since.collect::<Result<_, ColumnsError>>()?,
            otherwise: None,
        };
        items.since.sort_unstable_by_key(|(day, _)| *day);
        if let Some(other) = &result.otherwise {
            items.otherwise = Some(item("otherwise.item", &other.item)?);
        }
        let lists = |item: Item| match kind.is_screening() {
            true => [item.list_of_screening(), ""],
            false => [item.row().list, item.row().list_before],
        };
        let is_none = |code: &&String| items.all().flat_map(lists).all(|list| answer(list, code).is_none());
        match result.answers.values().find(is_none) {
            Some(code) => Err(wrong(&key("answers"), code, "an answer is a code of the item's list")),
            None => Ok(items),
        }
    };
    results.iter().enumerate().map(items).collect()
}
