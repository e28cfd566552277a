//! `sekisho person add` and `sekisho person list`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use model::{LocalDay, OrganisationId};
use store::{NewPerson, Sex};

use super::{CommandError, Place, block_on, day};

/// Arguments of `person`.
#[derive(Debug, Args)]
pub struct PersonArguments {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: PersonCommand,
}

#[derive(Debug, Subcommand)]
enum PersonCommand {
    /// Add a resident; the last word printed is the id that `import --person` takes.
    Add {
        /// The resident's name.
        #[arg(long)]
        name: String,
        /// Birth date, YYYY-MM-DD.
        #[arg(long, value_parser = day)]
        birth_date: Option<LocalDay>,
        /// Sex: male, female or other.
        #[arg(long, value_parser = parse_sex)]
        sex: Option<Sex>,
        /// Number of the organisation that the resident belongs to; without it the first one, made when there is none.
        #[arg(long, value_name = "O")]
        organisation: Option<OrganisationId>,
    },
    /// List residents: id, organisation, name.
    List,
}

fn parse_sex(text: &str) -> Result<Sex, String> {
    match text {
        "male" => Some(Sex::Male),
        "female" => Some(Sex::Female),
        "other" => Some(Sex::Other),
        _ => None,
    }
    .ok_or_else(|| "male, female or other are allowed".to_owned())
}

/// Adds or lists.
pub fn run(arguments: PersonArguments) -> Result<ExitCode, CommandError> {
    block_on(async move {
        let (_, store) = match arguments.command {
            PersonCommand::Add { .. } => arguments.place.open().await?,
            // Looking needs no lock: it works beside a running server.
            PersonCommand::List => arguments.place.open_for_reading().await?,
        };
        match arguments.command {
            PersonCommand::Add {
                name,
                birth_date,
                sex,
                organisation,
            } => {
                let person = store
                    .create_person(NewPerson {
                        name: Some(name),
                        birth_date,
                        sex,
                        organisation,
                        ..NewPerson::default()
                    })
                    .await?;
                println!("added person {person}");
            }
            PersonCommand::List => {
                let mut after = None;
                loop {
                    let people = store.people(after, 1_000).await?;
                    let Some(last) = people.last() else { break };
                    after = Some(last.id);
                    for person in &people {
                        let name = if person.erased {
                            "(erased)"
                        } else {
                            person.name.as_deref().unwrap_or("-")
                        };
                        println!("{}\t{}\t{name}", person.id, person.custodian);
                    }
                }
            }
        }
        store.close().await;
        Ok(ExitCode::SUCCESS)
    })
}
