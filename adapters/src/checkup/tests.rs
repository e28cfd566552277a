use std::io::Read as _;

use model::checkup::items::{ANSWERS, ROOT, answer_of, list_oid};
use model::checkup::{Checkup, Finding, Found, Item, Kind, Range};
use model::{Decimal, LocalDay, Outcome};
use proptest::prelude::*;

use super::synthetic::{MadeUp, document};
use super::*;
use crate::harness;

mod bundles;
mod bundles_in_xml;
mod contents;
mod deep;
mod elements;
mod encodings;
mod limits;
mod methods;
mod mutated;
mod names;
mod own;
mod several;
mod structure;
mod tables;

pub(super) use encodings::utf16;

pub(super) fn checkups(bytes: &[u8]) -> (Vec<Checkup>, Result<Reading, AdapterError>) {
    let (collected, reading) = harness::read(&CheckupDocuments, bytes);
    let checkups = collected.pieces.into_iter().filter_map(|piece| match piece {
        Handed::Checkup(brought) => Some(brought.checkup),
        _ => None,
    });
    (checkups.collect(), reading)
}

/// Reads one document that somebody changed.
fn read(text: &str) -> (Checkup, Reading) {
    let (mut read, reading) = checkups(text.as_bytes());
    assert_eq!(
        read.len(),
        1,
        "{:?}",
        reading.as_ref().map(|reading| &reading.accounting)
    );
    (read.remove(0), reading.unwrap())
}

fn empty(day: &str) -> Checkup {
    Checkup {
        day: LocalDay::parse(day).unwrap(),
        written: LocalDay::parse("2026-04-01").unwrap(),
        findings: Vec::new(),
        ..MadeUp::of(1).checkup(2025)
    }
}

fn finding(item: Item, result: Found) -> Finding {
    Finding::new(item, result)
}

/// A result of an item, as the form has it.
fn usual(item: Item, day: LocalDay) -> Found {
    let row = item.row();
    match row.kind {
        Kind::Quantity => Found::Quantity(Decimal::new(712, 1), row.unit.to_owned()),
        Kind::Ordered | Kind::Coded => Found::Answer(list_oid(item.list_on(day)), "1".to_owned()),
        Kind::Text => Found::Text("所見なし\n二行目 <&>".to_owned()),
    }
}

fn observation(value: &str) -> String {
    let made = document(&empty("2025-06-01"));
    let place = made.find("</section>").unwrap();
    format!("{}<entry>{value}</entry>{}", &made[..place], &made[place..])
}

/// A document of a package, unpacked.
fn plain_of(original: &package::Original) -> Vec<u8> {
    match original {
        package::Original::Plain(bytes) => bytes.clone(),
        package::Original::Deflated { bytes, unpacked } => {
            let mut plain = Vec::with_capacity(*unpacked);
            flate2::read::DeflateDecoder::new(&bytes[..])
                .read_to_end(&mut plain)
                .unwrap();
            assert_eq!(plain.len(), *unpacked);
            plain
        }
    }
}

#[test]
fn every_item_goes_in_and_comes_out_once() {
    for day in ["2019-06-01", "2025-06-01"] {
        let mut written = empty(day);
        written.findings = Item::all()
            .map(|item| finding(item, usual(item, written.day)))
            .collect();
        let (mut read, reading) = read(&document(&written));
        read.findings.sort_by_key(|finding| finding.item);
        assert_eq!(read, written, "{day}");
        assert_eq!((reading.samples, reading.accounting.received), (604, 0));
    }
}

#[test]
fn every_answer_of_every_list_is_read_whatever_its_item() {
    let smoking = Item::from_code("9N736000000000011").unwrap();
    for (list, code, name) in ANSWERS {
        assert_eq!(answer_of(&list_oid(list), code), Some(*name));
        let mut written = empty("2025-06-01");
        written.findings = vec![finding(smoking, Found::Answer(list_oid(list), (*code).to_owned()))];
        assert_eq!(read(&document(&written)).0, written, "{list} {code}");
    }
}

