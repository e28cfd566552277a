//! A resident's import is killed again and again, then run once more: what an app reads is what one run would have given,
//! in samples, versions, ids and days. Uses the real binary, which `./test` builds before this.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails, in its helpers too")]

mod binary;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use binary::{Demo, sekisho};
use serde_json::Value;

/// Every Observation that the example app can read, without the times of its commit.
async fn observations(demo: &Demo) -> Vec<Value> {
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(60))
        .build()
        .unwrap();
    let mut next = Some(format!("{}/Observation?_count=1000", demo.text("fhir_base_url")));
    let mut all = Vec::new();
    while let Some(url) = next {
        let page = client
            .get(&url)
            .bearer_auth(demo.text("access_token"))
            .send()
            .await
            .unwrap();
        let mut page: Value = page.error_for_status().unwrap().json().await.unwrap();
        let link = |link: &&Value| link["relation"] == "next";
        next = page["link"]
            .as_array()
            .and_then(|links| links.iter().find(link))
            .map(|link| link["url"].as_str().unwrap().to_owned());
        for entry in page["entry"].as_array_mut().into_iter().flatten() {
            let mut resource = entry["resource"].take();
            resource["meta"].as_object_mut().unwrap().remove("lastUpdated");
            resource.as_object_mut().unwrap().remove("issued");
            all.push(resource);
        }
    }
    all
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, target).unwrap();
        }
    }
}

fn import(export: &Path, person: &str, data: &Path) -> Command {
    let mut command = sekisho();
    command
        .arg("import")
        .arg(export)
        .args(["--person", person, "--data"])
        .arg(data);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_was_killed_and_run_again_gives_what_one_run_gives() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| -> PathBuf { folder.path().join(name) };
    let person = Demo::start(&path("once")).text("person").to_owned();
    copy(&path("once"), &path("killed"));
    let export = path("export.xml");
    let made = sekisho()
        .arg("synthesize")
        .arg(&export)
        .args(["--days", "40", "--seed", "7"])
        .status();
    assert!(made.unwrap().success());

    let whole = import(&export, &person, &path("once")).output().unwrap();
    assert!(whole.status.success());
    let mut unfinished = 0;
    for after in [20, 35, 50, 60, 70, 80, 90] {
        let mut child = import(&export, &person, &path("killed")).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(after));
        child.kill().unwrap();
        unfinished += u32::from(!child.wait().unwrap().success());
    }
    assert!(unfinished > 0, "every import was done before it was killed");
    let again = import(&export, &person, &path("killed")).output().unwrap();
    assert!(again.status.success());
    let counts = |out: &[u8]| {
        let accounting: Value = serde_json::from_slice(out).unwrap();
        ["received", "unsupported", "rejected"].map(|name| accounting[name].as_u64())
    };
    assert_eq!(counts(&again.stdout), counts(&whole.stdout));

    let once = observations(&Demo::start(&path("once"))).await;
    let killed = observations(&Demo::start(&path("killed"))).await;
    assert_eq!(once.len(), killed.len());
    assert!(once.len() > 20_000, "{}", once.len());
    if let Some((one, other)) = once.iter().zip(&killed).find(|(one, other)| one != other) {
        panic!("{one}\nis after kills\n{other}");
    }
    // A rebuild finds every kept day as it should be.
    let rebuilt = sekisho()
        .args(["rebuild", "totals", "--data"])
        .arg(path("killed"))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&rebuilt.stdout).into_owned();
    assert!(rebuilt.status.success() && told.contains(" 0 "), "{told}");
}
