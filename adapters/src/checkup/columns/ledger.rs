//! Ledgers of the insured: who is insured by whom, since when and until when, and in which municipality they live. They hold no results;
//! what they say keeps the matching of results right.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use model::checkup::{Subject, Ticket};
use model::{LocalDay, Residence};
use serde::Deserialize;

use super::file::{Column, ColumnsError, Person, check_header_lines, named, one, wrong};
use super::sum::ColumnSum;
use super::{decoded, first_look, walk};
use crate::{AdapterError, Input};

mod bound;
mod ticket;

use bound::Bound;

/// Files of columns of ledgers that come with the program, by name.
const SHIPPED: &[(&str, &str)] = &[
    ("kdb-ledger", include_str!("kdb-ledger.toml")),
    ("checkup-tickets", include_str!("checkup-tickets.toml")),
];

/// The most insurances of one line.
const MOST_INSURANCES: usize = 8;

/// Which column of a ledger is what.
#[derive(Clone, Debug)]
pub struct LedgerColumns(Written);

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default = "one")]
    header_lines: usize,
    person: Person,
    area: Option<Column>,
    municipality: Option<Column>,
    municipality_since: Option<Column>,
    municipality_until: Option<Column>,
    held: Option<Held>,
    #[serde(default)]
    insurance: Vec<Insurance>,
    ticket: Option<TicketColumns>,
}

/// Symbol and number of whichever insurance holds, where a line has one place for both.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Held {
    symbol: Option<Column>,
    number: Column,
}

/// One insurance that a line may tell of.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Insurance {
    insurer: Column,
    symbol: Option<Column>,
    number: Option<Column>,
    branch: Option<Column>,
    gained: Column,
    lost: Option<Column>,
}

/// A ticket for a checkup, in place of insurances.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TicketColumns {
    insurer: Column,
    symbol: Option<Column>,
    number: Column,
    branch: Option<Column>,
    year: Column,
    ticket: Column,
    issued: Option<Column>,
    until: Column,
    void: Option<Column>,
}

impl LedgerColumns {
    /// Reads a file of columns of a ledger.
    ///
    /// # Errors
    /// [`ColumnsError`], which says what is wrong where.
    pub fn parse(text: &str) -> Result<Self, ColumnsError> {
        let written: Written = toml::from_str(text)?;
        check_header_lines(written.header_lines)?;
        let (tells_of, has_ticket) = (written.insurance.len(), written.ticket.is_some());
        if !(usize::from(!has_ticket)..=MOST_INSURANCES).contains(&tells_of) || (has_ticket && tells_of > 0) {
            let allowed = "a line tells of 1 to 8 insurances, or of one ticket";
            return Err(wrong("insurance", &tells_of.to_string(), allowed));
        }
        let without_number = written
            .insurance
            .iter()
            .position(|insurance| insurance.number.is_none());
        if let Some(place) = without_number.filter(|_| written.held.is_none()) {
            let allowed = "an insurance has a number of its own, or that of [held], which is of whichever holds";
            return Err(wrong(&format!("insurance {}: number", place + 1), "", allowed));
        }
        if let Some(Column::Always { always }) = &written.municipality
            && let Err(why) = bound::municipality(always)
        {
            return Err(wrong("municipality", always, bound::allowed(why)));
        }
        let has_days = written.municipality_since.is_some() || written.municipality_until.is_some();
        if has_days && written.municipality.is_none() {
            let allowed = "days of a municipality belong to one: name its column with municipality";
            return Err(wrong("municipality", "", allowed));
        }
        Ok(Self(written))
    }

    /// True for a file that says of which insurances or tickets a table tells: it is meant for a ledger, whatever is wrong with it.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        let written = toml::from_str::<toml::Table>(text);
        written.is_ok_and(|written| written.contains_key("insurance") || written.contains_key("ticket"))
    }

    /// True where the ledger itself says in which municipality its people live.
    #[must_use]
    pub fn says_where(&self) -> bool {
        self.0.municipality.is_some()
    }

    /// A file of columns that comes with the program.
    #[must_use]
    pub fn shipped(name: &str) -> Option<&'static str> {
        named(SHIPPED, name)
    }
}

/// That somebody is or was insured, or has a ticket of their insurer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// Who, and by what the insurer knows them; without a number where the line has none for an insurance that was lost.
    pub subject: Subject,
    /// The first day; `None` where a ticket is all that is told of.
    pub gained: Option<LocalDay>,
    /// The last day; `None` while it lasts.
    pub lost: Option<LocalDay>,
    /// The area of the municipality that they live in.
    pub area: String,
    /// The municipality that they live in; `None` where the ledger does not say it.
    pub residence: Option<Residence>,
    /// The ticket.
    pub ticket: Option<Ticket>,
}

/// A line of a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerLine {
    /// Which line of the file it ends in.
    pub line: u64,
    /// What it says, or why it says nothing that can be used.
    pub told: Result<Vec<Membership>, &'static str>,
}

/// What a ledger came to, in counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerSum {
    /// Lines of people.
    pub lines: u64,
    /// Insurances and tickets that they tell of.
    pub told: u64,
    /// Lines that say nothing that can be used, by why.
    pub refused: BTreeMap<&'static str, u64>,
    /// Each column, in its order; what it is stands as in the file of columns.
    pub columns: Vec<ColumnSum>,
}

/// Hands every line of a ledger on, in its order, until it is told to stop; and says what became of every column.
///
/// # Errors
/// [`AdapterError`] where a column is not there, where it bears Individual Numbers or is of claims, and what the disk reports.
pub fn ledger(
    columns: &LedgerColumns,
    input: &Input<'_>,
    each: &mut dyn FnMut(LedgerLine) -> ControlFlow<()>,
) -> Result<LedgerSum, AdapterError> {
    let header_lines = columns.0.header_lines;
    let (is_utf8, names) = first_look(header_lines, input)?;
    let mut bound = Bound::new(&columns.0, &names)?;
    walk(input, |place, line, record| {
        let cells = decoded(record, is_utf8);
        if place < header_lines || cells.iter().all(String::is_empty) {
            return Ok(true);
        }
        let told = bound.line(&cells);
        Ok(each(LedgerLine { line, told }).is_continue())
    })?;
    Ok(bound.sum)
}

#[cfg(test)]
mod tests;
