//! Lists of people, a line each: of results, of guidance, and the tickets that tell whose a line is that names nobody.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::{Value, import, run, sekisho, text, told_of_insured};

const GUIDANCE: &str = include_str!("../../../adapters/src/checkup/columns/guidance.csv");

/// The member whose lines the lists have, whom their insurer knows: their number here.
fn member(folder: &tempfile::TempDir, data: &Path) -> String {
    let added = text(&run(data, &["person", "add", "--name", "member"]));
    let person = added.split_whitespace().last().unwrap().to_owned();
    let insured = folder.path().join("insured.csv");
    let head = "person,insurer,symbol,number,branch,kana,birth_date,sex\n";
    let row = format!("{head}{person},00139999,見本,12345,,ミホン　ハナコ,1960-02-29,2\n");
    std::fs::write(&insured, row).unwrap();
    text(&told_of_insured(data, &insured, None));
    person
}

/// A list of tickets (受診券): the member's of the number 12345 of the fiscal year 2025.
fn tickets(folder: &tempfile::TempDir, number: &str) -> PathBuf {
    let tickets = folder.path().join("受診券.csv");
    let mut ticket = vec![""; 105];
    for (place, told) in [
        (1, "139999"),
        (3, "見本"),
        (4, "0012345"),
        (5, "3"),
        (6, "350229"),
        (7, "2"),
        (10, "2025"),
        (11, number),
        (18, "20250501"),
        (19, "20260331"),
    ] {
        ticket[place - 1] = told;
    }
    let mut names = vec!["別の列"; 105];
    for (place, name) in [
        (1, "保険者番号"),
        (3, "被保険者証記号"),
        (4, "被保険者証番号"),
        (5, "生年月日元号"),
        (6, "生年月日"),
        (7, "性別"),
        (10, "年度"),
        (11, "受診券整理番号"),
        (18, "交付年月日"),
        (19, "有効期限"),
        (86, "無効フラグ"),
    ] {
        names[place - 1] = name;
    }
    std::fs::write(&tickets, format!("{}\n{}\n", names.join(","), ticket.join(","))).unwrap();
    tickets
}

#[test]
fn a_list_of_guidance_comes_to_its_people_by_the_days_on_which_it_was_given() {
    let folder = tempfile::tempdir().unwrap();
    let (data, table) = (folder.path().join("data"), folder.path().join("保健指導.csv"));
    let (list, ..) = encoding_rs::SHIFT_JIS.encode(GUIDANCE);
    std::fs::write(&table, &list).unwrap();
    let person = member(&folder, &data);
    let output = import(&data, &table, None)
        .args(["--columns", "guidance"])
        .output()
        .unwrap();
    let told: Value = serde_json::from_str(&text(&output)).unwrap();
    // The list names nobody, and a household has one number: an operator says whose it is.
    assert_eq!(
        told["documents"],
        serde_json::json!({ "taken": 0, "unclaimed": 3, "possible": 3, "unread": 0, "nobodys": 0 })
    );
    let waiting = text(&run(&data, &["batch", "waiting"]));
    assert!(waiting.contains("twins"), "{waiting}");
    for line in waiting.lines().skip(1) {
        let document = line.split('\t').next().unwrap();
        text(&run(&data, &["batch", "decide", document, "--person", &person]));
    }
    let again = import(&data, &table, None)
        .args(["--columns", "guidance"])
        .output()
        .unwrap();
    let told: Value = serde_json::from_str(&text(&again)).unwrap();
    assert_eq!(
        (&told["documents"]["taken"], &told["results"]["stored"]),
        (&3.into(), &8.into()),
        "waist, weight and both pressures of two days: {told}"
    );
    let doctor = run(&data, &["doctor"]);
    assert!(doctor.status.success(), "{}", String::from_utf8_lossy(&doctor.stdout));
}

