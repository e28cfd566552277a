//! The form of `/portal/checkups` with which residents say themselves that a checkup took place, on a day or in a fiscal year, and
//! take back what they said.

use std::collections::HashMap;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use model::checkup::{Checkup, FIRST_YEAR, Finding, Found, Item, Told, fiscal_year, fiscal_year_days};
use model::{Decimal, LocalDay, Metric, Source, SourceKind};
use store::{BatchStart, OwnCheckup, Store, StoreError};
use unicode_normalization::UnicodeNormalization as _;

use super::checkup_detail::unit_for_people;
use super::checkups::{PATH, fiscal, name_of, own, view};
use super::form::Sent;
use super::page::{Pressed, send};
use super::resident::{Resident, day};
use super::words::Words;
use super::{Problem, error_page};
use crate::sign_in::SignedIn;
use crate::state::AppState;

/// What a resident may type of a checkup, as items whose method they need not know.
const TYPED: [&str; 14] = [
    "9N001000000000001",
    "9N006000000000001",
    "9N011000000000001",
    "9N016160300000001",
    "9A751000000000001",
    "9A761000000000001",
    "3F070000002399901",
    "3F077000002399901",
    "3F015000002399901",
    "3B035000002399901",
    "3B045000002399901",
    "3B090000002399901",
    "3D010000001999901",
    "3D046000001999902",
];

/// The adapter's name under which deliveries of what residents say stand.
const RESIDENT: &str = "resident";

/// What was entered, by the names of the fields.
pub type Entered = HashMap<String, String>;

