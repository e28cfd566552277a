//! A leaf's body: its rows as columns, one after the other, in the order in which [`encode`] writes them.

use model::decimal::MAX_SCALE;
use model::vocabulary::Shape;
use model::{Flags, Measured, Metric, Offset, OffsetTrust, Sample, UtcMillis, Value};

use super::Row;
use super::columns::{self, NotAColumn, Order};

/// The format that is written now. What 2 and 3 wrote is read as well: there the byte of the unit had no marks, or not the last.
pub(crate) const FORMAT: u8 = 4;

/// Marks in the byte of the unit, beside its number.
const UNIT: u8 = 3;
/// When each was said is told by how long after its end: what is sent as it is measured.
const SAID_AFTER_END: u8 = 4;
/// Ends are told by how long before the next one's start: intervals that follow each other.
const ENDS_BEFORE_NEXT: u8 = 8;
/// It is told from the second of that end: what is dated by whole seconds need not tell the end's milliseconds once more.
const SAID_BY_SECOND: u8 = 16;

/// More rows than any leaf can have: 4,096 of different seconds and 4,096 of one.
const MOST_ROWS: u64 = 16_384;

/// Units of time, by their number: most vendors write whole seconds or minutes.
const UNITS: [i64; 3] = [1, 1_000, 60_000];

/// The rows of one series as bytes. `width` is the number of numbers that a value has.
pub(crate) fn encode(rows: &[Row], width: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(rows.len() * 4 + 64);
    columns::write_unsigned(&mut out, rows.len() as u64);
    let whole = |unit: i64| {
        rows.iter()
            .all(|row| row.sample.start.0 % unit == 0 && row.sample.end.0 % unit == 0)
    };
    let unit = (0..UNITS.len()).rev().find(|unit| whole(UNITS[*unit])).unwrap_or(0);
    let by_next = ends_meet_starts(rows);
    let by_end = columns::is_varied(rows.iter().map(|row| row.asserted));
    let by_second = by_end && rows.iter().filter(|row| row.asserted % 1_000 == 0).count() * 2 > rows.len();
    let mark = |holds: bool, mark: u8| if holds { mark } else { 0 };
    let marks = mark(by_end, SAID_AFTER_END) | mark(by_next, ENDS_BEFORE_NEXT) | mark(by_second, SAID_BY_SECOND);
    out.push(unit as u8 | marks);
    let unit = UNITS[unit];
    let mut numbers: Vec<i64> = rows.iter().map(|row| row.sample.start.0 / unit).collect();
    columns::write(&mut out, &numbers, Order::Growing);
    columns::write(&mut out, &ends(rows, by_next, unit), Order::Any);
    let mut column = |order: Order, of: &dyn Fn(&Row) -> i64| {
        numbers.clear();
        numbers.extend(rows.iter().map(of));
        columns::write(&mut out, &numbers, order);
    };
    for component in 0..width {
        column(Order::Any, &|row| {
            measured(&row.sample.value, component).map_or(0, |value| value.mantissa)
        });
        // 0 is an absent number.
        column(Order::Any, &|row| {
            measured(&row.sample.value, component)
                .map_or(0, |value| 1 + i64::from(value.scale) * 32 + i64::from(value.digits))
        });
    }
    column(Order::Any, &|row| i64::from(row.sample.offset.minutes));
    column(Order::Any, &|row| {
        i64::from(row.sample.end_offset_minutes) - i64::from(row.sample.offset.minutes)
    });
    column(Order::Any, &|row| row.sample.offset.trust as i64);
    column(Order::Any, &|row| i64::from(row.sample.flags.0));
    column(Order::Growing, &|row| row.seq);
    column(Order::Any, &|row| i64::from(row.tie_break));
    column(Order::Any, &|row| row.sample.start.0 - row.first_start.0);
    column(Order::Any, &|row| i64::from(row.version));
    column(Order::Any, &|row| {
        row.asserted.wrapping_sub(said_from(marks, row.sample.end))
    });
    column(Order::Any, &|row| i64::from(row.dead));
    if rows.first().is_some_and(|row| row.sample.metric.is_check_in()) {
        column(Order::Any, &|row| row.sample.created.0);
    }
    // What a leaf of exports alone does not have is left out. 0 stands for what is not there.
    if !rows.iter().all(is_plain) {
        column(Order::Any, &|row| {
            row.stated.map_or(0, |stated| 1 + row.asserted.saturating_sub(stated))
        });
        column(Order::Any, &|row| i64::from(row.left_out));
        column(Order::Any, &|row| i64::from(row.ids));
        column(Order::Any, &|row| {
            row.deleted.map_or(0, |deleted| deleted.saturating_add(1))
        });
        column(Order::Any, &|row| {
            row.moved_to
                .map_or(0, |to| to.0.saturating_sub(row.sample.start.0).saturating_add(1))
        });
    }
    out
}

