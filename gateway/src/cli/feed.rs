//! `sekisho feed`: what a vendor hands an organisation of many people in one account.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use adapters::feed::{Feed as Adapter, MOST_BYTES};
use clap::{Args, Subcommand};
use model::OrganisationId;
use serde::Deserialize;
use store::{Actor, Feed as StoredFeed, FeedTold, Store, StoreError};

use super::hand_over::{Hands, hash_of, scanned};
use super::{CommandError, Place, block_on, exit_code};
use crate::batch::HandOver;
use crate::environment::MachineClock;
use crate::feeds::{self, Taken};

/// Arguments of `feed`.
#[derive(Debug, Args)]
pub struct FeedArguments {
    #[command(flatten)]
    place: Place,
    /// Number of the organisation whose partner account it is.
    #[arg(long, value_name = "N", default_value = "1", global = true)]
    organisation: OrganisationId,
    /// The feed: the name of its adapter, as in [feeds.NAME].
    #[arg(long, value_name = "NAME", global = true)]
    feed: Option<String>,
    #[command(subcommand)]
    command: FeedCommand,
}

#[derive(Debug, Subcommand)]
enum FeedCommand {
    /// Say whose accounts are: CSV with the columns person, account (of the vendor: group and user with a slash between).
    ///
    /// What waited of an account comes to its member. One that a resident ended stays ended, and one account is one member's. It stands in
    /// the ledger of hand-overs (`sekisho batch ledger`). Exit code 2: some lines were refused.
    Accounts {
        /// The file.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        hands: Hands,
    },
    /// Take in files that the vendor laid down: one, or all `.json` of a folder and the folders in it. The same again adds nothing.
    ///
    /// Prints the accounting as one JSON object, and stands in the ledger of hand-overs (`sekisho batch ledger`). Exit code 2: some could
    /// not be read.
    Import {
        /// The file or the folder.
        #[arg(value_name = "PATH")]
        path: PathBuf,
        #[command(flatten)]
        hands: Hands,
    },
}

/// Carries out one of the commands.
///
/// # Errors
/// What the files and the store answer.
pub fn run(arguments: FeedArguments) -> Result<ExitCode, CommandError> {
    block_on(async move {
        let adapter = adapter(arguments.feed.as_deref())?;
        let feed = StoredFeed {
            organisation: arguments.organisation,
            vendor: adapter.name().to_owned(),
        };
        let (config, store) = arguments.place.open().await?;
        let by = (&store, config.scanner);
        let ended = match arguments.command {
            FeedCommand::Accounts { file, hands } => {
                let hand_over = hands.of(feed.organisation);
                let taking = accounts(&store, adapter, &feed, &file, &hand_over);
                scanned(by, (&hand_over, ACCOUNTS), vec![file.clone()], taking).await
            }
            FeedCommand::Import { path, hands } => {
                let hand_over = hands.of(feed.organisation);
                let mut found = Vec::new();
                files(&path, DEEPEST, &mut found).map_err(|error| format!("{}: {error}", path.display()))?;
                let taking = import(&store, adapter, &feed, &found, &hand_over);
                scanned(by, (&hand_over, feeds::LEDGER), found.clone(), taking).await
            }
        };
        store.close().await;
        ended
    })
}

fn adapter(name: Option<&str>) -> Result<&'static dyn Adapter, CommandError> {
    let known: Vec<&str> = adapters::feeds().iter().map(|feed| feed.name()).collect();
    match (name, known.as_slice()) {
        (Some(name), _) => {
            feeds::named(name).ok_or_else(|| format!("there is no feed {name}; there is {}", known.join(", ")).into())
        }
        (None, [only]) => feeds::named(only).ok_or_else(|| "there is no feed".into()),
        (None, _) => Err(format!("say which feed with --feed: {}", known.join(", ")).into()),
    }
}

/// As the ledger of hand-overs names a list of accounts.
const ACCOUNTS: &str = "whose accounts are";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    person: u32,
    account: String,
}

