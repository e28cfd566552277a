//! A package of which no name says what is in it, as the real binary takes it: documents, FHIR documents and what lies beside them.
//! Uses the real binary, which `./test` builds before this.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails, in its helpers too")]

#[expect(dead_code, reason = "no demo runs here")]
mod binary;

use std::io::Write as _;
use std::path::Path;

use binary::sekisho;
use serde_json::Value;

const REPORT: &[u8] = include_bytes!("../../adapters/src/checkup/fixtures/report.json");

fn told(data: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = sekisho().args(arguments).arg("--data").arg(data).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), text)
}

#[test]
fn files_of_a_package_come_to_whose_they_are_by_what_is_in_them() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (_, added) = told(&data, &["person", "add", "--name", "member"]);
    let person = added.split_whitespace().last().unwrap();
    let insured = folder.path().join("insured.csv");
    let head = "person,insurer,symbol,number,branch,kana,birth_date,sex";
    std::fs::write(
        &insured,
        format!("{head}\n{person},139999,見本,123,1,ミホン　ハナコ,1960-02-29,2\n"),
    )
    .unwrap();
    let by = ["--handler", "係", "--counterpart", "みほん国保"];
    let load = [&["batch", "insured", insured.to_str().unwrap()], &by[..]].concat();
    assert_eq!(told(&data, &load).0, Some(0));

    let document = adapters::checkup::synthetic::document(&adapters::checkup::synthetic::MadeUp::of(7).checkup(2025));
    let files: [(&str, &[u8]); 6] = [
        ("p/0001", REPORT),
        ("p/0002.dat", document.as_bytes()),
        ("p/0003", b"<index><totalRecordCount value=\"2\"/></index>"),
        ("p/0004.txt", b"<checkupClaim/>"),
        ("p/0005.xsd", b"<schema/>"),
        ("p/お知らせ.pdf", b"%PDF-1.7"),
    ];
    let package = folder.path().join("package.bin");
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&package).unwrap());
    for (path, bytes) in files {
        zip.start_file(path, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
    let unpacked = folder.path().join("unpacked");
    std::fs::create_dir_all(unpacked.join("p")).unwrap();
    for (path, bytes) in files {
        std::fs::write(unpacked.join(path), bytes).unwrap();
    }

    for (place, stored) in [(&package, true), (&unpacked, false)] {
        let result = folder.path().join(format!("{stored}.csv"));
        let import = [
            &[
                "batch",
                "import",
                place.to_str().unwrap(),
                "--result",
                result.to_str().unwrap(),
            ],
            &by[..],
        ];
        let (code, accounting) = told(&data, &import.concat());
        let accounting: Value = serde_json::from_str(&accounting).unwrap();
        assert_eq!(code, Some(0), "{accounting}");
        assert_eq!(
            accounting["documents"],
            serde_json::json!({ "taken": 1, "unclaimed": 1, "possible": 0, "unread": 0, "nobodys": 0 })
        );
        assert_eq!(
            accounting["results"]["stored"].as_u64().unwrap() > 0,
            stored,
            "{accounting}"
        );
        assert_eq!(accounting["says_of_itself"]["indexed"], 2);
        assert_eq!(
            accounting["passed_over"],
            serde_json::json!({ "claims": 1, "schemas": 1, "unsupported": { "no-document": 1 } })
        );
        let results = std::fs::read_to_string(&result).unwrap();
        assert_eq!(results.lines().count(), 4, "{results}");
        assert!(
            results.ends_with(",unsupported,,,,,no-document,p/お知らせ.pdf\n"),
            "{results}"
        );
    }
    let (code, told) = told(&data, &["doctor"]);
    assert_eq!(code, Some(0), "{told}");
}
