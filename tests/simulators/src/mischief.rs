//! Bad days: what a server does to its own answers when it is told to.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_core::Stream;
use serde::Deserialize;
use serde_json::{Value, json};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// It takes 300 ms longer.
    Slow,
    /// Nothing comes for 30 s.
    Stall,
    /// 429 with `Retry-After`.
    TooMany,
    /// 500.
    Fault,
    /// 503 with an HTML page.
    Unavailable,
    /// 200 with an HTML page.
    Html,
    /// Compressed, and cut off.
    TruncatedGzip,
    /// JSON that breaks off.
    Cut,
    /// A body of 1 GB.
    Huge,
    /// Numbers are objects now.
    ChangedTypes,
    /// Each point twice.
    Duplicates,
    /// Points in another order.
    Shuffled,
    /// Points come later: none for now.
    Late,
    /// It is done, and the answer is lost.
    LostAnswer,
    /// 401.
    Unauthorized,
    /// 403 that is about the project of who asks: the API is switched off in it.
    Forbidden,
    /// 403 that only says that it is enough for now.
    UsageLimit,
    /// 403 with an HTML page, of something that stands before the vendor.
    ForbiddenPage,
    /// 400 of a token endpoint: the grant is taken no more (RFC 6749 5.2).
    InvalidGrant,
    /// 400 that nobody understands.
    Refused,
    /// 410.
    Gone,
}

/// Some answers go wrong.
#[derive(Clone, Debug, Deserialize)]
pub struct Mischief {
    /// How.
    pub kind: Kind,
    /// How many.
    pub times: u32,
    /// Of requests whose path, with what is asked behind it, holds this.
    #[serde(default)]
    pub path: String,
    /// How many it was at first.
    #[serde(skip)]
    planned: u32,
}

/// What is still to go wrong, and how many requests there were.
#[derive(Clone, Default)]
pub struct Plan(Arc<Mutex<(Vec<Mischief>, u64)>>);

impl Plan {
    /// One more.
    pub fn add(&self, mut mischief: Mischief) {
        mischief.planned = mischief.times;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0.push(mischief);
    }

    /// All is well again.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0.clear();
    }

    /// Answers that are still to go wrong.
    pub fn left(&self) -> u64 {
        let plan = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        plan.0.iter().map(|one| u64::from(one.times)).sum()
    }

    /// Those of what was planned of which nothing came to pass.
    pub fn untouched(&self) -> Vec<String> {
        let plan = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let untouched = plan.0.iter().filter(|one| one.times == one.planned);
        untouched
            .map(|one| format!("{:?} of {:?}", one.kind, one.path))
            .collect()
    }

    /// Requests until now.
    pub fn requests(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1
    }

    fn take(&self, path: &str) -> Option<Kind> {
        let mut plan = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        plan.1 += 1;
        let found = plan
            .0
            .iter_mut()
            .find(|one| one.times > 0 && path.contains(&one.path))?;
        found.times -= 1;
        Some(found.kind)
    }
}

