//! Documents of checkups, for who was given documents: a DocumentReference says which there are, a Binary is the bytes.
//!
//! What goes out is the document without what names the resident to an insurer; one that cannot be taken apart is not there. Both are
//! made of the same read, past the same decision: a Binary is no easier to reach than its DocumentReference.

use adapters::checkup::without_insurance;
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use consent::scope::{Interaction, Resource};
use consent::{Decision, Detail};
use fhir_profiles::{DocumentView, binary, document_category, document_reference, document_type};
use model::{ConsentCategory, PersonId, RecordKey, RecordKind};
use store::{Access, AccessItem, AccessKind, CheckupOriginal};

use super::parameters::Parameters;
use super::report::{Bounds, has, on_one_page};
use super::respond::{expressions, notices, resource};
use super::search::{Sent, address};
use super::{FhirError, negotiate, shaped, urls};
use crate::gate::{Caller, Given};
use crate::state::AppState;

/// What tells the ids of one checkup's resources apart: report 0, answers 1.
const REFERENCE: u16 = 2;
const BINARY: u16 = 3;

/// The media type of electronic checkup documents.
const XML: &str = "application/xml";

/// A document as it goes out.
struct Outgoing {
    key: RecordKey,
    id: String,
    binary_id: String,
    title: String,
    original: CheckupOriginal,
    hash: String,
}

impl Outgoing {
    fn of(mut original: CheckupOriginal, caller: &Caller) -> Option<Self> {
        original.bytes = without_insurance(&original.bytes)?;
        let id = |part| {
            caller.ids.id(RecordKey {
                tie_break: part,
                ..original.key
            })
        };
        Some(Self {
            key: original.key,
            id: id(REFERENCE),
            binary_id: id(BINARY),
            title: format!("{} {}", original.key.metric.row().name_ja, original.day),
            hash: STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &original.bytes)),
            original,
        })
    }

    fn view<'a>(&'a self, patient: &'a str) -> DocumentView<'a> {
        DocumentView {
            id: &self.id,
            binary: &self.binary_id,
            patient,
            day: self.original.day,
            event: self.key.metric,
            title: &self.title,
            content_type: XML,
            size: self.original.bytes.len() as u64,
            hash: &self.hash,
            version: self.original.version,
            updated: self.original.committed,
        }
    }
}

fn given<'d>(documents: impl Iterator<Item = &'d Outgoing>) -> Given {
    let days: Vec<_> = documents.map(|document| document.original.day).collect();
    let (Some(first_day), Some(last_day)) = (days.iter().min(), days.iter().max()) else {
        return Given::default();
    };
    Given::from(vec![AccessItem {
        category: ConsentCategory::Documents,
        detail: Detail::Raw,
        first_day: *first_day,
        last_day: *last_day,
        count: u32::try_from(days.len()).unwrap_or(u32::MAX),
    }])
}

/// The checkup whose document an id of this part names.
fn checkup_of(caller: &Caller, id: &str, part: u16, person: PersonId) -> Option<RecordKey> {
    let key = caller.ids.read(id)?;
    let is_it = key.person == person && key.kind == RecordKind::Document && key.tie_break == part;
    is_it.then_some(RecordKey { tie_break: 0, ..key })
}

async fn one(
    state: &AppState,
    caller: &Caller,
    decision: &Decision,
    key: Option<RecordKey>,
) -> Result<Option<Outgoing>, FhirError> {
    let Some(key) = key else { return Ok(None) };
    let access = Access::Decision(decision);
    let found = state
        .store
        .checkup_originals(access, Some(key), decision.decided_at())
        .await?;
    Ok(found.into_iter().next().and_then(|found| Outgoing::of(found, caller)))
}

