//! Chains by hash: rows of a person that are only ever added, each bound to the one before it.
//!
//! A row's body is sealed with the key of the person's custodian, so it outlives the person's own key; its hash is SHA-256
//! over the hash before it and the sealed body. Whoever changes, takes out or swaps a row breaks the chain from there on.

use std::collections::{HashMap, HashSet};

use aws_lc_rs::digest;
use model::{OrganisationId, PersonId};
use rusqlite::{OptionalExtension as _, params};

use super::database::Snapshot;
use super::fault::Doing as _;
use super::retention;
use crate::Result;

/// The hash before the first row.
const ROOT: [u8; 32] = [0; 32];

/// What is chained. The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Chain {
    /// What recipients were given.
    Access = 1,
    /// Changes of consents.
    Consents = 2,
    /// What was done on an organisation's side; the owner is the organisation.
    Acts = 3,
}

impl Chain {
    const ALL: [Self; 3] = [Self::Access, Self::Consents, Self::Acts];

    /// The chain with this number, as stored.
    pub(crate) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|chain| *chain as u8 == number)
    }

    pub(crate) const fn table(self) -> &'static str {
        match self {
            Self::Access => "access_event",
            Self::Consents => "consent_change",
            Self::Acts => "organisation_event",
        }
    }

    /// The column that says whose a row is.
    pub(crate) const fn owner(self) -> &'static str {
        match self {
            Self::Access | Self::Consents => "person",
            Self::Acts => "organisation",
        }
    }

    /// Selects owner, number, body, hash, and the organisation whose key opens it.
    fn rows(self) -> &'static str {
        match self {
            Self::Access => {
                "SELECT row.person, row.number, row.body, row.hash, person.custodian
                 FROM access_event row LEFT JOIN person ON person.id = row.person ORDER BY row.person, row.number"
            }
            Self::Consents => {
                "SELECT row.person, row.number, row.body, row.hash, person.custodian
                 FROM consent_change row LEFT JOIN person ON person.id = row.person ORDER BY row.person, row.number"
            }
            Self::Acts => {
                "SELECT organisation, number, body, hash, organisation FROM organisation_event
                 ORDER BY organisation, number"
            }
        }
    }
}

/// A row to be inserted.
pub(crate) struct Link {
    pub(crate) number: i64,
    pub(crate) body: Vec<u8>,
    pub(crate) hash: Vec<u8>,
}

