//! What one turn asks for: what the vendor told of, then what is new, then what is older, the newest first.

use adapters::cloud::Series;
use model::UtcMillis;
use model::time::{DAY_MS, HOUR_MS};
use store::{Mark, Pass, Progress, Want};

/// Asks of one turn at most: then the next link has its turn.
const MOST_ASKS: usize = 40;

/// Longest since it was asked last, of what the vendor tells of by itself.
const TOLD_MS: i64 = DAY_MS;

/// Days that are asked for at once when a series is new.
const FIRST_DAYS: i64 = 7;

/// How often more than the last days is asked again, and how many days: what comes so late, and is not told of, is met then.
const AGAIN_MS: i64 = 7 * DAY_MS;
const AGAIN_DAYS: i64 = 30;

/// How long after all was asked it is all asked again, for what came later than that, and in how many asks of a turn: a few, since there
/// is hardly ever anything.
const ROUND_MS: i64 = 90 * DAY_MS;
const ROUND_ASKS: usize = 8;

/// One ask, and what it moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// The series.
    pub(super) series: Series,
    /// Whole windows from here on.
    pub(super) start: UtcMillis,
    /// Until here.
    pub(super) end: UtcMillis,
    /// What it moves once it was answered.
    pub(super) moves: Moves,
}

impl Step {
    /// How many windows it asks for.
    pub(super) fn windows(&self) -> i64 {
        (self.end.0 - self.start.0) / (i64::from(self.series.hours) * HOUR_MS)
    }

    /// Its time in two, the half that is asked first before the other; `None` for a single window.
    pub(super) fn halves(&self) -> Option<(Self, Self)> {
        let windows = self.windows();
        if windows < 2 {
            return None;
        }
        let middle = self.start.plus(windows / 2 * i64::from(self.series.hours) * HOUR_MS);
        let (mut early, mut late) = (*self, *self);
        (early.end, late.start) = (middle, middle);
        Some(match self.moves {
            Moves::Back => (late, early),
            Moves::Round { .. } => {
                late.moves = Moves::Round { is_last: false };
                (late, early)
            }
            Moves::Nothing => (early, late),
            Moves::Forward { again, .. } => {
                early.moves = Moves::Forward { is_last: false, again };
                (early, late)
            }
        })
    }
}

/// What an answer moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moves {
    /// Nothing: the vendor told of it.
    Nothing,
    /// How far a series got; the last of what is new also says when that was.
    Forward {
        /// Nothing that is new follows.
        is_last: bool,
        /// More than the last days is asked again.
        again: bool,
    },
    /// How far back it got.
    Back,
    /// How far back it got in asking for all of it again.
    Round {
        /// Nothing that is older follows.
        is_last: bool,
    },
}

/// When and how a cloud is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Time after which it is asked again.
    pub(super) poll_ms: i64,
    /// How far back is asked.
    pub(super) backfill_ms: i64,
    /// The vendor's notices are heard.
    pub(super) is_told: bool,
}

impl Pace {
    fn again(&self, series: &Series) -> i64 {
        match self.is_told && series.is_told {
            true => self.poll_ms.max(TOLD_MS),
            false => self.poll_ms,
        }
    }
}

/// Series that are open to us.
pub(super) fn open<'a>(series: &'a [Series], progress: &'a Progress) -> impl Iterator<Item = &'a Series> {
    series.iter().filter(|series| {
        let is_given = progress.scopes.is_empty() || progress.scopes.iter().any(|scope| scope == series.scope);
        let is_closed = progress.marks.get(series.name).is_some_and(|mark| mark.closed);
        is_given && !is_closed
    })
}

/// Series that are open to us and do not rest.
fn asked<'a>(series: &'a [Series], progress: &'a Progress, now: UtcMillis) -> impl Iterator<Item = &'a Series> {
    open(series, progress).filter(move |series| rests(progress, series, now).is_none())
}

/// Until when a series rests.
fn rests(progress: &Progress, series: &Series, now: UtcMillis) -> Option<i64> {
    let until = progress.marks.get(series.name)?.rests?;
    (now.0 < until).then_some(until)
}