#[expect(clippy::print_stdout, reason = "what the command is asked for")]
async fn accounts(
    store: &Store,
    adapter: &'static dyn Adapter,
    feed: &StoredFeed,
    file: &Path,
    hand_over: &HandOver,
) -> Result<ExitCode, CommandError> {
    let hash = hash_of(vec![file.to_owned()]).await?;
    let mut table = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(file)?;
    let [mut known, mut before, mut refused, mut texts] = [0_u64; 4];
    for (place, row) in table.deserialize::<Row>().enumerate() {
        let line = place + 2;
        let Ok(row) = row else {
            refused += 1;
            eprintln!("line {line}: it is no number of a person and an account");
            continue;
        };
        let account = row.account.clone();
        let told = store
            .know_feed_account(feed, row.account, model::PersonId(row.person), Actor::CommandLine)
            .await;
        let why = match told {
            Ok(FeedTold::New) => {
                known += 1;
                texts += feeds::take_waiting(store, adapter, feed, &account).await?;
                continue;
            }
            Ok(FeedTold::Known) => {
                before += 1;
                // What was cut off goes on.
                texts += feeds::take_waiting(store, adapter, feed, &account).await?;
                continue;
            }
            Ok(FeedTold::Ended) => "its person ended it: they take it up again on their page, nobody else".to_owned(),
            Ok(FeedTold::Anothers) => "the account is another member's".to_owned(),
            Err(error @ (StoreError::NotFound { .. } | StoreError::Invalid { .. } | StoreError::Erased { .. })) => {
                error.to_string()
            }
            Err(error) => return Err(error.into()),
        };
        refused += 1;
        eprintln!("line {line}: {why}");
    }
    let noted = hand_over.ledger(ACCOUNTS, known + before + refused, [known + before, 0, refused], &hash);
    store
        .note_hand_over(feed.organisation, Actor::CommandLine, noted)
        .await?;
    println!(
        "{known} accounts are known now, {before} were, {refused} lines refused; {texts} deliveries that waited came to their members"
    );
    Ok(exit_code(refused == 0))
}

/// Files of a folder and those in it, in the order of their names; a folder lies at most this deep.
const DEEPEST: u8 = 8;

fn files(path: &Path, deepest: u8, found: &mut Vec<PathBuf>) -> Result<(), std::io::Error> {
    if !path.is_dir() {
        found.push(path.to_owned());
        return Ok(());
    }
    let mut entries = std::fs::read_dir(path)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()?;
    entries.sort();
    for entry in entries {
        let is_json = entry.extension().is_some_and(|end| end == "json");
        if (entry.is_dir() && deepest > 0) || (entry.is_file() && is_json) {
            files(&entry, deepest.saturating_sub(1), found)?;
        }
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "what the command is asked for")]
async fn import(
    store: &Store,
    adapter: &'static dyn Adapter,
    feed: &StoredFeed,
    found: &[PathBuf],
    hand_over: &HandOver,
) -> Result<ExitCode, CommandError> {
    let hash = hash_of(found.to_vec()).await?;
    let (mut sum, mut unread) = (Taken::default(), 0_u64);
    for file in found {
        let size = std::fs::metadata(file).map_or(0, |about| about.len());
        let bytes = match size <= MOST_BYTES as u64 {
            true => std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?,
            false => Vec::new(),
        };
        let now = model::environment::Clock::now(&MachineClock);
        let Ok(parts) = adapter.file(&bytes, now) else {
            unread += 1;
            eprintln!("{}: it is none of the vendor's files, or too large", file.display());
            continue;
        };
        let taken = feeds::take(store, adapter, feed, parts).await?;
        sum.add(&taken);
    }
    let accounting = &sum.accounting;
    let told = serde_json::json!({
        "files": { "read": found.len() as u64 - unread, "unread": unread },
        "accounts": { "known": sum.people, "waiting": sum.waiting, "ended": sum.ended, "unread": sum.unread },
        "records": crate::import::told(accounting),
    });
    let is_whole = unread + sum.unread + accounting.rejected == 0;
    // A file that could not be read is one too, since nobody knows of how many it is.
    sum.unread += unread;
    store
        .note_hand_over(feed.organisation, Actor::CommandLine, sum.ledger(hand_over, &hash))
        .await?;
    println!("{told}");
    Ok(exit_code(is_whole))
}
