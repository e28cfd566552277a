//! `/portal/steps`: a resident's own steps of a week or a month, as bars with the goal, and as a table that says the same.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use consent::Language;
use model::{LocalDay, Metric, Summary, UtcMillis};
use serde::Deserialize;
use store::{Access, DayStatus, Record, Search, StoreError, StoredTotal, TimeBounds};

use super::page::{Frame, shown};
use super::resident::{Resident, day};
use super::upload;
use super::words::Words;
use crate::sign_in::SignedIn;
use crate::state::AppState;

/// Where the page lies.
pub const PATH: &str = "/portal/steps";

/// The metric's key in the vocabulary.
const STEPS: &str = "step_count";
/// Steps a day that Health Japan 21 (third) aims at from 20 to 64 years, and from 65 on (MHLW, 2023-06-26).
const GOALS: [u64; 2] = [8_000, 6_000];
/// From this age on the second goal holds.
const OLDER: i32 = 65;
/// How far from a day's midnight in one zone it can lie in another, in milliseconds.
const ZONES_MS: i64 = 26 * 3_600_000;
/// Width and height of the drawing, in its own units; bars stand between its edges.
const WIDTH: u64 = 360;
const HEIGHT: u64 = 230;
const LEFT: u64 = 52;
const TOP: u64 = 12;
const BOTTOM: u64 = 28;

/// What the address of the page may say.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    /// `month`; anything else is a week.
    #[serde(default)]
    span: String,
    /// A day within it, as `2026-05-10`; today without one.
    #[serde(default)]
    day: String,
}