/// Lets a series rest that failed, so often in a row: it holds up no other, and is tried again.
pub(super) fn rest(progress: &mut Progress, series: &Series, failures: u32, until: i64, now: UtcMillis) {
    let fresh = Mark {
        again: now.0,
        ..Mark::at(now.0 - FIRST_DAYS * DAY_MS)
    };
    let mark = progress.marks.entry(series.name.to_owned()).or_insert(fresh);
    (mark.failures, mark.rests) = (failures, Some(until));
}

/// Marks a series as not open to us; what was to be asked of it is asked for once it is.
pub(super) fn close(progress: &mut Progress, series: &Series, now: UtcMillis) {
    let fresh = Mark {
        again: now.0,
        ..Mark::at(now.0)
    };
    let mark = progress.marks.entry(series.name.to_owned()).or_insert(fresh);
    mark.closed = true;
}

/// A series that failed when it was asked for last.
fn is_sick(progress: &Progress, series: &Series) -> bool {
    let mark = progress.marks.get(series.name);
    mark.is_some_and(|mark| mark.rests.is_some())
}

/// Lets wants of what is closed or failed be asked for with what is new, as soon as that is asked for again: as wants they would stand
/// before those of the others, or be dropped.
pub(super) fn owe(progress: &mut Progress, series: &[Series], wants: &[Want]) {
    for want in wants {
        let Some(series) = series.iter().find(|series| series.name == want.series) else {
            continue;
        };
        let mark = progress.marks.get_mut(series.name);
        let Some(mark) = mark.filter(|mark| mark.closed || mark.rests.is_some()) else {
            continue;
        };
        let mut pass = mark.pass.unwrap_or(Pass {
            reached: mark.until - i64::from(series.late_days) * DAY_MS,
            again: false,
        });
        pass.reached = pass.reached.min(want.start.0);
        (mark.pass, mark.asked) = (Some(pass), 0);
    }
}

/// What to ask now; and of each want that is taken up, after how many steps all of it was asked for.
pub(super) fn plan<'a>(
    series: &'a [Series],
    progress: &'a Progress,
    wants: &[Want],
    pace: Pace,
    now: UtcMillis,
) -> (Vec<Step>, Vec<usize>) {
    let mut steps = Vec::new();
    let mut taken = Vec::new();
    for want in wants {
        // One that is larger than a turn is asked for alone, however many asks it takes.
        if steps.len() >= MOST_ASKS {
            break;
        }
        let mut well = asked(series, progress, now).filter(|series| !is_sick(progress, series));
        if let Some(series) = well.find(|series| series.name == want.series) {
            let (start, end) = (
                want.start.0.max(horizon(pace.backfill_ms, now)),
                want.end.0.min(now.0 + DAY_MS),
            );
            spans(series, start, end, |start, end, _| {
                let step = Step {
                    series: *series,
                    start,
                    end,
                    moves: Moves::Nothing,
                };
                if !steps.contains(&step) {
                    steps.push(step);
                }
            });
        }
        taken.push(steps.len());
    }
    // What failed comes last: the others are not held up by it, and tell whether the vendor answers at all.
    let mut all: Vec<&Series> = asked(series, progress, now).collect();
    all.sort_by_key(|series| is_sick(progress, series));
    for series in all {
        if steps.len() >= MOST_ASKS {
            return (steps, taken);
        }
        let mark = progress.marks.get(series.name);
        if mark.is_some_and(|mark| now.0 < mark.asked + pace.again(series)) {
            continue;
        }
        let pass = mark.and_then(|mark| mark.pass);
        let again = match pass {
            Some(pass) => pass.again,
            None => mark.is_none_or(|mark| now.0 >= mark.again + AGAIN_MS),
        };
        let late = if again { AGAIN_DAYS } else { i64::from(series.late_days) };
        let from = match (pass, mark) {
            // One that was cut off goes on where it was: from its beginning on it would never get further than a turn can.
            (Some(pass), _) => pass.reached,
            // What came by a link before is not asked for again because it may have come late.
            (None, Some(mark)) => (mark.until - late * DAY_MS).max(mark.since.unwrap_or(i64::MIN)),
            (None, None) => now.0 - FIRST_DAYS * DAY_MS,
        };
        // Also where the clock went back: with nothing asked it would be due again at once.
        let from = from.min(now.0);
        let horizon = horizon(pace.backfill_ms, now);
        let end = now.0 + 1 + i64::from(series.ahead_hours) * HOUR_MS;
        spans(series, from.max(horizon), end, |start, end, is_last| {
            steps.push(Step {
                series: *series,
                start,
                end,
                moves: Moves::Forward { is_last, again },
            });
        });
    }
    // What is older, by how far each got: none waits for another that has much.
    let back = |series: &'a Series| {
        let mark = progress.marks.get(series.name)?;
        Some((mark.back, series))
    };
    let horizon = horizon(pace.backfill_ms, now);
    let backs = asked(series, progress, now).filter_map(back);
    let mut backs: Vec<(i64, &'a Series)> = backs.filter(|(back, _)| *back > horizon).collect();
    backs.sort_by_key(|(back, series)| (is_sick(progress, series), -back));
    for (back, series) in &backs {
        if steps.len() >= MOST_ASKS {
            break;
        }
        steps.push(before(series, *back, horizon, |_| Moves::Back));
    }
    if backs.is_empty() {
        rounds(&mut steps, asked(series, progress, now), progress, horizon, now);
    }
    (steps, taken)
}

