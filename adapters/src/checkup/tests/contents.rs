//! Files of packages and of residents' ZIPs are told by what is in them, whatever they are called.

use std::ops::ControlFlow;
use std::path::Path;

use super::*;
use crate::checkup::package::{PackageEntry, PackageSum};

/// A claim as hospitals hand it in.
const CLAIM: &str =
    "IR,1,13,1,1310001,,20250600,1\nRE,1,1112,202506,ミホン ハナコ,2,19600229\nHO,139999,見本,123,1,100\n";

fn made(seed: u64) -> String {
    document(&MadeUp::of(seed).checkup(2025))
}

/// Nothing of these names says what is in them.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    let shift_jis = made(2).replace("encoding=\"UTF-8\"", "encoding=\"Shift_JIS\"");
    let mut large = b"<records>".to_vec();
    large.resize(9 << 20, b' ');
    let inner = zip(&[("h1.xml", made(9).as_bytes())]);
    vec![
        ("p/01", made(1).into_bytes()),
        ("p/02.txt", encoding_rs::SHIFT_JIS.encode(&shift_jis).0.into_owned()),
        ("p/03.dat", include_bytes!("../fixtures/report.json").to_vec()),
        ("p/04.xml", include_bytes!("../fixtures/lung.json").to_vec()),
        ("p/05.csv", b"<index><totalRecordCount value=\"4\"/></index>".to_vec()),
        (
            "p/06.json",
            b"<summary><totalSubjectCount value=\"4\"/></summary>".to_vec(),
        ),
        ("p/07.pdf", b"<checkupClaim/>".to_vec()),
        ("p/08.UKE", encoding_rs::SHIFT_JIS.encode(CLAIM).0.into_owned()),
        ("p/09.xml", CLAIM.as_bytes().to_vec()),
        ("p/10.xsd", b"<xs:schema xmlns:xs=\"urn:x\"/>".to_vec()),
        ("p/11.txt", "送付します。よろしくお願いします。".as_bytes().to_vec()),
        ("p/12.bin", b"\x89PNG\r\n\x1a\n\0\0\0".to_vec()),
        ("p/13.zip", inner),
        ("p/14", b"{\"resourceType\":\"Patient\"}".to_vec()),
        ("p/15.html", b"<!DOCTYPE page><page>x<br></page>".to_vec()),
        (
            "p/16.xml",
            b"<ClinicalDocument><code codeSystem=\"2.16.840.1.113883.6.1\"/></ClinicalDocument>".to_vec(),
        ),
        ("p/17.dat", large),
        ("p/18", Vec::new()),
        ("p/19.CSV", "宛名番号,最高血圧\n1001,122\n".as_bytes().to_vec()),
    ]
}

fn borrowed<'f>(files: &'f [(&'static str, Vec<u8>)]) -> Vec<(&'f str, &'f [u8])> {
    files.iter().map(|(path, bytes)| (*path, bytes.as_slice())).collect()
}

/// What a package came to: of each document where it lay and whose it is, and the sum.
fn taken(bytes: &[u8], password: Option<&str>) -> (Vec<PackageEntry>, Result<PackageSum, AdapterError>) {
    let input = Input {
        bytes: &bytes,
        size: bytes.len() as u64,
    };
    let mut entries = Vec::new();
    let mut each = |entry| {
        entries.push(entry);
        ControlFlow::Continue(())
    };
    let sum = match password {
        None => package::zip(&input, &mut each),
        Some(password) => package::locked_zip(&input, password.as_bytes(), &mut each),
    };
    (entries, sum)
}

fn folder(files: &[(&str, &[u8])]) -> (Vec<PackageEntry>, Result<PackageSum, AdapterError>) {
    let folder = tempfile::tempdir().unwrap();
    for (path, bytes) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new(""))).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let mut entries = Vec::new();
    let sum = package::folder(folder.path(), &mut |entry| {
        entries.push(entry);
        ControlFlow::Continue(())
    });
    (entries, sum)
}

