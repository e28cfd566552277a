//! What is sealed of a delivery: how its records ended, and which deliveries it stands for.

use std::collections::BTreeMap;

use model::{Accounting, Outcome};
use serde::{Deserialize, Serialize};

use super::turns::Turns;
use crate::leaf::columns;
use crate::{Result, StoreError};

/// The accounting as it is sealed in a batch's row: reasons can name a vendor's types, and so say something of the person.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::sqlite) struct Body {
    pub(super) received: u64,
    pub(super) stored: u64,
    pub(super) duplicate: u64,
    pub(super) unsupported: u64,
    pub(in crate::sqlite) rejected: u64,
    pub(in crate::sqlite) reasons: Vec<(String, String, u64)>,
    /// Of an outcome and reason the first places in the delivery.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::sqlite) places: Vec<(String, String, Vec<u64>)>,
    /// The number under which it is kept as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::sqlite) payload: Option<i64>,
    /// Numbers of texts of it that were kept before it came.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::sqlite) texts: Vec<i64>,
    /// Where it stands for several: which.
    #[serde(default, skip_serializing_if = "Turns::is_whole")]
    pub(in crate::sqlite) turns: Turns,
}

/// Under which numbers is kept what a delivery brought.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// The whole of it.
    pub(crate) payload: Option<i64>,
    /// Texts of it that were kept before: those that came with it say so themselves.
    pub(crate) texts: Vec<i64>,
}

impl Kept {
    /// Adds the number of a text, where it is one of the first.
    pub(crate) fn text(&mut self, number: i64) {
        add_text(&mut self.texts, number);
    }
}

fn add_text(texts: &mut Vec<i64>, number: i64) {
    if texts.len() < MOST_PLACES && !texts.contains(&number) {
        texts.push(number);
    }
}

/// Where records stand that ended otherwise than as data, by outcome and reason; of each the first [`MOST_PLACES`].
pub(crate) type Places = BTreeMap<(Outcome, String), Vec<u64>>;

/// Places that are kept of one reason.
pub(crate) const MOST_PLACES: usize = 20;

/// The first byte of counts alone; JSON begins with another.
const COUNTS: u8 = 1;

impl Body {
    pub(super) fn of(accounting: &Accounting, places: &Places, kept: Kept) -> Self {
        Self {
            places: places
                .iter()
                .map(|((outcome, reason), places)| (outcome.to_string(), reason.clone(), places.clone()))
                .collect(),
            payload: kept.payload,
            texts: kept.texts,
            turns: Turns::default(),
            received: accounting.received,
            stored: accounting.stored,
            duplicate: accounting.duplicate,
            unsupported: accounting.unsupported,
            rejected: accounting.rejected,
            reasons: accounting
                .reasons
                .iter()
                .map(|((outcome, reason), count)| (outcome.to_string(), reason.clone(), *count))
                .collect(),
        }
    }

    /// With another's counts and texts. Where its records stood says nothing any more, and what was kept as it came is gone by then.
    pub(super) fn add(&mut self, other: Self) {
        (self.places, self.payload) = (Vec::new(), None);
        other
            .texts
            .into_iter()
            .for_each(|number| add_text(&mut self.texts, number));
        self.received += other.received;
        self.stored += other.stored;
        self.duplicate += other.duplicate;
        self.unsupported += other.unsupported;
        self.rejected += other.rejected;
        for (outcome, reason, count) in other.reasons {
            let known = self
                .reasons
                .iter_mut()
                .find(|known| (&known.0, &known.1) == (&outcome, &reason));
            match known {
                Some(known) => known.2 += count,
                None => self.reasons.push((outcome, reason, count)),
            }
        }
    }

    /// Counts alone, and which turns were its own, where there is no reason to tell, as of most pushes, of which there are many; else JSON.
    pub(super) fn encode(&self) -> Result<Vec<u8>> {
        if !self.reasons.is_empty() {
            return serde_json::to_vec(self).map_err(|_| StoreError::damaged("an accounting"));
        }
        let mut plain = vec![COUNTS];
        for count in [
            self.received,
            self.stored,
            self.duplicate,
            self.unsupported,
            self.rejected,
        ] {
            columns::write_unsigned(&mut plain, count);
        }
        self.turns.write(&mut plain);
        Ok(plain)
    }

    pub(in crate::sqlite) fn decode(plain: &[u8]) -> Result<Self> {
        let damaged = || StoreError::damaged("an accounting");
        let Some(mut counts) = plain.strip_prefix(&[COUNTS]) else {
            return serde_json::from_slice(plain).map_err(|_| damaged());
        };
        let mut next = || columns::read_unsigned(&mut counts).map_err(|_| damaged());
        Ok(Self {
            received: next()?,
            stored: next()?,
            duplicate: next()?,
            unsupported: next()?,
            rejected: next()?,
            turns: Turns::read(counts)?,
            ..Self::default()
        })
    }

    /// True where each record became data: nobody asks where in the delivery one stood.
    pub(super) fn is_all_data(&self) -> bool {
        self.unsupported == 0 && self.rejected == 0
    }

    pub(super) fn adds_up(&self) -> bool {
        let ended = [self.stored, self.duplicate, self.unsupported, self.rejected];
        ended.into_iter().try_fold(0_u64, u64::checked_add) == Some(self.received)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accounting_reads_back_with_and_without_reasons() {
        for reasons in [Vec::new(), vec![("rejected".to_owned(), "implausible".to_owned(), 2)]] {
            let body = Body {
                received: 1_000_011,
                stored: 5,
                duplicate: 1_000_003,
                unsupported: 1,
                rejected: 2,
                reasons,
                turns: Turns::of(&[7, 9, 10]),
                ..Body::default()
            };
            assert_eq!(Body::decode(&body.encode().unwrap()).unwrap(), body);
        }
        assert!(Body::decode(b"").is_err() && Body::decode(&[COUNTS, 1]).is_err() && Body::decode(b"{").is_err());
    }

    #[test]
    fn a_record_that_ended_nowhere_is_noticed() {
        let body = |received, rejected| Body {
            received,
            stored: 5,
            duplicate: 3,
            unsupported: 1,
            rejected,
            ..Body::default()
        };
        assert!(body(11, 2).adds_up());
        assert!(!body(12, 2).adds_up() && !body(10, 2).adds_up() && !body(11, u64::MAX).adds_up());
    }
}
