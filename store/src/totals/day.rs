//! A stored day: its amounts, its versions, and the month of days that lies in one row.

use std::collections::BTreeMap;

use model::{LocalDay, UtcMillis};

use super::DayAmounts;
use crate::leaf::columns::{NotAColumn, read_number, read_unsigned, write_number, write_unsigned};
use crate::reads::DayStatus;

/// A day is final 48 hours after its end (facts 4.2).
pub(crate) const FINAL_AFTER_MS: i64 = 48 * model::time::HOUR_MS;

/// A day as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredDay {
    /// What it comes to.
    pub(crate) amounts: DayAmounts,
    /// Version, from 1.
    pub(crate) version: u32,
    /// When that version was committed, in ms.
    pub(crate) changed: i64,
    /// It changed after it was final.
    pub(crate) amended: bool,
    /// Versions that were final once and are superseded: version, when, eligible, total, manual.
    pub(crate) past: Vec<[i64; 5]>,
}

impl StoredDay {
    /// Version, status and time of change, as they read at `now`. `final_at` is 48 hours after the day's end.
    pub(crate) fn at(&self, now: UtcMillis, final_at: UtcMillis) -> (u32, DayStatus, UtcMillis) {
        if self.changed >= final_at.0 {
            let status = if self.amended {
                DayStatus::Amended
            } else {
                DayStatus::Final
            };
            (self.version, status, UtcMillis(self.changed))
        } else if now >= final_at {
            (self.version + 1, DayStatus::Final, final_at)
        } else {
            (self.version, DayStatus::Preliminary, UtcMillis(self.changed))
        }
    }

    /// The day after it was computed anew at `now`; `None` when it comes to the same.
    pub(crate) fn revised(
        before: Option<&Self>,
        amounts: DayAmounts,
        now: UtcMillis,
        final_at: UtcMillis,
    ) -> Option<Self> {
        let Some(before) = before else {
            return Some(Self {
                amounts,
                version: 1,
                changed: now.0,
                amended: false,
                past: Vec::new(),
            });
        };
        if before.amounts == amounts {
            return None;
        }
        let (version, status, since) = before.at(now, final_at);
        let mut past = before.past.clone();
        let was_final = status != DayStatus::Preliminary;
        if was_final {
            let old = &before.amounts;
            past.push([i64::from(version), since.0, old.eligible, old.total, old.manual]);
        }
        Some(Self {
            amounts,
            version: version + 1,
            changed: now.0,
            amended: was_final,
            past,
        })
    }
}

/// The days of one month, by date.
pub(crate) type Month = BTreeMap<LocalDay, StoredDay>;

/// A month as bytes.
pub(crate) fn encode(month: &Month) -> Vec<u8> {
    let mut out = Vec::with_capacity(month.len() * 32);
    write_unsigned(&mut out, month.len() as u64);
    for (day, stored) in month {
        write_number(&mut out, i64::from(day.0));
        let amounts = &stored.amounts;
        for number in [amounts.total, amounts.total - amounts.eligible, amounts.manual] {
            write_number(&mut out, number);
        }
        write_unsigned(&mut out, u64::from(amounts.flags));
        write_unsigned(&mut out, amounts.shares.len() as u64);
        for (source, (amount, eligible)) in &amounts.shares {
            write_unsigned(&mut out, u64::from(*source));
            write_number(&mut out, *amount);
            write_number(&mut out, amount - eligible);
        }
        write_unsigned(&mut out, u64::from(stored.version) << 1 | u64::from(stored.amended));
        write_number(&mut out, stored.changed);
        write_unsigned(&mut out, stored.past.len() as u64);
        for number in stored.past.iter().flatten() {
            write_number(&mut out, *number);
        }
    }
    out
}

/// The month in these bytes.
pub(crate) fn decode(mut bytes: &[u8]) -> Result<Month, NotAColumn> {
    let bytes = &mut bytes;
    let mut month = Month::new();
    for _ in 0..read_unsigned(bytes)? {
        let day = LocalDay(i32::try_from(read_number(bytes)?).map_err(|_| NotAColumn)?);
        let total = read_number(bytes)?;
        let mut amounts = DayAmounts {
            total,
            eligible: total.wrapping_sub(read_number(bytes)?),
            manual: read_number(bytes)?,
            flags: read_unsigned(bytes)? as u32,
            shares: BTreeMap::new(),
        };
        for _ in 0..read_unsigned(bytes)? {
            let source = read_unsigned(bytes)? as u16;
            let amount = read_number(bytes)?;
            amounts
                .shares
                .insert(source, (amount, amount.wrapping_sub(read_number(bytes)?)));
        }
        let version = read_unsigned(bytes)?;
        let changed = read_number(bytes)?;
        let mut past = Vec::new();
        for _ in 0..read_unsigned(bytes)? {
            let mut version = [0; 5];
            for number in &mut version {
                *number = read_number(bytes)?;
            }
            past.push(version);
        }
        let stored = StoredDay {
            amounts,
            version: (version >> 1) as u32,
            changed,
            amended: version & 1 == 1,
            past,
        };
        month.insert(day, stored);
    }
    Ok(month)
}