/// From which instant it is counted when a row was said.
fn said_from(marks: u8, end: UtcMillis) -> i64 {
    match (marks & SAID_AFTER_END, marks & SAID_BY_SECOND) {
        (0, _) => 0,
        (_, 0) => end.0,
        _ => end.0.wrapping_sub(end.0.rem_euclid(1_000)),
    }
}

/// Where rows end: how long after their start, or how long before the next one's, the last one its own.
fn ends(rows: &[Row], by_next: bool, unit: i64) -> Vec<i64> {
    if !by_next {
        return rows.iter().map(|row| row.sample.duration_ms() / unit).collect();
    }
    let next = rows.iter().skip(1).chain(rows.last()).map(|row| row.sample.start.0);
    next.zip(rows)
        .map(|(next, row)| (next - row.sample.end.0) / unit)
        .collect()
}

/// True for rows most of which end when the next one starts, after a while that is each time another.
fn ends_meet_starts(rows: &[Row]) -> bool {
    let meet = |pair: &&[Row]| pair[0].sample.end == pair[1].sample.start;
    rows.windows(2).filter(meet).count() * 2 > rows.len()
        && columns::is_varied(rows.iter().map(|row| row.sample.duration_ms()))
}

/// True for a row that no vendor's id ever stood for.
fn is_plain(row: &Row) -> bool {
    row.stated == Some(row.asserted)
        && row.left_out == row.dead
        && row.ids == 0
        && row.deleted.is_none()
        && row.moved_to.is_none()
}

fn measured(value: &Value, component: usize) -> Option<Measured> {
    match value {
        Value::Quantity(quantity) => Some(*quantity),
        Value::Components(components) => components.get(component).copied().flatten(),
        Value::Code(code) => Some(Measured {
            mantissa: i64::from(*code),
            scale: 0,
            digits: 0,
        }),
    }
}

