//! The residents' pages: whom one shares with and how to stop, what was shared, the consent page of the authorization
//! server, their steps, their files, and pages that say what is wrong. Plain forms and links; one script shows how far an
//! upload got.

mod again;
mod checkup_declare;
mod checkup_detail;
mod checkups;
mod choices;
mod consent_detail;
mod consent_narrow;
pub mod consent_page;
mod consent_receipt;
mod consent_text;
pub mod consents;
pub mod continue_page;
pub mod delegations;
pub mod end_session;
mod explain;
mod feeds;
pub mod form;
pub mod gives;
pub mod links;
#[cfg(test)]
mod matrix;
pub mod operator;
pub mod page;
mod people;
mod phones;
mod requests;
pub mod resident;
mod steps;
mod teller;
mod unread;
mod upload;
pub mod words;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum::routing::{get, post};

use crate::sign_in::cookies;
use crate::sign_in::return_to::Asked;
use crate::state::AppState;
use page::{Frame, MessagePage, send};
use words::{LANGUAGE_COOKIE, Words};

/// The style of all pages.
pub const STYLE: &str = include_str!("../../assets/style.css");

/// Where the page of one's consents lies.
pub const PATH: &str = "/portal";

/// Where one begins and ends to act for somebody else.
pub const ACT_FOR: &str = "/portal/act-for";

/// Seconds for which a choice of language is kept.
const A_YEAR: i64 = 365 * 86_400;

/// All routes of the portal.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/", get(|| async { Redirect::to(PATH) }))
        .route(PATH, get(consents::show))
        .route("/portal/explain", get(explain::show))
        .route("/portal/consents/{id}", get(consent_detail::show))
        .route("/portal/consents/{id}/withdraw", post(consents::withdraw))
        .route("/portal/consents/{id}/undo", post(consents::undo))
        .route("/portal/consents/{id}/narrow", post(consent_narrow::narrow))
        .route("/portal/consents/{id}/again", get(again::show).post(again::agree))
        .route(people::PATH, get(people::show))
        .route(phones::PATH, get(phones::show).post(phones::new_code))
        .route("/portal/phones/{id}/end", post(phones::end))
        .route(links::PATH, get(links::show))
        .route("/portal/links/{id}/{act}", post(links::change))
        .route("/portal/delegations/{id}/end", post(delegations::end))
        .route("/portal/feeds/{id}/{act}", post(feeds::change))
        .route(ACT_FOR, post(people::act_for))
        .route("/portal/people/{id}/end", post(people::end))
        .route(
            "/portal/consents/{id}/receipts/{number}",
            get(consent_receipt::receipt_page),
        )
        .route(
            "/portal/consents/{id}/receipts/{number}/signed",
            get(consent_receipt::receipt_signed),
        )
        .route(steps::PATH, get(steps::show))
        .route(checkups::PATH, get(checkups::show).post(checkup_declare::declare))
        .route("/portal/checkups/{number}", get(checkup_detail::show))
        .route("/portal/checkups/{number}/document", get(checkup_detail::document))
        .route("/portal/checkups/{number}/fhir", get(checkup_detail::fhir))
        .route("/portal/checkups/{number}/take-back", post(checkup_declare::take_back))
        .route(requests::PATH, get(requests::show).post(requests::file))
        .route("/portal/requests/{id}/take-back", post(requests::take_back))
        .route("/portal/style.css", get(style))
        .route("/language/{tag}", get(choose_language))
}

/// The routes that take files: apart, since they take longer and more than others.
pub fn upload_routes() -> Router<AppState> {
    Router::new()
        .route(upload::PATH, get(upload::show).post(upload::receive))
        .route(upload::STATE, get(upload::state))
        .route(upload::SCRIPT, get(upload::script))
        .layer(DefaultBodyLimit::disable())
}

/// `GET /portal/style.css`.
pub async fn style() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=300"),
    ];
    (headers, STYLE)
}

