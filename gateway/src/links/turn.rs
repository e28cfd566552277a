//! One turn of a link: its tokens made good, what the plan says asked for, what came laid into deliveries, and how far that got.

pub(super) mod calls;

use std::sync::Arc;

use adapters::Input;
use adapters::cloud::{Ask, Series};
use adapters::pull::{self, Answered, Whose};
use model::{LinkState, Need, UtcMillis};
use store::{LeasedLink, LinkTokens, NewPayload, Progress, Sender, StoreError, TurnEnd, Want};

use calls::Refusal;

use super::Cloud;
use super::plan::{self, Step};
use super::{giving_back, streams, subscriptions};
use crate::import::{self, ImportError};
use crate::state::AppState;

/// Bytes of pages, and windows of hours or days, from which on they are laid into a delivery.
const DELIVERY: usize = 4 << 20;
const DELIVERY_WINDOWS: i64 = 8_192;

/// After too many calls for now, in milliseconds: a minute's calls are there again, so that the next turn gets as far as a turn can.
const LEAST_WAIT_MS: i64 = 60_000;

/// How long a turn goes on before it keeps how far it got, in milliseconds.
pub(super) const KEEP_MS: i64 = 60_000;

/// Waits after a failure, in milliseconds, each up to twice the one before.
const FIRST_WAIT_MS: i64 = 30_000;
const LONGEST_WAIT_MS: i64 = 6 * 3_600_000;

/// After a subscription that did not work, in milliseconds.
const SUBSCRIBE_AGAIN_MS: i64 = 15 * 60_000;

/// Series of a turn that fail before anything was answered, after which the vendor is taken to be down and the turn ends.
const DOWN: usize = 3;

/// Turns in a row in which the grant was refused, and how long after the first in milliseconds, until it is believed: the answer to a
/// refresh may have been lost, and a vendor may refuse everybody's for a time.
const REFUSED: u32 = 3;
const REFUSED_MS: i64 = 4 * 3_600_000;