#[test]
fn a_table_of_people_is_tried_out_and_taken_in_by_its_columns() {
    let folder = tempfile::tempdir().unwrap();
    let (data, table) = (folder.path().join("data"), folder.path().join("受診歴.csv"));
    std::fs::write(
        &table,
        include_str!("../../../adapters/src/checkup/columns/checkup-history.csv"),
    )
    .unwrap();
    member(&folder, &data);

    // Its ticket tells whose a line is that names nobody.
    let tickets = tickets(&folder, "12345678901");
    let told = text(&told_of_insured(&data, &tickets, Some("checkup-tickets")));
    assert!(told.starts_with("1 members changed"), "{told}");

    let map = |arguments: &[&str]| sekisho().arg("map").args(arguments).output().unwrap();
    let tried = map(&["check", "checkup-history", table.to_str().unwrap()]);
    let told = String::from_utf8(tried.stdout).unwrap();
    assert_eq!(tried.status.code(), Some(2), "{told}");
    assert!(
        told.contains("36\t尿糖\t1A020000000190111 尿糖\t2\t1\tno-such-answer 1\n"),
        "{told}"
    );
    let end = "each line is told as 特定健診 (checkup_specific)\n2 lines, 0 of them without a checkup\n";
    assert!(told.ends_with(end), "{told}");
    assert!(
        !told.contains("0012345") && !told.contains("152.0"),
        "a value of somebody is printed"
    );

    let questionnaire = folder.path().join("questionnaire.csv");
    let written = include_str!("../../../adapters/src/checkup/columns/elderly-questionnaire.csv");
    std::fs::write(&questionnaire, encoding_rs::SHIFT_JIS.encode(written).0).unwrap();
    let tried = map(&["check", "elderly-questionnaire", questionnaire.to_str().unwrap()]);
    let told = String::from_utf8(tried.stdout).unwrap();
    assert_eq!(told.matches("(後期)\t").count(), 15, "{told}");
    assert!(
        told.ends_with("4 lines, 1 of them without a checkup\n") && !told.contains("ミホン"),
        "{told}"
    );
    let shown = String::from_utf8(map(&["show", "elderly-questionnaire"]).stdout).unwrap();
    assert!(shown.contains("9N932000000000011") && shown.contains("9N946000000000011"));

    let shipped = String::from_utf8(map(&["show", "checkup-history"]).stdout).unwrap();
    let own = folder.path().join("own.toml");
    let corrected = shipped.replace("programme = \"010\"", "programme = \"010\"\nwritten = \"2026-04-01\"");
    std::fs::write(&own, corrected).unwrap();
    let result = folder.path().join("result.csv");
    let import = |columns: &str, result: Option<&Path>| {
        let mut command = import(&data, &table, result);
        let output = command.args(["--columns", columns]).output().unwrap();
        let told: Value = serde_json::from_str(&text(&output)).unwrap();
        (
            told["documents"].clone(),
            told["results"]["stored"].clone(),
            told["taken_in_before"].clone(),
        )
    };
    let documents = serde_json::json!({ "taken": 1, "unclaimed": 1, "possible": 0, "unread": 0, "nobodys": 0 });
    let first = import("checkup-history", Some(&result));
    let results = std::fs::read_to_string(&result).unwrap();
    assert!(results.lines().next().unwrap().ends_with(",reasons,where"), "{results}");
    let said = results
        .lines()
        .filter(|line| line.contains("no-such-answer") && line.ends_with(",line 3"));
    assert_eq!(said.count(), 1, "{results}");
    assert!(
        first.0 == documents && first.1.as_u64().unwrap() > 20 && first.2 == false,
        "{first:?}"
    );
    assert_eq!(import("checkup-history", None).2, true);
    let again = import(own.to_str().unwrap(), None);
    assert!(
        again.0 == documents && again.2 == false,
        "other columns make another package: {again:?}"
    );

    // Handed over again with a number corrected, the list corrects: it does not say when it was written.
    let whole = std::fs::read_to_string(&table).unwrap();
    assert_eq!(whole.matches(",152.0,").count(), 1);
    std::fs::write(&table, whole.replace(",152.0,", ",151.0,")).unwrap();
    let corrected = import("checkup-history", None);
    assert!(corrected.0 == documents && corrected.1 == 1, "{corrected:?}");

    // Without columns it is no package, and with wrong ones nothing of it is taken.
    std::fs::write(&own, shipped.replace("健診実施年月日", "いつ")).unwrap();
    let mut command = super::import(&data, &table, None);
    let refused = command
        .arg("--columns")
        .arg(&own)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    let why = String::from_utf8(refused.stderr).unwrap();
    assert!(
        refused.status.code() == Some(1) && why.contains("its column 11 is not called いつ"),
        "{why}"
    );
    let refused = super::import(&data, &table, None).status().unwrap();
    assert_eq!(refused.code(), Some(1));
    let ledger = text(&run(&data, &["batch", "ledger"]));
    assert_eq!(ledger.matches(",checkup documents,2,1,1,0,").count(), 3, "{ledger}");
    assert!(
        ledger.contains(",another-form\n") && ledger.contains(",nothing-inside\n"),
        "{ledger}"
    );
    assert_eq!(
        ledger.matches(",a ledger of the insured,1,1,0,0,").count(),
        1,
        "{ledger}"
    );
    let doctor = run(&data, &["doctor"]);
    assert!(doctor.status.success(), "{}", String::from_utf8_lossy(&doctor.stdout));
}

#[test]
fn a_list_of_guidance_comes_to_whose_the_ticket_is() {
    for are_tickets_first in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let (data, table) = (folder.path().join("data"), folder.path().join("保健指導.csv"));
        std::fs::write(&table, GUIDANCE).unwrap();
        member(&folder, &data);
        let load = || {
            text(&told_of_insured(
                &data,
                &tickets(&folder, "25000000101"),
                Some("checkup-tickets"),
            ))
        };
        let take = || {
            let output = import(&data, &table, None)
                .args(["--columns", "guidance"])
                .output()
                .unwrap();
            let told: Value = serde_json::from_str(&text(&output)).unwrap();
            told["documents"].clone()
        };
        let of_the_member = serde_json::json!({ "taken": 3, "unclaimed": 3, "possible": 0, "unread": 0, "nobodys": 0 });
        if are_tickets_first {
            assert!(load().starts_with("1 members changed"));
        } else {
            assert_eq!(take()["possible"], 3);
            let told = load();
            assert!(
                told.ends_with("3 documents that waited came to their members\n"),
                "{told}"
            );
        }
        assert_eq!(take(), of_the_member, "{are_tickets_first}");
        assert_eq!(text(&run(&data, &["batch", "waiting"])).lines().count(), 1);
    }
}
