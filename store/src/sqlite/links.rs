//! SQL of links, and of what each is to ask for.

use consent::OwnAccess;
use model::time::{DAY_MS, HOUR_MS};
use model::{LinkEvent, LinkState, Need, Offset, PersonId, UtcMillis};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::database::Snapshot;
use super::fault::Doing as _;
use super::writer::Writing;
use super::zone::HomeZone;
use super::{acts, consents, people, schema};
use crate::links::{
    Continued, LINK_LEASE_MS, LeasedLink, Link, LinkCount, LinkTokens, MOST_WANTS, Mark, NewLink, Progress, TurnEnd,
    WANTS_AT_ONCE, Want,
};
use crate::{Actor, Result, StoreError};

/// Name of the setting that holds the highest number that an erased link may have had.
const LAST_ID: &str = "last_link";

const COLUMNS: &str = "id, person, vendor, state, need, connected_ms, fetched_ms, ended_ms, progress, account_hash";

fn number(state: LinkState) -> (u8, Option<u8>) {
    match state {
        LinkState::Connected => (1, None),
        LinkState::NeedsAttention(need) => (2, Some(need as u8)),
        LinkState::Paused => (3, None),
        LinkState::Ended => (4, None),
    }
}

fn state(number: u8, need: Option<u8>) -> Option<LinkState> {
    Some(match number {
        1 => LinkState::Connected,
        2 => LinkState::NeedsAttention(Need::from_number(need?)?),
        3 => LinkState::Paused,
        4 => LinkState::Ended,
        _ => return None,
    })
}

struct Columns {
    link: Link,
    state: (u8, Option<u8>),
    progress: Vec<u8>,
    account_hash: Vec<u8>,
}

fn columns(row: &Row<'_>) -> rusqlite::Result<Columns> {
    Ok(Columns {
        link: Link {
            id: row.get(0)?,
            person: PersonId(row.get(1)?),
            vendor: row.get(2)?,
            state: LinkState::Ended,
            connected: UtcMillis(row.get(5)?),
            fetched: row.get::<_, Option<i64>>(6)?.map(UtcMillis),
            ended: row.get::<_, Option<i64>>(7)?.map(UtcMillis),
            progress: Progress::default(),
            account_tag: String::new(),
        },
        state: (row.get(3)?, row.get(4)?),
        progress: row.get(8)?,
        account_hash: row.get(9)?,
    })
}

/// Tells an account from others of its vendor; says nothing else.
fn tag(hash: &[u8]) -> Option<String> {
    let first = hash.first_chunk::<8>()?;
    Some(format!("{:016x}", u64::from_be_bytes(*first)))
}

/// The tag of a link's account.
pub(super) fn account_tag(snapshot: &Snapshot<'_>, id: i64) -> Result<String> {
    let hash: Vec<u8> = snapshot
        .query_row("SELECT account_hash FROM link WHERE id = ?1", [id], |row| row.get(0))
        .doing("reading the account of a link")?;
    tag(&hash).ok_or_else(|| StoreError::damaged(format!("link {id}")))
}

fn open(snapshot: &Snapshot<'_>, columns: Columns) -> Result<Link> {
    let Link { id, person, .. } = columns.link;
    let damaged = || StoreError::damaged(format!("link {id}"));
    let plain = snapshot
        .person_key(person)?
        .open("link.progress", &[id], &columns.progress)?;
    let account_tag = tag(&columns.account_hash).ok_or_else(damaged)?;
    Ok(Link {
        state: state(columns.state.0, columns.state.1).ok_or_else(damaged)?,
        progress: serde_json::from_slice(&plain).map_err(|_| damaged())?,
        account_tag,
        ..columns.link
    })
}

pub(super) fn account_hash(snapshot: &Snapshot<'_>, vendor: &str, account: &str) -> Vec<u8> {
    let parts: [&[u8]; 2] = [vendor.as_bytes(), account.as_bytes()];
    snapshot.keys().lookup_hash("link", &parts)
}

fn seal_progress(writing: &Writing<'_>, person: PersonId, id: i64, progress: &Progress) -> Result<Vec<u8>> {
    let plain = serde_json::to_vec(progress).map_err(|_| StoreError::damaged("how far a link got"))?;
    writing
        .person_key(person)?
        .seal(writing.randomness(), "link.progress", &[id], &plain)
}

