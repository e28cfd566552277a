//! Asking a feed by the clock: signed in once, page after page until nothing is new.

use std::time::Duration;

use adapters::feed::{Call, MOST_BYTES, Page};
use aws_lc_rs::digest::{Context, SHA256};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use model::time::{DAY_MS, HOUR_MS};
use model::{Offset, UtcMillis};
use store::{FeedCame, StoreError};
use tokio::task::JoinSet;
use zeroize::Zeroizing;

use super::{Asked, Feed, Taken, take_parts};
use crate::batch::HandOver;
use crate::outgoing::{bounded, retry_after};
use crate::state::AppState;

/// Pages of one turn at most: the next turn goes on.
const MOST_PAGES: usize = 1_000;

/// Pages that are kept at once, with one line in the ledger of hand-overs; fewer where they are large.
const PAGES_AT_ONCE: usize = 100;

/// Who handles what is fetched: nobody's name.
const BY_THE_CLOCK: &str = "(gateway, by the clock)";

/// Waits after a failure, in milliseconds, each up to twice the one before.
const AFTER_FAILURE_MS: (i64, i64) = (30_000, 6 * HOUR_MS);

/// Turns that ended at records that could not be read, with none that went in between, after which such records are taken as they are,
/// for a day: some half an hour. Until then the answer is asked for again: what came may have been one bad answer.
const BELIEVED: u32 = 6;

