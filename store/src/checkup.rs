//! Checkups as they are kept: what one document after the other says of the same checkup, and what became of each result.
//!
//! Among documents of one checkup the one written later holds, whatever the order in which they come; of two written on one day
//! the one that tells more, then the one whose content is the greater, so that every order ends alike: a document that is brought
//! again once more of it can be read tells more. A request to delete is a document without results.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use model::checkup::{Checkup, Finding, Item};
use model::{Accounting, LocalDay, Offset, OffsetTrust, Outcome, RecordKey, UtcMillis};
use serde::{Deserialize, Serialize};

use crate::packing::packed;
use crate::{Result, StoreError};

/// The most checkups of one person: six a year for a hundred years. Ids have room for 4,095; a search opens them all.
pub(crate) const MOST: u16 = 600;
/// The most readings of one item that ids tell apart.
pub(crate) const READINGS: i64 = 16;

/// Why a checkup can be refused here.
pub(crate) const OF_ANOTHER: &str = "about another person";
/// As above: more than [`MOST`] are nobody's checkups.
pub(crate) const TOO_MANY: &str = "more checkups than a person has";
/// As above.
pub(crate) const NO_DAY: &str = "not of the years 1900 to 2199";
/// As above: a request to delete does not say which of a day's screenings it means, and none is deleted on a guess.
pub(crate) const ONE_OF_SEVERAL: &str = "a deletion of one of several screenings of that day";

/// How results end that say that they are about somebody else: outcome and reason of an accounting.
pub fn of_another() -> (Outcome, String) {
    (Outcome::Rejected, OF_ANOTHER.to_owned())
}

/// What came of a document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CheckupEnded {
    /// Results that were not there before.
    pub new: u64,
    /// Results that say something else than before.
    pub versions: u64,
    /// Results that say the same.
    pub known: u64,
    /// Results of a document that a later one had taken the place of before it came.
    pub superseded: u64,
    /// Results about somebody else.
    pub of_another: u64,
    /// A request to delete that was carried out.
    pub deletions: u64,
    /// Results that are kept by nobody, and why.
    pub refused: (u64, &'static str),
}

impl CheckupEnded {
    /// Adds it to an accounting.
    pub(crate) fn count(&self, accounting: &mut Accounting) {
        for (outcome, reason, count) in [
            (Outcome::Stored, "", self.new),
            (Outcome::Stored, "new version", self.versions),
            (Outcome::Stored, "deletion", self.deletions),
            (Outcome::Duplicate, "known", self.known),
            (Outcome::Duplicate, "superseded", self.superseded),
            (Outcome::Rejected, OF_ANOTHER, self.of_another),
            (Outcome::Rejected, self.refused.1, self.refused.0),
        ] {
            accounting.count_many(outcome, reason, count);
        }
    }
}

/// What a result is beside its value: how it is rendered depends on it.
#[derive(Clone, Debug, PartialEq)]
pub enum OfCheckup {
    /// One result of a document.
    Result(Box<Finding>),
    /// A pressure made of two results: those of its components.
    Pressure([RecordKey; 2]),
    /// That it took place.
    TookPlace,
}

/// Which result of a checkup: the item, and its reading.
pub(crate) type Place = (Item, u8);

/// A checkup as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) checkup: Checkup,
    /// Version and commit of each result, in their order.
    since: Vec<(u32, i64)>,
    /// Results that a former document had and this one has not: place, version and commit of their end.
    gone: Vec<(Item, u8, u32, i64)>,
}

/// A result as it stands.
pub(crate) struct Standing<'k> {
    pub(crate) place: Place,
    pub(crate) version: u32,
    pub(crate) seq: i64,
    /// `None` for one that is gone.
    pub(crate) finding: Option<&'k Finding>,
}

impl Kept {
    /// The first document of a checkup.
    pub(crate) fn first(checkup: Checkup, seq: i64) -> (Self, CheckupEnded) {
        let nothing = Self {
            checkup: Checkup {
                findings: Vec::new(),
                ..checkup.clone()
            },
            since: Vec::new(),
            gone: Vec::new(),
        };
        nothing.replaced(checkup, seq)
    }

