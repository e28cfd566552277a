//! `sekisho consent`: consents that come as files or on paper, each entered by one operator and confirmed by another.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use consent::{Asked, ConsentDraft, HowGiven, Relationship};
use model::{OrganisationId, PersonId, RecipientId};
use serde_json::Value;

use super::{CommandError, Place, block_on};
use crate::oauth::handles;
use crate::pairwise::Pairwise;

/// The largest file of a consent that is read, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// Arguments of `consent`.
#[derive(Debug, Args)]
pub struct ConsentArguments {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: ConsentCommand,
}

#[derive(Debug, Subcommand)]
enum ConsentCommand {
    /// Enter a FHIR R4 Consent from a file. All of it must be understood: what our consents cannot say refuses the whole, by its
    /// place in the file. It waits until another operator confirms it.
    Import {
        /// The file, JSON.
        file: PathBuf,
        /// The resident whose consent it is.
        #[arg(long)]
        person: PersonId,
        /// Number of the organisation that keeps the resident's data.
        #[arg(long)]
        organisation: OrganisationId,
        /// The number of the operator who enters it.
        #[arg(long)]
        operator: i64,
        /// The number of the form or file that was signed.
        #[arg(long)]
        form: String,
        /// How the resident's identity was checked.
        #[arg(long)]
        identity_checked: String,
        /// Number of the person who signed for the resident.
        #[arg(long, requires = "relationship")]
        signed_by: Option<PersonId>,
        /// What they are to the resident: parent, guardian or proxy.
        #[arg(long, requires = "signed_by", value_parser = relationship)]
        relationship: Option<Relationship>,
    },
    /// List the consents that wait for another operator.
    Waiting {
        /// Number of the organisation.
        organisation: OrganisationId,
    },
    /// Confirm one that another operator entered: from then on it gives.
    Confirm {
        /// Its number, as `consent waiting` shows it.
        number: i64,
        /// Number of the organisation.
        #[arg(long)]
        organisation: OrganisationId,
        /// The number of the operator who confirms it.
        #[arg(long)]
        operator: i64,
    },
    /// Reject one that waits: nothing comes of it.
    Reject {
        /// Its number.
        number: i64,
        /// Number of the organisation.
        #[arg(long)]
        organisation: OrganisationId,
        /// The number of the operator who rejects it.
        #[arg(long)]
        operator: i64,
    },
}

/// What somebody is to the person they act for, as an argument.
pub fn relationship(text: &str) -> Result<Relationship, String> {
    Relationship::from_code(text).ok_or_else(|| "parent, guardian or proxy are allowed".to_owned())
}

/// Runs the command.
#[expect(clippy::print_stdout, reason = "what the command is asked for")]
pub fn run(arguments: ConsentArguments) -> Result<ExitCode, CommandError> {
    block_on(async move {
        let (config, store) = match arguments.command {
            ConsentCommand::Waiting { .. } => arguments.place.open_for_reading().await?,
            _ => arguments.place.open().await?,
        };
        match arguments.command {
            ConsentCommand::Import {
                file,
                person,
                organisation,
                operator,
                form,
                identity_checked,
                signed_by,
                relationship,
            } => {
                let text = read(&file)?;
                let acting = signed_by
                    .zip(relationship)
                    .map(|(person, relationship)| consent::Acting { person, relationship });
                let how = HowGiven::OnPaper {
                    form,
                    form_hash: handles::hash(&text),
                    identity_checked,
                    entered_by: operator,
                    confirmed_by: 0,
                    acting,
                };
                let root = crate::secrets::key_from_file(
                    &config.data.id_root_file,
                    "data.id_root_file",
                    &crate::environment::MachineRandomness,
                )?;
                let draft = draft(&text, person, how, &Pairwise::new(&root))
                    .map_err(|problem| format!("{}: {problem}", file.display()))?;
                let entered = store.enter_paper_consent(organisation, operator, draft).await?;
                println!("waits for another operator as number {entered}");
            }
            ConsentCommand::Waiting { organisation } => {
                for waiting in store.paper_consents(organisation).await? {
                    println!(
                        "{}\tperson {}\trecipient {}\tentered by operator {}",
                        waiting.id, waiting.draft.person, waiting.draft.recipient, waiting.entered_by
                    );
                }
            }
            ConsentCommand::Confirm {
                number,
                organisation,
                operator,
            } => {
                let given = store.confirm_paper_consent(organisation, operator, number).await?;
                println!("consent {} gives from now on", given.id);
            }
            ConsentCommand::Reject {
                number,
                organisation,
                operator,
            } => {
                store.reject_paper_consent(organisation, operator, number).await?;
                println!("rejected");
            }
        }
        store.close().await;
        Ok(ExitCode::SUCCESS)
    })
}