/// Some of asking for all again, where nothing is left that was never asked.
fn rounds<'a>(
    steps: &mut Vec<Step>,
    asked: impl Iterator<Item = &'a Series>,
    progress: &Progress,
    horizon: i64,
    now: UtcMillis,
) {
    let most = (steps.len() + ROUND_ASKS).min(MOST_ASKS);
    let due = |series: &'a Series| {
        let mark = progress.marks.get(series.name)?;
        (mark.round != 0 && now.0 >= mark.round + ROUND_MS).then_some((mark, series))
    };
    let mut due: Vec<_> = asked.filter_map(due).collect();
    // The one that waited longest: with little room the last of them would never come.
    due.sort_by_key(|(mark, _)| mark.round);
    for (mark, series) in due {
        // What came by a link before is not asked for again.
        let horizon = horizon.max(mark.since.unwrap_or(i64::MIN));
        // The horizon may have gone by where it got.
        let mut back = mark
            .round_back
            .map_or(now.0 - AGAIN_DAYS * DAY_MS, |back| back.max(horizon + 1));
        while steps.len() < most && back > horizon {
            let step = before(series, back, horizon, |is_last| Moves::Round { is_last });
            back = step.start.0;
            steps.push(step);
        }
    }
}

/// The ask that lies before where a series got; `moves` is told whether it is the last before the horizon.
fn before(series: &Series, back: i64, horizon: i64, moves: impl Fn(bool) -> Moves) -> Step {
    let length = i64::from(series.hours) * HOUR_MS;
    // Windows may have been others when it got there: the one it stands in is asked for whole.
    let end = (back + length - 1).div_euclid(length) * length;
    let first = horizon.div_euclid(length) * length;
    let start = (end - i64::from(series.days) * DAY_MS).max(first);
    Step {
        series: *series,
        start: UtcMillis(start),
        end: UtcMillis(end),
        moves: moves(start <= first),
    }
}

/// Before when nothing is asked.
fn horizon(backfill_ms: i64, now: UtcMillis) -> i64 {
    now.0 - backfill_ms
}

/// Cuts a time into asks of whole windows, the oldest first.
fn spans(series: &Series, start: i64, end: i64, mut each: impl FnMut(UtcMillis, UtcMillis, bool)) {
    let length = i64::from(series.hours) * HOUR_MS;
    let most = i64::from(series.days) * DAY_MS;
    let mut from = start.div_euclid(length) * length;
    let end = (end + length - 1).div_euclid(length) * length;
    while from < end {
        let until = (from + most).min(end);
        each(UtcMillis(from), UtcMillis(until), until == end);
        from = until;
    }
}

/// Of wants, those that were asked for whole after so many steps; and what is left of the next, where a part of it was.
pub(super) fn settled(wants: &[Want], taken: &[usize], steps: &[Step], answered: usize) -> (usize, Option<Want>) {
    let whole = taken.iter().take_while(|until| **until <= answered).count();
    let before = whole.checked_sub(1).map_or(0, |last| taken[last]);
    let rest = wants
        .get(whole)
        .zip(steps.get(answered))
        .filter(|(want, step)| whole < taken.len() && before < answered && step.series.name == want.series);
    let rest = rest.map(|(want, step)| Want {
        start: step.start,
        ..want.clone()
    });
    (whole, rest)
}

