//! What `doctor` looks at in the store: the files, the keys, the journal's marks, the clock, and what is still to be computed.

use std::collections::BTreeSet;

use model::time::MINUTE_MS;
use model::{PersonId, UtcMillis};

use super::batches;
use super::chain;
use super::database::{Database, Snapshot};
use super::fault::Doing as _;
use super::journal::Journal;
use super::schema;
use super::writer::JOURNAL_APPLIED;
use crate::{Finding, Result, StoreError};

/// 2020-01-01T00:00:00Z: a clock before it was never set.
const CLOCK_IS_SET_AFTER: i64 = 1_577_836_800_000;

/// Runs all checks. Blocks.
pub(crate) fn examine(database: &Database) -> Result<Vec<Finding>> {
    let now = database.now();
    database.read_blocking(|snapshot| {
        let mut findings = vec![
            finding("database file", file(snapshot)),
            finding("schema", schema_version(snapshot)),
            finding("keys of people", keys(snapshot)),
            finding("journal", journal(snapshot)),
            finding("totals", totals(snapshot)),
            finding("deliveries", deliveries(snapshot, now)),
        ];
        findings.push(finding("audit chains", chain::verify(snapshot)));
        findings.push(finding("clock", clock(snapshot, now.0)));
        Ok(findings)
    })
}

type Seen = Result<std::result::Result<String, String>>;

fn finding(what: &str, seen: Seen) -> Finding {
    let (ok, advice) = match seen {
        Ok(Ok(advice)) => (true, advice),
        Ok(Err(advice)) => (false, advice),
        Err(error) => (false, error.to_string()),
    };
    Finding {
        what: what.to_owned(),
        ok,
        advice,
    }
}

fn file(snapshot: &Snapshot<'_>) -> Seen {
    let answer: String = snapshot
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .doing("checking the database")?;
    Ok(if answer == "ok" {
        Ok("whole".to_owned())
    } else {
        Err("damaged: stop the server, keep a copy of the folder, and restore the last backup".to_owned())
    })
}

fn schema_version(snapshot: &Snapshot<'_>) -> Seen {
    let found = schema::check(snapshot)?;
    Ok(if found == schema::known() {
        Ok(format!("version {found}"))
    } else {
        Err(format!(
            "version {found}, this software knows {}: start the server once to bring it up to date",
            schema::known()
        ))
    })
}

fn keys(snapshot: &Snapshot<'_>) -> Seen {
    let living: BTreeSet<PersonId> = snapshot
        .prepare("SELECT id FROM person WHERE erased_ms IS NULL")
        .and_then(|mut statement| statement.query_map([], |row| row.get(0).map(PersonId))?.collect())
        .doing("listing people")?;
    let keyed: BTreeSet<PersonId> = snapshot.keys().people()?.into_iter().collect();
    let missing = living.difference(&keyed).count();
    let mut unopened = 0;
    for person in living.intersection(&keyed) {
        match snapshot.keys().person(*person) {
            Ok(_) => {}
            Err(StoreError::Damaged { .. }) => unopened += 1,
            Err(error) => return Err(error),
        }
    }
    let left_over = keyed.difference(&living).count();
    Ok(match (missing, unopened, left_over) {
        (0, 0, 0) => Ok(format!("{} people, all with a key that opens", living.len())),
        (0, 0, _) => Err(format!(
            "{left_over} keys belong to nobody: the next opening by the server destroys them"
        )),
        _ => Err(format!(
            "{missing} people without a key, {unopened} with one that does not open: restore keys.db from the latest backup"
        )),
    })
}

fn journal(snapshot: &Snapshot<'_>) -> Seen {
    let written = Journal::read(&snapshot.shared().folder)?
        .last()
        .map_or(0, |entry| entry.number as i64);
    let applied = schema::setting(snapshot, JOURNAL_APPLIED)?.unwrap_or(0);
    Ok(if applied == written {
        Ok(format!("entry {written}, all carried out"))
    } else if applied < written {
        Err(format!(
            "entry {written}, carried out up to {applied}: restart the server, which carries out the rest"
        ))
    } else {
        Err(format!(
            "entry {written}, but the database has carried out {applied}: the journal file is an older one, bring the newer back"
        ))
    })
}

/// Every record of every delivery ended somewhere.
fn deliveries(snapshot: &Snapshot<'_>, now: UtcMillis) -> Seen {
    let people: Vec<PersonId> = snapshot
        .prepare("SELECT id FROM person WHERE erased_ms IS NULL")
        .and_then(|mut statement| statement.query_map([], |row| row.get(0).map(PersonId))?.collect())
        .doing("listing people")?;
    let mut all = batches::Balance::default();
    for person in people {
        let own = batches::balance(snapshot, person, now)?;
        all.deliveries += own.deliveries;
        all.under_way += own.under_way;
        all.cut_off += own.cut_off;
        all.wrong += own.wrong;
    }
    Ok(match all.wrong {
        0 => Ok(format!(
            "{}, the counts of all that ended add up; {} under way; {} were cut off (brought again, they lose nothing)",
            all.deliveries, all.under_way, all.cut_off
        )),
        wrong => Err(format!(
            "the counts of {wrong} do not add up: keep what was delivered, and report it with the server's log"
        )),
    })
}

fn totals(snapshot: &Snapshot<'_>) -> Seen {
    let dirty: i64 = snapshot
        .query_row("SELECT count(*) FROM dirty", [], |row| row.get(0))
        .doing("counting months to compute")?;
    Ok(if dirty == 0 {
        Ok("all computed".to_owned())
    } else {
        Ok(format!(
            "{dirty} months to compute: an import is running, or was cut off and the next opening finishes it"
        ))
    })
}

fn clock(snapshot: &Snapshot<'_>, now: i64) -> Seen {
    let newest: i64 = snapshot
        .query_row("SELECT coalesce(max(commit_ms), 0) FROM person", [], |row| row.get(0))
        .doing("reading commit times")?;
    Ok(if now < CLOCK_IS_SET_AFTER {
        Err("the clock stands before 2020: set it".to_owned())
    } else if newest > now + 5 * MINUTE_MS {
        Err(format!(
            "the clock is {} minutes behind the newest commit: set it; commit times go on from the newest one until then",
            (newest - now) / MINUTE_MS
        ))
    } else {
        Ok("later than every commit".to_owned())
    })
}
