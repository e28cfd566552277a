//! What the operator's scanner does not let pass is not taken, whatever way it comes in.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use adapters::checkup::synthetic::{MadeUp, document};
use zip::unstable::write::FileOptionsExt as _;
use zip::write::SimpleFileOptions;

use super::{Value, import, insured_command, run, sekisho, text};

#[test]
fn nothing_of_a_package_is_taken_that_a_scanner_does_not_let_pass() {
    let folder = tempfile::tempdir().unwrap();
    let (data, package) = (folder.path().join("data"), folder.path().join("package.zip"));
    let made = sekisho()
        .arg("synthesize")
        .arg(&package)
        .args(["--checkups", "3", "--first-day", "2025-01-01", "--seed", "1"])
        .status();
    assert!(made.unwrap().success());
    text(&run(&data, &["person", "add", "--name", "nobody"]));
    for (scanner, says) in [
        ("grep -q no-file-holds-this", "found something"),
        ("grep --no-such-option", "did not look at this file"),
    ] {
        let mut command = import(&data, &package, None);
        let refused = command
            .env("SEKISHO_UPLOADS_SCANNER", scanner)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let told = String::from_utf8(refused.stderr).unwrap();
        assert!(!refused.status.success() && told.contains(says), "{told}");
    }
    let ledger = text(&run(&data, &["batch", "ledger"]));
    assert!(
        ledger.contains(",scanner\n") && ledger.contains(",not-scanned\n"),
        "{ledger}"
    );
    let mut command = import(&data, &package, None);
    let taken = command.env("SEKISHO_UPLOADS_SCANNER", "cat").output().unwrap();
    assert!(text(&taken).contains("unclaimed"));
}

/// What a scanner looks for here.
const FOUND: &str = "what-a-scanner-finds";

/// A scanner that finds it, as a command.
fn scanner(folder: &Path) -> PathBuf {
    let path = folder.join("scanner");
    std::fs::write(&path, format!("#!/bin/sh\n! grep -q {FOUND}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    path
}

/// The end of a command beside this scanner: its exit code, and what it told or why it refused.
fn beside(mut command: Command, scanner: &Path) -> (Option<i32>, String) {
    command.env("SEKISHO_UPLOADS_SCANNER", scanner);
    let output = command.stderr(Stdio::piped()).output().unwrap();
    let told = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(told).unwrap())
}

#[test]
fn what_a_password_locks_goes_past_the_scanner_unlocked() {
    let folder = tempfile::tempdir().unwrap();
    let (data, package, password) = ["data", "package.zip", "password"]
        .map(|name| folder.path().join(name))
        .into();
    let scanner = scanner(folder.path());
    text(&run(&data, &["person", "add", "--name", "nobody"]));
    std::fs::write(&password, "見本").unwrap();
    let pack = |beside: &str, is_old: bool| {
        let mut zip = zip::ZipWriter::new(std::fs::File::create(&package).unwrap());
        let options = match is_old {
            true => SimpleFileOptions::default()
                .with_deprecated_encryption("見本".as_bytes())
                .unwrap(),
            false => SimpleFileOptions::default().with_aes_encryption(zip::AesMode::Aes256, "見本"),
        };
        for seed in 1..=3 {
            zip.start_file(format!("DATA/h{seed}.xml"), options).unwrap();
            zip.write_all(document(&MadeUp::of(seed).checkup(2025)).as_bytes())
                .unwrap();
        }
        zip.start_file("DATA/notes.bin", options).unwrap();
        zip.write_all(beside.as_bytes()).unwrap();
        zip.finish().unwrap();
    };
    let take = || {
        let mut command = import(&data, &package, None);
        command.arg("--password-file").arg(&password);
        beside(command, &scanner)
    };
    for is_old in [false, true] {
        // In a file that is none of a package, behind more than is read of such a one.
        pack(&format!("{}{FOUND}", "-".repeat(1 << 20)), is_old);
        let (ended, told) = take();
        assert!(
            ended == Some(1) && told.contains("DATA/notes.bin: the scanner found something"),
            "{told}"
        );
        pack("nothing", is_old);
        let (ended, told) = take();
        let told: Value = serde_json::from_str(&told).unwrap_or_else(|_| panic!("{told}"));
        assert_eq!((ended, &told["documents"]["unclaimed"]), (Some(0), &3.into()), "{told}");
        assert_eq!(told["taken_in_before"], false);
    }
    std::fs::write(&password, "ちがう").unwrap();
    let (ended, told) = take();
    assert!(ended == Some(1) && told.contains("password is another one"), "{told}");
}

#[test]
fn files_of_the_insured_go_past_the_scanner_too() {
    let folder = tempfile::tempdir().unwrap();
    let (data, file) = (folder.path().join("data"), folder.path().join("insured.csv"));
    let scanner = scanner(folder.path());
    let added = text(&run(&data, &["person", "add", "--name", "member"]));
    let person = added.split_whitespace().last().unwrap();
    let head = "person,insurer,symbol,number,kana,birth_date,sex\n";
    std::fs::write(&file, format!("{head}{person},139999,{FOUND},7,ミホン,1960-02-29,2\n")).unwrap();
    for columns in [None, Some("kdb-ledger"), Some("checkup-tickets")] {
        let (ended, told) = beside(insured_command(&data, &file, columns), &scanner);
        assert!(
            ended == Some(1) && told.contains("insured.csv: the scanner found something"),
            "{told}"
        );
    }
    std::fs::write(&file, format!("{head}{person},139999,見本,7,ミホン,1960-02-29,2\n")).unwrap();
    let (ended, told) = beside(insured_command(&data, &file, None), &scanner);
    assert!(ended == Some(0) && told.starts_with("1 insurances loaded"), "{told}");
}

#[test]
fn files_of_a_resident_and_of_a_feed_go_past_the_scanner_too() {
    let folder = tempfile::tempdir().unwrap();
    let (data, file) = (folder.path().join("data"), folder.path().join("file.json"));
    let scanner = scanner(folder.path());
    let added = text(&run(&data, &["person", "add", "--name", "member"]));
    let person = added.split_whitespace().last().unwrap();
    let command = |arguments: &[&str]| {
        let mut command = sekisho();
        command.args(arguments).arg(&file).arg("--data").arg(&data);
        command
    };
    let brought = || command(&["import", "--person", person]);
    let feed = || command(&["feed", "import", "--handler", "係", "--counterpart", "計測"]);
    let accounts = || command(&["feed", "accounts", "--handler", "係", "--counterpart", "計測"]);
    std::fs::write(&file, FOUND).unwrap();
    for command in [brought(), feed(), accounts()] {
        let (ended, told) = beside(command, &scanner);
        assert!(
            ended == Some(1) && told.contains("the scanner found something"),
            "{told}"
        );
    }
    let ledger = text(&run(&data, &["batch", "ledger"]));
    let noted = |what: &str| {
        let mut lines = ledger.lines();
        lines.any(|line| line.contains(&format!("係,計測,{what},0,0,0,0,")) && line.ends_with(",scanner"))
    };
    assert!(noted("readings of a feed") && noted("whose accounts are"), "{ledger}");
    // What it lets pass is read, and refused for what it is alone.
    std::fs::write(&file, "[]").unwrap();
    let (ended, told) = beside(feed(), &scanner);
    assert!(ended == Some(0), "{told}");
    std::fs::write(&file, document(&MadeUp::of(1).checkup(2025))).unwrap();
    let (ended, told) = beside(brought(), &scanner);
    assert!(ended == Some(0) && told.contains("\"rejected\":0"), "{told}");
}
