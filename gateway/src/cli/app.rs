//! `sekisho app`: the recipients that may ask residents, and their clients.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use consent::Purpose;
use jiff::tz::TimeZone;
use model::environment::{Clock as _, Randomness as _};
use model::{LocalDay, OrganisationId, RecipientId};
use store::{
    BasisKind, Client, Endpoint, JobState, LegalBasis, NewClient, NewRecipient, PurposeText, RegistrationState,
    Responsible, Store,
};

use store::{Bilingual, Template};

use super::{CommandError, Place, block_on, day};
use crate::environment::{MachineClock, MachineRandomness};
use crate::messages;
use crate::oauth::handles::Handle;
use crate::portal::resident::end_of;

/// Arguments of `app`.
#[derive(Debug, Args)]
pub struct AppArguments {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: AppCommand,
}

#[derive(Debug, Subcommand)]
enum AppCommand {
    /// Register a recipient with one client, approved. Prints the client id, and the secret once if it has one.
    Add(Box<AddArguments>),
    /// List recipients and clients with where they stand. Works beside a running server.
    List,
    /// Approve a recipient and all its clients, also one that was blocked.
    Approve {
        /// Number of the recipient, as `app list` shows it.
        recipient: RecipientId,
    },
    /// Block a recipient: its tokens open nothing from the next request on. A restored backup does not bring it back.
    Block {
        /// Number of the recipient.
        recipient: RecipientId,
    },
    /// Set where a recipient takes messages about consents (Standard Webhooks). Prints the secret that signs them, once.
    Endpoint {
        /// Number of the recipient.
        recipient: RecipientId,
        /// An https URL.
        #[arg(long)]
        url: String,
    },
    /// State on what ground a recipient is given data beside residents' consents, and until when. From its end on nothing passes.
    Basis(BasisArguments),
    /// State anew what a purpose means, what the recipient needs for it and why, what it does not use data for, and what becomes of
    /// data once a consent has ended. Earlier versions are kept. Prints the number of the version.
    Template {
        /// Number of the recipient.
        recipient: RecipientId,
        /// Code of the purpose.
        #[arg(long, value_parser = code)]
        purpose: Purpose,
        /// A JSON file: `text` (`ja`, `en`), `needs` (`category`, `needed`, `reason`), `not_for`, `afterwards`; or `text` and
        /// `links_with`, the number of another recipient with which this one shares an id of the resident and nothing else.
        #[arg(long)]
        file: PathBuf,
        /// The words are better, the meaning is the same: residents who agreed before are not asked again.
        #[arg(long)]
        editorial: bool,
    },
    /// List messages that could not be delivered. Works beside a running server.
    Undelivered,
    /// Deliver such a message again, from its first attempt.
    Redeliver {
        /// Number of the message, as `app undelivered` shows it.
        message: i64,
    },
}

#[derive(Debug, Args)]
struct BasisArguments {
    /// Number of the recipient.
    recipient: RecipientId,
    /// consent, entrusted, joint-use, statute or notice.
    #[arg(long, value_parser = basis_kind)]
    kind: BasisKind,
    /// The contract, agreement or law by name; needed for every kind but consent.
    #[arg(long, default_value = "")]
    document: String,
    /// Its first day, YYYY-MM-DD.
    #[arg(long, value_parser = day)]
    from: Option<LocalDay>,
    /// Its last day, YYYY-MM-DD.
    #[arg(long, value_parser = day)]
    until: Option<LocalDay>,
    /// Zone of --until.
    #[arg(long, value_name = "ZONE", default_value = "Asia/Tokyo", value_parser = super::zone)]
    zone: TimeZone,
    /// Who handles the data at the recipient; may be given several times.
    #[arg(long = "handler")]
    handlers: Vec<String>,
    /// To whom the recipient passes work on; may be given several times.
    #[arg(long = "subcontractor")]
    subcontractors: Vec<String>,
}

/// What a file of `app template` holds: a template, and beside its fields `text`, what the purpose is called.
fn asking(text: &str) -> Result<(Bilingual, Template), serde_json::Error> {
    let mut fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text)?;
    let called = serde_json::from_value(fields.remove("text").unwrap_or_default())?;
    Ok((called, serde_json::from_value(fields.into())?))
}

fn code(text: &str) -> Result<Purpose, String> {
    Purpose::new(text).map_err(|error| error.to_string())
}

