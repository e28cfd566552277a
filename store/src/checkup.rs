//! Checkups as they are kept: what one document after the other says of the same checkup, and what became of each result.
//!
//! Among documents of one checkup those of facilities and insurers hold before those that the resident brings, and documents before
//! lines of tables; then the one written later, whatever the order in which they come; of two documents written on one day
//! the one that tells more, then the one whose content is the greater, so that every order ends alike: a document that is brought
//! again once more of it can be read tells more. Of two tables of one day, which are mostly dated by when they are handed over, the
//! one that comes later holds. A request to delete is a document without results.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

use model::checkup::{Battery, Checkup, Finding, Item, Told};
use model::{Accounting, LocalDay, Offset, OffsetTrust, Outcome, RecordKey, UtcMillis};
use serde::{Deserialize, Serialize};

use crate::packing::{Packed, unpacked};
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

/// True of a file that says that it is about somebody else, and of which nothing was kept for that.
pub fn is_anothers(counts: &Accounting) -> bool {
    let of_another = (Outcome::Rejected, OF_ANOTHER.to_owned());
    counts.stored == 0 && counts.duplicate == 0 && counts.reasons.contains_key(&of_another)
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
    /// Results that are one examination together.
    Battery(Box<BatteryMembers>),
    /// That it took place.
    TookPlace,
}

/// What a battery is of, as far as an access key shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct BatteryMembers {
    /// Which one.
    pub battery: Battery,
    /// The groups of the checkup report guide that it is of; none of one that is gone.
    pub groups: Vec<&'static str>,
    /// Its results, and which of them say why it was done.
    pub members: Vec<(RecordKey, bool)>,
}

/// Which result of a checkup: the item, and its reading.
pub(crate) type Place = (Item, u8);

/// A checkup, and it packed as it is kept: by whoever has read it, since many read and one writes.
#[derive(Clone, Debug)]
pub(crate) struct PackedCheckup {
    checkup: Checkup,
    packed: Packed,
}

impl PackedCheckup {
    /// Of what a document tells.
    pub(crate) fn of(checkup: Checkup) -> Result<Self> {
        let plain = serde_json::to_vec(&checkup).map_err(|_| StoreError::damaged("a checkup"))?;
        Ok(Self {
            packed: Packed::of(&plain)?,
            checkup,
        })
    }

    /// Of what was packed before.
    pub(crate) fn known(packed: &[u8]) -> Result<Self> {
        let plain = unpacked(packed)?;
        Ok(Self {
            checkup: serde_json::from_slice(&plain).map_err(|_| StoreError::damaged("a checkup"))?,
            packed: Packed::known(packed),
        })
    }

    /// What it tells.
    pub(crate) fn checkup(&self) -> &Checkup {
        &self.checkup
    }

    /// As it is kept, before it is sealed.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.packed.bytes()
    }
}

/// A checkup as it is kept.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Kept {
    pub(crate) checkup: Checkup,
    /// Version and commit of each result, in their order.
    since: Vec<(u32, i64)>,
    /// Results that a former document had and this one has not.
    gone: Vec<Gone>,
}

/// A result that is gone: its place, version and commit of its end.
type Gone = (Item, u8, u32, i64);

/// Versions of a checkup's results as they are kept: those of so many results after one another each, and those that are gone.
#[derive(Serialize, Deserialize)]
struct Versions {
    since: Vec<(usize, u32, i64)>,
    gone: Vec<Gone>,
}

/// How a document stands to the one of the same checkup that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beside {
    /// It says the same.
    Same,
    /// It says the same, later: what was written in between does not hold.
    SaidAgain,
    /// Something holds before it.
    Superseded,
    /// It holds from now on.
    Holds,
}

/// The first byte of a checkup that is packed apart from its versions. Before, both were packed as one, and began as zstd does.
const APART: u8 = 1;

