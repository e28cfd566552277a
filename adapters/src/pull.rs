//! What was asked of a cloud, in one text: each answer with what it answers, its pages as they came.
//!
//! The points of an answer end in windows of whole hours or days, each handed on as one word: whatever it names no more is gone.
//! Bounds: 24 MiB, as many points as fit into them, and 32,768 windows.

use std::collections::BTreeMap;

use model::{Identified, Metric, Sample, UtcMillis, Word};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::cloud::Ask;
use crate::measure::IMPLAUSIBLE;
use crate::push::{Not, Push, instant};
use crate::zone::Zone;
use crate::{AdapterError, Input, Reading, Sink, push};

/// The largest text.
pub const MOST_BYTES: u64 = 24 << 20;

/// Windows of one text at most: more than a turn asks for, days of ten years for each of three series among them.
const MOST_WINDOWS: i64 = 32_768;

/// All answers of one turn.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pull<'a> {
    #[serde(borrow)]
    format: std::borrow::Cow<'a, str>,
    /// Tells the accounts of a person apart, since another account's answers end nothing of this one's.
    #[serde(borrow)]
    account: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    asked_at: std::borrow::Cow<'a, str>,
    /// Where the account's civil times are, where the vendor said so.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    zone: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow)]
    answers: Vec<Answer<'a>>,
}

#[derive(Serialize, Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    series: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    start: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    end: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    pages: Vec<&'a RawValue>,
}

/// An answer that came, with all its pages.
pub struct Answered<'a> {
    /// What was asked.
    pub ask: Ask<'a>,
    /// Each page as it came, checked to be an answer.
    pub pages: Vec<Vec<u8>>,
}

/// Whose answers they are.
#[derive(Clone, Copy, Debug)]
pub struct Whose<'a> {
    /// Tells the account from others of its person.
    pub account: &'a str,
    /// Where its civil times are ([`crate::cloud::Account::zone`]).
    pub zone: Option<&'a str>,
}

/// Lays answers into one text for [`crate::Adapter::read`]; `None` where a page is no JSON.
pub fn text(adapter: &str, whose: Whose<'_>, asked_at: UtcMillis, answers: &[Answered<'_>]) -> Option<Vec<u8>> {
    let mut laid = Vec::with_capacity(answers.len());
    for answer in answers {
        let pages: Result<Vec<&RawValue>, _> = answer.pages.iter().map(|page| serde_json::from_slice(page)).collect();
        laid.push(Answer {
            series: answer.ask.series.into(),
            start: iso(answer.ask.start).into(),
            end: iso(answer.ask.end).into(),
            pages: pages.ok()?,
        });
    }
    let pull = Pull {
        format: format(adapter).into(),
        account: whose.account.into(),
        asked_at: iso(asked_at).into(),
        zone: whose.zone.map(Into::into),
        answers: laid,
    };
    serde_json::to_vec(&pull).ok()
}

fn format(adapter: &str) -> String {
    format!("{adapter}/1")
}

/// An instant as the texts have it.
pub(crate) fn iso(at: UtcMillis) -> String {
    let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.to_string()
}

/// True for a text of this adapter.
pub(crate) fn recognises(adapter: &str, input: &Input<'_>) -> bool {
    push::recognises_format(&format(adapter), input, MOST_BYTES)
}

/// What the points of one answer become.
pub(crate) struct Windows<'a> {
    /// What was asked.
    pub ask: Ask<'a>,
    /// Milliseconds of one window.
    length: i64,
    is_whole: bool,
    held: BTreeMap<i64, Held>,
}

/// The samples of a window, each with what tells its point from others, and which of several it is.
type Held = BTreeMap<(Metric, u16, UtcMillis, UtcMillis, String), Sample>;

impl Windows<'_> {
    /// True when a point of this time was asked for.
    pub fn holds(&self, at: UtcMillis) -> bool {
        (self.ask.start.0..self.ask.end.0).contains(&at.0)
    }

    /// Puts the samples of one point into the window in which `at` lies. A point that is said twice counts as it was said last.
    pub fn put(&mut self, at: UtcMillis, name: &str, samples: Vec<Sample>) -> Result<(), Not> {
        if !self.holds(at) {
            return Err(Not::Rejected("outside-what-was-asked"));
        }
        let window = self.held.entry(at.0.div_euclid(self.length)).or_default();
        let mut again = false;
        for sample in samples {
            let key = (sample.metric, sample.source, sample.start, sample.end, name.to_owned());
            again |= window.insert(key, sample).is_some();
        }
        match again {
            true => Err(Not::Duplicate("said-twice")),
            false => Ok(()),
        }
    }
}

