//! AuditEvent: a record of provision for the custodian's own books, after IHE's Basic Audit Log Patterns (patient read and
//! patient query). What was given stands in `entity.detail`, which those patterns leave open; they also ask for network
//! addresses, which are not recorded here, so no profile of theirs is claimed.

use model::vocabulary::systems;
use model::{LocalDay, UtcMillis};

use crate::json::{escaped, raw, string, text_member, whole};
use crate::prepared::coding;
use crate::time::{date, instant};

/// What was given of a person, as it is recorded. All ids are the custodian's own: this never goes to a recipient.
#[derive(Clone, Copy, Debug)]
pub struct AuditView<'a> {
    /// The number of the person, and of the record within the person.
    pub person: u32,
    /// The record's number within the person.
    pub number: u64,
    /// When.
    pub recorded: UtcMillis,
    /// True for a page of a search, false for one record by its id.
    pub is_search: bool,
    /// Who was given it: number and name.
    pub recipient: (u32, &'a str),
    /// Through which client.
    pub client_id: &'a str,
    /// The individual who read, where the recipient named somebody; empty where it did not.
    pub reader: &'a str,
    /// For what: the code, and in words.
    pub purpose: (&'a str, &'a str),
    /// Under which consent, and which version of it.
    pub consent: (u64, u32),
    /// What names the request in the log.
    pub request_id: &'a str,
    /// What was given of data.
    pub items: &'a [AuditItem<'a>],
    /// Lines about who the person is that were given.
    pub identity: &'a [&'a str],
}

/// How much of one category was given.
#[derive(Clone, Copy, Debug)]
pub struct AuditItem<'a> {
    /// Key of the category.
    pub category: &'a str,
    /// Code of the detail.
    pub detail: &'a str,
    /// The first local day of what was given.
    pub first_day: LocalDay,
    /// The last local day of what was given.
    pub last_day: LocalDay,
    /// How many records.
    pub count: u32,
}

/// Appends the AuditEvent of a record of provision.
pub fn audit_event(out: &mut Vec<u8>, view: &AuditView<'_>) {
    // Of a read the reader is where data goes to; of a query, where the request comes from (BALP, PatientRead and PatientQuery).
    let (interaction, action, client, server) = if view.is_search {
        ("search-type", b"E", systems::DICOM_SOURCE, systems::DICOM_DESTINATION)
    } else {
        ("read", b"R", systems::DICOM_DESTINATION, systems::DICOM_SOURCE)
    };
    raw(out, b"{\"resourceType\":\"AuditEvent\",\"id\":\"");
    whole(out, u64::from(view.person));
    out.push(b'-');
    whole(out, view.number);
    raw(out, b"\",\"type\":");
    coding(out, systems::AUDIT_EVENT_TYPE, systems::AUDIT_REST, None);
    raw(out, b",\"subtype\":[");
    coding(out, systems::RESTFUL_INTERACTION, interaction, None);
    raw(out, b"],\"action\":\"");
    raw(out, action);
    raw(out, b"\",\"recorded\":\"");
    instant(out, view.recorded);
    raw(out, b"\",\"outcome\":\"0\",\"purposeOfEvent\":[");
    purpose(out, view);
    raw(out, b"],\"agent\":[");
    agent(out, systems::PARTICIPATION_TYPE, systems::INFORMATION_RECIPIENT);
    raw(out, b",\"who\":{\"identifier\":{\"system\":\"");
    raw(out, systems::RECIPIENT);
    raw(out, b"\",\"value\":\"");
    whole(out, u64::from(view.recipient.0));
    raw(out, b"\"}");
    text_member(out, "display", Some(view.recipient.1));
    out.push(b'}');
    text_member(out, "name", Some(view.reader));
    raw(out, b",\"requestor\":true,\"purposeOfUse\":[");
    purpose(out, view);
    raw(out, b"]},");
    agent(out, systems::DICOM, client);
    text_member(out, "name", Some(view.client_id));
    raw(out, b",\"requestor\":false},");
    agent(out, systems::DICOM, server);
    raw(out, b",\"who\":{\"display\":\"Sekisho\"},\"requestor\":false}],\"source\":{\"observer\":{\"display\":\"Sekisho\"}},\"entity\":[");
    entity(
        out,
        (systems::AUDIT_ENTITY_TYPE, systems::AUDIT_PERSON),
        Some(systems::AUDIT_ROLE_PATIENT),
        |out| {
            identifier(out, Some(systems::PERSON), &view.person.to_string());
        },
    );
    details(
        out,
        view.identity.iter().map(|line| ("identity-line", (*line).to_owned())),
    );
    raw(out, b"},");
    entity(out, (systems::RESOURCE_TYPES, "Consent"), None, |out| {
        identifier(out, Some(systems::CONSENT_NUMBER), &view.consent.0.to_string());
    });
    details(out, [("version", view.consent.1.to_string())]);
    out.push(b'}');
    if !view.request_id.is_empty() {
        out.push(b',');
        entity(
            out,
            (systems::BASIC_AUDIT_ENTITY, systems::AUDIT_REQUEST_ID),
            None,
            |out| {
                identifier(out, None, view.request_id);
            },
        );
        out.push(b'}');
    }
    for item in view.items {
        raw(out, b",{\"type\":");
        coding(out, systems::AUDIT_ENTITY_TYPE, systems::AUDIT_SYSTEM_OBJECT, None);
        raw(out, b",\"role\":");
        coding(out, systems::AUDIT_ROLE, systems::AUDIT_ROLE_DATA, None);
        raw(out, b",\"name\":");
        string(out, item.category);
        let day = |day: LocalDay| {
            let mut text = Vec::new();
            date(&mut text, day);
            String::from_utf8_lossy(&text).into_owned()
        };
        details(
            out,
            [
                ("detail", item.detail.to_owned()),
                ("first-day", day(item.first_day)),
                ("last-day", day(item.last_day)),
                ("count", item.count.to_string()),
            ],
        );
        out.push(b'}');
    }
    raw(out, b"]}");
}

