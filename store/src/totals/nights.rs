//! Nights: loose sleep segments of one source chained into sessions, and which session is a day's main sleep.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use model::time::{HOUR_MS, MINUTE_MS};
use model::{Flags, LocalDay, Measured, Metric, Sample, SourceKind, UtcMillis, Value};

use crate::leaf::Row;

/// Segments farther apart than this belong to two sessions (facts 3.2).
const GAP_MS: i64 = HOUR_MS;
/// A source with stages wins over one without when it covers so many tenths of the other's sleep.
const COVER_TENTHS: i64 = 8;

/// Keys of the stages in the vocabulary's list, and how strong each is: of two at one instant the stronger counts.
const STAGES: [(&str, u8); 9] = [
    ("awake", 0),
    ("out-of-bed", 1),
    ("deep", 2),
    ("rem", 2),
    ("light", 3),
    ("asleep-unspecified", 4),
    ("restless", 5),
    ("in-bed", 6),
    ("unknown", 7),
];

/// Places of the session's components, in the vocabulary's order.
const COMPONENTS: [&str; 7] = [
    "sleep-duration",
    "deep-sleep-duration",
    "light-sleep-duration",
    "rem-sleep-duration",
    "awake-duration",
    "time-in-bed",
    "awakenings",
];

fn stage_of(code: u32) -> usize {
    let key = Metric::SLEEP_STAGE.code(code).map_or("unknown", |entry| entry.key);
    STAGES
        .iter()
        .position(|(known, _)| *known == key)
        .unwrap_or(STAGES.len() - 1)
}

fn stage(key: &str) -> usize {
    STAGES
        .iter()
        .position(|(known, _)| *known == key)
        .unwrap_or(STAGES.len() - 1)
}

/// The sessions that one source's segments make, by start. Dead rows are left out.
pub(crate) fn sessions(source: u16, rows: &[Row]) -> Vec<Sample> {
    let mut segments: Vec<&Row> = rows
        .iter()
        .filter(|row| !row.dead && row.sample.end > row.sample.start)
        .collect();
    segments.sort_by_key(|row| (row.sample.start, row.sample.end, row.tie_break));
    let mut sessions = Vec::new();
    let mut from = 0;
    while from < segments.len() {
        let mut end = segments[from].sample.end;
        let mut until = from + 1;
        while let Some(next) = segments.get(until).filter(|next| next.sample.start.0 - end.0 <= GAP_MS) {
            end = end.max(next.sample.end);
            until += 1;
        }
        sessions.extend(session(source, &segments[from..until], end));
        from = until;
    }
    sessions
}

fn session(source: u16, segments: &[&Row], end: UtcMillis) -> Option<Sample> {
    let first = segments.first()?;
    let last = segments
        .iter()
        .filter(|row| row.sample.end == end)
        .max_by_key(|row| row.sample.start)?;
    let spent = overlay(segments);
    let time = |keys: &[&str]| -> i64 { keys.iter().map(|key| spent.time[stage(key)]).sum() };
    let asleep = time(&["asleep-unspecified", "light", "deep", "rem"]);
    let in_bed: i64 = union(
        segments
            .iter()
            .filter(|row| code_of(row) == stage("in-bed"))
            .map(|row| times(row)),
    );
    if asleep == 0 && in_bed == 0 {
        return None;
    }
    let staged = time(&["light", "deep", "rem"]) > 0;
    let minutes = |milliseconds: i64| Some(whole(milliseconds / MINUTE_MS));
    let values: BTreeMap<&str, Option<Measured>> = BTreeMap::from([
        ("sleep-duration", minutes(asleep)),
        ("deep-sleep-duration", minutes(time(&["deep"])).filter(|_| staged)),
        ("light-sleep-duration", minutes(time(&["light"])).filter(|_| staged)),
        ("rem-sleep-duration", minutes(time(&["rem"])).filter(|_| staged)),
        ("awake-duration", minutes(time(&["awake", "out-of-bed"]))),
        (
            "time-in-bed",
            minutes(if in_bed > 0 {
                in_bed
            } else {
                end.0 - first.sample.start.0
            }),
        ),
        ("awakenings", Some(whole(spent.awakenings))),
    ]);
    let manual = segments.iter().any(|row| row.sample.flags.has(Flags::USER_ENTERED));
    Some(Sample {
        metric: Metric::SLEEP_SESSION,
        source,
        start: first.sample.start,
        end,
        offset: first.sample.offset,
        end_offset_minutes: last.sample.end_offset_minutes,
        value: Value::Components(
            COMPONENTS
                .iter()
                .map(|key| values.get(key).copied().flatten())
                .collect(),
        ),
        flags: if manual { Flags::USER_ENTERED } else { Flags::default() },
        created: Sample::CREATION_UNKNOWN,
    })
}