/// How far it got after an answer.
pub(super) fn moved(progress: &mut Progress, step: &Step, now: UtcMillis) {
    let fresh = Mark {
        until: step.end.0.min(now.0),
        ..Mark::at(step.start.0)
    };
    let mark = progress.marks.entry(step.series.name.to_owned());
    let mark = mark.and_modify(|mark| (mark.rests, mark.failures) = (None, 0));
    match step.moves {
        Moves::Nothing => {}
        Moves::Forward { is_last, again } => {
            let mark = mark.or_insert(fresh);
            mark.until = mark.until.max(fresh.until);
            mark.pass = (!is_last).then_some(Pass {
                reached: step.end.0,
                again,
            });
            if is_last {
                mark.asked = now.0;
                if mark.round == 0 {
                    mark.round = now.0;
                }
            }
            if is_last && again {
                mark.again = now.0;
            }
        }
        Moves::Back => {
            let mark = mark.or_insert(fresh);
            mark.back = mark.back.min(step.start.0);
        }
        Moves::Round { is_last } => {
            let mark = mark.or_insert(fresh);
            mark.round_back = (!is_last).then_some(step.start.0);
            if is_last {
                mark.round = now.0;
            }
        }
    }
}

/// When there is something to ask again, if no vendor says so before.
pub(super) fn next(series: &[Series], progress: &Progress, pace: Pace, now: UtcMillis) -> UtcMillis {
    let mut soonest = now.0 + pace.poll_ms;
    for series in open(series, progress) {
        if let Some(until) = rests(progress, series, now) {
            soonest = soonest.min(until);
            continue;
        }
        match progress.marks.get(series.name) {
            Some(mark) if mark.back <= horizon(pace.backfill_ms, now) => {
                soonest = soonest.min(mark.asked + pace.again(series))
            }
            // There is older to ask, or all of it.
            _ => return now,
        }
    }
    UtcMillis(soonest.max(now.0))
}

