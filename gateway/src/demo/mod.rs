//! `sekisho demo`: everything on this machine, with synthetic residents whose exports came in through the real adapter.
//!
//! The same server as `serve`, beside it a small OpenID provider that knows the residents, in one process on loopback.

mod clouds;
pub mod provider;
mod residents;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use store::Actor;

use crate::cli::{CommandError, block_on, open_store};
use crate::config::Config;
use crate::environment::{MachineClock, MachineRandomness};
use crate::state::AppState;
use crate::{logging, server};
use provider::{Login, ProviderSetup, RelyingParty};
use residents::{Demo, RESIDENTS};

/// Where the demo's OpenID provider is mounted.
const PROVIDER: &str = "/demo-idp";

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub struct DemoArguments {
    /// Port on 127.0.0.1; 0 takes any that is free.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Folder of the demo's data; made when missing, kept for the next start.
    #[arg(long, value_name = "DIR", default_value = "demo-data")]
    data: PathBuf,
    /// Ask simulated vendors that tell of nothing by themselves so often, in seconds, and not after minutes or hours.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u16).range(1..))]
    poll: Option<u16>,
    /// Print one line of JSON once ready, and nothing else.
    #[arg(long)]
    json: bool,
}

/// Makes what is missing and serves until told to stop.
pub fn run(arguments: DemoArguments) -> Result<ExitCode, CommandError> {
    block_on(async move {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.port));
        let listener = tokio::net::TcpListener::bind(address)
            .await
            .map_err(|error| format!("cannot listen on {address}: {error}; choose another with --port"))?;
        let address = listener.local_addr()?;
        let mut config = config(&arguments, address)?;
        let poll_ms = arguments.poll.map(|seconds| i64::from(seconds) * 1_000);
        let started = clouds::start(&mut config, poll_ms).await?;
        logging::start(&config.log);
        let store = open_store(&config).await?;
        let demo = residents::ready(&store, &config).await?;
        if let (Some((feed, account)), Some(person)) = (started.account, demo.people.last()) {
            store.know_feed_account(&feed, account, *person, Actor::Gateway).await?;
        }
        let state = AppState::new(config, store.clone())?;
        let provider = provider::routes(setup(&state))?;
        tell(&arguments, &state, &demo, &started.vendors, started.notice);
        let more = axum::Router::new().nest(PROVIDER, provider);
        server::serve(listener, state, more, server::stop_signal()).await?;
        store.close().await;
        Ok(ExitCode::SUCCESS)
    })
}

