//! `/portal/checkups`: a resident's checkups by year, and the form with which they say themselves that one took place.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use model::checkup::{Checkup, Finding, Found, Item, Ticket, Told, fiscal_year};
use model::{Decimal, LocalDay, Metric, Source, SourceKind};
use store::{BatchStart, OwnCheckup, Store, StoreError};
use unicode_normalization::UnicodeNormalization as _;

use super::checkup_detail::unit_for_people;
use super::form::Sent;
use super::page::{Frame, Pressed, send, shown};
use super::resident::{Resident, day};
use super::words::Words;
use super::{Problem, error_page, upload};
use crate::sign_in::SignedIn;
use crate::state::AppState;

/// Where the page lies.
pub const PATH: &str = "/portal/checkups";

/// What a resident may type of a checkup, as items whose method they need not know.
const TYPED: [&str; 13] = [
    "9N001000000000001",
    "9N006000000000001",
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

#[derive(Template)]
#[template(path = "checkups.html")]
struct View {
    frame: Frame,
    words: Words,
    csrf: String,
    problem: Option<String>,
    /// Of checkups that the resident may still go to.
    tickets: Vec<String>,
    checkups: Vec<Line>,
    kinds: Vec<(&'static str, String, bool)>,
    fields: Vec<Field>,
    /// What was entered as the day.
    on: String,
    /// The last day that can be entered.
    today: String,
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

/// A number that can be typed.
struct Field {
    code: &'static str,
    label: String,
    unit: String,
    value: String,
}

/// What was entered, by the names of the fields.
type Entered = HashMap<String, String>;

/// `GET /portal/checkups`.
pub async fn show(State(state): State<AppState>, signed_in: SignedIn, headers: HeaderMap) -> Response {
    let view = view(&state, &signed_in, &Entered::new(), None).await;
    shown(view, &headers, "the page of checkups could not be made")
}

async fn view(
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
    let value = |name: &str| entered.get(name).cloned().unwrap_or_default();
    let chosen = value("kind");
    Ok(Some(View {
        csrf: signed_in.csrf.clone(),
        problem,
        tickets: reminders(words, &tickets, &checkups),
        checkups: checkups.iter().map(|own| line(words, own)).collect(),
        kinds: declarable()
            .map(|kind| (kind.key(), name_of(words, kind).to_owned(), kind.key() == chosen))
            .collect(),
        fields: TYPED
            .into_iter()
            .filter_map(|code| {
                let item = Item::from_code(code)?;
                Some(Field {
                    code,
                    label: label(words, item),
                    unit: unit_for_people(item.row().ucum),
                    value: value(code),
                })
            })
            .collect(),
        on: value("on"),
        today: resident.today().to_string(),
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
        day: day(words.0, checkup.day),
        facility: checkup.facility.name.clone(),
        results: words.with("checkups-results", "count", checkup.findings.len()),
        is_declared: checkup.word == Told::Declared,
    }
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
    let entered = |name: &str| form.get(name).map_or("", String::as_str);
    let kind = Metric::from_key(entered("kind")).filter(|kind| declarable().any(|own| own == *kind));
    let Some(kind) = kind else {
        return Ok(Some(words.say("checkups-no_kind")));
    };
    let today = resident.today();
    let earliest = LocalDay::parse("1980-01-01").unwrap_or_default();
    let on = LocalDay::parse(entered("on")).filter(|on| (earliest..=today).contains(on));
    let Some(on) = on else {
        return Ok(Some(words.say("checkups-no_day")));
    };
    let mut findings = Vec::new();
    for code in TYPED {
        let written: String = entered(code).nfkc().filter(|c| !c.is_whitespace()).take(16).collect();
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
            None => return Ok(Some(words.with("checkups-no_number", "name", label(words, item)))),
        }
    }
    let checkups = state.store.checkups(&signed_in.own).await?;
    let same_year = |own: &&OwnCheckup| {
        own.checkup.event() == kind && fiscal_year(own.checkup.day) == fiscal_year(on) && own.checkup.day != on
    };
    if checkups.iter().find(same_year).is_some() {
        return Ok(Some(words.say("checkups-known")));
    }
    let checkup = Checkup::declared(kind, on, today, findings);
    keep(state.store.clone(), signed_in, checkup).await?;
    Ok(None)
}

fn finding(item: Item, number: Decimal) -> Finding {
    Finding {
        item,
        reading: 0,
        result: Found::Quantity(number, item.row().ucum.to_owned()),
        interpretation: None,
        method: None,
        range: None,
        doctor: None,
        day: None,
    }
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
mod tests;
