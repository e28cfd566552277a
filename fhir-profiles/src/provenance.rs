//! Provenance: how the current version of an Observation came, told from its delivery at no cost.

use model::vocabulary::systems;

use crate::json::{escaped, presentable, raw, string, whole};
use crate::prepared::coding;
use crate::time::instant;
use crate::view::ProvenanceView;

/// Appends the Provenance of an Observation: the device or the vendor as author, the gateway as assembler, and the person
/// as informant of what they typed.
pub fn provenance(out: &mut Vec<u8>, view: &ProvenanceView<'_>) {
    raw(out, b"{\"resourceType\":\"Provenance\",\"id\":\"");
    escaped(out, view.id);
    raw(out, b"\",\"meta\":{\"versionId\":\"");
    whole(out, u64::from(view.version));
    raw(out, b"\",\"lastUpdated\":\"");
    instant(out, view.recorded);
    raw(out, b"\"},\"target\":[{\"reference\":\"Observation/");
    escaped(out, view.observation);
    raw(out, b"\"}],\"occurredDateTime\":\"");
    instant(out, view.obtained);
    raw(out, b"\",\"recorded\":\"");
    instant(out, view.recorded);
    raw(out, b"\",\"policy\":[");
    policy(out, view);
    raw(out, b"],\"activity\":{\"coding\":[");
    coding(out, systems::DATA_OPERATION, view.activity.code(), None);
    raw(out, b"]},\"agent\":[");
    if view.manual {
        agent(out, "informant", |out| reference(out, "Patient", view.patient));
        out.push(b',');
    } else if let Some(device) = view.device {
        agent(out, "author", |out| reference(out, "Device", device));
        out.push(b',');
    }
    if let Some(adapter) = presentable(view.adapter) {
        agent(out, "transmitter", |out| display(out, &adapter));
        out.push(b',');
    }
    agent(out, "assembler", |out| display(out, "Sekisho"));
    raw(out, b"]}");
}

/// The mapping that read the delivery: `<base>/<adapter>/<version>`. Only what a URL may hold as it is.
fn policy(out: &mut Vec<u8>, view: &ProvenanceView<'_>) {
    let adapter: String = view
        .adapter
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .collect();
    string(out, &format!("{}/{adapter}/{}", systems::MAPPING, view.mapping_version));
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
