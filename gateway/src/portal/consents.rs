//! `/portal`: whom one shares with and how to stop, and what was shared. One button withdraws a consent; the page comes
//! back with a message.

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::Form;
use consent::{Consent, ConsentId, ConsentState, Detail, Grant, IdentityGrant};
use model::{ConsentCategory, LocalDay, RecipientId, UtcMillis};
use serde::Deserialize;
use store::{AccessEvent, Recipient, StoreError};

use super::page::{Frame, Reader, send};
use super::resident::{Resident, day};
use super::words::Words;
use super::{PATH, Problem, error_page};
use crate::sign_in::SignedIn;
use crate::state::AppState;

/// How many records of provision a page looks at.
const ACCESSES: usize = 200;

/// What the address of the page may say.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    /// What was done just now.
    #[serde(default)]
    done: Option<String>,
    /// Records of provision before this number.
    #[serde(default)]
    before: Option<u64>,
}

/// `GET /portal`.
pub async fn show(
    State(state): State<AppState>,
    signed_in: SignedIn,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Response {
    match view(&state, &signed_in, &asked).await {
        Ok(Some(view)) => send(StatusCode::OK, &view, None),
        Ok(None) => error_page(&headers, Problem::UnknownPerson),
        Err(error) => {
            tracing::error!(%error, "the page of consents could not be made");
            error_page(&headers, Problem::Internal)
        }
    }
}

/// The form of the button.
#[derive(Debug, Deserialize)]
pub struct Withdrawal {
    /// Shows that the form is ours.
    #[serde(default)]
    csrf: String,
}

/// `POST /portal/consents/{id}/withdraw`: takes effect before it answers.
pub async fn withdraw(
    State(state): State<AppState>,
    signed_in: SignedIn,
    headers: HeaderMap,
    Path(id): Path<String>,
    Form(form): Form<Withdrawal>,
) -> Response {
    if !signed_in.sent(&form.csrf) {
        return error_page(&headers, Problem::ForeignForm);
    }
    let Ok(id) = id.parse().map(ConsentId) else {
        return error_page(&headers, Problem::NotFound);
    };
    match state.store.withdraw_consent(&signed_in.own, id).await {
        Ok(_) => Redirect::to(&format!("{PATH}?done=withdrawn")).into_response(),
        Err(StoreError::NotFound { .. }) => error_page(&headers, Problem::NotFound),
        Err(StoreError::Consent(_)) => Redirect::to(&format!("{PATH}?done=already")).into_response(),
        Err(error) => {
            tracing::error!(%error, "a consent could not be withdrawn");
            error_page(&headers, Problem::Internal)
        }
    }
}

#[derive(Template)]
#[template(path = "portal.html")]
struct View {
    frame: Frame,
    words: Words,
    csrf: String,
    message: Option<String>,
    active: Vec<Card>,
    ended: Vec<Card>,
    accesses: Vec<AccessDay>,
    later: bool,
    earlier: Option<u64>,
}

struct Card {
    id: u64,
    recipient: String,
    purpose: String,
    grants: Vec<GrantLine>,
    identity: Option<String>,
    until: String,
    given: String,
    last: String,
    state: Option<String>,
}

struct GrantLine {
    category: String,
    detail: String,
    from: String,
}

struct AccessDay {
    day: String,
    lines: Vec<AccessLine>,
}

struct AccessLine {
    what: String,
    more: String,
}

async fn view(state: &AppState, signed_in: &SignedIn, asked: &Asked) -> Result<Option<View>, StoreError> {
    let Some(resident) = Resident::load(state, signed_in.person).await? else {
        return Ok(None);
    };
    let consents = state.store.consents(&signed_in.own).await?;
    let newest = state.store.accesses(&signed_in.own, None, ACCESSES).await?;
    let shown = match asked.before {
        Some(before) => state.store.accesses(&signed_in.own, Some(before), ACCESSES).await?,
        None => newest.clone(),
    };
    let recipients = state.store.recipients().await?;
    let teller = Teller {
        words: Words(signed_in.language),
        recipients: recipients
            .into_iter()
            .map(|recipient| (recipient.id, recipient))
            .collect(),
        resident: &resident,
    };
    let words = teller.words;
    let (active, ended): (Vec<&Consent>, Vec<&Consent>) =
        consents.iter().partition(|consent| teller.is_active(consent));
    let cards = |consents: Vec<&Consent>| {
        consents
            .into_iter()
            .map(|consent| teller.card(consent, &newest))
            .collect()
    };
    let earlier = shown
        .last()
        .filter(|last| shown.len() == ACCESSES && last.number > 1)
        .map(|last| last.number);
    Ok(Some(View {
        words,
        csrf: signed_in.csrf.clone(),
        message: match asked.done.as_deref() {
            Some("withdrawn") => Some(words.say("portal-done-withdrawn")),
            Some("already") => Some(words.say("portal-done-already")),
            _ => None,
        },
        active: cards(active),
        ended: cards(ended),
        accesses: teller.days(&shown),
        later: asked.before.is_some(),
        earlier,
        frame: Frame {
            words,
            here: PATH.to_owned(),
            reader: Some(Reader {
                name: resident.name.clone(),
                csrf: signed_in.csrf.clone(),
            }),
        },
    }))
}

/// Puts consents and accesses into words.
struct Teller<'a> {
    words: Words,
    recipients: HashMap<RecipientId, Recipient>,
    resident: &'a Resident,
}

