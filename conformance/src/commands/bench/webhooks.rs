//! A storm of vendors' calls: ten thousand deliveries of a thousand notices of a connected account on 32 connections, each answered once
//! it and what it leads to are on the disk, beside how often this disk syncs in the same run.

use std::fs::File;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::browser::{Browser, wrong};
use super::inputs::{Bench, median};
use super::server::Server;
use super::{BenchError, Figure, process};

/// Notices, each delivered ten times.
const NOTICES: usize = 1_000;
const DELIVERIES: usize = 10_000;
const CONNECTIONS: usize = 32;

/// Longer than a link gathers what it is told; how long its fetching is looked at, and the CPU that a server at rest uses meanwhile.
const GATHERED: Duration = Duration::from_millis(2_500);
const MOMENT: Duration = Duration::from_millis(500);
const QUIET_SECONDS: f64 = 0.03;

/// Syncs of one run, each after a page that was written.
const SYNCS: usize = 300;
const PAGE: [u8; 4_096] = [7; 4_096];

/// Syncs a second of the folder that the gateway writes to.
#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn syncs(folder: &str) -> Result<f64, BenchError> {
    let path = Path::new(folder).join("syncs");
    let failed = |error| BenchError::file(&path, error);
    let mut file = File::create(&path).map_err(failed)?;
    let start = Instant::now();
    for _ in 0..SYNCS {
        file.write_all(&PAGE).map_err(failed)?;
        file.sync_data().map_err(failed)?;
    }
    let seconds = start.elapsed().as_secs_f64();
    std::fs::remove_file(&path).map_err(failed)?;
    Ok(SYNCS as f64 / seconds)
}

/// Answers a second; every one of them is a success. The connections are plain ones, since sender and gateway share the machine.
#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
async fn answers(url: &str, body: &str) -> Result<f64, BenchError> {
    let url = reqwest::Url::parse(url).map_err(|error| BenchError::Answer(error.to_string()))?;
    let address = url
        .socket_addrs(|| None)
        .map_err(|error| BenchError::Answer(error.to_string()))?;
    let address = *address
        .first()
        .ok_or_else(|| BenchError::Answer("no address".to_owned()))?;
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n",
        url.path()
    );
    let next = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (head, body, next) = (head.clone(), body.to_owned(), Arc::clone(&next));
        senders.spawn(async move { send(address, &head, &body, &next).await });
    }
    while let Some(sent) = senders.join_next().await {
        let sent = sent.map_err(|error| BenchError::Answer(error.to_string()))?;
        sent.map_err(|error| BenchError::Answer(error.to_string()))?;
    }
    Ok(DELIVERIES as f64 / start.elapsed().as_secs_f64())
}

/// One connection's deliveries, one after the other.
async fn send(address: SocketAddr, head: &str, body: &str, next: &AtomicUsize) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut answer = Vec::with_capacity(1_024);
    loop {
        let delivery = next.fetch_add(1, Ordering::Relaxed);
        if delivery >= DELIVERIES {
            return Ok(());
        }
        let body = body.replace('#', &(1_700_000_000 + delivery % NOTICES).to_string());
        let request = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(request.as_bytes()).await?;
        answer.clear();
        // Whichever this vendor wants, it has no body: it ends with its head.
        while !answer.ends_with(b"\r\n\r\n") {
            if stream.read_buf(&mut answer).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
        if ![b"HTTP/1.1 200 ", b"HTTP/1.1 204 "]
            .iter()
            .any(|kept| answer.starts_with(*kept))
        {
            return Err(std::io::Error::other("a delivery was not taken"));
        }
    }
}

/// Connects the account that the notices are of.
async fn connected(server: &Server, url: &str) -> Result<Browser, BenchError> {
    let mut browser = Browser::signed_in(server).await?;
    let vendor = url
        .split_once("/webhooks/v1/")
        .and_then(|(_, path)| path.split('/').next());
    browser.connect(vendor.ok_or_else(|| wrong("no vendor"))?).await?;
    Ok(browser)
}

/// Waits until what a burst before told of was fetched: a link gathers what it is told for two seconds, and goes about it then.
fn wait_until_quiet(server: &Server) -> Result<(), BenchError> {
    std::thread::sleep(GATHERED);
    loop {
        let (before, _) = process::cpu(server.id())?;
        std::thread::sleep(MOMENT);
        let (after, _) = process::cpu(server.id())?;
        if after - before < QUIET_SECONDS {
            return Ok(());
        }
    }
}

/// Fails where a notice was of an account that nobody has: it leads to nothing, and costs less.
async fn all_were_known(browser: &mut Browser) -> Result<(), BenchError> {
    let metrics = browser.page("/metrics").await?;
    let mut unknown = metrics
        .lines()
        .filter(|line| line.starts_with("sekisho_notices_unknown_total"));
    match unknown.all(|line| line.ends_with(" 0")) {
        true => Ok(()),
        false => Err(wrong("notices of an account that nobody has connected")),
    }
}

/// Durable answers beside syncs of the same disk.
///
/// # Errors
/// When a run fails, or one delivery is not answered with a success.
pub fn measure(bench: &Bench) -> Result<Vec<Figure>, BenchError> {
    let folder = bench.path("webhooks");
    let server = Server::start(bench, &folder)?;
    let (url, body) = (
        server.text("webhook_url")?.to_owned(),
        server.text("webhook_body")?.to_owned(),
    );
    // One thread: what the sender takes, the gateway on the same machine lacks.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| BenchError::Answer(error.to_string()))?;
    let mut browser = runtime.block_on(connected(&server, &url))?;
    let mut ratios = Vec::new();
    for _ in 0..bench.runs {
        wait_until_quiet(&server)?;
        let syncs = syncs(&folder)?;
        let answers = runtime.block_on(answers(&url, &body))?;
        eprintln!("{answers:.0} durable answers/s beside {syncs:.0} syncs/s");
        ratios.push(answers / syncs);
    }
    runtime.block_on(all_were_known(&mut browser))?;
    server.stop()?;
    Ok(vec![Figure::at_least(
        "durable answers to vendors' calls on 32 connections, beside the disk's own syncs",
        median(ratios),
        5.0,
        " ×",
    )])
}
