//! What every step of a search needs to know of the person: key, home zone, last commit, and when each commit was made.

use std::rc::Rc;
use std::sync::Arc;

use consent::{ConsentsVersion, Detail};
use model::{BatchId, LocalDay, Metric, PersonId, RecordKey, RecordKind, Sample, UtcMillis};

use super::super::checkups::{self, Opened, Stored};
use super::super::commits::Commits;
use super::super::database::Snapshot;
use super::super::fault::Doing as _;
use super::super::leaves::{self, Row, Rows};
use super::super::seal::SealKey;
use super::super::zone::HomeZone;
use super::super::{people, sources};
use super::checkups::{self as checkup_records, Numbers};
use crate::Result;
use crate::copies::{APART_MS, Pairs, is_copy};
use crate::reads::{HeldAccess, Record, StoredSample};

/// One search's view of one person.
pub(crate) struct Context<'a> {
    pub(crate) snapshot: &'a Snapshot<'a>,
    pub(crate) access: &'a HeldAccess,
    pub(crate) person: PersonId,
    pub(crate) key: Arc<SealKey>,
    pub(crate) zone: HomeZone,
    pub(crate) now: UtcMillis,
    pub(crate) today: LocalDay,
    seq: i64,
    last_commit: UtcMillis,
    consents_version: u64,
    commits: Commits,
    checkups: Option<Opened>,
    former_checkups: Option<Rc<Vec<Stored>>>,
    numbers: Option<Numbers>,
    pairs: Option<Rc<Pairs>>,
}

