//! SQL of what was delivered, kept for a time as it came: rows, and [packs](pack) of those that are some hours old.

mod fold;
mod pack;
#[cfg(test)]
mod tests;
mod walk;

use std::io::Read as _;

use model::{Accounting, PersonId, UtcMillis};
use rusqlite::{OptionalExtension as _, params};

use super::database::Snapshot;
use super::fault::Doing as _;
use super::writer::Writing;
use super::{batches, companions};
use crate::companions::{NewPayload, Sender, Sent};
use crate::packing::packed;
use crate::{Result, StoreError};
use pack::{Pack, find};

pub(crate) use fold::fold;
pub(crate) use walk::next;

/// The largest delivery that is kept, unpacked; adapters refuse larger ones.
const MOST_BYTES: u64 = 24 << 20;

/// Packs that are cut in one unit at most: some tens of milliseconds.
const CUT_AT_ONCE: usize = 4;

/// By what a delivery is found again. A phone's is the same only if all of it is: an id that is used for something else, by mistake
/// or because the phone counts anew, must not have that taken for known.
fn key(snapshot: &Snapshot<'_>, person: PersonId, from: Sender, sent: Sent<'_>) -> Vec<u8> {
    let (what, id) = match from {
        Sender::Companion(id) => ("payload.phone", id),
        Sender::Link(id) => ("payload.link", id),
        Sender::Feed(id) => ("payload.feed", id),
    };
    let (person, id) = (person.0.to_le_bytes(), id.to_le_bytes());
    let parts: [&[u8]; 5] = [&person, &id, sent.batch.as_bytes(), sent.adapter.as_bytes(), sent.body];
    let many = if matches!(from, Sender::Companion(_)) { 5 } else { 3 };
    snapshot.keys().lookup_hash(what, &parts[..many])
}

pub(crate) fn answer(
    snapshot: &Snapshot<'_>,
    person: PersonId,
    companion: i64,
    sent: Sent<'_>,
) -> Result<Option<Vec<u8>>> {
    let key = key(snapshot, person, Sender::Companion(companion), sent);
    let row: Option<(i64, Vec<u8>)> = snapshot
        .prepare_cached("SELECT number, answer FROM payload WHERE person = ?1 AND key = ?2")
        .and_then(|mut statement| {
            statement
                .query_row(params![person.0, key], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        })
        .doing("reading an answer")?;
    if let Some((number, answer)) = row {
        let answer = snapshot
            .person_key(person)?
            .open("payload.answer", &[number], &answer)?;
        return Ok(Some(answer));
    }
    let folded = find(snapshot, person, &key)?;
    Ok(folded.map(|(mut pack, place)| pack.entries.swap_remove(place).answer))
}

/// A delivery that was compressed: so many bytes of it at most.
pub(super) fn unpacked(packed: &[u8], most: u64) -> Result<Vec<u8>> {
    let mut plain = Vec::new();
    zstd::Decoder::new(packed)
        .and_then(|decoder| decoder.take(most).read_to_end(&mut plain))
        .map_err(|error| StoreError::io("unpacking a delivery", &error))?;
    Ok(plain)
}

/// Keeps what was sent with what it is answered, under a number.
pub(crate) fn keep(
    writing: &Writing<'_>,
    person: PersonId,
    new: NewPayload,
    counts: &Accounting,
) -> Result<(i64, Vec<u8>)> {
    let plain = (new.answer)(counts);
    let now = writing.now().0;
    let sealer = writing.person_key(person)?;
    let packed = packed(&new.body)?;
    let number: i64 = writing
        .prepare_cached(
            "SELECT max((SELECT coalesce(max(number), 0) FROM payload), (SELECT coalesce(max(last), 0) FROM payload_pack)) + 1",
        )
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
        .doing("numbering a push")?;
    let answer = sealer.seal(writing.randomness(), "payload.answer", &[number], &plain)?;
    let body = sealer.seal(writing.randomness(), "payload", &[number], &packed)?;
    let sent = Sent {
        adapter: &new.adapter,
        batch: &new.batch,
        body: &new.body,
    };
    let key = key(writing, person, new.from, sent);
    let mut before: Option<i64> = writing
        .prepare_cached("SELECT number FROM payload WHERE person = ?1 AND key = ?2")
        .and_then(|mut statement| statement.query_row(params![person.0, key], |row| row.get(0)).optional())
        .doing("looking for a push")?;
    if let Some((pack, place)) = find(writing, person, &key)? {
        let folded = pack.entries[place].number;
        pack.retain(writing, |entry| entry.number != folded)?;
        before = Some(folded);
    }
    if let Some(before) = before {
        // What could not be read of it is told of the earlier delivery as well.
        batches::kept_elsewhere(writing, person, &new.adapter, (before, number))?;
    }
    writing
        .prepare_cached(
            "INSERT INTO payload (number, person, adapter, key, received_ms, answer, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (person, key) DO UPDATE
             SET number = ?1, adapter = ?3, received_ms = ?5, answer = ?6, body = ?7",
        )
        .and_then(|mut statement| {
            statement.execute(params![number, person.0, new.adapter, key, now, answer, body])
        })
        .doing("keeping a push")?;
    if let Sender::Companion(companion) = new.from {
        companions::seen(writing, person, companion)?;
    }
    Ok((number, plain))
}

/// True while a delivery of this adapter is kept under this number.
pub(crate) fn is_kept(snapshot: &Snapshot<'_>, person: PersonId, adapter: &str, number: i64) -> Result<bool> {
    let is_row: bool = snapshot
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM payload WHERE number = ?1 AND person = ?2)")
        .and_then(|mut statement| statement.query_row(params![number, person.0], |row| row.get(0)))
        .doing("looking for a push")?;
    if is_row {
        return Ok(true);
    }
    let any = (adapter, UtcMillis(i64::MIN));
    let Some(last) = Pack::next(snapshot, person, any, number - 1)? else {
        return Ok(false);
    };
    let pack = Pack::read(snapshot, last)?;
    Ok(pack.entries.iter().any(|entry| entry.number == number))
}

/// Deletes what came before: rows, whole packs, and what is due of the next few packs, which are made anew without it. How many
/// deliveries went, and whether there are more packs to cut.
pub(crate) fn delete(writing: &Writing<'_>, before: UtcMillis) -> Result<(usize, bool)> {
    let mut gone = writing
        .execute("DELETE FROM payload WHERE received_ms < ?1", [before.0])
        .doing("deleting pushes")?;
    let whole: Vec<i64> = writing
        .prepare_cached("DELETE FROM payload_pack WHERE first_ms < ?1 AND last_ms < ?1 RETURNING length(hashes)")
        .and_then(|mut statement| statement.query_map([before.0], |row| row.get(0))?.collect())
        .doing("deleting pushes")?;
    gone += whole.into_iter().map(pack::many).sum::<usize>();
    let (of_packs, packs) = Pack::cut(writing, before, CUT_AT_ONCE)?;
    Ok((gone + of_packs, packs == CUT_AT_ONCE))
}
