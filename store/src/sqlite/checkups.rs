//! SQL of checkups: a row each, sealed with the person's key, and the documents that a later one took the place of.

mod opened;

use model::checkup::{Checkup, Told};
use model::{LocalDay, PersonId};
use rusqlite::{OptionalExtension as _, params};

use super::database::Snapshot;
use super::fault::Doing as _;
use super::people::{Living, OneCommit, Profile};
use super::seal::SealKey;
use super::writer::Writing;
use crate::Result;
use crate::checkup::{Beside, CheckupEnded, Kept, MOST, NO_DAY, ONE_OF_SEVERAL, PackedCheckup, TOO_MANY};
use crate::packing::{Packed, unpacked};

pub(crate) use opened::{Opened, OpenedCheckups};

/// A checkup as it is stored.
pub(crate) struct Stored {
    pub(crate) number: u16,
    pub(crate) source: u16,
    pub(crate) version: u32,
    pub(crate) first_seq: i64,
    pub(crate) seq: i64,
    pub(crate) kept: Kept,
}

/// The first day that ids can say, 1900-01-01, with room for the zone.
const FIRST_DAY: LocalDay = LocalDay(-25_566);
/// The first day that they cannot: 2200-01-01, with the same room.
const LAST_DAY: LocalDay = LocalDay(84_005);

/// A row as it is read: number, source, version, first and last commit, body.
type Row = (u16, u16, u32, i64, i64, Vec<u8>);

/// Keeps what a document says of a person.
pub(crate) fn keep(
    writing: &Writing<'_>,
    living: &Living,
    (source, commit): (u16, &mut OneCommit),
    told: &PackedCheckup,
    original: &Packed,
) -> Result<CheckupEnded> {
    let checkup = told.checkup();
    let records = match checkup.is_deletion() {
        true => 1,
        false => checkup.findings.len() as u64,
    };
    if is_of_another(&living.profile, checkup) {
        return Ok(CheckupEnded {
            of_another: records,
            ..CheckupEnded::default()
        });
    }
    let refused = |why| CheckupEnded {
        refused: (records, why),
        ..CheckupEnded::default()
    };
    if !(FIRST_DAY..LAST_DAY).contains(&checkup.day) {
        return Ok(refused(NO_DAY));
    }
    let (person, key) = (living.person, &*living.key);
    let (of_the_day, others) = near(writing, key, person, checkup)?;
    let Ok(known) = the_same(of_the_day, checkup) else {
        return Ok(refused(ONE_OF_SEVERAL));
    };
    // What is deleted stays the screening it was, and the part: another of that day is none of it.
    let deleted = known.as_ref().map(|known| &known.kept.checkup);
    let deleted = deleted.filter(|deleted| checkup.is_deletion() && deleted.screening().is_some());
    let of_its_screening = deleted.map(|deleted| PackedCheckup::of(deleted.asked_for_by(checkup)));
    let of_its_screening = of_its_screening.transpose()?;
    let told = of_its_screening.as_ref().unwrap_or(told);
    let checkup = told.checkup();
    if let Some(known) = &known {
        let beside = known.kept.beside(checkup);
        if beside == Beside::SaidAgain {
            let body = known.kept.said_again(checkup.clone()).to_bytes(told)?;
            say_again(writing, key, Place::of(person, known), &body)?;
        }
        match beside {
            Beside::Same | Beside::SaidAgain => {
                return Ok(CheckupEnded {
                    known: records,
                    ..CheckupEnded::default()
                });
            }
            Beside::Superseded => {
                return Ok(CheckupEnded {
                    superseded: records,
                    ..CheckupEnded::default()
                });
            }
            Beside::Holds => {}
        }
    }
    // One checkup of a kind is said of a year. What a facility or insurer told of it is more than what the resident says, and a day
    // more than the year alone.
    let gives_way = |other: &Stored| other.kept.checkup.gives_way_to(checkup);
    if checkup.word == Told::Declared && !checkup.is_deletion() && !others.iter().all(gives_way) {
        return Ok(CheckupEnded {
            superseded: records,
            ..CheckupEnded::default()
        });
    }
    let Some(number) = known
        .as_ref()
        .map_or_else(|| next_number(writing, person), |known| Ok(Some(known.number)))?
    else {
        return Ok(refused(TOO_MANY));
    };
    let commit = commit.get(writing)?;
    if !checkup.is_deletion() {
        for declared in others {
            let taken_back = PackedCheckup::of(declared.kept.checkup.taken_back(checkup.written))?;
            let (kept, _) = declared.kept.replaced(taken_back.checkup().clone(), commit.seq);
            let row = Place {
                person,
                number: declared.number,
                version: declared.version + 1,
            };
            set_aside(writing, person, declared.number)?;
            write(
                writing,
                key,
                row,
                (declared.source, declared.first_seq, commit.seq),
                (taken_back.checkup(), &kept.to_bytes(&taken_back)?),
                &Packed::of(b"")?,
            )?;
        }
    }
    let (body, mut ended) = match &known {
        Some(known) => {
            let (kept, ended) = known.kept.replaced(checkup.clone(), commit.seq);
            (kept.to_bytes(told)?, ended)
        }
        None => Kept::first(told, commit.seq)?,
    };
    ended.deletions = u64::from(checkup.is_deletion());
    let (version, first_seq) = match &known {
        Some(known) => {
            set_aside(writing, person, number)?;
            (known.version + 1, known.first_seq)
        }
        None => (1, commit.seq),
    };
    let row = Place {
        person,
        number,
        version,
    };
    write(
        writing,
        key,
        row,
        (source, first_seq, commit.seq),
        (checkup, &body),
        original,
    )?;
    Ok(ended)
}