impl Teller<'_> {
    /// A consent that ran out is over, even before it is marked so.
    fn is_active(&self, consent: &Consent) -> bool {
        consent.state == ConsentState::Active && consent.ends_at().is_none_or(|end| self.resident.now < end)
    }

    fn recipient(&self, id: RecipientId) -> String {
        match self.recipients.get(&id) {
            Some(recipient) => self.words.pick(&recipient.name_ja, &recipient.name_en).to_owned(),
            None => self.words.with("portal-unknown-recipient", "number", id.0),
        }
    }

    fn purpose(&self, consent: &Consent) -> String {
        let known = self
            .recipients
            .get(&consent.recipient)
            .and_then(|recipient| recipient.purposes.iter().find(|known| known.purpose == consent.purpose));
        match known {
            Some(purpose) => self.words.pick(&purpose.ja, &purpose.en).to_owned(),
            None => consent.purpose.as_str().to_owned(),
        }
    }

    fn moment(&self, instant: UtcMillis) -> String {
        self.resident.moment(self.words.0, instant)
    }

    fn card(&self, consent: &Consent, accesses: &[AccessEvent]) -> Card {
        let words = self.words;
        let last = accesses
            .iter()
            .find(|access| access.consent == consent.id && gave_something(access))
            .map_or_else(|| words.say("portal-never"), |access| self.moment(access.at));
        let ended = match consent.state {
            _ if self.is_active(consent) => None,
            ConsentState::Withdrawn => Some(("portal-state-withdrawn", consent.changed_at)),
            ConsentState::Superseded => Some(("portal-state-superseded", consent.changed_at)),
            ConsentState::Active | ConsentState::Expired => {
                Some(("portal-state-expired", consent.ends_at().unwrap_or(consent.changed_at)))
            }
        };
        Card {
            id: consent.id.0,
            recipient: self.recipient(consent.recipient),
            purpose: self.purpose(consent),
            grants: consent.grants.iter().map(|grant| self.grant(grant)).collect(),
            identity: words.identity(consent.identity),
            // The day of the last instant that is still inside.
            until: words.until_when(consent.ends_at().map(|end| self.resident.day_of(end.plus(-1)))),
            given: self.moment(consent.given_at),
            last,
            state: ended.map(|(key, when)| words.with(key, "when", self.moment(when))),
        }
    }

    fn grant(&self, grant: &Grant) -> GrantLine {
        GrantLine {
            category: self.words.category(grant.category),
            detail: self.words.detail(grant),
            from: self.words.starting_when(grant.period.from),
        }
    }

    /// Accesses by the day on which they happened; what a machine asks for every hour is one line.
    fn days(&self, accesses: &[AccessEvent]) -> Vec<AccessDay> {
        let mut days: Vec<(LocalDay, Vec<Told>)> = Vec::new();
        for access in accesses {
            let day = self.resident.day_of(access.at);
            if days.last().is_none_or(|(known, _)| *known != day) {
                days.push((day, Vec::new()));
            }
            let Some((_, lines)) = days.last_mut() else { continue };
            let mut add = |what, count| {
                tell(
                    lines,
                    Told {
                        recipient: access.recipient,
                        what,
                        times: 1,
                        count,
                    },
                );
            };
            if !gave_something(access) {
                add(What::Nothing, 0);
            }
            if access.identity.gives_something() {
                add(What::Identity(access.identity), 0);
            }
            for item in &access.items {
                let what = What::Category(item.category, item.detail, item.first_day, item.last_day);
                add(what, u64::from(item.count));
            }
        }
        days.into_iter()
            .map(|(date, lines)| AccessDay {
                day: day(self.words.0, date),
                lines: lines.iter().map(|line| self.line(line)).collect(),
            })
            .collect()
    }

    fn line(&self, told: &Told) -> AccessLine {
        let words = self.words;
        let recipient = self.recipient(told.recipient);
        let (category, detail, first, last) = match told.what {
            What::Category(category, detail, first, last) => (category, detail, first, last),
            What::Identity(identity) => {
                let lines = words.identity(identity).unwrap_or_default();
                return AccessLine {
                    what: words.fill("access-identity-line", [("recipient", recipient), ("lines", lines)]),
                    more: words.with("access-times", "times", told.times),
                };
            }
            What::Nothing => {
                return AccessLine {
                    what: words.with("access-empty-line", "recipient", recipient),
                    more: words.with("access-times", "times", told.times),
                };
            }
        };
        let (first_text, last_text) = (day(words.0, first), day(words.0, last));
        let days = if first == last {
            words.with("access-day", "from", first_text)
        } else {
            words.fill("access-days", [("from", first_text), ("until", last_text)])
        };
        let count = words.fill(
            "access-count",
            [("times", told.times.to_string()), ("count", told.count.to_string())],
        );
        AccessLine {
            what: words.fill(
                "access-line",
                [
                    ("recipient", recipient),
                    ("category", words.category(category)),
                    ("detail", words.given_detail(detail)),
                ],
            ),
            more: format!("{days}{}{count}", words.say("sentence-joint")),
        }
    }
}