/// `GET /language/{tag}?return_to=…`: keeps the reader's choice for a year and goes back. It changes nothing but the words.
async fn choose_language(
    Path(tag): Path<String>,
    State(state): State<AppState>,
    Query(query): Query<Asked>,
    headers: HeaderMap,
) -> Response {
    let Some(language) = words::of_tag(&tag) else {
        return error_page(&headers, Problem::NotFound);
    };
    let kept = cookies::set(LANGUAGE_COOKIE, language.tag(), Some(A_YEAR), cookies::is_https(&state));
    (
        AppendHeaders([(header::SET_COOKIE, kept)]),
        Redirect::to(query.local().as_str()),
    )
        .into_response()
}

/// Why somebody cannot go on. Each is a page in words, without a way back to the app that may have sent them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The app is not registered here (`client_id`).
    UnknownClient,
    /// The app waits for approval, or was stopped.
    StoppedClient,
    /// What an app sent to end a session is not valid.
    EndSession,
    /// The address to return to is not one of the app's (`redirect_uri`).
    UnknownRedirect,
    /// The request is not under way (any more): it was answered before, or waited too long.
    RequestGone,
    /// The form did not come from our own page.
    ForeignForm,
    /// There is no such page.
    NotFound,
    /// Our own fault.
    Internal,
    /// The provider that residents sign in with does not answer.
    NoProvider,
    /// No provider is configured.
    NoSignIn,
    /// The resident, or the provider for them, stopped the sign-in.
    Cancelled,
    /// What came back from the provider does not belong to a sign-in that this browser began, or does not verify.
    SignInFailed,
    /// Who they are is known, but they are nobody here.
    UnknownPerson,
    /// Who they are is known, but they are no operator.
    UnknownOperator,
    /// They act for somebody of whom they may only see.
    OnlySees,
    /// They act for somebody, and ask for what only the person does on a page.
    NotForOthers,
    /// Too many requests came from their address.
    TooMany,
}

impl Problem {
    /// The status the page is sent with.
    pub fn status(self) -> StatusCode {
        match self {
            Self::UnknownClient | Self::UnknownRedirect | Self::SignInFailed | Self::EndSession => {
                StatusCode::BAD_REQUEST
            }
            Self::StoppedClient => StatusCode::FORBIDDEN,
            Self::RequestGone => StatusCode::GONE,
            Self::ForeignForm | Self::UnknownPerson | Self::UnknownOperator | Self::OnlySees | Self::NotForOthers => {
                StatusCode::FORBIDDEN
            }
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NoProvider | Self::NoSignIn => StatusCode::SERVICE_UNAVAILABLE,
            Self::Cancelled => StatusCode::OK,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
        }
    }

    fn key(self) -> &'static str {
        match self {
            Self::UnknownClient => "unknown_client",
            Self::StoppedClient => "stopped_client",
            Self::EndSession => "end_session",
            Self::UnknownRedirect => "unknown_redirect",
            Self::RequestGone => "request_gone",
            Self::ForeignForm => "foreign_form",
            Self::NotFound => "not_found",
            Self::Internal => "internal",
            Self::NoProvider => "no_provider",
            Self::NoSignIn => "no_sign_in",
            Self::Cancelled => "cancelled",
            Self::SignInFailed => "sign_in_failed",
            Self::UnknownPerson => "unknown_person",
            Self::UnknownOperator => "unknown_operator",
            Self::OnlySees => "only_sees",
            Self::NotForOthers => "not_for_others",
            Self::TooMany => "too_many",
        }
    }
}

/// A page that says what is wrong, in the reader's language.
pub fn error_page(headers: &HeaderMap, problem: Problem) -> Response {
    let words = Words::for_reader(headers);
    let links = match problem {
        Problem::Cancelled | Problem::SignInFailed | Problem::NoProvider => {
            vec![("/sign-in".to_owned(), words.say("error-again"))]
        }
        Problem::ForeignForm | Problem::NotFound | Problem::OnlySees | Problem::NotForOthers => {
            vec![(PATH.to_owned(), words.say("error-to-portal"))]
        }
        _ => Vec::new(),
    };
    let page = MessagePage {
        frame: Frame::open(words, PATH),
        words,
        title: words.say(&format!("error-{}-title", problem.key())),
        text: words.say(&format!("error-{}-text", problem.key())),
        is_error: problem != Problem::Cancelled,
        links,
    };
    send(problem.status(), &page, None)
}
