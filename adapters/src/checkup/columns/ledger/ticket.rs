//! Tickets, as a list of them tells.

use model::checkup::Ticket;
use unicode_normalization::UnicodeNormalization as _;

use super::super::source::Source;
use super::bound::{Wrong, day, insured_by};
use super::{Column, TicketColumns};
use crate::AdapterError;

/// A list's columns of tickets, held against one table's names.
pub(super) struct BoundTicket {
    /// Of whose insurance it is.
    pub(super) own: Vec<(&'static str, Source)>,
    year: Source,
    ticket: Source,
    issued: Option<Source>,
    until: Source,
    void: Option<Source>,
}

impl BoundTicket {
    pub(super) fn new(ticket: &TicketColumns, known: &[String]) -> Result<Self, AdapterError> {
        let find = |column: &Column| Source::find(column, known);
        Ok(Self {
            own: insured_by(
                [
                    Some(&ticket.insurer),
                    ticket.symbol.as_ref(),
                    Some(&ticket.number),
                    ticket.branch.as_ref(),
                ],
                known,
            )?,
            year: find(&ticket.year)?,
            ticket: find(&ticket.ticket)?,
            issued: ticket.issued.as_ref().map(find).transpose()?,
            until: find(&ticket.until)?,
            void: ticket.void.as_ref().map(find).transpose()?,
        })
    }

    pub(super) fn of(&self, cells: &[String]) -> Result<Ticket, Wrong> {
        let number: String = self.ticket.of(cells).chars().take(32).collect();
        if number.is_empty() {
            return Err(Wrong::cell("no-ticket", &self.ticket));
        }
        let year: String = self.year.of(cells).nfkc().collect();
        let year = year.trim().parse().ok().filter(|year| (2008..2200).contains(year));
        let void = self.void.as_ref().map_or("", |void| void.of(cells));
        Ok(Ticket {
            number,
            year: year.ok_or_else(|| Wrong::cell("not-a-year", &self.year))?,
            issued: day(self.issued.as_ref(), cells)?,
            until: day(Some(&self.until), cells)?.ok_or_else(|| Wrong::cell("not-a-day", &self.until))?,
            is_void: !matches!(void, "" | "0"),
        })
    }
}