/// `GET /portal/steps`.
pub async fn show(
    State(state): State<AppState>,
    signed_in: SignedIn,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Response {
    let view = view(&state, &signed_in, &asked).await;
    shown(view, &headers, "the page of steps could not be made")
}

#[derive(Template)]
#[template(path = "steps.html")]
struct View {
    frame: Frame,
    words: Words,
    /// `week` or `month`, and the addresses of both.
    is_month: bool,
    week: String,
    month: String,
    period: String,
    earlier: String,
    later: Option<String>,
    mean: Option<String>,
    reached: String,
    goal: String,
    chart: Chart,
    rows: Vec<Row>,
    typed: bool,
    sources: String,
    upload: &'static str,
}

/// A day of the table.
struct Row {
    day: String,
    steps: String,
    typed: String,
    note: String,
}

/// The drawing, in whole units of its view box.
struct Chart {
    summary: String,
    bars: Vec<Bar>,
    lines: Vec<(u64, String)>,
    goal: u64,
}

struct Bar {
    x: u64,
    y: u64,
    width: u64,
    height: u64,
    middle: u64,
    reached: bool,
    missing: bool,
    label: String,
    title: String,
}

async fn view(state: &AppState, signed_in: &SignedIn, asked: &Asked) -> Result<Option<View>, StoreError> {
    let Some(resident) = Resident::load(state, &signed_in.own).await? else {
        return Ok(None);
    };
    let words = Words(signed_in.language);
    let today = resident.today();
    let asked_day =
        LocalDay::parse(&asked.day).filter(|day| *day <= today && *day >= resident.day_of(UtcMillis::EARLIEST));
    let within = asked_day.unwrap_or(today);
    let span = if asked.span == "month" {
        Summary::Month
    } else {
        Summary::Week
    };
    let (first, last) = (span.first(within), span.last(within));
    let totals = totals(state, signed_in, &resident, first, last).await?;
    let goal = goal(state, signed_in, &resident).await?;
    let typed = totals.values().any(|total| total.manual != 0);
    let sources = sources(state, signed_in, &totals).await?;
    let days: Vec<LocalDay> = (first.0..=last.0).map(LocalDay).filter(|day| *day <= today).collect();
    let numbers: Vec<(LocalDay, Option<u64>)> = (first.0..=last.0)
        .map(|number| {
            (
                LocalDay(number),
                totals.get(&LocalDay(number)).map(|total| whole(total, total.total)),
            )
        })
        .collect();
    // The running day is still growing: it would pull the mean down.
    let over: Vec<u64> = numbers
        .iter()
        .filter(|(day, _)| *day < today)
        .filter_map(|(_, steps)| *steps)
        .collect();
    let mean = (!over.is_empty()).then(|| over.iter().sum::<u64>() / over.len() as u64);
    let reached = numbers
        .iter()
        .filter(|(_, steps)| steps.is_some_and(|steps| steps >= goal))
        .count();
    let period = words.fill(
        "steps-period",
        [("from", day(words.0, first)), ("until", day(words.0, last))],
    );
    let address = |span: Summary, day: LocalDay| {
        let span = if span == Summary::Month { "month" } else { "week" };
        format!("{PATH}?span={span}&day={day}")
    };
    Ok(Some(View {
        is_month: span == Summary::Month,
        week: address(Summary::Week, within),
        month: address(Summary::Month, within),
        earlier: address(span, first.plus(-1)),
        later: (last < today).then(|| address(span, last.plus(1))),
        mean: mean.map(|mean| {
            words.fill(
                "steps-mean",
                [("steps", grouped(mean)), ("days", over.len().to_string())],
            )
        }),
        reached: words.fill(
            "steps-reached",
            [("goal", grouped(goal)), ("days", reached.to_string())],
        ),
        goal: words.with("steps-goal", "goal", grouped(goal)),
        chart: chart(words, &period, &numbers, goal, today),
        rows: days
            .iter()
            .map(|number| row(words, *number, totals.get(number), today))
            .collect(),
        period,
        typed,
        sources,
        upload: upload::PATH,
        words,
        frame: Frame::own(words, PATH, &resident, &signed_in.csrf),
    }))
}

/// The days' totals between two days.
async fn totals(
    state: &AppState,
    signed_in: &SignedIn,
    resident: &Resident,
    first: LocalDay,
    last: LocalDay,
) -> Result<BTreeMap<LocalDay, StoredTotal>, StoreError> {
    let search = Search {
        daily: Metric::from_key(STEPS).into_iter().collect(),
        times: TimeBounds {
            start_from: Some(resident.end_of(first.plus(-1)).plus(-ZONES_MS)),
            start_before: Some(resident.end_of(last).plus(ZONES_MS)),
            ..TimeBounds::default()
        },
        count: 100,
        now: resident.now,
        ..Search::default()
    };
    let page = state.store.search(Access::Own(&signed_in.own), search).await?;
    Ok(page
        .records
        .into_iter()
        .filter_map(|record| match record {
            Record::Total(total) if (first..=last).contains(&total.day) => Some((total.day, total)),
            _ => None,
        })
        .collect())
}

async fn goal(state: &AppState, signed_in: &SignedIn, resident: &Resident) -> Result<u64, StoreError> {
    let about = state.store.patient(Access::Own(&signed_in.own), resident.now).await?;
    let (year, month, number) = resident.today().ymd();
    let older = about.birth_date.is_some_and(|born| {
        let (born_year, born_month, born_day) = born.ymd();
        let had_birthday = (month, number) >= (born_month, born_day);
        year - born_year - i32::from(!had_birthday) >= OLDER
    });
    Ok(GOALS[usize::from(older)])
}

/// Names of the devices that the numbers come from.
async fn sources(
    state: &AppState,
    signed_in: &SignedIn,
    totals: &BTreeMap<LocalDay, StoredTotal>,
) -> Result<String, StoreError> {
    let gave = |number: u16| {
        totals.values().any(|total| {
            total
                .shares
                .iter()
                .any(|share| share.source == number && share.amount > 0)
        })
    };
    let devices = state.store.devices(Access::Own(&signed_in.own)).await?;
    let names: Vec<String> = devices
        .into_iter()
        .filter(|device| gave(device.number))
        .map(|device| device.source.name)
        .filter(|name| !name.is_empty())
        .collect();
    Ok(names.join("、"))
}

/// A number of a total in whole steps.
fn whole(total: &StoredTotal, number: i64) -> u64 {
    let divisor = 10_u64.saturating_pow(u32::from(total.scale));
    (u64::try_from(number).unwrap_or(0) + divisor / 2) / divisor
}

fn row(words: Words, number: LocalDay, total: Option<&StoredTotal>, today: LocalDay) -> Row {
    let note = match total {
        None if number == today => words.say("steps-not_yet"),
        None => words.say("steps-gap"),
        Some(_) if number == today => words.say("steps-running"),
        Some(total) if total.status == DayStatus::Preliminary => words.say("steps-preliminary"),
        Some(_) => String::new(),
    };
    let steps = |pick: fn(&StoredTotal) -> i64| {
        total.map_or_else(|| "－".to_owned(), |total| grouped(whole(total, pick(total))))
    };
    Row {
        day: short(words.0, number),
        steps: steps(|total| total.total),
        typed: steps(|total| total.manual),
        note,
    }
}

fn chart(words: Words, period: &str, numbers: &[(LocalDay, Option<u64>)], goal: u64, today: LocalDay) -> Chart {
    let most = numbers
        .iter()
        .filter_map(|(_, steps)| *steps)
        .max()
        .unwrap_or(0)
        .max(goal);
    // Three lines at round numbers, the highest above everything.
    let step = [1_000, 2_000, 2_500, 5_000, 10_000, 20_000, 50_000, 100_000, 500_000]
        .into_iter()
        .find(|step| step * 4 >= most)
        .unwrap_or(most);
    let top = step * most.div_ceil(step).max(1);
    let scale = HEIGHT - TOP - BOTTOM;
    let y_of = |steps: u64| TOP + scale - (steps.min(top) * scale / top);
    let slot = (WIDTH - LEFT) / numbers.len().max(1) as u64;
    let width = slot * 7 / 10;
    let labelled = |place: usize, number: LocalDay| {
        let (_, month, day) = number.ymd();
        match numbers.len() {
            0..=7 => format!("{month}/{day}"),
            _ if place == 0 || day.is_multiple_of(5) && day < 31 => day.to_string(),
            _ => String::new(),
        }
    };
    let bars = numbers
        .iter()
        .enumerate()
        .map(|(place, (number, steps))| {
            let x = LEFT + place as u64 * slot + (slot - width) / 2;
            let y = y_of(steps.unwrap_or(0));
            let text = steps.map_or_else(
                || words.say("steps-gap"),
                |steps| words.with("steps-of", "steps", grouped(steps)),
            );
            Bar {
                x,
                y,
                width,
                height: TOP + scale - y,
                middle: x + width / 2,
                reached: steps.is_some_and(|steps| steps >= goal),
                missing: steps.is_none() && *number < today,
                label: labelled(place, *number),
                title: format!("{} {text}", day(words.0, *number)),
            }
        })
        .collect();
    Chart {
        summary: words.with("steps-chart", "period", period),
        bars,
        lines: (0..=top / step)
            .map(|line| (y_of(line * step), grouped(line * step)))
            .collect(),
        goal: y_of(goal),
    }
}

/// A day without its year, which the heading says: `5月10日（日）`.
fn short(language: Language, day: LocalDay) -> String {
    let (_, month, number) = day.ymd();
    // 1970-01-01 was a Thursday.
    let weekday = usize::try_from((i64::from(day.0) + 3).rem_euclid(7)).unwrap_or(0);
    match language {
        Language::Ja => format!(
            "{month}月{number}日（{}）",
            ["月", "火", "水", "木", "金", "土", "日"][weekday]
        ),
        Language::En => {
            let name = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][weekday];
            format!("{name} {number}/{month}")
        }
    }
}

