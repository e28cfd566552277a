//! The same command once more: after a refusal, after a kill, and of a package that was taken in before.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use adapters::checkup::synthetic::{MadeUp, document};

use super::{Value, import, run, sekisho, text};

/// A data folder with a member, and a place for packages.
fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    text(&run(&data, &["person", "add", "--name", "nobody"]));
    (folder, data)
}

/// A ZIP of three documents, with an index that counts so many, and further files.
fn package(at: &Path, indexed: u32, further: &[(&str, &[u8])]) {
    let mut zip = zip::ZipWriter::new(std::fs::File::create(at).unwrap());
    let mut add = |path: &str, bytes: &[u8]| {
        zip.start_file(path, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    };
    add(
        "p/ix08.xml",
        format!("<index><totalRecordCount value=\"{indexed}\"/></index>").as_bytes(),
    );
    for seed in 1..=3 {
        add(
            &format!("p/DATA/h{seed}.xml"),
            document(&MadeUp::of(seed).checkup(2025)).as_bytes(),
        );
    }
    further.iter().for_each(|(path, bytes)| add(path, bytes));
    zip.finish().unwrap();
}

/// How the command ended, what it told, and what it told of an error.
fn imported(data: &Path, package: &Path, result: &Path) -> (Option<i32>, String, String) {
    let mut command = import(data, package, Some(result));
    let output = command.stderr(Stdio::piped()).output().unwrap();
    let [told, why] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (output.status.code(), told, why)
}

#[test]
fn a_refusal_leaves_no_result_file_and_the_same_command_works_once_nothing_refuses_it() {
    let (folder, data) = place();
    let [zip, result, beside] = ["package.zip", "result.csv", "result.csv.part"].map(|name| folder.path().join(name));
    std::fs::write(&zip, "no ZIP").unwrap();
    let (refused, _, why) = imported(&data, &zip, &result);
    assert!(refused == Some(1) && why.contains("no ZIP"), "{why}");
    assert!(!result.exists() && !beside.exists());

    package(&zip, 3, &[]);
    // As a kill leaves it.
    std::fs::write(&beside, "document,ended").unwrap();
    let (taken, _, why) = imported(&data, &zip, &result);
    assert_eq!(taken, Some(0), "{why}");
    let whole = std::fs::read_to_string(&result).unwrap();
    assert!(whole.lines().count() == 4 && !beside.exists(), "{whole}");

    // What is there is not written over, and is said before anything is done.
    package(&zip, 4, &[]);
    let (refused, _, why) = imported(&data, &zip, &result);
    assert!(
        refused == Some(1) && why.contains("result.csv: there is a file already") && !why.contains("os error"),
        "{why}"
    );
    assert_eq!(std::fs::read_to_string(&result).unwrap(), whole);
    let ledger = text(&run(&data, &["batch", "ledger"]));
    assert_eq!(
        ledger.lines().count(),
        3,
        "what was no ZIP, and what was taken: {ledger}"
    );
    let nowhere = folder.path().join("no-such-folder/result.csv");
    let (refused, _, why) = imported(&data, &zip, &nowhere);
    assert!(refused == Some(1) && why.contains("no-such-folder"), "{why}");
}

#[test]
fn a_package_that_was_taken_in_before_ends_as_it_did_the_first_time() {
    let (folder, data) = place();
    let [zip, first, again] = ["package.zip", "first.csv", "again.csv"].map(|name| folder.path().join(name));
    let further: [(&str, &[u8]); 2] = [("p/DATA/h4.xml", b"<ClinicalDocument"), ("p/notes.pdf", b"%PDF-1.7")];
    package(&zip, 3, &further);
    let (ended, told, why) = imported(&data, &zip, &first);
    assert_eq!(ended, Some(2), "{told} {why}");
    let (ended, told_again, why) = imported(&data, &zip, &again);
    assert_eq!(ended, Some(2), "{told_again} {why}");

    let result = std::fs::read_to_string(&first).unwrap();
    assert!(
        result.contains(",p/DATA/h4.xml\n") && result.ends_with(",no-document,p/notes.pdf\n"),
        "{result}"
    );
    assert_eq!(std::fs::read_to_string(&again).unwrap(), result);
    let [mut told, told_again] = [told, told_again].map(|told| serde_json::from_str::<Value>(&told).unwrap());
    told["taken_in_before"] = true.into();
    assert_eq!(told_again, told);
    assert_eq!(text(&run(&data, &["batch", "ledger"])).lines().count(), 2);
}

#[test]
fn a_package_that_counts_itself_otherwise_than_it_is_ends_with_2_each_time() {
    let (folder, data) = place();
    let zip = folder.path().join("package.zip");
    for (indexed, expected) in [(4, 2), (3, 0)] {
        package(&zip, indexed, &[]);
        for time in ["first", "again"] {
            let (ended, told, why) = imported(&data, &zip, &folder.path().join(format!("{indexed}-{time}.csv")));
            assert_eq!(ended, Some(expected), "{told} {why}");
            let told: Value = serde_json::from_str(&told).unwrap();
            assert_eq!(told["documents"]["unclaimed"], 3, "{told}");
            assert_eq!(
                told["says_of_itself"],
                serde_json::json!({ "indexed": indexed, "summed": null, "found": 3 })
            );
        }
    }
}

#[test]
fn a_long_package_tells_how_far_it_is_while_it_is_taken_in_and_only_then() {
    let (folder, data) = place();
    let zip = folder.path().join("package.zip");
    let mut made = sekisho();
    made.arg("synthesize").arg(&zip);
    made.args(["--checkups", "1100", "--first-day", "2025-01-01", "--seed", "1"]);
    assert!(made.status().unwrap().success());
    for (result, expected) in [("first.csv", 1), ("again.csv", 0)] {
        let (ended, told, progress) = imported(&data, &zip, &folder.path().join(result));
        assert_eq!(ended, Some(0), "{told} {progress}");
        let lines: Vec<&str> = progress.lines().collect();
        assert_eq!(lines.len(), expected, "{progress}");
        for line in lines {
            let done: u32 = line.strip_suffix(" documents").unwrap().parse().unwrap();
            assert!((1_000..=1_100).contains(&done), "{line}");
        }
    }
}
