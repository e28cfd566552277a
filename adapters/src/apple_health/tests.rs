//! The adapter as a whole: fixtures, containers, damage.

use model::{Accounting, Outcome};
use proptest::prelude::*;

use super::AppleHealth;
use super::synthetic::{Synthetic, write_export, write_zip};
use crate::harness::{Collected, read};
use crate::{Adapter as _, Input, Reading};

const EVERYDAY: &str = include_str!("fixtures/everyday.xml");

fn reasons(accounting: &Accounting) -> Vec<String> {
    accounting
        .reasons
        .iter()
        .map(|((outcome, reason), count)| format!("{outcome}: {reason} {count}"))
        .collect()
}

fn good(bytes: &[u8]) -> (Collected, Reading) {
    let (collected, reading) = read(&AppleHealth, bytes);
    (collected, reading.unwrap())
}

fn synthetic(unsorted: bool) -> Synthetic {
    Synthetic {
        seed: 1,
        first_day: model::LocalDay::from_ymd(2026, 5, 1).unwrap(),
        days: 4,
        exported: None,
        heart_rates: 100,
        with_watch: true,
        unsorted,
    }
}

fn xml(wanted: &Synthetic) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_export(&mut bytes, wanted).unwrap();
    bytes
}

#[test]
fn a_zip_is_found_by_content_whatever_its_name_and_gives_the_same() {
    let mut zip = Vec::new();
    write_zip(&mut zip, &synthetic(false)).unwrap();
    let plain = good(&xml(&synthetic(false))).0.lines();
    assert!(AppleHealth.recognises(&Input {
        bytes: &zip.as_slice(),
        size: zip.len() as u64
    }));
    assert_eq!(good(&zip).0.lines(), plain);
}

#[test]
fn a_zip_that_was_cut_off_gives_what_it_still_holds() {
    let mut zip = Vec::new();
    write_zip(&mut zip, &synthetic(false)).unwrap();
    let (collected, reading) = good(&zip[..zip.len() / 2]);
    assert!(collected.samples().len() > 50, "{}", collected.samples().len());
    assert!(reading.ended.unwrap().to_string().contains("export it again"));
}

#[test]
fn the_order_of_records_changes_nothing() {
    assert_eq!(
        good(&xml(&synthetic(false))).0.lines(),
        good(&xml(&synthetic(true))).0.lines()
    );
}

#[test]
fn a_bomb_is_refused() {
    let mut raw = b"<HealthData>".to_vec();
    raw.resize(400 << 20, b' ');
    let mut zip = Vec::new();
    let mut archive = rawzip::ZipArchiveWriter::new(&mut zip);
    let method = rawzip::CompressionMethod::DEFLATE;
    let (mut entry, config) = archive
        .new_file("export.xml")
        .compression_method(method)
        .start()
        .unwrap();
    let mut writer = config.wrap(flate2::write::DeflateEncoder::new(
        &mut entry,
        flate2::Compression::best(),
    ));
    std::io::Write::write_all(&mut writer, &raw).unwrap();
    let (encoder, descriptor) = writer.finish().unwrap();
    encoder.finish().unwrap();
    entry.finish(descriptor).unwrap();
    archive.finish().unwrap();
    let (_, reading) = good(&zip);
    assert!(reading.ended.unwrap().to_string().contains("bomb"));
}

#[test]
fn a_foreign_xml_and_an_external_entity_are_refused() {
    assert!(
        read(&AppleHealth, b"<ClinicalDocument><HealthData/></ClinicalDocument>")
            .1
            .is_err()
    );
    assert!(read(&AppleHealth, b"hello").1.is_err());
    let attack = EVERYDAY
        .replace("]>", "<!ENTITY x SYSTEM \"file:///etc/passwd\">\n]>")
        .replacen("sourceName=\"iPhone\"", "sourceName=\"&x;\"", 1);
    let (_, reading) = good(attack.as_bytes());
    assert!(reasons(&reading.accounting).contains(&"rejected: unknown-entity 1".to_owned()));
}

#[test]
fn invalid_bytes_beside_good_records_cost_one_record() {
    let mut bytes = EVERYDAY.as_bytes().to_vec();
    let at = EVERYDAY.find("value=\"3300\"").unwrap() + 8;
    bytes[at] = 0xff;
    let (collected, reading) = good(&bytes);
    assert!(reasons(&reading.accounting).contains(&"rejected: invalid-utf8 1".to_owned()));
    assert_eq!(
        collected.samples().len(),
        good(EVERYDAY.as_bytes()).0.samples().len() - 1
    );
}

#[test]
fn every_record_of_a_synthetic_export_is_accounted_for() {
    let (_, reading) = good(&xml(&synthetic(false)));
    assert!(reading.accounting.adds_up());
    assert_eq!(reading.accounting.rejected, 0, "{:?}", reading.accounting);
    assert!(reading.samples > 1_000);
    // Two readings a day, each a correlation whose children and twins are duplicates.
    let twins = (Outcome::Duplicate, "correlation-twin".to_owned());
    assert_eq!(reading.accounting.reasons[&twins], 4 * 2 * 2);
}

proptest! {
    #[test]
    fn cut_flipped_and_deleted_bytes_never_panic_and_lose_few(
        changes in proptest::collection::vec((0..EVERYDAY.len(), any::<u8>(), any::<bool>()), 1..4),
    ) {
        let mut bytes = EVERYDAY.as_bytes().to_vec();
        for (at, byte, delete) in &changes {
            let at = at % bytes.len();
            if *delete {
                bytes.remove(at);
            } else {
                bytes[at] = *byte;
            }
        }
        let whole = good(EVERYDAY.as_bytes()).0.samples().len();
        let (collected, reading) = read(&AppleHealth, &bytes);
        if let Ok(reading) = reading {
            prop_assert!(reading.accounting.adds_up());
            // A change inside the prologue or the root may end the file early, and one of the export's own day may put
            // records behind it; either is then said.
            let is_told = reading.ended.is_some()
                || reasons(&reading.accounting).iter().any(|reason| reason.contains("start-in-future"));
            prop_assert!(is_told || collected.samples().len() + 3 * changes.len() >= whole);
        }
    }
}

#[test]
fn an_element_of_a_later_export_is_kept_as_text_and_counted_and_parts_of_a_workout_are_not() {
    let later =
        "<FutureThing kind=\"a\" startDate=\"2026-05-10 07:00:00 +0900\"><FuturePart/></FutureThing>\n</HealthData>";
    let (before, known) = good(EVERYDAY.as_bytes());
    let (after, reading) = good(EVERYDAY.replace("</HealthData>", later).as_bytes());
    assert_eq!(after.samples().len(), before.samples().len());
    assert_eq!(reading.accounting.received, known.accounting.received + 2);
    assert!(reasons(&reading.accounting).contains(&"unsupported: element-unknown 2".to_owned()));
    assert!(
        !reasons(&known.accounting)
            .iter()
            .any(|reason| reason.contains("element-unknown"))
    );
}
