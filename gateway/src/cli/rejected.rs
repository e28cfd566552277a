//! `sekisho rejected`.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Args;
use model::{BatchId, LocalDay, Offset, Outcome, PersonId, UtcMillis};
use store::{Actor, Rejection, RejectionsOf};

use super::{CommandError, Place, block_on, day};

/// Arguments of `rejected`.
#[derive(Debug, Args)]
pub struct RejectedArguments {
    #[command(flatten)]
    place: Place,
    /// Of deliveries that came on this day or later, YYYY-MM-DD in Japan.
    #[arg(long, value_parser = day)]
    since: Option<LocalDay>,
    /// Name of the adapter that read them; all of them if none is named.
    #[arg(long, value_name = "NAME")]
    adapter: Option<String>,
    /// Records of kinds that nothing reads yet, in place of those that are no measurement.
    #[arg(long)]
    unsupported: bool,
    /// Print what is kept under the number of a text, in place of the table: values of a resident. That it was shown is recorded among
    /// the acts of their organisation. Not beside a running server.
    #[arg(long, value_name = "N", conflicts_with_all = ["since", "adapter", "unsupported"])]
    show: Option<i64>,
}

/// Prints a table, tabs between its columns.
pub fn run(arguments: RejectedArguments) -> Result<ExitCode, CommandError> {
    if let Some(number) = arguments.show {
        return show(&arguments.place, number);
    }
    if let Some(name) = &arguments.adapter
        && adapters::named(name).is_none()
    {
        let known: Vec<&str> = adapters::all().iter().map(|adapter| adapter.name()).collect();
        return Err(format!("there is no adapter `{name}`; allowed: {}", known.join(", ")).into());
    }
    let wanted = RejectionsOf {
        outcome: match arguments.unsupported {
            true => Outcome::Unsupported,
            false => Outcome::Rejected,
        },
        adapter: arguments.adapter,
        since: arguments
            .since
            .map_or(UtcMillis(0), |day| day.start(Offset::JAPAN_ASSUMED)),
    };
    block_on(async move {
        let (_, store) = arguments.place.open_for_reading().await?;
        println!("person\tdelivery\tcame\tadapter\tmapping\treason\trecords\tplaces\tkept");
        let mut after = Some((PersonId(0), BatchId(0)));
        while let Some(from) = after {
            let page = store.rejections(&wanted, from).await?;
            page.rows.iter().for_each(|row| println!("{}", line(row)));
            after = page.next;
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Prints a kept text: the reason of each of its records in a line, and below it the record as it came.
fn show(place: &Place, number: i64) -> Result<ExitCode, CommandError> {
    block_on(async move {
        let (_, store) = place.open().await?;
        let kept = store.kept_text(number, Actor::CommandLine).await;
        store.close().await;
        let kept = kept?.ok_or_else(|| format!("no text is kept under the number {number}"))?;
        println!("text {number} of person {}, delivery {}", kept.person, kept.batch.0);
        let mut out = std::io::stdout().lock();
        for record in kept.records {
            writeln!(out, "# {}", record.reason)?;
            out.write_all(&record.text)?;
            writeln!(out)?;
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn line(row: &Rejection) -> String {
    let came = jiff::Timestamp::from_millisecond(row.obtained.0).unwrap_or_default();
    let list = |numbers: &[u64]| numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
    let kept = row.payload.map(|number| format!("delivery {number}"));
    let texts = row.texts.iter().map(|number| format!("text {number}"));
    let kept: Vec<String> = kept.into_iter().chain(texts).collect();
    [
        row.person.0.to_string(),
        row.batch.0.to_string(),
        came.to_string(),
        row.adapter.clone(),
        row.mapping_version.to_string(),
        // A reason may hold what a vendor calls a type.
        row.reason.replace(['\t', '\n', '\r'], " "),
        row.records.to_string(),
        list(&row.places),
        kept.join(", "),
    ]
    .join("\t")
}
