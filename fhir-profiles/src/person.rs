//! Patient and Device: who and with what, no more than the resident granted.

use model::source::SourceKind;
use model::vocabulary::systems;

use crate::json::{escaped, raw, string, text_member, whole};
use crate::meta::head;
use crate::prepared::coding;
use crate::time::{date, instant};
use crate::view::{DeviceView, PatientView};

/// Appends the Patient: its id, and what of the person was granted.
pub fn patient(out: &mut Vec<u8>, view: &PatientView<'_>) {
    raw(out, b"{\"resourceType\":\"Patient\",\"id\":\"");
    escaped(out, view.id);
    out.push(b'"');
    if view.version.is_some() || view.updated.is_some() {
        raw(out, b",\"meta\":{");
        if let Some(version) = view.version {
            raw(out, b"\"versionId\":\"");
            whole(out, version);
            out.push(b'"');
        }
        if let Some(updated) = view.updated {
            raw(
                out,
                if view.version.is_some() {
                    &b",\"lastUpdated\":\""[..]
                } else {
                    &b"\"lastUpdated\":\""[..]
                },
            );
            instant(out, updated);
            out.push(b'"');
        }
        out.push(b'}');
    }
    extensions(out, view);
    if let Some(id) = view.linking_id {
        raw(out, b",\"identifier\":[{\"system\":");
        string(out, systems::LINKING_ID);
        raw(out, b",\"value\":");
        string(out, id);
        raw(out, b"}]");
    }
    granted_text(out, "name", view.name);
    if let Some(gender) = view.gender {
        raw(out, b",\"gender\":\"");
        raw(out, gender.code());
        out.push(b'"');
    }
    if let Some(day) = view.birth_date {
        raw(out, b",\"birthDate\":\"");
        date(out, day);
        out.push(b'"');
    }
    granted_text(out, "address", view.address);
    out.push(b'}');
}

/// `,"name":[{"text":…}]`
fn granted_text(out: &mut Vec<u8>, name: &str, text: Option<&str>) {
    if let Some(text) = text.and_then(crate::json::presentable) {
        raw(out, b",\"");
        raw(out, name);
        raw(out, b"\":[{\"text\":");
        string(out, &text);
        raw(out, b"}]");
    }
}

/// What has no element of its own: the band of ages, and where the person belongs.
fn extensions(out: &mut Vec<u8>, view: &PatientView<'_>) {
    let memberships = [
        (systems::MUNICIPALITY_MEMBER, view.municipality),
        (systems::INSURANCE_MEMBER, view.insurance),
    ];
    let given = memberships.into_iter().filter_map(|(url, member)| Some((url, member?)));
    let mut lead: &[u8] = b",\"extension\":[";
    if let Some(decade) = view.age_band {
        raw(out, lead);
        age_band(out, decade);
        lead = b",";
    }
    for (url, member) in given {
        raw(out, lead);
        raw(out, b"{\"url\":");
        string(out, url);
        raw(
            out,
            if member {
                &b",\"valueBoolean\":true}"[..]
            } else {
                b",\"valueBoolean\":false}"
            },
        );
        lead = b",";
    }
    if lead == b"," {
        out.push(b']');
    }
}

/// The ten years of age a person is in, as a range in years.
fn age_band(out: &mut Vec<u8>, decade: u8) {
    let years = |out: &mut Vec<u8>, years: u64| {
        raw(out, b"{\"value\":");
        whole(out, years);
        raw(out, b",\"unit\":\"years\",\"system\":\"");
        raw(out, systems::UCUM);
        raw(out, b"\",\"code\":\"");
        raw(out, systems::UCUM_YEAR);
        raw(out, b"\"}");
    };
    raw(out, b"{\"url\":");
    string(out, systems::AGE_BAND);
    raw(out, b",\"valueRange\":{\"low\":");
    years(out, u64::from(decade));
    raw(out, b",\"high\":");
    years(out, u64::from(decade) + 9);
    raw(out, b"}}");
}

/// Appends the Device: maker and model. Never a serial number, and never its name, which may be the owner's.
pub fn device(out: &mut Vec<u8>, view: &DeviceView<'_>) {
    let source = view.source;
    head(out, "Device", view.id, u64::from(view.version), view.updated);
    raw(out, b"\"}");
    text_member(out, "manufacturer", source.manufacturer.as_deref());
    if let Some(model) = source.model.as_deref().and_then(crate::json::presentable) {
        raw(out, b",\"deviceName\":[{\"name\":");
        string(out, &model);
        raw(out, b",\"type\":\"model-name\"}]");
    }
    text_member(
        out,
        "modelNumber",
        source.hardware.as_deref().or(source.model.as_deref()),
    );
    if source.kind != SourceKind::Unknown {
        raw(out, b",\"type\":{\"coding\":[");
        coding(out, systems::SEKISHO, kind_key(source.kind), None);
        raw(out, b"]}");
    }
    raw(out, b",\"patient\":{\"reference\":\"Patient/");
    escaped(out, view.patient);
    raw(out, b"\"}}");
}

fn kind_key(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Watch => "watch",
        SourceKind::Band => "band",
        SourceKind::Ring => "ring",
        SourceKind::Phone => "phone",
        SourceKind::Pedometer => "pedometer",
        SourceKind::App => "app",
        SourceKind::Instrument => "instrument",
        SourceKind::SleepMat => "sleep-mat",
        SourceKind::Unknown => "unknown",
        SourceKind::Document => "document",
    }
}
