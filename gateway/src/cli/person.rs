//! `sekisho person`: residents, and who may act for whom.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use consent::Relationship;
use jiff::tz::TimeZone;
use model::environment::Clock as _;
use model::{LocalDay, OrganisationId, PersonId};
use store::{Actor, NewPerson, NewRepresentation, Sex};

use super::consent::relationship;
use super::{CommandError, Place, block_on, day};
use crate::environment::MachineClock;
use crate::portal::resident::end_of;

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
    /// Let somebody act for a resident: a parent, a guardian, or a proxy whom the resident named.
    Represent {
        /// For whom.
        #[arg(long)]
        person: PersonId,
        /// Who acts; they sign in as themselves.
        #[arg(long)]
        by: PersonId,
        /// parent, guardian or proxy.
        #[arg(long, value_parser = relationship)]
        relationship: Relationship,
        /// They may see, but not agree, withdraw or bring data.
        #[arg(long)]
        sees_only: bool,
        /// The last day of it, YYYY-MM-DD: the day before a child's majority, the end of a mandate.
        #[arg(long, value_parser = day)]
        until: Option<LocalDay>,
        /// Zone of --until.
        #[arg(long, value_name = "ZONE", default_value = "Asia/Tokyo", value_parser = super::zone)]
        zone: TimeZone,
        /// What shows it, for example the number of a certificate.
        #[arg(long)]
        document: String,
    },
    /// List who may act for a resident.
    Representatives {
        /// For whom.
        person: PersonId,
    },
    /// End a right to act.
    EndRepresentation {
        /// Its number, as `person representatives` shows it.
        right: i64,
    },
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
            // Looking needs no lock: it works beside a running server.
            PersonCommand::List | PersonCommand::Representatives { .. } => arguments.place.open_for_reading().await?,
            _ => arguments.place.open().await?,
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
            PersonCommand::Represent {
                person,
                by,
                relationship,
                sees_only,
                until,
                zone,
                document,
            } => {
                let new = NewRepresentation {
                    person,
                    actor: by,
                    relationship,
                    decides: !sees_only,
                    until: until.map(|until| end_of(until, &zone)),
                    document,
                };
                let right = store.add_representation(new, Actor::CommandLine).await?;
                println!("entered right {right}");
            }
            PersonCommand::Representatives { person } => {
                for right in store.representations_of(person).await? {
                    println!(
                        "{}\tperson {}\t{}\t{}\t{}\t{}",
                        right.id,
                        right.actor,
                        right.relationship.code(),
                        if right.decides { "decides" } else { "sees" },
                        if right.holds(MachineClock.now()) {
                            "holds"
                        } else {
                            "over"
                        },
                        right.document
                    );
                }
            }
            PersonCommand::EndRepresentation { right } => {
                store.end_representation(right, Actor::CommandLine).await?;
                println!("ended");
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
