//! `conformance smart --base URL`: SMART App Launch, OAuth and OpenID Connect as a client sees them, against any server.
//!
//! Nothing here knows the server but its FHIR base. What needs a resident is driven by a command of the caller's, which gets the
//! authorization URL and prints the URL that the browser was sent back to.

mod discovery;
mod fhir;
mod launch;
mod tokens;

use std::io;
use std::process::{Command, ExitCode, Stdio};

use reqwest::Url;

use super::client::Client;
use super::report::Report;
use super::{client, report};

/// Arguments of `smart`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The FHIR base, under which `.well-known/smart-configuration` lies.
    #[arg(long)]
    base: String,
    /// Client id of a registered client; without one only discovery and what needs no client is looked at.
    #[arg(long)]
    client_id: Option<String>,
    /// One of that client's registered redirect URIs.
    #[arg(long)]
    redirect_uri: Option<String>,
    /// Environment variable with the client's secret, if it has one.
    #[arg(long, value_name = "NAME")]
    client_secret_env: Option<String>,
    /// What is asked for.
    #[arg(
        long,
        default_value = "openid fhirUser launch/patient offline_access patient/Observation.rs patient/Patient.rs"
    )]
    scope: String,
    /// Id of a patient who is not the resident: better one that exists than one that does not.
    #[arg(long, default_value = "aaaaaaaaaaaaaaaaaaaaaaaaaa")]
    other_patient: String,
    /// A command that plays the resident, its words parted by spaces: it gets the authorization URL as its last argument, signs in, agrees, and prints, as
    /// its last line, the URL that the browser was sent back to.
    #[arg(long, value_name = "COMMAND")]
    answer: Option<String>,
    /// A code of an Observation that the resident has and agrees to, to read.
    #[arg(long, default_value = "daily_step_count")]
    code: String,
    /// Print a line of JSON a case rather than a table.
    #[arg(long)]
    json: bool,
}

/// What every case works with.
pub(crate) struct Setting<'a> {
    arguments: &'a Arguments,
    client: Client,
    secret: Option<String>,
}

impl Setting<'_> {
    /// The client and its redirect URI, where both are given.
    fn registered(&self) -> Option<(&str, &str)> {
        Some((
            self.arguments.client_id.as_deref()?,
            self.arguments.redirect_uri.as_deref()?,
        ))
    }

    /// Lets the resident answer: the URL that the browser was sent back to.
    fn answer(&self, authorization: &Url) -> Result<Url, String> {
        let command = self.arguments.answer.as_deref().ok_or("needs --answer")?;
        let mut words = command.split_whitespace();
        let program = words.next().ok_or("--answer is empty")?;
        let output = Command::new(program)
            .args(words)
            .arg(authorization.as_str())
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| format!("{program}: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let last = text.lines().last().unwrap_or_default().trim();
        if !output.status.success() {
            return Err(format!("the command that plays the resident failed: {last}"));
        }
        Url::parse(last).map_err(|_| format!("the command that plays the resident printed no URL: {last}"))
    }
}

/// Runs all cases and prints what came of them. Exit code 1 when one failed.
///
/// # Errors
/// What keeps it from beginning: a variable that is not set, no client for calls.
pub fn run(arguments: &Arguments) -> io::Result<ExitCode> {
    let secret = match &arguments.client_secret_env {
        Some(name) => {
            Some(std::env::var(name).map_err(|_| io::Error::other(format!("the variable {name} is not set")))?)
        }
        None => None,
    };
    let setting = Setting {
        arguments,
        client: Client::new().map_err(io::Error::other)?,
        secret,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut report = Report::default();
    runtime.block_on(async {
        let facts = discovery::run(&setting, &mut report).await;
        let Some(facts) = facts else {
            return;
        };
        launch::run(&setting, &facts, &mut report).await;
        let tokens = tokens::run(&setting, &facts, &mut report).await;
        fhir::run(&setting, tokens.as_ref(), &mut report).await;
    });
    report.print(arguments.json);
    Ok(if report.failed() > 0 {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}
