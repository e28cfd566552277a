//! A phone that pushes: what a push of one sample in each of eight series costs the server, what the samples come to on disk with
//! their vendor ids, and what reading everything anew costs beside the first time.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::inputs::{Bench, count, json, median};
use super::server::Server;
use super::{BenchError, Figure, process};

/// Days of a push every two minutes up to now: days that still change, as live pushes meet them.
const DAYS: u32 = 2;
/// Pushes whose cost is measured, after the others.
const MEASURED: usize = 720;
/// Samples of one push when everything is read anew.
const WHOLE: usize = 1_000;

/// Bytes that a process has handed to the disk (proc(5), `/proc/PID/io`).
fn written(process: u32) -> Result<f64, BenchError> {
    let path = format!("/proc/{process}/io");
    let path = Path::new(&path);
    let text = fs::read_to_string(path).map_err(|error| BenchError::file(path, error))?;
    let line = text.lines().find_map(|line| line.strip_prefix("write_bytes: "));
    line.and_then(|bytes| bytes.trim().parse().ok())
        .ok_or_else(|| BenchError::Unreadable(path.to_owned()))
}

struct Phone {
    client: reqwest::Client,
    url: String,
    token: String,
}

impl Phone {
    async fn push(&self, body: String) -> Result<Value, BenchError> {
        let request = self.client.post(&self.url).bearer_auth(&self.token);
        let request = request.header("Content-Type", "application/json").body(body);
        let answer = request.send().await?.error_for_status()?.text().await?;
        json("the answer to a push", &answer)
    }
}

/// The phone of a resident of the demo.
fn phone(server: &Server, resident: usize) -> Result<Phone, BenchError> {
    let token = server.ready["residents"][resident]["push_token"].as_str();
    Ok(Phone {
        client: reqwest::Client::builder().timeout(Duration::from_secs(60)).build()?,
        url: format!("{}/apple-health-push", server.text("push_url")?),
        token: token.unwrap_or_default().to_owned(),
    })
}

/// The samples of all pushes in batches of a thousand, under other names.
fn whole(lines: &[String], name: &str) -> Result<Vec<String>, BenchError> {
    let mut all = Vec::new();
    let mut last = Value::Null;
    for line in lines {
        last = json("a made-up push", line)?;
        all.extend(last["samples"].as_array().cloned().unwrap_or_default());
    }
    let batches = all.chunks(WHOLE).enumerate().map(|(place, samples)| {
        let mut batch = last.clone();
        batch["batch"] = format!("{name}-{place}").into();
        batch["samples"] = samples.to_vec().into();
        batch.to_string()
    });
    Ok(batches.collect())
}

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
async fn seconds(phone: &Phone, batches: Vec<String>) -> Result<f64, BenchError> {
    let start = Instant::now();
    for batch in batches {
        phone.push(batch).await?;
    }
    Ok(start.elapsed().as_secs_f64())
}

/// Bytes on disk without the pushes themselves; of them those of leaves and of vendors' ids; samples; and the bytes of the pushes,
/// which are kept for some days: as `sekisho stats` counts them.
fn stats(bench: &Bench, folder: &str) -> Result<[f64; 5], BenchError> {
    let (_, printed) = process::run(&bench.sekisho, &["stats", "--json", "--data", folder])?;
    let stats = json("stats", &printed)?;
    let pushes = count(&stats, "push_bytes")?;
    let without = count(&stats, "bytes_on_disk")? - pushes;
    let by_metric = stats["by_metric"].as_array().map(Vec::as_slice).unwrap_or_default();
    let leaves = by_metric
        .iter()
        .map(|metric| count(metric, "bytes"))
        .sum::<Result<u64, _>>()?;
    let counts = [
        without,
        leaves,
        count(&stats, "alias_bytes")?,
        count(&stats, "samples")?,
        pushes,
    ];
    Ok(counts.map(|count| count as f64))
}

#[expect(
    clippy::disallowed_methods,
    reason = "what is live goes by the machine's clock, as the server does"
)]
fn yesterday() -> String {
    let day_before = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24);
    day_before.strftime("%Y-%m-%d").to_string()
}

/// Live pushes of two days by one phone, then all of it anew.
///
/// # Errors
/// When a run fails.
pub fn measure(bench: &Bench) -> Result<Vec<Figure>, BenchError> {
    let first_day = yesterday();
    let file = bench.export("live.ndjson", DAYS, &["--first-day", &first_day])?;
    let path = Path::new(&file);
    let text = fs::read_to_string(path).map_err(|error| BenchError::file(path, error))?;
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let folder = bench.path("push");
    Server::start(bench, &folder)?.stop()?;
    let before = stats(bench, &folder)?;
    let server = Server::start(bench, &folder)?;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| BenchError::Answer(error.to_string()))?;
    let phone_of_first = phone(&server, 0)?;
    let (early, late) = lines.split_at(lines.len().saturating_sub(MEASURED));
    let mut stored = 0;
    for line in early {
        stored += count(&runtime.block_on(phone_of_first.push(line.clone()))?, "stored")?;
    }
    let (cpu, bytes) = (process::cpu(server.id())?.0, written(server.id())?);
    for line in late {
        stored += count(&runtime.block_on(phone_of_first.push(line.clone()))?, "stored")?;
    }
    let pushes = late.len() as f64;
    let cpu = (process::cpu(server.id())?.0 - cpu) * 1_000.0 / pushes;
    let bytes = (written(server.id())? - bytes) / 1_000.0 / pushes;
    server.stop()?;
    let after = stats(bench, &folder)?;
    let samples = after[3] - before[3];
    let each = |place: usize| (after[place] - before[place]) / samples;
    eprintln!("{stored} samples stored of {} pushes", lines.len());
    let server = Server::start(bench, &folder)?;
    let phone_of_second = phone(&server, 1)?;
    let first = runtime.block_on(seconds(&phone_of_second, whole(&lines, "first")?))?;
    let mut again = Vec::new();
    for run in 0..bench.runs {
        let batches = whole(&lines, &format!("again-{run}"))?;
        again.push(runtime.block_on(seconds(&phone_of_second, batches))? / first);
    }
    server.stop()?;
    Ok(vec![
        Figure::at_most("a push of one sample in each of 8 series: CPU", cpu, 1.5, " ms"),
        Figure::at_most("a push of one sample in each of 8 series: written", bytes, 100.0, " kB"),
        // What a year of it takes, and what pushes take once they are packed, is measured day by day, with what the upkeep of each
        // does: `live_pushes` of the store.
        Figure::shown(
            "disk of two days of live pushes that no upkeep has seen, bytes a sample",
            each(0),
        ),
        Figure::shown("of it columns of samples", each(1)),
        Figure::shown("of it vendor ids", each(2)),
        Figure::shown(
            "the pushes themselves in their first hour, before they are packed, bytes a sample",
            each(4),
        ),
        Figure::at_most("everything read anew, beside the first time", median(again), 2.0, " ×"),
    ])
}