    /// True when a document says what is kept already.
    pub(crate) fn says_the_same(&self, checkup: &Checkup) -> bool {
        self.checkup == *checkup
    }

    /// True when a document is the one that holds of the two.
    pub(crate) fn is_replaced_by(&self, checkup: &Checkup) -> bool {
        // A table names no facility's number: what does knows the checkup better, whenever it was written.
        let order = |checkup: &Checkup| {
            (
                !checkup.facility.number.is_empty(),
                checkup.written,
                checkup.is_deletion(),
            )
        };
        match order(checkup).cmp(&order(&self.checkup)) {
            Ordering::Less => false,
            Ordering::Greater => true,
            Ordering::Equal => content(checkup) > content(&self.checkup),
        }
    }

    /// What is kept once this document holds, and what became of its results.
    pub(crate) fn replaced(&self, checkup: Checkup, seq: i64) -> (Self, CheckupEnded) {
        let mut before: BTreeMap<Place, Standing<'_>> =
            self.standing().map(|standing| (standing.place, standing)).collect();
        let mut ended = CheckupEnded::default();
        let mut since = Vec::with_capacity(checkup.findings.len());
        for finding in &checkup.findings {
            let known = before.remove(&(finding.item, finding.reading));
            since.push(match known {
                None => {
                    ended.new += 1;
                    (1, seq)
                }
                Some(known) if known.finding == Some(finding) => {
                    ended.known += 1;
                    (known.version, known.seq)
                }
                Some(known) => {
                    ended.versions += 1;
                    (known.version + 1, seq)
                }
            });
        }
        let gone = before.into_values().map(|standing| {
            let (item, reading) = standing.place;
            match standing.finding {
                Some(_) => (item, reading, standing.version + 1, seq),
                None => (item, reading, standing.version, standing.seq),
            }
        });
        let kept = Self {
            gone: gone.collect(),
            since,
            checkup,
        };
        (kept, ended)
    }

    /// Every result that is there or was.
    pub(crate) fn standing(&self) -> impl Iterator<Item = Standing<'_>> {
        let there = self.checkup.findings.iter().zip(&self.since);
        let there = there.map(|(finding, (version, seq))| Standing {
            place: (finding.item, finding.reading),
            version: *version,
            seq: *seq,
            finding: Some(finding),
        });
        let gone = self.gone.iter().map(|(item, reading, version, seq)| Standing {
            place: (*item, *reading),
            version: *version,
            seq: *seq,
            finding: None,
        });
        there.chain(gone)
    }

    /// As bytes to be sealed.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>> {
        let plain = serde_json::to_vec(self).map_err(|_| StoreError::damaged("a checkup"))?;
        packed(&plain)
    }

    /// From bytes that were sealed.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self> {
        serde_json::from_slice(&unpacked(bytes)?).map_err(|_| StoreError::damaged("a checkup"))
    }
}

/// A content that two documents can be told apart by: how much it tells, and what.
fn content(checkup: &Checkup) -> (usize, Vec<u8>) {
    (checkup.findings.len(), serde_json::to_vec(checkup).unwrap_or_default())
}

/// The most bytes of a document, unpacked.
const MOST_BYTES: usize = 16 << 20;

pub(crate) fn unpacked(bytes: &[u8]) -> Result<Vec<u8>> {
    zstd::bulk::decompress(bytes, MOST_BYTES).map_err(|error| StoreError::io("unpacking a checkup", &error))
}

/// Documents of checkups are of civil days in Japan.
pub(crate) const JAPAN: Offset = Offset {
    minutes: 9 * 60,
    trust: OffsetTrust::None,
};

/// When a day begins there.
pub(crate) fn midnight(day: LocalDay) -> UtcMillis {
    day.start(JAPAN)
}

/// Where a result's id begins: the day, and which checkup and reading of it, in milliseconds.
pub(crate) fn first_start(day: LocalDay, number: u16, reading: u8) -> UtcMillis {
    midnight(day).plus(i64::from(number) * READINGS + i64::from(reading))
}

