//! An insurer's package is taken in by the real binary and killed again and again: what its members are given, what waits, what
//! the result file and the ledger say, is what one run would have given. Uses the real binary, which `./test` builds before this.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails, in its helpers too")]

mod again;
#[path = "../binary/mod.rs"]
#[expect(dead_code, reason = "no demo runs here")]
mod binary;
mod lists;
mod refused;
mod scanned;

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use binary::sekisho;
use serde_json::Value;

/// People of the package.
const PEOPLE: usize = 600;
/// Members among them.
const MEMBERS: usize = 40;

fn run(data: &Path, arguments: &[&str]) -> Output {
    let mut command = sekisho();
    command.args(arguments).arg("--data").arg(data);
    command.output().unwrap()
}

/// The command that hands over by what an insurer knows members, or a ledger or list of tickets by its columns.
fn insured_command(data: &Path, file: &Path, columns: Option<&str>) -> Command {
    let mut command = sekisho();
    command.args(["batch", "insured"]).arg(file);
    command.args(["--handler", "係", "--counterpart", "国保連"]);
    command.args(columns.map(|columns| ["--columns", columns]).into_iter().flatten());
    command.arg("--data").arg(data);
    command
}

fn told_of_insured(data: &Path, file: &Path, columns: Option<&str>) -> Output {
    insured_command(data, file, columns).output().unwrap()
}

fn import(data: &Path, package: &Path, result: Option<&Path>) -> Command {
    let mut command = sekisho();
    command.args(["batch", "import"]).arg(package);
    command.args(["--handler", "担当 一", "--counterpart", "みほん国保"]);
    if let Some(result) = result {
        command.arg("--result").arg(result);
    }
    command.arg("--data").arg(data);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// True where a text lies in a file of the folder as it is.
fn lies_in(data: &Path, text: &str) -> bool {
    let (mut folders, mut looked_at) = (vec![data.to_owned()], 0);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            if bytes.windows(text.len()).any(|at| at == text.as_bytes()) {
                return true;
            }
            looked_at += bytes.len();
        }
    }
    assert!(looked_at > 0, "there are files");
    false
}