/// A result as it stands.
pub(crate) struct Standing<'k> {
    pub(crate) place: Place,
    pub(crate) version: u32,
    pub(crate) seq: i64,
    /// `None` for one that is gone.
    pub(crate) finding: Option<&'k Finding>,
}

impl Kept {
    /// The first document of a checkup, as bytes to be sealed; and what became of its results.
    pub(crate) fn first(told: &PackedCheckup, seq: i64) -> Result<(Vec<u8>, CheckupEnded)> {
        let results = told.checkup.findings.len();
        let versions = Versions {
            since: vec![(results, 1, seq)],
            gone: Vec::new(),
        };
        let ended = CheckupEnded {
            new: results as u64,
            ..CheckupEnded::default()
        };
        Ok((versions.with(told)?, ended))
    }

    /// How a further document stands to the one that holds.
    pub(crate) fn beside(&self, checkup: &Checkup) -> Beside {
        let known = &self.checkup;
        let alike = Checkup {
            word: known.word,
            written: match is_line(checkup) {
                true => known.written,
                false => checkup.written,
            },
            ..checkup.clone()
        };
        if alike == *known && known.word <= checkup.word {
            let is_later = known.word == checkup.word && known.written < checkup.written;
            return if is_later { Beside::SaidAgain } else { Beside::Same };
        }
        // Residents say one thing after the other, also within a day: what they said last holds.
        if !known.word.is_document() && !checkup.word.is_document() {
            return match !checkup.gives_way_to(known) || known.is_deletion() {
                true => Beside::Holds,
                false => Beside::Superseded,
            };
        }
        match order(checkup).cmp(&order(known)) {
            Ordering::Less => Beside::Superseded,
            Ordering::Greater => Beside::Holds,
            // Tables of one day are dated by when they are handed over: a correction comes after what it corrects.
            Ordering::Equal if is_line(checkup) => Beside::Holds,
            Ordering::Equal if content(checkup) > content(known) => Beside::Holds,
            Ordering::Equal => Beside::Superseded,
        }
    }

    /// What is kept once a table says the same again later: no result is another for it.
    pub(crate) fn said_again(&self, checkup: Checkup) -> Self {
        Self {
            checkup,
            since: self.since.clone(),
            gone: self.gone.clone(),
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

    /// As bytes to be sealed, of the document that holds.
    pub(crate) fn to_bytes(&self, told: &PackedCheckup) -> Result<Vec<u8>> {
        let runs = self.since.chunk_by(|one, next| one == next);
        let versions = Versions {
            since: runs.map(|run| (run.len(), run[0].0, run[0].1)).collect(),
            gone: self.gone.clone(),
        };
        versions.with(told)
    }

    /// From bytes that were sealed.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let damaged = || StoreError::damaged("a checkup");
        let Some(apart) = bytes.strip_prefix(&[APART]) else {
            return serde_json::from_slice(&unpacked(bytes)?).map_err(|_| damaged());
        };
        let (checkup, versions) = parted(apart)?;
        let checkup = PackedCheckup::known(checkup)?.checkup;
        let versions: Versions = serde_json::from_slice(versions).map_err(|_| damaged())?;
        let results: usize = versions.since.iter().map(|(results, ..)| results).sum();
        if results != checkup.findings.len() {
            return Err(damaged());
        }
        let runs = versions.since.into_iter();
        Ok(Self {
            checkup,
            since: runs
                .flat_map(|(results, version, seq)| std::iter::repeat_n((version, seq), results))
                .collect(),
            gone: versions.gone,
        })
    }
}

impl Versions {
    /// With the document that holds.
    fn with(&self, told: &PackedCheckup) -> Result<Vec<u8>> {
        let mut bytes = vec![APART];
        write_part(&mut bytes, told.bytes());
        serde_json::to_writer(&mut bytes, self).map_err(|_| StoreError::damaged("a checkup"))?;
        Ok(bytes)
    }
}

/// Writes a part, behind its length.
pub(crate) fn write_part(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend_from_slice(&(part.len() as u32).to_le_bytes());
    bytes.extend_from_slice(part);
}

/// What [`write_part`] wrote, and the rest.
pub(crate) fn parted(bytes: &[u8]) -> Result<(&[u8], &[u8])> {
    let damaged = || StoreError::damaged("a document");
    let (length, rest) = bytes.split_first_chunk().ok_or_else(damaged)?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize)
        .ok_or_else(damaged)
}