/// Seals `plain` as the next row of a person's chain and moves the chain's head; the caller inserts the row.
pub(crate) fn append(
    snapshot: &Snapshot<'_>,
    chain: Chain,
    person: PersonId,
    custodian: OrganisationId,
    plain: &[u8],
) -> Result<Link> {
    let head: Option<(i64, Vec<u8>)> = snapshot
        .prepare_cached("SELECT number, hash FROM chain_head WHERE person = ?1 AND chain = ?2")
        .and_then(|mut statement| {
            statement
                .query_row(params![person.0, chain as u8], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        })
        .doing("reading a chain")?;
    let (last, before) = head.unwrap_or_else(|| (0, ROOT.to_vec()));
    let number = last + 1;
    let body = snapshot.keys().organisation(custodian)?.seal(
        snapshot.randomness(),
        chain.table(),
        &[i64::from(person.0), number],
        plain,
    )?;
    let hash = bind(&before, &body);
    snapshot
        .prepare_cached(
            "INSERT INTO chain_head (person, chain, number, hash) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (person, chain) DO UPDATE SET number = ?3, hash = ?4",
        )
        .and_then(|mut statement| statement.execute(params![person.0, chain as u8, number, hash]))
        .doing("adding to a chain")?;
    Ok(Link { number, body, hash })
}

/// What stands in a row.
pub(crate) fn open(
    snapshot: &Snapshot<'_>,
    chain: Chain,
    person: PersonId,
    custodian: OrganisationId,
    number: i64,
    body: &[u8],
) -> Result<Vec<u8>> {
    snapshot
        .keys()
        .organisation(custodian)?
        .open(chain.table(), &[i64::from(person.0), number], body)
}

fn bind(before: &[u8], body: &[u8]) -> Vec<u8> {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(before);
    context.update(body);
    context.finish().as_ref().to_vec()
}

/// Walks every chain from its beginning; says how many rows hold, or where the first ones break.
pub(crate) fn verify(snapshot: &Snapshot<'_>) -> Result<std::result::Result<String, String>> {
    let mut seen = Vec::new();
    let mut broken = Vec::new();
    for chain in Chain::ALL {
        let rows = verify_one(snapshot, chain, &mut broken)?;
        seen.push(format!("{rows} rows of {}", chain.table()));
    }
    Ok(if broken.is_empty() {
        Ok(format!("{}, every one in its place", seen.join(", ")))
    } else {
        Err(format!(
            "{} broken, the first in {}: somebody changed the database from outside; keep a copy of the folder and compare it \
             with the backups",
            broken.len(),
            broken[0]
        ))
    })
}

/// Notes the first row of each person at which the chain breaks.
fn verify_one(snapshot: &Snapshot<'_>, chain: Chain, broken: &mut Vec<String>) -> Result<u64> {
    let mut heads = heads(snapshot, chain)?;
    let told = match heads.values().any(|head| head.pruned.0 > 0) {
        true => retention::told(snapshot)?,
        false => HashSet::new(),
    };
    let table = chain.table();
    let mut statement = snapshot.prepare(chain.rows()).doing("verifying chains")?;
    let mut rows = statement.query([]).doing("verifying chains")?;
    let mut count = 0;
    let mut walked: HashMap<u32, (i64, Vec<u8>)> = HashMap::new();
    let mut current: Option<(u32, i64, Vec<u8>, bool)> = None;
    while let Some(row) = rows.next().doing("verifying chains")? {
        count += 1;
        let person: u32 = row.get(0).doing("verifying chains")?;
        let number: i64 = row.get(1).doing("verifying chains")?;
        let body: Vec<u8> = row.get(2).doing("verifying chains")?;
        let hash: Vec<u8> = row.get(3).doing("verifying chains")?;
        let custodian: Option<u32> = row.get(4).doing("verifying chains")?;
        let (last, before, whole) = match current.take() {
            Some((of, last, before, whole)) if of == person => (last, before, whole),
            of_another => {
                if let Some((of, last, before, _)) = of_another {
                    walked.insert(of, (last, before));
                }
                let (last, before) = begin(&heads, person);
                (last, before, true)
            }
        };
        let opens = custodian.is_some_and(|custodian| {
            open(
                snapshot,
                chain,
                PersonId(person),
                OrganisationId(custodian),
                number,
                &body,
            )
            .is_ok()
        });
        let holds = number == last + 1 && bind(&before, &body) == hash && opens;
        if whole && !holds {
            broken.push(format!("{table}, {} {person}, row {number}", chain.owner()));
        }
        current = Some((person, number, hash, whole && holds));
    }
    if let Some((of, last, before, _)) = current {
        walked.insert(of, (last, before));
    }
    for (person, head) in &heads {
        // Rows that were deleted when their time was over are told of in the organisation's chain.
        if head.pruned.0 > 0 && !told.contains(&retention::subject(*person, head.pruned.0)) {
            broken.push(format!(
                "{table}, the first rows of {} {person}, which nobody said to delete",
                chain.owner()
            ));
        }
    }
    for (person, end) in walked {
        if heads.remove(&person).map(|head| head.end) != Some(end) {
            broken.push(format!("{table}, the last row of {} {person}", chain.owner()));
        }
    }
    for (person, head) in heads {
        if head.pruned != head.end {
            broken.push(format!("{table}, all rows of {} {person}", chain.owner()));
        }
    }
    Ok(count)
}

/// The number and hash before the first row of a chain that is left.
fn begin(heads: &HashMap<u32, Ends>, owner: u32) -> (i64, Vec<u8>) {
    heads.get(&owner).map_or((0, ROOT.to_vec()), |head| head.pruned.clone())
}

/// Both ends of a chain, each a number and a hash.
struct Ends {
    end: (i64, Vec<u8>),
    /// The last row that was deleted; the root where none was.
    pruned: (i64, Vec<u8>),
}

fn heads(snapshot: &Snapshot<'_>, chain: Chain) -> Result<HashMap<u32, Ends>> {
    snapshot
        .prepare_cached("SELECT person, number, hash, pruned, pruned_hash FROM chain_head WHERE chain = ?1")
        .and_then(|mut statement| {
            statement
                .query_map([chain as u8], |row| {
                    let pruned: Option<Vec<u8>> = row.get(4)?;
                    Ok((
                        row.get(0)?,
                        Ends {
                            end: (row.get(1)?, row.get(2)?),
                            pruned: (row.get(3)?, pruned.unwrap_or_else(|| ROOT.to_vec())),
                        },
                    ))
                })?
                .collect()
        })
        .doing("verifying chains")
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use model::UtcMillis;
    use model::environment::{HandClock, SeededRandomness};
    use rusqlite::Connection;

    use super::*;
    use crate::sqlite::database::{Database, FILE};
    use crate::sqlite::{acts, people};
    use crate::{MasterKey, NewPerson, OpenOptions};

    fn open_folder(folder: &Path, seed: u64) -> Result<Database> {
        Database::open(OpenOptions {
            folder: folder.to_owned(),
            master_key: MasterKey::new([7; 32]),
            clock: Arc::new(HandClock::at(UtcMillis(1_778_338_800_000))),
            randomness: Arc::new(SeededRandomness::new(seed)),
            exclusive: true,
            size_limit: None,
        })
    }

    /// A closed folder with three access events of each of two people.
    fn folder_with_events() -> Result<tempfile::TempDir> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = open_folder(folder.path(), 1)?;
        let unit = database.queue("events", false, |writing| {
            for _ in 0..2 {
                let person = people::create_person(
                    writing,
                    &NewPerson {
                        home_zone: "Asia/Tokyo".to_owned(),
                        ..NewPerson::default()
                    },
                )?;
                for event in 0..3 {
                    let link = append(writing, Chain::Access, person, OrganisationId(1), &[event])?;
                    writing
                        .execute(
                            "INSERT INTO access_event (person, number, body, hash) VALUES (?1, ?2, ?3, ?4)",
                            params![person.0, link.number, link.body, link.hash],
                        )
                        .doing("adding an event")?;
                }
            }
            Ok(())
        })?;
        unit.wait()?;
        database.close();
        Ok(folder)
    }

    fn verified_after(tampering: &str) -> Result<std::result::Result<String, String>> {
        let folder = folder_with_events()?;
        let connection = Connection::open(folder.path().join(FILE)).expect("the database");
        connection.execute_batch(tampering).expect("tampering");
        drop(connection);
        let database = open_folder(folder.path(), 2)?;
        database.read_blocking(verify)
    }

    #[test]
    fn chains_that_nobody_touched_hold() -> Result<()> {
        let seen = verified_after("")?;
        assert_eq!(
            seen.as_deref(),
            Ok(
                "6 rows of access_event, 0 rows of consent_change, 0 rows of organisation_event, every one in its place"
            )
        );
        Ok(())
    }

    /// One change by somebody with the database in hand: an edit, a deletion, a swap or a cut, of any chain.
    fn tamper(connection: &Connection, random: &mut impl FnMut(u64) -> u64) -> String {
        let chain = Chain::ALL[random(3) as usize];
        let (table, owner) = (chain.table(), chain.owner());
        let rows: Vec<(u32, i64)> = connection
            .prepare(&format!("SELECT {owner}, number FROM {table}"))
            .and_then(|mut statement| statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
            .expect("rows");
        let (whose, number) = rows[random(rows.len() as u64) as usize];
        let place = format!("{owner} = {whose} AND number = {number}");
        let column = if random(2) == 0 { "body" } else { "hash" };
        let byte = random(32) + 1;
        let flip = random(255) + 1;
        match random(6) {
            // An edit of one byte.
            0 | 1 => {
                let (old,): (Vec<u8>,) = connection
                    .query_row(&format!("SELECT {column} FROM {table} WHERE {place}"), [], |row| {
                        Ok((row.get(0)?,))
                    })
                    .expect("a row");
                let mut new = old;
                let at = (byte as usize - 1) % new.len();
                new[at] ^= flip as u8;
                connection
                    .execute(&format!("UPDATE {table} SET {column} = ?1 WHERE {place}"), [new])
                    .expect("an edit");
                format!("{table}: byte {at} of {column} of {place}")
            }
            2 => {
                connection
                    .execute(&format!("DELETE FROM {table} WHERE {place}"), [])
                    .expect("a deletion");
                format!("{table}: deleted {place}")
            }
            3 => {
                // Two rows change places, hash and all.
                let others: Vec<&(u32, i64)> = rows.iter().filter(|row| **row != (whose, number)).collect();
                let (other, other_number) = *others[random(others.len() as u64) as usize];
                let of = |who: u32, number: i64| {
                    connection
                        .query_row(
                            &format!("SELECT body, hash FROM {table} WHERE {owner} = ?1 AND number = ?2"),
                            params![who, number],
                            |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?)),
                        )
                        .expect("a row")
                };
                let (one, two) = (of(whose, number), of(other, other_number));
                for (who, number, (body, hash)) in [(whose, number, two), (other, other_number, one)] {
                    connection
                        .execute(
                            &format!("UPDATE {table} SET body = ?3, hash = ?4 WHERE {owner} = ?1 AND number = ?2"),
                            params![who, number, body, hash],
                        )
                        .expect("a swap");
                }
                format!("{table}: swapped {place} and {other}, {other_number}")
            }
            4 => {
                connection
                    .execute(
                        &format!("DELETE FROM {table} WHERE {owner} = {whose} AND number >= {number}"),
                        [],
                    )
                    .expect("a cut");
                format!("{table}: cut from {place}")
            }
            _ => {
                // The cut of one who knows about heads: the head is moved back, or taken away.
                connection
                    .execute(
                        &format!("DELETE FROM {table} WHERE {owner} = {whose} AND number >= {number}"),
                        [],
                    )
                    .expect("a cut");
                let head = format!("chain = {} AND person = {whose}", chain as u8);
                if number == 1 {
                    connection
                        .execute(&format!("DELETE FROM chain_head WHERE {head}"), [])
                        .expect("a head");
                } else {
                    connection
                        .execute(
                            &format!(
                                "UPDATE chain_head SET number = {0}, hash = (SELECT hash FROM {table}
                                 WHERE {owner} = {whose} AND number = {0}) WHERE {head}",
                                number - 1
                            ),
                            [],
                        )
                        .expect("a head");
                }
                format!("{table}: cut from {place} with its head")
            }
        }
    }

    #[test]
    fn a_thousand_random_tampers_are_all_found() -> Result<()> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = open_folder(folder.path(), 1)?;
        database
            .queue("rows", false, |writing| {
                for person in 0..3 {
                    let new = NewPerson {
                        home_zone: "Asia/Tokyo".to_owned(),
                        ..NewPerson::default()
                    };
                    let id = people::create_person(writing, &new)?;
                    for number in 0..4 + person {
                        for chain in [Chain::Access, Chain::Consents] {
                            let link = append(writing, chain, id, OrganisationId(1), &[number])?;
                            let sql = match chain {
                                Chain::Access => {
                                    "INSERT INTO access_event (person, number, body, hash) VALUES (?1, ?2, ?3, ?4)"
                                }
                                _ => {
                                    "INSERT INTO consent_change (person, number, consent, body, hash)
                                     VALUES (?1, ?2, 1, ?3, ?4)"
                                }
                            };
                            writing
                                .execute(sql, params![id.0, link.number, link.body, link.hash])
                                .doing("adding a row")?;
                        }
                        acts::record(writing, OrganisationId(1), crate::Actor::Gateway, "tested", "a row")?;
                    }
                }
                Ok(())
            })?
            .wait()?;
        // What an hourly signature would hold.
        let signed = database.read_blocking(|snapshot| acts::unsigned(snapshot, 100))?;
        database.close();
        let database = open_folder(folder.path(), 2)?;
        let connection = Connection::open(folder.path().join(FILE)).expect("the database");
        let mut seed = 88_172_645_463_325_252_u64;
        let mut random = |below: u64| {
            // Xorshift: the same tampers every time.
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed % below
        };
        let shared = std::sync::Arc::clone(database.shared());
        let snapshot = Snapshot::new(&connection, &shared);
        assert!(verify(&snapshot)?.is_ok() && acts::missing(&snapshot, &signed)?.is_none());
        let mut found_by_signature_alone = 0;
        for number in 0..1_000 {
            connection.execute_batch("BEGIN").expect("begin");
            let what = tamper(&connection, &mut random);
            let by_chain = verify(&snapshot)?.is_err();
            let by_signature = acts::missing(&snapshot, &signed)?.is_some();
            assert!(by_chain || by_signature, "tamper {number} was not found: {what}");
            found_by_signature_alone += u32::from(!by_chain);
            connection.execute_batch("ROLLBACK").expect("rollback");
        }
        assert!(found_by_signature_alone > 50, "{found_by_signature_alone}");
        Ok(())
    }

    #[test]
    fn a_tampered_event_is_found() -> Result<()> {
        for tampering in [
            "UPDATE access_event SET body = CAST(body || x'00' AS BLOB) WHERE number = 2;",
            "UPDATE access_event SET hash = zeroblob(32) WHERE number = 2;",
            "UPDATE access_event SET body = zeroblob(length(body)) WHERE number = 3;",
            "DELETE FROM access_event WHERE number = 2;",
            "DELETE FROM access_event WHERE number = 3;",
            "DELETE FROM access_event;",
            "DELETE FROM chain_head;",
            "UPDATE access_event SET number = number + 10;",
            // As if their time were over: nobody in the organisation's chain says so.
            "UPDATE chain_head SET pruned = 1, pruned_hash = (SELECT hash FROM access_event event
             WHERE event.person = chain_head.person AND number = 1) WHERE chain = 1; DELETE FROM access_event WHERE number = 1;",
        ] {
            let seen = verified_after(tampering)?;
            assert!(seen.is_err(), "{tampering} was not found");
        }
        Ok(())
    }
}