fn text(output: &Output) -> String {
    assert!(
        output.status.code().is_some_and(|code| code == 0 || code == 2),
        "{output:?}"
    );
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn a_package_that_was_killed_and_run_again_gives_what_one_run_gives() {
    let folder = tempfile::tempdir().unwrap();
    let (data, package) = (folder.path().join("data"), folder.path().join("package.zip"));
    let made = sekisho()
        .arg("synthesize")
        .arg(&package)
        .args([
            "--checkups",
            &PEOPLE.to_string(),
            "--first-day",
            "2025-01-01",
            "--seed",
            "1",
        ])
        .status();
    assert!(made.unwrap().success());

    // Some members before the package, some after it.
    let insured = |from: usize, to: usize| {
        let mut table = "person,insurer,symbol,number,branch,kana,birth_date,sex,postal_code\n".to_owned();
        for member in from..to {
            let subject = adapters::checkup::synthetic::MadeUp::of(member as u64 + 1).subject;
            let (birth, sex) = (subject.birth.unwrap(), subject.sex.unwrap());
            let name = format!("member {member}");
            let added = text(&run(&data, &["person", "add", "--name", &name]));
            let person = added.split_whitespace().last().unwrap().to_owned();
            // As a ledger has it that lost zeros and has another width.
            let number = subject.number.trim_start_matches('0');
            table.push_str(&format!(
                "{person},139999,{},{number},{},{},{birth},{sex},9999999\n",
                subject.symbol, subject.branch, subject.name
            ));
        }
        let file = folder.path().join(format!("insured-{from}.csv"));
        std::fs::write(&file, table).unwrap();
        file
    };
    let first = insured(0, MEMBERS / 2);
    let loaded = text(&told_of_insured(&data, &first, None));
    assert!(
        loaded.starts_with("20 insurances loaded, 0 lines refused; 0 documents"),
        "{loaded}"
    );

    // How long a whole import takes here, of a build like this, says when to kill one.
    let undisturbed = folder.path().join("undisturbed");
    text(&run(&undisturbed, &["person", "add", "--name", "nobody"]));
    #[expect(clippy::disallowed_methods, reason = "how long one takes says when to kill one")]
    let began = Instant::now();
    assert!(import(&undisturbed, &package, None).status().unwrap().success());
    let whole = began.elapsed();
    // It is the same command each time, its result file too.
    let result = folder.path().join("result.csv");
    let mut unfinished = 0;
    for part in [2, 3, 4, 5, 6] {
        let mut child = import(&data, &package, Some(&result)).spawn().unwrap();
        std::thread::sleep(whole * part / 10);
        child.kill().unwrap();
        match child.wait().unwrap().success() {
            true => std::fs::remove_file(&result).unwrap(),
            false => unfinished += 1,
        }
    }
    assert!(unfinished > 0, "every import was done before it was killed");
    let whole = import(&data, &package, Some(&result)).output().unwrap();
    let told: Value = serde_json::from_str(&text(&whole)).unwrap();
    assert_eq!(whole.status.code(), Some(0), "{told}");
    assert_eq!(told["documents"]["taken"], MEMBERS / 2, "{told}");
    assert_eq!(told["documents"]["unclaimed"], PEOPLE - MEMBERS / 2);
    assert_eq!(told["says_of_itself"]["indexed"], PEOPLE);
    assert_eq!(told["passed_over"]["claims"], PEOPLE / 10);
    let results = std::fs::read_to_string(&result).unwrap();
    assert_eq!(results.lines().count(), PEOPLE + 1);
    assert!(
        !results.contains("ミホン") && !results.contains("139999"),
        "nothing of anybody stands in it"
    );

    // What waits and what members have is sealed: neither's name or symbol lies in any file.
    for person in [1, PEOPLE as u64] {
        let subject = adapters::checkup::synthetic::MadeUp::of(person).subject;
        for known in [&subject.name, &subject.symbol] {
            assert!(known.len() > 5 && !lies_in(&data, known), "{known}");
        }
    }

    // Whoever becomes a member later is given what waited for them.
    let second = insured(MEMBERS / 2, MEMBERS);
    let loaded = text(&told_of_insured(&data, &second, None));
    assert!(loaded.contains("20 documents that waited came"), "{loaded}");
    let again: Value = serde_json::from_str(&text(&import(&data, &package, None).output().unwrap())).unwrap();
    assert_eq!(again["documents"]["taken"], MEMBERS, "{again}");
    assert_eq!(again["taken_in_before"], true);
    let ledger = text(&run(&data, &["batch", "ledger"]));
    assert_eq!(
        ledger.matches(",checkup documents,").count(),
        1,
        "one hand-over, however often it was run: {ledger}"
    );
    assert_eq!(
        ledger.matches("係,国保連,the insured,20,20,0,0,").count(),
        2,
        "{ledger}"
    );
    assert!(ledger.contains("担当 一,みほん国保,checkup documents,600,"), "{ledger}");
    let doctor = run(&data, &["doctor"]);
    assert!(doctor.status.success(), "{}", String::from_utf8_lossy(&doctor.stdout));
}

#[test]
fn a_ledger_of_a_hundred_columns_changes_whom_it_knows_and_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let person = text(&run(&data, &["person", "add", "--name", "member"]));
    let person = person.split_whitespace().last().unwrap().to_owned();
    let insured = folder.path().join("insured.csv");
    let table = format!(
        "person,insurer,symbol,number,kana,birth_date,sex\n{person},139999,見本,123,ミホンハナコ,1950-05-06,2\n"
    );
    std::fs::write(&insured, table).unwrap();
    text(&told_of_insured(&data, &insured, None));
    // Card symbol and number, care number, name, sex, birth, gained and lost, postal code, area, insurers, branch.
    let line = |number: &str, name: &str, birth: &str| {
        let cells = [
            (3, "見本"),
            (4, number),
            (5, "0001234567"),
            (7, name),
            (8, "2"),
            (10, birth),
            (27, "H20.4.1"),
            (41, "999-9999"),
            (43, "第一小学校区"),
            (44, "00139999"),
        ];
        let cell = |place: usize| {
            cells
                .iter()
                .find(|(known, _)| *known == place)
                .map_or("", |(_, cell)| cell)
        };
        (1..=100).map(cell).collect::<Vec<_>>().join(",")
    };
    let names = (1..=100).map(|place| match place {
        7 => "氏名カナ".to_owned(),
        8 => "性別".to_owned(),
        10 => "生年月日".to_owned(),
        27 => "国保取得年月日".to_owned(),
        28 => "国保喪失年月日".to_owned(),
        29 => "後期取得年月日".to_owned(),
        30 => "後期喪失年月日".to_owned(),
        other => format!("列{other}"),
    });
    let names = names.collect::<Vec<_>>().join(",");
    let lines = [
        line("123", "ミホンハナコ", "S25.5.6"),
        line("777", "タナカユキ", "S30.1.2"),
        line("778", "タナカユキ", "誕生日"),
    ];
    let ledger = folder.path().join("ledger.csv");
    let written = format!("{names}\r\n{}\r\n", lines.join("\r\n"));
    let (shift_jis, ..) = encoding_rs::SHIFT_JIS.encode(&written);
    std::fs::write(&ledger, shift_jis).unwrap();
    let follow = || told_of_insured(&data, &ledger, Some("kdb-ledger"));
    let (first, again) = (follow(), follow());
    assert!(
        text(&first).starts_with(
            "1 members changed, 0 as they were; 1 lines of nobody who is known, 0 of somebody perhaps, 1 refused"
        ),
        "{first:?}"
    );
    assert_eq!(String::from_utf8_lossy(&first.stderr), "line 4: no-birth-date\n");
    assert!(
        text(&again).starts_with("0 members changed, 1 as they were;"),
        "{again:?}"
    );
    let shown = text(&sekisho().args(["map", "show", "kdb-ledger"]).output().unwrap());
    assert!(shown.contains("国保喪失年月日"));
    // Tried out, it says what each column gives and what is wrong, and nothing of anybody.
    let tried = sekisho()
        .args(["map", "check", "kdb-ledger"])
        .arg(&ledger)
        .output()
        .unwrap();
    assert_eq!(tried.status.code(), Some(2), "{tried:?}");
    let told = text(&tried);
    assert!(
        told.contains("\n10\t生年月日\tperson.birth\t3\t2\tno-birth-date 1\n")
            && told.contains("\n27\t国保取得年月日\tinsurance 1: gained\t3\t2\t\n")
            && told.ends_with("3 lines tell of 2 insurances or tickets; 1 cannot be used (no-birth-date 1)\n"),
        "{told}"
    );
    assert!(!told.contains("ミホン") && !told.contains("第一小学校区"), "{told}");
    // Once the organisation says which municipality it is, those of its ledger live there.
    let municipality = |code: &[&str]| run(&data, &[&["batch", "municipality"], code].concat());
    let wrong = municipality(&["131017"]);
    assert!(
        !wrong.status.success() && String::from_utf8_lossy(&wrong.stderr).contains("check digit"),
        "{wrong:?}"
    );
    assert!(text(&municipality(&[])).contains("nobody said"));
    text(&municipality(&["13101"]));
    assert_eq!(text(&municipality(&[])), "131016\n");
    let (first, again) = (follow(), follow());
    assert!(
        text(&first).starts_with("1 members changed, 0 as they were;"),
        "{first:?}"
    );
    assert!(
        text(&again).starts_with("0 members changed, 1 as they were;"),
        "{again:?}"
    );
    // The plain file may say it too.
    let table = format!(
        "person,insurer,symbol,number,birth_date,municipality,municipality_since\n\
         {person},139999,見本,123,1950-05-06,131024,2026-04-01\n{person},139999,見本,123,1950-05-06,131025,\n\
         {person},139999,見本,123,1950-05-06,,2026-04-01\n"
    );
    std::fs::write(&insured, table).unwrap();
    let loaded = told_of_insured(&data, &insured, None);
    assert!(
        text(&loaded).starts_with("1 insurances loaded, 2 lines refused"),
        "{loaded:?}"
    );
    let told = String::from_utf8_lossy(&loaded.stderr);
    assert!(
        told.contains("line 3: the check digit") && told.contains("line 4: days of a municipality"),
        "{told}"
    );
}