/// The number of the checkup that an id of this start is of.
pub(crate) fn number_of(start: UtcMillis) -> u16 {
    let of_day = (start.0 - midnight(LocalDay(0)).0).rem_euclid(model::time::DAY_MS);
    u16::try_from(of_day / READINGS).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Decimal;
    use model::checkup::{Found, Organisation, Subject, Told};
    use proptest::prelude::*;

    fn document(written: i32, weights: &[(u16, i64)]) -> Checkup {
        Checkup {
            report: if weights.is_empty() { "19" } else { "10" }.to_owned(),
            programme: "010".to_owned(),
            day: LocalDay(20_000),
            written: LocalDay(written),
            facility: Organisation::default(),
            author: Organisation::default(),
            subject: Subject::default(),
            findings: weights
                .iter()
                .map(|(item, value)| Finding {
                    item: Item::from_number(*item).expect("an item"),
                    reading: 0,
                    result: Found::Quantity(Decimal::whole(*value), "kg".to_owned()),
                    interpretation: None,
                    method: None,
                    range: None,
                    doctor: None,
                    day: None,
                })
                .collect(),
            word: Told::Confirmed,
            deletes: String::new(),
        }
    }

    #[test]
    fn each_result_has_its_own_versions() {
        let (first, ended) = Kept::first(document(1, &[(1, 150), (2, 60)]), 5);
        assert_eq!((ended.new, ended.known), (2, 0));
        let (second, ended) = first.replaced(document(2, &[(1, 150), (3, 22)]), 6);
        assert_eq!((ended.new, ended.known, ended.versions), (1, 1, 0));
        let told = |kept: &Kept| -> Vec<(u16, u32, i64, bool)> {
            let of = |standing: Standing<'_>| {
                (
                    standing.place.0.number(),
                    standing.version,
                    standing.seq,
                    standing.finding.is_some(),
                )
            };
            kept.standing().map(of).collect()
        };
        assert_eq!(told(&second), [(1, 1, 5, true), (3, 1, 6, true), (2, 2, 6, false)]);
        let (third, ended) = second.replaced(document(3, &[(2, 61)]), 7);
        assert_eq!((ended.new, ended.versions), (0, 1));
        assert_eq!(told(&third), [(2, 3, 7, true), (1, 2, 7, false), (3, 2, 7, false)]);
        assert_eq!(
            Kept::from_bytes(&third.to_bytes().expect("bytes")).expect("kept"),
            third
        );
    }

    #[test]
    fn what_was_kept_before_deletions_named_their_screening_reads_as_it_is() {
        let (kept, _) = Kept::first(document(1, &[]), 5);
        let plain = serde_json::to_string(&kept).expect("a text");
        assert!(!plain.contains("deletes"));
        assert_eq!(serde_json::from_str::<Kept>(&plain).expect("kept"), kept);
    }

    #[test]
    fn an_id_says_which_checkup_and_which_reading() {
        for (day, number, reading) in [
            (LocalDay(0), 1, 0),
            (LocalDay(20_000), MOST, 15),
            (LocalDay(-3_000), 7, 3),
        ] {
            let start = first_start(day, number, reading);
            assert_eq!(number_of(start), number);
            assert_eq!(start.local_day(JAPAN), day);
        }
    }

    proptest! {
        /// Documents of one checkup end alike in whatever order they come.
        #[test]
        fn any_order_ends_alike(
            documents in proptest::collection::vec((1i32..4, proptest::collection::vec((1u16..6, 1i64..4), 0..4)), 1..6),
            order in any::<prop::sample::Index>(),
        ) {
            let made: Vec<Checkup> = documents.iter().map(|(written, weights)| document(*written, weights)).collect();
            let end = |documents: &[Checkup]| {
                let mut kept: Option<Kept> = None;
                for document in documents {
                    kept = Some(match kept {
                        None => Kept::first(document.clone(), 1).0,
                        Some(kept) if kept.is_replaced_by(document) => kept.replaced(document.clone(), 1).0,
                        Some(kept) => kept,
                    });
                }
                kept.map(|kept| kept.checkup)
            };
            let mut other = made.clone();
            other.rotate_left(order.index(made.len()));
            other.reverse();
            prop_assert_eq!(end(&made), end(&other));
        }
    }
}