/// Why a turn came to nothing, or not to its end.
#[derive(Debug)]
pub(super) enum Failure {
    /// No answer that can be read; how long the vendor asks to wait, in seconds.
    NoAnswer { what: &'static str, wait: Option<i64> },
    /// An answer, of which not all could be read.
    NotRead,
    /// A fault of ours.
    Store(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Works all feeds until it is aborted.
pub async fn work(state: AppState) {
    let mut feeds = JoinSet::new();
    for place in 0..state.feeds.all().len() {
        let state = state.clone();
        feeds.spawn(async move { work_feed(&state, &state.feeds.all()[place]).await });
    }
    feeds.join_all().await;
}

async fn work_feed(state: &AppState, feed: &Feed) {
    let Some(asked) = &feed.asked else { return };
    let mut course = Course::default();
    loop {
        let vendor = feed.place.vendor.as_str();
        let ended = turn(state, feed, asked, course.is_believed(state.clock.now())).await;
        match &ended {
            Ok(()) => {}
            Err(Failure::NoAnswer { what, .. }) => tracing::warn!(vendor, what, "a feed did not answer"),
            Err(Failure::NotRead) => tracing::warn!(vendor, "records of a feed's answer could not be read"),
            Err(Failure::Store(error)) => tracing::error!(vendor, %error, "what came of a feed could not be kept"),
        }
        let outcome = if ended.is_ok() { "went" } else { "failed" };
        metrics::counter!("sekisho_feed_turns_total", "vendor" => vendor.to_owned(), "outcome" => outcome).increment(1);
        let wait = course.after(&ended, asked.poll_ms, state.clock.now());
        tokio::time::sleep(Duration::from_millis(wait.unsigned_abs())).await;
    }
}

/// How a feed's turns went until now.
#[derive(Default)]
struct Course {
    /// Turns in a row without an answer.
    failures: u32,
    /// Turns that ended at records that could not be read, since the last one that went.
    unread: u32,
    /// Until then such records are taken as they are.
    believed_until: Option<UtcMillis>,
}

impl Course {
    fn is_believed(&self, now: UtcMillis) -> bool {
        self.believed_until.is_some_and(|until| now < until)
    }

    /// How long to wait after a turn, in milliseconds.
    fn after(&mut self, ended: &Result<(), Failure>, poll_ms: i64, now: UtcMillis) -> i64 {
        let (before, asked_for) = match ended {
            Ok(()) => {
                (self.failures, self.unread) = (0, 0);
                return poll_ms;
            }
            // It answers: whatever there was before is over.
            Err(Failure::NotRead) => {
                (self.failures, self.unread) = (0, self.unread + 1);
                if self.unread >= BELIEVED {
                    self.believed_until = Some(now.plus(DAY_MS));
                }
                (self.unread - 1, 0)
            }
            Err(failure) => {
                self.failures += 1;
                let wait = match failure {
                    Failure::NoAnswer { wait, .. } => wait.unwrap_or(0) * 1_000,
                    _ => 0,
                };
                (self.failures - 1, wait)
            }
        };
        let doubled = AFTER_FAILURE_MS.0 << before.min(16);
        doubled.max(asked_for).min(AFTER_FAILURE_MS.1)
    }
}

/// Asks for what is new, page by page, until there is nothing. What came before a failure came all the same. Records that cannot be read
/// are a failure too, unless they are believed to be so.
pub(super) async fn turn(state: &AppState, feed: &Feed, asked: &Asked, is_believed: bool) -> Result<(), Failure> {
    let mut fetched = Fetched::new();
    let ended = pages(state, feed, asked, &mut fetched, is_believed).await;
    fetched.keep(state, feed).await?;
    ended
}

async fn pages(
    state: &AppState,
    feed: &Feed,
    asked: &Asked,
    fetched: &mut Fetched,
    is_believed: bool,
) -> Result<(), Failure> {
    let mut sequence = state.store.feed_sequence(&feed.place).await?;
    for _ in 0..MOST_PAGES {
        let (page, body) = page(state, feed, asked, sequence).await?;
        // Where nothing is new the number stays: what comes late under a number before the next would be passed over.
        if page.parts.is_empty() {
            break;
        }
        let next = page.next;
        fetched.take(state, feed, page, &body, is_believed).await?;
        // A number that does not grow would be asked for without end.
        if next <= sequence {
            break;
        }
        sequence = next;
    }
    Ok(())
}

/// What was fetched and is not kept yet: where to go on is kept with all of it, and with its line in the ledger of hand-overs. What is cut
/// off before comes again, and is known.
struct Fetched {
    taken: Taken,
    came: FeedCame,
    /// Of the answers that brought something, one after the other.
    hash: Context,
    pages: usize,
    bytes: usize,
}

impl Fetched {
    fn new() -> Self {
        Self {
            taken: Taken::default(),
            came: FeedCame::default(),
            hash: Context::new(&SHA256),
            pages: 0,
            bytes: 0,
        }
    }

    /// Takes an answer; once there are many, they are kept. Of one that is to be asked for again nothing is kept but what was read.
    async fn take(
        &mut self,
        state: &AppState,
        feed: &Feed,
        page: Page,
        body: &[u8],
        is_believed: bool,
    ) -> Result<(), Failure> {
        let mut came = FeedCame::default();
        let taken = take_parts(&state.store, feed.adapter, &feed.place, page.parts, &mut came).await?;
        if taken.accounting.rejected > 0 && !is_believed {
            return Err(Failure::NotRead);
        }
        self.hash.update(body);
        self.pages += 1;
        self.bytes += body.len();
        self.taken.add(&taken);
        self.came.stored.extend(came.stored);
        self.came.waiting.extend(came.waiting);
        self.came.next = Some(page.next);
        if self.pages >= PAGES_AT_ONCE || self.bytes >= MOST_BYTES {
            std::mem::replace(self, Self::new()).keep(state, feed).await?;
        }
        Ok(())
    }

    async fn keep(mut self, state: &AppState, feed: &Feed) -> Result<(), StoreError> {
        if self.came.next.is_none() {
            return Ok(());
        }
        let hand_over = HandOver {
            organisation: feed.place.organisation,
            handler: BY_THE_CLOCK.to_owned(),
            counterpart: feed.counterpart.clone(),
            day: state.clock.now().local_day(Offset::JAPAN_ASSUMED),
        };
        let hash = data_encoding::HEXLOWER.encode(self.hash.finish().as_ref());
        self.came.ledger = Some(self.taken.ledger(&hand_over, &hash));
        state.store.keep_feed(&feed.place, self.came).await
    }
}

/// An answer, taken apart and as it came.
pub(super) async fn page(
    state: &AppState,
    feed: &Feed,
    asked: &Asked,
    sequence: u64,
) -> Result<(Page, Vec<u8>), Failure> {
    for is_again in [false, true] {
        let token = token(state, feed, asked).await?;
        let call = feed.adapter.request(&asked.partner(), sequence);
        let answer = send(state, &asked.api, &call, Some(&token)).await?;
        match answer {
            Answer::Body(body) => {
                let page = feed.adapter.page(&body, state.clock.now());
                let page = page.map_err(|_| no_answer("an answer was none"))?;
                return Ok((page, body));
            }
            // Signed in anew once: the vendor may have ended the token early.
            Answer::NotSignedIn if !is_again => asked.token.forget().await,
            Answer::NotSignedIn => break,
        }
    }
    Err(no_answer("it takes this account no more"))
}

async fn token(state: &AppState, feed: &Feed, asked: &Asked) -> Result<Zeroizing<String>, Failure> {
    let fetch = async {
        let call = feed.adapter.sign_in(&asked.partner());
        let Answer::Body(body) = send(state, &asked.auth, &call, None).await? else {
            return Err(no_answer("its password is refused"));
        };
        let told = feed.adapter.token(&body);
        let (token, seconds) = told.map_err(|_| no_answer("signing in was not answered"))?;
        Ok((token, seconds.clamp(0, 365 * 86_400)))
    };
    asked.token.get(state.clock.now(), fetch).await
}

fn no_answer(what: &'static str) -> Failure {
    Failure::NoAnswer { what, wait: None }
}

enum Answer {
    Body(Vec<u8>),
    NotSignedIn,
}

async fn send(state: &AppState, base: &str, call: &Call, token: Option<&Zeroizing<String>>) -> Result<Answer, Failure> {
    let url = format!("{base}{}", call.path);
    let body = call.body.as_ref().map(|body| Zeroizing::new(body.to_string()));
    let sent = state.outgoing.send(&url, |client, url| {
        let mut request = match &body {
            Some(body) => client
                .post(url)
                .header(CONTENT_TYPE, "application/json")
                .body(body.as_str().to_owned()),
            None => client.get(url),
        };
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        match token {
            Some(token) => {
                let bearer = Zeroizing::new(format!("bearer {}", token.as_str()));
                request.header(AUTHORIZATION, bearer.as_str())
            }
            None => request,
        }
    });
    let answer = sent.await.map_err(|_| no_answer("no answer came"))?;
    match answer.status().as_u16() {
        200..=299 => match bounded(answer, MOST_BYTES).await {
            Ok(body) => Ok(Answer::Body(body)),
            Err(_) => Err(no_answer("an answer broke off, or is too large")),
        },
        401 | 403 => Ok(Answer::NotSignedIn),
        429 | 503 => Err(Failure::NoAnswer {
            what: "too many calls for now",
            wait: retry_after(answer.headers(), state.clock.now()),
        }),
        _ => Err(no_answer("it answered with an error")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLL_MS: i64 = 3_600_000;

    /// How a feed goes of which each answer has a record that cannot be read, after so many turns without an answer: after how many
    /// milliseconds of answering such records are taken.
    fn believed_after(outages: u32) -> i64 {
        let (mut course, mut now) = (Course::default(), UtcMillis(0));
        for _ in 0..outages {
            now = now.plus(course.after(&Err(no_answer("no answer came")), POLL_MS, now));
        }
        let began = now;
        for _ in 0..100 {
            if course.is_believed(now) {
                return now.0 - began.0;
            }
            now = now.plus(course.after(&Err(Failure::NotRead), POLL_MS, now));
        }
        panic!("the feed stands still for good");
    }

    #[test]
    fn records_that_stay_unreadable_are_believed_also_after_a_long_outage() {
        let half_an_hour = 31 * 60_000 + 30_000;
        for outages in [0, 1, BELIEVED - 1, BELIEVED, BELIEVED + 1, 40] {
            assert_eq!(believed_after(outages), half_an_hour, "{outages}");
        }
    }

    #[test]
    fn an_outage_alone_has_nothing_believed_and_a_turn_that_went_begins_anew() {
        let (mut course, now) = (Course::default(), UtcMillis(0));
        for _ in 0..40 {
            assert!(course.after(&Err(no_answer("no answer came")), POLL_MS, now) <= AFTER_FAILURE_MS.1);
        }
        assert!(!course.is_believed(now));
        for _ in 0..3 {
            for _ in 1..BELIEVED {
                course.after(&Err(Failure::NotRead), POLL_MS, now);
            }
            assert_eq!(course.after(&Ok(()), POLL_MS, now), POLL_MS);
        }
        assert!(!course.is_believed(now));
        // Once its day is over, it takes as long again.
        for _ in 0..BELIEVED {
            course.after(&Err(Failure::NotRead), POLL_MS, now);
        }
        assert!(course.is_believed(now) && !course.is_believed(now.plus(DAY_MS)));
        course.after(&Ok(()), POLL_MS, now);
        course.after(&Err(Failure::NotRead), POLL_MS, now.plus(DAY_MS));
        assert!(!course.is_believed(now.plus(DAY_MS)));
    }
}
