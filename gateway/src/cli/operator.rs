//! `sekisho operator`: who may act on an organisation's side.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use model::OrganisationId;

use super::{CommandError, Place, block_on};

/// Arguments of `operator`.
#[derive(Debug, Args)]
pub struct OperatorArguments {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: OperatorCommand,
}

#[derive(Debug, Subcommand)]
enum OperatorCommand {
    /// Add an operator of an organisation, who signs in at the operators' provider (setting `operators.issuer`).
    Add {
        /// Number of the organisation.
        #[arg(long)]
        organisation: OrganisationId,
        /// Their name.
        #[arg(long)]
        name: String,
        /// Their number at the provider (`sub`).
        #[arg(long)]
        subject: String,
    },
    /// End an operator and their sessions.
    End {
        /// Number of the operator.
        operator: i64,
    },
    /// List operators. Works beside a running server.
    List,
}

/// Carries out one of the commands.
///
/// # Errors
/// What the store answers.
pub fn run(arguments: OperatorArguments) -> Result<ExitCode, CommandError> {
    block_on(async move {
        let (config, store) = match arguments.command {
            OperatorCommand::List => arguments.place.open_for_reading().await?,
            _ => arguments.place.open().await?,
        };
        match arguments.command {
            OperatorCommand::Add {
                organisation,
                name,
                subject,
            } => {
                let Some(provider) = &config.operators.provider else {
                    return Err("no operators' provider is configured: set `operators.issuer` first".into());
                };
                let id = store
                    .create_operator(organisation, &name, &provider.issuer, &subject)
                    .await?;
                println!("added operator {id}");
            }
            OperatorCommand::End { operator } => {
                store.end_operator(operator).await?;
                println!("operator {operator} cannot act any more");
            }
            OperatorCommand::List => {
                for operator in store.operators().await? {
                    let state = if operator.ended.is_some() { "ended" } else { "acts" };
                    println!(
                        "{}\torganisation {}\t{state}\t{}",
                        operator.id, operator.organisation, operator.name
                    );
                }
            }
        }
        store.close().await;
        Ok(ExitCode::SUCCESS)
    })
}