fn whole(number: i64) -> Measured {
    Measured {
        mantissa: number,
        scale: 0,
        digits: 0,
    }
}

fn code_of(row: &Row) -> usize {
    match row.sample.value {
        Value::Code(code) => stage_of(code),
        _ => STAGES.len() - 1,
    }
}

fn times(row: &Row) -> (i64, i64) {
    (row.sample.start.0, row.sample.end.0)
}

/// Milliseconds that any of these cover.
fn union(intervals: impl Iterator<Item = (i64, i64)>) -> i64 {
    let mut intervals: Vec<(i64, i64)> = intervals.collect();
    intervals.sort_unstable();
    let (mut covered, mut reached) = (0, i64::MIN);
    for (start, end) in intervals {
        covered += (end - start.max(reached)).max(0);
        reached = reached.max(end);
    }
    covered
}

struct Spent {
    time: [i64; STAGES.len()],
    awakenings: i64,
}

/// Of each instant the strongest stage; of two equally strong the later asserted, then deep.
fn overlay(segments: &[&Row]) -> Spent {
    let strength = |place: usize| {
        let stage = code_of(segments[place]);
        (STAGES[stage].1, Reverse(segments[place].asserted), stage, place)
    };
    let mut edges: Vec<(i64, bool, usize)> = Vec::with_capacity(segments.len() * 2);
    for (place, row) in segments.iter().enumerate() {
        let (start, end) = times(row);
        edges.push((start, true, place));
        edges.push((end, false, place));
    }
    edges.sort_unstable();
    let mut open: BTreeSet<(u8, Reverse<i64>, usize, usize)> = BTreeSet::new();
    let mut spent = Spent {
        time: [0; STAGES.len()],
        awakenings: 0,
    };
    let (mut last, mut slept, mut woke) = (0, false, false);
    for (at, begins, place) in edges {
        if let Some((_, _, stage, _)) = open.first().copied().filter(|_| at > last) {
            spent.time[stage] += at - last;
            match STAGES[stage].0 {
                "light" | "deep" | "rem" | "asleep-unspecified" => {
                    // An awakening lies between two stretches of sleep.
                    spent.awakenings += i64::from(slept && woke);
                    (slept, woke) = (true, false);
                }
                "awake" | "out-of-bed" => woke = true,
                _ => {}
            }
        }
        last = at;
        if begins {
            open.insert(strength(place));
        } else {
            open.remove(&strength(place));
        }
    }
    spent
}

