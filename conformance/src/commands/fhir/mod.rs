//! `conformance fhir --base URL`: FHIR R4 reading and searching as a client sees it, against any server. Each case carries the number of
//! its requirement.

mod reading;
mod searching;

use std::io;
use std::process::ExitCode;

use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION};
use serde_json::Value;

use super::client::{Answer, Client};
use super::report::{Outcome, Report};

/// Arguments of `fhir`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The FHIR base.
    #[arg(long)]
    base: String,
    /// Environment variable with an access token that reads one patient's Observations.
    #[arg(long, value_name = "NAME")]
    token_env: String,
    /// Id of that patient.
    #[arg(long)]
    patient: String,
    /// A code of which the patient has at least five Observations.
    #[arg(long, default_value = "daily_step_count")]
    code: String,
    /// Print a line of JSON a case rather than a table.
    #[arg(long)]
    json: bool,
}

/// What every case works with.
struct Setting<'a> {
    arguments: &'a Arguments,
    client: Client,
    token: String,
}

impl Setting<'_> {
    /// An address below the base.
    fn url(&self, path: &str) -> String {
        match path.starts_with("http") {
            true => path.to_owned(),
            false => format!("{}/{path}", self.arguments.base.trim_end_matches('/')),
        }
    }

    /// Sends a request with the token and these headers.
    async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Result<Answer, String> {
        self.client
            .send(method, &self.url(path), |request| {
                let bearer = format!("Bearer {}", self.token);
                let request = request
                    .header(AUTHORIZATION, bearer)
                    .header(ACCEPT, "application/fhir+json");
                headers.iter().fold(request, |request, (name, value)| {
                    // The later one of a name counts alone.
                    request.header(*name, *value)
                })
            })
            .await
    }

    async fn get(&self, path: &str) -> Result<Answer, String> {
        self.send(Method::GET, path, &[]).await
    }

    /// A search that works, as a Bundle.
    async fn bundle(&self, path: &str) -> Result<Value, String> {
        let answer = self.get(path).await?;
        let bundle = answer.json();
        if answer.status != 200 || bundle["resourceType"] != "Bundle" {
            return Err(format!("{path}: {} and no Bundle", answer.status));
        }
        Ok(bundle)
    }

    /// The usual search.
    fn search(&self, more: &str) -> String {
        format!(
            "Observation?patient={}&code={}{more}",
            self.arguments.patient, self.arguments.code
        )
    }
}

/// The resources that matched.
fn matches(bundle: &Value) -> Vec<&Value> {
    let entries = bundle["entry"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_match = |entry: &&Value| entry["search"]["mode"] == "match";
    entries
        .iter()
        .filter(is_match)
        .map(|entry| &entry["resource"])
        .collect()
}

fn ids(bundle: &Value) -> Vec<String> {
    let id = |resource: &&Value| resource["id"].as_str().map(str::to_owned);
    matches(bundle).iter().filter_map(id).collect()
}

fn link(bundle: &Value, relation: &str) -> Option<String> {
    let links = bundle["link"].as_array()?;
    let found = links.iter().find(|link| link["relation"] == relation)?;
    Some(found["url"].as_str()?.to_owned())
}

/// An error that is told as FHIR tells errors.
fn refused(answer: &Answer, status: u16) -> Result<(), String> {
    let is_outcome = answer.json()["resourceType"] == "OperationOutcome";
    match (answer.status.as_u16() == status, is_outcome) {
        (true, true) => Ok(()),
        (false, _) => Err(format!("{} instead of {status}", answer.status)),
        (_, false) => Err("the body is no OperationOutcome".to_owned()),
    }
}

/// Runs all cases and prints what came of them. Exit code 1 when one failed.
///
/// # Errors
/// What keeps it from beginning: a variable that is not set, no client for calls.
pub fn run(arguments: &Arguments) -> io::Result<ExitCode> {
    let name = &arguments.token_env;
    let token = std::env::var(name).map_err(|_| io::Error::other(format!("the variable {name} is not set")))?;
    let setting = Setting {
        arguments,
        client: Client::new().map_err(io::Error::other)?,
        token,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut report = Report::default();
    runtime.block_on(async {
        let first = setting.bundle(&setting.search("&_count=1")).await;
        let resource = first
            .as_ref()
            .ok()
            .and_then(|bundle| matches(bundle).first().map(|one| (*one).clone()));
        match resource {
            Some(resource) => {
                reading::run(&setting, &resource, &mut report).await;
                searching::run(&setting, &mut report).await;
            }
            None => report.add(
                "begin",
                "the patient has an Observation of the code",
                "-",
                Outcome::Fail(first.err().unwrap_or_else(|| "none was found".to_owned())),
            ),
        }
    });
    report.print(arguments.json);
    Ok(if report.failed() > 0 {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}
