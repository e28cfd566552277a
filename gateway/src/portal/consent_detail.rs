//! One consent in detail: what exactly was agreed to, every version with its receipt, and a form that gives less.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use consent::{Consent, ConsentState, Detail, Grant, IdentityGrant, receipt};
use store::{RegistrationState, StoreError};

use super::choices::{LINKING, UNTILS, identity_field};
use super::consents::find;
use super::page::{Frame, send};
use super::resident::{Resident, day};
use super::teller::{Card, Teller};
use super::words::Words;
use super::{PATH, Problem, error_page};
use crate::sign_in::SignedIn;
use crate::state::AppState;

/// Why a page of a consent cannot be shown.
pub(super) enum Trouble {
    Nothing,
    Store(StoreError),
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Trouble {
    pub(super) fn page(self, headers: &HeaderMap) -> Response {
        match self {
            Self::Nothing => error_page(headers, Problem::NotFound),
            Self::Store(error) => {
                tracing::error!(%error, "a page of a consent could not be made");
                error_page(headers, Problem::Internal)
            }
        }
    }
}

/// What the pages of one consent share.
pub(super) struct Looked {
    pub(super) resident: Resident,
    all: Vec<Consent>,
    history: Vec<Consent>,
}

impl Looked {
    pub(super) async fn at(state: &AppState, signed_in: &SignedIn, id: &str) -> Result<(Self, Consent), Trouble> {
        let resident = Resident::load(state, &signed_in.own).await?.ok_or(Trouble::Nothing)?;
        let all = state.store.consents(&signed_in.own).await?;
        let consent = find(&all, id).ok_or(Trouble::Nothing)?.clone();
        let history = state.store.consent_history(&signed_in.own, consent.id).await?;
        let looked = Self { resident, all, history };
        Ok((looked, consent))
    }

