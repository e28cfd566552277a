//! `sekisho stats`.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};
use store::Stats;

use super::{CommandError, Place, block_on};

/// Arguments of `stats`.
#[derive(Debug, Args)]
pub struct StatsArguments {
    #[command(flatten)]
    place: Place,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Prints counts and sizes; works beside a running server.
pub fn run(arguments: StatsArguments) -> Result<ExitCode, CommandError> {
    block_on(async move {
        let (_, store) = arguments.place.open_for_reading().await?;
        let stats = store.stats().await?;
        if arguments.json {
            println!("{}", as_json(&stats));
        } else {
            print(&stats);
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn share(bytes: u64, samples: u64) -> f64 {
    if samples == 0 {
        0.0
    } else {
        (bytes as f64 / samples as f64 * 100.0).round() / 100.0
    }
}

fn as_json(stats: &Stats) -> Value {
    let by_metric: Vec<Value> = stats
        .by_metric
        .iter()
        .map(|row| {
            json!({
                "metric": row.metric.key(),
                "samples": row.samples,
                "bytes": row.bytes,
                "bytes_a_sample": share(row.bytes, row.samples),
            })
        })
        .collect();
    json!({
        "people": stats.people,
        "samples": stats.samples,
        "bytes_on_disk": stats.bytes_on_disk,
        "bytes_a_sample": share(stats.bytes_on_disk, stats.samples),
        "parked_samples": stats.parked_samples,
        "parked_bytes": stats.parked_bytes,
        "raw_bytes": stats.raw_bytes,
        "pushes": stats.pushes,
        "push_bytes": stats.push_bytes,
        "alias_bytes": stats.alias_bytes,
        "by_metric": by_metric,
    })
}

fn print(stats: &Stats) {
    println!("people          {:>14}", stats.people);
    println!("samples         {:>14}", stats.samples);
    println!("bytes on disk   {:>14}", stats.bytes_on_disk);
    println!("bytes a sample  {:>14.2}", share(stats.bytes_on_disk, stats.samples));
    println!(
        "parked numbers  {:>14} in {} bytes",
        stats.parked_samples, stats.parked_bytes
    );
    println!("kept text       {:>14} bytes", stats.raw_bytes);
    println!("pushes          {:>14} ({} bytes)", stats.pushes, stats.push_bytes);
    println!("vendor ids      {:>14} bytes", stats.alias_bytes);
    println!();
    println!("{:<36} {:>12} {:>14} {:>10}", "metric", "samples", "bytes", "a sample");
    for row in &stats.by_metric {
        let each = share(row.bytes, row.samples);
        println!(
            "{:<36} {:>12} {:>14} {each:>10.2}",
            row.metric.key(),
            row.samples,
            row.bytes
        );
    }
}