fn seal_tokens(writing: &Writing<'_>, person: PersonId, id: i64, tokens: &LinkTokens) -> Result<Vec<u8>> {
    let plain = serde_json::to_vec(tokens).map_err(|_| StoreError::damaged("tokens of a link"))?;
    writing
        .person_key(person)?
        .seal(writing.randomness(), "link.tokens", &[id], &plain)
}

fn living(snapshot: &Snapshot<'_>, filter: &str, by: impl rusqlite::Params) -> Result<Option<Columns>> {
    snapshot
        .prepare_cached(&format!("SELECT {COLUMNS} FROM link WHERE {filter} AND state < 4"))
        .and_then(|mut statement| statement.query_row(by, columns).optional())
        .doing("finding a link")
}

/// The last link of a person to an account, in whatever state.
fn last_of(snapshot: &Snapshot<'_>, person: PersonId, vendor: &str, account_hash: &[u8]) -> Result<Option<Columns>> {
    snapshot
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM link WHERE person = ?1 AND vendor = ?2 AND account_hash = ?3 ORDER BY id DESC LIMIT 1"
        ))
        .and_then(|mut statement| {
            statement
                .query_row(params![person.0, vendor, account_hash], columns)
                .optional()
        })
        .doing("finding the last link to an account")
}

fn act(writing: &Writing<'_>, own: &OwnAccess, what: &str, link: i64, vendor: &str) -> Result<()> {
    let person = own.person();
    let custodian = consents::custodian(writing, person)?.ok_or(StoreError::NoPerson { person })?;
    let by = Actor::resident(own.acting().map_or(person, |acting| acting.person));
    acts::record(
        writing,
        custodian,
        by,
        what,
        &format!("link {link}, {vendor}, person {person}"),
    )
}

/// The highest number that a link has or had. A turn of an erased person's link may be under way: nobody else's gets its number.
fn last_id(snapshot: &Snapshot<'_>) -> Result<i64> {
    let last: i64 = snapshot
        .query_row("SELECT coalesce(max(id), 0) FROM link", [], |row| row.get(0))
        .doing("numbering a link")?;
    Ok(last.max(schema::setting(snapshot, LAST_ID)?.unwrap_or(0)))
}

/// Keeps the highest number before links are erased.
pub(super) fn keep_last_id(writing: &Writing<'_>) -> Result<()> {
    schema::set_setting(writing, LAST_ID, last_id(writing)?)
}

pub(crate) fn connect(writing: &Writing<'_>, own: &OwnAccess, new: &NewLink) -> Result<Link> {
    let (person, now) = (own.person(), writing.now());
    let hash = account_hash(writing, &new.vendor, &new.account);
    let holder = living(writing, "vendor = ?1 AND account_hash = ?2", params![new.vendor, hash])?;
    if holder.is_some_and(|holder| holder.link.person != person) {
        return Err(StoreError::ANOTHERS_ACCOUNT);
    }
    let mut progress = Progress {
        scopes: new.scopes.clone(),
        zone: new.zone.clone(),
        ..Progress::default()
    };
    let before = living(writing, "person = ?1 AND vendor = ?2", params![person.0, new.vendor])?;
    let id = match before {
        Some(before) if before.account_hash == hash => {
            let id = before.link.id;
            // What was closed may be open now; all else is as far as it was.
            let before = open(writing, before)?.progress;
            (progress.marks, progress.is_merged) = (before.marks, before.is_merged);
            progress.marks.values_mut().for_each(|mark| mark.closed = false);
            id
        }
        before => {
            // What the vendor allowed us of the other account is given back, as of any link that ends.
            if let Some(before) = before {
                change(writing, own, before.link.id, LinkEvent::Ended)?;
            }
            last_id(writing)? + 1
        }
    };
    let continued = match &new.continues {
        Some(continued) => take_over(writing, own, continued, &mut progress)?,
        None => None,
    };
    let to_end = continued.filter(|before| before.state != LinkState::Ended);
    let sealed = seal_progress(writing, person, id, &progress)?;
    let tokens = seal_tokens(writing, person, id, &new.tokens)?;
    writing
        .execute(
            "INSERT INTO link (id, person, vendor, state, account_hash, due_ms, connected_ms, tokens, progress)
             VALUES (?1, ?2, ?3, 1, ?4, ?5, ?5, ?6, ?7)
             ON CONFLICT (id) DO UPDATE SET state = 1, need = NULL, account_hash = ?4, due_ms = ?5, leased_ms = 0,
                 fence = fence + 1, attempts = 0, connected_ms = ?5, tokens = ?6, tokens_version = tokens_version + 1,
                 progress = ?7",
            params![id, person.0, new.vendor, hash, now.0, tokens, sealed],
        )
        .doing("connecting a link")?;
    act(writing, own, "link-connected", id, &new.vendor)?;
    if let Some(before) = to_end {
        change(writing, own, before.id, LinkEvent::Ended)?;
    }
    let connected = living(writing, "id = ?1", [id])?.ok_or(StoreError::NotFound { what: "link" })?;
    open(writing, connected)
}