#[test]
fn what_was_not_done_or_not_measurable_or_beyond_a_limit_is_told_apart() {
    let item = Item::from_code("9A751000000000001").unwrap();
    for result in [
        Found::NotPerformed,
        Found::NotMeasurable,
        Found::AtLeast(Decimal::whole(300), "mm[Hg]".to_owned()),
        Found::AtMost(Decimal::whole(60), "mm[Hg]".to_owned()),
    ] {
        let mut written = empty("2025-06-01");
        written.findings = vec![finding(item, result)];
        assert_eq!(read(&document(&written)).0.findings, written.findings);
    }
}

#[test]
fn what_stands_around_a_value_is_kept() {
    let mut written = empty("2025-06-01");
    written.findings = vec![Finding {
        interpretation: Some('H'),
        method: Some("3D04620000".to_owned()),
        range: Some(Range {
            low: None,
            high: Some((Decimal::new(55, 1), "%".to_owned())),
        }),
        doctor: Some("見本 医師".to_owned()),
        day: LocalDay::parse("2025-06-03"),
        ..finding(
            Item::from_code("3D046000001920402").unwrap(),
            Found::Quantity(Decimal::new(580, 2), "%".to_owned()),
        )
    }];
    assert_eq!(read(&document(&written)).0, written);
}

#[test]
fn full_width_codes_and_numbers_are_what_they_mean() {
    let (read, _) = read(&observation(
        "<observation><code code=\"９N００６０００００００００００１\" codeSystem=\"1.2.392.200119.6.1005\"/><value xsi:type=\"PQ\" value=\" ６５．２０ \" unit=\"kg\"/></observation>",
    ));
    assert_eq!(read.findings[0].item.row().code, "9N006000000000001");
    assert_eq!(
        read.findings[0].result,
        Found::Quantity(Decimal::new(6520, 2), "kg".to_owned())
    );
}

#[test]
fn a_list_that_is_left_out_is_that_of_the_day() {
    let smoking = "<observation><code code=\"9N736000000000011\"/><value xsi:type=\"CD\" code=\"2\"/></observation>";
    for (day, list) in [("20240331", "6.2003"), ("20240401", "6.24060")] {
        let text = observation(smoking).replace(
            "<effectiveTime value=\"20250601\"/>",
            &format!("<effectiveTime value=\"{day}\"/>"),
        );
        let found = &read(&text).0.findings[0].result;
        assert_eq!(*found, Found::Answer(format!("{ROOT}{list}"), "2".to_owned()), "{day}");
    }
}

#[test]
fn a_list_that_is_left_out_is_that_of_the_screening() {
    let inspection = "<observation><code code=\"9N291160700000011\"/><value xsi:type=\"CD\" code=\"1\"/></observation>";
    for (report, list) in [("42", "1.2.392.200119.6.2002"), ("54", "1.2.392.100495.100.2050")] {
        let made = document(&Checkup {
            report: report.to_owned(),
            ..empty("2025-06-01")
        });
        let text = made.replace("</section>", &format!("<entry>{inspection}</entry></section>"));
        let found = &read(&text).0.findings[0].result;
        assert_eq!(*found, Found::Answer(list.to_owned(), "1".to_owned()), "{report}");
    }
}

#[test]
fn readings_of_one_item_are_told_apart() {
    let twice = "<observation><code code=\"9N006000000000001\"/><value xsi:type=\"PQ\" value=\"65.2\"/><value xsi:type=\"PQ\" value=\"65.4\"/></observation>";
    let (read, _) = read(&observation(twice));
    let readings: Vec<_> = read
        .findings
        .iter()
        .map(|finding| (finding.reading, finding.number().unwrap().0))
        .collect();
    assert_eq!(readings, [(0, Decimal::new(652, 1)), (1, Decimal::new(654, 1))]);
    let (many, reading) = self::read(&observation(&twice.repeat(20)));
    assert_eq!(many.findings.len(), 16);
    assert_eq!(reading.accounting.rejected, 12);
}

