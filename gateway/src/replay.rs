//! Kept pushes and parked numbers read again by the mapping of today: what would become of their records and of the samples that are
//! stored, and on request what does. What would is found out by doing it, in a transaction of which nothing stays.

use std::sync::Arc;

use adapters::{Adapter, Handed, Input, Sink, SinkClosed, measure};
use model::units::Conversion;
use model::{Accounting, Metric, Outcome, PersonId, Sample, UtcMillis};
use serde_json::{Value, json};
use store::{Import, ImportReport, ParkedSeries, Payload, Raw, Rehearsal, SaidAgain, Store, StoreError};

use crate::import::{self, ImportError};

/// How records ended, then and now, and what that comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Pushes that were read again.
    pub pushes: u64,
    /// Pushes that cannot be read any more.
    pub unreadable: u64,
    /// When they came: received, became data (stored or known), unsupported, rejected.
    pub then: [u64; 4],
    /// By the mapping of today.
    pub now: [u64; 4],
    /// Of each delivery, by how many fewer of its records are data now: what these said when they were stays stored.
    pub no_longer: u64,
    /// Parked series that are mapped now, and the numbers of them.
    pub parked: (u64, u64),
    /// Of those numbers what can be no measurement: they are kept as texts then.
    pub refused: u64,
    /// Samples that were not there before.
    pub new: u64,
    /// Samples that were there and say something else now.
    pub changed: u64,
    /// Samples that nothing holds any more.
    pub gone: u64,
    /// True when this is what became of the samples; else it is what would.
    pub applied: bool,
}

impl Replayed {
    /// As one JSON object.
    pub fn report(&self, adapter: &dyn Adapter) -> Value {
        let counts = |[received, data, unsupported, rejected]: [u64; 4]| json!({"received": received, "data": data, "unsupported": unsupported, "rejected": rejected});
        let mut report = json!({
            "adapter": adapter.name(),
            "mapping_version": adapter.mapping_version(),
            "pushes": self.pushes,
            "unreadable": self.unreadable,
            "then": counts(self.then),
            "now": counts(self.now),
        });
        let (series, numbers) = self.parked;
        report["no_longer_data"] = json!(self.no_longer);
        report["parked"] = json!({"series": series, "numbers": numbers, "refused": self.refused});
        report["samples"] = json!({"new": self.new, "changed": self.changed, "gone": self.gone});
        report["applied"] = json!(self.applied);
        report
    }

    /// In words, a fact a line.
    pub fn words(&self, adapter: &dyn Adapter) -> String {
        let counts = |[received, data, unsupported, rejected]: [u64; 4]| {
            format!("{received} records: {data} data, {unsupported} unsupported, {rejected} rejected")
        };
        let (series, numbers) = self.parked;
        let samples = format!("{} new, {} changed, {} gone", self.new, self.changed, self.gone);
        [
            format!(
                "kept deliveries of {}, read by mapping {}: {}",
                adapter.name(),
                adapter.mapping_version(),
                self.pushes
            ),
            format!("that cannot be read any more: {}", self.unreadable),
            format!("when they came: {}", counts(self.then)),
            format!("by this mapping: {}", counts(self.now)),
            format!(
                "records that were data and are none by this mapping, at least: {}; what is stored of them stays",
                self.no_longer
            ),
            format!(
                "parked that are mapped by now: {numbers} numbers in {series} series; no measurement, and kept as texts: {}",
                self.refused
            ),
            match self.applied {
                true => format!("samples: {samples}"),
                false => format!("samples as they would be: {samples}; nothing was stored, --apply does it"),
            },
        ]
        .join("\n")
    }

    fn count(&mut self, report: &ImportReport) {
        self.new += report.samples_new;
        self.changed += report.versions_new + report.samples_refined;
        self.gone += report.samples_gone;
    }
}

/// Takes nothing.
struct Nowhere;

impl Sink for Nowhere {
    fn hand(&mut self, _piece: Handed) -> Result<(), SinkClosed> {
        Ok(())
    }
}

/// Where what is read again goes.
enum Destination {
    /// It is stored.
    Store(Store),
    /// It is only told.
    Rehearsal(Rehearsal),
}

/// One person's deliveries that are read again.
struct Again {
    into: Destination,
    said: SaidAgain,
}

impl Again {
    fn begin(&self, person: PersonId, adapter: &dyn Adapter) -> Result<Import, StoreError> {
        let mut import = match &self.into {
            Destination::Store(store) => store.begin_import(person, import::start(adapter)),
            Destination::Rehearsal(rehearsal) => rehearsal.begin_import(person, import::start(adapter)),
        }?;
        import.say_again(self.said.clone());
        Ok(import)
    }
}

/// Reads the kept pushes and answers of an adapter that came at `since` or later again, and looks through all that is parked; stores what
/// comes of it where `apply` says so. Person by person: where nothing is to be stored, the database's log holds no more at once than what
/// comes of one person's, and everybody else's writing waits no longer than for that.
///
/// # Errors
/// What the store answers. What was stored before stays, and counts as known when it is run again.
pub async fn replay(
    store: &Store,
    adapter: &'static dyn Adapter,
    since: UtcMillis,
    apply: bool,
) -> Result<Replayed, ImportError> {
    let mut done = Replayed {
        applied: apply,
        ..Replayed::default()
    };
    let mut payloads = store.next_payloads(adapter.name(), since, None).await?;
    let mut parked = store.parked_after(PersonId(0)).await?;
    loop {
        let of_payloads = payloads.first().map(|payload| payload.person);
        let of_parked = parked.first().map(|series| series.person);
        let Some(person) = of_payloads.into_iter().chain(of_parked).min() else {
            return Ok(done);
        };
        let into = Arc::new(Again {
            into: match apply {
                true => Destination::Store(store.clone()),
                false => Destination::Rehearsal(store.rehearse()?),
            },
            said: SaidAgain::default(),
        });
        // What is read at once is one person's.
        while let Some(last) = payloads.last().filter(|last| last.person == person) {
            let after = (last.person, last.number);
            for payload in payloads {
                read_again(&into, adapter, payload, &mut done).await?;
            }
            payloads = store.next_payloads(adapter.name(), since, Some(after)).await?;
        }
        promote(&into, adapter, person, &mut done).await?;
        if of_parked == Some(person) {
            parked = store.parked_after(person).await?;
        }
    }
}