/// The rows in a leaf's body. What was asserted of them is raised to `asserted_floor`.
pub(crate) fn decode(
    mut bytes: &[u8],
    metric: Metric,
    source: u16,
    asserted_floor: i64,
) -> Result<Vec<Row>, NotAColumn> {
    let length = columns::read_unsigned(&mut bytes)?;
    if length > MOST_ROWS {
        return Err(NotAColumn);
    }
    let length = length as usize;
    let (unit, rest) = bytes.split_first().ok_or(NotAColumn)?;
    let marks = *unit;
    let unit = *UNITS.get(usize::from(marks & UNIT)).ok_or(NotAColumn)?;
    bytes = rest;
    let mut column = || columns::read(&mut bytes, length);
    let (starts, ends) = (column()?, column()?);
    let width = if metric == Metric::NONE { 1 } else { metric.width() };
    let mut values = Vec::with_capacity(width);
    for _ in 0..width {
        values.push((column()?, column()?));
    }
    let (offsets, end_offsets, trusts, flags) = (column()?, column()?, column()?, column()?);
    let (seqs, tie_breaks, moved, versions) = (column()?, column()?, column()?, column()?);
    let (asserted, dead) = (column()?, column()?);
    let created = if metric.is_check_in() { Some(column()?) } else { None };
    let by_id = match bytes.is_empty() {
        true => None,
        false => {
            let mut more = || columns::read(&mut bytes, length);
            Some([more()?, more()?, more()?, more()?, more()?])
        }
    };
    let shape = if metric == Metric::NONE {
        Shape::Quantity
    } else {
        metric.shape()
    };
    let mut rows = Vec::with_capacity(length);
    for place in 0..length {
        let start = starts[place].checked_mul(unit).ok_or(NotAColumn)?;
        let end = match marks & ENDS_BEFORE_NEXT {
            0 => starts[place].checked_add(ends[place]),
            _ => starts.get(place + 1).unwrap_or(&starts[place]).checked_sub(ends[place]),
        };
        let end = end.and_then(|end| end.checked_mul(unit)).ok_or(NotAColumn)?;
        let said_from = said_from(marks, UtcMillis(end));
        let asserted = asserted[place].wrapping_add(said_from).max(asserted_floor);
        let there = |number: &i64| (*number != 0).then(|| number.wrapping_sub(1));
        let more = by_id
            .as_ref()
            .map(|columns| columns.each_ref().map(|column| column[place]));
        let [behind, left_out, ids, deleted, moved_by] = more.unwrap_or([1, dead[place], 0, 0, 0]);
        rows.push(Row {
            sample: Sample {
                metric,
                source,
                start: UtcMillis(start),
                end: UtcMillis(end),
                offset: Offset {
                    minutes: offsets[place] as i16,
                    trust: OffsetTrust::from_number(trusts[place] as u8).ok_or(NotAColumn)?,
                },
                end_offset_minutes: (offsets[place] + end_offsets[place]) as i16,
                value: value(shape, &values, place)?,
                flags: Flags(flags[place] as u16),
                created: created
                    .as_ref()
                    .map_or(Sample::CREATION_UNKNOWN, |created| UtcMillis(created[place])),
            },
            first_start: UtcMillis(start.wrapping_sub(moved[place])),
            tie_break: tie_breaks[place] as u16,
            version: versions[place] as u32,
            seq: seqs[place],
            asserted,
            stated: there(&behind).map(|behind| asserted.wrapping_sub(behind)),
            left_out: left_out != 0,
            ids: ids as u16,
            deleted: there(&deleted),
            moved_to: there(&moved_by).map(|by| UtcMillis(start.wrapping_add(by))),
            dead: dead[place] != 0,
        });
    }
    Ok(rows)
}

