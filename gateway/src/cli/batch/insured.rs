//! By what insurers know members: a plain file that names them, or a ledger that is followed.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use adapters::Input;
use adapters::checkup::columns::{self, LedgerColumns, LedgerLine, Membership};
use model::checkup::Subject;
use model::{LocalDay, Municipality, PersonId, Residence};
use serde::Deserialize;
use store::{Actor, Followed, Insured, Store};
use tokio::sync::mpsc;

use super::CommandError;
use crate::batch::{self, BatchError, HandOver};
use crate::cli::exit_code;
use crate::cli::hand_over::{hash_of, scanned};
use crate::scan::Scanner;

/// A row of the insured.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    person: u32,
    insurer: String,
    #[serde(default)]
    symbol: String,
    number: String,
    #[serde(default)]
    branch: String,
    #[serde(default)]
    kana: String,
    birth_date: String,
    #[serde(default)]
    sex: Option<u8>,
    #[serde(default)]
    postal_code: String,
    #[serde(default)]
    care_number: String,
    #[serde(default)]
    area: String,
    #[serde(default)]
    municipality: String,
    #[serde(default)]
    municipality_since: String,
    #[serde(default)]
    municipality_until: String,
    #[serde(default)]
    gained: String,
    #[serde(default)]
    lost: String,
}

/// What the ledger of hand-overs calls a plain file of the insured, and one that is followed.
const INSURED: &str = "the insured";
const LEDGER: &str = "a ledger of the insured";

/// Takes in a plain file of the insured, or follows a ledger by its columns, after a scanner has looked at it where there is one. That it
/// was refused, the ledger of hand-overs tells too.
///
/// # Errors
/// What the file, the scanner and the store answer.
pub async fn hand_over(
    store: &Store,
    scanner: Option<Scanner>,
    hand_over: &HandOver,
    file: PathBuf,
    columns: Option<LedgerColumns>,
) -> Result<ExitCode, CommandError> {
    let what = if columns.is_some() { LEDGER } else { INSURED };
    let taken = file.clone();
    let taking = async {
        match columns {
            None => load(store, hand_over, &taken).await,
            Some(columns) => follow(store, hand_over, taken, columns).await,
        }
    };
    scanned((store, scanner), (hand_over, what), vec![file], taking).await
}

/// Loads by what insurers know members.
async fn load(store: &Store, hand_over: &HandOver, file: &Path) -> Result<ExitCode, CommandError> {
    let organisation = hand_over.organisation;
    let hash = hash_of(vec![file.to_owned()]).await?;
    let looked_at = file.to_owned();
    let looked = tokio::task::spawn_blocking(move || {
        let (bytes, size) = batch::opened(&looked_at)?;
        columns::look_through(&Input { bytes: &bytes, size })?;
        Ok::<(), BatchError>(())
    });
    looked.await??;
    let mut table = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(file)?;
    let (mut loaded, mut refused, mut given) = (0, 0, 0);
    for (place, row) in table.deserialize::<Row>().enumerate() {
        let line = place + 2;
        let (person, insured) = match row.map_err(|error| why(&error)).and_then(read) {
            Ok(read) => read,
            Err(why) => {
                refused += 1;
                eprintln!("line {line}: {why}");
                continue;
            }
        };
        match store.insure(organisation, person, insured).await {
            Ok(documents) => {
                loaded += 1;
                given += documents;
            }
            Err(error @ (store::StoreError::NotFound { .. } | store::StoreError::Invalid { .. })) => {
                refused += 1;
                eprintln!("line {line}: {error}");
            }
            Err(error) => return Err(error.into()),
        }
    }
    let noted = hand_over.ledger(INSURED, loaded + refused, [loaded, 0, refused], &hash);
    store.note_hand_over(organisation, Actor::CommandLine, noted).await?;
    println!(
        "{loaded} insurances loaded, {refused} lines refused; {given} documents that waited came to their members"
    );
    Ok(exit_code(refused == 0))
}

/// Lines of a ledger that go to the store at once.
const LINES_AT_ONCE: usize = 256;

