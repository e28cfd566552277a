//! A search as it comes in: parameters of address and form together, or a page link, or both when they say the same.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{Method, header};
use store::{PageKey, Sort};

use super::cursor::{Cursor, Sealer};
use super::parameters::{Handling, Include, Parameters};
use super::{FhirError, urls};
use crate::gate::Caller;
use crate::state::AppState;

/// Name of the parameter that holds a page link.
const CURSOR: &str = "_cursor";

/// A search as it was sent: names and values of address and form together, and what to do with those that are not offered.
pub struct Sent {
    /// The parameters.
    pub pairs: Vec<(String, String)>,
    /// As `Prefer` says.
    pub handling: Handling,
}

impl<S: Send + Sync> FromRequest<S> for Sent {
    type Rejection = FhirError;

    async fn from_request(request: Request, state: &S) -> Result<Self, FhirError> {
        let mut pairs = urls::decode(request.uri().query().unwrap_or_default());
        let handling = Handling::of(request.headers());
        if request.method() == Method::POST {
            let is_form = request
                .headers()
                .get(header::CONTENT_TYPE)
                .and_then(|value| value.to_str().ok())
                .and_then(|value| value.split(';').next())
                .is_some_and(|value| value.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"));
            let form = Bytes::from_request(request, state)
                .await
                .map_err(|_| FhirError::UnsupportedBody)?;
            if !is_form && !form.is_empty() {
                return Err(FhirError::UnsupportedBody);
            }
            let form = std::str::from_utf8(&form).map_err(|_| FhirError::UnsupportedBody)?;
            pairs.extend(urls::decode(form));
        }
        Ok(Self { pairs, handling })
    }
}

/// What is asked, and where in its order.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The search.
    pub parameters: Parameters,
    /// The place after which the page begins.
    pub after: Option<PageKey>,
    /// Whether superseded versions come too.
    pub superseded: bool,
    /// The page link that was followed.
    link: Option<String>,
}

impl Asked {
    /// Reads a search of Observations, which has pages.
    ///
    /// # Errors
    /// What [`Parameters::read`] answers, and [`FhirError::BadParameter`] for a page link that is not this caller's.
    pub fn read(state: &AppState, caller: &Caller, sent: Sent) -> Result<Self, FhirError> {
        let Sent { mut pairs, handling } = sent;
        let base = urls::base(state);
        let read = |pairs: &[_], handling| Parameters::read("Observation", &base, pairs, handling);
        let Some(at) = pairs
            .iter()
            .position(|(name, value)| name == CURSOR && !value.is_empty())
        else {
            return Ok(Self {
                parameters: read(&pairs, handling)?,
                after: None,
                superseded: false,
                link: None,
            });
        };
        let (_, link) = pairs.remove(at);
        let refuse = |problem: String| FhirError::BadParameter {
            parameter: CURSOR.to_owned(),
            problem,
        };
        let cursor = sealer(state, caller)
            .open(&link, state.clock.now())
            .map_err(|error| refuse(error.to_string()))?;
        // A client's own token needs the patient in every address, so its page links carry it.
        let own = caller.ids.patient(caller.token.person);
        pairs.retain(|(name, value)| !(caller.is_system && name == "patient" && *value == own));
        let beside = read(&pairs, handling)?;
        if !beside.used.is_empty() && urls::encode(&beside.used) != cursor.query {
            return Err(refuse("a page link stands alone: follow it as it was given".to_owned()));
        }
        let parameters = read(&urls::decode(&cursor.query), Handling::Strict)?;
        Ok(Self {
            parameters,
            after: cursor.after,
            superseded: false,
            link: Some(link),
        })
    }

    /// The same as a history: with superseded versions, in this order, these beside it.
    pub fn with(mut self, includes: Vec<Include>, sort: Sort) -> Self {
        self.parameters.includes = includes;
        self.parameters.sort = sort;
        self.superseded = true;
        self
    }

    /// The address of this page.
    pub fn self_url(&self, state: &AppState) -> String {
        let mut used = self.parameters.used.clone();
        used.extend(self.link.iter().map(|link| (CURSOR.to_owned(), link.clone())));
        address(state, "Observation", &used)
    }

    /// The address of the page that begins after a place.
    pub fn next_url(&self, state: &AppState, caller: &Caller, after: PageKey) -> String {
        let cursor = Cursor {
            after: Some(after),
            query: urls::encode(&self.parameters.used),
        };
        link_url(state, caller, &cursor)
    }

    /// The address of the page with the ids that did not fit in this one.
    pub fn rest_url(&self, state: &AppState, caller: &Caller, ids: &[&str]) -> String {
        let mut used: Vec<_> = self
            .parameters
            .used
            .iter()
            .filter(|(name, _)| name != "_id")
            .cloned()
            .collect();
        used.push(("_id".to_owned(), ids.join(",")));
        link_url(
            state,
            caller,
            &Cursor {
                after: None,
                query: urls::encode(&used),
            },
        )
    }
}

/// The address of a search.
pub fn address(state: &AppState, resource: &str, used: &[(String, String)]) -> String {
    let query = urls::encode(used);
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{}/{resource}{mark}{query}", urls::base(state))
}

fn link_url(state: &AppState, caller: &Caller, cursor: &Cursor) -> String {
    let link = sealer(state, caller).seal(cursor, state.clock.now(), &*state.randomness);
    let patient = match caller.is_system {
        true => format!("&patient={}", caller.ids.patient(caller.token.person)),
        false => String::new(),
    };
    format!("{}/Observation?{CURSOR}={link}{patient}", urls::base(state))
}

fn sealer(state: &AppState, caller: &Caller) -> Sealer {
    Sealer::new(
        &state.derived_key("cursor"),
        &caller.token.client_id,
        caller.token.person,
    )
}