    /// Each thing that happened to the consent, the latest first: one that was given, and an end.
    pub(super) fn happened(&self) -> Vec<Consent> {
        let mut happened = Vec::new();
        for version in &self.history {
            if matches!(version.state, ConsentState::Withdrawn | ConsentState::Expired) {
                happened.push(version.clone());
            }
            happened.push(Consent {
                state: ConsentState::Active,
                changed_at: version.given_at,
                ..version.clone()
            });
        }
        happened
    }
}

#[derive(Template)]
#[template(path = "consent_detail.html")]
pub(super) struct View {
    frame: Frame,
    words: Words,
    csrf: String,
    card: Card,
    active: bool,
    text: Vec<String>,
    language: &'static str,
    contact: Vec<(String, String)>,
    versions: Vec<VersionLine>,
    grants: Vec<Narrowing>,
    identity: Vec<Choice>,
    untils: Vec<Choice>,
    problem: Option<String>,
}

struct VersionLine {
    what: String,
    number: String,
}

struct Narrowing {
    name: String,
    category: String,
    choices: Vec<Choice>,
}

struct Choice {
    value: String,
    label: String,
}

/// `GET /portal/consents/{id}`.
pub async fn show(
    State(state): State<AppState>,
    signed_in: SignedIn,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Response {
    match view(&state, &signed_in, &id, None).await {
        Ok(view) => send(StatusCode::OK, &view, None),
        Err(trouble) => trouble.page(&headers),
    }
}

pub(super) async fn view(
    state: &AppState,
    signed_in: &SignedIn,
    id: &str,
    problem: Option<&str>,
) -> Result<View, Trouble> {
    let (looked, consent) = Looked::at(state, signed_in, id).await?;
    let words = Words(signed_in.language);
    let teller = Teller::load(state, &signed_in.own, words, &looked.resident).await?;
    let accesses = state.store.accesses(&signed_in.own, None, 200).await?;
    let active = teller.is_active(&consent);
    let versions = looked
        .happened()
        .iter()
        .map(|happened| VersionLine {
            what: words.with(happened_key(happened), "when", teller.moment(happened.changed_at)),
            number: receipt::number(happened),
        })
        .collect();
    Ok(View {
        words,
        csrf: signed_in.csrf.clone(),
        card: teller.card(&consent, &looked.all, &accesses),
        active,
        text: consent.text.lines().map(str::to_owned).collect(),
        language: consent.language.tag(),
        contact: contact(words, &teller, &consent),
        versions,
        grants: consent
            .grants
            .iter()
            .enumerate()
            .map(|(place, grant)| narrowing(words, place, grant))
            .collect(),
        identity: identity_choices(words, consent.identity),
        untils: until_choices(words, &looked.resident, &consent),
        problem: problem.map(|key| words.say(key)),
        frame: Frame::own(
            words,
            format!("{PATH}/consents/{}", consent.id.0),
            &looked.resident,
            &signed_in.csrf,
        ),
    })
}

pub(super) fn happened_key(happened: &Consent) -> &'static str {
    match (happened.state, happened.version) {
        (ConsentState::Withdrawn, _) => "happened-withdrawn",
        (ConsentState::Expired, _) => "happened-expired",
        (_, 1) => "happened-given",
        (_, _) => "happened-changed",
    }
}

/// Who stands behind a recipient: what is known of it.
pub(super) fn contact(words: Words, teller: &Teller<'_>, consent: &Consent) -> Vec<(String, String)> {
    let Some(recipient) = teller.recipients.get(&consent.recipient) else {
        return Vec::new();
    };
    let about = &recipient.responsible;
    let basis = &recipient.basis;
    let until = basis
        .until
        .map(|until| day(words.0, teller.resident.day_of(until.plus(-1))));
    let basis_text = words.basis(basis, until);
    let mut lines: Vec<(String, String)> = [
        ("detail-company", &about.company),
        ("detail-contact", &about.contact),
        ("detail-basis", &basis_text),
        ("detail-policy", &about.privacy_policy),
    ]
    .into_iter()
    .filter(|(_, text)| !text.is_empty())
    .map(|(key, text)| (words.say(key), text.clone()))
    .collect();
    if recipient.state == RegistrationState::Blocked || basis.is_over(teller.resident.now) {
        lines.push((words.say("detail-state"), words.say("detail-blocked")));
    }
    lines
}

fn narrowing(words: Words, place: usize, grant: &Grant) -> Narrowing {
    let mut choices = vec![Choice {
        value: "same".to_owned(),
        label: words.with("narrow-same", "detail", words.detail(grant)),
    }];
    let coarser = Detail::ALL
        .into_iter()
        .filter(|detail| !grant.category.is_whole() && *detail != grant.detail && grant.detail.includes(*detail));
    choices.extend(coarser.map(|detail| Choice {
        value: detail.code().to_owned(),
        label: words.given_detail(detail),
    }));
    choices.push(Choice {
        value: "off".to_owned(),
        label: words.say("detail-off"),
    });
    Narrowing {
        name: format!("grant{place}"),
        category: words.category(grant.category),
        choices,
    }
}

/// The lines about who the person is that are given now, each to keep or not.
fn identity_choices(words: Words, identity: IdentityGrant) -> Vec<Choice> {
    let linking = identity.linking.map(|_| LINKING);
    identity
        .lines()
        .map(identity_field)
        .chain(linking)
        .map(|field| Choice {
            value: field.to_owned(),
            label: words.say(field),
        })
        .collect()
}

/// Ends that come before the present one.
fn until_choices(words: Words, resident: &Resident, consent: &Consent) -> Vec<Choice> {
    UNTILS
        .into_iter()
        .filter_map(|until| Some((until.name, until.months?)))
        .filter(|(_, months)| {
            let end = resident.end_of(resident.months_from_today(*months));
            consent.ends_at().is_none_or(|present| end < present)
        })
        .map(|(name, months)| Choice {
            value: name.to_owned(),
            label: words.with(
                &format!("consent-until-{name}"),
                "day",
                day(words.0, resident.months_from_today(months)),
            ),
        })
        .collect()
}

#[cfg(test)]
#[path = "consent_detail_tests.rs"]
mod tests;