fn read(file: &std::path::Path) -> Result<String, String> {
    let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let size = std::fs::metadata(file).map_err(|error| wrong(&error))?.len();
    if size > MAX_FILE {
        return Err(wrong(&"longer than any consent: 1 MiB at most"));
    }
    std::fs::read_to_string(file).map_err(|error| wrong(&error))
}

/// What the Consent in `text` comes to, as a draft of `person`.
fn draft(text: &str, person: PersonId, how: HowGiven, ids: &Pairwise) -> Result<ConsentDraft, String> {
    let resource: Value = serde_json::from_str(text).map_err(|error| format!("is no JSON: {error}"))?;
    // Devices are named by the ids that the recipient knows; which recipient it is, the Consent says.
    let recipient = consent::fhir::read(&resource, &|_| Some(0))
        .map_err(|error| error.to_string())?
        .recipient;
    let recipient = recipient
        .parse()
        .map(RecipientId)
        .map_err(|_| "the recipient's identifier is none of this registry: its number is needed".to_owned())?;
    let known = ids.of(recipient);
    let source = |id: &str| {
        let key = known.read(id)?;
        (key.person == person && known.device(person, key.source) == id).then_some(key.source)
    };
    let read = consent::fhir::read(&resource, &source).map_err(|error| error.to_string())?;
    let patient = resource["patient"]["reference"].as_str();
    if patient != Some(format!("Patient/{}", known.patient(person)).as_str()) {
        return Err("Consent.patient.reference: names another patient than --person".to_owned());
    }
    Ok(ConsentDraft {
        person,
        recipient,
        purpose: read.purpose,
        asked: Asked {
            grants: read.grants.clone(),
            identity: read.identity,
        },
        grants: read.grants,
        identity: read.identity,
        language: read.language,
        text_hash: handles::hash(&read.text),
        text: read.text,
        how,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::consents::tests::shared;

    fn on_paper() -> HowGiven {
        HowGiven::OnPaper {
            form: "2026-1".to_owned(),
            form_hash: [1; 32],
            identity_checked: "card".to_owned(),
            entered_by: 1,
            confirmed_by: 0,
            acting: None,
        }
    }

    #[tokio::test]
    async fn a_consent_as_we_write_it_comes_in_as_the_same_terms_and_as_nobody_elses() {
        let (gateway, given) = shared().await;
        let pairwise = &gateway.state.pairwise;
        let ids = pairwise.of(given.recipient);
        let written = |patient: PersonId| {
            let view = consent::fhir::View {
                id: "",
                patient: &ids.patient(patient),
                recipient: &given.recipient.to_string(),
                recipient_name: "",
                custodian_name: "関所市",
                device: &|number| ids.device(given.person, number),
            };
            let mut resource = consent::fhir::render(&given, &view, given.given_at);
            resource.as_object_mut().unwrap().remove("id");
            resource.to_string()
        };
        let read = draft(&written(given.person), given.person, on_paper(), pairwise).unwrap();
        assert_eq!((read.recipient, &read.purpose), (given.recipient, &given.purpose));
        assert_eq!((&read.grants, read.identity), (&given.grants, given.identity));
        assert_eq!(read.text, given.text);
        let other = draft(&written(PersonId(77)), given.person, on_paper(), pairwise);
        assert!(other.unwrap_err().contains("another patient"));
        for (bad, why) in [("{", "is no JSON"), ("{}", "Consent.resourceType")] {
            let problem = draft(bad, given.person, on_paper(), pairwise).unwrap_err();
            assert!(problem.contains(why), "{problem}");
        }
    }
}