/// Why a turn ends early.
enum Stop {
    /// Too many calls for now: go on then.
    Wait(i64),
    /// The vendor failed, or says when to come again.
    Failed { what: &'static str, wait: Option<i64> },
    /// Only the resident can mend it.
    Needs(Need),
    /// The grant was refused.
    Ended,
    /// The lease was lost: another has the link.
    Lost,
    /// A fault of ours.
    Store(StoreError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Works one link, and says what came of it.
pub(super) async fn take(state: &AppState, cloud: &Cloud, leased: &LeasedLink) -> TurnEnd {
    let now = state.clock.now();
    if leased.link.state == LinkState::Ended {
        return giving_back::of_ended(state, cloud, leased, now).await;
    }
    let mut turn = Turn {
        state,
        cloud,
        leased,
        progress: leased.link.progress.clone(),
        tokens: leased.tokens.clone(),
        is_refreshed: false,
        is_answered: false,
        gathered: Vec::new(),
        bytes: 0,
        windows: 0,
        kept: now,
        deliveries: 0,
        unpaid: 0,
        failed: Vec::new(),
    };
    let stop = turn.run().await;
    let failed = |what: &str, wait: Option<i64>| {
        tracing::info!(
            vendor = cloud.adapter.name(),
            link = leased.link.id,
            what,
            "a turn failed"
        );
        after_failure(leased, now, wait.unwrap_or(0))
    };
    match stop {
        Ok(next) => TurnEnd::Went { next },
        Err(Stop::Wait(wait)) => TurnEnd::Waits {
            until: state.clock.now().plus(wait.max(LEAST_WAIT_MS)),
        },
        Err(Stop::Failed { what, wait }) => failed(what, wait),
        Err(Stop::Needs(need)) => TurnEnd::Refused(need),
        Err(Stop::Ended) if turn.has_ended(now) => TurnEnd::Refused(Need::AgreeAgain),
        Err(Stop::Ended) => {
            // Where this cannot be kept, the next refusal counts as this one.
            let _ = turn.deliver((0, None), now).await;
            failed("the grant was refused", None)
        }
        Err(Stop::Lost) => failed("the lease was lost", None),
        Err(Stop::Store(error)) => {
            tracing::warn!(%error, link = leased.link.id, "a turn could not be kept");
            failed("a fault of this gateway", None)
        }
    }
}

/// Each wait is up to twice the one before, and at least what the vendor asks for.
pub(super) fn after_failure(leased: &LeasedLink, now: UtcMillis, asked: i64) -> TurnEnd {
    TurnEnd::Failed {
        next: now.plus(waits(leased.failures, asked)),
    }
}

/// In milliseconds, after so many failures before.
pub(super) fn waits(failures: u32, asked: i64) -> i64 {
    let doubled = FIRST_WAIT_MS << failures.min(12);
    asked.max(doubled).min(LONGEST_WAIT_MS)
}

struct Turn<'a> {
    state: &'a AppState,
    cloud: &'a Cloud,
    leased: &'a LeasedLink,
    progress: Progress,
    tokens: Option<(LinkTokens, i64)>,
    is_refreshed: bool,
    /// The vendor answered something of what was asked.
    is_answered: bool,
    gathered: Vec<(Step, Vec<Vec<u8>>)>,
    bytes: usize,
    windows: i64,
    /// When it was kept last how far it got.
    kept: UtcMillis,
    /// Deliveries of this turn until now.
    deliveries: u32,
    /// Pages that were asked for though it was enough for now.
    unpaid: u32,
    /// Series that failed.
    failed: Vec<Series>,
}

impl Turn<'_> {
    async fn run(&mut self) -> Result<UtcMillis, Stop> {
        let series = &self.cloud.series;
        let pace = self.cloud.pace();
        let now = self.state.clock.now();
        streams::keep_to(&mut self.progress, series, self.cloud.is_merged, now);
        plan::owe(&mut self.progress, series, &self.leased.wants);
        let (steps, taken) = plan::plan(series, &self.progress, &self.leased.wants, pace, now);
        // What the vendor told of stands first: how many of the steps were answered, one after the other.
        let (mut answered, mut is_whole) = (0, true);
        let settled = |answered: usize| plan::settled(&self.leased.wants, &taken, &steps, answered);
        let (mut left, mut is_up): (Vec<&str>, bool) = (Vec::new(), false);
        for step in &steps {
            let is_left = left.contains(&step.series.name);
            let asked = match is_left {
                true => Ok(()),
                false => self.gather(step, now).await,
            };
            let failed = match asked {
                Ok(()) => {
                    is_up |= !is_left;
                    None
                }
                Err(Refusal::Closed) => {
                    is_up = true;
                    left.push(step.series.name);
                    self.close(step, now);
                    None
                }
                Err(Refusal::TooLarge) => Some("an answer is too large"),
                Err(Refusal::Failed(what)) => Some(what),
                Err(Refusal::Stop(stop)) => {
                    // What came before is not asked for again.
                    self.keep(settled(answered), now).await?;
                    return Err(stop);
                }
            };
            if let Some(what) = failed {
                left.push(step.series.name);
                is_whole = false;
                self.leave_alone(&step.series, what);
                if !is_up && self.failed.len() >= DOWN {
                    self.keep(settled(answered), now).await?;
                    return Err(Stop::Failed { what, wait: None });
                }
            }
            answered += usize::from(is_whole);
            // Keeping how far it got renews the lease, which a slow vendor would outlast.
            if self.state.clock.now().0 >= self.kept.0 + KEEP_MS {
                self.deliver(settled(answered), now).await?;
            }
        }
        self.keep(settled(answered), now).await?;
        if plan::open(series, &self.progress).next().is_none() {
            return Err(Stop::Needs(Need::AllowSomething));
        }
        let is_subscribed = self.subscribe(now).await?;
        let (next, now) = (
            plan::next(series, &self.progress, pace, self.state.clock.now()),
            self.state.clock.now(),
        );
        Ok(match is_subscribed {
            true => next,
            false => next.min(now.plus(SUBSCRIBE_AGAIN_MS)),
        })
    }

    /// Has the vendor tell of what is open to us, where accounts are subscribed one by one. One that fails holds up nothing else.
    async fn subscribe(&mut self, now: UtcMillis) -> Result<bool, Stop> {
        let wanted = subscriptions::wanted(self.cloud, &self.progress);
        let Some((tokens, _)) = self.tokens.as_ref().filter(|_| wanted != self.progress.subscribed) else {
            return Ok(true);
        };
        let link = &self.leased.link;
        let subscribed = subscriptions::subscribe(self.state, self.cloud, link, &tokens.access, &wanted).await;
        if let Err(error) = subscribed {
            tracing::warn!(%error, link = link.id, "a link could not be subscribed");
            return Ok(false);
        }
        self.progress.subscribed = wanted;
        self.deliver((0, None), now).await?;
        Ok(true)
    }

    /// Asks for a step, in halves of its time where it is too much for one answer.
    async fn gather(&mut self, step: &Step, now: UtcMillis) -> Result<(), Refusal> {
        let mut pieces = vec![*step];
        while let Some(piece) = pieces.pop() {
            match self.ask(&piece).await {
                Ok(pages) => {
                    self.bytes += pages.iter().map(Vec::len).sum::<usize>();
                    self.windows += piece.windows();
                    self.gathered.push((piece, pages));
                }
                Err(Refusal::TooLarge) => {
                    let (first, then) = piece.halves().ok_or(Refusal::TooLarge)?;
                    pieces.extend([then, first]);
                }
                Err(other) => return Err(other),
            }
            if self.bytes >= DELIVERY || self.windows >= DELIVERY_WINDOWS {
                self.deliver((0, None), now).await?;
            }
        }
        Ok(())
    }

    fn close(&mut self, step: &Step, now: UtcMillis) {
        tracing::info!(
            link = self.leased.link.id,
            series = step.series.name,
            "a series is not open to us"
        );
        plan::close(&mut self.progress, &step.series, now);
        plan::owe(&mut self.progress, &[step.series], &self.leased.wants);
    }

    /// One series that fails does not end the turn.
    fn leave_alone(&mut self, series: &Series, what: &'static str) {
        tracing::info!(
            vendor = self.cloud.adapter.name(),
            link = self.leased.link.id,
            series = series.name,
            what,
            "a series failed"
        );
        self.failed.push(*series);
    }

    /// Stores what was gathered, keeps how far it got, and has rest what failed, each time up to twice as long.
    async fn keep(&mut self, settled: (usize, Option<Want>), now: UtcMillis) -> Result<(), Stop> {
        self.deliver(settled, now).await?;
        if self.failed.is_empty() {
            return Ok(());
        }
        for series in std::mem::take(&mut self.failed) {
            // As before the turn: of one that was answered in part no more is known to work.
            let before = self.leased.link.progress.marks.get(series.name);
            let failures = before.map_or(0, |mark| mark.failures);
            let until = now.0 + waits(failures, 0);
            plan::rest(&mut self.progress, &series, failures.saturating_add(1), until, now);
        }
        self.deliver((0, None), now).await
    }

    /// Counts that the grant was refused once more; true when it is believed.
    fn has_ended(&mut self, now: UtcMillis) -> bool {
        self.progress.refusals += 1;
        let first = *self.progress.refused_since.get_or_insert(now.0);
        self.progress.refusals >= REFUSED && now.0 - first >= REFUSED_MS
    }

    /// Stores what was gathered, and keeps how far it got.
    async fn deliver(&mut self, (whole, rest): (usize, Option<Want>), now: UtcMillis) -> Result<(), Stop> {
        if self.gathered.is_empty() && whole == 0 && rest.is_none() && self.progress == self.leased.link.progress {
            return Ok(());
        }
        let gathered = std::mem::take(&mut self.gathered);
        self.deliveries += 1;
        (self.bytes, self.windows) = (0, 0);
        self.kept = self.state.clock.now();
        let steps: Vec<Step> = gathered.iter().map(|(step, _)| *step).collect();
        if !gathered.is_empty() {
            self.store(gathered, now).await?;
        }
        for step in steps {
            plan::moved(&mut self.progress, &step, now);
        }
        let progress = self.progress.clone();
        // Of one that was asked for in part the rest stays, so that each turn gets further.
        let asked = self.leased.wants[..whole + usize::from(rest.is_some())].to_vec();
        match self
            .state
            .store
            .save_link_progress(self.leased, progress, (asked, rest), self.is_answered)
            .await?
        {
            true => Ok(()),
            false => Err(Stop::Lost),
        }
    }

    async fn store(&self, gathered: Vec<(Step, Vec<Vec<u8>>)>, now: UtcMillis) -> Result<(), Stop> {
        let answers: Vec<Answered<'_>> = gathered
            .into_iter()
            .map(|(step, pages)| Answered {
                ask: Ask {
                    series: step.series.name,
                    start: step.start,
                    end: step.end,
                },
                pages,
            })
            .collect();
        let adapter = self.cloud.adapter;
        let link = &self.leased.link;
        // Each page was read as an answer, so that it is one.
        let whose = Whose {
            account: &link.account_tag,
            zone: self.progress.zone.as_deref(),
        };
        let text = pull::text(adapter.name(), whose, now, &answers);
        let text = text.ok_or(Stop::Failed {
            what: "an answer was none",
            wait: None,
        })?;
        drop(answers);
        let place = Arc::clone(&self.state.pushes).acquire_owned().await;
        let (store, person, id) = (self.state.store.clone(), link.person, link.id);
        let batch = format!("{}-{}", now.0, self.deliveries);
        let reading = tokio::task::spawn_blocking(move || {
            let _place = place;
            let input = Input {
                bytes: &text.as_slice(),
                size: text.len() as u64,
            };
            let keep = |_| NewPayload {
                from: Sender::Link(id),
                adapter: adapter.name().to_owned(),
                batch,
                body: text.clone(),
                answer: Box::new(import::counts),
            };
            import::run_keeping(&store, person, adapter, &input, Some(Box::new(keep)))
        });
        match reading.await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(ImportError::Store(error))) => Err(Stop::Store(error)),
            Ok(Err(ImportError::Adapter(error))) => {
                tracing::warn!(%error, link = id, "what a cloud answered could not be read");
                Err(Stop::Failed {
                    what: "an answer could not be read",
                    wait: None,
                })
            }
            Err(_) => Err(Stop::Failed {
                what: "reading ended early",
                wait: None,
            }),
        }
    }
}