#[test]
fn files_of_a_package_are_told_by_what_is_in_them() {
    let files = files();
    let files = borrowed(&files);
    for (entries, sum) in [
        taken(&zip(&files), None),
        taken(&locked(&files, "p", false), Some("p")),
        taken(&locked(&files, "p", true), Some("p")),
        folder(&files),
    ] {
        let told = entries.iter().map(|entry| {
            let checkup = entry.checkup.as_ref().unwrap();
            (entry.place.as_str(), checkup.subject.birth.is_some())
        });
        let expected = [
            ("p/01", true),
            ("p/02.txt", true),
            ("p/03.dat", true),
            ("p/04.xml", true),
        ];
        assert_eq!(told.collect::<Vec<_>>(), expected);
        for entry in &entries {
            let whole = files.iter().find(|(path, _)| *path == entry.place).unwrap();
            assert_eq!(plain_of(&entry.original), whole.1, "{}", entry.place);
        }
        let sum = sum.unwrap();
        assert_eq!((sum.indexed, sum.summed, sum.documents), (Some(4), Some(4), 4));
        assert_eq!((sum.claims, sum.schemas), (3, 1));
        let unsupported: Vec<(&str, &str)> = sum
            .unsupported
            .places
            .iter()
            .map(|(path, why)| (path.as_str(), *why))
            .collect();
        assert_eq!(
            unsupported,
            [
                ("p/11.txt", "no-document"),
                ("p/12.bin", "no-document"),
                ("p/13.zip", "no-document"),
                ("p/14", "another-document"),
                ("p/15.html", "another-document"),
                ("p/16.xml", "another-document"),
                ("p/17.dat", "too-large"),
                ("p/18", "no-document"),
                ("p/19.CSV", "table-by-itself"),
            ]
        );
        let counts: Vec<(&str, u64)> = sum.unsupported.counts.into_iter().collect();
        let expected = [
            ("another-document", 3),
            ("no-document", 4),
            ("table-by-itself", 1),
            ("too-large", 1),
        ];
        assert_eq!(counts, expected);
    }
}

/// What guidance after a checkup looks like: the same CDA, of another programme.
fn guidance(seed: u64) -> [String; 2] {
    let by_programme = made(seed).replace("code=\"010\"", "code=\"100\"");
    let by_report = made(seed).replace("<code code=\"10\"", "<code code=\"22\"");
    [by_programme, by_report]
}

#[test]
fn guidance_in_a_package_is_told_as_unsupported_and_leaves_it_whole() {
    let checkup = made(1);
    let [begun, ended] = guidance(1);
    // Whether index and sums count guidance, the form leaves to who hands over.
    for (counted, is_whole) in [(1, true), (3, true), (2, false), (4, false)] {
        let index = format!("<index><totalRecordCount value=\"{counted}\"/></index>");
        let sums = format!("<summary><totalSubjectCount value=\"{counted}\"/></summary>");
        let files: [(&str, &[u8]); 5] = [
            ("p/DATA/g1.xml", begun.as_bytes()),
            ("p/DATA/g2.xml", ended.as_bytes()),
            ("p/DATA/h1.xml", checkup.as_bytes()),
            ("p/ix08_V08.xml", index.as_bytes()),
            ("p/su08_V08.xml", sums.as_bytes()),
        ];
        for (entries, sum) in [taken(&zip(&files), None), folder(&files)] {
            let places: Vec<&str> = entries.iter().map(|entry| entry.place.as_str()).collect();
            assert_eq!(places, ["p/DATA/h1.xml"]);
            let sum = sum.unwrap();
            let guidance = |path: &str| (path.to_owned(), "health-guidance");
            assert_eq!(sum.unsupported.places, ["p/DATA/g1.xml", "p/DATA/g2.xml"].map(guidance));
            assert_eq!((sum.documents, sum.is_whole()), (1, is_whole), "{counted}");
        }
    }
    // By itself it is told with its report.
    for (text, reason) in [(begun, "health-guidance 10"), (ended, "health-guidance 22")] {
        let reasons = checkups(text.as_bytes()).1.unwrap().accounting.reasons;
        assert_eq!(
            reasons.into_keys().collect::<Vec<_>>(),
            [(Outcome::Unsupported, reason.to_owned())]
        );
    }
}

