//! Checkups as wholes: a DiagnosticReport that names the results of one, and the resident's answers as a QuestionnaireResponse.
//!
//! Both are made of what the decision shows of a checkup: a report of those whose taking place is given with its values, answers as far
//! as they are given, and of results only those that the token's scopes reach. A person has some ten checkups, so a search is one page.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use consent::Decision;
use consent::scope::{Interaction, Resource};
use fhir_profiles::{
    Issue, ReportView, SearchBundle, diagnostic_report, questionnaire_response, report_category, report_codes,
};
use jiff::tz::TimeZone;
use model::checkup::Finding;
use model::{LocalDay, RecordKey, RecordKind, UtcMillis};
use store::{Access, AccessItem, AccessKind, CheckupReport, Record, StoredSample, TimeBounds};

use super::observation::home_zone;
use super::parameters::{Interval, Parameters};
use super::plan::row_of;
use super::respond::{expressions, notices, resource, start_of};
use super::search::{Sent, address};
use super::token::Token;
use super::{FhirError, bounds, items, shaped, urls};
use crate::gate::Caller;
use crate::state::AppState;

/// What of a checkup is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The checkup, and which results it has.
    Report,
    /// The resident's answers.
    Answers,
}

impl Kind {
    /// The type.
    pub fn resource(self) -> Resource {
        match self {
            Self::Report => Resource::DiagnosticReport,
            Self::Answers => Resource::QuestionnaireResponse,
        }
    }

    /// What tells the ids of one checkup's resources apart.
    fn part(self) -> u16 {
        match self {
            Self::Report => 0,
            Self::Answers => 1,
        }
    }

    fn key(self, report: &CheckupReport) -> RecordKey {
        RecordKey {
            tie_break: self.part(),
            ..report.key
        }
    }
}

/// A resource that is found, before it is written.
struct Found<'r> {
    report: &'r CheckupReport,
    kind: Kind,
    id: String,
    /// What was given by it, for the record of the provision.
    given: Vec<&'r StoredSample>,
    answers: Vec<&'r Finding>,
    version: u64,
    updated: UtcMillis,
    dead: bool,
}

impl<'r> Found<'r> {
    /// What a checkup gives of this kind, where it gives anything.
    fn of(kind: Kind, report: &'r CheckupReport, caller: &Caller) -> Option<Self> {
        let id = caller.ids.id(kind.key(report));
        match kind {
            Kind::Report => {
                let took_place = report.took_place.as_ref()?;
                Some(Self {
                    report,
                    kind,
                    id,
                    given: vec![took_place],
                    answers: Vec::new(),
                    version: u64::from(took_place.version),
                    updated: took_place.committed,
                    dead: took_place.dead,
                })
            }
            Kind::Answers => {
                let all = report.answers();
                let updated = all.iter().map(|(record, _)| record.committed).max()?;
                let living = all.iter().filter(|(record, _)| !record.dead);
                let answers: Vec<&Finding> = living.clone().map(|(_, finding)| *finding).collect();
                Some(Self {
                    report,
                    kind,
                    id,
                    given: all.iter().map(|(record, _)| *record).collect(),
                    dead: answers.is_empty(),
                    answers,
                    // Each change of an answer counts one up, and one that is gone has counted too.
                    version: all.iter().map(|(record, _)| u64::from(record.version)).sum(),
                    updated,
                })
            }
        }
    }

    fn view<'a>(&'a self, patient: &'a str) -> ReportView<'a> {
        ReportView {
            id: &self.id,
            patient,
            days: self.report.days,
            event: self.report.key.metric,
            programme: &self.report.programme,
            version: self.version,
            updated: self.updated,
            dead: self.dead,
        }
    }

    fn status(&self) -> &'static str {
        match (self.dead, self.kind) {
            (true, _) => "entered-in-error",
            (false, Kind::Report) => "final",
            (false, Kind::Answers) => "completed",
        }
    }

    fn render(&self, out: &mut Vec<u8>, caller: &Caller, patient: &str) {
        let view = self.view(patient);
        match self.kind {
            Kind::Report => {
                let reaches = |record: &&StoredSample| {
                    let row = row_of(record.key);
                    !record.dead
                        && Interaction::ALL
                            .into_iter()
                            .any(|interaction| caller.scopes.allows_metric(row, interaction))
                };
                let results = self.report.results.iter().filter(reaches);
                let ids: Vec<String> = results.map(|record| caller.ids.id(record.key)).collect();
                diagnostic_report(out, &view, &ids);
            }
            Kind::Answers => questionnaire_response(out, &view, &self.answers),
        }
    }

    fn records(&self) -> impl Iterator<Item = Record> + use<'_> {
        self.given.iter().map(|record| Record::Sample((*record).clone()))
    }
}

