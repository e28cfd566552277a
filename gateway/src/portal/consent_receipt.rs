//! The receipt of each thing that happened to a consent: as a page that prints well, and signed.

use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use consent::{Consent, ConsentState, HowGiven, receipt};

use super::PATH;
use super::consent_detail::{Looked, Trouble, contact, happened_key};
use super::page::{Frame, send};
use super::teller::Teller;
use super::words::Words;
use crate::sign_in::SignedIn;
use crate::signing::Algorithm;
use crate::state::AppState;

/// `typ` of a signed receipt.
const RECEIPT_TYPE: &str = "consent-receipt+jwt";

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
        HowGiven::SignedIn {
            issuer,
            assurance: Some(assurance),
            ..
        } => words.fill(
            "receipt-how-signed_in",
            [("issuer", issuer.clone()), ("assurance", assurance.clone())],
        ),
        HowGiven::SignedIn { issuer, .. } => words.with("receipt-how-signed_in_only", "issuer", issuer.clone()),
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
