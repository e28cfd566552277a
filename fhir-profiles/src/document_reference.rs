//! A checkup's document for those whom the resident lets have documents: where it lies, and its bytes.

use model::vocabulary::systems;
use model::{LocalDay, Metric, UtcMillis};

use crate::json::{escaped, raw, string, whole};
use crate::meta::{head, security};
use crate::prepared::coding;
use crate::time::{date, instant};

/// A document as one recipient may see it.
#[derive(Clone, Copy, Debug)]
pub struct DocumentView<'a> {
    /// The DocumentReference's id for this recipient.
    pub id: &'a str,
    /// The Binary's id for this recipient.
    pub binary: &'a str,
    /// The person's id for this recipient.
    pub patient: &'a str,
    /// The day of the checkup.
    pub day: LocalDay,
    /// What kind of checkup it was.
    pub event: Metric,
    /// What it is, in Japanese.
    pub title: &'a str,
    /// Media type.
    pub content_type: &'a str,
    /// Bytes.
    pub size: u64,
    /// SHA-1 in Base64, as R4 has it (Attachment.hash): it tells bytes that were changed on the way, and protects nothing.
    pub hash: &'a str,
    /// Version, from 1.
    pub version: u32,
    /// When it was stored.
    pub updated: UtcMillis,
}

/// System and code of its type.
#[must_use]
pub fn document_type() -> (&'static str, &'static str) {
    (systems::DOCUMENT_TYPE, systems::CHECKUP_DOCUMENT)
}

/// System and code of its category: what the resident ticks.
#[must_use]
pub fn document_category() -> (&'static str, &'static str) {
    (systems::CONSENT_CATEGORY, model::ConsentCategory::Documents.key())
}

/// Appends the DocumentReference.
pub fn document_reference(out: &mut Vec<u8>, view: &DocumentView<'_>) {
    begin(out, "DocumentReference", view.id, view);
    raw(out, b",\"status\":\"current\",\"type\":{\"coding\":[");
    let (system, code) = document_type();
    coding(out, system, code, Some("検診・健診報告書"));
    raw(out, b"],\"text\":");
    string(out, view.title);
    raw(out, b"},\"category\":[{\"coding\":[");
    let (system, code) = document_category();
    coding(out, system, code, None);
    raw(out, b"]}],\"subject\":{\"reference\":\"Patient/");
    escaped(out, view.patient);
    raw(out, b"\"},\"date\":\"");
    instant(out, view.updated);
    raw(out, b"\",\"content\":[{\"attachment\":{\"contentType\":");
    string(out, view.content_type);
    raw(out, b",\"language\":\"ja-JP\",\"url\":\"Binary/");
    escaped(out, view.binary);
    raw(out, b"\",\"size\":");
    whole(out, view.size);
    raw(out, b",\"hash\":");
    string(out, view.hash);
    raw(out, b",\"title\":");
    string(out, view.title);
    raw(out, b"}}],\"context\":{\"period\":{\"start\":\"");
    date(out, view.day);
    raw(out, b"\",\"end\":\"");
    date(out, view.day);
    raw(out, b"\"}}}");
}

/// Appends the Binary; `data` is Base64. Who may read it is said by its DocumentReference.
pub fn binary(out: &mut Vec<u8>, view: &DocumentView<'_>, data: &str) {
    begin(out, "Binary", view.binary, view);
    raw(out, b",\"contentType\":");
    string(out, view.content_type);
    raw(out, b",\"securityContext\":{\"reference\":\"DocumentReference/");
    escaped(out, view.id);
    raw(out, b"\"},\"data\":\"");
    raw(out, data);
    raw(out, b"\"}");
}

/// Up to the end of `meta`; labelled as the checkup is.
fn begin(out: &mut Vec<u8>, kind: &str, id: &str, view: &DocumentView<'_>) {
    head(out, kind, id, u64::from(view.version), view.updated);
    raw(out, b"\",");
    security(out, &[view.event.row()]);
    out.push(b'}');
}
