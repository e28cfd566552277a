//! A new version of a consent that gives less: what the form says, held against what was agreed to.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use consent::{Consent, ConsentDraft, Detail, Grant, IdentityGrant};

use super::PATH;
use super::choices::{LINKING, UNTILS, identity_field, value};
use super::consent_detail::{Looked, Trouble, view};
use super::consents::again;
use super::form::Sent;
use super::page::send;
use super::resident::Resident;
use super::teller::Teller;
use super::words::Words;
use crate::oauth::handles;
use crate::sign_in::SignedIn;
use crate::state::AppState;

/// `POST /portal/consents/{id}/narrow`: a new version that gives less. The app keeps its tokens, and is told.
pub async fn narrow(
    State(state): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Sent { signed_in, form }: Sent<SignedIn, Vec<(String, String)>>,
) -> Response {
    match narrowed(&state, &signed_in, &id, &form).await {
        Ok(None) => Redirect::to(&format!("{PATH}?done=narrowed")).into_response(),
        Ok(Some(problem)) => match view(&state, &signed_in, &id, Some(problem)).await {
            Ok(view) => send(StatusCode::UNPROCESSABLE_ENTITY, &view, None),
            Err(trouble) => trouble.page(&headers),
        },
        Err(trouble) => trouble.page(&headers),
    }
}

async fn narrowed(
    state: &AppState,
    signed_in: &SignedIn,
    id: &str,
    form: &[(String, String)],
) -> Result<Option<&'static str>, Trouble> {
    let (looked, consent) = Looked::at(state, signed_in, id).await?;
    let words = Words(signed_in.language);
    let teller = Teller::load(state, &signed_in.own, words, &looked.resident).await?;
    if !teller.is_active(&consent) {
        return Ok(Some("narrow-over"));
    }
    let Some((grants, identity)) = less(&consent, &looked.resident, form) else {
        return Ok(Some("problem-unreadable"));
    };
    if grants.is_empty() && !identity.gives_something() {
        return Ok(Some("narrow-nothing"));
    }
    if grants == consent.grants && identity == consent.identity {
        return Ok(Some("narrow-unchanged"));
    }
    let text = narrowed_text(words, &teller, &consent, &grants, identity);
    let draft = ConsentDraft {
        grants,
        identity,
        language: signed_in.language,
        text_hash: handles::hash(&text),
        text,
        ..again(&consent, signed_in)
    };
    state.store.give_consent(draft).await?;
    Ok(None)
}

/// What is left of a consent: each grant the same, by the day, or not at all; lines that are kept; an earlier end. `None` for an
/// answer that the page does not offer.
fn less(consent: &Consent, resident: &Resident, form: &[(String, String)]) -> Option<(Vec<Grant>, IdentityGrant)> {
    let end = match value(form, "until") {
        None | Some("same") => None,
        Some(name) => {
            let months = UNTILS.into_iter().find(|until| until.name == name)?.months?;
            Some(resident.end_of(resident.months_from_today(months)))
        }
    };
    let sooner = |expires: Option<model::UtcMillis>| match (expires, end) {
        (Some(expires), Some(end)) => Some(expires.min(end)),
        (expires, end) => expires.or(end),
    };
    let mut grants = Vec::new();
    for (place, grant) in consent.grants.iter().enumerate() {
        let detail = match value(form, &format!("grant{place}"))? {
            "same" => grant.detail,
            "off" => continue,
            code => Detail::from_code(code).filter(|detail| grant.detail.includes(*detail))?,
        };
        if !grant.is_live(resident.now) {
            continue;
        }
        grants.push(Grant {
            detail,
            // Under raw the running day always showed; that it shows under less was not agreed.
            running_day: grant.running_day && detail == grant.detail,
            expires: sooner(grant.expires),
            ..grant.clone()
        });
    }
    let keep = |field: &str| value(form, field) == Some("yes");
    let kept = consent.identity.lines().filter(|line| keep(identity_field(*line)));
    let identity = IdentityGrant {
        linking: consent.identity.linking.filter(|_| keep(LINKING)),
        expires: sooner(consent.identity.expires),
        ..IdentityGrant::of(kept)
    };
    let nothing = IdentityGrant {
        expires: consent.identity.expires,
        ..IdentityGrant::NOTHING
    };
    Some((grants, if identity.gives_something() { identity } else { nothing }))
}

/// What is left, in words: kept with the new version.
fn narrowed_text(
    words: Words,
    teller: &Teller<'_>,
    consent: &Consent,
    grants: &[Grant],
    identity: IdentityGrant,
) -> String {
    let opening = vec![
        words.with("text-narrowed", "recipient", teller.recipient(consent.recipient)),
        words.with("text-purpose", "purpose", teller.purpose(consent)),
    ];
    terms_text(
        words,
        teller,
        opening,
        grants,
        identity,
        words.say("consent-afterwards"),
    )
}

/// What is given, in words, after an opening.
pub(super) fn terms_text(
    words: Words,
    teller: &Teller<'_>,
    opening: Vec<String>,
    grants: &[Grant],
    identity: IdentityGrant,
    afterwards: String,
) -> String {
    let mut lines = opening;
    lines.push(words.say(if grants.is_empty() { "text-no-data" } else { "text-data" }));
    for grant in grants {
        lines.push(words.fill(
            "text-narrowed-line",
            [
                ("category", words.category(grant.category)),
                ("detail", words.detail(grant)),
                ("from", words.starting_when(grant.period.from)),
            ],
        ));
    }
    lines.push(match words.identity(identity) {
        Some(identity) => words.with("text-identity", "lines", identity),
        None => words.say("text-identity-none"),
    });
    let end = grants
        .iter()
        .map(|grant| grant.expires)
        .chain(identity.gives_something().then_some(identity.expires))
        .try_fold(model::UtcMillis(i64::MIN), |latest, expires| Some(latest.max(expires?)));
    lines.push(words.with(
        "text-until",
        "until",
        words.until_when(end.map(|end| teller.resident.day_of(end.plus(-1)))),
    ));
    lines.push(words.with("consent-stop-text", "afterwards", afterwards));
    lines.join("\n")
}