/// The link that is continued, where the person has it or had it: who ended it before has what it brought as well. That is not to be
/// asked for again, and what it had not got to yet is.
fn take_over(
    writing: &Writing<'_>,
    own: &OwnAccess,
    continued: &Continued,
    progress: &mut Progress,
) -> Result<Option<Link>> {
    let hash = account_hash(writing, &continued.vendor, &continued.account);
    let Some(before) = last_of(writing, own.person(), &continued.vendor, &hash)? else {
        return Ok(None);
    };
    let before = open(writing, before)?;
    let zone = match &before.progress.zone {
        Some(zone) => zone.clone(),
        None => people::profile(writing, before.person)?.home_zone,
    };
    let mut zone = HomeZone::new(&zone);
    // When it began, so that no hour of the day that was asked for last is left out or fetched twice.
    let mut began = |back: i64| match continued.by_civil_days {
        true => {
            zone.start_of(UtcMillis(back + DAY_MS - 1).local_day(Offset::given(0)))
                .0
        }
        false => back,
    };
    let marks = &before.progress.marks;
    for (series, sources) in &continued.series {
        let brought = || {
            sources
                .iter()
                .filter_map(|source| marks.get(source))
                .filter(|mark| !mark.closed)
        };
        let until = brought().map(|mark| mark.until).min();
        let back = brought().map(|mark| began(mark.back)).max();
        if let (Some(until), Some(back), false) = (until, back, progress.marks.contains_key(series)) {
            let mark = Mark {
                since: Some(until),
                back,
                ..Mark::at(until)
            };
            progress.marks.insert(series.clone(), mark);
        }
    }
    Ok(Some(before))
}

pub(crate) fn of_person(snapshot: &Snapshot<'_>, person: PersonId) -> Result<Vec<Link>> {
    let rows: Vec<Columns> = snapshot
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM link WHERE person = ?1 ORDER BY id DESC LIMIT 100"
        ))
        .and_then(|mut statement| statement.query_map([person.0], columns)?.collect())
        .doing("listing links")?;
    rows.into_iter().map(|row| open(snapshot, row)).collect()
}

pub(crate) fn change(writing: &Writing<'_>, own: &OwnAccess, id: i64, event: LinkEvent) -> Result<()> {
    let missing = StoreError::NotFound { what: "link" };
    let found = living(writing, "id = ?1 AND person = ?2", params![id, own.person().0])?;
    let link = open(writing, found.ok_or(missing)?)?;
    let next = link.state.after(event).ok_or(StoreError::NotFound { what: "link" })?;
    let (state, need) = number(next);
    let now = writing.now().0;
    // An ended one still has its tokens to give back.
    let due = matches!(next, LinkState::Connected | LinkState::Ended).then_some(now);
    let ended = (next == LinkState::Ended).then_some(now);
    writing
        .execute(
            "UPDATE link SET state = ?2, need = ?3, due_ms = ?4, ended_ms = ?5, attempts = 0, leased_ms = 0, fence = fence + 1
             WHERE id = ?1",
            params![id, state, need, due, ended],
        )
        .doing("changing a link")?;
    if next == LinkState::Ended {
        writing
            .execute("DELETE FROM link_want WHERE link = ?1", [id])
            .doing("dropping what a link was to ask for")?;
    }
    let what = match event {
        LinkEvent::Held => "link-held",
        LinkEvent::Resumed => "link-resumed",
        LinkEvent::Ended | LinkEvent::Agreed | LinkEvent::Refused(_) => "link-ended",
    };
    act(writing, own, what, id, &link.vendor)
}

