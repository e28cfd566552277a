//! `sekisho synthesize`: large made-up exports for load tests and benchmarks.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use adapters::checkup::synthetic::MadeUp;
use adapters::synthetic::{self, Synthetic};
use clap::Args;
use model::LocalDay;

use super::{CommandError, day};

/// Arguments of `synthesize`.
#[derive(Debug, Args)]
pub struct SynthesizeArguments {
    /// File to write; a name that ends in .zip makes an archive, one in .ndjson a phone's pushes, one a line, any other bare XML.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Days of data.
    #[arg(long, default_value_t = 365)]
    days: u32,
    /// Heart rates a day; a watch makes 250 to 1,500.
    #[arg(long, default_value_t = 700)]
    heart_rates: u32,
    /// First day, YYYY-MM-DD.
    #[arg(long, default_value = "2024-01-01", value_parser = day)]
    first_day: LocalDay,
    /// Day of the export; the day after the last one when left out.
    #[arg(long, value_parser = day)]
    exported: Option<LocalDay>,
    /// Types and days mixed instead of type after type.
    #[arg(long)]
    unsorted: bool,
    /// Without a watch beside the phone.
    #[arg(long)]
    phone_only: bool,
    /// A package of checkups of so many people, as an insurer hands it over, in place of an export; a name that ends in .xml has its
    /// documents one after the other.
    #[arg(long, value_name = "PEOPLE")]
    checkups: Option<u32>,
    /// The same seed gives the same data.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Writes the file.
pub fn run(arguments: SynthesizeArguments) -> Result<ExitCode, CommandError> {
    let wanted = Synthetic {
        seed: arguments.seed,
        first_day: arguments.first_day,
        days: arguments.days,
        exported: arguments.exported,
        heart_rates: arguments.heart_rates,
        with_watch: !arguments.phone_only,
        unsorted: arguments.unsorted,
    };
    let ends_in = |wanted: &str| {
        let extension = arguments.file.extension();
        extension.is_some_and(|extension| extension.eq_ignore_ascii_case(wanted))
    };
    let mut out = BufWriter::with_capacity(1 << 20, File::create(&arguments.file)?);
    if let Some(people) = arguments.checkups {
        let (year, _, _) = arguments.first_day.ymd();
        let made = (0..u64::from(people)).map(|person| MadeUp::of(arguments.seed + person).checkup(year));
        if ends_in("xml") {
            for checkup in made {
                out.write_all(adapters::checkup::synthetic::document(&checkup).as_bytes())?;
            }
        } else {
            adapters::checkup::synthetic::write_package(&mut out, made)?;
        }
    } else if ends_in("ndjson") {
        adapters::apple_health_push::synthetic::write_live(
            &mut out,
            arguments.seed,
            arguments.first_day,
            arguments.days,
        )?;
    } else if ends_in("zip") {
        synthetic::write_zip(&mut out, &wanted)?;
    } else {
        synthetic::write_export(&mut out, &wanted)?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}
