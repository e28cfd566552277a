//! `/portal/checkups`: a resident's checkups by year, and around the form with which they say themselves that one took place
//! ([`super::checkup_declare`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use consent::Language;
use model::checkup::{Checkup, Ticket, Told, fiscal_year};
use model::{LocalDay, Metric};
use store::{OwnCheckup, StoreError};

use super::checkup_declare::{Entered, Form};
use super::page::{Frame, shown};
use super::resident::{Resident, day};
use super::upload;
use super::words::Words;
use crate::sign_in::SignedIn;
use crate::state::AppState;

/// Where the page lies.
pub const PATH: &str = "/portal/checkups";

#[derive(Template)]
#[template(path = "checkups.html")]
pub struct View {
    frame: Frame,
    words: Words,
    csrf: String,
    problem: Option<String>,
    /// Of checkups that the resident may still go to.
    tickets: Vec<String>,
    checkups: Vec<Line>,
    form: Form,
    upload: &'static str,
}

/// A checkup in the list.
struct Line {
    number: u16,
    /// `2025年度 特定健診`.
    title: String,
    day: String,
    facility: String,
    results: String,
    is_declared: bool,
}

/// `GET /portal/checkups`.
pub async fn show(State(state): State<AppState>, signed_in: SignedIn, headers: HeaderMap) -> Response {
    let view = view(&state, &signed_in, &Entered::new(), None).await;
    shown(view, &headers, "the page of checkups could not be made")
}

/// The page, with what was entered and what is wrong with it.
///
/// # Errors
/// What reading can answer.
pub async fn view(
    state: &AppState,
    signed_in: &SignedIn,
    entered: &Entered,
    problem: Option<String>,
) -> Result<Option<View>, StoreError> {
    let Some(resident) = Resident::load(state, &signed_in.own).await? else {
        return Ok(None);
    };
    let words = Words(signed_in.language);
    let checkups = state.store.checkups(&signed_in.own).await?;
    let tickets = state.store.own_tickets(&signed_in.own, resident.today()).await?;
    Ok(Some(View {
        csrf: signed_in.csrf.clone(),
        problem,
        tickets: reminders(words, &tickets, &checkups),
        checkups: checkups.iter().map(|own| line(words, own)).collect(),
        form: Form::of(words, resident.today(), entered),
        upload: upload::PATH,
        frame: Frame::own(words, PATH, &resident, &signed_in.csrf),
        words,
    }))
}

/// What is said of tickets, each year once, where no specific checkup of its year is known.
fn reminders(words: Words, tickets: &[Ticket], checkups: &[OwnCheckup]) -> Vec<String> {
    let was_there = |year: i32| {
        let mut of_year = checkups.iter().filter(|own| fiscal_year(own.checkup.day) == year);
        of_year.any(|own| own.checkup.event() == Metric::CHECKUP_SPECIFIC)
    };
    let mut last: BTreeMap<i32, LocalDay> = BTreeMap::new();
    for ticket in tickets.iter().filter(|ticket| !was_there(ticket.year)) {
        let until = last.entry(ticket.year).or_insert(ticket.until);
        *until = ticket.until.max(*until);
    }
    let told = |(year, until): (i32, LocalDay)| {
        let told = [("year", year.to_string()), ("day", day(words.0, until))];
        words.fill("checkups-ticket", told)
    };
    last.into_iter().map(told).collect()
}

/// The name of a metric.
pub fn name_of(words: Words, metric: Metric) -> &'static str {
    words.pick(metric.row().name_ja, metric.row().name_en)
}

/// When a checkup took place, in words.
pub fn when(words: Words, checkup: &Checkup) -> String {
    match checkup.year_only {
        true => words.with("checkups-in_year", "year", fiscal(words, fiscal_year(checkup.day))),
        false => day(words.0, checkup.day),
    }
}

/// A fiscal year in words: in Japanese by the era too, in English with its months.
pub fn fiscal(words: Words, year: i32) -> String {
    let also = match words.0 {
        Language::Ja => of_era(year),
        Language::En => format!("April {year} to March {}", year + 1),
    };
    words.fill("checkups-fiscal", [("year", year.to_string()), ("also", also)])
}

/// A year since 1989 by its era. Fiscal 2019 is the first of Reiwa as a whole, though the era began a month into it.
fn of_era(year: i32) -> String {
    match year - 2018 {
        1 => "令和元".to_owned(),
        of_era @ 2.. => format!("令和{of_era}"),
        before => format!("平成{}", before + 30),
    }
}

fn line(words: Words, own: &OwnCheckup) -> Line {
    let checkup = &own.checkup;
    let title = words.fill(
        "checkups-of",
        [
            ("year", fiscal_year(checkup.day).to_string()),
            ("kind", name_of(words, checkup.event()).to_owned()),
        ],
    );
    Line {
        number: own.number,
        title,
        day: when(words, checkup),
        facility: checkup.facility.name.clone(),
        results: words.with("checkups-results", "count", checkup.findings.len()),
        is_declared: checkup.word == Told::Declared,
    }
}

/// One of the resident's own checkups.
///
/// # Errors
/// What reading can answer.
pub async fn own(state: &AppState, signed_in: &SignedIn, number: &str) -> Result<Option<Arc<OwnCheckup>>, StoreError> {
    let checkups = state.store.checkups(&signed_in.own).await?;
    let found = checkups.into_iter().find(|own| number.parse() == Ok(own.number));
    Ok(found.map(Arc::new))
}

#[cfg(test)]
#[path = "checkups_tests.rs"]
pub mod tests;