/// Reads one of them again.
async fn read_again(
    into: &Arc<Again>,
    adapter: &'static dyn Adapter,
    payload: Payload,
    done: &mut Replayed,
) -> Result<(), ImportError> {
    done.pushes += 1;
    let answer: Value = serde_json::from_slice(&payload.answer).unwrap_or_default();
    let of = |name: &str| answer[name].as_u64().unwrap_or(0);
    let data_then = of("stored") + of("duplicate");
    add(
        &mut done.then,
        [of("received"), data_then, of("unsupported"), of("rejected")],
    );
    let into = Arc::clone(into);
    let read = tokio::task::spawn_blocking(move || {
        let input = Input {
            bytes: &payload.body.as_slice(),
            size: payload.body.len() as u64,
        };
        // Of what cannot be read to its end nothing is stored.
        let reading = adapter.read(&input, &mut Nowhere)?;
        let import = into.begin(payload.person, adapter)?;
        let imported = import::run_into(import, adapter, &input)?;
        Ok::<_, ImportError>((reading, imported.report))
    });
    let (reading, report) = match read.await {
        Ok(Ok(read)) => read,
        Ok(Err(ImportError::Store(error))) => return Err(error.into()),
        Ok(Err(ImportError::Adapter(_))) | Err(_) => {
            done.unreadable += 1;
            return Ok(());
        }
    };
    let counts = &reading.accounting;
    let data = reading.samples + counts.stored + counts.duplicate;
    add(
        &mut done.now,
        [
            counts.received + reading.samples,
            data,
            counts.unsupported,
            counts.rejected,
        ],
    );
    done.no_longer += data_then.saturating_sub(data);
    done.count(&report);
    Ok(())
}

/// Looks through what is parked of a person, of whatever time, for what this adapter maps by now.
async fn promote(
    into: &Arc<Again>,
    adapter: &'static dyn Adapter,
    person: PersonId,
    done: &mut Replayed,
) -> Result<(), ImportError> {
    let into = Arc::clone(into);
    let work = move || -> Result<_, ImportError> {
        let mut import = into.begin(person, adapter)?;
        let mapped = |series: ParkedSeries| {
            let (metric, conversion) = adapter.promotes(&series.vendor_type, &series.unit)?;
            Some((series, metric, conversion))
        };
        let mapped: Vec<(ParkedSeries, Metric, Conversion)> = import.parked()?.into_iter().filter_map(mapped).collect();
        if mapped.is_empty() {
            return Ok(None);
        }
        let numbers: u64 = mapped.iter().map(|(series, ..)| series.numbers).sum();
        let found = (mapped.len() as u64, numbers);
        let mut refused = Accounting::default();
        for (series, metric, conversion) in mapped {
            let mut place = 0;
            import.promote(&series, |parked| {
                place += 1;
                as_sample(&parked, metric, conversion).map_err(|reason| {
                    refused.count(Outcome::Rejected, reason);
                    Raw {
                        text: as_text(&series, &parked).into_bytes(),
                        outcome: Outcome::Rejected,
                        reason: reason.to_owned(),
                        line: place,
                    }
                })
            })?;
        }
        import.account(&refused);
        Ok(Some((found, refused.rejected, import.finish()?)))
    };
    let promoted = tokio::task::spawn_blocking(work).await;
    let promoted = promoted.map_err(|_| StoreError::Invalid {
        what: "parked numbers that can be read",
    })??;
    if let Some(((series, numbers), refused, report)) = promoted {
        done.parked.0 += series;
        done.parked.1 += numbers;
        done.refused += refused;
        done.count(&report);
    }
    Ok(())
}

/// A parked number in the metric's unit, judged by its bounds.
fn as_sample(parked: &Sample, metric: Metric, conversion: Conversion) -> Result<Sample, &'static str> {
    let model::Value::Quantity(number) = &parked.value else {
        return Err("not-a-number");
    };
    let value = conversion.convert(number.exact()).ok_or("number-too-long")?;
    measure::measured(metric, value, parked).map_err(|measure::Rejection(reason)| reason)
}

/// A parked number as it is kept that can be no measurement: nothing else has it then.
fn as_text(series: &ParkedSeries, parked: &Sample) -> String {
    let at = |at: UtcMillis| {
        let at = jiff::Timestamp::from_millisecond(at.0);
        at.map(|at| at.to_string()).unwrap_or_default()
    };
    let value = match &parked.value {
        model::Value::Quantity(number) => number.to_string(),
        _ => String::new(),
    };
    let text = json!({
        "type": series.vendor_type,
        "unit": series.unit,
        "source": parked.source,
        "start": at(parked.start),
        "end": at(parked.end),
        "offset_minutes": parked.offset.minutes,
        "value": value,
    });
    text.to_string()
}

fn add(sum: &mut [u64; 4], more: [u64; 4]) {
    for (sum, more) in sum.iter_mut().zip(more) {
        *sum += more;
    }
}