fn basis_kind(text: &str) -> Result<BasisKind, String> {
    BasisKind::ALL
        .into_iter()
        .find(|kind| kind.code() == text)
        .ok_or_else(|| "consent, entrusted, joint-use, statute or notice are allowed".to_owned())
}

#[derive(Debug, Args)]
struct AddArguments {
    /// Number of the organisation it belongs to.
    #[arg(long)]
    organisation: OrganisationId,
    /// Its Japanese name, as residents read it.
    #[arg(long)]
    name_ja: String,
    /// Its English name.
    #[arg(long)]
    name_en: String,
    /// What it may ask for, as CODE=JAPANESE=ENGLISH; repeatable, the first is asked for when an app names none.
    #[arg(long = "purpose", required = true, value_parser = purpose)]
    purposes: Vec<PurposeText>,
    /// The company or office that is responsible.
    #[arg(long, default_value = "")]
    company: String,
    /// Whom residents ask: a telephone number or a mail address.
    #[arg(long, default_value = "")]
    contact: String,
    /// Address of its privacy policy.
    #[arg(long, default_value = "")]
    privacy_policy: String,
    /// Client id of its first client.
    #[arg(long)]
    client_id: String,
    /// Where codes may be sent; repeatable.
    #[arg(long = "redirect-uri")]
    redirect_uris: Vec<String>,
    /// The most that the client may ask for; whatever is offered when left out.
    #[arg(long)]
    scope: Option<String>,
    /// Give the client a secret.
    #[arg(long, conflicts_with_all = ["jwks", "jwks_uri"])]
    secret: bool,
    /// File with the client's public keys, a JSON Web Key Set.
    #[arg(long, value_name = "FILE", conflicts_with = "jwks_uri")]
    jwks: Option<PathBuf>,
    /// Address where the client publishes its keys.
    #[arg(long)]
    jwks_uri: Option<String>,
}

fn purpose(text: &str) -> Result<PurposeText, String> {
    let parts: Vec<&str> = text.splitn(3, '=').collect();
    let [code, ja, en] = parts[..] else {
        return Err("CODE=JAPANESE=ENGLISH is allowed, for example points=健康ポイントの計算=Health points".to_owned());
    };
    Ok(PurposeText {
        purpose: Purpose::new(code).map_err(|error| error.to_string())?,
        ja: ja.to_owned(),
        en: en.to_owned(),
    })
}

/// Carries out one of the commands.
///
/// # Errors
/// What the store answers.
pub fn run(arguments: AppArguments) -> Result<ExitCode, CommandError> {
    block_on(async move {
        let store = match arguments.command {
            AppCommand::List | AppCommand::Undelivered => arguments.place.open_for_reading().await?.1,
            _ => arguments.place.open().await?.1,
        };
        carry_out(&store, arguments.command).await?;
        store.close().await;
        Ok(ExitCode::SUCCESS)
    })
}