#[test]
fn what_cannot_be_read_says_why_and_takes_nothing_else_with_it() {
    let weight = "<observation><code code=\"9N006000000000001\"/><value xsi:type=\"PQ\" value=\"65.2\"/></observation>";
    for (broken, outcome, reason) in [
        (
            "<observation><code code=\"9N006000000000001\"/></observation>",
            Outcome::Rejected,
            "no-value",
        ),
        (
            "<observation><code code=\"9N006000000000001\"/><value xsi:type=\"PQ\" value=\"65,2\"/></observation>",
            Outcome::Rejected,
            "not-a-number",
        ),
        (
            "<observation><code code=\"9N006000000000001\"/><value xsi:type=\"PQ\"/></observation>",
            Outcome::Rejected,
            "no-value",
        ),
        (
            "<observation><code code=\"9N006000000000001\"/><value xsi:type=\"II\"/></observation>",
            Outcome::Rejected,
            "type-of-value",
        ),
        (
            "<observation><code code=\"9N736000000000011\"/><value xsi:type=\"CD\"/></observation>",
            Outcome::Rejected,
            "no-code",
        ),
        (
            "<observation><code code=\"9N511000000000049\"/><value xsi:type=\"ST\"> </value></observation>",
            Outcome::Rejected,
            "empty-text",
        ),
        (
            "<observation><code code=\"9N006000000000001\"/><value xsi:type=\"CD\" code=\"H\" codeSystem=\"2.16.840.1.113883.5.83\"/></observation>",
            Outcome::Rejected,
            "limit-without-its-number",
        ),
        (
            "<observation><code code=\"Z9N06000000000001\"/><value xsi:type=\"PQ\" value=\"60\"/></observation>",
            Outcome::Unsupported,
            "item Z9N06000000000001",
        ),
        (
            "<observation><code code=\"9N006000000000001\" codeSystem=\"1.2.392.200119.6.1006\"/><value xsi:type=\"PQ\" value=\"60\"/></observation>",
            Outcome::Unsupported,
            "item 9N006000000000001",
        ),
    ] {
        let (read, reading) = read(&observation(&format!("{broken}</entry><entry>{weight}")));
        assert_eq!(read.findings.len(), 1, "{reason}");
        let reasons: Vec<_> = reading.accounting.reasons.keys().cloned().collect();
        assert_eq!(reasons, [(outcome, reason.to_owned())]);
    }
}

#[test]
fn a_document_that_does_not_say_when_it_was_is_kept_aside() {
    let made = document(&empty("2025-06-01"));
    let event = made.find("<documentationOf>").unwrap()..made.find("</documentationOf>").unwrap() + 18;
    for (text, reason) in [
        (made.replace(&made[event.clone()], ""), "no-exam-date"),
        (
            made.replace(
                "<effectiveTime value=\"20250601\"/>",
                "<effectiveTime value=\"20250631\"/>",
            ),
            "no-exam-date",
        ),
        (
            made.replace("<effectiveTime value=\"20260401\"/>", "<effectiveTime/>"),
            "no-date-of-document",
        ),
        (
            made.replace(
                "<effectiveTime value=\"20260401\"/>",
                "<effectiveTime value=\"20240401\"/>",
            ),
            "implausible-date",
        ),
        (made.replace("code=\"010\"", "code=\"100\""), "health-guidance 10"),
    ] {
        let (read, reading) = checkups(text.as_bytes());
        let reasons = reading.unwrap().accounting.reasons;
        assert!(read.is_empty());
        assert_eq!(
            reasons.keys().map(|(_, reason)| reason.as_str()).collect::<Vec<_>>(),
            [reason]
        );
    }
}

#[test]
fn a_request_to_delete_is_one_record() {
    for report in ["19", "49", "69", "79", "89"] {
        let mut written = MadeUp::of(3).checkup(2025);
        report.clone_into(&mut written.report);
        let (read, reading) = read(&document(&written));
        assert!(read.is_deletion() && read.findings.is_empty());
        assert_eq!(reading.samples, 1);
    }
}

#[test]
fn a_document_in_the_encoding_of_old_systems_is_read() {
    let made = MadeUp::of(3).checkup(2020);
    let text = document(&made).replace("encoding=\"UTF-8\"", "encoding=\"Shift_JIS\"");
    let (bytes, _, _) = encoding_rs::SHIFT_JIS.encode(&text);
    let (read, _) = checkups(&bytes);
    assert_eq!(read[0].subject, made.subject);
}

