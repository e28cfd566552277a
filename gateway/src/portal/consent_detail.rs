//! One consent in detail: what exactly was agreed to, every version with its receipt, and a form that gives less.

use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use consent::{Consent, ConsentDraft, ConsentState, Detail, Grant, HowGiven, IdentityGrant, receipt};
use store::{RegistrationState, StoreError};

use super::choices::{LINKING, UNTILS, identity_field, value};
use super::consents::{again, find};
use super::page::{Frame, send};
use super::resident::{Resident, day};
use super::teller::{Card, Teller};
use super::words::Words;
use super::{PATH, Problem, error_page};
use crate::oauth::form::Form;
use crate::oauth::handles;
use crate::sign_in::SignedIn;
use crate::signing::Algorithm;
use crate::state::AppState;

/// `typ` of a signed receipt.
const RECEIPT_TYPE: &str = "consent-receipt+jwt";

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
    fn happened(&self) -> Vec<Consent> {
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
struct View {
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

async fn view(state: &AppState, signed_in: &SignedIn, id: &str, problem: Option<&str>) -> Result<View, Trouble> {
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

fn happened_key(happened: &Consent) -> &'static str {
    match (happened.state, happened.version) {
        (ConsentState::Withdrawn, _) => "happened-withdrawn",
        (ConsentState::Expired, _) => "happened-expired",
        (_, 1) => "happened-given",
        (_, _) => "happened-changed",
    }
}

/// Who stands behind a recipient: what is known of it.
fn contact(words: Words, teller: &Teller<'_>, consent: &Consent) -> Vec<(String, String)> {
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
        .filter(|detail| *detail != grant.detail && grant.detail.includes(*detail));
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

/// `POST /portal/consents/{id}/narrow`: a new version that gives less. The app keeps its tokens, and is told.
pub async fn narrow(
    State(state): State<AppState>,
    signed_in: SignedIn,
    headers: HeaderMap,
    Path(id): Path<String>,
    body: axum::body::Bytes,
) -> Response {
    let form = Form::parse(&body);
    if !signed_in.sent(form.get("csrf").unwrap_or_default()) {
        return error_page(&headers, Problem::ForeignForm);
    }
    match narrowed(&state, &signed_in, &id, form.all()).await {
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

#[derive(Template)]
#[template(path = "receipt.html")]
struct ReceiptView {
    frame: Frame,
    words: Words,
    number: String,
    lines: Vec<(String, String)>,
    text: Vec<String>,
    language: &'static str,
    hash: String,
    signed: String,
    back: String,
}

/// What happened to a consent by the number of its receipt, with the receipt.
async fn look_up(
    state: &AppState,
    signed_in: &SignedIn,
    id: &str,
    number: &str,
) -> Result<(Looked, Consent, serde_json::Value), Trouble> {
    let (looked, consent) = Looked::at(state, signed_in, id).await?;
    let happened = looked
        .happened()
        .into_iter()
        .find(|happened| receipt::number(happened) == number)
        .ok_or(Trouble::Nothing)?;
    let recipient = state.store.recipient(consent.recipient).await?;
    let custodian = state.store.custodian_name(consent.person).await?.unwrap_or_default();
    let controller = receipt::Party {
        id: state.config.http.public_url.clone(),
        name: custodian,
        ..receipt::Party::default()
    };
    let words = Words(happened.language);
    let purpose = recipient.as_ref().and_then(|recipient| {
        let known = recipient
            .purposes
            .iter()
            .find(|known| known.purpose == happened.purpose)?;
        Some(words.pick(&known.ja, &known.en).to_owned())
    });
    let party = recipient.map_or_else(receipt::Party::default, |recipient| receipt::Party {
        id: recipient.id.to_string(),
        name: words.pick(&recipient.name_ja, &recipient.name_en).to_owned(),
        company: recipient.responsible.company,
        contact: recipient.responsible.contact,
        privacy_policy: recipient.responsible.privacy_policy,
    });
    let made = receipt::receipt(
        &happened,
        &receipt::Facts {
            // The id that the gateway itself uses for this person, which no recipient knows.
            principal: &state.pairwise.of(model::RecipientId(0)).patient(happened.person),
            controller: &controller,
            recipient: &party,
            purpose: purpose.as_deref().unwrap_or(happened.purpose.as_str()),
            withdraw_at: &format!("{}{PATH}", state.config.http.public_url),
        },
    );
    Ok((looked, happened, made))
}

fn signed(state: &AppState, happened: &Consent, made: &serde_json::Value) -> Result<String, Trouble> {
    let claims = serde_json::json!({
        "iss": state.config.http.public_url,
        "iat": receipt::issued(happened),
        "jti": receipt::number(happened),
        "receipt": made,
    });
    let signed = state.signing.sign(Algorithm::Es256, RECEIPT_TYPE, &claims);
    signed.map_err(|error| {
        tracing::error!(%error, "a receipt could not be signed");
        Trouble::Nothing
    })
}

/// `GET /portal/consents/{id}/receipts/{number}`: prints well.
pub async fn receipt_page(
    State(state): State<AppState>,
    signed_in: SignedIn,
    headers: HeaderMap,
    Path((id, number)): Path<(String, String)>,
) -> Response {
    match receipt_view(&state, &signed_in, &id, &number).await {
        Ok(view) => send(StatusCode::OK, &view, None),
        Err(trouble) => trouble.page(&headers),
    }
}

/// How a consent was given, and how the person's identity was known.
fn how(words: Words, how: &HowGiven) -> String {
    match how {
        HowGiven::SignedIn { issuer, assurance, .. } => words.fill(
            "receipt-how-signed_in",
            [
                ("issuer", issuer.clone()),
                ("assurance", assurance.clone().unwrap_or_else(|| "—".to_owned())),
            ],
        ),
        HowGiven::OnPaper {
            form, identity_checked, ..
        } => words.fill(
            "receipt-how-on_paper",
            [("form", form.clone()), ("checked", identity_checked.clone())],
        ),
    }
}

async fn receipt_view(state: &AppState, signed_in: &SignedIn, id: &str, number: &str) -> Result<ReceiptView, Trouble> {
    let (looked, happened, made) = look_up(state, signed_in, id, number).await?;
    let words = Words(signed_in.language);
    let teller = Teller::load(state, &signed_in.own, words, &looked.resident).await?;
    let jws = signed(state, &happened, &made)?;
    let mut lines = vec![
        (words.say("receipt-number"), number.to_owned()),
        (
            words.say("receipt-what"),
            words.with(happened_key(&happened), "when", teller.moment(happened.changed_at)),
        ),
        (
            words.say("receipt-person"),
            looked.resident.name.clone().unwrap_or_else(|| "—".to_owned()),
        ),
        (words.say("receipt-how"), how(words, &happened.how)),
    ];
    let acting = match happened.state {
        ConsentState::Withdrawn => happened.withdrawn_by,
        _ => happened.how.acting(),
    };
    lines.extend(acting.map(|acting| {
        let relationship = words.say(&format!("relationship-{}", acting.relationship.code()));
        (words.say("receipt-acting"), relationship)
    }));
    lines.extend([(words.say("consent-recipient"), teller.recipient(happened.recipient))]);
    lines.extend(contact(words, &teller, &happened));
    lines.push((words.say("portal-for"), teller.purpose(&happened)));
    for grant in &happened.grants {
        let line = teller.grant(grant);
        lines.push((
            words.say("portal-what"),
            format!("{}：{}、{}", line.category, line.detail, line.from),
        ));
    }
    if let Some(identity) = words.identity(happened.identity) {
        lines.push((words.say("portal-identity"), identity));
    }
    let until = happened.ends_at().map(|end| looked.resident.day_of(end.plus(-1)));
    lines.push((words.say("portal-until"), words.until_when(until)));
    lines.push((words.say("receipt-withdraw"), words.say("receipt-withdraw-text")));
    Ok(ReceiptView {
        words,
        number: number.to_owned(),
        lines,
        text: happened.text.lines().map(str::to_owned).collect(),
        language: happened.language.tag(),
        hash: receipt::hex(&happened.text_hash),
        signed: jws,
        back: format!("{PATH}/consents/{}", happened.id.0),
        frame: Frame::own(
            words,
            format!("{PATH}/consents/{}/receipts/{number}", happened.id.0),
            &looked.resident,
            &signed_in.csrf,
        ),
    })
}

/// `GET /portal/consents/{id}/receipts/{number}/signed`: the receipt as a JWS (RFC 7515), verified by `/.well-known/jwks.json`.
pub async fn receipt_signed(
    State(state): State<AppState>,
    signed_in: SignedIn,
    headers: HeaderMap,
    Path((id, number)): Path<(String, String)>,
    RawQuery(_): RawQuery,
) -> Response {
    let made = match look_up(&state, &signed_in, &id, &number).await {
        Ok((_, happened, made)) => signed(&state, &happened, &made),
        Err(trouble) => Err(trouble),
    };
    match made {
        Ok(jws) => {
            let name = format!("attachment; filename=\"receipt-{number}.jws\"");
            let mut response = jws.into_response();
            let answer = response.headers_mut();
            answer.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/jose"));
            answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            if let Ok(name) = HeaderValue::try_from(name) {
                answer.insert(header::CONTENT_DISPOSITION, name);
            }
            response
        }
        Err(trouble) => trouble.page(&headers),
    }
}

#[cfg(test)]
#[path = "consent_detail_tests.rs"]
mod tests;