fn value(shape: Shape, columns: &[(Vec<i64>, Vec<i64>)], place: usize) -> Result<Value, NotAColumn> {
    let number = |(mantissas, shapes): &(Vec<i64>, Vec<i64>)| -> Result<Option<Measured>, NotAColumn> {
        let Some(shape) = shapes[place].checked_sub(1).filter(|shape| *shape >= 0) else {
            return Ok(None);
        };
        let (scale, digits) = ((shape / 32) as u8, (shape % 32) as u8);
        if shape / 32 > i64::from(MAX_SCALE) || digits > MAX_SCALE {
            return Err(NotAColumn);
        }
        Ok(Some(Measured {
            mantissa: mantissas[place],
            scale,
            digits,
        }))
    };
    Ok(match shape {
        Shape::Quantity => Value::Quantity(columns.first().map(number).transpose()?.flatten().ok_or(NotAColumn)?),
        Shape::Code(_) => {
            let code = columns.first().map(number).transpose()?.flatten().ok_or(NotAColumn)?;
            Value::Code(u32::try_from(code.mantissa).map_err(|_| NotAColumn)?)
        }
        Shape::Components(_) => Value::Components(columns.iter().map(number).collect::<Result<_, _>>()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leaf::second;
    use proptest::prelude::*;

    fn row(metric: Metric) -> impl Strategy<Value = Row> {
        let number = (any::<i64>(), 0u8..=18, 0u8..=18).prop_map(|(mantissa, scale, digits)| Measured {
            mantissa,
            scale,
            digits,
        });
        let value = match metric.shape() {
            Shape::Quantity => number.prop_map(Value::Quantity).boxed(),
            Shape::Code(_) => any::<u32>().prop_map(Value::Code).boxed(),
            Shape::Components(parts) => prop::collection::vec(prop::option::of(number), parts.len())
                .prop_map(|numbers| Value::Components(numbers.into()))
                .boxed(),
        };
        let times = (
            UtcMillis::EARLIEST.0..UtcMillis::LATEST.0,
            0i64..100_000_000,
            prop_oneof![Just(1i64), Just(1_000)],
        );
        let facts = (
            any::<u16>(),
            0u8..4,
            -1_080i16..=1_080,
            -1_080i16..=1_080,
            any::<bool>(),
        );
        let kept = (0u16..4_096, 1u32..9, 1i64..99, any::<i32>(), -90_000i64..90_000);
        let by_id = (
            prop_oneof![4 => Just(Some(0i64)), 1 => Just(None), 1 => (0i64..9_000).prop_map(Some)],
            prop::option::weighted(0.1, 0i64..2_000_000_000_000),
            prop::option::weighted(0.1, -9_000i64..9_000),
            prop_oneof![4 => Just(0u16), 1 => 0u16..9],
        );
        let created = if metric.is_check_in() {
            prop::option::of(0i64..2_000_000_000_000).boxed()
        } else {
            Just(None).boxed()
        };
        (value, times, facts, (kept, by_id), created).prop_map(
            move |(value, (start, length, unit), facts, (kept, by_id), created)| {
                let start = start / unit * unit;
                let (behind, deleted, moved_by, ids) = by_id;
                Row {
                    sample: Sample {
                        metric,
                        source: 7,
                        start: UtcMillis(start),
                        end: UtcMillis(start + length / unit * unit),
                        offset: Offset {
                            minutes: facts.2,
                            trust: OffsetTrust::from_number(facts.1).unwrap_or_default(),
                        },
                        end_offset_minutes: facts.3,
                        value,
                        flags: Flags(facts.0),
                        created: created.map_or(Sample::CREATION_UNKNOWN, UtcMillis),
                    },
                    first_start: UtcMillis(start + kept.4),
                    tie_break: kept.0,
                    version: kept.1,
                    seq: kept.2,
                    asserted: i64::from(kept.3),
                    stated: behind.map(|behind| i64::from(kept.3) - behind),
                    left_out: facts.4,
                    ids,
                    deleted,
                    moved_to: moved_by.filter(|by| *by >= 0).map(|by| UtcMillis(start + by)),
                    dead: facts.4,
                }
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_leaf_reads_back(
            rows in prop_oneof![
                prop::collection::vec(row(Metric::HEART_RATE), 1..120),
                prop::collection::vec(row(Metric::BLOOD_PRESSURE), 1..60),
                prop::collection::vec(row(Metric::SLEEP_STAGE), 1..60),
                prop::collection::vec(row(Metric::TOOTHBRUSHING_COUNT), 1..60),
            ],
        ) {
            let metric = rows[0].sample.metric;
            let bytes = encode(&rows, metric.width());
            prop_assert_eq!(decode(&bytes, metric, 7, i64::MIN), Ok(rows));
        }

        #[test]
        fn intervals_that_are_sent_as_they_end_read_back_and_cost_little(
            lengths in prop::collection::vec(110_000i64..120_000, 200..400),
            first in row(Metric::HEART_RATE),
            by_second in any::<bool>(),
        ) {
            let mut start = 1_700_000_000_000;
            let rows: Vec<Row> = lengths.iter().enumerate().map(|(place, length)| {
                let mut row = first.clone();
                (row.sample.start, row.sample.end) = (UtcMillis(start), UtcMillis(start + length));
                row.first_start = row.sample.start;
                start += length;
                row.asserted = if by_second { second(UtcMillis(start)) } else { start + 1_000 };
                row.stated = Some(row.asserted);
                (row.seq, row.moved_to) = (place as i64, None);
                row
            }).collect();
            let bytes = encode(&rows, 1);
            prop_assert!(bytes.len() < rows.len() * 5 / 2, "{} bytes of {} rows", bytes.len(), rows.len());
            prop_assert_eq!(decode(&bytes, Metric::HEART_RATE, 7, i64::MIN), Ok(rows));
        }

        #[test]
        fn no_body_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode(&bytes, Metric::HEART_RATE, 1, 0);
        }
    }
}
