//! `/operator/acts`: what was done on the organisation's side, by whom and when.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use model::UtcMillis;
use serde::Deserialize;
use store::Actor;

use super::super::page::{Frame, send};
use super::super::words::Words;
use super::super::{Problem, error_page};
use crate::operator::SignedInOperator;
use crate::state::AppState;

/// Acts of one page.
const ACTS: u32 = 100;

/// What the address may say.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    /// Acts before this number.
    #[serde(default)]
    before: Option<i64>,
}

#[derive(Template)]
#[template(path = "operator_acts.html")]
struct View {
    frame: Frame,
    words: Words,
    lines: Vec<Line>,
    earlier: Option<i64>,
}

struct Line {
    number: i64,
    at: String,
    by: String,
    what: String,
    subject: String,
}

/// `GET /operator/acts`.
pub async fn show(
    State(state): State<AppState>,
    signed_in: SignedInOperator,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Response {
    let organisation = signed_in.operator.organisation;
    let acts = match state.store.acts(organisation, asked.before, ACTS).await {
        Ok(acts) => acts,
        Err(error) => {
            tracing::error!(%error, "acts could not be listed");
            return error_page(&headers, Problem::Internal);
        }
    };
    let words = Words::for_reader(&headers);
    let view = View {
        frame: Frame::open(words, "/operator/acts"),
        words,
        earlier: acts
            .last()
            .filter(|(number, _)| acts.len() == ACTS as usize && *number > 1)
            .map(|(number, _)| *number),
        lines: acts
            .into_iter()
            .map(|(number, act)| Line {
                number,
                at: fhir_profiles::instant_text(UtcMillis(act.at)),
                by: match act.by {
                    Actor::Operator(id) => format!("operator {id}"),
                    Actor::CommandLine => "command line".to_owned(),
                    Actor::Resident(_) => "resident".to_owned(),
                    Actor::Gateway => "gateway".to_owned(),
                },
                what: act.what,
                subject: act.subject,
            })
            .collect(),
    };
    send(StatusCode::OK, &view, None)
}