fn gave_something(access: &AccessEvent) -> bool {
    !access.items.is_empty() || access.identity.gives_something()
}

/// What was received.
#[derive(Clone, Copy)]
enum What {
    Nothing,
    Identity(IdentityGrant),
    Category(ConsentCategory, Detail, LocalDay, LocalDay),
}

/// What one recipient received of one kind on one day.
struct Told {
    recipient: RecipientId,
    what: What,
    times: u64,
    count: u64,
}

/// Adds to the line about the same, or begins one.
fn tell(lines: &mut Vec<Told>, new: Told) {
    let same = |known: &Told| {
        known.recipient == new.recipient
            && match (known.what, new.what) {
                (What::Nothing, What::Nothing) => true,
                (What::Identity(identity), What::Identity(new_identity)) => identity == new_identity,
                (What::Category(category, detail, ..), What::Category(new_category, new_detail, ..)) => {
                    (category, detail) == (new_category, new_detail)
                }
                _ => false,
            }
    };
    match lines.iter_mut().find(|known| same(known)) {
        Some(known) => {
            known.times += new.times;
            known.count += new.count;
            if let (What::Category(.., first, last), What::Category(.., new_first, new_last)) =
                (&mut known.what, new.what)
            {
                *first = (*first).min(new_first);
                *last = (*last).max(new_last);
            }
        }
        None => lines.push(new),
    }
}

#[cfg(test)]
#[path = "consents_tests.rs"]
pub mod tests;
