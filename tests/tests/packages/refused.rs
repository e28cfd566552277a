//! Hand-overs that are refused: nothing of them is kept, and the ledger tells of each once, and why.

use std::io::Write as _;
use std::process::Stdio;

use adapters::checkup::synthetic::{MadeUp, document};

use super::{Value, import, insured_command, lies_in, run, sekisho, text, told_of_insured};

/// Whatever way they come in by: a plain file of the insured was once taken with them.
#[test]
fn a_plain_file_of_the_insured_that_bears_individual_numbers_is_refused_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (data, file) = (folder.path().join("data"), folder.path().join("insured.csv"));
    text(&run(&data, &["person", "add", "--name", "member"]));
    std::fs::write(
        &file,
        "person,insurer,number,birth_date,symbol\n1,139999,7,1960-02-29,個人番号\n",
    )
    .unwrap();
    for _ in ["first", "again"] {
        let told = told_of_insured(&data, &file, None);
        let why = String::from_utf8(told.stderr).unwrap();
        assert!(!told.status.success() && why.contains("マイナンバー"), "{why}");
    }
    let ledger = text(&run(&data, &["batch", "ledger"]));
    assert_eq!(ledger.lines().count(), 2, "{ledger}");
    assert!(
        ledger.contains(",係,国保連,the insured,0,0,0,0,") && ledger.ends_with(",individual-numbers\n"),
        "{ledger}"
    );
}

#[test]
fn a_package_that_is_refused_stands_in_the_ledger_once_and_leaves_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let (data, package) = (folder.path().join("data"), folder.path().join("package.zip"));
    text(&run(&data, &["person", "add", "--name", "nobody"]));
    let own = document(&MadeUp::of(1).checkup(2025));
    let pack = |further: &str| {
        let mut zip = zip::ZipWriter::new(std::fs::File::create(&package).unwrap());
        for (path, text) in [("DATA/h1.xml", own.as_str()), ("DATA/h2.xml", further)] {
            zip.start_file(path, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        zip.finish().unwrap();
    };
    let take = |scanner: &str| {
        let mut command = import(&data, &package, None);
        let command = command.env("SEKISHO_UPLOADS_SCANNER", scanner);
        command.stderr(Stdio::null()).output().unwrap()
    };
    let ledger = || {
        let ledger = text(&run(&data, &["batch", "ledger"]));
        let lines = ledger.lines().skip(1).map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            assert_eq!((cells.len(), cells[8].len()), (10, 64), "{line}");
            (cells[3].to_owned(), cells[4..8].join(" "), cells[9].to_owned())
        });
        lines.collect::<Vec<_>>()
    };
    let line = |counts: &str, why: &str| ("checkup documents".to_owned(), counts.to_owned(), why.to_owned());

    pack(&own.replace("<patient>", "<個人番号>123456789018</個人番号><patient>"));
    for _ in ["first", "again"] {
        assert_eq!(take("").status.code(), Some(1));
        assert_eq!(ledger(), [line("0 0 0 0", "individual-numbers")]);
    }
    // Refused by the scanner, then let pass by it: it is taken in as it would have been.
    pack(&document(&MadeUp::of(2).checkup(2025)));
    for _ in ["first", "again"] {
        assert_eq!(take("false").status.code(), Some(1));
        assert_eq!(ledger().len(), 2);
    }
    for is_again in [false, true] {
        let told: Value = serde_json::from_str(&text(&take("true"))).unwrap();
        assert_eq!(
            (&told["documents"]["unclaimed"], &told["taken_in_before"]),
            (&2.into(), &is_again.into()),
            "{told}"
        );
        assert_eq!(
            ledger(),
            [
                line("2 0 2 0", ""),
                line("0 0 0 0", "scanner"),
                line("0 0 0 0", "individual-numbers")
            ]
        );
    }
    let nowhere = folder.path().join("no-such-package.zip");
    assert_eq!(import(&data, &nowhere, None).output().unwrap().status.code(), Some(1));
    assert_eq!(ledger().len(), 3, "nobody handed it over");
    let doctor = run(&data, &["doctor"]);
    assert!(doctor.status.success(), "{}", String::from_utf8_lossy(&doctor.stdout));
}

/// One that passes its check digit.
const INDIVIDUAL_NUMBER: &str = "123456789018";

#[test]
fn an_individual_number_is_in_no_log_and_in_no_file_that_is_left_however_it_was_brought() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let added = text(&run(&data, &["person", "add", "--name", "member"]));
    let person = added.split_whitespace().last().unwrap();
    let bears = format!("<個人番号>{INDIVIDUAL_NUMBER}</個人番号><patient>");
    let own = document(&MadeUp::of(1).checkup(2025)).replace("<patient>", &bears);
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    // As it lies: a search of what is left finds it.
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file("DATA/h1.xml", stored).unwrap();
    zip.write_all(own.as_bytes()).unwrap();
    let package = zip.finish().unwrap().into_inner();
    let table = format!("健診実施年月日,個人番号,体重\n2025-06-01,{INDIVIDUAL_NUMBER},60.5\n");
    let insured = format!("person,insurer,number,個人番号\n{person},139999,7,{INDIVIDUAL_NUMBER}\n");
    let brought: [(&str, &[u8]); 4] = [
        ("own.xml", own.as_bytes()),
        ("own.csv", table.as_bytes()),
        ("own.zip", &package),
        ("insured.csv", insured.as_bytes()),
    ];
    for (name, bytes) in brought {
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        let mut commands = vec![insured_command(&data, &file, None), import(&data, &file, None)];
        let mut own = sekisho();
        own.args(["import", "--person", person])
            .arg(&file)
            .arg("--data")
            .arg(&data);
        commands.push(own);
        for mut command in commands {
            command.env("SEKISHO_LOG_FILTER", "trace").stderr(Stdio::piped());
            let told = command.output().unwrap();
            let said = String::from_utf8([told.stdout, told.stderr].concat()).unwrap();
            assert!(!told.status.success(), "{name}: {said}");
            assert!(!said.contains(INDIVIDUAL_NUMBER), "{name}: {said}");
        }
    }
    assert!(!lies_in(&data, INDIVIDUAL_NUMBER));
}