#[test]
fn individual_numbers_refuse_the_whole_file() {
    let made = document(&MadeUp::of(3).checkup(2025));
    for bearing in [
        made.replace("<patient>", "<個人番号>123456789018</個人番号><patient>"),
        made.replace(
            "<patient>",
            "<id root=\"1.2.3\" extension=\"123456789018\" assigningAuthorityName=\"マイナンバー\"/><patient>",
        ),
        made.replace("<patient>", "<patient myNumber=\"123456789018\">"),
    ] {
        let (read, reading) = checkups(bearing.as_bytes());
        assert!(read.is_empty());
        let error = reading.unwrap_err();
        assert!(matches!(error, AdapterError::IndividualNumber), "{error}");
        assert!(!error.to_string().contains("1234"));
    }
    let other = made.replace(
        "<patient>",
        "<id root=\"1.2.3\" extension=\"123456789018\" assigningAuthorityName=\"KDB個人番号\"/><patient>",
    );
    assert_eq!(
        checkups(other.as_bytes()).0.len(),
        1,
        "one number that passes proves nothing"
    );
}

#[test]
fn entities_and_other_roots_are_refused() {
    let made = document(&MadeUp::of(3).checkup(2025));
    let entity = made.replacen(
        "<ClinicalDocument",
        "<!DOCTYPE x [<!ENTITY a \"b\">]><ClinicalDocument",
        1,
    );
    assert!(matches!(
        checkups(entity.as_bytes()).1,
        Err(AdapterError::Refused { .. })
    ));
    let deep = made.replace("<patient>", &"<a>".repeat(100));
    assert!(matches!(checkups(deep.as_bytes()).1, Err(AdapterError::Refused { .. })));
}

/// A ZIP of stored entries, as written by hand.
fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = rawzip::ZipArchiveWriter::new(Vec::new());
    for (path, bytes) in entries {
        let (mut entry, config) = writer.new_file(path).start().unwrap();
        let mut data = config.wrap(&mut entry);
        std::io::Write::write_all(&mut data, bytes).unwrap();
        let (_, descriptor) = data.finish().unwrap();
        entry.finish(descriptor).unwrap();
    }
    writer.finish().unwrap()
}

#[test]
fn a_package_is_read_by_what_is_in_it() {
    let [one, two] = [1, 2].map(|seed| document(&MadeUp::of(seed).checkup(2024)));
    let index = "<index xmlns=\"http://tokuteikenshin.jp/checkup/2007\"><totalRecordCount value=\"2\"/></index>";
    let package = zip(&[
        ("p/ix08_V08.xml", index.as_bytes()),
        ("p/XSD/hc08_V08.xsd", b"<schema/>"),
        ("p/DATA/h1.xml", one.as_bytes()),
        (
            "p/DATA/h2.xml",
            b"<ClinicalDocument><code codeSystem=\"1.2.392.200119.6.1001\"",
        ),
        ("p/DATA/h3.xml", two.as_bytes()),
        ("p/CLAIMS/c1.xml", b"<checkupClaim/>"),
        ("p/DATA/x.xml", b"<other/>"),
    ]);
    let input = Input {
        bytes: &package.as_slice(),
        size: package.len() as u64,
    };
    assert!(CheckupDocuments.recognises(&input));
    let (read, reading) = checkups(&package);
    assert_eq!(read.len(), 2);
    let counted = reading.unwrap().accounting;
    assert_eq!((counted.rejected, counted.unsupported), (1, 4));
}

proptest! {
    #[test]
    fn made_up_checkups_come_out_as_they_were_written(seed in any::<u64>(), year in 2013i32..2027) {
        let made = MadeUp::of(seed).checkup(year);
        let (mut read, _) = checkups(document(&made).as_bytes());
        let mut read = read.remove(0);
        let order = |findings: &mut Vec<Finding>| findings.sort_by_key(|finding| (finding.item, finding.reading));
        let mut made = made;
        order(&mut read.findings);
        order(&mut made.findings);
        prop_assert_eq!(read, made);
    }
}

