//! The command line: one file a subcommand, each help written for an operator.

mod app;
mod batch;
mod consent;
mod doctor;
mod feed;
mod hand_over;
mod import;
mod keep;
mod keys;
mod map;
mod operator;
mod person;
mod provisions;
mod rejected;
mod replay;
mod serve;
mod stats;
mod synthesize;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};
use model::LocalDay;
use store::{OpenOptions, Store};

use crate::config::Config;
use crate::environment::{MachineClock, MachineRandomness};
use crate::secrets;

/// Sekisho (関所): a gateway for personal health records. Vendors' data comes in, FHIR goes out, and nothing passes
/// without the resident's permit.
#[derive(Debug, Parser)]
#[command(name = "sekisho", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// Where the data lies: every command takes one of the two, or neither for the defaults.
#[derive(Debug, Clone, Args)]
pub struct Place {
    /// Folder of the data; its secrets lie in the folder `secrets` inside it. Wins over the configuration file.
    #[arg(long, value_name = "DIR", global = true)]
    pub data: Option<PathBuf>,
    /// Configuration file (see sekisho.default.toml; SEKISHO_… variables win over it).
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start everything on this machine with synthetic residents, to try it: no server, no account, no key needed.
    ///
    /// On first start it makes residents, generates their exports, imports them through the real adapter and registers
    /// an example app. Starting it again on the same --data keeps the data. It listens on 127.0.0.1 only.
    Demo(crate::demo::DemoArguments),
    /// Serve residents, apps and operators as configured.
    ///
    /// Stops cleanly on SIGTERM or Ctrl-C: no new requests, those under way are answered.
    Serve(serve::ServeArguments),
    /// Import one file of a resident.
    ///
    /// The adapter is found by the file's content unless named. Prints the accounting as one JSON object. Exit code: 0 all
    /// records understood, 2 something was rejected, 1 the file could not be imported. Not beside a running server.
    Import(import::ImportArguments),
    /// Read phones' pushes and clouds' answers that are still kept again, by the mapping of today.
    ///
    /// Says what would become of their records beside what became of them, and how many parked numbers the adapter maps by now, as one
    /// JSON object, and stores it where asked to.
    /// Not beside a running server.
    Replay(replay::ReplayArguments),
    /// List records that became no data: of which delivery, why, how many, where in it, and under which numbers it is kept.
    ///
    /// Tabs between columns; no value of anybody is among them. Works beside a running server. With --show, what is kept of such
    /// records under a number of the table.
    Rejected(rejected::RejectedArguments),
    /// Take in packages of many people's checkups, say by what insurers know members, and decide whose a document is.
    Batch(batch::BatchArguments),
    /// Say whose the accounts of a vendor's feed of many people are, and take in its files.
    Feed(feed::FeedArguments),
    /// Try out a file that says which column of a table of checkups is what.
    Map(map::MapArguments),
    /// Add or list residents, and say who may act for whom. Real residents come from sign-in.
    Person(person::PersonArguments),
    /// Register, list, approve and block the apps that may ask residents, and see what could not be delivered to them.
    App(app::AppArguments),
    /// Bring in consents from files and paper, entered by one operator and confirmed by another.
    Consent(consent::ConsentArguments),
    /// Add, list and end the operators of organisations.
    Operator(operator::OperatorArguments),
    /// Write the records of provision (第三者提供記録) as CSV: who was given what of whom, when, under which consent.
    ///
    /// Works beside a running server. Records of erased people are among them, by their number; none holds a value.
    Provisions(provisions::ProvisionsArguments),
    /// Show people, samples, bytes on disk, and bytes a sample by metric.
    Stats(stats::StatsArguments),
    /// Write a backup of the databases into a new folder. Secrets are not part of it: back them up apart.
    Backup(keep::BackupArguments),
    /// Restore a backup into an empty data folder. Later withdrawals and erasures are read from the journal; all tokens and
    /// sessions end.
    Restore(keep::RestoreArguments),
    /// Rotate the master key and the keys that sign.
    Keys(keys::KeysArguments),
    /// Compute stored results again from the samples.
    Rebuild(keep::RebuildArguments),
    /// Check configuration, database, keys, journal, clock and audit chains, and say what to do.
    ///
    /// Exit code 1 when something needs doing.
    Doctor(doctor::DoctorArguments),
    /// Write a synthetic export file, for load tests and benchmarks.
    Synthesize(synthesize::SynthesizeArguments),
}

