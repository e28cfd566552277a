//! What must hold for every row of the tables.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// Number and key of the first and last row, and a checksum over all: a number that changes or is used again breaks ids
/// and stored samples, so this list may only grow at its end.
fn checksum(rows: &[MetricRow]) -> u64 {
    // FNV-1a, 64 bits.
    rows.iter()
        .flat_map(|row| format!("{}={};", row.number, row.key).into_bytes())
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
}

#[test]
fn numbers_and_keys_never_change() {
    assert_eq!(
        METRICS.len(),
        357,
        "a row was added: extend this test by a line for the new rows"
    );
    assert_eq!((METRICS[0].number, METRICS[0].key), (1, "step_count"));
    assert_eq!((METRICS[317].number, METRICS[317].key), (318, "guidance_process"));
    assert_eq!((METRICS[320].number, METRICS[320].key), (321, "sleep_hours_typed"));
    assert_eq!(checksum(&METRICS[..321]), CHECKSUM_OF_321);
    assert_eq!((METRICS[338].number, METRICS[338].key), (339, "checkup_other"));
    assert_eq!(checksum(&METRICS[..339]), CHECKSUM_OF_339);
    assert_eq!((METRICS[339].number, METRICS[339].key), (340, "guidance_specific"));
    assert_eq!((METRICS[356].number, METRICS[356].key), (357, "rectal_endoscopy"));
    assert_eq!(checksum(METRICS), CHECKSUM_OF_357);
}

const CHECKSUM_OF_321: u64 = 9_670_769_583_161_746_052;
const CHECKSUM_OF_339: u64 = 14_695_463_734_270_155_269;
const CHECKSUM_OF_357: u64 = 831_748_023_870_437_726;

#[test]
fn every_row_reads_back_by_number_and_by_key() {
    for row in METRICS {
        let metric = Metric::from_key(row.key).unwrap();
        assert_eq!(metric.number(), row.number);
        assert_eq!(Metric::from_number(row.number), Some(metric));
        assert!(row.number < 4096, "ids have 12 bits for it");
    }
    assert_eq!(Metric::from_number(0), None);
    assert_eq!(Metric::from_key("no_such_metric"), None);
}

#[test]
fn every_row_has_names_in_both_languages() {
    for row in METRICS {
        assert!(!row.name_en.is_empty() && !row.name_ja.is_empty(), "{}", row.key);
        assert!(
            row.key
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'),
            "{}",
            row.key
        );
    }
}

#[test]
fn ranges_are_sane() {
    for row in METRICS {
        if let (Some(low), Some(high)) = (row.plausible_min, row.plausible_max) {
            assert!(low.compare(high).is_lt(), "{}: plausible range", row.key);
            if let Some(reject) = row.reject_min {
                assert!(reject.compare(low).is_le(), "{}: rejects what is plausible", row.key);
            }
            if let Some(reject) = row.reject_max {
                assert!(reject.compare(high).is_ge(), "{}: rejects what is plausible", row.key);
            }
        }
        if row.shape == Shape::Quantity {
            assert!(!row.unit.is_empty(), "{}: a number needs a unit", row.key);
        }
    }
}

/// The check digit of a LOINC code (LOINC Users' Guide, appendix on the Mod 10 check digit).
fn loinc_is_well_formed(code: &str) -> bool {
    let Some((number, check)) = code.split_once('-') else {
        return false;
    };
    if number.is_empty() || number.len() > 7 || !number.bytes().all(|byte| byte.is_ascii_digit()) || check.len() != 1 {
        return false;
    }
    let sum: u32 = number
        .bytes()
        .rev()
        .enumerate()
        .map(|(index, byte)| {
            let digit = u32::from(byte - b'0') * if index % 2 == 0 { 2 } else { 1 };
            digit / 10 + digit % 10
        })
        .sum();
    check.parse() == Ok((10 - sum % 10) % 10)
}

#[test]
fn codes_are_well_formed() {
    for row in METRICS {
        for code in row.loinc {
            assert!(loinc_is_well_formed(code), "{}: {code}", row.key);
        }
        for code in row.jlac10 {
            assert!(
                code.len() == 17 && code.bytes().all(|b| b.is_ascii_alphanumeric()),
                "{}: {code}",
                row.key
            );
        }
        assert!(["N", "R", "V"].contains(&row.confidentiality), "{}", row.key);
        if let Shape::Components(components) = row.shape {
            for component in components {
                assert!(
                    component.loinc.is_none_or(loinc_is_well_formed),
                    "{}: {}",
                    row.key,
                    component.key
                );
                assert!(
                    component.unit.is_empty() != component.codes.is_empty(),
                    "{}: {}",
                    row.key,
                    component.key
                );
            }
        }
        for profile in row.profiles {
            assert!(
                !profile.contains("LabResult"),
                "{}: claims a profile that demands a specimen",
                row.key
            );
        }
    }
    assert!(!loinc_is_well_formed("8867-5"));
}

#[test]
fn lists_have_unique_numbers_and_keys() {
    for row in METRICS {
        let Shape::Code(entries) = row.shape else { continue };
        let numbers: BTreeSet<u32> = entries.iter().map(|entry| entry.number).collect();
        let keys: BTreeSet<&str> = entries.iter().map(|entry| entry.key).collect();
        assert_eq!(
            (numbers.len(), keys.len()),
            (entries.len(), entries.len()),
            "{}",
            row.key
        );
    }
}

#[test]
fn a_jlac10_item_belongs_to_one_metric() {
    let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
    for row in METRICS {
        for code in row.jlac10 {
            assert_eq!(owners.insert(code, row.key), None, "{code} stands twice");
        }
    }
}

#[test]
fn every_category_is_used_and_sensitive_ones_say_so() {
    let used: BTreeSet<ConsentCategory> = METRICS.iter().map(|row| row.category).collect();
    let with_metrics = ConsentCategory::ALL.iter().filter(|category| !category.is_whole());
    assert_eq!(used.len(), with_metrics.count());
    for row in METRICS {
        let sensitive = matches!(
            row.category,
            ConsentCategory::Glucose
                | ConsentCategory::Medication
                | ConsentCategory::Reproductive
                | ConsentCategory::Mental
                | ConsentCategory::Routes
                | ConsentCategory::Infection
        );
        assert!(row.sensitive || !sensitive, "{}", row.key);
    }
}

#[test]
fn a_daily_total_names_its_interval_metric() {
    for metric in Metric::all() {
        if let Some(daily) = metric.daily() {
            assert_eq!(daily.interval_of_daily(), Some(metric));
            assert_eq!(daily.temporal(), Temporal::DailyTotal);
            assert_eq!(daily.category(), metric.category());
        }
    }
}
