//! `sekisho batch`: packages of many people's checkups that facilities and insurers hand over.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use adapters::Input;
use adapters::checkup::package;
use clap::{Args, Subcommand};
use model::{Municipality, OrganisationId, PersonId};
use secrecy::SecretSlice;
use store::{Actor, HANDED_OVER, Store};
use zeroize::Zeroizing;

use super::hand_over::Hands;
use super::{CommandError, Place, block_on, exit_code, map};
use crate::batch::{self, HandOver, Package, ResultFile, Taken};
use crate::scan::Scanner;

mod insured;

/// Arguments of `batch`.
#[derive(Debug, Args)]
pub struct BatchArguments {
    #[command(flatten)]
    place: Place,
    /// Number of the organisation whose members it is about.
    #[arg(long, value_name = "N", default_value = "1", global = true)]
    organisation: OrganisationId,
    #[command(subcommand)]
    command: BatchCommand,
}

#[derive(Debug, Subcommand)]
enum BatchCommand {
    /// Take in a package of checkup documents: a ZIP, the folder it was unpacked to, or a table of people, a line each, with a file
    /// of columns. The same again goes on where it stopped.
    ///
    /// Each document goes to the member whose it is, waits for a decision where it may be somebody's, or waits sealed until
    /// somebody is known. What a file is says its content, whatever it is called: documents are XML or FHIR JSON; claims are passed over, and
    /// whatever else lies beside them is counted, and told with its path in the result file. A judgement that does not fit its own values
    /// is kept as it came, and told as doubtful, as a specific checkup is that lacks what each of them has. Prints the accounting as one JSON
    /// object. Exit code 2: some could not be read, or its own counts differ.
    Import {
        /// The ZIP, the folder or the table.
        #[arg(value_name = "PATH")]
        path: PathBuf,
        /// For a table: the file that says which column is what, or the name of one that comes with the program
        /// (checkup-history, guidance, elderly-questionnaire).
        /// Try it with `sekisho map check` first.
        #[arg(long, value_name = "COLUMNS")]
        columns: Option<PathBuf>,
        /// For a ZIP that is locked: the file with its password. Without it the password is asked for.
        #[arg(long, value_name = "FILE", conflicts_with = "columns")]
        password_file: Option<PathBuf>,
        #[command(flatten)]
        hands: Hands,
        /// File for how each document ended, which must not exist yet: for whoever handed them over, without any value. It is there once
        /// all of it is; until then FILE.part is.
        #[arg(long, value_name = "FILE")]
        result: Option<PathBuf>,
    },
    /// Load by what insurers know members: CSV with the columns person, insurer, symbol, number, branch, kana, birth_date, sex,
    /// postal_code, area, gained, lost (days as YYYY-MM-DD, sex 1 or 2), and, where it is known in which municipality they live, its code
    /// of 5 or 6 digits as municipality, with municipality_since and municipality_until where it has days of its own.
    ///
    /// Documents that waited for one of them come to them. With a file of columns it is a ledger, which knows nobody by our numbers: since
    /// when and until when they are insured, their area and municipality, further insurances, and tickets for checkups are taken for those who are known
    /// already, and nothing is kept of anybody else. Exit code 2: some lines could not be read, or may be of somebody.
    Insured {
        /// The file.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// For a ledger, or a list of tickets: the file that says which column is what, or the name of one that comes with the program
        /// (kdb-ledger, checkup-tickets).
        #[arg(long, value_name = "COLUMNS")]
        columns: Option<PathBuf>,
        #[command(flatten)]
        hands: Hands,
    },
    /// Say which municipality the organisation is, by its code (全国地方公共団体コード, 5 digits or 6 with the check digit); without a code,
    /// print what was said.
    ///
    /// People of its ledgers live there, where a ledger does not say otherwise. Apps that were granted to know whether a resident belongs
    /// to it are told so while their insurance says that they live there.
    Municipality {
        /// The code.
        #[arg(value_name = "CODE")]
        code: Option<Municipality>,
    },
    /// List documents that may be somebody's: number, package, place in it, and whose they may be. Works beside a running server.
    Waiting,
    /// Decide whose a waiting document is.
    Decide {
        /// Its number.
        document: i64,
        /// The member whose it is.
        #[arg(long, conflicts_with = "nobody", required_unless_present = "nobody")]
        person: Option<PersonId>,
        /// It is nobody's: it is deleted.
        #[arg(long)]
        nobody: bool,
    },
    /// Write the ledger of hand-overs as CSV: those that were refused too, and why in one word. Works beside a running server.
    Ledger,
}

