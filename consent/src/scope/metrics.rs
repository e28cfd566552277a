//! A set of metrics as a bit for each, so that a record's scope is checked with one load.

use model::Metric;
use model::vocabulary::METRICS;

/// A set of metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricSet {
    words: Box<[u64]>,
}

impl MetricSet {
    /// True when the metric is in it.
    #[inline]
    pub fn contains(&self, metric: Metric) -> bool {
        let number = usize::from(metric.number());
        self.words
            .get(number / 64)
            .is_some_and(|word| word & (1 << (number % 64)) != 0)
    }

    /// True when no metric is in it.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// True when all metrics of `other` are in it.
    pub fn includes(&self, other: &Self) -> bool {
        self.words
            .iter()
            .zip(&other.words)
            .all(|(ours, theirs)| theirs & !ours == 0)
    }

    /// Its metrics, by number.
    pub fn iter(&self) -> impl Iterator<Item = Metric> + '_ {
        Metric::all().filter(|metric| self.contains(*metric))
    }

    pub(super) fn union(mut self, other: &Self) -> Self {
        for (ours, theirs) in self.words.iter_mut().zip(&other.words) {
            *ours |= theirs;
        }
        self
    }
}

impl Default for MetricSet {
    fn default() -> Self {
        Self {
            // Numbers are 1 to the count of rows; 0 is no metric.
            words: vec![0; METRICS.len() / 64 + 1].into_boxed_slice(),
        }
    }
}

impl FromIterator<Metric> for MetricSet {
    fn from_iter<I: IntoIterator<Item = Metric>>(metrics: I) -> Self {
        let mut set = Self::default();
        for metric in metrics {
            let number = usize::from(metric.number());
            if let Some(word) = set.words.get_mut(number / 64) {
                *word |= 1 << (number % 64);
            }
        }
        set
    }
}
