//! What a connection and a token cost: whole authorization code flows and checked tokens each server CPU-second, and what still
//! passes once a withdrawal was confirmed under load.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;

use super::browser::{Browser, hidden, pairs, wrong};
use super::inputs::{Bench, median};
use super::server::Server;
use super::{BenchError, Figure, process};

/// Flows of one run.
const FLOWS: u32 = 100;
/// Introspections and reads of one run.
const CHECKS: u32 = 2_000;
/// Readers under way while a consent is withdrawn.
const READERS: usize = 8;
/// The challenge and verifier of RFC 7636, appendix B.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const SCOPE: &str = "launch/patient patient/Observation.rs";

/// What a resident does with an app.
impl Browser {
    /// A whole flow: the request, the consent page, the answer, the token.
    async fn flow(&mut self, server: &Server) -> Result<Value, BenchError> {
        let (client_id, redirect_uri) = (server.text("client_id")?, server.text("redirect_uri")?);
        let aud = server.text("fhir_base_url")?;
        let mut address =
            reqwest::Url::parse(&format!("{}/oauth/authorize", self.base)).map_err(|_| wrong("no URL"))?;
        address.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", client_id),
            ("redirect_uri", redirect_uri),
            ("scope", SCOPE),
            ("state", "s"),
            ("aud", aud),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]);
        let page = self.page(address.as_str()).await?;
        let hidden = hidden(&page);
        let mut form = pairs(&hidden);
        form.extend([
            ("activity", "yes"),
            ("activity-detail", "daily"),
            ("from", "all"),
            ("until", "6months"),
            ("decision", "agree"),
        ]);
        let page = self.send("/oauth/consent", Some(&form)).await?.text().await?;
        let code = page.split_once("code=").map(|(_, rest)| rest).unwrap_or_default();
        let code: String = code
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c))
            .collect();
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", client_id),
            ("code", &code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", VERIFIER),
        ];
        let answer = self
            .client
            .post(format!("{}/oauth/token", self.base))
            .form(&form)
            .send()
            .await?;
        let told: Value = answer.json().await?;
        if told["access_token"].is_string() {
            Ok(told)
        } else {
            Err(BenchError::Answer(format!("no token: {}", told["error"])))
        }
    }
}

/// What something done so many times costs: times each CPU-second of the server.
async fn rate(
    server: &Server,
    times: u32,
    mut once: impl AsyncFnMut() -> Result<(), BenchError>,
) -> Result<f64, BenchError> {
    let (before, _) = process::cpu(server.id())?;
    for _ in 0..times {
        once().await?;
    }
    let (after, _) = process::cpu(server.id())?;
    Ok(f64::from(times) / (after - before))
}

fn steps(server: &Server) -> Result<String, BenchError> {
    let base = server.text("fhir_base_url")?;
    Ok(format!("{base}/Observation?code=daily_step_count&_count=1"))
}

/// Withdraws under load: how many reads that were sent after the withdrawal was confirmed still gave something.
async fn passed_after_withdrawal(server: &Server, browser: &mut Browser) -> Result<(u64, u64), BenchError> {
    let token = browser.flow(server).await?["access_token"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let url = steps(server)?;
    let withdrawn = Arc::new(AtomicBool::new(false));
    let over = Arc::new(AtomicBool::new(false));
    let (before, late) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..READERS {
        let (client, url, token) = (browser.client.clone(), url.clone(), token.clone());
        let (withdrawn, over) = (Arc::clone(&withdrawn), Arc::clone(&over));
        let (before, late) = (Arc::clone(&before), Arc::clone(&late));
        readers.spawn(async move {
            while !over.load(Ordering::SeqCst) {
                let is_late = withdrawn.load(Ordering::SeqCst);
                let Ok(answer) = client.get(&url).bearer_auth(&token).send().await else {
                    continue;
                };
                let gave = answer.status() == 200 && answer.text().await.is_ok_and(|text| text.contains("\"entry\""));
                if gave {
                    let count = if is_late { &late } else { &before };
                    count.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let page = browser.page("/portal").await?;
    let action = page
        .split("action=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .find(|action| action.ends_with("/withdraw"))
        .ok_or_else(|| wrong("nothing to withdraw"))?
        .to_owned();
    let csrf = hidden(&page)
        .into_iter()
        .find(|(name, _)| name == "csrf")
        .map(|(_, value)| value)
        .unwrap_or_default();
    browser.send(&action, Some(&[("csrf", &csrf)])).await?;
    withdrawn.store(true, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(500)).await;
    over.store(true, Ordering::SeqCst);
    while readers.join_next().await.is_some() {}
    Ok((before.load(Ordering::SeqCst), late.load(Ordering::SeqCst)))
}

/// Connects, checks and withdraws against a demo.
///
/// # Errors
/// When a run fails.
pub fn measure(bench: &Bench) -> Result<Vec<Figure>, BenchError> {
    let server = Server::start(bench, &bench.path("tokens"))?;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| BenchError::Answer(error.to_string()))?;
    let figures = runtime.block_on(async {
        let mut browser = Browser::signed_in(&server).await?;
        let (mut flows, mut checks, mut reads) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..bench.runs {
            flows.push(rate(&server, FLOWS, async || browser.flow(&server).await.map(|_| ())).await?);
            let told = browser.flow(&server).await?;
            let token = told["access_token"].as_str().unwrap_or_default();
            let introspect = format!("{}/oauth/introspect", server.text("base_url")?);
            let form = [("client_id", server.text("client_id")?), ("token", token)];
            let client = &browser.client;
            let check = async || {
                let told: Value = client.post(&introspect).form(&form).send().await?.json().await?;
                if told["active"] == true {
                    Ok(())
                } else {
                    Err(wrong("a living token is not active"))
                }
            };
            checks.push(rate(&server, CHECKS, check).await?);
            let url = steps(&server)?;
            let read = async || {
                let answer = client.get(&url).bearer_auth(token).send().await?.error_for_status()?;
                answer.bytes().await?;
                Ok(())
            };
            reads.push(rate(&server, CHECKS, read).await?);
        }
        let (mut before, mut late) = (0, 0);
        for _ in 0..bench.runs {
            let counted = passed_after_withdrawal(&server, &mut browser).await?;
            before += counted.0;
            late += counted.1;
        }
        if before == 0 {
            return Err(wrong("no read passed before the withdrawal, so nothing was measured"));
        }
        Ok::<_, BenchError>(vec![
            Figure::shown(
                "whole authorization code flows, consent page and token: each server CPU-second",
                median(flows),
            ),
            Figure::shown(
                "introspections of a living token: each server CPU-second",
                median(checks),
            ),
            Figure::shown(
                "reads of one record, decided and recorded: each server CPU-second",
                median(reads),
            ),
            Figure::at_most(
                format!("reads that passed after a confirmed withdrawal under load ({before} before)"),
                late as f64,
                0.0,
                "",
            ),
        ])
    })?;
    server.stop()?;
    Ok(figures)
}
