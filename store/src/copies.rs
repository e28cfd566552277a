//! The same measurement by two ways: a vendor's own, and what its app wrote into another vendor's store, which is read too. Both are
//! kept; where they are added up or averaged, the vendor's own counts. Only between sources that say so: two devices may well
//! measure the same pulse at the same time.

use std::collections::BTreeMap;

use model::{Measured, Sample, Value};

use crate::reads::StoredSource;

/// How far apart the times of a copy and its original may lie, in milliseconds: apps write on their own clock.
pub(crate) const APART_MS: i64 = 60_000;

/// Sources that hold copies, each with those that hold the originals.
#[derive(Debug, Default)]
pub(crate) struct Pairs(BTreeMap<u16, Vec<u16>>);

impl Pairs {
    /// Those among some sources: an original that is not there has no copies.
    pub(crate) fn of(sources: &[StoredSource]) -> Self {
        let mut pairs = BTreeMap::new();
        for source in sources.iter().filter(|source| !source.source.copies.is_empty()) {
            let is_original =
                |other: &&StoredSource| other.number != source.number && source.source.is_copy_of(&other.source.key);
            let originals: Vec<u16> = sources.iter().filter(is_original).map(|other| other.number).collect();
            if !originals.is_empty() {
                pairs.insert(source.number, originals);
            }
        }
        Self(pairs)
    }

    /// The sources of which a source may hold copies.
    pub(crate) fn originals(&self, source: u16) -> &[u16] {
        self.0.get(&source).map(Vec::as_slice).unwrap_or_default()
    }

    /// True where no source holds a copy.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// True where one is a copy of the other: at the same time, as near as apps write it, and of the same value, as finely as both say it.
pub(crate) fn is_copy(one: &Sample, other: &Sample) -> bool {
    let near = |one: i64, other: i64| (one - other).abs() <= APART_MS;
    near(one.start.0, other.start.0)
        && near(one.end.0, other.end.0)
        && match (&one.value, &other.value) {
            (Value::Quantity(one), Value::Quantity(other)) => is_same(*one, *other),
            (Value::Code(one), Value::Code(other)) => one == other,
            (Value::Components(one), Value::Components(other)) => {
                one.len() == other.len()
                    && one.iter().zip(other).all(|pair| match pair {
                        (Some(one), Some(other)) => is_same(*one, *other),
                        (one, other) => one.is_none() && other.is_none(),
                    })
            }
            _ => false,
        }
}

/// Equal to the digits of the coarser one.
fn is_same(one: Measured, other: Measured) -> bool {
    let digits = one.digits.min(other.digits);
    let at = |number: Measured| number.exact().rescale(digits);
    at(one).is_some() && at(one) == at(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Decimal, Source, UtcMillis};

    fn source(number: u16, key: &str, copies: &[&str]) -> StoredSource {
        StoredSource {
            number,
            source: Source {
                key: key.to_owned(),
                copies: copies.iter().map(|own| (*own).to_owned()).collect(),
                ..Source::default()
            },
            version: 1,
            committed: UtcMillis(0),
        }
    }

    #[test]
    fn only_those_that_say_so_hold_copies() {
        let sources = [
            source(1, "own|scale", &[]),
            source(2, "an app", &["own|"]),
            source(3, "another app", &["elsewhere|"]),
            source(4, "own|watch", &["own|"]),
        ];
        let pairs = Pairs::of(&sources);
        assert_eq!(pairs.originals(2), [1, 4]);
        assert_eq!(pairs.originals(4), [1], "none is its own original");
        assert!(pairs.originals(1).is_empty() && pairs.originals(3).is_empty());
        assert!(Pairs::of(&sources[1..3]).is_empty(), "the original is not shown");
        let of_anybody = [
            source(1, "own|phone's store", &["", "!own|"]),
            source(2, "own|watch", &[]),
            source(3, "another app", &[]),
        ];
        assert_eq!(Pairs::of(&of_anybody).originals(1), [3], "of whatever is not named");
    }

    #[test]
    fn a_value_is_the_same_to_the_digits_of_the_coarser_one() {
        let number = |mantissa, scale| Measured::as_given(Decimal::new(mantissa, scale));
        assert!(
            is_same(number(6_425, 2), number(643, 1)),
            "64.25 shown with one decimal"
        );
        assert!(is_same(number(643, 1), number(6_430, 2)));
        assert!(!is_same(number(642, 1), number(643, 1)));
    }
}
