//! Canaries: secrets, names and values that must never turn up in a log, an error or a metric of the real binary, whatever is
//! sent where. Uses the binary that `./test` builds before this.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails, in its helpers too")]

mod binary;

use std::fs::File;
use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::time::Duration;

use binary::{Demo, sekisho};
use reqwest::{Client, Method, StatusCode};

/// Sent where they do not belong; none may be repeated anywhere but to who sent it.
const CANARIES: [&str; 6] = [
    "canary-code-5f1c9a",
    "canary-secret-77ab02",
    "canary-refresh-c41d",
    "canary-query-9e03",
    "canary-form-1b2c",
    "canary-cookie-d00f",
];
/// What the demo's first resident is called and when they were born.
const PERSON: [&str; 3] = ["山田", "花子", "1958-04-12"];
/// A weight that nobody has twice.
const WEIGHT: &str = "77.7191";

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Waits until it answers.
async fn ready(client: &Client, base: &str) {
    for _ in 0..200 {
        if client.get(format!("{base}/readyz")).send().await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the server does not answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_no_name_and_no_value_turns_up_in_logs_errors_or_metrics() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (token, push_token, person, patient) = {
        let demo = Demo::start(&data);
        (
            demo.text("access_token").to_owned(),
            demo.text("push_token").to_owned(),
            demo.text("person").to_owned(),
            demo.text("patient").to_owned(),
        )
    };
    let logs = folder.path().join("logs");
    let log = || Stdio::from(File::options().create(true).append(true).open(&logs).unwrap());
    let loud = [
        (
            "SEKISHO_LOG_FILTER",
            "info,sekisho=trace,store=trace,adapters=trace,tower_http=trace",
        ),
        ("SEKISHO_LOG_FORMAT", "json"),
    ];

    // A value comes in, and one that is refused beside it.
    let export = folder.path().join("export.xml");
    let record = |value: &str| {
        format!(
            "<Record type=\"HKQuantityTypeIdentifierBodyMass\" sourceName=\"花子の体重計\" unit=\"kg\" \
             startDate=\"2026-05-10 07:00:00 +0900\" endDate=\"2026-05-10 07:00:00 +0900\" value=\"{value}\"/>"
        )
    };
    let text = format!(
        "<HealthData><ExportDate value=\"2026-05-11 07:00:00 +0900\"/>{}{}</HealthData>",
        record(WEIGHT),
        record(&format!("{WEIGHT}x"))
    );
    std::fs::write(&export, text).unwrap();
    let imported = sekisho()
        .arg("import")
        .arg(&export)
        .args(["--person", &person, "--data"])
        .arg(&data)
        .envs(loud)
        .stdout(log())
        .stderr(log())
        .status()
        .unwrap();
    assert_eq!(imported.code(), Some(2), "{}", std::fs::read_to_string(&logs).unwrap());

    // The operator's table of what was refused says where it stands, and no value; what it prints is held against the canaries too.
    let refused = || {
        let told = sekisho()
            .args(["rejected", "--since", "2026-01-01", "--data"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(told.status.success());
        let told = String::from_utf8(told.stdout).unwrap();
        std::io::Write::write_all(&mut File::options().append(true).open(&logs).unwrap(), told.as_bytes()).unwrap();
        told.lines()
            .skip(1)
            .map(|row| row.split('\t').map(str::to_owned).collect())
            .collect::<Vec<Vec<String>>>()
    };
    let rows = refused();
    let mine = rows
        .iter()
        .find(|row| row[0] == person && row[5] == "not-a-number")
        .unwrap();
    assert_eq!(
        (mine[3].as_str(), mine[6].as_str(), mine[7].as_str()),
        ("apple-health", "1", "1")
    );
    assert!(mine[8].starts_with("text "), "{mine:?}");

    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let base = format!("http://127.0.0.1:{port}");
    let server = Server(
        sekisho()
            .args(["serve", "--data"])
            .arg(&data)
            .envs(loud)
            .env("SEKISHO_HTTP_LISTEN", format!("127.0.0.1:{port}"))
            .env("SEKISHO_HTTP_PUBLIC_URL", &base)
            .stdout(log())
            .stderr(log())
            .spawn()
            .unwrap(),
    );
    let client = Client::builder()
        .timeout(Duration::from_secs(20))
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    ready(&client, &base).await;
    let fhir = format!("{base}/fhir/r4");

    // What may be seen is seen: the canaries sing to who may hear them.
    let seen = client
        .get(format!("{fhir}/Observation?code=body_weight&_count=1000"))
        .bearer_auth(&token)
        .send()
        .await
        .unwrap();
    assert_eq!(seen.status(), StatusCode::OK);
    assert!(seen.text().await.unwrap().contains(WEIGHT));

    let [code, secret, refresh, query, form, cookie] = CANARIES;
    let mut said = String::new();
    // A phone pushes a value, one in a unit that nobody knows, and a deletion.
    let weighed = |uuid: &str, unit: &str| {
        format!(
            "{{\"uuid\": \"{uuid}\", \"quantityType\": \"HKQuantityTypeIdentifierBodyMass\", \"quantity\": {WEIGHT}, \"unit\": \"{unit}\", \
             \"startDate\": \"2026-05-10T07:00:00Z\", \"endDate\": \"2026-05-10T07:00:00Z\", \
             \"sourceRevision\": {{\"source\": {{\"name\": \"花子の体重計\"}}}}}}"
        )
    };
    let push = format!(
        "{{\"format\": \"apple-health-push/1\", \"batch\": \"{form}\", \"sentAt\": \"2026-05-11T07:00:00Z\", \
         \"samples\": [{}, {}], \"deletedSamples\": [{{\"uuid\": \"{refresh}\"}}]}}",
        weighed(code, "kg"),
        weighed(secret, WEIGHT)
    );
    let requests = [
        (
            Method::GET,
            format!("{fhir}/Patient/{patient}"),
            String::new(),
            Some(format!("Bearer {token}")),
        ),
        (
            Method::GET,
            format!("{fhir}/Observation?access_token={token}"),
            String::new(),
            None,
        ),
        (
            Method::GET,
            format!("{fhir}/Observation"),
            String::new(),
            Some(format!("Bearer {secret}")),
        ),
        (
            Method::GET,
            format!("{fhir}/Observation"),
            String::new(),
            Some(format!("Basic {secret}")),
        ),
        (
            Method::GET,
            format!("{fhir}/Observation?date={query}"),
            String::new(),
            Some(format!("Bearer {secret}")),
        ),
        (
            Method::POST,
            format!("{fhir}/Observation/_search"),
            format!("date={form}"),
            None,
        ),
        (
            Method::POST,
            format!("{base}/oauth/token"),
            format!(
                "grant_type=authorization_code&client_id=point-app&code={code}&code_verifier={secret}&redirect_uri=http://127.0.0.1:9730/callback"
            ),
            None,
        ),
        (
            Method::POST,
            format!("{base}/oauth/token"),
            format!("grant_type=refresh_token&client_id=point-app&refresh_token={refresh}"),
            None,
        ),
        (
            Method::POST,
            format!("{base}/oauth/revoke"),
            format!("client_id=point-app&token={refresh}"),
            None,
        ),
        (
            Method::GET,
            format!("{base}/oauth/authorize?client_id={query}&redirect_uri={query}"),
            String::new(),
            None,
        ),
        (
            Method::GET,
            format!("{base}/sign-in/callback?code={code}&state={secret}"),
            String::new(),
            None,
        ),
        (
            Method::GET,
            format!("{base}/portal?before={query}"),
            String::new(),
            None,
        ),
        (Method::GET, format!("{base}/{query}"), String::new(), None),
        (
            Method::POST,
            format!("{base}/push/v1/companions"),
            format!("{{\"code\": \"{code}\", \"name\": \"花子\"}}"),
            None,
        ),
        (
            Method::POST,
            format!("{base}/push/v1/apple-health-push"),
            push.clone(),
            Some(format!("Bearer {secret}")),
        ),
        (
            Method::POST,
            format!("{base}/push/v1/apple-health-push"),
            push,
            Some(format!("Bearer {push_token}")),
        ),
    ];
    for (method, url, body, authorization) in requests {
        let mut request = client
            .request(method, &url)
            .header("cookie", format!("session={cookie}; __Host-session={cookie}"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        let answer = request.send().await.unwrap();
        assert_ne!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR, "{url}");
        said.push_str(&format!("{:?}\n", answer.headers()));
        said.push_str(&answer.text().await.unwrap());
        said.push('\n');
    }
    let metrics = client
        .get(format!("{base}/metrics"))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    // Beside a running server.
    let rows = refused();
    let mine = rows.iter().find(|row| row[3] == "apple-health-push").unwrap();
    assert_eq!((mine[5].as_str(), mine[7].as_str()), ("unknown-unit", "2"));
    assert!(mine[8].starts_with("delivery "), "{mine:?}");
    drop(server);

    let logged = std::fs::read_to_string(&logs).unwrap();
    assert!(logged.lines().count() > 10, "the logs are silent: {logged}");
    for canary in
        CANARIES
            .iter()
            .chain(&PERSON)
            .copied()
            .chain([WEIGHT, token.as_str(), push_token.as_str(), "花子の体重計"])
    {
        assert!(
            !logged.contains(canary),
            "{canary} is in a log: {}",
            line_with(&logged, canary)
        );
        assert!(!metrics.contains(canary), "{canary} is in a metric");
    }
    // An answer may name a parameter and its faulty value to who sent it, never a secret or somebody.
    for canary in [
        code,
        secret,
        refresh,
        cookie,
        token.as_str(),
        push_token.as_str(),
        WEIGHT,
    ]
    .iter()
    .chain(&PERSON)
    {
        assert!(
            !said.contains(canary),
            "{canary} is in an answer: {}",
            line_with(&said, canary)
        );
    }
}

fn line_with<'a>(text: &'a str, word: &str) -> &'a str {
    text.lines().find(|line| line.contains(word)).unwrap_or_default()
}