/// Where a version of a checkup lies.
#[derive(Clone, Copy)]
struct Place {
    person: PersonId,
    number: u16,
    version: u32,
}

/// Writes a version of a checkup: source, first and last commit; what it tells, and as it is kept.
fn write(
    writing: &Writing<'_>,
    key: &SealKey,
    at: Place,
    (source, first_seq, seq): (u16, i64, i64),
    (checkup, body): (&Checkup, &[u8]),
    original: &Packed,
) -> Result<()> {
    let seal = |table: &str, plain: &[u8]| key.seal(writing.randomness(), table, &at.row(), plain);
    let body = seal("checkup", body)?;
    let original = seal("checkup.original", original.bytes())?;
    writing
        .prepare_cached(
            "INSERT INTO checkup (person, number, day, state, word, source, version, first_seq, seq, body, original)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             ON CONFLICT (person, number) DO UPDATE
             SET state = ?4, word = ?5, source = ?6, version = ?7, seq = ?9, body = ?10, original = ?11",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                at.person.0,
                at.number,
                checkup.day.0,
                checkup.is_deletion(),
                teller(checkup),
                source,
                at.version,
                first_seq,
                seq,
                body,
                original
            ])
        })
        .doing("keeping a checkup")
        .map(|_| ())
}

/// Keeps that a checkup was said again, as the version that it is.
fn say_again(writing: &Writing<'_>, key: &SealKey, at: Place, body: &[u8]) -> Result<()> {
    let body = key.seal(writing.randomness(), "checkup", &at.row(), body)?;
    writing
        .prepare_cached("UPDATE checkup SET body = ?3 WHERE person = ?1 AND number = ?2")
        .and_then(|mut statement| statement.execute(params![at.person.0, at.number, body]))
        .doing("keeping that a checkup was said again")
        .map(|_| ())
}

/// The checkups of its day that a document may tell; and of the other live ones of its kind and fiscal year those that a resident
/// said, and where a resident says it, all.
fn near(
    snapshot: &Snapshot<'_>,
    key: &SealKey,
    person: PersonId,
    checkup: &Checkup,
) -> Result<(Vec<Stored>, Vec<Stored>)> {
    let from_teller = if checkup.word.is_document() { RESIDENT } else { DOCUMENT };
    let rows: Vec<Row> = snapshot
        .prepare_cached(
            "SELECT number, source, version, first_seq, seq, body FROM checkup
             WHERE person = ?1 AND day BETWEEN ?3 - 366 AND ?3 + 366 AND (day = ?3 OR (word >= ?2 AND state = 0))",
        )
        .and_then(|mut statement| {
            statement
                .query_map(params![person.0, from_teller, checkup.day.0], read)?
                .collect()
        })
        .doing("looking for checkups of the year")?;
    let (mut of_the_day, mut of_the_year) = (Vec::new(), Vec::new());
    for row in rows {
        let stored = open(key, person, row)?;
        let other = &stored.kept.checkup;
        if other.day == checkup.day && other.is_same(checkup) {
            of_the_day.push(stored);
        } else if (!checkup.word.is_document() || !other.word.is_document())
            && !other.is_deletion()
            && (checkup.took_place() && other.took_place())
            && other.is_of_kind_and_year(checkup)
        {
            of_the_year.push(stored);
        }
    }
    Ok((of_the_day, of_the_year))
}

/// Who tells a checkup, as its row says it: a document, whoever hands it over.
const DOCUMENT: u8 = 1;
/// As above: the resident alone.
const RESIDENT: u8 = 2;

fn teller(checkup: &Checkup) -> u8 {
    match checkup.word.is_document() {
        true => DOCUMENT,
        false => RESIDENT,
    }
}

impl Place {
    /// Of a checkup that is stored.
    fn of(person: PersonId, stored: &Stored) -> Self {
        Self {
            person,
            number: stored.number,
            version: stored.version,
        }
    }

    /// What names a sealed text of it.
    fn row(self) -> [i64; 3] {
        [
            i64::from(self.person.0),
            i64::from(self.number),
            i64::from(self.version),
        ]
    }
}

/// True where a document says that it is about somebody who was born on another day, or is of another sex.
pub(crate) fn is_of_another(profile: &Profile, checkup: &Checkup) -> bool {
    let differ = |known: Option<i32>, said: Option<i32>| known.zip(said).is_some_and(|(known, said)| known != said);
    let subject = &checkup.subject;
    // Civil registers and checkups number the two alike; whoever is neither is not told apart by it.
    let sex = |number: Option<u8>| number.filter(|number| matches!(number, 1 | 2)).map(i32::from);
    differ(profile.birth_day, subject.birth.map(|day| day.0)) || differ(sex(profile.sex), sex(subject.sex))
}

