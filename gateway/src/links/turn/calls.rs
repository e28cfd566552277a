//! Calls of a turn: pages of an answer, within the vendor's budgets, with a token that is made good once.

use adapters::cloud::{Ask, Refused, Request, Sends};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use model::Need;

use super::{KEEP_MS, Stop, Turn};
use crate::links::Cloud;
use crate::links::plan::Step;
use crate::links::tokens::{self, TokenError};
use crate::outgoing::{OutgoingError, bounded, retry_after};
use crate::state::AppState;

/// The largest page that is read, in bytes.
const MOST_PAGE: usize = 12 << 20;

/// Bytes of one answer at most; of more the time is asked for in halves. With a delivery that is nearly full it is still one that is read.
const MOST_ANSWER: usize = 16 << 20;

/// Pages of one answer at most: a list that never ends is none.
const MOST_PAGES: usize = 100;

const NOT_UNDERSTOOD: &str = "a refusal that nobody here understands";

/// Why an ask has no answer.
pub(super) enum Refusal {
    /// This series is not open to us.
    Closed,
    /// The vendor did not answer as it should, or refuses this ask and nobody here knows why.
    Failed(&'static str),
    /// The answer is larger than what is read.
    TooLarge,
    /// The turn ends.
    Stop(Stop),
}

impl From<Stop> for Refusal {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

impl Turn<'_> {
    /// All pages of an answer.
    pub(super) async fn ask(&mut self, step: &Step) -> Result<Vec<Vec<u8>>, Refusal> {
        let ask = Ask {
            series: step.series.name,
            start: step.start,
            end: step.end,
        };
        let (mut pages, mut page, mut bytes) = (Vec::new(), None, 0);
        loop {
            let request = match self.cloud.is_merged(&step.series) {
                true => self.cloud.adapter.merged(&ask, page.as_deref()),
                false => self.cloud.adapter.request(&ask, page.as_deref()),
            };
            // What was begun is asked to its end: with each page held up anew nothing would ever be whole.
            match page {
                None => self.pay()?,
                Some(_) => self.unpaid += u32::from(self.cloud.wait(self.leased.link.id).is_some()),
            }
            let answer = self.call(&request).await?;
            self.stay().await?;
            let next = self.cloud.adapter.next_page(&answer);
            let next = next.map_err(|_| self.failed("an answer was none"))?;
            self.cloud.breaker.worked();
            self.is_answered = true;
            (self.progress.refusals, self.progress.refused_since) = (0, None);
            bytes += answer.len();
            if bytes > MOST_ANSWER {
                return Err(Refusal::TooLarge);
            }
            pages.push(answer);
            match next {
                None => return Ok(pages),
                Some(_) if pages.len() >= MOST_PAGES => return Err(self.failed("an answer has no end")),
                Some(same) if page.as_ref() == Some(&same) => return Err(self.failed("an answer goes in a circle")),
                Some(next) => page = Some(next),
            }
        }
    }

    /// Counts one call more, after those that went beyond what may be called.
    fn pay(&mut self) -> Result<(), Stop> {
        loop {
            if let Some(wait) = self.cloud.wait(self.leased.link.id) {
                return Err(Stop::Wait(wait));
            }
            if self.unpaid == 0 {
                return Ok(());
            }
            self.unpaid -= 1;
        }
    }

    /// Renews the lease where that is long ago: pages of a slow vendor would outlast it.
    async fn stay(&mut self) -> Result<(), Refusal> {
        let now = self.state.clock.now();
        if now.0 < self.kept.0 + KEEP_MS {
            return Ok(());
        }
        self.kept = now;
        let progress = self.progress.clone();
        let saved = self
            .state
            .store
            .save_link_progress(self.leased, progress, (Vec::new(), None), self.is_answered);
        match saved.await.map_err(Stop::from)? {
            true => Ok(()),
            false => Err(Refusal::Stop(Stop::Lost)),
        }
    }

    fn failed(&self, what: &'static str) -> Refusal {
        self.note_failure();
        Refusal::Failed(what)
    }

    fn note_failure(&self) {
        if self.cloud.breaker.failed(self.state.clock.now()) {
            tracing::warn!(
                vendor = self.cloud.adapter.name(),
                "a cloud does not answer: it is left alone for a time"
            );
            metrics::counter!("sekisho_clouds_left_alone_total", "vendor" => self.cloud.adapter.name()).increment(1);
        }
    }