/// The purpose as a CodeableConcept.
fn purpose(out: &mut Vec<u8>, view: &AuditView<'_>) {
    raw(out, b"{\"coding\":[");
    coding(out, systems::PURPOSE, view.purpose.0, None);
    out.push(b']');
    text_member(out, "text", Some(view.purpose.1));
    out.push(b'}');
}

/// The beginning of an agent of this type.
fn agent(out: &mut Vec<u8>, system: &str, code: &str) {
    raw(out, b"{\"type\":{\"coding\":[");
    coding(out, system, code, None);
    raw(out, b"]}");
}

/// The beginning of an entity that names something.
fn entity(out: &mut Vec<u8>, kind: (&str, &str), role: Option<&str>, what: impl FnOnce(&mut Vec<u8>)) {
    raw(out, b"{\"what\":");
    what(out);
    raw(out, b",\"type\":");
    coding(out, kind.0, kind.1, None);
    if let Some(role) = role {
        raw(out, b",\"role\":");
        coding(out, systems::AUDIT_ROLE, role, None);
    }
}

fn identifier(out: &mut Vec<u8>, system: Option<&str>, value: &str) {
    raw(out, b"{\"identifier\":{");
    if let Some(system) = system {
        raw(out, b"\"system\":\"");
        escaped(out, system);
        raw(out, b"\",");
    }
    raw(out, b"\"value\":");
    string(out, value);
    raw(out, b"}}");
}

/// `,"detail":[…]`; nothing when there is none, since an array may not be empty (FHIR R4, JSON).
fn details(out: &mut Vec<u8>, details: impl IntoIterator<Item = (&'static str, String)>) {
    let mut any = false;
    for (kind, value) in details {
        raw(out, if any { ",{\"type\":" } else { ",\"detail\":[{\"type\":" });
        any = true;
        string(out, kind);
        raw(out, b",\"valueString\":");
        string(out, &value);
        out.push(b'}');
    }
    if any {
        out.push(b']');
    }
}