/// A document does not say which of several it means.
struct Several;

/// Of checkups that can be the one that a document tells, the one that is.
fn the_same(mut candidates: Vec<Stored>, checkup: &Checkup) -> std::result::Result<Option<Stored>, Several> {
    let of_its_kind = |stored: &Stored| stored.kept.checkup.screening() == checkup.screening();
    let of_its_part = |stored: &Stored| of_its_kind(stored) && stored.kept.checkup.programme == checkup.programme;
    // A request that was carried out means the same again, whatever came since.
    let is_that_request = |stored: &Stored| {
        let carried_out = &stored.kept.checkup;
        checkup.is_deletion() && carried_out.asked_for_by(checkup) == *carried_out
    };
    let place = |is: &dyn Fn(&Stored) -> bool| candidates.iter().position(is);
    let place = place(&is_that_request)
        .or_else(|| place(&of_its_part))
        .or_else(|| place(&of_its_kind));
    if let Some(place) = place {
        return Ok(Some(candidates.swap_remove(place)));
    }
    let is_live = |stored: &Stored| !stored.kept.checkup.is_deletion();
    if candidates.iter().any(is_live) {
        candidates.retain(is_live);
    }
    match candidates.len() {
        0 | 1 => Ok(candidates.pop()),
        _ => Err(Several),
    }
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    row.try_into()
}

fn open(key: &SealKey, person: PersonId, row: Row) -> Result<Stored> {
    let (number, source, version, first_seq, seq, body) = row;
    let plain = key.open(
        "checkup",
        &Place {
            person,
            number,
            version,
        }
        .row(),
        &body,
    )?;
    Ok(Stored {
        number,
        source,
        version,
        first_seq,
        seq,
        kept: Kept::from_bytes(&plain)?,
    })
}

/// The number of a further checkup; `None` where a person has as many as there can be.
fn next_number(snapshot: &Snapshot<'_>, person: PersonId) -> Result<Option<u16>> {
    let last: u16 = snapshot
        .prepare_cached("SELECT coalesce(max(number), 0) FROM checkup WHERE person = ?1")
        .and_then(|mut statement| statement.query_row([person.0], |row| row.get(0)))
        .doing("numbering a checkup")?;
    Ok((last < MOST).then_some(last + 1))
}

/// The present document of a checkup becomes a former one.
fn set_aside(writing: &Writing<'_>, person: PersonId, number: u16) -> Result<()> {
    writing
        .prepare_cached(
            "INSERT INTO checkup_version (person, number, version, seq, source, body, original)
             SELECT person, number, version, seq, source, body, original FROM checkup WHERE person = ?1 AND number = ?2",
        )
        .and_then(|mut statement| statement.execute(params![person.0, number]))
        .doing("setting a checkup aside")
        .map(|_| ())
}

/// All checkups of a person, in the order of their numbers.
pub(crate) fn of_person(snapshot: &Snapshot<'_>, key: &SealKey, person: PersonId) -> Result<Vec<Stored>> {
    let rows: Vec<Row> = snapshot
        .prepare_cached(
            "SELECT number, source, version, first_seq, seq, body FROM checkup WHERE person = ?1 ORDER BY number",
        )
        .and_then(|mut statement| statement.query_map([person.0], read)?.collect())
        .doing("reading checkups")?;
    rows.into_iter().map(|row| open(key, person, row)).collect()
}

/// Former documents of a person's checkups that a commit from this one on made, the newest last.
pub(crate) fn former(
    snapshot: &Snapshot<'_>,
    key: &SealKey,
    person: PersonId,
    number: Option<u16>,
) -> Result<Vec<Stored>> {
    let rows: Vec<Row> = snapshot
        .prepare_cached(
            "SELECT number, source, version, seq, seq, body FROM checkup_version
             WHERE person = ?1 AND number = coalesce(?2, number) ORDER BY number, version",
        )
        .and_then(|mut statement| statement.query_map(params![person.0, number], read)?.collect())
        .doing("reading former checkups")?;
    rows.into_iter().map(|row| open(key, person, row)).collect()
}

/// The document that told a checkup, as it came.
pub(crate) fn original(snapshot: &Snapshot<'_>, person: PersonId, number: u16) -> Result<Option<Vec<u8>>> {
    let found: Option<(u32, Vec<u8>)> = snapshot
        .prepare_cached("SELECT version, original FROM checkup WHERE person = ?1 AND number = ?2")
        .and_then(|mut statement| {
            statement
                .query_row(params![person.0, number], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        })
        .doing("reading a document")?;
    found
        .map(|(version, sealed)| {
            let key = snapshot.person_key(person)?;
            let at = Place {
                person,
                number,
                version,
            };
            unpacked(&key.open("checkup.original", &at.row(), &sealed)?)
        })
        .transpose()
        // What was declared has none.
        .map(|original| original.filter(|original| !original.is_empty()))
}