/// Follows a ledger, a part after the other.
async fn follow(
    store: &Store,
    hand_over: &HandOver,
    file: PathBuf,
    columns: LedgerColumns,
) -> Result<ExitCode, CommandError> {
    let organisation = hand_over.organisation;
    let hash = hash_of(vec![file.clone()]).await?;
    // Where the ledger does not say in which municipality its people live, it is that of whose ledger it is.
    let own = store
        .municipality(organisation)
        .await?
        .filter(|_| !columns.says_where());
    let (lines, mut coming) = mpsc::channel::<Vec<LedgerLine>>(1);
    let reading = tokio::task::spawn_blocking(move || {
        let (bytes, size) = batch::opened(&file)?;
        let mut part = Vec::with_capacity(LINES_AT_ONCE);
        columns::ledger(&columns, &Input { bytes: &bytes, size }, &mut |line| {
            part.push(line);
            let is_full = part.len() == LINES_AT_ONCE;
            match !is_full || lines.blocking_send(std::mem::take(&mut part)).is_ok() {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        })?;
        // Whoever takes them has stopped, and says why.
        let _ = lines.blocking_send(part);
        Ok::<(), BatchError>(())
    });
    let [
        mut changed,
        mut known,
        mut unknown,
        mut possible,
        mut refused,
        mut documents,
    ] = [0_u64; 6];
    while let Some(part) = coming.recv().await {
        let (mut places, mut told) = (Vec::new(), Vec::new());
        for line in part {
            match line.told {
                Ok(memberships) => {
                    places.push(line.line);
                    told.push(memberships.into_iter().map(|told| insured_of(told, own)).collect());
                }
                Err(why) => {
                    refused += 1;
                    eprintln!("line {}: {why}", line.line);
                }
            }
        }
        let followed = store.follow_ledger(organisation, told).await?;
        for (line, followed) in places.into_iter().zip(followed) {
            match followed {
                Followed::Known => known += 1,
                Followed::Changed(given) => (changed, documents) = (changed + 1, documents + given),
                Followed::Unknown => unknown += 1,
                Followed::Possible(why) => {
                    possible += 1;
                    eprintln!("line {line}: it may be of somebody: {why}");
                }
            }
        }
    }
    reading.await??;
    let lines = changed + known + unknown + possible + refused;
    let ended = [changed + known, possible, refused];
    let noted = hand_over.ledger(LEDGER, lines, ended, &hash);
    store.note_hand_over(organisation, Actor::CommandLine, noted).await?;
    println!(
        "{changed} members changed, {known} as they were; {unknown} lines of nobody who is known, {possible} of somebody perhaps, \
         {refused} refused; {documents} documents that waited came to their members"
    );
    Ok(exit_code(refused + possible == 0))
}

fn insured_of(membership: Membership, own: Option<Municipality>) -> Insured {
    Insured {
        subject: membership.subject,
        gained: membership.gained,
        lost: membership.lost,
        area: membership.area,
        residence: membership.residence.or(own.map(Residence::of)),
        tickets: membership.ticket.into_iter().collect(),
    }
}

/// Why a line is none, without what stands in it.
fn why(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => match err.field() {
            Some(field) => format!("column {} is not as it must be", field + 1),
            None => "a column is missing, or has a name that is not known".to_owned(),
        },
        csv::ErrorKind::UnequalLengths { .. } => "it has more or fewer columns than the first line".to_owned(),
        _ => "it cannot be read".to_owned(),
    }
}

fn read(row: Row) -> Result<(PersonId, Insured), String> {
    let day = |written: &str, name: &str| match written {
        "" => Ok(None),
        written => LocalDay::parse(written)
            .map(Some)
            .ok_or_else(|| format!("{name} is no day as YYYY-MM-DD")),
    };
    let [since, until] = [
        day(&row.municipality_since, "municipality_since")?,
        day(&row.municipality_until, "municipality_until")?,
    ];
    let residence = match row.municipality.as_str() {
        "" if since.or(until).is_some() => return Err("days of a municipality, and no municipality".to_owned()),
        "" => None,
        code => Some(Residence {
            municipality: Municipality::parse(code).map_err(|why| why.to_string())?,
            since,
            until,
        }),
    };
    let insured = Insured {
        subject: Subject {
            insurer: row.insurer,
            symbol: row.symbol,
            number: row.number,
            branch: row.branch,
            name: row.kana,
            birth: day(&row.birth_date, "birth_date")?,
            sex: row.sex,
            postal_code: row.postal_code,
            address: String::new(),
            care_number: row.care_number,
            ticket: String::new(),
        },
        gained: day(&row.gained, "gained")?,
        lost: day(&row.lost, "lost")?,
        area: row.area,
        residence,
        tickets: Vec::new(),
    };
    Ok((PersonId(row.person), insured))
}
