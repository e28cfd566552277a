//! Blood pressure: a correlation once, not again as its children and their twins at top level, in any order of the file.

use std::collections::{BTreeMap, HashSet};

use model::decimal::Measured;
use model::sample::Flags;
use model::{Metric, Outcome, Sample, UtcMillis};

use crate::measure;

/// Halves that wait for their other half or their correlation; a person measures a few times a day, so this is decades.
/// Past it halves are handed on alone, and the store keeps each as a reading with one number.
const MAX_WAITING: usize = 100_000;

/// One half of a reading.
#[derive(Clone, Debug)]
pub struct Half {
    /// 0 systolic, 1 diastolic.
    pub component: usize,
    /// mmHg.
    pub value: Measured,
    /// Source, times and flags.
    pub sample: Sample,
}

type Moment = (UtcMillis, UtcMillis, u16);

/// Halves and correlations met so far.
#[derive(Debug, Default)]
pub struct Pressures {
    waiting: BTreeMap<Moment, Vec<Half>>,
    count: usize,
    correlated: HashSet<(Moment, usize, i64, u8)>,
}

/// A result of the file's end: a sample to hand on, or a record to count.
pub type Finished = (Outcome, &'static str, Option<Sample>);

impl Pressures {
    fn moment(half: &Half) -> Moment {
        (half.sample.start, half.sample.end, half.sample.source)
    }

    /// Remembers a correlation's child, so that its twin at top level is known for what it is.
    pub fn correlate(&mut self, half: &Half) {
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
    pub fn add(&mut self, half: Half) -> Option<Sample> {
        if self.count >= MAX_WAITING {
            return Some(reading(&[&half]));
        }
        self.count += 1;
        self.waiting.entry(Self::moment(&half)).or_default().push(half);
        None
    }

    /// `OUT_OF_RANGE` when one of the two is, or diastolic is not below systolic.
    pub fn range_flags(&self, systolic: Option<Measured>, diastolic: Option<Measured>) -> Flags {
        measure::pressure_flags(systolic, diastolic).unwrap_or(Flags::OUT_OF_RANGE)
    }

    /// What is left at the end of the file: twins are duplicates, pairs become one reading, lone halves a reading with one
    /// number.
    pub fn finish(self) -> Vec<Finished> {
        let mut finished = Vec::new();
        for (moment, halves) in self.waiting {
            let (mut systolic, mut diastolic): (Vec<Half>, Vec<Half>) = (Vec::new(), Vec::new());
            for half in halves {
                if self
                    .correlated
                    .contains(&(moment, half.component, half.value.mantissa, half.value.scale))
                {
                    finished.push((Outcome::Duplicate, "correlation-twin", None));
                } else if half.component == 0 {
                    systolic.push(half);
                } else {
                    diastolic.push(half);
                }
            }
            // By value, so that the order of the file changes nothing.
            systolic.sort_by(|a, b| a.value.exact().compare(b.value.exact()));
            diastolic.sort_by(|a, b| a.value.exact().compare(b.value.exact()));
            let pairs = systolic.len().min(diastolic.len());
            for index in 0..systolic.len().max(diastolic.len()) {
                let halves: Vec<&Half> = systolic.get(index).into_iter().chain(diastolic.get(index)).collect();
                finished.push((Outcome::Stored, "", Some(reading(&halves))));
                if index < pairs {
                    finished.push((Outcome::Duplicate, "half-of-a-pair", None));
                }
            }
        }
        finished
    }
}

fn reading(halves: &[&Half]) -> Sample {
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
    sample.flags = sample.flags.with(Pressures::default().range_flags(of(0), of(1)));
    sample.value = measure::blood_pressure(of(0), of(1));
    sample
}