#[test]
fn individual_numbers_in_any_file_of_a_package_keep_all_of_it_out() {
    let [one, two] = [1, 2].map(|seed| document(&MadeUp::of(seed).checkup(2024)));
    for bearing in [
        two.replace("<patient>", "<個人番号>123456789018</個人番号><patient>"),
        two.replace("<patient>", "<patient My_Number=\"123456789018\">"),
    ] {
        let archive = zip(&[("DATA/h1.xml", one.as_bytes()), ("DATA/h2.xml", bearing.as_bytes())]);
        let (read, reading) = checkups(&archive);
        assert!(read.is_empty() && matches!(reading, Err(AdapterError::IndividualNumber)));
        let input = Input {
            bytes: &archive.as_slice(),
            size: archive.len() as u64,
        };
        let mut handed = 0;
        let taken = package::zip(&input, &mut |_| {
            handed += 1;
            std::ops::ControlFlow::Continue(())
        });
        assert!(handed == 0 && matches!(taken, Err(AdapterError::IndividualNumber)));
    }
    let spaced = two.replacen("<id ", "<id displayName=\"個人 番号\" ", 1);
    let archive = zip(&[("DATA/h1.xml", one.as_bytes()), ("DATA/h2.xml", spaced.as_bytes())]);
    let input = Input {
        bytes: &archive.as_slice(),
        size: archive.len() as u64,
    };
    let taken = package::zip(&input, &mut |_| std::ops::ControlFlow::Continue(()));
    assert!(spaced != two && matches!(taken, Err(AdapterError::IndividualNumber)));
    for name in ["マイナンバー", "my-number", "\\u500b\\u4eba\\u756a\\u53f7"] {
        let report = include_str!("fixtures/report.json").replace("JP_Insurance_memberID", name);
        let (read, reading) = checkups(report.as_bytes());
        assert!(
            read.is_empty() && matches!(reading, Err(AdapterError::IndividualNumber)),
            "{name}"
        );
    }
}

#[test]
fn a_package_says_what_it_says_of_itself_and_stops_when_told() {
    let mut bytes = Vec::new();
    synthetic::write_package(&mut bytes, (1..=12).map(|seed| MadeUp::of(seed).checkup(2025))).unwrap();
    let input = Input {
        bytes: &bytes.as_slice(),
        size: bytes.len() as u64,
    };
    let mut handed = Vec::new();
    let sum = package::zip(&input, &mut |document| {
        handed.push(document);
        std::ops::ControlFlow::Continue(())
    });
    let expected = package::PackageSum {
        indexed: Some(12),
        summed: Some(12),
        documents: 12,
        claims: 2,
        ..package::PackageSum::default()
    };
    assert_eq!(sum.unwrap(), expected);
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("DATA");
    std::fs::create_dir(&below).unwrap();
    for (place, document) in handed.iter().enumerate() {
        std::fs::write(below.join(format!("h{place:02}.xml")), plain_of(&document.original)).unwrap();
    }
    let mut unpacked = Vec::new();
    let sum = package::folder(folder.path(), &mut |document| {
        unpacked.push(document);
        match unpacked.len() {
            5 => std::ops::ControlFlow::Break(()),
            _ => std::ops::ControlFlow::Continue(()),
        }
    });
    assert!(
        handed[0].place.ends_with("/DATA/h13100000012026040101000000.xml"),
        "{}",
        handed[0].place
    );
    for (place, document) in handed.iter_mut().enumerate() {
        document.place = format!("DATA/h{place:02}.xml");
        document.original = package::Original::Plain(plain_of(&document.original));
    }
    assert_eq!((sum.unwrap().documents, &unpacked[..]), (5, &handed[..5]));
}

