//! `/portal/checkups/{number}`: one checkup of a resident, every result in words, and the document that told it.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use model::checkup::items;
use model::checkup::{Finding, Found, Told, fiscal_year};
use store::StoreError;

use super::checkups::{self, name_of, when};
use super::page::{Frame, shown};
use super::resident::Resident;
use super::words::Words;
use super::{Problem, error_page};
use crate::sign_in::SignedIn;
use crate::state::AppState;

/// Groups in the order of the page: codes of JP Core's simple observation categories.
const GROUPS: [&str; 7] = [
    "body-measurement",
    "vital-signs",
    "laboratory",
    "exam",
    "imaging",
    "survey",
    "social-history",
];

#[derive(Template)]
#[template(path = "checkup.html")]
struct View {
    frame: Frame,
    words: Words,
    csrf: String,
    number: u16,
    title: String,
    day: String,
    facility: String,
    is_declared: bool,
    /// A document that the resident brought themselves.
    is_brought: bool,
    has_document: bool,
    /// Guidance after a checkup: of it there is no checkup report.
    is_guidance: bool,
    groups: Vec<(String, Vec<Row>)>,
}

/// A result.
struct Row {
    name: String,
    value: String,
    /// From where to where is usual, and on which side it lies.
    range: String,
    note: String,
}

/// `GET /portal/checkups/{number}`.
pub async fn show(
    State(state): State<AppState>,
    signed_in: SignedIn,
    Path(number): Path<String>,
    headers: HeaderMap,
) -> Response {
    match view(&state, &signed_in, &number).await {
        Ok(None) => error_page(&headers, Problem::NotFound),
        other => shown(other, &headers, "the page of a checkup could not be made"),
    }
}

async fn view(state: &AppState, signed_in: &SignedIn, number: &str) -> Result<Option<View>, StoreError> {
    let Some(resident) = Resident::load(state, &signed_in.own).await? else {
        return Ok(None);
    };
    let Some(own) = checkups::own(state, signed_in, number).await? else {
        return Ok(None);
    };
    let words = Words(signed_in.language);
    let checkup = &own.checkup;
    let of_group = |group: &str| {
        let findings = checkup.findings.iter();
        let rows: Vec<Row> = findings
            .filter(|finding| in_group(finding, group))
            .map(|finding| row(words, finding))
            .collect();
        (words.say(&format!("checkups-group-{group}")), rows)
    };
    let title = words.fill(
        "checkups-of",
        [
            ("year", fiscal_year(checkup.day).to_string()),
            ("kind", name_of(words, checkup.event()).to_owned()),
        ],
    );
    let here = format!("{}/{}", checkups::PATH, own.number);
    Ok(Some(View {
        csrf: signed_in.csrf.clone(),
        number: own.number,
        title,
        day: when(words, checkup),
        facility: checkup.facility.name.clone(),
        is_declared: checkup.word == Told::Declared,
        is_brought: checkup.word == Told::Brought,
        has_document: checkup.word.is_document(),
        is_guidance: checkup.is_guidance(),
        groups: GROUPS
            .into_iter()
            .map(of_group)
            .filter(|(_, rows)| !rows.is_empty())
            .collect(),
        frame: Frame::own(words, here, &resident, &signed_in.csrf),
        words,
    }))
}

fn in_group(finding: &Finding, group: &str) -> bool {
    let category = finding.item.row().category;
    // Whatever has no group of its own stands with the examinations.
    category == group || (group == "exam" && !GROUPS.contains(&category))
}