/// True for a line of a table. None requests a deletion: a request that names nobody who wrote it is a document too.
fn is_line(checkup: &Checkup) -> bool {
    checkup.is_table() && !checkup.is_deletion()
}

/// What decides among documents of one checkup before their content does.
fn order(checkup: &Checkup) -> (Reverse<Told>, bool, bool, LocalDay, bool) {
    let is_line = is_line(checkup);
    (
        // Of what the resident brings nobody knows whether it was changed, a deletion included.
        Reverse(checkup.word),
        // A line of a table leaves out what a document says, and mostly the facility's number.
        !is_line,
        is_line && !checkup.facility.number.is_empty(),
        checkup.written,
        checkup.is_deletion(),
    )
}

/// A content that two documents can be told apart by: how much it tells, and what.
fn content(checkup: &Checkup) -> (usize, Vec<u8>) {
    (checkup.findings.len(), serde_json::to_vec(checkup).unwrap_or_default())
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
    use model::checkup::{Found, Organisation, Range, Subject};
    use proptest::prelude::*;

    #[test]
    fn the_document_written_later_holds_whether_or_not_it_numbers_the_facility() {
        let numbered = Checkup {
            facility: Organisation {
                number: "1310000001".to_owned(),
                name: String::new(),
            },
            ..document(20_010, &[(1, 60)])
        };
        let later = document(20_011, &[(1, 61)]);
        let request = document(20_011, &[]);
        // A request that names nobody who wrote it is no line of a table.
        let bare_request = Checkup {
            author: Organisation::default(),
            ..request.clone()
        };
        let line = Checkup {
            author: Organisation::default(),
            ..later.clone()
        };
        for document in [&later, &request, &bare_request] {
            assert!(document.is_same(&numbered));
            assert!(order(document) > order(&numbered));
        }
        assert!(order(&line) < order(&numbered));
        let numbered_line = Checkup {
            facility: numbered.facility,
            written: LocalDay(20_009),
            ..line.clone()
        };
        assert!(
            order(&line) < order(&numbered_line),
            "of two lines the one that numbers it"
        );
    }

    fn document(written: i32, weights: &[(u16, i64)]) -> Checkup {
        Checkup {
            report: if weights.is_empty() { "19" } else { "10" }.to_owned(),
            programme: "010".to_owned(),
            day: LocalDay(20_000),
            written: LocalDay(written),
            facility: Organisation::default(),
            author: Organisation {
                number: "1310000001".to_owned(),
                name: String::new(),
            },
            subject: Subject::default(),
            findings: weights
                .iter()
                .map(|(item, value)| {
                    Finding::new(
                        Item::from_number(*item).expect("an item"),
                        Found::Quantity(Decimal::whole(*value), "kg".to_owned()),
                    )
                })
                .collect(),
            word: Told::Confirmed,
            deletes: String::new(),
            year_only: false,
        }
    }

    fn packed(checkup: &Checkup) -> PackedCheckup {
        PackedCheckup::of(checkup.clone()).expect("it packs")
    }

    fn first(checkup: &Checkup, seq: i64) -> Kept {
        let (bytes, ended) = Kept::first(&packed(checkup), seq).expect("it is kept");
        assert_eq!(ended.new, checkup.findings.len() as u64);
        Kept::from_bytes(&bytes).expect("it reads back")
    }

    #[test]
    fn each_result_has_its_own_versions() {
        let first = first(&document(1, &[(1, 150), (2, 60)]), 5);
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
        let bytes = third.to_bytes(&packed(&third.checkup)).expect("bytes");
        assert_eq!(Kept::from_bytes(&bytes).expect("kept"), third);
        for cut in [0, 3, bytes.len() - 1] {
            assert!(Kept::from_bytes(&bytes[..cut]).is_err());
        }
    }

    #[test]
    fn what_was_packed_with_its_versions_before_reads_as_it_is() {
        let checkup = document(1, &[(1, 150), (2, 60)]);
        let told = serde_json::to_string(&checkup).expect("a text");
        let before = format!("{{\"checkup\":{told},\"since\":[[1,5],[1,5]],\"gone\":[[3,0,2,5]]}}");
        let read = Kept::from_bytes(Packed::of(before.as_bytes()).expect("it packs").bytes()).expect("kept");
        assert_eq!(read.gone, [(Item::from_number(3).expect("an item"), 0, 2, 5)]);
        let expected = Kept {
            gone: read.gone.clone(),
            ..first(&checkup, 5)
        };
        assert_eq!(read, expected);
    }

    #[test]
    fn results_that_were_written_with_names_read_as_they_are() {
        let found = Finding {
            interpretation: Some('H'),
            range: Some(Range {
                low: None,
                high: Some((Decimal::whole(69), "kg".to_owned())),
            }),
            day: Some(LocalDay(20_000)),
            ..document(1, &[(2, 70)]).findings.remove(0)
        };
        let names = r#"{"item":2,"reading":0,"result":{"Quantity":["70","kg"]},"interpretation":"H","range":{"low":null,"high":["69","kg"]},"day":20000}"#;
        let lists = r#"[2,0,{"Quantity":["70","kg"]},"H",null,[null,["69","kg"]],null,20000]"#;
        for written in [names, lists] {
            assert_eq!(serde_json::from_str::<Finding>(written).expect("a finding"), found);
        }
        assert_eq!(serde_json::to_string(&found).expect("a text"), lists);
    }

    #[test]
    fn what_was_kept_before_deletions_named_their_screening_and_residents_a_year_reads_as_it_is() {
        let checkup = document(1, &[]);
        let plain = serde_json::to_string(&checkup).expect("a text");
        assert!(!plain.contains("deletes") && !plain.contains("year_only"));
        assert_eq!(serde_json::from_str::<Checkup>(&plain).expect("a checkup"), checkup);
        let of_year = Checkup::declared_of_year(model::Metric::CHECKUP_DENTAL, 2024, LocalDay(20_600));
        let of_year = of_year.expect("a year");
        let bytes = packed(&of_year);
        assert_eq!(
            PackedCheckup::known(bytes.bytes()).expect("a checkup").checkup(),
            &of_year
        );
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
            documents in proptest::collection::vec(
                (1i32..4, any::<bool>(), any::<bool>(), proptest::collection::vec((1u16..6, 1i64..4), 0..4)), 1..6),
            order in any::<prop::sample::Index>(),
        ) {
            let made: Vec<Checkup> = documents
                .iter()
                .enumerate()
                .map(|(place, (written, is_brought, is_table, weights))| {
                    let told = Checkup {
                        word: if *is_brought { Told::Brought } else { Told::Confirmed },
                        ..document(*written, weights)
                    };
                    match is_table {
                        // Each is of a day of its own.
                        true => Checkup { author: Organisation::default(), written: LocalDay(place as i32), ..told },
                        false => told,
                    }
                })
                .collect();
            let end = |documents: &[Checkup]| {
                let mut kept: Option<Kept> = None;
                for document in documents {
                    kept = Some(match kept {
                        None => first(document, 1),
                        Some(kept) => match kept.beside(document) {
                            Beside::Holds => kept.replaced(document.clone(), 1).0,
                            Beside::SaidAgain => kept.said_again(document.clone()),
                            Beside::Same | Beside::Superseded => kept,
                        },
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
