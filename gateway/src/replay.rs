//! Kept pushes and parked numbers read again by the mapping of today: what would become of their records, and on request what does.

use adapters::{Adapter, Handed, Input, Sink, SinkClosed, measure};
use model::units::Conversion;
use model::{Accounting, Metric, Outcome, PersonId, Sample, UtcMillis};
use serde_json::{Value, json};
use store::{BatchStart, ImportReport, ParkedSeries, Payload, Store, StoreError};

use crate::import::{self, ImportError};

/// How records ended, then and now.
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
    /// Parked series that are mapped now, and the numbers of them.
    pub parked: (u64, u64),
    /// What was stored by reading them again, and what of it are new versions; `None` where nothing was to be stored.
    pub applied: Option<(u64, u64)>,
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
        report["parked"] = json!({"series": series, "numbers": numbers});
        if let Some((stored, versions)) = self.applied {
            report["applied"] = json!({"stored": stored, "versions": versions});
        }
        report
    }
}

/// Takes nothing.
struct Nowhere;

impl Sink for Nowhere {
    fn hand(&mut self, _piece: Handed) -> Result<(), SinkClosed> {
        Ok(())
    }
}

/// Reads the kept pushes and answers of an adapter that came at `since` or later again, and looks through all that is parked; stores what
/// comes of it where `apply` says so.
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
        applied: apply.then_some((0, 0)),
        ..Replayed::default()
    };
    let mut after = None;
    loop {
        let some = store.next_payloads(adapter.name(), since, after).await?;
        let Some(last) = some.last() else { break };
        after = Some((last.person, last.number));
        for payload in some {
            read_again(store, adapter, payload, apply, &mut done).await?;
        }
    }
    promote(store, adapter, apply, &mut done).await?;
    Ok(done)
}

/// Reads one of them again.
async fn read_again(
    store: &Store,
    adapter: &'static dyn Adapter,
    payload: Payload,
    apply: bool,
    done: &mut Replayed,
) -> Result<(), ImportError> {
    done.pushes += 1;
    let answer: Value = serde_json::from_slice(&payload.answer).unwrap_or_default();
    let of = |name: &str| answer[name].as_u64().unwrap_or(0);
    add(
        &mut done.then,
        [
            of("received"),
            of("stored") + of("duplicate"),
            of("unsupported"),
            of("rejected"),
        ],
    );
    let (store, person) = (store.clone(), payload.person);
    let read = tokio::task::spawn_blocking(move || {
        let input = Input {
            bytes: &payload.body.as_slice(),
            size: payload.body.len() as u64,
        };
        let reading = adapter.read(&input, &mut Nowhere)?;
        let imported = match apply {
            true => Some(import::run(&store, person, adapter, &input)?),
            false => None,
        };
        Ok::<_, ImportError>((reading, imported))
    });
    let (reading, imported) = match read.await {
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
    if let (Some((stored, versions)), Some(imported)) = (&mut done.applied, imported) {
        *stored += imported.report.accounting.stored;
        *versions += imported.report.versions_new;
    }
    Ok(())
}

/// Looks through what is parked of everybody, of whatever time, for what this adapter maps by now.
async fn promote(
    store: &Store,
    adapter: &'static dyn Adapter,
    apply: bool,
    done: &mut Replayed,
) -> Result<(), ImportError> {
    let mut person = PersonId(0);
    loop {
        let all = store.parked_after(person).await?;
        let Some(first) = all.first() else { return Ok(()) };
        person = first.person;
        let mapped = |series: ParkedSeries| {
            let (metric, conversion) = adapter.promotes(&series.vendor_type, &series.unit)?;
            Some((series, metric, conversion))
        };
        let mapped: Vec<(ParkedSeries, Metric, Conversion)> = all.into_iter().filter_map(mapped).collect();
        done.parked.0 += mapped.len() as u64;
        done.parked.1 += mapped.iter().map(|(series, ..)| series.numbers).sum::<u64>();
        let Some((stored, versions)) = done.applied.as_mut().filter(|_| apply && !mapped.is_empty()) else {
            continue;
        };
        let store = store.clone();
        let work = move || -> Result<ImportReport, ImportError> {
            let mut import = store.begin_import(
                person,
                BatchStart {
                    adapter: adapter.name().to_owned(),
                    mapping_version: adapter.mapping_version(),
                },
            )?;
            let mut refused = Accounting::default();
            for (series, metric, conversion) in mapped {
                import.promote(&series, |parked| {
                    let sample = as_sample(&parked, metric, conversion);
                    sample.map_err(|reason| refused.count(Outcome::Rejected, reason)).ok()
                })?;
            }
            import.account(&refused);
            Ok(import.finish()?)
        };
        let report = tokio::task::spawn_blocking(work).await;
        let report = report.map_err(|_| StoreError::Invalid {
            what: "parked numbers that can be read",
        })??;
        *stored += report.accounting.stored;
        *versions += report.versions_new;
    }
}

/// A parked number in the metric's unit, judged by its bounds.
fn as_sample(parked: &Sample, metric: Metric, conversion: Conversion) -> Result<Sample, &'static str> {
    let model::Value::Quantity(number) = &parked.value else {
        return Err("not-a-number");
    };
    let value = conversion.convert(number.exact()).ok_or("number-too-long")?;
    measure::measured(metric, value, parked).map_err(|measure::Rejection(reason)| reason)
}

fn add(sum: &mut [u64; 4], more: [u64; 4]) {
    for (sum, more) in sum.iter_mut().zip(more) {
        *sum += more;
    }
}