/// Gives sessions the ids of the nights that were stored before: a session that overlaps stored ones takes the earliest one's,
/// the others are entered in error. Returns the rows and the versions that were superseded; `None` when nothing changed.
pub(crate) fn settle(stored: Vec<Row>, sessions: Vec<Sample>, seq: i64) -> Option<(Vec<Row>, Vec<Row>)> {
    let mut rows = stored;
    let mut history = Vec::new();
    let mut taken = vec![false; rows.len()];
    let mut changed = false;
    let mut fresh = Vec::new();
    for session in sessions {
        let overlaps = |row: &Row| row.sample.start < session.end && session.start < row.sample.end;
        let place = (0..taken.len())
            .filter(|place| !taken[*place] && !rows[*place].dead && overlaps(&rows[*place]))
            .min_by_key(|place| (rows[*place].first_start, rows[*place].tie_break))
            .or_else(|| {
                (0..taken.len()).find(|place| {
                    let row = &rows[*place];
                    !taken[*place] && row.dead && row.first_start == session.start
                })
            });
        let Some(place) = place else {
            fresh.push(session);
            continue;
        };
        taken[place] = true;
        let row = &mut rows[place];
        if row.dead || row.sample != session {
            history.push(row.clone());
            row.sample = session;
            row.version += 1;
            row.seq = seq;
            (row.dead, row.left_out) = (false, false);
            changed = true;
        }
    }
    for place in (0..taken.len()).filter(|place| !taken[*place]) {
        if !rows[place].dead {
            history.push(rows[place].clone());
            rows[place].version += 1;
            rows[place].seq = seq;
            (rows[place].dead, rows[place].left_out) = (true, true);
            changed = true;
        }
    }
    for session in fresh {
        let start = session.start;
        let is_taken = |tie: &u16| rows.iter().any(|row| row.first_start == start && row.tie_break == *tie);
        let tie_break = (0..4_096).find(|tie| !is_taken(tie)).unwrap_or(0);
        rows.push(Row::first(session, tie_break, seq, 0));
        changed = true;
    }
    rows.sort_by_key(|row| (row.sample.start, row.first_start, row.tie_break));
    changed.then_some((rows, history))
}

/// A night that a day can choose.
#[derive(Clone, Debug)]
pub(crate) struct Night {
    /// The source's number.
    pub(crate) source: u16,
    /// What kind of device it is.
    pub(crate) kind: SourceKind,
    /// The session.
    pub(crate) session: Sample,
}

impl Night {
    fn minutes(&self, key: &str) -> Option<i64> {
        let place = COMPONENTS.iter().position(|known| *known == key)?;
        match &self.session.value {
            Value::Components(values) => values.get(place).copied().flatten().map(|value| value.mantissa),
            _ => None,
        }
    }

    /// Minutes asleep.
    pub(crate) fn asleep(&self) -> i64 {
        self.minutes("sleep-duration").unwrap_or(0)
    }

    fn staged(&self) -> bool {
        self.minutes("light-sleep-duration").is_some()
    }
}

/// Which session is the day's main sleep: one source is chosen, never two joined; of it the session with the most sleep.
pub(crate) fn main_sleep(nights: &[Night]) -> Option<&Night> {
    let mut best_of_source: BTreeMap<u16, &Night> = BTreeMap::new();
    for night in nights.iter().filter(|night| night.asleep() > 0) {
        let best = best_of_source.entry(night.source).or_insert(night);
        if (night.asleep(), Reverse(night.session.start)) > (best.asleep(), Reverse(best.session.start)) {
            *best = night;
        }
    }
    let most = best_of_source.values().map(|night| night.asleep()).max()?;
    best_of_source.into_values().min_by_key(|night| {
        let staged = night.staged() && night.asleep() * 10 >= most * COVER_TENTHS;
        (!staged, preference(night.kind), Reverse(night.asleep()), night.source)
    })
}

/// Worn on the body, then mat, then phone, then the rest.
fn preference(kind: SourceKind) -> u8 {
    match kind {
        SourceKind::Watch => 0,
        SourceKind::Band => 1,
        SourceKind::Ring => 2,
        SourceKind::SleepMat => 3,
        SourceKind::Phone => 4,
        _ => 5,
    }
}

/// The day that owns a session: the one it ends on.
pub(crate) fn day_of(session: &Sample) -> LocalDay {
    session.local_day()
}
