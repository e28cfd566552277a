//! Pages of heart-rate Observations over HTTP, eight walks at once, records of provision on: Observations per CPU-second of the
//! server, plain and with gzip, of 1,000 and of 50; everything of a person; how many there are; and whether memory stays where it is.

use std::io::Read as _;
use std::time::Duration;

use flate2::read::GzDecoder;
use reqwest::header;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::inputs::{Bench, Home, median, remove};
use super::server::Server;
use super::{BenchError, Figure, process};

const WALKS: usize = 8;

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    link: Vec<Link>,
    #[serde(default)]
    entry: Vec<IgnoredAny>,
}

#[derive(Deserialize)]
struct Link {
    relation: String,
    url: String,
}

/// Walks all pages, asking for gzip or not; how many Observations came.
async fn walk(client: reqwest::Client, first: String, token: String, gzip: bool) -> Result<u64, BenchError> {
    let mut next = Some(first);
    let mut observations = 0;
    while let Some(url) = next {
        let encoding = if gzip { "gzip" } else { "identity" };
        let answer = client
            .get(&url)
            .bearer_auth(&token)
            .header(header::ACCEPT_ENCODING, encoding)
            .send()
            .await?
            .error_for_status()?;
        let packed = answer.headers().get(header::CONTENT_ENCODING).is_some();
        if packed != gzip {
            return Err(BenchError::Answer(format!(
                "gzip was asked for: {gzip}, given: {packed}"
            )));
        }
        let body = answer.bytes().await?;
        let mut plain = Vec::new();
        let json: &[u8] = if packed {
            GzDecoder::new(&body[..])
                .read_to_end(&mut plain)
                .map_err(|error| BenchError::Answer(format!("gzip: {error}")))?;
            &plain
        } else {
            &body
        };
        let page: Page = serde_json::from_slice(json)
            .map_err(|error| BenchError::Answer(format!("a page is no Bundle: {error}")))?;
        observations += page.entry.len() as u64;
        next = page
            .link
            .into_iter()
            .find(|link| link.relation == "next")
            .map(|link| link.url);
    }
    Ok(observations)
}

/// Eight walks at once; Observations, and CPU seconds of the server.
async fn walks(server: &Server, path: &str, gzip: bool) -> Result<(u64, f64), BenchError> {
    let client = reqwest::Client::builder()
        .no_gzip()
        .timeout(Duration::from_secs(60))
        .build()?;
    let url = format!("{}/{path}", server.text("fhir_base_url")?);
    let token = server.text("access_token")?;
    let (before, _) = process::cpu(server.id())?;
    let mut under_way = tokio::task::JoinSet::new();
    for _ in 0..WALKS {
        under_way.spawn(walk(client.clone(), url.clone(), token.to_owned(), gzip));
    }
    let mut observations = 0;
    while let Some(ended) = under_way.join_next().await {
        observations += ended.map_err(|error| BenchError::Answer(error.to_string()))??;
    }
    let (after, _) = process::cpu(server.id())?;
    Ok((observations, after - before))
}

/// A demo resident with a year of a thousand heart rates a day, read by the demo's app.
///
/// # Errors
/// When a run fails.
pub fn measure(bench: &Bench) -> Result<Vec<Figure>, BenchError> {
    let file = bench.export("year.xml", 365, &["--heart-rates", "1000"])?;
    let folder = bench.path("pages");
    let made = Server::start(bench, &folder)?;
    let home = Home {
        folder: folder.clone(),
        person: made.text("person")?.to_owned(),
    };
    made.stop()?;
    bench.import(&home, &file)?;
    remove(&file);
    let server = Server::start(bench, &folder)?;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| BenchError::Answer(error.to_string()))?;
    let mut figures = large(bench, &server, &runtime)?;
    figures.extend(others(bench, &server, &runtime)?);
    server.stop()?;
    Ok(figures)
}

const THOUSANDS: &str = "Observation?code=http://loinc.org|8867-4&_count=1000";

