//! Kept text of records that are neither stored nor parked: gathered into pieces, compressed, sealed, never kept twice.
//!
//! A piece ends where the text itself says so (a hash of its last record), not at a fixed count, so that a later delivery of
//! mostly the same records makes mostly the same pieces, which are found by a keyed hash and not kept again.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use model::{BatchId, PersonId};
use rusqlite::{OptionalExtension as _, params};

use super::fault::Doing as _;
use super::writer::Writing;
use super::{acts, consents};
use crate::operations::{KeptRecord, KeptText};
use crate::{Actor, Raw, Result, StoreError};

/// A piece holds at most this many bytes of text, unless one record alone has more.
const LARGEST_PIECE: usize = 256 * 1024;
/// One record in so many ends a piece, by its hash.
const PIECE_RECORDS: u64 = 256;

/// The piece being gathered.
#[derive(Default)]
pub(crate) struct Piece {
    text: Vec<u8>,
    records: u32,
}

impl Piece {
    /// Adds a record; true when the piece is full.
    pub(crate) fn add(&mut self, raw: &Raw) -> bool {
        self.text.extend_from_slice(raw.reason.as_bytes());
        self.text.push(b'\t');
        self.text.extend_from_slice(&(raw.text.len() as u32).to_le_bytes());
        self.text.extend_from_slice(&raw.text);
        self.records += 1;
        self.text.len() >= LARGEST_PIECE || spread(&raw.text).is_multiple_of(PIECE_RECORDS)
    }

    /// Bytes gathered.
    pub(crate) fn bytes(&self) -> usize {
        self.text.len()
    }

    /// True when there is nothing to keep.
    pub(crate) fn is_empty(&self) -> bool {
        self.records == 0
    }
}

/// FNV-1a, 64 bits (Fowler, Noll, Vo): where a piece ends need only be the same for the same text.
fn spread(text: &[u8]) -> u64 {
    text.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// The records of a piece, as [`Piece::add`] laid them.
fn records(text: &[u8]) -> Option<Vec<KeptRecord>> {
    let (mut rest, mut records) = (text, Vec::new());
    while !rest.is_empty() {
        let at = rest.iter().position(|byte| *byte == b'\t')?;
        let (reason, behind) = rest.split_at(at);
        let (length, behind) = behind[1..].split_first_chunk::<4>()?;
        let (text, behind) = behind.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        records.push(KeptRecord {
            reason: String::from_utf8(reason.to_vec()).ok()?,
            text: text.to_vec(),
        });
        rest = behind;
    }
    Some(records)
}

/// Opens a kept text and records that somebody looked at it, in one commit; `None` where nothing is kept under this number.
pub(crate) fn show(writing: &Writing<'_>, number: i64, by: Actor) -> Result<Option<KeptText>> {
    let found: Option<(u32, u32, Vec<u8>)> = writing
        .prepare_cached("SELECT person, batch, body FROM raw WHERE number = ?1")
        .and_then(|mut statement| {
            let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
            statement.query_row([number], row).optional()
        })
        .doing("finding a kept text")?;
    let Some((person, batch, body)) = found else {
        return Ok(None);
    };
    let person = PersonId(person);
    let packed = writing.person_key(person)?.open("raw", &[number], &body)?;
    let damaged = || StoreError::damaged(format!("raw, row {number}"));
    let mut text = Vec::new();
    DeflateDecoder::new(packed.as_slice())
        .read_to_end(&mut text)
        .map_err(|_| damaged())?;
    let records = records(&text).ok_or_else(damaged)?;
    let organisation = consents::custodian(writing, person)?.ok_or(StoreError::NoPerson { person })?;
    let subject = format!("text {number}, person {person}");
    acts::record(writing, organisation, by, "kept-text-shown", &subject)?;
    Ok(Some(KeptText {
        person,
        batch: BatchId(batch),
        records,
    }))
}

/// Keeps a piece, unless the person has it: answers then under which number, so that the delivery that brings it again says it too.
pub(crate) fn keep(writing: &Writing<'_>, person: PersonId, batch: BatchId, piece: &Piece) -> Result<Option<i64>> {
    let hash = writing
        .keys()
        .lookup_hash("raw", &[&person.0.to_le_bytes(), &piece.text]);
    let known: Option<i64> = writing
        .prepare_cached("SELECT number FROM raw WHERE person = ?1 AND hash = ?2")
        .and_then(|mut statement| {
            statement
                .query_row(params![person.0, hash], |row| row.get(0))
                .optional()
        })
        .doing("looking for kept text")?;
    if known.is_some() {
        return Ok(known);
    }
    let unwritten = |error| StoreError::io("compressing kept text", &error);
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(&piece.text).map_err(unwritten)?;
    let packed = encoder.finish().map_err(unwritten)?;
    let number: i64 = writing
        .prepare_cached("SELECT coalesce(max(number), 0) + 1 FROM raw")
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
        .doing("numbering kept text")?;
    let body = writing
        .person_key(person)?
        .seal(writing.randomness(), "raw", &[number], &packed)?;
    writing
        .prepare_cached("INSERT INTO raw (number, person, batch, hash, records, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
        .and_then(|mut statement| statement.execute(params![number, person.0, batch.0, hash, piece.records, body]))
        .doing("keeping text")
        .map(|_| None)
}