    /// One call, its token made good before and, where the vendor takes it no more, once again.
    async fn call(&mut self, request: &Request) -> Result<Vec<u8>, Refusal> {
        loop {
            let access = self.access().await?;
            let sent = send(self.state, self.cloud, request, &access).await;
            let answer = sent.map_err(|_| self.failed("no answer"))?;
            let status = answer.status().as_u16();
            let wait = retry_after(answer.headers(), self.state.clock.now());
            let is_not_given = lacks_scope(answer.headers());
            let body = match bounded(answer, MOST_PAGE).await {
                Ok(body) => body,
                Err(OutgoingError::TooLarge) => return Err(Refusal::TooLarge),
                Err(_) => return Err(self.failed("an answer broke off")),
            };
            metrics::counter!(
                "sekisho_cloud_calls_total",
                "vendor" => self.cloud.adapter.name(), "status" => status.to_string()
            )
            .increment(1);
            if let Some(need) = self.cloud.adapter.need(status, &body) {
                return Err(Refusal::Stop(Stop::Needs(need)));
            }
            let refused = self.cloud.adapter.refused(&body);
            return match status {
                200..=299 => Ok(body),
                401 if !self.is_refreshed => {
                    self.refresh().await?;
                    continue;
                }
                // The refresh has shown that the grant lives.
                401 => Err(self.failed("the vendor takes no token")),
                // A page of something that stands before the vendor says nothing of what is open to us.
                403 if body.trim_ascii_start().starts_with(b"<") => Err(self.failed("a refusal was none")),
                403 if is_not_given || refused == Some(Refused::NotGiven) => Err(Refusal::Closed),
                // Any other says nothing of what was given: the operator's project may be at fault, and all of its links with it.
                403 if refused.is_none() => Err(Refusal::Failed(NOT_UNDERSTOOD)),
                410 if self.has_successor() => Err(Refusal::Stop(Stop::Needs(Need::ConnectSuccessor))),
                403 | 429 => {
                    // It answers, and says that it is enough: no fault of its own.
                    let wait = wait.map(|seconds| seconds.max(1) * 1_000);
                    Err(Refusal::Stop(Stop::Failed {
                        what: "too many requests",
                        wait,
                    }))
                }
                408 | 500..=599 => Err(self.failed("the vendor has a fault")),
                _ => Err(Refusal::Failed(NOT_UNDERSTOOD)),
            };
        }
    }

    /// True where what is no more is the service: of any other it is one address of it.
    fn has_successor(&self) -> bool {
        self.cloud.successor(self.state.clock.now()).is_some()
    }

    /// A token that is good for a while.
    async fn access(&mut self) -> Result<String, Refusal> {
        let (tokens, _) = self.tokens.as_ref().ok_or(Refusal::Stop(Stop::Ended))?;
        if !tokens::is_over(tokens, self.state.clock.now()) {
            return Ok(tokens.access.clone());
        }
        self.refresh().await
    }

    /// Gets the next pair, unless another worker has got it meanwhile, and keeps it before it is used.
    async fn refresh(&mut self) -> Result<String, Refusal> {
        self.is_refreshed = true;
        // Two may have the link, where the lease of a slow one ran out. A refresh token that turns holds once: of two that show it at the
        // same time one would be refused, and the grant with it where the vendor takes that for theft. Until the new pair is kept.
        let _alone = self.cloud.refreshing.at(self.leased.link.id).await;
        let held = self.tokens.as_ref().map(|(_, version)| *version);
        let stored = self
            .state
            .store
            .link_tokens(self.leased.link.id)
            .await
            .map_err(Stop::from)?;
        let (tokens, version) = stored.ok_or(Refusal::Stop(Stop::Ended))?;
        if held != Some(version) && !tokens::is_over(&tokens, self.state.clock.now()) {
            let access = tokens.access.clone();
            self.tokens = Some((tokens, version));
            return Ok(access);
        }
        let now = self.state.clock.now();
        let next = tokens::refresh(self.cloud, &self.state.outgoing, &tokens, now).await;
        let next = match next {
            Ok(next) => next,
            Err(TokenError::Ended) => return Err(Refusal::Stop(Stop::Ended)),
            Err(TokenError::SwitchedOff) if self.has_successor() => {
                return Err(Refusal::Stop(Stop::Needs(Need::ConnectSuccessor)));
            }
            Err(error @ (TokenError::NoAnswer(_) | TokenError::SwitchedOff)) => {
                tracing::info!(%error, link = self.leased.link.id, "tokens were not refreshed");
                self.note_failure();
                return Err(Refusal::Stop(Stop::Failed {
                    what: "no answer to a refresh",
                    wait: None,
                }));
            }
            Err(error) => {
                tracing::warn!(%error, vendor = self.cloud.adapter.name(), "tokens cannot be refreshed");
                return Err(Refusal::Stop(Stop::Failed {
                    what: "the refresh was refused",
                    wait: None,
                }));
            }
        };
        let id = self.leased.link.id;
        let access = next.access.clone();
        if !self
            .state
            .store
            .save_link_tokens(id, version, next.clone())
            .await
            .map_err(Stop::from)?
        {
            return Err(Refusal::Stop(Stop::Lost));
        }
        self.tokens = Some((next, version + 1));
        (self.progress.refusals, self.progress.refused_since) = (0, None);
        Ok(access)
    }
}

/// A refusal says that the token does not reach so far (RFC 6750 3.1).
fn lacks_scope(headers: &HeaderMap) -> bool {
    let mut challenges = headers.get_all(WWW_AUTHENTICATE).iter();
    challenges.any(|challenge| {
        let challenge = challenge.to_str().unwrap_or_default();
        challenge.starts_with("Bearer ") && challenge.contains("error=\"insufficient_scope\"")
    })
}

/// Sends a request with a token.
pub(in crate::links) async fn send(
    state: &AppState,
    cloud: &Cloud,
    request: &Request,
    access: &str,
) -> Result<reqwest::Response, OutgoingError> {
    let url = format!("{}{}", cloud.addresses.api, request.path);
    state
        .outgoing
        .send(&url, |client, url| {
            let call = match &request.sends {
                Sends::Query(parameters) => client.get(url).query(parameters),
                Sends::Form(parameters) => client.post(url).form(parameters),
                Sends::Json(body) => client.post(url).json(body),
            };
            call.header(AUTHORIZATION, format!("Bearer {access}"))
        })
        .await
}