/// Runs the command line; errors are printed once, here.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        Command::Demo(arguments) => crate::demo::run(arguments),
        Command::Serve(arguments) => serve::run(arguments),
        Command::Import(arguments) => import::run(arguments),
        Command::Replay(arguments) => replay::run(arguments),
        Command::Rejected(arguments) => rejected::run(arguments),
        Command::Batch(arguments) => batch::run(arguments),
        Command::Feed(arguments) => feed::run(arguments),
        Command::Map(arguments) => map::run(arguments),
        Command::Person(arguments) => person::run(arguments),
        Command::App(arguments) => app::run(arguments),
        Command::Consent(arguments) => consent::run(arguments),
        Command::Operator(arguments) => operator::run(arguments),
        Command::Provisions(arguments) => provisions::run(arguments),
        Command::Stats(arguments) => stats::run(arguments),
        Command::Backup(arguments) => keep::backup(arguments),
        Command::Restore(arguments) => keep::restore(arguments),
        Command::Keys(arguments) => keys::run(arguments),
        Command::Rebuild(arguments) => keep::rebuild(arguments),
        Command::Doctor(arguments) => doctor::run(arguments),
        Command::Synthesize(arguments) => synthesize::run(arguments),
    };
    result.unwrap_or_else(|error| {
        eprintln!("sekisho: {error}");
        let mut cause = error.source();
        while let Some(inner) = cause {
            eprintln!("  because: {inner}");
            cause = inner.source();
        }
        ExitCode::FAILURE
    })
}

/// What a command may fail with; the command line prints it and ends.
pub type CommandError = Box<dyn std::error::Error + Send + Sync>;

/// How a command ends that did all it was asked to, or said what it left out: 0 or 2.
fn exit_code(is_whole: bool) -> ExitCode {
    if is_whole { ExitCode::SUCCESS } else { ExitCode::from(2) }
}

impl Place {
    /// The configuration of this place.
    ///
    /// # Errors
    /// A [`crate::config::ConfigError`] that says file, key, what was found and what is allowed.
    pub fn config(&self) -> Result<Config, CommandError> {
        let mut config = Config::load(self.config.as_deref(), std::env::vars())?;
        if let Some(folder) = &self.data {
            config.data.folder.clone_from(folder);
            config.data.master_key_file = folder.join("secrets/master.key");
            config.data.id_root_file = folder.join("secrets/id-root.key");
            config.data.signing_keys_file = None;
        }
        Ok(config)
    }

    /// Opens the store of this place for looking only, also beside a running server.
    ///
    /// # Errors
    /// Configuration, secrets, or the store itself.
    pub async fn open_for_reading(&self) -> Result<(Config, Store), CommandError> {
        let config = self.config()?;
        let store = open_as(&config, false).await?;
        Ok((config, store))
    }

    /// Opens the store of this place for one command.
    ///
    /// # Errors
    /// Configuration, secrets, or the store itself; a running server on the same data is said to be so.
    pub async fn open(&self) -> Result<(Config, Store), CommandError> {
        let config = self.config()?;
        let store = open_store(&config).await?;
        Ok((config, store))
    }
}

/// Opens the store that `config` names, on the machine's clock.
///
/// # Errors
/// Secrets or the store itself.
pub async fn open_store(config: &Config) -> Result<Store, CommandError> {
    open_as(config, true).await
}

async fn open_as(config: &Config, exclusive: bool) -> Result<Store, CommandError> {
    secrets::private_folder(&config.data.folder)?;
    let master_key = secrets::key_from_file(&config.data.master_key_file, "data.master_key_file", &MachineRandomness)?;
    if exclusive {
        // Made with the folder, so that a backup of the secrets taken on the first day has both.
        secrets::key_from_file(&config.data.id_root_file, "data.id_root_file", &MachineRandomness)?;
    }
    let options = OpenOptions {
        folder: config.data.folder.clone(),
        master_key: store::MasterKey::new(*master_key),
        clock: Arc::new(MachineClock),
        randomness: Arc::new(MachineRandomness),
        exclusive,
        size_limit: None,
    };
    Ok(Store::open(options).await?)
}

/// A time zone by its IANA name.
fn zone(text: &str) -> Result<jiff::tz::TimeZone, String> {
    jiff::tz::TimeZone::get(text).map_err(|_| "the name of a time zone is allowed, for example Asia/Tokyo".to_owned())
}

/// A day as an argument.
fn day(text: &str) -> Result<LocalDay, String> {
    LocalDay::parse(text).ok_or_else(|| "a date as YYYY-MM-DD is allowed".to_owned())
}

/// Runs a command's future on a fresh runtime.
pub fn block_on<T>(future: impl Future<Output = Result<T, CommandError>>) -> Result<T, CommandError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(future)
}