/// `GET DocumentReference/{id}`
pub async fn read(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, FhirError> {
    caller.require(Resource::DocumentReference, Interaction::Read)?;
    let person = caller.token.person;
    let key = checkup_of(&caller, &id, REFERENCE, person);
    let (state, caller, headers) = (&state, &caller, &headers);
    caller
        .through(state, AccessKind::Read, |decision: Decision| async move {
            let found = one(state, caller, &decision, key).await?;
            let answer = found.as_ref().map(|found| {
                let patient = caller.ids.patient(person);
                let view = found.view(&patient);
                let mut bytes = Vec::new();
                document_reference(&mut bytes, &view);
                resource(headers, bytes, Some(view.version), Some(view.updated))
            });
            Ok((answer, given(found.iter())))
        })
        .await?
        .ok_or(FhirError::NotFound {
            resource: "DocumentReference",
        })
}

/// `GET Binary/{id}`: the bytes themselves, or the resource where JSON of FHIR is asked for (R4 Binary, "Serving Binary Resources").
pub async fn read_binary(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, FhirError> {
    caller.require(Resource::Binary, Interaction::Read)?;
    let person = caller.token.person;
    let key = checkup_of(&caller, &id, BINARY, person);
    let as_resource = negotiate::names_json(query.as_deref().unwrap_or_default(), &headers);
    let (state, caller, headers) = (&state, &caller, &headers);
    caller
        .through(state, AccessKind::Read, |decision: Decision| async move {
            let found = one(state, caller, &decision, key).await?;
            let answer = found.as_ref().map(|found| {
                let patient = caller.ids.patient(person);
                let view = found.view(&patient);
                if !as_resource {
                    return plain(found);
                }
                let mut bytes = Vec::new();
                binary(&mut bytes, &view, &STANDARD.encode(&found.original.bytes));
                resource(headers, bytes, Some(view.version), Some(view.updated))
            });
            Ok((answer, given(found.iter())))
        })
        .await?
        .ok_or(FhirError::NotFound { resource: "Binary" })
}

/// The bytes: to be kept, and never shown in a page of ours.
fn plain(document: &Outgoing) -> Response {
    let mut response = Body::from(document.original.bytes.clone()).into_response();
    let name = format!("attachment; filename=\"checkup-{}.xml\"", document.original.day);
    for (header, value) in [
        (header::CONTENT_TYPE, XML),
        (header::CONTENT_DISPOSITION, &name),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
    ] {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(header, value);
        }
    }
    response
}

/// `GET DocumentReference?…` and `POST DocumentReference/_search`: the latest first.
pub async fn search(State(state): State<AppState>, caller: Caller, sent: Sent) -> Result<Response, FhirError> {
    const NAME: &str = "DocumentReference";
    caller.require(Resource::DocumentReference, Interaction::Search)?;
    let (state, caller, base) = (&state, &caller, urls::base(&state));
    let parameters = Parameters::read(NAME, &base, &sent.pairs, sent.handling)?;
    let expressions = expressions(&parameters.ignored);
    let notices = notices(&parameters.ignored, &expressions, false);
    let self_url = address(state, NAME, &parameters.used);
    let (base, parameters, notices, self_url) = (&base, &parameters, &notices, &self_url);
    caller
        .through(state, AccessKind::Search, |decision: Decision| async move {
            let (found, items) = found(state, caller, &decision, parameters, DateOf::Writing).await?;
            Ok((on_one_page(&found, NAME, base, self_url, notices), items))
        })
        .await
        .map(|bytes| shaped(bytes, parameters))
}

/// What the parameter `date` is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateOf {
    /// When the reference came to be (R4 DocumentReference.date).
    Writing,
    /// The day of the checkup (R4 Patient `$everything`, `start` and `end`: dates of care).
    Checkup,
}

/// Id and reference of what fits, the latest first; and what was given by it.
///
/// # Errors
/// What parameters and reading can answer.
pub async fn found(
    state: &AppState,
    caller: &Caller,
    decision: &Decision,
    parameters: &Parameters,
    date_of: DateOf,
) -> Result<(Vec<(String, Vec<u8>)>, Vec<AccessItem>), FhirError> {
    let patient = caller.ids.patient(caller.token.person);
    let bounds = Bounds::read(state, decision, parameters).await?;
    let access = Access::Decision(decision);
    let all = match parameters.is_about(&patient) {
        true => {
            let now = decision.decided_at();
            state.store.checkup_originals(access, None, now).await?
        }
        false => Vec::new(),
    };
    let fits = |document: &Outgoing| {
        let original = &document.original;
        let date = match date_of {
            DateOf::Writing => (original.committed, original.committed.plus(1)),
            DateOf::Checkup => bounds.day(original.day),
        };
        !parameters.asks_for_what_is_not_there()
            && parameters.is_of_status("current")
            && parameters
                .wanted_ids()
                .is_none_or(|ids| ids.contains(&document.id.as_str()))
            && has(&parameters.types, &[document_type()])
            && has(&parameters.categories, &[document_category()])
            && bounds.hold(date, original.committed)
            && bounds.hold_period(original.day)
    };
    let mut found: Vec<Outgoing> = all
        .into_iter()
        .filter_map(|original| Outgoing::of(original, caller))
        .filter(fits)
        .collect();
    found.sort_by_key(|document| std::cmp::Reverse((document.original.day, document.key)));
    let items = given(found.iter()).items;
    let references = found.into_iter().map(|document| {
        let mut bytes = Vec::new();
        document_reference(&mut bytes, &document.view(&patient));
        (document.id, bytes)
    });
    Ok((references.collect(), items))
}