/// The form, with what was entered.
pub struct Form {
    /// Key and name of each kind, and whether it was chosen.
    pub kinds: Vec<(&'static str, String, bool)>,
    /// Fiscal years the same way, the running one first.
    pub years: Vec<(i32, String, bool)>,
    /// What was entered as the day.
    pub on: String,
    /// The first day that can be entered, and the last.
    pub days: (String, String),
    /// Numbers that can be typed.
    pub fields: Vec<Field>,
}

/// A number that can be typed.
pub struct Field {
    /// The code of its item.
    pub code: &'static str,
    /// What it is.
    pub label: String,
    /// In which unit.
    pub unit: String,
    /// What was entered.
    pub value: String,
}

impl Form {
    /// On a day.
    pub fn of(words: Words, today: LocalDay, entered: &Entered) -> Self {
        let value = |name: &str| entered.get(name).cloned().unwrap_or_default();
        let (kind, year) = (value("kind"), value("year"));
        let (first, last) = declarable_days(today);
        let field = |code| {
            let item = Item::from_code(code)?;
            Some(Field {
                code,
                label: label(words, item),
                unit: unit_for_people(item.row().ucum),
                value: value(code),
            })
        };
        Self {
            kinds: declarable()
                .map(|own| (own.key(), name_of(words, own).to_owned(), own.key() == kind))
                .collect(),
            years: (FIRST_YEAR..=fiscal_year(today))
                .rev()
                .map(|own| (own, fiscal(words, own), own.to_string() == year))
                .collect(),
            on: value("on"),
            days: (first.to_string(), last.to_string()),
            fields: TYPED.into_iter().filter_map(field).collect(),
        }
    }
}

/// The first and the last day of which something can be said.
fn declarable_days(today: LocalDay) -> (LocalDay, LocalDay) {
    let first = fiscal_year_days(FIRST_YEAR).map_or(today, |(first, _)| first);
    (first, today)
}

/// The name of an item without what stands in brackets: a resident reads which of several methods it was on the sheet.
fn label(words: Words, item: Item) -> String {
    let name = match item.row().part {
        Some(part) => match item.metric().shape() {
            model::vocabulary::Shape::Components(parts) => {
                let part = &parts[usize::from(part)];
                words.pick(part.name_ja, part.name_en)
            }
            _ => item.row().name_ja,
        },
        None => words.pick(item.row().name_ja, item.metric().row().name_en),
    };
    name.split(['(', '（']).next().unwrap_or(name).trim().to_owned()
}

/// `POST /portal/checkups`: the resident says that a checkup took place, and what they remember of it.
pub async fn declare(
    State(state): State<AppState>,
    headers: HeaderMap,
    Sent { signed_in, form }: Sent<SignedIn, Entered>,
) -> Response {
    match declared(&state, &signed_in, &form).await {
        Ok(None) => Redirect::to(PATH).into_response(),
        Ok(Some(problem)) => match view(&state, &signed_in, &form, Some(problem)).await {
            Ok(Some(view)) => send(StatusCode::UNPROCESSABLE_ENTITY, &view, None),
            Ok(None) => error_page(&headers, Problem::UnknownPerson),
            Err(error) => failed(&headers, &error),
        },
        Err(error) => failed(&headers, &error),
    }
}

fn failed(headers: &HeaderMap, error: &StoreError) -> Response {
    tracing::error!(%error, "a checkup could not be kept or shown");
    error_page(headers, Problem::Internal)
}

/// The kinds that a resident can say took place: guidance is none of a checkup.
fn declarable() -> impl Iterator<Item = Metric> {
    Checkup::EVENTS
        .into_iter()
        .filter(|kind| *kind != Metric::GUIDANCE_SPECIFIC)
}

/// Keeps what was said; what is wrong with it otherwise.
async fn declared(state: &AppState, signed_in: &SignedIn, form: &Entered) -> Result<Option<String>, StoreError> {
    let words = Words(signed_in.language);
    let Some(resident) = Resident::load(state, &signed_in.own).await? else {
        return Ok(None);
    };
    let said = match said(words, resident.today(), form) {
        Ok(said) => said,
        Err(problem) => return Ok(Some(problem)),
    };
    // A day that was said before is said anew, with the numbers that are known now.
    let is_known = |own: &OwnCheckup| {
        let known = &own.checkup;
        let is_said_anew = !said.year_only && known.day == said.day && known.event() == said.event();
        known.is_of_kind_and_year(&said) && !known.gives_way_to(&said) && !is_said_anew
    };
    if state.store.checkups(&signed_in.own).await?.iter().any(is_known) {
        return Ok(Some(words.say("checkups-known")));
    }
    keep(state.store.clone(), signed_in, said).await?;
    Ok(None)
}

/// What was said on a day by the fields of the form; what is wrong with it otherwise.
fn said(words: Words, today: LocalDay, form: &Entered) -> Result<Checkup, String> {
    let entered = |name: &str| form.get(name).map_or("", String::as_str);
    let kind = Metric::from_key(entered("kind")).filter(|kind| declarable().any(|own| own == *kind));
    let kind = kind.ok_or_else(|| words.say("checkups-no_kind"))?;
    let years = FIRST_YEAR..=fiscal_year(today);
    let no_year = || {
        let told = [("first", FIRST_YEAR.to_string()), ("last", years.end().to_string())];
        words.fill("checkups-no_year", told)
    };
    let year = match entered("year") {
        "" => None,
        year => Some(
            year.parse()
                .ok()
                .filter(|year| years.contains(year))
                .ok_or_else(no_year)?,
        ),
    };
    let (first, last) = declarable_days(today);
    let on = match entered("on") {
        "" => None,
        on => Some(
            LocalDay::parse(on)
                .filter(|on| (first..=last).contains(on))
                .ok_or_else(|| words.with("checkups-no_day", "first", day(words.0, first)))?,
        ),
    };
    let findings = numbers(words, form)?;
    match (year, on) {
        (Some(year), Some(on)) if fiscal_year(on) != year => Err(words.say("checkups-not_of_year")),
        (_, Some(on)) => Ok(Checkup::declared(kind, on, today, findings)),
        (Some(_), None) if !findings.is_empty() => Err(words.say("checkups-numbers_day")),
        (Some(year), None) => Checkup::declared_of_year(kind, year, today).ok_or_else(no_year),
        (None, None) => Err(words.say("checkups-no_when")),
    }
}

/// The numbers that were typed.
fn numbers(words: Words, form: &Entered) -> Result<Vec<Finding>, String> {
    let mut findings = Vec::new();
    for code in TYPED {
        let entered = form.get(code).map_or("", String::as_str);
        let written: String = entered.nfkc().filter(|c| !c.is_whitespace()).take(16).collect();
        let Some(item) = Item::from_code(code).filter(|_| !written.is_empty()) else {
            continue;
        };
        let row = item.row();
        let can_be = |number: &Decimal| {
            row.lowest.is_none_or(|lowest| number.compare(lowest).is_ge())
                && row.highest.is_none_or(|highest| number.compare(highest).is_le())
        };
        match Decimal::parse(written.as_bytes()).ok().filter(can_be) {
            Some(number) => findings.push(finding(item, number)),
            None => return Err(words.with("checkups-no_number", "name", label(words, item))),
        }
    }
    Ok(findings)
}

fn finding(item: Item, number: Decimal) -> Finding {
    Finding::new(item, Found::Quantity(number, item.row().ucum.to_owned()))
}

/// Keeps what a resident says as a delivery of its own.
async fn keep(store: Store, signed_in: &SignedIn, checkup: Checkup) -> Result<(), StoreError> {
    let person = signed_in.person;
    let kept = tokio::task::spawn_blocking(move || {
        let start = BatchStart {
            adapter: RESIDENT.to_owned(),
            mapping_version: 1,
        };
        let mut import = store.begin_import(person, start)?;
        let source = import.source(&Source {
            key: "checkup-declared".to_owned(),
            name: "本人の申告".to_owned(),
            kind: SourceKind::Document,
            ..Source::default()
        })?;
        import.checkup(source, checkup, Vec::new())?;
        match import.finish()?.accounting.rejected {
            0 => Ok(()),
            // What is entered is about oneself and of a day that there is: there are as many as there can be.
            _ => Err(StoreError::TooMany {
                what: "checkups",
                limit: 600,
            }),
        }
    });
    kept.await.map_err(|_| StoreError::Closed)?
}

/// `POST /portal/checkups/{number}/take-back`: what a resident said themselves is unsaid.
pub async fn take_back(
    State(state): State<AppState>,
    headers: HeaderMap,
    Path(number): Path<String>,
    Sent { signed_in, .. }: Sent<SignedIn, Pressed>,
) -> Response {
    let own = match own(&state, &signed_in, &number).await {
        Ok(own) => own.filter(|own| own.checkup.word == Told::Declared),
        Err(error) => return failed(&headers, &error),
    };
    let Some(own) = own else {
        return error_page(&headers, Problem::NotFound);
    };
    let today = match Resident::load(&state, &signed_in.own).await {
        Ok(Some(resident)) => resident.today(),
        Ok(None) => return error_page(&headers, Problem::UnknownPerson),
        Err(error) => return failed(&headers, &error),
    };
    match keep(state.store.clone(), &signed_in, own.checkup.taken_back(today)).await {
        Ok(()) => Redirect::to(PATH).into_response(),
        Err(error) => failed(&headers, &error),
    }
}

#[cfg(test)]
#[path = "checkup_declare_tests.rs"]
mod tests;
