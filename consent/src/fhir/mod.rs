//! Consents as FHIR R4 Consent, after IHE's Privacy Consent on FHIR where it can say what ours say, under a profile of our own
//! where not: a base of `deny`, and one nested `permit` a grant and a line about who the person is.
//!
//! What is written reads back as the same grants; what is read and cannot be said in our model is refused, never trimmed.

mod read;
#[cfg(test)]
mod tests;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::vocabulary::systems;
use model::{LocalDay, UtcMillis};
use serde_json::{Value, json};

pub use read::{Imported, ReadError, read};

use crate::grant::{DataPeriod, Grant, IdentityGrant, Sources};
use crate::record::{Consent, ConsentState, Relationship};

/// How things are called outside: ids of this recipient, and names.
pub struct View<'a> {
    /// The Consent's id.
    pub id: &'a str,
    /// The Patient's id.
    pub patient: &'a str,
    /// What names the recipient.
    pub recipient: &'a str,
    /// The recipient's name.
    pub recipient_name: &'a str,
    /// The name of the organisation that keeps the data.
    pub custodian_name: &'a str,
    /// The id of a device by the number of its source.
    pub device: &'a dyn Fn(u16) -> String,
}

/// The code of a linking id among the lines about who a person is.
pub(crate) const LINKING: &str = "linking-id";

/// Codes of the lines that a grant gives.
pub fn identity_codes(identity: IdentityGrant) -> impl Iterator<Item = &'static str> {
    let linking = identity.linking.map(|_| LINKING);
    identity.lines().map(|line| line.code()).chain(linking)
}

impl Consent {
    /// Its version as FHIR counts: an end is a version too.
    pub fn fhir_version(&self) -> u64 {
        u64::from(self.version) * 2 - u64::from(self.state == ConsentState::Active)
    }

    /// True when nothing of it holds at `now`, whether or not that was noted yet.
    pub fn is_over(&self, now: UtcMillis) -> bool {
        self.state != ConsentState::Active || self.ends_at().is_some_and(|end| end <= now)
    }
}

/// The Consent as its recipient sees it at `now`.
pub fn render(consent: &Consent, view: &View<'_>, now: UtcMillis) -> Value {
    let over = consent.is_over(now);
    let patient = json!({"reference": format!("Patient/{}", view.patient)});
    let mut resource = json!({
        "resourceType": "Consent",
        "id": view.id,
        "meta": {
            "versionId": consent.fhir_version().to_string(),
            "lastUpdated": instant(consent.changed_at),
            "profile": [systems::CONSENT_PROFILE],
        },
        "status": if over { "inactive" } else { "active" },
        "scope": concept(systems::CONSENT_SCOPE, systems::PATIENT_PRIVACY),
        "category": [
            concept(systems::LOINC, systems::LOINC_PATIENT_CONSENT),
            concept(systems::ACT_CODE, systems::INFORMATION_ACCESS),
        ],
        "patient": patient,
        "dateTime": instant(consent.given_at),
        "performer": [patient],
        "organization": [{"display": view.custodian_name}],
        "sourceAttachment": {
            "contentType": "text/plain; charset=utf-8",
            "language": consent.language.tag(),
            "data": STANDARD.encode(&consent.text),
        },
        "policy": [{"uri": systems::POLICY_DENY}],
        "provision": provisions(consent, view),
    });
    if let Some(acting) = consent.how.acting() {
        // Who acts is nobody that the recipient knows: what they are to the patient is all that is said.
        let role = match acting.relationship {
            Relationship::Parent => systems::ROLE_PARENT,
            Relationship::Guardian => systems::ROLE_GUARDIAN,
            Relationship::Proxy => systems::ROLE_PROXY,
        };
        resource["contained"] = json!([{
            "resourceType": "RelatedPerson",
            "id": "performer",
            "patient": patient,
            "relationship": [concept(systems::ROLE_CODE, role)],
        }]);
        resource["performer"] = json!([{"reference": "#performer"}]);
    }
    if over {
        let how = match consent.state {
            ConsentState::Withdrawn => "withdrawn",
            ConsentState::Superseded => "superseded",
            ConsentState::Expired | ConsentState::Active => "expired",
        };
        resource["extension"] = json!([{"url": systems::CONSENT_END, "valueCode": how}]);
    }
    resource
}