#[test]
fn days_that_cannot_be_are_no_days_of_a_checkup() {
    let made = document(&empty("2025-06-01"));
    for (exam, written) in [
        ("18990601", "20260401"),
        ("20250601", "99991231"),
        ("25000101", "25000102"),
    ] {
        let text = made
            .replace(
                "<effectiveTime value=\"20250601\"/>",
                &format!("<effectiveTime value=\"{exam}\"/>"),
            )
            .replace(
                "<effectiveTime value=\"20260401\"/>",
                &format!("<effectiveTime value=\"{written}\"/>"),
            );
        assert!(checkups(text.as_bytes()).0.is_empty(), "{exam} {written}");
    }
    let many: String = (0..400)
        .map(|day| format!("受診日,{}\n体重,60\n身長,160\n腹囲,80\n", LocalDay(18_000 + day)))
        .collect();
    assert_eq!(checkups(many.as_bytes()).0.len(), 100);
}

/// A ZIP that a password locks, by either cipher.
fn locked(files: &[(&str, &[u8])], password: &str, is_old: bool) -> Vec<u8> {
    use zip::unstable::write::FileOptionsExt as _;
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in files {
        let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        match is_old {
            true => writer.start_file(*name, options.with_deprecated_encryption(password.as_bytes()).unwrap()),
            false => writer.start_file(*name, options.with_aes_encryption(zip::AesMode::Aes256, password)),
        }
        .unwrap();
        std::io::Write::write_all(&mut writer, content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn a_password_unlocks_a_package_and_another_does_not() {
    let [one, two] = [1, 2].map(|seed| document(&MadeUp::of(seed).checkup(2024)));
    let bearing = two.replace("<patient>", "<個人番号>123456789018</個人番号><patient>");
    let taken = |bytes: &[u8], password: &str| {
        let input = Input {
            bytes: &bytes,
            size: bytes.len() as u64,
        };
        assert!(package::is_locked(&input));
        let mut handed = Vec::new();
        let mut each = |entry| {
            handed.push(entry);
            std::ops::ControlFlow::Continue(())
        };
        assert!(matches!(package::zip(&input, &mut each), Err(AdapterError::Locked)));
        let sum = package::locked_zip(&input, password.as_bytes(), &mut each);
        (handed, sum)
    };
    for is_old in [false, true] {
        let files = [
            ("DATA/h1.XML", one.as_bytes()),
            ("DATA/h2.xml", two.as_bytes()),
            ("note.txt", b"x"),
        ];
        let bytes = locked(&files, "あいことば 1", is_old);
        let (handed, sum) = taken(&bytes, "あいことば 1");
        assert_eq!(sum.unwrap().documents, 2);
        assert_eq!(plain_of(&handed[0].original), one.as_bytes());
        assert!(handed.iter().all(|entry| entry.checkup.is_some()));
        for wrong in ["あいことば 2", "", "x"] {
            let (handed, sum) = taken(&bytes, wrong);
            assert!(
                handed.is_empty() && matches!(sum, Err(AdapterError::Refused { .. })),
                "{sum:?}"
            );
        }
        let (read, reading) = checkups(&bytes);
        assert!(
            read.is_empty() && matches!(reading, Err(AdapterError::Locked)),
            "a resident is told"
        );
        let input = Input {
            bytes: &bytes.as_slice(),
            size: bytes.len() as u64,
        };
        assert!(matches!(crate::recognise(&input), Err(AdapterError::Locked)));
        let files = [("h1.xml", one.as_bytes()), ("h2.xml", bearing.as_bytes())];
        let (handed, sum) = taken(&locked(&files, "p", is_old), "p");
        assert!(handed.is_empty() && matches!(sum, Err(AdapterError::IndividualNumber)));
        // What was changed on the way is not taken for what was packed.
        let mut changed = bytes.clone();
        let place = bytes.len() / 3;
        changed[place] ^= 1;
        let (handed, _) = taken(&changed, "あいことば 1");
        assert!(handed.iter().filter(|entry| entry.checkup.is_some()).count() <= 1);
    }
}

#[test]
fn people_that_are_made_up_are_judged_by_the_rules() {
    for seed in 0..300 {
        for year in [2018, 2023, 2025] {
            let checkup = synthetic::MadeUp::of(seed).checkup(year);
            assert_eq!(model::checkup::doubt::doubts(&checkup), [], "{seed} {year}");
        }
    }
}