/// Carries out one of the commands.
///
/// # Errors
/// What the file and the store answer.
pub fn run(arguments: BatchArguments) -> Result<ExitCode, CommandError> {
    block_on(async move {
        let organisation = arguments.organisation;
        let (config, store) = match arguments.command {
            BatchCommand::Waiting | BatchCommand::Ledger | BatchCommand::Municipality { code: None } => {
                arguments.place.open_for_reading().await?
            }
            _ => arguments.place.open().await?,
        };
        let ended = match arguments.command {
            BatchCommand::Import {
                path,
                columns,
                password_file,
                hands,
                result,
            } => {
                let result = result.map(ResultFile::begin).transpose()?;
                let package = match columns {
                    Some(columns) => Package::Table(path, Box::new(map::columns(&columns)?)),
                    None if path.is_dir() => Package::Folder(path),
                    None => {
                        let password = password(&path, password_file.as_deref())?;
                        Package::Zip(path, password)
                    }
                };
                import(&store, package, config.scanner, &hands.of(organisation), result).await?
            }
            BatchCommand::Insured { file, columns, hands } => {
                let hand_over = hands.of(organisation);
                let columns = columns.map(|columns| map::ledger_columns(&columns)).transpose()?;
                insured::hand_over(&store, config.scanner, &hand_over, file, columns).await?
            }
            BatchCommand::Municipality { code: Some(code) } => {
                store.set_municipality(organisation, code).await?;
                ExitCode::SUCCESS
            }
            BatchCommand::Municipality { code: None } => {
                match store.municipality(organisation).await? {
                    Some(municipality) => println!("{municipality}"),
                    None => println!("nobody said which municipality organisation {organisation} is"),
                }
                ExitCode::SUCCESS
            }
            BatchCommand::Waiting => waiting(&store, organisation).await?,
            BatchCommand::Decide { document, person, .. } => {
                store
                    .decide_document(organisation, document, person, Actor::CommandLine)
                    .await?;
                ExitCode::SUCCESS
            }
            BatchCommand::Ledger => ledger(&store, organisation).await?,
        };
        store.close().await;
        Ok(ended)
    })
}

/// The longest password, in bytes.
const LONGEST_PASSWORD: usize = 1_024;

/// What unlocks a ZIP: from a file, or asked for where none is named; `None` where it is not locked.
fn password(zip: &Path, file: Option<&Path>) -> Result<Option<SecretSlice<u8>>, CommandError> {
    let (bytes, size) = batch::opened(zip)?;
    if !package::is_locked(&Input { bytes: &bytes, size }) {
        return Ok(None);
    }
    let password: Zeroizing<Vec<u8>> = match file {
        Some(file) => {
            let failed = |error: io::Error| format!("{}: {error}", file.display());
            let mut password = Zeroizing::new(Vec::new());
            let opened = File::open(file).map_err(failed)?;
            opened
                .take(LONGEST_PASSWORD as u64 + 2)
                .read_to_end(&mut password)
                .map_err(failed)?;
            while password.last().is_some_and(|last| matches!(last, b'\n' | b'\r')) {
                password.pop();
            }
            password
        }
        None => rpassword::prompt_password("Password of the ZIP: ")
            .map(|password| Zeroizing::new(password.into_bytes()))
            .map_err(|_| "the ZIP is locked with a password: name the file that has it with --password-file")?,
    };
    match (1..=LONGEST_PASSWORD).contains(&password.len()) {
        true => Ok(Some(password.to_vec().into())),
        false => Err(format!("a password has 1 to {LONGEST_PASSWORD} bytes").into()),
    }
}