/// Of the time that is asked back to, how much was, in percent.
pub fn done(series: &[Series], progress: &Progress, pace_ms: i64, now: UtcMillis) -> u8 {
    let (mut reached, mut wanted) = (0, 0);
    for series in open(series, progress) {
        let mark = progress.marks.get(series.name);
        let horizon = horizon(pace_ms, now);
        let all = (now.0 - horizon).max(1);
        wanted += all;
        if let Some(mark) = mark {
            reached += (now.0 - mark.back.max(horizon)).clamp(0, all);
        }
    }
    if wanted == 0 {
        100
    } else {
        (reached * 100 / wanted) as u8
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn series(name: &'static str, days: u16, hours: u16, is_told: bool) -> Series {
        Series {
            name,
            scope: name,
            days,
            hours,
            late_days: 2,
            ahead_hours: 0,
            is_told,
            merges: false,
        }
    }

    const ALL: [Series; 3] = [
        series("minutes", 7, 1, true),
        series("days", 90, 24, false),
        series("seconds", 1, 1, false),
    ];

    const PACE: Pace = Pace {
        poll_ms: 6 * HOUR_MS,
        backfill_ms: 100 * DAY_MS,
        is_told: true,
    };

    const NOW: UtcMillis = UtcMillis(1_778_371_234_567);

    #[test]
    fn turns_go_on_until_all_is_asked_and_ask_nothing_twice() {
        let mut progress = Progress::default();
        let mut asks = 0;
        let mut asked: Vec<(&str, i64, i64)> = Vec::new();
        while next(&ALL, &progress, PACE, NOW) == NOW {
            let (steps, _) = plan(&ALL, &progress, &[], PACE, NOW);
            assert!(!steps.is_empty() && steps.len() < MOST_ASKS + 10);
            for step in steps {
                moved(&mut progress, &step, NOW);
                asked.push((step.series.name, step.start.0, step.end.0));
                asks += 1;
            }
            assert!(asks < 1_000);
        }
        assert_eq!(done(&ALL, &progress, PACE.backfill_ms, NOW), 100);
        for one in ALL {
            let mut spans: Vec<_> = asked.iter().filter(|(name, ..)| *name == one.name).collect();
            spans.sort_unstable();
            assert!(
                spans.windows(2).all(|pair| pair[0].2 == pair[1].1),
                "no gap and no overlap"
            );
            assert!(spans[0].1 <= NOW.0 - PACE.backfill_ms && spans.last().unwrap().2 > NOW.0);
        }
    }

    #[test]
    fn what_the_vendor_tells_of_is_asked_less_often_and_what_is_late_is_met() {
        let mut progress = Progress::default();
        for one in ALL {
            let mark = Mark {
                asked: NOW.0,
                back: 0,
                again: NOW.0,
                ..Mark::at(NOW.0)
            };
            progress.marks.insert(one.name.to_owned(), mark);
        }
        assert!(plan(&ALL, &progress, &[], PACE, NOW).0.is_empty());
        assert_eq!(next(&ALL, &progress, PACE, NOW), NOW.plus(6 * HOUR_MS));
        let later = NOW.plus(6 * HOUR_MS);
        let (steps, _) = plan(&ALL, &progress, &[], PACE, later);
        assert!(steps.iter().all(|step| step.series.name != "minutes"));
        let first = steps.iter().find(|step| step.series.name == "days").unwrap();
        assert!(first.start.0 <= NOW.0 - 2 * DAY_MS && first.end.0 > later.0);
        let deaf = Pace { is_told: false, ..PACE };
        let (steps, _) = plan(&ALL, &progress, &[], deaf, later);
        assert!(steps.iter().any(|step| step.series.name == "minutes"));
    }

    #[test]
    fn all_of_it_is_asked_again_a_little_a_turn_so_that_nothing_comes_too_late() {
        let years = Pace {
            backfill_ms: 1_000 * DAY_MS,
            ..PACE
        };
        let late = NOW.plus(-70 * DAY_MS);
        let (mut progress, mut now, mut met) = (Progress::default(), NOW, Vec::new());
        while now.0 < NOW.0 + 500 * DAY_MS {
            let (steps, _) = plan(&ALL, &progress, &[], years, now);
            let rounds = steps.iter().filter(|step| matches!(step.moves, Moves::Round { .. }));
            assert!(rounds.count() <= ROUND_ASKS);
            for step in steps {
                moved(&mut progress, &step, now);
                if step.series.name == "seconds" && (step.start..step.end).contains(&late) {
                    met.push((now.0 - NOW.0) / DAY_MS);
                }
            }
            now = next(&ALL, &progress, years, now).max(now.plus(HOUR_MS));
        }
        assert!(
            met.len() >= 4 && met.windows(2).all(|two| two[1] - two[0] < 140),
            "{met:?}"
        );
        // Of a link that goes on with another's history, only its own time.
        let since = NOW.0 - 200 * DAY_MS;
        let mark = Mark {
            since: Some(since),
            back: NOW.0 - years.backfill_ms,
            round: 1,
            ..Mark::at(NOW.0)
        };
        let mut progress = Progress::default();
        progress
            .marks
            .insert("seconds".to_owned(), Mark { asked: NOW.0, ..mark });
        let mut oldest = NOW.0;
        for _turn in 0..100 {
            for step in plan(&ALL[2..], &progress, &[], years, NOW).0 {
                oldest = oldest.min(step.start.0);
                moved(&mut progress, &step, NOW);
            }
        }
        assert!((since - DAY_MS..=since).contains(&oldest));
        assert_eq!(
            (progress.marks["seconds"].round, progress.marks["seconds"].round_back),
            (NOW.0, None)
        );
    }

    #[test]
    fn what_was_told_comes_first_whatever_its_size_and_what_is_closed_is_not_asked() {
        let mut progress = Progress::default();
        let want = |series: &str, hours: i64| Want {
            series: series.to_owned(),
            start: NOW.plus(-hours * HOUR_MS),
            end: NOW,
        };
        let wants = [
            want("minutes", 1),
            want("minutes", 1),
            want("nothing", 1),
            want("seconds", 80 * 24),
        ];
        let (steps, taken) = plan(&ALL, &progress, &wants, PACE, NOW);
        assert_eq!(taken.len(), 4);
        assert_eq!((taken[0], taken[1], taken[2], taken[3]), (1, 1, 1, steps.len()));
        assert_eq!(
            (steps[0].series.name, steps[0].end.0 - steps[0].start.0),
            ("minutes", 2 * HOUR_MS)
        );
        assert!(
            steps[1..]
                .iter()
                .all(|step| step.series.name == "seconds" && step.moves == Moves::Nothing)
        );
        progress.scopes = vec!["days".to_owned()];
        assert_eq!(open(&ALL, &progress).map(|one| one.name).collect::<Vec<_>>(), ["days"]);
    }

    #[test]
    fn what_is_told_of_a_series_that_failed_or_is_closed_is_asked_for_once_it_is_asked_again() {
        let want = |series: &str, days: i64| Want {
            series: series.to_owned(),
            start: NOW.plus(-days * DAY_MS),
            end: NOW.plus(-(days - 1) * DAY_MS),
        };
        let wants = [want("minutes", 40), want("days", 60), want("seconds", 3)];
        let mark = Mark {
            asked: NOW.0 - HOUR_MS,
            back: 0,
            again: NOW.0,
            ..Mark::at(NOW.0 - HOUR_MS)
        };
        let mut progress = Progress::default();
        progress.marks.extend(ALL.map(|series| (series.name.to_owned(), mark)));
        rest(&mut progress, &ALL[0], 3, NOW.0 + HOUR_MS, NOW);
        close(&mut progress, &ALL[1], NOW);
        owe(&mut progress, &ALL, &wants);
        let (steps, taken) = plan(&ALL, &progress, &wants, PACE, NOW);
        assert!(!steps.is_empty() && steps.iter().all(|step| step.series.name == "seconds"));
        assert_eq!(taken[..2], [0, 0], "they hold up nothing");
        assert_eq!(next(&ALL, &progress, PACE, NOW), NOW.plus(HOUR_MS));
        progress.marks.values_mut().for_each(|mark| mark.closed = false);
        let later = NOW.plus(HOUR_MS);
        let (steps, _) = plan(&ALL, &progress, &[], PACE, later);
        for (series, days) in [(ALL[0], 40), (ALL[1], 60)] {
            let asked: Vec<_> = steps.iter().filter(|step| step.series == series).collect();
            assert!(asked[0].start.0 <= NOW.0 - days * DAY_MS && asked[asked.len() - 1].end > later);
        }
        assert_eq!(steps[0].series, ALL[1], "what failed comes last");
        for step in &steps {
            moved(&mut progress, step, later);
        }
        assert!(
            progress
                .marks
                .values()
                .all(|mark| (mark.rests, mark.failures, mark.pass) == (None, 0, None))
        );
    }

    #[test]
    fn however_little_a_turn_may_ask_each_series_is_asked_again_whole() {
        let mark = |at: i64| Mark {
            asked: NOW.0,
            back: NOW.0 - PACE.backfill_ms,
            again: NOW.0,
            round: at,
            ..Mark::at(NOW.0)
        };
        let mut progress = Progress::default();
        progress.marks.extend(
            ALL.into_iter()
                .zip(1..)
                .map(|(series, at)| (series.name.to_owned(), mark(at))),
        );
        let mut asked = Vec::new();
        for turn in 0..200 {
            let now = NOW.plus(turn);
            let first = plan(&ALL, &progress, &[], PACE, now).0.first().copied();
            let Some(first) = first else { break };
            moved(&mut progress, &first, now);
            asked.push(first.series.name);
            // As if a quarter had passed since: whoever was done is due again.
            if first.moves == (Moves::Round { is_last: true }) {
                let done = progress.marks.get_mut(first.series.name).unwrap();
                done.round = 10 + turn;
            }
        }
        assert!(ALL.iter().all(|series| asked.contains(&series.name)), "{asked:?}");
    }

    #[test]
    fn what_is_too_much_is_asked_for_in_halves_down_to_one_window() {
        let is_last = Moves::Forward {
            is_last: true,
            again: true,
        };
        for moves in [Moves::Nothing, Moves::Back, is_last] {
            let whole = Step {
                series: ALL[0],
                start: UtcMillis(0),
                end: UtcMillis(5 * HOUR_MS),
                moves,
            };
            let mut pieces = vec![whole];
            let mut asked: Vec<Step> = Vec::new();
            while let Some(piece) = pieces.pop() {
                match piece.halves() {
                    Some((first, then)) => pieces.extend([then, first]),
                    None => asked.push(piece),
                }
            }
            assert_eq!(asked.len(), 5);
            assert_eq!(
                asked.last().unwrap().moves,
                moves,
                "the last one says that all was asked"
            );
            assert_eq!(
                asked.iter().filter(|piece| piece.moves == is_last).count(),
                usize::from(moves == is_last)
            );
            let mut starts: Vec<i64> = asked.iter().map(|piece| piece.start.0 / HOUR_MS).collect();
            if moves == Moves::Back {
                starts.reverse();
            }
            assert_eq!(starts, [0, 1, 2, 3, 4]);
        }
    }

    #[test]
    fn what_was_told_of_is_done_as_far_as_it_was_asked_for() {
        let want = |series: &str, days: i64| Want {
            series: series.to_owned(),
            start: NOW.plus(-days * DAY_MS),
            end: NOW,
        };
        let wants = [want("minutes", 1), want("seconds", 3), want("days", 1)];
        let (steps, taken) = plan(&ALL, &Progress::default(), &wants, PACE, NOW);
        assert_eq!(settled(&wants, &taken, &steps, 0), (0, None));
        assert_eq!(settled(&wants, &taken, &steps, 1), (1, None));
        let (whole, rest) = settled(&wants, &taken, &steps, 2);
        assert_eq!((whole, rest.as_ref().map(|rest| rest.start)), (1, Some(steps[2].start)));
        assert_eq!(rest.unwrap().end, NOW);
        assert_eq!(settled(&wants, &taken, &steps, taken[1]), (2, None));
        assert_eq!(settled(&wants, &taken, &steps, steps.len()), (3, None));
    }

    #[test]
    fn what_is_new_is_got_through_however_little_a_turn_may_ask() {
        let since = NOW.0 - 2 * DAY_MS;
        let mark = Mark {
            asked: since,
            back: NOW.0 - PACE.backfill_ms,
            ..Mark::at(since)
        };
        let mut progress = Progress::default();
        progress.marks.insert("seconds".to_owned(), mark);
        let (all, mut now, mut asked) = (&ALL[2..], NOW, Vec::new());
        for _turn in 0..30 {
            let (steps, _) = plan(all, &progress, &[], PACE, now);
            for step in steps.into_iter().take(2) {
                moved(&mut progress, &step, now);
                asked.push((step.start.0, step.end.0));
            }
            now = now.plus(60_000);
        }
        let mark = progress.marks["seconds"];
        assert!(
            mark.asked > NOW.0 && mark.again > NOW.0 && mark.pass.is_none(),
            "{mark:?}"
        );
        assert!(asked[0].0 <= since - AGAIN_DAYS * DAY_MS, "what came late too");
        assert!(
            asked.windows(2).all(|two| two[0].1 == two[1].0),
            "nothing twice, nothing left out"
        );
    }

    proptest! {
        #[test]
        fn every_ask_is_of_whole_windows_within_its_length(
            until in -90 * DAY_MS..0, back in -200 * DAY_MS..0, from in -120 * DAY_MS..0, length in 1..40 * DAY_MS
        ) {
            let mut progress = Progress::default();
            let mark = Mark { until: NOW.0 + until, ..Mark::at(NOW.0 + back) };
            progress.marks.insert("minutes".to_owned(), mark);
            let want = Want { series: "days".to_owned(), start: NOW.plus(from), end: NOW.plus(from + length) };
            let (steps, _) = plan(&ALL, &progress, &[want], PACE, NOW);
            for step in steps {
                let window = i64::from(step.series.hours) * HOUR_MS;
                prop_assert_eq!((step.start.0 % window, step.end.0 % window), (0, 0));
                prop_assert!(step.start < step.end);
                prop_assert!(step.end.0 - step.start.0 <= i64::from(step.series.days) * DAY_MS);
            }
        }
    }
}