/// Pages of 1,000, plain and with gzip, and the memory meanwhile.
fn large(bench: &Bench, server: &Server, runtime: &tokio::runtime::Runtime) -> Result<Vec<Figure>, BenchError> {
    let mut figures = Vec::new();
    let mut memory = Vec::new();
    for (gzip, target, name) in [(false, 400_000.0, "plain"), (true, 250_000.0, "gzip")] {
        let mut rates = Vec::new();
        let mut given = 0;
        for _ in 0..bench.runs {
            let (observations, cpu) = runtime.block_on(walks(server, THOUSANDS, gzip))?;
            let peak = process::peak_memory(server.id()).unwrap_or(0) as f64;
            eprintln!(
                "{name}: {observations} Observations in {cpu:.2} s of the server's CPU, at most {:.0} MB resident so far",
                peak / 1e6
            );
            rates.push(observations as f64 / cpu);
            given = observations;
            memory.push(peak);
        }
        figures.push(Figure::at_least(
            format!("pages over HTTP, {name}, {given} Observations: each server CPU-second"),
            median(rates),
            target,
            "",
        ));
    }
    let last = memory.last().copied().unwrap_or(f64::NAN);
    figures.push(Figure::at_most(
        format!(
            "pages over HTTP: resident memory after all walks ({:.0} MB) against after half of them",
            last / 1e6
        ),
        grown(&memory),
        1.1,
        " ×",
    ));
    Ok(figures)
}

/// Pages of 50, everything, and how many there are: each against pages of 1,000, by turns.
fn others(bench: &Bench, server: &Server, runtime: &tokio::runtime::Runtime) -> Result<Vec<Figure>, BenchError> {
    let everything = format!("Patient/{}/$everything?_count=1000", server.text("patient")?);
    let small = THOUSANDS.replace("_count=1000", "_count=50");
    let (mut small_rate, mut all_cost, mut count_cost) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bench.runs {
        let (observations, cpu) = runtime.block_on(walks(server, THOUSANDS, false))?;
        let each = cpu / observations as f64;
        let (observations, cpu) = runtime.block_on(walks(server, &small, false))?;
        small_rate.push(observations as f64 / cpu);
        let (resources, cpu) = runtime.block_on(walks(server, &everything, false))?;
        all_cost.push(cpu / resources as f64 / each);
        let (before, _) = process::cpu(server.id())?;
        let counted = runtime.block_on(count(server))?;
        let (after, _) = process::cpu(server.id())?;
        count_cost.push((after - before) / (counted * COUNTS) as f64 / each);
        eprintln!("{resources} resources of everything, {counted} counted");
    }
    // By itself, so that what other questions left behind does not count.
    let mut memory: Vec<f64> = Vec::new();
    for _ in 0..2 * bench.runs {
        runtime.block_on(walks(server, &everything, false))?;
        let peak = process::peak_memory(server.id()).unwrap_or(0) as f64;
        eprintln!("everything: at most {:.0} MB resident so far", peak / 1e6);
        memory.push(peak);
    }
    Ok(vec![
        Figure::shown(
            "pages of 50 over HTTP, plain: Observations each server CPU-second",
            median(small_rate),
        ),
        Figure::at_most(
            "$everything against a search: CPU a resource",
            median(all_cost),
            1.5,
            " ×",
        ),
        Figure::at_most(
            "$everything: resident memory after all walks against after half of them",
            grown(&memory),
            1.1,
            " ×",
        ),
        Figure::at_most(
            "_summary=count against reading all: CPU an Observation",
            median(count_cost),
            0.5,
            " ×",
        ),
    ])
}

/// How the last of these stands to the middle one: the first walks fill caches and the allocator's, the second half must need no
/// more.
fn grown(memory: &[f64]) -> f64 {
    let half = memory
        .get((memory.len() / 2).saturating_sub(1))
        .copied()
        .unwrap_or(f64::NAN);
    memory.last().copied().unwrap_or(f64::NAN) / half
}

/// How often all is counted in one measurement.
const COUNTS: u64 = 4;

/// How many Observations there are, asked some times.
async fn count(server: &Server) -> Result<u64, BenchError> {
    #[derive(Deserialize)]
    struct Counted {
        total: u64,
    }
    let client = reqwest::Client::builder()
        .no_gzip()
        .timeout(Duration::from_secs(60))
        .build()?;
    let url = format!("{}/{THOUSANDS}&_summary=count", server.text("fhir_base_url")?);
    let mut total = 0;
    for _ in 0..COUNTS {
        let request = client.get(&url).bearer_auth(server.text("access_token")?);
        let body = request.send().await?.error_for_status()?.bytes().await?;
        let counted: Counted = serde_json::from_slice(&body)
            .map_err(|error| BenchError::Answer(format!("a count is no Bundle: {error}")))?;
        total = counted.total;
    }
    Ok(total)
}