/// The default configuration, on loopback, with the demo's provider. The environment plays no part: the demo is the same
/// everywhere.
fn config(arguments: &DemoArguments, address: SocketAddr) -> Result<Config, CommandError> {
    let issuer = format!("http://{address}{PROVIDER}");
    let settings = [
        ("SEKISHO_SIGN_IN_ISSUER", issuer.as_str()),
        ("SEKISHO_SIGN_IN_NAME_JA", "デモ用サインイン"),
        ("SEKISHO_SIGN_IN_NAME_EN", "Demo sign-in"),
        ("SEKISHO_OPERATORS_ISSUER", &issuer),
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut config = Config::load(None, settings.into_iter())?;
    config.data.folder.clone_from(&arguments.data);
    config.data.master_key_file = arguments.data.join("secrets/master.key");
    config.data.id_root_file = arguments.data.join("secrets/id-root.key");
    config.http.listen = address;
    config.http.public_url = format!("http://{address}");
    config.registration.organisation = 1;
    config.outgoing.also_reachable = vec!["127.0.0.0/8".parse()?];
    // Everything is on this machine: whoever tries it out is not held up.
    config.limits.address_per_minute = NonZeroU32::MAX;
    config.limits.token_per_second = NonZeroU32::MAX;
    config.log.json = false;
    config.log.filter = "warn".to_owned();
    Ok(config)
}

/// The issuer of the demo's provider.
fn issuer(config: &Config) -> String {
    format!("{}{PROVIDER}", config.http.public_url)
}

fn setup(state: &AppState) -> ProviderSetup {
    ProviderSetup {
        issuer: issuer(&state.config),
        clients: [
            ("sekisho", crate::sign_in::CALLBACK),
            ("sekisho-operators", crate::operator::CALLBACK),
        ]
        .map(|(client_id, path)| RelyingParty::public(client_id, format!("{}{path}", state.config.http.public_url)))
        .into(),
        level: None,
        residents: RESIDENTS
            .iter()
            .map(|resident| Login {
                login: resident.login.to_owned(),
                password: resident.password.to_owned(),
                sub: resident.login.to_owned(),
                name: resident.name.to_owned(),
            })
            .chain([Login {
                login: residents::OPERATOR.to_owned(),
                password: format!("{}-demo", residents::OPERATOR),
                sub: residents::OPERATOR.to_owned(),
                name: "窓口 担当".to_owned(),
            }])
            .collect(),
        clock: std::sync::Arc::new(MachineClock),
        randomness: std::sync::Arc::new(MachineRandomness),
    }
}

#[expect(clippy::print_stdout, reason = "what the command is asked for")]
fn tell(
    arguments: &DemoArguments,
    state: &AppState,
    demo: &Demo,
    vendors: &BTreeMap<&'static str, String>,
    notice: Option<(String, String)>,
) {
    let base = &state.config.http.public_url;
    let fhir = format!("{base}/fhir/r4");
    let person = demo.people.first().copied().unwrap_or_default();
    let patient = state.pairwise.of(demo.recipient).patient(person);
    if arguments.json {
        let residents: Vec<_> = RESIDENTS
            .iter()
            .zip(&demo.people)
            .zip(&demo.push_tokens)
            .map(|((resident, person), push_token)| {
                json!({"login": resident.login, "password": resident.password, "person": person.to_string(), "name": resident.name, "push_token": push_token})
            })
            .collect();
        let line = json!({
            "base_url": base,
            "fhir_base_url": fhir,
            "push_url": format!("{base}/push/v1"),
            "push_token": demo.push_tokens.first(),
            "webhook_url": notice.as_ref().map(|(url, _)| url),
            "webhook_body": notice.as_ref().map(|(_, body)| body),
            "vendors": vendors,
            "portal_url": format!("{base}/portal"),
            "operator_url": format!("{base}/operator"),
            "operator": {"login": residents::OPERATOR, "password": format!("{}-demo", residents::OPERATOR)},
            "message_secret": demo.message_secret,
            "residents": residents,
            "client_id": residents::CLIENT,
            "redirect_uri": residents::REDIRECT,
            "access_token": demo.access_token,
            "person": person.to_string(),
            "patient": patient,
        });
        println!("{line}");
        return;
    }
    println!("Sekisho is ready at {base}\n");
    println!("Residents' page   {base}/portal");
    for (resident, person) in RESIDENTS.iter().zip(&demo.people) {
        println!(
            "  {:<10} {:<10} {} (person {person}): {}",
            resident.login, resident.password, resident.name, resident.about
        );
    }
    println!(
        "\nOperators' page   {base}/operator\n  {:<10} {}-demo",
        residents::OPERATOR,
        residents::OPERATOR
    );
    println!("\nSimulated vendors can be connected at {base}/portal/links: no key, no network");
    println!("\nFHIR              {fhir}/metadata");
    println!(
        "Example app       client_id {} (examples/point-app, redirect {})",
        residents::CLIENT,
        residents::REDIRECT
    );
    match &demo.access_token {
        Some(token) => {
            println!("\nA week of steps as the example app sees them:");
            println!("  curl -H 'Authorization: Bearer {token}' \\");
            println!("    '{fhir}/Observation?code=http://loinc.org|41950-7&_sort=-date&_count=7'");
            println!("\nThen withdraw on the residents' page, and run it again.");
        }
        None => println!("\nThe first resident has withdrawn from the example app: connect it again to read."),
    }
    println!(
        "\nData lies in {}; stop with Ctrl-C.",
        state.config.data.folder.display()
    );
}