#[expect(clippy::print_stdout, reason = "what the command is asked for")]
async fn carry_out(store: &Store, command: AppCommand) -> Result<(), CommandError> {
    match command {
        AppCommand::Add(arguments) => add(store, *arguments).await?,
        AppCommand::List => list(store).await?,
        AppCommand::Approve { recipient } => {
            store
                .set_recipient_state(recipient, RegistrationState::Approved, store::Actor::CommandLine)
                .await?;
            for client in store.clients(recipient).await? {
                store
                    .set_client_state(
                        &client.client_id,
                        RegistrationState::Approved,
                        store::Actor::CommandLine,
                    )
                    .await?;
            }
            println!("approved");
        }
        AppCommand::Block { recipient } => {
            store
                .set_recipient_state(recipient, RegistrationState::Blocked, store::Actor::CommandLine)
                .await?;
            println!("blocked: nothing of it works any more");
        }
        AppCommand::Endpoint { recipient, url } => {
            let mut secret = vec![0; 32];
            MachineRandomness.fill(&mut secret);
            let shown = messages::secret_text(&secret);
            store
                .set_endpoint(recipient, Endpoint { url, secret }, store::Actor::CommandLine)
                .await?;
            println!("{shown}");
        }
        AppCommand::Basis(arguments) => {
            let basis = LegalBasis {
                kind: arguments.kind,
                document: arguments.document,
                from: arguments.from,
                until: arguments.until.map(|until| end_of(until, &arguments.zone)),
                handlers: arguments.handlers,
                subcontractors: arguments.subcontractors,
                returned: None,
            };
            let is_over = basis.is_over(MachineClock.now());
            store
                .set_legal_basis(arguments.recipient, basis, store::Actor::CommandLine)
                .await?;
            println!(
                "{}",
                if is_over {
                    "set: it is over, so nothing passes"
                } else {
                    "set"
                }
            );
        }
        AppCommand::Template {
            recipient,
            purpose,
            file,
            editorial,
        } => {
            let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
            let text = std::fs::read_to_string(&file).map_err(|error| wrong(&error))?;
            let (called, template) = asking(&text).map_err(|error| wrong(&error))?;
            let by = store::Actor::CommandLine;
            let version = store
                .set_template(recipient, &purpose, called, template, !editorial, by)
                .await?;
            println!("version {version}");
        }
        AppCommand::Undelivered => {
            for job in store.jobs(JobState::Dead, 1_000).await? {
                let store::Task::Tell(message) = &job.task;
                println!(
                    "{}\trecipient {}\t{}\tconsent {}\t{} attempts\t{}",
                    job.id,
                    job.recipient,
                    messages::type_of(message.notice),
                    message.consent,
                    job.attempts,
                    job.problem.as_deref().unwrap_or("-")
                );
            }
        }
        AppCommand::Redeliver { message } => {
            store.rerun_job(message, store::Actor::CommandLine).await?;
            println!("it is sent again as soon as the server runs");
        }
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "what the command is asked for")]
async fn add(store: &Store, arguments: AddArguments) -> Result<(), CommandError> {
    let keys = match &arguments.jwks {
        Some(file) => Some(std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?),
        None => None,
    };
    let secret = arguments.secret.then(|| Handle::new(&MachineRandomness));
    let recipient = NewRecipient {
        organisation: arguments.organisation,
        name_ja: arguments.name_ja.clone(),
        name_en: arguments.name_en,
        purposes: arguments.purposes,
        responsible: Responsible {
            company: arguments.company,
            contact: arguments.contact,
            privacy_policy: arguments.privacy_policy,
        },
        state: RegistrationState::Approved,
    };
    let recipient = store.create_recipient(recipient).await?;
    let client = NewClient {
        client_id: arguments.client_id.clone(),
        recipient,
        name: arguments.name_ja,
        secret_hash: secret.as_ref().map(|secret| secret.hash),
        keys,
        jwks_uri: arguments.jwks_uri,
        redirect_uris: arguments.redirect_uris,
        scopes: arguments.scope,
        state: RegistrationState::Approved,
        ..NewClient::default()
    };
    if let Err(error) = store.create_client(client).await {
        // Nothing half-done: a recipient without a client opens nothing, and is not left approved.
        store
            .set_recipient_state(recipient, RegistrationState::Blocked, store::Actor::CommandLine)
            .await?;
        return Err(error.into());
    }
    println!("recipient {recipient}\nclient_id {}", arguments.client_id);
    if let Some(secret) = secret {
        println!("client_secret {}", secret.text);
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "what the command is asked for")]
async fn list(store: &Store) -> Result<(), CommandError> {
    for recipient in store.recipients().await? {
        let endpoint = store.endpoint(recipient.id).await?;
        println!(
            "{}\t{}\t{} / {}\torganisation {}\tmessages to {}",
            recipient.id,
            word(recipient.state),
            recipient.name_ja,
            recipient.name_en,
            recipient.organisation,
            endpoint.as_ref().map_or("nowhere", |endpoint| endpoint.url.as_str())
        );
        for purpose in &recipient.purposes {
            println!("\tpurpose {}\t{}", purpose.purpose, purpose.ja);
        }
        for client in store.clients(recipient.id).await? {
            println!(
                "\tclient {}\t{}\t{}",
                client.client_id,
                word(client.state),
                kind(&client)
            );
        }
    }
    Ok(())
}

const fn word(state: RegistrationState) -> &'static str {
    match state {
        RegistrationState::Proposed => "waits for approval",
        RegistrationState::Approved => "approved",
        RegistrationState::Blocked => "blocked",
    }
}

fn kind(client: &Client) -> &'static str {
    match (client.secret_hash.is_some(), client.signs()) {
        (true, _) => "secret",
        (false, true) => "keys",
        (false, false) => "public",
    }
}