/// A number with commas, as `12,345`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_threes() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn a_day_without_a_record_is_no_day_of_zero_steps() {
        let monday = LocalDay::from_ymd(2026, 5, 11).unwrap();
        let numbers = [(monday, Some(9_000)), (monday.plus(1), None), (monday.plus(2), Some(0))];
        let chart = chart(Words(Language::En), "", &numbers, 8_000, monday.plus(2));
        let missing: Vec<bool> = chart.bars.iter().map(|bar| bar.missing).collect();
        assert_eq!(missing, [false, true, false]);
        assert!(chart.bars[0].reached && chart.bars[0].y < chart.goal);
        assert!(chart.bars[1].title.contains("No record"), "{}", chart.bars[1].title);
        assert!(chart.bars[2].title.contains("0 steps"), "{}", chart.bars[2].title);
    }

    #[test]
    fn every_bar_stands_inside_the_drawing_however_high() {
        let first = LocalDay::from_ymd(2026, 5, 1).unwrap();
        for most in [0, 1, 7_999, 8_001, 40_000, 1_000_000, 9_000_000] {
            let numbers: Vec<_> = (0..31).map(|day| (first.plus(day), Some(most))).collect();
            let chart = chart(Words(Language::Ja), "", &numbers, 8_000, first.plus(30));
            for bar in &chart.bars {
                assert!(
                    bar.x + bar.width <= WIDTH && bar.y >= TOP && bar.y + bar.height <= HEIGHT - BOTTOM,
                    "{most}"
                );
            }
            assert!(chart.lines.len() <= 6 || most > 2_000_000, "{}", chart.lines.len());
        }
    }
}
