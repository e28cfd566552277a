//! A poller that asks what is new of a person with two million heart rates of which ten are: how many leaves are decoded for it, as the
//! server counts them.

use std::time::Duration;

use serde_json::Value;

use super::inputs::{Bench, Home, count, remove};
use super::server::Server;
use super::{BenchError, Figure};

/// Days of a thousand heart rates each: two million.
const DAYS: u32 = 2_000;

/// Leaves that may be decoded for ten new samples.
const MOST_LEAVES: f64 = 12.0;

/// Asks; the answer and how many leaves it took.
async fn ask(server: &Server, path: &str) -> Result<(Value, u64), BenchError> {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(60)).build()?;
    let before = decoded(server, &client).await?;
    let url = format!("{}/{path}", server.text("fhir_base_url")?);
    let request = client.get(&url).bearer_auth(server.text("access_token")?);
    let answer = request.send().await?.error_for_status()?.bytes().await?;
    let answer = serde_json::from_slice(&answer).map_err(|error| BenchError::Answer(format!("no Bundle: {error}")))?;
    Ok((answer, decoded(server, &client).await? - before))
}

/// The server's own counter of decoded leaves.
async fn decoded(server: &Server, client: &reqwest::Client) -> Result<u64, BenchError> {
    let base = server.text("fhir_base_url")?.trim_end_matches("/fhir/r4");
    let metrics = client
        .get(format!("{base}/metrics"))
        .send()
        .await?
        .error_for_status()?
        .text()
        .await?;
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix("sekisho_leaves_decoded_total "));
    line.and_then(|count| count.trim().parse().ok())
        .ok_or_else(|| BenchError::Answer("the server counts no decoded leaves".to_owned()))
}

/// An export of the day after all others, with ten heart rates of the same watch.
fn ten_more(bench: &Bench, run: u32) -> Result<String, BenchError> {
    let day = jiff::civil::date(2024, 1, 1).saturating_add(jiff::Span::new().days(i64::from(DAYS + run)));
    let day = day.to_string();
    bench.export("ten.xml", 1, &["--heart-rates", "10", "--first-day", &day])
}

/// Two million heart rates, then ten more a run, asked for by a server that has nothing in memory.
///
/// # Errors
/// When a run fails.
pub fn measure(bench: &Bench) -> Result<Vec<Figure>, BenchError> {
    let file = bench.export("years.xml", DAYS, &["--heart-rates", "1000"])?;
    let folder = bench.path("sync");
    let made = Server::start(bench, &folder)?;
    let home = Home {
        folder: folder.clone(),
        person: made.text("person")?.to_owned(),
    };
    made.stop()?;
    let (_, accounting) = bench.import(&home, &file)?;
    let stored = count(&accounting, "stored")?;
    remove(&file);
    let runtime = tokio::runtime::Runtime::new().map_err(|error| BenchError::Answer(error.to_string()))?;
    let mut most = 0;
    for run in 0..bench.runs {
        let server = Server::start(bench, &folder)?;
        let (page, _) = runtime.block_on(ask(&server, "Observation?_count=1"))?;
        server.stop()?;
        let known = page["meta"]["lastUpdated"]
            .as_str()
            .unwrap_or_default()
            .replace('+', "%2B");
        let ten = ten_more(bench, run)?;
        bench.import(&home, &ten)?;
        remove(&ten);
        let server = Server::start(bench, &folder)?;
        let sync = format!("Observation?code=8867-4&_lastUpdated=gt{known}&_sort=_lastUpdated&_count=1000");
        let (new, leaves) = runtime.block_on(ask(&server, &sync))?;
        let found = new["entry"].as_array().map_or(0, Vec::len);
        if found != 10 {
            return Err(BenchError::Answer(format!("ten are new, {found} were found")));
        }
        let (page, of_page) = runtime.block_on(ask(&server, "Observation?code=8867-4&_count=1000"))?;
        eprintln!(
            "{leaves} leaves for {found} new, {of_page} for a page of {}",
            page["entry"].as_array().map_or(0, Vec::len)
        );
        most = most.max(leaves);
        server.stop()?;
    }
    Ok(vec![Figure::at_most(
        format!("what is new by _lastUpdated, 10 heart rates among {stored} samples: leaves decoded"),
        most as f64,
        MOST_LEAVES,
        "",
    )])
}