/// Does to an answer what is planned.
pub async fn meddle(State(plan): State<Plan>, request: Request, next: Next) -> Response {
    let asked = request.uri().path_and_query().map_or("", |asked| asked.as_str());
    let Some(kind) = plan.take(asked) else {
        return next.run(request).await;
    };
    let status = |status: StatusCode, body: &'static str| (status, body).into_response();
    match kind {
        Kind::Slow => {
            tokio::time::sleep(Duration::from_millis(300)).await;
            next.run(request).await
        }
        Kind::Stall => {
            tokio::time::sleep(Duration::from_secs(30)).await;
            next.run(request).await
        }
        Kind::TooMany => {
            let mut answer = status(
                StatusCode::TOO_MANY_REQUESTS,
                "{\"error\":{\"status\":\"RESOURCE_EXHAUSTED\"}}",
            );
            answer
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
            answer
        }
        Kind::Fault => status(StatusCode::INTERNAL_SERVER_ERROR, "{\"error\":{\"code\":500}}"),
        Kind::Unavailable => status(StatusCode::SERVICE_UNAVAILABLE, "<html>maintenance</html>"),
        Kind::Html => status(StatusCode::OK, "<html>please sign in</html>"),
        Kind::Unauthorized => status(StatusCode::UNAUTHORIZED, "{\"error\":{\"code\":401}}"),
        Kind::Forbidden => status(
            StatusCode::FORBIDDEN,
            "{\"error\":{\"code\":403,\"status\":\"PERMISSION_DENIED\",\"errors\":[{\"domain\":\"usageLimits\",\
             \"reason\":\"accessNotConfigured\"}],\"details\":[{\"reason\":\"SERVICE_DISABLED\"}]}}",
        ),
        Kind::UsageLimit => status(
            StatusCode::FORBIDDEN,
            "{\"error\":{\"code\":403,\"errors\":[{\"domain\":\"usageLimits\",\"reason\":\"rateLimitExceeded\"}]}}",
        ),
        Kind::ForbiddenPage => status(StatusCode::FORBIDDEN, "<html>no way</html>"),
        Kind::InvalidGrant => status(StatusCode::BAD_REQUEST, "{\"error\":\"invalid_grant\"}"),
        Kind::Refused => status(StatusCode::BAD_REQUEST, "{\"error\":{\"code\":400}}"),
        Kind::Gone => status(StatusCode::GONE, "{\"error\":{\"code\":410}}"),
        Kind::Huge => Body::from_stream(Endless(1 << 30)).into_response(),
        Kind::LostAnswer => {
            next.run(request).await;
            Body::from_stream(Broken).into_response()
        }
        Kind::TruncatedGzip => {
            let body = body_of(next.run(request).await).await;
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            let _ = std::io::Write::write_all(&mut packed, &body);
            let mut packed = packed.finish().unwrap_or_default();
            packed.truncate(packed.len() / 2);
            ([(header::CONTENT_ENCODING, "gzip")], packed).into_response()
        }
        Kind::Cut => {
            let body = body_of(next.run(request).await).await;
            body.slice(..body.len() / 2).into_response()
        }
        Kind::ChangedTypes | Kind::Duplicates | Kind::Shuffled | Kind::Late => {
            let body = body_of(next.run(request).await).await;
            match serde_json::from_slice::<Value>(&body) {
                Ok(mut page) => {
                    lists(kind, &mut page)
                        .into_iter()
                        .for_each(|points| change(kind, points));
                    axum::Json(page).into_response()
                }
                Err(_) => body.into_response(),
            }
        }
    }
}

/// The lists of points of a page: one that has its name, all of a result, or of partners whose people's devices nest theirs.
fn lists(kind: Kind, page: &mut Value) -> Vec<&mut Vec<Value>> {
    let Some(members) = page.as_object_mut() else {
        return Vec::new();
    };
    let mut lists = Vec::new();
    for (name, member) in members {
        match (name.as_str(), member) {
            ("dataPoints" | "rollupDataPoints" | "point" | "session" | "weight" | "sleep", Value::Array(points)) => {
                lists.push(points)
            }
            // Around its readings a changed answer is as before.
            ("PartnerList", partners) if kind == Kind::ChangedTypes => named("measureList", partners, &mut lists),
            ("PartnerList", partners) => named("GroupList", partners, &mut lists),
            (_, Value::Object(inner)) => lists.extend(inner.values_mut().filter_map(Value::as_array_mut)),
            _ => {}
        }
    }
    lists
}

/// Lists of this name, however deep they lie.
fn named<'a>(name: &str, value: &'a mut Value, found: &mut Vec<&'a mut Vec<Value>>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| named(name, item, found)),
        Value::Object(members) => {
            for (member, inner) in members {
                match (member == name, inner) {
                    (true, Value::Array(items)) => found.push(items),
                    (_, inner) => named(name, inner, found),
                }
            }
        }
        _ => {}
    }
}

async fn body_of(answer: Response) -> Bytes {
    to_bytes(answer.into_body(), 64 << 20).await.unwrap_or_default()
}

fn change(kind: Kind, points: &mut Vec<Value>) {
    match kind {
        Kind::Duplicates => {
            let again = points.clone();
            points.extend(again);
        }
        Kind::Shuffled => {
            let middle = points.len() / 2;
            points.rotate_left(middle);
            points.reverse();
        }
        Kind::Late => points.clear(),
        _ => points.iter_mut().for_each(wrap),
    }
}

/// Each number, and each text that is one, becomes an object.
fn wrap(value: &mut Value) {
    match value {
        Value::Object(members) => members.values_mut().for_each(wrap),
        Value::Array(items) => items.iter_mut().for_each(wrap),
        Value::Number(_) => *value = json!({"units": value.clone()}),
        Value::String(text) if text.parse::<f64>().is_ok() => *value = json!({"units": text.clone()}),
        _ => {}
    }
}

/// A body of so many bytes.
struct Endless(usize);

impl Stream for Endless {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        const CHUNK: &[u8] = &[b' '; 16 * 1024];
        if self.0 == 0 {
            return Poll::Ready(None);
        }
        self.0 = self.0.saturating_sub(CHUNK.len());
        Poll::Ready(Some(Ok(Bytes::from_static(CHUNK))))
    }
}

/// A body that breaks off before it begins.
struct Broken;

impl Stream for Broken {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(Some(Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))))
    }
}