fn row(words: Words, finding: &Finding) -> Row {
    let item = finding.item.row();
    let number = |number: &model::Decimal, unit: &str| format!("{number} {}", unit_for_people(unit)).trim().to_owned();
    let value = match &finding.result {
        Found::Quantity(value, unit) => number(value, unit),
        Found::AtLeast(value, unit) => words.with("checkups-at_least", "value", number(value, unit)),
        Found::AtMost(value, unit) => words.with("checkups-at_most", "value", number(value, unit)),
        Found::Answer(list, code) => {
            let name = items::answer_of(list, code);
            name.map_or_else(|| words.with("checkups-code", "code", code), str::to_owned)
        }
        Found::Text(text) => text.clone(),
        Found::NotPerformed => words.say("checkups-not_performed"),
        Found::NotMeasurable => words.say("checkups-not_measurable"),
    };
    let range = finding.range.as_ref().map(|range| {
        let bound = |bound: &Option<(model::Decimal, String)>| {
            bound
                .as_ref()
                .map_or_else(String::new, |(number, _)| number.to_string())
        };
        let dash = words.pick("～", " to ");
        words.with(
            "checkups-range",
            "range",
            format!("{}{dash}{}", bound(&range.low), bound(&range.high)),
        )
    });
    let mark = match finding.interpretation {
        Some('H') => words.say("checkups-high"),
        Some('L') => words.say("checkups-low"),
        _ => String::new(),
    };
    // 「なし」 is the name of the method of what is computed.
    let method = finding
        .method
        .as_deref()
        .and_then(|code| finding.item.name_of_method(code))
        .filter(|name| *name != "なし");
    Row {
        name: item.name_ja.to_owned(),
        value,
        range: [mark, range.unwrap_or_default()]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(words.pick("　", "; ")),
        note: method.unwrap_or_default().to_owned(),
    }
}

/// A unit without the signs that machines need.
pub fn unit_for_people(unit: &str) -> String {
    unit.replace("mm[Hg]", "mmHg")
        .replace("10*4/", "万/")
        .replace(['{', '}'], "")
}

/// `GET /portal/checkups/{number}/fhir`: the checkup as a FHIR document, which other services read.
pub async fn fhir(
    State(state): State<AppState>,
    signed_in: SignedIn,
    Path(number): Path<String>,
    headers: HeaderMap,
) -> Response {
    match checkups::own(&state, &signed_in, &number).await {
        Ok(Some(own)) if own.checkup.word.is_document() && !own.checkup.is_guidance() => {
            let mut document = Vec::new();
            let view = fhir_profiles::CheckupDocumentView {
                base: &crate::fhir::urls::base(&state),
                number: own.number,
                checkup: &own.checkup,
                now: state.clock.now(),
            };
            fhir_profiles::checkup_document(&mut document, &view);
            saved(
                &format!("checkup-{}.fhir.json", own.checkup.day),
                "application/fhir+json",
                document,
            )
        }
        Ok(_) => error_page(&headers, Problem::NotFound),
        Err(error) => {
            tracing::error!(%error, "a checkup could not be read");
            error_page(&headers, Problem::Internal)
        }
    }
}

/// A file that the browser keeps instead of showing it.
fn saved(name: &str, kind: &'static str, bytes: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    (headers, bytes).into_response()
}

/// `GET /portal/checkups/{number}/document`: the document as it came.
pub async fn document(
    State(state): State<AppState>,
    signed_in: SignedIn,
    Path(number): Path<String>,
    headers: HeaderMap,
) -> Response {
    let found = async {
        let Some(own) = checkups::own(&state, &signed_in, &number).await? else {
            return Ok(None);
        };
        let original = state.store.checkup_original(&signed_in.own, own.number).await?;
        Ok::<_, StoreError>(original.map(|original| (own.checkup.day, original)))
    };
    match found.await {
        Ok(Some((day, original))) => {
            // Documents come as XML, as FHIR or as a table, behind the mark of UTF-8 or UTF-16 if there is one.
            let is_mark =
                |byte: &&u8| matches!(byte, 0xef | 0xbb | 0xbf | 0xfe | 0xff | 0) || byte.is_ascii_whitespace();
            let (ending, kind) = match original.iter().find(|byte| !is_mark(byte)) {
                Some(b'<') => ("xml", "application/xml"),
                Some(b'{') => ("json", "application/fhir+json"),
                _ => ("csv", "text/csv"),
            };
            saved(&format!("checkup-{day}.{ending}"), kind, original)
        }
        Ok(None) => error_page(&headers, Problem::NotFound),
        Err(error) => {
            tracing::error!(%error, "a document could not be read");
            error_page(&headers, Problem::Internal)
        }
    }
}

#[cfg(test)]
#[path = "checkup_detail_tests.rs"]
mod tests;