/// How long a row that cannot be read is left alone, in milliseconds.
pub(super) const UNREADABLE_MS: i64 = 6 * HOUR_MS;

const DUE: &str = "vendor = ?1 AND due_ms IS NOT NULL AND due_ms <= ?2 AND leased_ms <= ?2";

pub(crate) fn has_due(snapshot: &Snapshot<'_>, vendor: &str, now: UtcMillis) -> Result<bool> {
    snapshot
        .prepare_cached(&format!("SELECT EXISTS (SELECT 1 FROM link WHERE {DUE})"))
        .and_then(|mut statement| statement.query_row(params![vendor, now.0], |row| row.get(0)))
        .doing("looking for due links")
}

pub(crate) fn lease(writing: &Writing<'_>, vendor: &str, limit: u32) -> Result<Vec<LeasedLink>> {
    let now = writing.now();
    let due: Vec<i64> = writing
        .prepare_cached(&format!("SELECT id FROM link WHERE {DUE} ORDER BY due_ms, id LIMIT ?3"))
        .and_then(|mut statement| {
            statement
                .query_map(params![vendor, now.0, limit], |row| row.get(0))?
                .collect()
        })
        .doing("finding due links")?;
    let mut leased = Vec::with_capacity(due.len());
    for id in due {
        match take(writing, id, now) {
            Ok(link) => leased.push(link),
            // Of this row alone: as the one due longest it would hold up all others.
            Err(error @ (StoreError::Damaged { .. } | StoreError::Erased { .. } | StoreError::NoPerson { .. })) => {
                tracing::error!(%error, link = id, "a link cannot be read: it is left alone for some hours");
                writing
                    .prepare_cached("UPDATE link SET leased_ms = 0, due_ms = ?2 WHERE id = ?1")
                    .and_then(|mut statement| statement.execute(params![id, now.plus(UNREADABLE_MS).0]))
                    .doing("leaving a link alone")?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(leased)
}

/// Frees the links of a process that ended: no other holds the folder now. What waits for a vendor's budget is not due before that.
pub(crate) fn end_leases(connection: &Connection, now: UtcMillis) -> Result<()> {
    connection
        .execute(
            "UPDATE link SET leased_ms = 0 WHERE leased_ms > ?1 AND due_ms <= ?1",
            [now.0],
        )
        .doing("freeing links")
        .map(|_| ())
}

fn take(writing: &Writing<'_>, id: i64, now: UtcMillis) -> Result<LeasedLink> {
    let (fence, failures, row): (i64, u32, Columns) = writing
        .prepare_cached(&format!(
            "UPDATE link SET leased_ms = ?2, fence = fence + 1 WHERE id = ?1 RETURNING {COLUMNS}, fence, attempts"
        ))
        .and_then(|mut statement| {
            statement.query_row(params![id, now.plus(LINK_LEASE_MS).0], |row| {
                Ok((row.get(10)?, row.get(11)?, columns(row)?))
            })
        })
        .doing("taking a link")?;
    let wants = writing
        .prepare_cached("SELECT series, start_ms, end_ms FROM link_want WHERE link = ?1 ORDER BY received_ms LIMIT ?2")
        .and_then(|mut statement| {
            statement
                .query_map(params![id, WANTS_AT_ONCE], |row| {
                    Ok(Want {
                        series: row.get(0)?,
                        start: UtcMillis(row.get(1)?),
                        end: UtcMillis(row.get(2)?),
                    })
                })?
                .collect()
        })
        .doing("reading what a link is to ask for")?;
    Ok(LeasedLink {
        link: open(writing, row)?,
        tokens: tokens(writing, id)?,
        wants,
        failures,
        taken: now,
        fence,
    })
}

pub(crate) fn tokens(snapshot: &Snapshot<'_>, id: i64) -> Result<Option<(LinkTokens, i64)>> {
    let found: Option<(u32, Option<Vec<u8>>, i64)> = snapshot
        .prepare_cached("SELECT person, tokens, tokens_version FROM link WHERE id = ?1")
        .and_then(|mut statement| {
            statement
                .query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                .optional()
        })
        .doing("reading tokens of a link")?;
    let Some((person, Some(sealed), version)) = found else {
        return Ok(None);
    };
    let plain = snapshot
        .person_key(PersonId(person))?
        .open("link.tokens", &[id], &sealed)?;
    let tokens = serde_json::from_slice(&plain).map_err(|_| StoreError::damaged(format!("tokens of link {id}")))?;
    Ok(Some((tokens, version)))
}

pub(crate) fn save_tokens(writing: &Writing<'_>, id: i64, version: i64, new: &LinkTokens) -> Result<bool> {
    let person: Option<u32> = writing
        .query_row(
            "SELECT person FROM link WHERE id = ?1 AND tokens IS NOT NULL",
            [id],
            |row| row.get(0),
        )
        .optional()
        .doing("finding a link")?;
    let Some(person) = person else { return Ok(false) };
    let sealed = seal_tokens(writing, PersonId(person), id, new)?;
    writing
        .prepare_cached(
            "UPDATE link SET tokens = ?3, tokens_version = tokens_version + 1 WHERE id = ?1 AND tokens_version = ?2",
        )
        .and_then(|mut statement| statement.execute(params![id, version, sealed]))
        .doing("keeping tokens of a link")
        .map(|changed| changed == 1)
}

/// A link, which lease of it, and when that was taken.
type Lease = (i64, i64, UtcMillis);

fn held(writing: &Writing<'_>, (id, fence, _): Lease) -> Result<Option<PersonId>> {
    writing
        .prepare_cached("SELECT person FROM link WHERE id = ?1 AND fence = ?2")
        .and_then(|mut statement| {
            statement
                .query_row(params![id, fence], |row| row.get(0).map(PersonId))
                .optional()
        })
        .doing("finding a link")
}

pub(crate) fn save_progress(
    writing: &Writing<'_>,
    lease: Lease,
    progress: &Progress,
    (asked, rest): (&[Want], Option<&Want>),
    is_answered: bool,
) -> Result<bool> {
    let (id, _, taken) = lease;
    let Some(person) = held(writing, lease)? else {
        return Ok(false);
    };
    let sealed = seal_progress(writing, person, id, progress)?;
    let until = writing.now().plus(LINK_LEASE_MS);
    writing
        .prepare_cached(
            "UPDATE link SET progress = ?2, fetched_ms = coalesce(?3, fetched_ms), leased_ms = ?4 WHERE id = ?1",
        )
        .and_then(|mut statement| {
            let fetched = is_answered.then_some(writing.now().0);
            statement.execute(params![id, sealed, fetched, until.0])
        })
        .doing("keeping how far a link got")?;
    for want in asked {
        writing
            .prepare_cached(
                "DELETE FROM link_want WHERE link = ?1 AND series = ?2 AND start_ms = ?3 AND end_ms = ?4 AND received_ms < ?5",
            )
            .and_then(|mut statement| {
                statement.execute(params![id, want.series, want.start.0, want.end.0, taken.0])
            })
            .doing("dropping what was asked for")?;
    }
    if let Some(rest) = rest {
        want(writing, id, rest)?;
    }
    Ok(true)
}

pub(crate) fn end_turn(writing: &Writing<'_>, lease: Lease, end: &TurnEnd) -> Result<bool> {
    let (id, ..) = lease;
    if held(writing, lease)?.is_none() {
        return Ok(false);
    }
    let changed = match end {
        // What was told meanwhile does not wait until then.
        TurnEnd::Went { next } => writing.execute(
            "UPDATE link SET attempts = 0, leased_ms = 0,
                 due_ms = CASE WHEN EXISTS (SELECT 1 FROM link_want WHERE link = ?1) THEN min(?2, ?3) ELSE ?2 END
             WHERE id = ?1",
            params![id, next.0, writing.now().0],
        ),
        // Still under its lease until then: to take it before would ask nothing.
        TurnEnd::Waits { until } => writing.execute(
            "UPDATE link SET attempts = 0, leased_ms = ?2, due_ms = ?2 WHERE id = ?1",
            params![id, until.0],
        ),
        TurnEnd::Failed { next } => writing.execute(
            "UPDATE link SET attempts = attempts + 1, leased_ms = 0, due_ms = ?2 WHERE id = ?1",
            params![id, next.0],
        ),
        TurnEnd::Refused(need) => {
            let link = living(writing, "id = ?1", [id])?
                .map(|row| open(writing, row))
                .transpose()?;
            let next = link.and_then(|link| link.state.after(LinkEvent::Refused(*need)));
            let Some((state, need)) = next.map(number) else {
                return Ok(false);
            };
            writing.execute(
                "UPDATE link SET state = ?2, need = ?3, due_ms = NULL, leased_ms = 0 WHERE id = ?1",
                params![id, state, need],
            )
        }
        TurnEnd::GivenBack { version } => writing.execute(
            "UPDATE link SET leased_ms = 0, tokens = iif(tokens_version IS ?2, NULL, tokens),
                 due_ms = iif(tokens IS NULL OR tokens_version IS ?2, NULL, due_ms)
             WHERE id = ?1",
            params![id, version],
        ),
    };
    changed.doing("ending a turn").map(|changed| changed == 1)
}

/// Notes what a link is to ask for; told again, it outlives what a worker that took it before drops once it has asked.
pub(super) fn want(writing: &Writing<'_>, link: i64, want: &Want) -> Result<()> {
    writing
        .prepare_cached(
            "INSERT INTO link_want (link, series, start_ms, end_ms, received_ms) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET received_ms = ?5",
        )
        .and_then(|mut statement| {
            statement.execute(params![link, want.series, want.start.0, want.end.0, writing.now().0])
        })
        .doing("noting what to ask for")
        .map(|_| ())
}

/// Of too many windows of a series makes the one that holds all of them: nobody asks for those of a link that is held, and more may be
/// told of a link than it can ask for.
pub(super) fn bound_wants(writing: &Writing<'_>, link: i64, series: &str) -> Result<()> {
    let (count, start, end): (i64, Option<i64>, Option<i64>) = writing
        .prepare_cached("SELECT count(*), min(start_ms), max(end_ms) FROM link_want WHERE link = ?1 AND series = ?2")
        .and_then(|mut statement| {
            statement.query_row(params![link, series], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        })
        .doing("counting what to ask for")?;
    let (Some(start), Some(end), true) = (start, end, count > MOST_WANTS) else {
        return Ok(());
    };
    writing
        .execute(
            "DELETE FROM link_want WHERE link = ?1 AND series = ?2",
            params![link, series],
        )
        .doing("joining what to ask for")?;
    let all = Want {
        series: series.to_owned(),
        start: UtcMillis(start),
        end: UtcMillis(end),
    };
    want(writing, link, &all)
}

/// True when somebody has a living link to this account.
pub(crate) fn is_connected(snapshot: &Snapshot<'_>, vendor: &str, account: &str) -> Result<bool> {
    let hash = account_hash(snapshot, vendor, account);
    Ok(living(snapshot, "vendor = ?1 AND account_hash = ?2", params![vendor, hash])?.is_some())
}

/// True when somebody has a living link to the account of this tag: its hash begins with it.
pub(crate) fn is_tag_connected(snapshot: &Snapshot<'_>, vendor: &str, account_tag: &str) -> Result<bool> {
    let first = u64::from_str_radix(account_tag, 16).map_err(|_| StoreError::damaged("the tag of an account"))?;
    let first = first.to_be_bytes();
    let last = [first.as_slice(), &[u8::MAX; 32]].concat();
    snapshot
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM link WHERE vendor = ?1 AND account_hash BETWEEN ?2 AND ?3 AND state < 4)",
        )
        .and_then(|mut statement| statement.query_row(params![vendor, first, last], |row| row.get(0)))
        .doing("looking for a link")
}

pub(crate) fn count(snapshot: &Snapshot<'_>) -> Result<Vec<LinkCount>> {
    let rows: Vec<(String, u8, Option<u8>, i64)> = snapshot
        .prepare_cached(
            "SELECT vendor, state, CASE state WHEN 2 THEN 1 END, count(*) FROM link GROUP BY vendor, state ORDER BY vendor, state",
        )
        .and_then(|mut statement| {
            statement
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
                .collect()
        })
        .doing("counting links")?;
    rows.into_iter()
        .map(|(vendor, number, need, links)| {
            let state = state(number, need).ok_or_else(|| StoreError::damaged("the state of a link"))?;
            Ok(LinkCount {
                vendor,
                state: state.key(),
                links: links.unsigned_abs(),
            })
        })
        .collect()
}
