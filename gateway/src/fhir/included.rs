//! What a page of Observations brings besides: devices, the patient, Provenances. As far as scopes and consent show them by
//! themselves.

use std::collections::HashMap;

use consent::scope::{Interaction, Resource};
use consent::{Decision, IdentityGrant};
use fhir_profiles::{Issue, Severity};
use store::{Access, AccessItem, Record};

use super::observation::Everything;
use super::parameters::{Include, Parameters};
use super::{FhirError, device, document, items, patient, provenance, report};
use crate::gate::Caller;
use crate::state::AppState;

/// Resources beside the matches.
#[derive(Default)]
pub struct Included {
    /// Type, id, and the resource.
    pub resources: Vec<(&'static str, String, Vec<u8>)>,
    /// Which lines of who the person is are among them.
    pub identity: IdentityGrant,
    /// What else is given by them.
    pub items: Vec<AccessItem>,
}

/// What of the includes the scopes reach, and a word on the rest.
pub fn within_scopes(caller: &Caller, asked: &[Include]) -> (Vec<Include>, Vec<Issue<'static>>) {
    let reaches = |include: &Include| {
        let resource = match include {
            Include::Device => Resource::Device,
            Include::Patient => Resource::Patient,
            Include::Provenance => Resource::Provenance,
        };
        Interaction::ALL
            .into_iter()
            .any(|interaction| caller.scopes.allows(resource, interaction))
    };
    let (within, beyond): (Vec<Include>, Vec<Include>) = asked.iter().copied().partition(reaches);
    let notices = (!beyond.is_empty()).then(|| Issue {
        severity: Severity::Warning,
        code: "forbidden",
        text: "something that was to be included is outside the token's scopes and was left out".to_owned(),
        expression: None,
    });
    (within, notices.into_iter().collect())
}

impl Included {
    /// Reads what comes before the Observations of everything.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn first(
        state: &AppState,
        caller: &Caller,
        decision: &Decision,
        everything: &Everything,
        parameters: &Parameters,
    ) -> Result<Self, FhirError> {
        let mut first = Self::default();
        let own = caller.ids.patient(caller.token.person);
        if everything.patient {
            let (bytes, given) = patient::whole(state, &own, decision).await?;
            first.identity = given.identity;
            first.resources.push(("Patient", own.clone(), bytes));
        }
        if everything.devices {
            for found in state.store.devices(Access::Decision(decision)).await? {
                let id = caller.ids.device(caller.token.person, found.number);
                let mut bytes = Vec::new();
                device::render(&mut bytes, &id, &own, &found);
                first.resources.push(("Device", id, bytes));
            }
        }
        let mut add = |name: &'static str, (found, items): (Vec<(String, Vec<u8>)>, Vec<AccessItem>)| {
            let found = found.into_iter().map(|(id, bytes)| (name, id, bytes));
            first.resources.extend(found);
            items::merge(&mut first.items, items);
        };
        for (comes, kind) in [
            (everything.reports, report::Kind::Report),
            (everything.answers, report::Kind::Answers),
        ] {
            if comes {
                let found = report::found(kind, state, caller, decision, parameters).await?;
                add(kind.resource().name(), found);
            }
        }
        if everything.documents {
            let found = document::found(state, caller, decision, parameters, document::DateOf::Checkup).await?;
            add(Resource::DocumentReference.name(), found);
        }
        Ok(first)
    }

    /// Reads what comes beside these records.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn read(
        state: &AppState,
        caller: &Caller,
        decision: &Decision,
        records: &[Record],
        includes: &[Include],
    ) -> Result<Self, FhirError> {
        let mut included = Self::default();
        let own = caller.ids.patient(caller.token.person);
        if records.is_empty() {
            return Ok(included);
        }
        if includes.contains(&Include::Device) {
            for found in state.store.devices(Access::Decision(decision)).await? {
                let measured = |record: &Record| matches!(record, Record::Sample(stored) if !stored.dead && stored.sample.source == found.number);
                if records.iter().any(measured) {
                    let id = caller.ids.device(caller.token.person, found.number);
                    let mut bytes = Vec::new();
                    device::render(&mut bytes, &id, &own, &found);
                    included.resources.push(("Device", id, bytes));
                }
            }
        }
        if includes.contains(&Include::Patient) {
            let (bytes, given) = patient::whole(state, &own, decision).await?;
            included.identity = given.identity;
            included.resources.push(("Patient", own, bytes));
        }
        if includes.contains(&Include::Provenance) {
            let mut batches = HashMap::new();
            for record in records {
                if let Some((id, bytes)) = provenance::render_of(state, caller, record, decision, &mut batches).await? {
                    included.resources.push(("Provenance", id, bytes));
                }
            }
        }
        Ok(included)
    }
}