/// A resource as text, its type first: readers that stream decide by it what follows.
pub fn text(resource: &Value) -> String {
    let Some(members) = resource.as_object() else {
        return resource.to_string();
    };
    let mut text = String::from("{");
    if let Some(kind) = members.get("resourceType") {
        text.push_str(&format!("\"resourceType\":{kind}"));
    }
    for (name, value) in members.iter().filter(|(name, _)| *name != "resourceType") {
        if text.len() > 1 {
            text.push(',');
        }
        text.push_str(&format!("{}:{value}", Value::from(name.as_str())));
    }
    text.push('}');
    text
}

fn provisions(consent: &Consent, view: &View<'_>) -> Value {
    let permit = |expires: Option<UtcMillis>| {
        let mut permit = json!({
            "type": "permit",
            "actor": [{
                "role": concept(systems::PARTICIPATION_TYPE, systems::INFORMATION_RECIPIENT),
                "reference": {
                    "identifier": {"system": systems::RECIPIENT, "value": view.recipient},
                    "display": view.recipient_name,
                },
            }],
            "action": [concept(systems::CONSENT_ACTION, systems::CONSENT_ACCESS)],
            "purpose": [{"system": systems::PURPOSE, "code": consent.purpose.as_str()}],
        });
        if let Some(expires) = expires {
            permit["period"] = json!({"end": instant(expires)});
        }
        permit
    };
    let mut nested: Vec<Value> = consent
        .grants
        .iter()
        .map(|grant| of_grant(grant, permit(grant.expires), view))
        .collect();
    for code in identity_codes(consent.identity) {
        let mut permit = permit(consent.identity.expires);
        permit["class"] = json!([{"system": systems::RESOURCE_TYPES, "code": "Patient"}]);
        permit["code"] = json!([concept(systems::IDENTITY_LINE, code)]);
        if let Some(other) = consent.identity.linking.filter(|_| code == LINKING) {
            let other = json!({"system": systems::RECIPIENT, "value": other.to_string()});
            permit["extension"] = json!([{"url": systems::LINKED_RECIPIENT, "valueIdentifier": other}]);
        }
        nested.push(permit);
    }
    let mut root = json!({
        "type": "deny",
        "period": {"start": instant(consent.given_at)},
        "provision": nested,
    });
    if let Some(end) = consent.ends_at() {
        root["period"]["end"] = json!(instant(end));
    }
    root
}

fn of_grant(grant: &Grant, mut permit: Value, view: &View<'_>) -> Value {
    permit["class"] = json!([{"system": systems::RESOURCE_TYPES, "code": "Observation"}]);
    permit["code"] = json!([concept(systems::CONSENT_CATEGORY, grant.category.key())]);
    permit["securityLabel"] = json!([{"system": systems::DETAIL, "code": grant.detail.code()}]);
    if grant.running_day {
        permit["extension"] = json!([{"url": systems::RUNNING_DAY, "valueBoolean": true}]);
    }
    if grant.period != DataPeriod::ALL {
        let mut period = json!({});
        for (name, day) in [("start", grant.period.from), ("end", grant.period.until)] {
            if let Some(day) = day {
                period[name] = json!(day.to_string());
            }
        }
        permit["dataPeriod"] = period;
    }
    if let Sources::Only(numbers) = &grant.sources {
        let devices = numbers.iter().map(|number| {
            json!({
                "meaning": "authoredby",
                "reference": {"reference": format!("Device/{}", (view.device)(*number))},
            })
        });
        permit["data"] = devices.collect();
    }
    permit
}

fn concept(system: &str, code: &str) -> Value {
    json!({"coding": [{"system": system, "code": code}]})
}

/// A FHIR `instant` in UTC, to the millisecond.
pub(crate) fn instant(at: UtcMillis) -> String {
    jiff::Timestamp::from_millisecond(at.0)
        .map(|at| format!("{at:.3}"))
        .unwrap_or_default()
}

/// A FHIR `date`.
fn day(text: &str) -> Option<LocalDay> {
    LocalDay::parse(text)
}
