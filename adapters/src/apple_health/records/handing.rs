//! Hands on in chunks what was read, and accounts for what is not stored.

use model::{Outcome, Sample};

use super::{CHUNK, Records, cut};
use crate::apple_health::pressure::Finished;
use crate::{AdapterError, Handed, NotStored, Reading, SinkClosed};

impl Records<'_> {
    pub(super) fn hand_sample(&mut self, sample: Sample) -> Result<(), SinkClosed> {
        self.reading.samples += 1;
        self.samples.push(sample);
        if self.samples.len() >= CHUNK {
            let full = std::mem::replace(&mut self.samples, Vec::with_capacity(CHUNK));
            self.sink.hand(Handed::Samples(full))?;
        }
        Ok(())
    }

    pub(super) fn hand_parked(&mut self) -> Result<(), SinkClosed> {
        let parked = std::mem::take(&mut self.parked);
        if parked.is_empty() {
            Ok(())
        } else {
            self.sink.hand(Handed::Parked(parked))
        }
    }

    pub(super) fn not_stored(
        &mut self,
        outcome: Outcome,
        reason: &str,
        text: &str,
        line: u64,
    ) -> Result<(), SinkClosed> {
        self.reading.accounting.count(outcome, reason);
        let text = cut(text);
        self.texts_size += text.len();
        self.texts.push(NotStored {
            outcome,
            reason: reason.to_owned(),
            line,
            text,
        });
        if self.texts_size > 1 << 20 {
            self.texts_size = 0;
            self.sink.hand(Handed::NotStored(std::mem::take(&mut self.texts)))?;
        }
        Ok(())
    }

    /// Counts an element that is not stored and keeps its text; its children are passed over.
    pub(super) fn keep(
        &mut self,
        text: &str,
        empty: bool,
        name: &'static str,
        reason: &'static str,
        line: u64,
    ) -> Result<(), SinkClosed> {
        self.skipping = (!empty).then_some(name);
        self.not_stored(Outcome::Unsupported, reason, text, line)
    }

    pub(super) fn finish(mut self) -> Result<Reading, AdapterError> {
        self.end_record()?;
        self.end_correlation()?;
        self.end_workout()?;
        for finished in std::mem::take(&mut self.pressures).finish() {
            let accounting = &mut self.reading.accounting;
            match finished {
                Finished::Twin(()) => accounting.count(Outcome::Duplicate, "correlation-twin"),
                Finished::Lone(sample, ()) => self.hand_sample(sample)?,
                Finished::Pair(sample, _) => {
                    accounting.count(Outcome::Duplicate, "half-of-a-pair");
                    self.hand_sample(sample)?;
                }
            }
        }
        if !self.samples.is_empty() {
            self.sink.hand(Handed::Samples(std::mem::take(&mut self.samples)))?;
        }
        self.hand_parked()?;
        if !self.texts.is_empty() {
            self.sink.hand(Handed::NotStored(std::mem::take(&mut self.texts)))?;
        }
        Ok(self.reading)
    }
}
