//! A phone pushes to the real binary and an app reads: what came, what was corrected and what was deleted; and a server that is killed
//! again and again while phones push loses nothing that it answered for and doubles nothing. `./test` builds the binary before this.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails, in its helpers too")]

mod binary;

use std::time::Duration;

use adapters::apple_health_push::synthetic;
use binary::{Demo, sekisho};
use model::environment::SeededRandomness;
use serde_json::{Value, json};

/// Servers that are killed while so many phones push.
const KILLS: u64 = 25;
const PHONES: u32 = 8;

fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .timeout(Duration::from_secs(30))
        .build()
        .unwrap()
}

/// A push; `None` where no answer came.
async fn push(demo: &Demo, body: &Value) -> Option<Value> {
    let url = format!("{}/apple-health-push", demo.text("push_url"));
    let answer = client()
        .post(url)
        .bearer_auth(demo.text("push_token"))
        .json(body)
        .send()
        .await
        .ok()?;
    assert_eq!(answer.status(), 200);
    answer.json().await.ok()
}

/// The steps of 2026-05-10 that the example app reads, by start; with the search's own words behind.
async fn steps(demo: &Demo, more: &str) -> (Vec<Value>, String) {
    let base = demo.text("fhir_base_url");
    let mut next = Some(format!(
        "{base}/Observation?code=55423-8&date=2026-05-10{more}&_count=500"
    ));
    let (mut all, mut known) = (Vec::new(), String::new());
    while let Some(url) = next {
        let page = client()
            .get(url)
            .bearer_auth(demo.text("access_token"))
            .send()
            .await
            .unwrap();
        let mut page: Value = page.error_for_status().unwrap().json().await.unwrap();
        let links = page["link"].as_array().unwrap();
        let link = links.iter().find(|link| link["relation"] == "next");
        next = link.map(|link| link["url"].as_str().unwrap().to_owned());
        known = page["meta"]["lastUpdated"].as_str().unwrap_or_default().to_owned();
        for entry in page["entry"].as_array_mut().into_iter().flatten() {
            all.push(entry["resource"].take());
        }
    }
    (all, known)
}