/// Documents after which an import says how far it is.
const PROGRESS: u32 = 1_000;

async fn import(
    store: &Store,
    package: Package,
    scanner: Option<Scanner>,
    hand_over: &HandOver,
    result: Option<ResultFile>,
) -> Result<ExitCode, CommandError> {
    let mut said = 0;
    let taken = batch::import(store, package, scanner, hand_over, |done| {
        if done >= said + PROGRESS {
            said = done;
            eprintln!("{done} documents");
        }
    })
    .await?;
    if let Some(result) = result {
        batch::write_results(store, &taken, result).await?;
    }
    println!("{}", told(&taken));
    Ok(exit_code(taken.documents[3] == 0 && taken.sum.is_whole()))
}

fn told(taken: &Taken) -> serde_json::Value {
    let [given, unclaimed, possible, unread, nobodys] = taken.documents;
    let [stored, known, unsupported, rejected] = taken.results;
    serde_json::json!({
        "package": taken.package,
        "sha256": taken.hash,
        "taken_in_before": taken.is_again,
        "documents": { "taken": given, "unclaimed": unclaimed, "possible": possible, "unread": unread, "nobodys": nobodys },
        "doubtful": taken.doubtful,
        "results": { "stored": stored, "duplicate": known, "unsupported": unsupported, "rejected": rejected },
        "says_of_itself": { "indexed": taken.sum.indexed, "summed": taken.sum.summed, "found": taken.sum.documents },
        "passed_over": { "claims": taken.sum.claims, "schemas": taken.sum.schemas, "unsupported": taken.sum.unsupported.counts },
    })
}

async fn waiting(store: &Store, organisation: OrganisationId) -> Result<ExitCode, CommandError> {
    println!("document\tpackage\tplace\tcame\tmay be of");
    let mut after = 0;
    loop {
        let page = store.possible_documents(organisation, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        for waiting in page {
            let came = jiff::Timestamp::from_millisecond(waiting.received.0).unwrap_or_default();
            let candidates = waiting.candidates.iter();
            let candidates: Vec<String> = candidates
                .map(|(person, why)| format!("person {person} ({why})"))
                .collect();
            let (package, place) = waiting.place;
            println!("{}\t{package}\t{place}\t{came}\t{}", waiting.id, candidates.join("; "));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What is read at once of what is printed.
const PAGE: u32 = 500;

async fn ledger(store: &Store, organisation: OrganisationId) -> Result<ExitCode, CommandError> {
    const COLUMNS: [&str; 9] = [
        "handler",
        "counterpart",
        "what",
        "count",
        "taken",
        "waiting",
        "unread",
        "sha256",
        "refused",
    ];
    let mut table = csv::Writer::from_writer(io::stdout().lock());
    table.write_record(std::iter::once("at").chain(COLUMNS))?;
    let mut before = None;
    loop {
        let acts = store.acts(organisation, before, PAGE).await?;
        let Some((last, _)) = acts.last() else { break };
        before = Some(*last);
        for (_, act) in acts.iter().filter(|(_, act)| act.what == HANDED_OVER) {
            let said: serde_json::Value = serde_json::from_str(&act.subject)?;
            let at = jiff::Timestamp::from_millisecond(act.at)
                .unwrap_or_default()
                .to_string();
            let cell = |column: &str| match &said[column] {
                serde_json::Value::String(text) => text.clone(),
                serde_json::Value::Null => String::new(),
                other => other.to_string(),
            };
            table.write_record(std::iter::once(at).chain(COLUMNS.map(cell)))?;
        }
    }
    table.flush()?;
    io::stdout().flush()?;
    Ok(ExitCode::SUCCESS)
}
