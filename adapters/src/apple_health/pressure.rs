//! Blood pressure: a correlation once, not again as its children and their twins at top level, in any order of the file. A push shares
//! with the export how loose halves are paired.

use std::collections::{BTreeMap, HashSet};

use model::decimal::Measured;
use model::sample::Flags;
use model::{Metric, Sample, UtcMillis};

use crate::measure;

/// Halves that wait for their other half or their correlation; a person measures a few times a day, so this is decades.
/// Past it halves are handed on alone, and the store keeps each as a reading with one number.
const MAX_WAITING: usize = 100_000;

/// One half of a reading; `T` is what its way of coming has besides.
#[derive(Clone, Debug)]
pub struct Half<T = ()> {
    /// 0 systolic, 1 diastolic.
    pub component: usize,
    /// mmHg.
    pub value: Measured,
    /// Source, times and flags.
    pub sample: Sample,
    /// Of which record.
    pub of: T,
}

type Moment = (UtcMillis, UtcMillis, u16);

/// Halves and correlations met so far.
#[derive(Debug)]
pub struct Pressures<T = ()> {
    waiting: BTreeMap<Moment, Vec<Half<T>>>,
    count: usize,
    correlated: HashSet<(Moment, usize, i64, u8)>,
}

impl<T> Default for Pressures<T> {
    fn default() -> Self {
        Self {
            waiting: BTreeMap::new(),
            count: 0,
            correlated: HashSet::new(),
        }
    }
}

/// What became of halves, once all have come.
#[derive(Debug)]
pub enum Finished<T> {
    /// The twin of a correlation's child.
    Twin(T),
    /// A half whose other one did not come, as a reading with one number.
    Lone(Sample, T),
    /// The reading that two halves are.
    Pair(Sample, [T; 2]),
}

impl<T> Pressures<T> {
    fn moment(half: &Half<T>) -> Moment {
        (half.sample.start, half.sample.end, half.sample.source)
    }

    /// Remembers a correlation's child, so that its twin at top level is known for what it is.
    pub fn correlate(&mut self, half: &Half<T>) {
        if self.correlated.len() < 2 * MAX_WAITING {
            self.correlated.insert((
                Self::moment(half),
                half.component,
                half.value.mantissa,
                half.value.scale,
            ));
        }
    }

    /// Adds a half from top level; gives it back as a reading of its own when too many wait.
    pub fn add(&mut self, half: Half<T>) -> Option<(Sample, T)> {
        if self.count >= MAX_WAITING {
            return Some((reading(&[&half]), half.of));
        }
        self.count += 1;
        self.waiting.entry(Self::moment(&half)).or_default().push(half);
        None
    }

    /// What is left at the end of the file: twins are duplicates, pairs become one reading, lone halves a reading with one
    /// number.
    pub fn finish(self) -> Vec<Finished<T>> {
        let mut finished = Vec::new();
        for (moment, halves) in self.waiting {
            let (mut systolic, mut diastolic): (Vec<Half<T>>, Vec<Half<T>>) = (Vec::new(), Vec::new());
            for half in halves {
                if self
                    .correlated
                    .contains(&(moment, half.component, half.value.mantissa, half.value.scale))
                {
                    finished.push(Finished::Twin(half.of));
                } else if half.component == 0 {
                    systolic.push(half);
                } else {
                    diastolic.push(half);
                }
            }
            // By value, so that the order of the file changes nothing.
            systolic.sort_by(|a, b| a.value.exact().compare(b.value.exact()));
            diastolic.sort_by(|a, b| a.value.exact().compare(b.value.exact()));
            let (mut systolic, mut diastolic) = (systolic.into_iter(), diastolic.into_iter());
            loop {
                finished.push(match (systolic.next(), diastolic.next()) {
                    (Some(one), Some(other)) => Finished::Pair(reading(&[&one, &other]), [one.of, other.of]),
                    (Some(half), None) | (None, Some(half)) => Finished::Lone(reading(&[&half]), half.of),
                    (None, None) => break,
                });
            }
        }
        finished
    }
}

fn reading<T>(halves: &[&Half<T>]) -> Sample {
    let of = |component| {
        halves
            .iter()
            .find(|half| half.component == component)
            .map(|half| half.value)
    };
    let mut sample = halves[0].sample.clone();
    for half in halves {
        sample.flags = sample.flags.with(half.sample.flags);
    }
    sample.metric = Metric::BLOOD_PRESSURE;
    sample.flags = sample.flags.with(range_flags(of(0), of(1)));
    sample.value = measure::blood_pressure(of(0), of(1));
    sample
}

/// `OUT_OF_RANGE` when one of the two is, or diastolic is not below systolic.
pub fn range_flags(systolic: Option<Measured>, diastolic: Option<Measured>) -> Flags {
    measure::pressure_flags(systolic, diastolic).unwrap_or(Flags::OUT_OF_RANGE)
}
