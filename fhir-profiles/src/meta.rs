//! How every resource begins, and the labels that say how carefully it is to be handled.

use model::UtcMillis;
use model::vocabulary::{MetricRow, systems};

use crate::json::{escaped, raw, whole};
use crate::prepared::{coding, list};
use crate::time::instant;

/// Appends a resource up to the end of its `meta.lastUpdated`, whose closing quote is not written.
#[inline]
pub(crate) fn head(out: &mut Vec<u8>, kind: &str, id: &str, version: u64, updated: UtcMillis) {
    raw(out, b"{\"resourceType\":\"");
    raw(out, kind);
    raw(out, b"\",\"id\":\"");
    escaped(out, id);
    raw(out, b"\",\"meta\":{\"versionId\":\"");
    whole(out, version);
    raw(out, b"\",\"lastUpdated\":\"");
    instant(out, updated);
}

/// Appends `meta.security` of what holds values of these metrics: the most careful confidentiality among them, and every reason for
/// care (HL7 v3 Confidentiality and ActCode, R4 "Security Labels").
pub(crate) fn security(out: &mut Vec<u8>, rows: &[&MetricRow]) {
    let place = |code: &str| ["N", "R", "V"].iter().position(|known| *known == code);
    let confidentiality = rows
        .iter()
        .map(|row| row.confidentiality)
        .max_by_key(|code| place(code));
    let mut labels: Vec<(&str, &str)> = Vec::new();
    labels.extend(confidentiality.map(|code| (systems::CONFIDENTIALITY, code)));
    for code in rows.iter().filter_map(|row| row.act_code) {
        if !labels.contains(&(systems::ACT_CODE, code)) {
            labels.push((systems::ACT_CODE, code));
        }
    }
    if rows.iter().any(|row| row.special_care) {
        labels.push((systems::SEKISHO, systems::own::SPECIAL_CARE));
    }
    raw(out, b"\"security\":");
    list(out, &labels, |out, (system, code)| coding(out, system, code, None));
}

#[cfg(test)]
mod tests {
    use model::Metric;

    use super::security;

    fn labels(keys: &[&str]) -> Vec<String> {
        let metrics = keys.iter().map(|key| Metric::from_key(key).unwrap());
        let rows: Vec<_> = metrics.map(Metric::row).collect();
        let mut out = b"{".to_vec();
        security(&mut out, &rows);
        out.push(b'}');
        let read: serde_json::Value = serde_json::from_slice(&out).unwrap();
        let labels = read["security"].as_array().unwrap();
        labels
            .iter()
            .map(|label| label["code"].as_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn the_most_careful_label_wins_and_each_reason_is_said_once() {
        assert_eq!(labels(&["step_count"]), ["N"]);
        assert_eq!(
            labels(&["step_count", "alcohol_drinks", "blood_alcohol_content"]),
            ["R", "ETH"]
        );
        assert_eq!(
            labels(&["checkup_specific", "alcohol_drinks", "step_count"]),
            ["R", "ETH", "appi-special-care"]
        );
    }
}