#[test]
fn what_should_have_been_a_document_is_told_as_unread_whatever_it_is_called() {
    let made = made(1);
    let report = include_str!("../fixtures/report.json");
    let entity = made.replacen(
        "<ClinicalDocument",
        "<!DOCTYPE a [<!ENTITY b 'c'>]><ClinicalDocument",
        1,
    );
    let files: [(&str, &[u8]); 5] = [
        ("1", &made.as_bytes()[..made.len() / 2]),
        ("2", entity.as_bytes()),
        ("3", &report.as_bytes()[..report.len() / 2]),
        ("4.xml", b""),
        ("5", made.as_bytes()),
    ];
    let (entries, sum) = taken(&zip(&files), None);
    let told = entries.iter().map(|entry| {
        let why = entry.left_out.first().map_or("", |left_out| left_out.reason.as_str());
        (entry.place.as_str(), entry.checkup.is_some(), why)
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            ("1", false, "damaged-document"),
            ("2", false, "refused-document"),
            ("3", false, "damaged-document"),
            ("4.xml", false, "damaged-document"),
            ("5", true, ""),
        ]
    );
    assert_eq!(sum.unwrap().documents, 5);
    // One that nobody hands over, and what unpacks to far more than it is.
    let mut large = made.clone().into_bytes();
    large.resize(9 << 20, b' ');
    for path in ["6", "6.xml"] {
        let (entries, sum) = taken(&zip(&[("5", files[4].1), (path, &large)]), None);
        assert!(
            entries.is_empty() && matches!(sum, Err(AdapterError::Refused { .. })),
            "{path}"
        );
    }
}

#[test]
fn individual_numbers_keep_a_package_out_wherever_they_stand() {
    let bearing = [
        made(2).replace("<patient>", "<個人番号>123456789018</個人番号><patient>"),
        include_str!("../fixtures/report.json").replace("JP_Insurance_memberID", "my-number"),
        include_str!("../fixtures/report.json").replace("JP_Insurance_memberID", "\\u500b\\u4eba\\u756a\\u53f7"),
    ];
    for document in bearing {
        for path in ["2", "2.xml", "2.pdf"] {
            let files = [("1", made(1)), (path, document.clone())];
            let files: Vec<(&str, &[u8])> = files.iter().map(|(path, text)| (*path, text.as_bytes())).collect();
            for (entries, sum) in [
                taken(&zip(&files), None),
                taken(&locked(&files, "p", false), Some("p")),
                folder(&files),
            ] {
                assert!(
                    entries.is_empty() && matches!(sum, Err(AdapterError::IndividualNumber)),
                    "{path}"
                );
            }
            let (read, reading) = checkups(&zip(&files));
            assert!(
                read.is_empty() && matches!(reading, Err(AdapterError::IndividualNumber)),
                "{path}"
            );
        }
    }
    let table = "健診受診日,2025-06-01\n体重,60\n身長,160\n腹囲,80\nBMI,23\nマイナンバー,123456789018\n";
    let own = zip(&[("1", made(1).as_bytes()), ("t", table.as_bytes())]);
    let (read, reading) = checkups(&own);
    assert!(read.is_empty() && matches!(reading, Err(AdapterError::IndividualNumber)));
}

