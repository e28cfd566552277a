//! Provenance: how the current version of an Observation came, told at no cost from its delivery or, for a computed day, from
//! what the day was computed from.

use model::vocabulary::systems;

use crate::json::{escaped, presentable, raw, string};
use crate::meta::head;
use crate::prepared::coding;
use crate::time::{date, instant};
use crate::view::{Origin, ProvenanceView};

/// Appends the Provenance of an Observation: the device or the vendor as author, the gateway as assembler, and the person
/// as informant of what they typed.
pub fn provenance(out: &mut Vec<u8>, view: &ProvenanceView<'_>) {
    head(out, "Provenance", view.id, u64::from(view.version), view.recorded);
    raw(out, b"\"},\"target\":[{\"reference\":\"Observation/");
    escaped(out, view.observation);
    raw(out, b"\"}],");
    occurred(out, view.origin);
    raw(out, b",\"recorded\":\"");
    instant(out, view.recorded);
    raw(out, b"\",\"policy\":[");
    policy(out, view.origin);
    raw(out, b"],\"activity\":{\"coding\":[");
    coding(out, systems::DATA_OPERATION, view.activity.code(), None);
    raw(out, b"]},\"agent\":[");
    match view.origin {
        Origin::Delivered {
            device,
            manual,
            adapter,
            ..
        } => {
            if manual {
                agent(out, "informant", |out| reference(out, "Patient", view.patient));
                out.push(b',');
            } else if let Some(device) = device {
                agent(out, "author", |out| reference(out, "Device", device));
                out.push(b',');
            }
            if let Some(adapter) = presentable(adapter) {
                agent(out, "transmitter", |out| display(out, &adapter));
                out.push(b',');
            }
            agent(out, "assembler", |out| display(out, "Sekisho"));
            out.push(b']');
        }
        Origin::Computed { devices, .. } => {
            agent(out, "author", |out| display(out, "Sekisho"));
            out.push(b']');
            entities(out, devices);
        }
    }
    out.push(b'}');
}

/// When it was obtained; of a computed day, the day.
fn occurred(out: &mut Vec<u8>, origin: Origin<'_>) {
    match origin {
        Origin::Delivered { obtained, .. } => {
            raw(out, b"\"occurredDateTime\":\"");
            instant(out, obtained);
            out.push(b'"');
        }
        Origin::Computed { day, .. } => {
            raw(out, b"\"occurredPeriod\":{\"start\":\"");
            date(out, day);
            raw(out, b"\",\"end\":\"");
            date(out, day);
            raw(out, b"\"}");
        }
    }
}

/// The devices that a day was computed from; an array may not be empty (FHIR R4, JSON).
fn entities(out: &mut Vec<u8>, devices: &[String]) {
    for (index, device) in devices.iter().enumerate() {
        raw(out, if index == 0 { ",\"entity\":[" } else { "," });
        raw(out, b"{\"role\":\"source\",\"what\":");
        reference(out, "Device", device);
        out.push(b'}');
    }
    if !devices.is_empty() {
        out.push(b']');
    }
}

/// What read the delivery, or computed the day: `<base>/<name>/<version>`. Only what a URL may hold as it is.
fn policy(out: &mut Vec<u8>, origin: Origin<'_>) {
    let (name, version) = match origin {
        Origin::Delivered {
            adapter,
            mapping_version,
            ..
        } => (adapter, mapping_version),
        Origin::Computed { algorithm, .. } => ("days", algorithm),
    };
    let name: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .collect();
    string(out, &format!("{}/{name}/{version}", systems::MAPPING));
}

fn agent(out: &mut Vec<u8>, kind: &str, who: impl FnOnce(&mut Vec<u8>)) {
    raw(out, b"{\"type\":{\"coding\":[");
    coding(out, systems::PROVENANCE_PARTICIPANT, kind, None);
    raw(out, b"]},\"who\":");
    who(out);
    out.push(b'}');
}

fn reference(out: &mut Vec<u8>, resource_type: &str, id: &str) {
    raw(out, b"{\"reference\":\"");
    raw(out, resource_type);
    out.push(b'/');
    escaped(out, id);
    raw(out, b"\"}");
}

fn display(out: &mut Vec<u8>, text: &str) {
    raw(out, b"{\"display\":");
    string(out, text);
    out.push(b'}');
}
