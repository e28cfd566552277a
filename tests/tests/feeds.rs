//! What a vendor lays down for a town of many people, taken in by the real binary: each has their own, what is nobody's waits until
//! somebody is known, and the same again adds nothing. Uses the real binary, which `./test` builds before this.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails, in its helpers too")]

#[expect(dead_code, reason = "no demo runs here")]
mod binary;

use std::path::Path;

use binary::sekisho;
use serde_json::{Value, json};

fn run(data: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = sekisho();
    command.args(arguments).arg("--data").arg(data);
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Who hands over, and from whom it comes.
const HANDS: [&str; 4] = ["--handler", "担当 一", "--counterpart", "みほん計測"];

fn item(user: &str, morning: u32) -> Value {
    let measure = |day: u64| {
        json!({
            "_id": format!("HEM-7281T_{user}_1_{}", 1_778_362_500_000_u64 + day * 86_400_000),
            "timeZone": "Asia/Tokyo",
            "bodyIndexList": {"1": [(morning + 1).to_string(), "20496", "0", "1"], "2": ["80", "20496", "0", "2"]},
        })
    };
    json!({
        "PartnerId": "p", "GroupId": "g", "UserId": user, "deviceCategory": "0",
        "measureList": [measure(0), measure(1)],
    })
}

fn samples(data: &Path) -> u64 {
    let (_, stats, _) = run(data, &["stats", "--json"]);
    let stats: Value = serde_json::from_str(&stats).unwrap();
    stats["samples"].as_u64().unwrap()
}

#[test]
fn files_of_many_people_come_to_whom_they_are_of_once() {
    let folder = tempfile::tempdir().unwrap();
    let (data, laid) = (folder.path().join("data"), folder.path().join("data-of-partner"));
    std::fs::create_dir_all(laid.join("p")).unwrap();
    let file = json!([item("u-1", 120), item("u-2", 130)]).to_string();
    std::fs::write(laid.join("p/20260511.json"), file).unwrap();
    std::fs::write(laid.join("p/readme.txt"), "no file of theirs").unwrap();
    std::fs::write(laid.join("p/broken.json"), "{").unwrap();
    let (_, added, _) = run(&data, &["person", "add", "--name", "a member"]);
    let person = added.split_whitespace().last().unwrap().to_owned();
    let laid = laid.to_str().unwrap();

    let import = || {
        let (code, told, _) = run(&data, &[&["feed", "import", laid], &HANDS[..]].concat());
        (code, serde_json::from_str::<Value>(&told).unwrap())
    };
    let (code, told) = import();
    assert_eq!(code, Some(2), "one of the files is none");
    assert_eq!(told["files"], json!({"read": 1, "unread": 1}));
    assert_eq!(told["accounts"]["waiting"], 2);
    assert_eq!(samples(&data), 0);

    let table = folder.path().join("accounts.csv");
    std::fs::write(&table, format!("person,account\n{person},g/u-1\n77,g/u-2\n")).unwrap();
    let accounts = ["feed", "accounts", table.to_str().unwrap()];
    let (code, told, refused) = run(&data, &[&accounts[..], &HANDS[..]].concat());
    assert_eq!(code, Some(2), "{told}");
    assert!(refused.contains("line 3"), "there is no member 77: {refused}");
    assert!(
        told.contains("1 accounts are known now") && told.contains("1 deliveries"),
        "{told}"
    );
    assert_eq!(samples(&data), 2, "what waited of u-1, and nothing of u-2");

    let (_, told) = import();
    assert_eq!(
        (
            &told["accounts"]["known"],
            &told["records"]["duplicate"],
            &told["records"]["stored"]
        ),
        (&json!(1), &json!(2), &json!(0))
    );
    assert_eq!(samples(&data), 2);

    // Each hand-over stands in the ledger, with the hash of what was handed over, and nothing of anybody.
    let (_, ledger, _) = run(&data, &["batch", "ledger"]);
    let lines: Vec<&str> = ledger
        .lines()
        .skip(1)
        .map(|line| line.split_once(',').unwrap().1)
        .map(|line| line.strip_suffix(',').expect("nothing was refused"))
        .collect();
    let hashes = lines.iter().map(|line| line.rsplit_once(',').unwrap().1);
    assert!(hashes.clone().all(|hash| hash.len() == 64), "{ledger}");
    assert_eq!(
        hashes.collect::<std::collections::BTreeSet<_>>().len(),
        2,
        "the same files twice, and a list"
    );
    let counts: Vec<&str> = lines.iter().map(|line| line.rsplit_once(',').unwrap().0).collect();
    assert_eq!(
        counts,
        [
            "担当 一,みほん計測,readings of a feed,3,1,1,1",
            "担当 一,みほん計測,whose accounts are,2,1,0,1",
            "担当 一,みほん計測,readings of a feed,3,0,2,1",
        ]
    );
    assert!(!ledger.contains("u-1"), "{ledger}");
    let (code, told, why) = run(&data, &["feed", "import", laid]);
    assert!(code == Some(2) && told.is_empty() && why.contains("--handler"), "{why}");
    let (code, findings, _) = run(&data, &["doctor"]);
    assert_eq!(code, Some(0), "{findings}");
}