/// The points of a page.
pub(crate) struct Points<'a> {
    /// Each as it came.
    pub points: Vec<&'a RawValue>,
    /// They are all that there is of their time, not only what changed.
    pub are_all: bool,
    /// What is no point and ends as unsupported, and why.
    pub passed_over: Vec<(&'a RawValue, &'static str)>,
}

impl<'a> Points<'a> {
    /// All that there is.
    pub fn all(points: Vec<&'a RawValue>) -> Self {
        Self {
            points,
            are_all: true,
            passed_over: Vec::new(),
        }
    }
}

/// One vendor's way to read an answer.
pub(crate) trait Reads {
    /// Milliseconds of one window of this series; `None` for one that is not read.
    fn window(&self, series: &str) -> Option<i64>;

    /// The points of a page.
    fn points<'a>(&self, series: &str, page: &'a str) -> Option<Points<'a>>;

    /// Puts one point where it belongs.
    fn point(&self, push: &mut Push<'_>, point: &str, windows: &mut Windows<'_>) -> Result<(), Not>;
}

/// Reads a text of answers.
pub(crate) fn read(
    adapter: &str,
    reads: &dyn Reads,
    input: &Input<'_>,
    sink: &mut dyn Sink,
) -> Result<Reading, AdapterError> {
    let bytes = push::bytes(input, MOST_BYTES)?;
    let pull: Pull<'_> = serde_json::from_slice(&bytes).map_err(|error| AdapterError::Damaged {
        place: format!("at line {}, column {}", error.line(), error.column()),
        problem: "it is no text of answers".to_owned(),
    })?;
    if pull.format != format(adapter) {
        return Err(push::refused("it is of another service"));
    }
    let asked_at = at(&pull.asked_at)?;
    let mut push = Push::new(sink, asked_at);
    if let Some(zone) = pull.zone.as_deref().and_then(Zone::stated) {
        push.zone = zone;
    }
    let (mut place, mut windows_of_all) = (0, 0);
    for answer in &pull.answers {
        let ask = Ask {
            series: &answer.series,
            start: at(&answer.start)?,
            end: at(&answer.end)?,
        };
        let length = reads.window(ask.series);
        let length = length.ok_or_else(|| push::refused("it answers what is not asked here"))?;
        if ask.start.0 % length != 0 || ask.end.0 % length != 0 || ask.end <= ask.start {
            return Err(push::refused("it answers what lies across windows"));
        }
        windows_of_all += (ask.end.0 - ask.start.0) / length;
        if windows_of_all > MOST_WINDOWS {
            return Err(push::refused("it answers for too long a time"));
        }
        let mut windows = Windows {
            ask,
            length,
            is_whole: true,
            held: (ask.start.0 / length..ask.end.0 / length)
                .map(|window| (window, Held::new()))
                .collect(),
        };
        for page in &answer.pages {
            let points = reads
                .points(ask.series, page.get())
                .ok_or_else(|| push::refused("a page is none"))?;
            windows.is_whole &= points.are_all;
            for point in points.points {
                place += 1;
                if let Err(not) = reads.point(&mut push, point.get(), &mut windows) {
                    // A point of another shape than is known may be one that was held before.
                    windows.is_whole &= !matches!(not, Not::Rejected(reason) if reason != IMPLAUSIBLE);
                    push.end_text(not, point.get(), place)?;
                }
            }
            for (text, reason) in points.passed_over {
                place += 1;
                push.end_text(Not::Unsupported(reason), text.get(), place)?;
            }
        }
        let is_whole = windows.is_whole;
        for (window, held) in windows.held {
            let start = UtcMillis(window * length);
            push.identified(Identified {
                id: format!("{}/{}/{}", pull.account, ask.series, iso(start)),
                said: asked_at,
                what: Word::Window {
                    samples: held.into_values().collect(),
                    is_whole,
                },
            })?;
        }
    }
    push.finish()
}

fn at(text: &str) -> Result<UtcMillis, AdapterError> {
    let at = instant(text).ok_or_else(|| push::refused("a time is none"))?;
    Ok(at.0)
}