/// `GET DiagnosticReport/{id}`
pub async fn read_report(
    state: State<AppState>,
    caller: Caller,
    id: Path<String>,
    headers: HeaderMap,
) -> Result<Response, FhirError> {
    read(Kind::Report, state, caller, id, headers).await
}

/// `GET QuestionnaireResponse/{id}`
pub async fn read_answers(
    state: State<AppState>,
    caller: Caller,
    id: Path<String>,
    headers: HeaderMap,
) -> Result<Response, FhirError> {
    read(Kind::Answers, state, caller, id, headers).await
}

/// `GET {type}/{id}`
///
/// # Errors
/// What scopes and the gate can answer.
pub async fn read(
    kind: Kind,
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, FhirError> {
    caller.require(kind.resource(), Interaction::Read)?;
    let person = caller.token.person;
    let is_ours = |key: &RecordKey| key.person == person && key.kind == RecordKind::Document;
    let key = caller.ids.read(&id).filter(is_ours);
    let (state, caller, headers) = (&state, &caller, &headers);
    caller
        .through(state, AccessKind::Read, |decision: Decision| async move {
            let all = match key {
                Some(_) => reports(state, &decision).await?,
                None => Vec::new(),
            };
            let wanted = all.iter().find(|report| Some(kind.key(report)) == key);
            let Some(found) = wanted.and_then(|report| Found::of(kind, report, caller)) else {
                return Ok((None, Vec::new()));
            };
            let mut bytes = Vec::new();
            found.render(&mut bytes, caller, &caller.ids.patient(person));
            let answer = resource(headers, bytes, Some(found.version), Some(found.updated));
            let records: Vec<Record> = found.records().collect();
            Ok((Some(answer), items::of(&records)))
        })
        .await?
        .ok_or(FhirError::NotFound {
            resource: kind.resource().name(),
        })
}

async fn reports(state: &AppState, decision: &Decision) -> Result<Vec<CheckupReport>, FhirError> {
    let access = Access::Decision(decision);
    Ok(state.store.checkup_reports(access, decision.decided_at()).await?)
}

/// `GET DiagnosticReport?…` and `POST DiagnosticReport/_search`
pub async fn search_reports(state: State<AppState>, caller: Caller, sent: Sent) -> Result<Response, FhirError> {
    search(Kind::Report, state, caller, sent).await
}

/// `GET QuestionnaireResponse?…` and `POST QuestionnaireResponse/_search`
pub async fn search_answers(state: State<AppState>, caller: Caller, sent: Sent) -> Result<Response, FhirError> {
    search(Kind::Answers, state, caller, sent).await
}

/// `GET {type}?…`: the latest first.
///
/// # Errors
/// What scopes, parameters and the gate can answer.
pub async fn search(
    kind: Kind,
    State(state): State<AppState>,
    caller: Caller,
    sent: Sent,
) -> Result<Response, FhirError> {
    caller.require(kind.resource(), Interaction::Search)?;
    let name = kind.resource().name();
    let (state, caller, base) = (&state, &caller, urls::base(&state));
    let parameters = Parameters::read(name, &base, &sent.pairs, sent.handling)?;
    let expressions = expressions(&parameters.ignored);
    let notices = notices(&parameters.ignored, &expressions, false);
    let self_url = address(state, name, &parameters.used);
    let (base, parameters, notices, self_url) = (&base, &parameters, &notices, &self_url);
    caller
        .through(state, AccessKind::Search, |decision: Decision| async move {
            let (found, items) = found(kind, state, caller, &decision, parameters).await?;
            Ok((on_one_page(&found, name, base, self_url, notices), items))
        })
        .await
        .map(|bytes| shaped(bytes, parameters))
}

/// A Bundle of these resources of one type, by their ids.
pub fn on_one_page(
    found: &[(String, Vec<u8>)],
    name: &str,
    base: &str,
    self_url: &str,
    notices: &[Issue<'_>],
) -> Vec<u8> {
    let mut out = Vec::new();
    let mut bundle = SearchBundle::begin(&mut out, self_url, None);
    for (id, resource) in found {
        bundle.matched(&mut out, base, name, id, |out| out.extend_from_slice(resource));
    }
    if !notices.is_empty() {
        bundle.outcome(&mut out, notices);
    }
    bundle.end(&mut out);
    out
}

/// Id and resource of what fits, the latest first; and what was given by it.
///
/// # Errors
/// What parameters and reading can answer.
pub async fn found(
    kind: Kind,
    state: &AppState,
    caller: &Caller,
    decision: &Decision,
    parameters: &Parameters,
) -> Result<(Vec<(String, Vec<u8>)>, Vec<AccessItem>), FhirError> {
    let patient = caller.ids.patient(caller.token.person);
    let bounds = Bounds::read(state, decision, parameters).await?;
    let mut all = match parameters.is_about(&patient) {
        true => reports(state, decision).await?,
        false => Vec::new(),
    };
    all.sort_by_key(|report| std::cmp::Reverse((report.days, report.key)));
    let (mut resources, mut records) = (Vec::new(), Vec::new());
    for found in all.iter().filter_map(|report| Found::of(kind, report, caller)) {
        if fits(parameters, &bounds, &found, &patient) {
            let mut bytes = Vec::new();
            found.render(&mut bytes, caller, &patient);
            records.extend(found.records());
            resources.push((found.id, bytes));
        }
    }
    Ok((resources, items::of(&records)))
}

/// Bounds on days and on changes, as the parameters of a search say them.
pub struct Bounds {
    home: TimeZone,
    times: TimeBounds,
    periods: TimeBounds,
    updated: (Option<UtcMillis>, Option<UtcMillis>),
    excluded: (Vec<Interval>, Vec<Interval>),
}

impl Bounds {
    /// Reads them, dates without a zone in the person's own.
    ///
    /// # Errors
    /// [`FhirError::BadParameter`], and what reading can answer.
    pub async fn read(state: &AppState, decision: &Decision, parameters: &Parameters) -> Result<Self, FhirError> {
        let home = home_zone(state, decision).await?;
        Ok(Self {
            times: parameters.times(&home)?,
            periods: parameters.periods(&home)?,
            updated: parameters.updates(&home)?,
            excluded: parameters.excluded(&home)?,
            home,
        })
    }

    /// True for what was from an instant until another, and was changed at a third.
    pub fn hold(&self, (start, end): Interval, updated: UtcMillis) -> bool {
        let (days, updates) = &self.excluded;
        bounds::hold(&self.times, start, end)
            && bounds::hold_instant(&self.updated, updated)
            && !days.iter().any(|(from, until)| *from <= start && end <= *until)
            && !updates.iter().any(|(from, until)| (*from..*until).contains(&updated))
    }

    /// True where the period that was asked for has this day.
    pub fn hold_period(&self, day: LocalDay) -> bool {
        let (start, end) = self.day(day);
        bounds::hold(&self.periods, start, end)
    }

    /// A day from its beginning to its end, at home.
    pub fn day(&self, day: LocalDay) -> Interval {
        self.days((day, day))
    }

    /// Days from the beginning of the first to the end of the last, at home.
    fn days(&self, (first, last): (LocalDay, LocalDay)) -> Interval {
        (start_of(first, &self.home), start_of(last.plus(1), &self.home))
    }

    /// True where changes were asked for.
    fn are_on_changes(&self) -> bool {
        self.updated != (None, None)
    }
}

/// True where each group of tokens has one of these codes.
pub fn has(groups: &[Vec<Token>], codes: &[(&'static str, &str)]) -> bool {
    groups.iter().all(|group| {
        let fits = |token: &Token| codes.iter().any(|(system, code)| token.fits(system, code));
        group.iter().any(fits)
    })
}

fn fits(parameters: &Parameters, bounds: &Bounds, found: &Found<'_>, patient: &str) -> bool {
    // What was entered in error comes to who asks for it, or for changes.
    let shows_dead = !found.dead || parameters.asks_for_errors() || bounds.are_on_changes();
    shows_dead
        && !parameters.asks_for_what_is_not_there()
        && parameters.is_of_status(found.status())
        && parameters
            .wanted_ids()
            .is_none_or(|ids| ids.contains(&found.id.as_str()))
        && has(&parameters.codes, &report_codes(&found.view(patient)))
        && has(&parameters.categories, &[report_category()])
        && bounds.hold(bounds.days(found.report.days), found.updated)
}