fn counts(found: &[Value]) -> Vec<i64> {
    found
        .iter()
        .map(|found| found["valueQuantity"]["value"].as_i64().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_reads_what_a_phone_pushed_corrected_and_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start(folder.path());
    let first = synthetic::push("1", &[("a", 500, 8), ("b", 700, 9)], &[]);
    assert_eq!(push(&demo, &first).await.unwrap()["stored"], 2);
    let (found, known) = steps(&demo, "&_sort=date").await;
    assert_eq!(counts(&found), [500, 700]);
    let ids: Vec<String> = found
        .iter()
        .map(|found| found["id"].as_str().unwrap().to_owned())
        .collect();
    // On the phone an edit is a deletion and a new sample.
    let edit = synthetic::push("2", &[("c", 550, 8)], &["a", "b"]);
    assert_eq!(push(&demo, &edit).await.unwrap()["stored"], 3);
    let (found, _) = steps(&demo, "&_sort=date").await;
    assert_eq!(counts(&found), [550]);
    // Whoever asks for what changed meets what was deleted, without its value.
    let (changed, _) = steps(&demo, &format!("&_lastUpdated=gt{known}")).await;
    let in_error = changed.iter().filter(|found| found["status"] == "entered-in-error");
    let mut gone: Vec<&str> = in_error.map(|found| found["id"].as_str().unwrap()).collect();
    gone.sort_unstable();
    let mut expected: Vec<&str> = ids.iter().map(String::as_str).collect();
    expected.sort_unstable();
    assert_eq!(gone, expected);
    assert!(
        changed
            .iter()
            .all(|found| found["status"] != "entered-in-error" || found.get("valueQuantity").is_none())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_phone_pushed_is_read_again_by_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start(folder.path());
    let pushed = synthetic::push("1", &[("a", 500, 8), ("b", 700, 9)], &[]);
    assert_eq!(push(&demo, &pushed).await.unwrap()["stored"], 2);
    drop(demo);
    let replay = |more: &[&str]| {
        let mut command = sekisho();
        command.args(["replay", "--adapter", "apple-health-push", "--since", "2020-01-01"]);
        let done = command.arg("--data").arg(folder.path()).args(more).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    };
    let told = replay(&[]);
    assert!(
        told.contains("samples as they would be: 0 new, 0 changed, 0 gone"),
        "{told}"
    );
    for (more, applied) in [(&["--json"][..], false), (&["--json", "--apply"][..], true)] {
        let told: Value = serde_json::from_str(&replay(more)).unwrap();
        assert_eq!(told["pushes"], 1, "{told}");
        assert_eq!(
            told["now"],
            json!({"received": 2, "data": 2, "unsupported": 0, "rejected": 0})
        );
        assert_eq!(told["samples"], json!({"new": 0, "changed": 0, "gone": 0}));
        assert_eq!(told["applied"], applied);
    }
    let unknown = sekisho()
        .args(["replay", "--adapter", "nobody", "--since", "2020-01-01"])
        .output();
    assert!(!unknown.unwrap().status.success());
}

/// What a phone sent: each push of one walk, whose steps are its number.
#[derive(Default)]
struct Phone {
    answered: Vec<u32>,
    /// What was cut off: it is sent again.
    waiting: Option<u32>,
    begun: u32,
    /// How often an answer stayed out after the push was under way.
    cut_off: u32,
}

impl Phone {
    /// Pushes until no answer comes.
    async fn push_on(mut self, place: u32, client: reqwest::Client, url: String, token: String) -> Self {
        loop {
            let number = self.waiting.take().unwrap_or_else(|| {
                self.begun += 1;
                self.begun * PHONES + place
            });
            match client.post(&url).bearer_auth(&token).json(&walk(number)).send().await {
                Ok(answer) => {
                    assert_eq!(answer.status(), 200);
                    match answer.json::<Value>().await {
                        Ok(answer) => {
                            assert_eq!(answer["rejected"], 0);
                            self.answered.push(number);
                            continue;
                        }
                        Err(_) => self.cut_off += 1,
                    }
                }
                // Nobody there any more: it was not under way.
                Err(error) if error.is_connect() => {}
                Err(_) => self.cut_off += 1,
            }
            self.waiting = Some(number);
            return self;
        }
    }
}

fn walk(number: u32) -> Value {
    let uuid = format!("uuid-{number}");
    synthetic::push(&uuid, &[(&uuid, number, number % 24)], &[])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_while_phones_push_loses_and_doubles_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let random = SeededRandomness::new(7);
    let client = client();
    let mut phones: Vec<Phone> = (0..PHONES).map(|_| Phone::default()).collect();
    for _ in 0..KILLS {
        let demo = Demo::start(folder.path());
        let url = format!("{}/apple-health-push", demo.text("push_url"));
        let pushing: Vec<_> = (0..)
            .zip(phones)
            .map(|(place, phone)| {
                let token = demo.text("push_token").to_owned();
                tokio::spawn(phone.push_on(place, client.clone(), url.clone(), token))
            })
            .collect();
        tokio::time::sleep(Duration::from_micros(5_000 + random.below(60_000))).await;
        drop(demo);
        phones = Vec::new();
        for phone in pushing {
            phones.push(phone.await.unwrap());
        }
    }
    let cut_off: u32 = phones.iter().map(|phone| phone.cut_off).sum();
    assert!(
        u64::from(cut_off) >= KILLS,
        "{cut_off} pushes were under way at {KILLS} kills"
    );
    let demo = Demo::start(folder.path());
    let there = |found: &[Value]| -> Vec<u32> {
        let mut there: Vec<u32> = counts(found).into_iter().map(|count| count as u32).collect();
        there.sort_unstable();
        there
    };
    let mut expected: Vec<u32> = phones.iter().flat_map(|phone| phone.answered.iter().copied()).collect();
    let kept = there(&steps(&demo, "").await.0);
    let lost: Vec<&u32> = expected
        .iter()
        .filter(|number| kept.binary_search(number).is_err())
        .collect();
    assert!(lost.is_empty(), "answered, and lost: {lost:?}");
    for number in phones.iter().filter_map(|phone| phone.waiting) {
        push(&demo, &walk(number)).await.unwrap();
        expected.push(number);
    }
    expected.sort_unstable();
    assert_eq!(there(&steps(&demo, "").await.0), expected, "nothing is doubled");
}