/// One number of twelve digits proves nothing; those of all FHIR documents do.
#[test]
fn ids_of_fhir_documents_that_nearly_all_pass_the_check_digit_keep_a_package_out() {
    let numbered = |seed: u64, is_passing: bool| {
        let body = format!("{:011}", seed * 7_654_321);
        let digit = ('0'..='9').find(|digit| individual_number::passes(&format!("{body}{digit}")) == is_passing);
        let own = format!(
            "\"identifier\": [{{\"system\": \"urn:oid:1.2.3\", \"value\": \"{body}{}\"}},",
            digit.unwrap()
        );
        let report = include_str!("../fixtures/report.json");
        let patient = report.find("\"Patient\"").unwrap();
        let at = patient + report[patient..].find("\"identifier\"").unwrap();
        let after = at + report[at..].find('[').unwrap() + 1;
        format!("{}{own}{}", &report[..at], &report[after..])
    };
    for (is_passing, count, is_refused) in [(true, 12, true), (true, 6, true), (true, 5, false), (false, 12, false)] {
        let files: Vec<(String, String)> = (1..=count)
            .map(|seed| (seed.to_string(), numbered(seed, is_passing)))
            .collect();
        let files: Vec<(&str, &[u8])> = files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_bytes()))
            .collect();
        let (entries, sum) = taken(&zip(&files), None);
        assert_eq!(
            matches!(sum, Err(AdapterError::IndividualNumber)),
            is_refused,
            "{count}"
        );
        assert_eq!(entries.len() as u64, if is_refused { 0 } else { count });
    }
}

#[test]
fn files_of_a_resident_s_zip_are_told_by_what_is_in_them() {
    let mut files = files();
    files.push(("p/20.dat", include_bytes!("../fixtures/pairs.csv").to_vec()));
    let package = zip(&borrowed(&files));
    let input = Input {
        bytes: &package.as_slice(),
        size: package.len() as u64,
    };
    assert!(CheckupDocuments.recognises(&input));
    let (collected, reading) = harness::read(&CheckupDocuments, &package);
    let (mut originals, mut passed_over) = (Vec::new(), Vec::new());
    for piece in collected.pieces {
        match piece {
            Handed::Checkup(brought) => originals.push(brought.original),
            Handed::NotStored(left_out) => passed_over.extend(
                left_out
                    .into_iter()
                    .filter(|left| left.text.starts_with("p/"))
                    .map(|left| (left.reason, left.text)),
            ),
            _ => {}
        }
    }
    for whole in ["p/01", "p/02.txt", "p/03.dat", "p/04.xml", "p/20.dat"] {
        let file = files.iter().find(|(path, _)| *path == whole).unwrap();
        assert!(originals.contains(&file.1), "{whole}");
    }
    let told: Vec<String> = passed_over
        .into_iter()
        .map(|(reason, path)| format!("{reason} {path}"))
        .collect();
    assert_eq!(
        told,
        [
            "index-of-documents p/05.csv",
            "sum-of-documents p/06.json",
            "claim-of-a-checkup p/07.pdf",
            "another-document p/08.UKE",
            "damaged-document p/09.xml",
            "schema-of-documents p/10.xsd",
            "another-document p/11.txt",
            "another-document p/12.bin",
            "another-document p/13.zip",
            "another-document p/14",
            "refused-document p/15.html",
            "another-document p/16.xml",
            "too-large p/17.dat",
            "another-document p/18",
            "another-document p/19.CSV",
        ]
    );
    assert!(reading.unwrap().accounting.adds_up());
    // Each of them alone is enough to know the ZIP by.
    for place in [0, 1, 2, 3, 19] {
        let package = zip(&borrowed(&files[place..=place]));
        let input = Input {
            bytes: &package.as_slice(),
            size: package.len() as u64,
        };
        assert!(CheckupDocuments.recognises(&input), "{place}");
        assert!(!checkups(&package).0.is_empty(), "{place}");
    }
    for place in [7, 10, 11, 13, 14, 17, 18] {
        let package = zip(&borrowed(&files[place..=place]));
        let input = Input {
            bytes: &package.as_slice(),
            size: package.len() as u64,
        };
        assert!(!CheckupDocuments.recognises(&input), "{place}");
    }
}