impl<'a> Context<'a> {
    /// Looks the person up in the snapshot.
    pub(crate) fn new(snapshot: &'a Snapshot<'a>, access: &'a HeldAccess, now: UtcMillis) -> Result<Self> {
        let person = access.person();
        let key = snapshot.person_key(person)?;
        let mut zone = HomeZone::new(&people::profile(snapshot, person)?.home_zone);
        let (seq, last_commit, consents_version): (i64, i64, i64) = snapshot
            .prepare_cached("SELECT seq, commit_ms, consent_version FROM person WHERE id = ?1")
            .and_then(|mut statement| {
                statement.query_row([person.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            })
            .doing("reading a person")?;
        Ok(Self {
            snapshot,
            access,
            person,
            key,
            today: zone.day_at(now),
            zone,
            now,
            seq,
            last_commit: UtcMillis(last_commit),
            consents_version: consents_version as u64,
            commits: Commits::default(),
            checkups: None,
            former_checkups: None,
            numbers: None,
            pairs: None,
        })
    }

    /// The person's last commit.
    pub(crate) fn last_commit(&self) -> UtcMillis {
        self.last_commit
    }

    /// The person's last commit number.
    pub(crate) fn last_seq(&self) -> i64 {
        self.seq
    }

    /// The person's consents version.
    pub(crate) fn consents_version(&self) -> ConsentsVersion {
        ConsentsVersion(self.consents_version)
    }

    /// When a commit was made, and by which delivery.
    pub(crate) fn commit(&mut self, seq: i64) -> Result<(UtcMillis, BatchId)> {
        self.commits.get(self.snapshot, self.person, seq)
    }

    /// The first commit made at or after an instant: commits are numbered without gaps and their times only grow. What is asked for
    /// is mostly near the last, where each is a row.
    pub(crate) fn first_seq_at(&mut self, instant: UtcMillis) -> Result<i64> {
        let (mut low, mut high) = (1, self.seq + 1);
        let mut back = 1;
        while low < high {
            let probe = high - back.min(high - low);
            if self.commit(probe)?.0 < instant {
                low = probe + 1;
                break;
            }
            high = probe;
            back *= 2;
        }
        while low < high {
            let middle = low + (high - low) / 2;
            if self.commit(middle)?.0 < instant {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// Which of the person's sources may hold copies of which others.
    pub(crate) fn pairs(&mut self) -> Result<Rc<Pairs>> {
        if let Some(pairs) = &self.pairs {
            return Ok(Rc::clone(pairs));
        }
        let pairs = Rc::new(sources::pairs(self.snapshot, self.person)?);
        self.pairs = Some(Rc::clone(&pairs));
        Ok(pairs)
    }

    /// The person's checkups, opened once a search.
    pub(crate) fn checkups(&mut self) -> Result<Opened> {
        if let Some(opened) = &self.checkups {
            return Ok(Opened::clone(opened));
        }
        let held = &self.snapshot.shared().checkups;
        let opened = match held.get(self.person, self.seq) {
            Some(opened) => opened,
            None => {
                let opened = Opened::new(checkups::of_person(self.snapshot, &self.key, self.person)?);
                if !opened.is_empty() {
                    held.keep(self.person, self.seq, &opened);
                }
                opened
            }
        };
        self.checkups = Some(Opened::clone(&opened));
        Ok(opened)
    }

    /// What the person's checkups were before.
    pub(crate) fn former_checkups(&mut self) -> Result<Rc<Vec<Stored>>> {
        if let Some(former) = &self.former_checkups {
            return Ok(Rc::clone(former));
        }
        let former = Rc::new(checkups::former(self.snapshot, &self.key, self.person, None)?);
        self.former_checkups = Some(Rc::clone(&former));
        Ok(former)
    }

    /// The numbers of the person's checkups that are values of a metric.
    pub(crate) fn numbers(&mut self, metric: Metric) -> Result<Vec<Row>> {
        let numbers = match &self.numbers {
            Some(numbers) => Numbers::clone(numbers),
            None => {
                let numbers = checkup_records::numbers(self)?;
                self.numbers = Some(Numbers::clone(&numbers));
                numbers
            }
        };
        Ok(numbers.get(&metric).cloned().unwrap_or_default())
    }

    /// The rows of a leaf, decoded once for all who read it.
    pub(crate) fn rows(&self, leaf: i64) -> Result<Rows> {
        leaves::rows(self.snapshot, &self.key, self.person, leaf)
    }

    /// True when the access key shows this sample.
    pub(crate) fn shows(&self, sample: &Sample) -> bool {
        let metric = sample.metric;
        let (category, day) = (metric.category(), sample.local_day());
        if detail(metric) == Detail::Daily {
            self.access.permits_day(category, sample.source, day, self.today)
        } else {
            self.access.permits(category, sample.source, day)
        }
    }

    fn key_of(&self, row: &Row) -> RecordKey {
        let kind = if row.sample.metric == Metric::SLEEP_SESSION {
            RecordKind::Session
        } else {
            RecordKind::Sample
        };
        RecordKey {
            person: self.person,
            kind,
            metric: row.sample.metric,
            source: row.sample.source,
            start: row.first_start,
            tie_break: row.tie_break,
        }
    }

    /// What a row is a copy of, if the access key shows that too.
    fn original_of(&mut self, row: &Row) -> Result<Option<RecordKey>> {
        let pairs = self.pairs()?;
        for source in pairs.originals(row.sample.source) {
            let series = leaves::Series::sample(row.sample.metric, *source);
            let near = (row.sample.start.plus(-APART_MS), row.sample.start.plus(APART_MS + 1));
            for leaf in leaves::meeting(self.snapshot, self.person, series, near.0, near.1)? {
                let rows = self.rows(leaf)?;
                let from = rows.partition_point(|other| other.sample.start < near.0);
                let mut near = rows[from..].iter().take_while(|other| other.sample.start < near.1);
                let found = near.find(|other| {
                    !other.dead
                        && other.moved_to.is_none()
                        && is_copy(&row.sample, &other.sample)
                        && self.shows(&other.sample)
                });
                if let Some(found) = found {
                    return Ok(Some(self.key_of(found)));
                }
            }
        }
        Ok(None)
    }

    /// A row as a record.
    pub(crate) fn record(&mut self, row: &Row) -> Result<Record> {
        let (committed, batch) = self.commit(row.seq)?;
        Ok(Record::Sample(StoredSample {
            key: self.key_of(row),
            copy_of: self.original_of(row)?,
            sample: row.sample.clone(),
            version: row.version,
            committed,
            batch,
            dead: row.dead,
            of_checkup: None,
        }))
    }
}

/// The detail under which a metric's samples show: a night is a day's summary, everything else is raw.
pub(crate) fn detail(metric: Metric) -> Detail {
    if metric == Metric::SLEEP_SESSION {
        Detail::Daily
    } else {
        Detail::Raw
    }
}
