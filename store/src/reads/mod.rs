//! Reads of values. Every one takes an access key that only the `consent` crate can make: a recipient's decision or the
//! person's own access; what it does not permit is simply not there.
//!
//! A search merges leaves, totals and aggregates into one order and gives a page at a time; where a page ends is a key, not an
//! offset. Nothing is written here: that a page was given is recorded by `audit`, and that record is the gate's last word.

mod access;
mod checkups;
mod person;
mod record;
mod search;

use std::collections::BTreeMap;

use consent::OwnAccess;
use model::{BatchId, LocalDay, Metric, RecordKey, SourceKind, UtcMillis};

use crate::sqlite;
use crate::{Result, Store};

pub use access::Access;
pub(crate) use access::HeldAccess;
pub use checkups::{CheckupOriginal, CheckupReport, OwnCheckup};
pub use person::{BatchInfo, Delivery, DeliveryCounts, ExplainedPiece, PatientView, StoredSource, TotalExplanation};
pub use record::{DayStatus, Record, Share, StoredAggregate, StoredEvent, StoredSample, StoredTotal};
pub use search::{Keep, Page, PageKey, Search, Sort, TimeBounds};

impl Store {
    /// A page of what a search finds and the access key permits.
    ///
    /// # Errors
    /// [`crate::StoreError::Invalid`] for a page of no records or more than 1,000, [`crate::StoreError::NoPerson`],
    /// [`crate::StoreError::Erased`], and what reading can answer.
    pub async fn search(&self, access: Access<'_>, search: Search) -> Result<Page> {
        if search.count == 0 || search.count > 1_000 {
            return Err(crate::StoreError::Invalid {
                what: "a page has 1 to 1,000 records",
            });
        }
        let access = access.hold();
        self.database
            .read("search", move |snapshot| {
                sqlite::search::search(snapshot, &access, &search)
            })
            .await
    }

    /// How many records a search finds that the access key permits, in one snapshot; place and size of a page say nothing.
    ///
    /// # Errors
    /// As [`Store::search`].
    pub async fn count(&self, access: Access<'_>, search: Search) -> Result<u64> {
        let access = access.hold();
        self.database
            .read("count", move |snapshot| {
                sqlite::search::count(snapshot, &access, &search)
            })
            .await
    }

    /// One record by its key; `None` when there is none or the access key does not permit it. `now` is the instant of the
    /// question.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn record(&self, access: Access<'_>, key: RecordKey, now: UtcMillis) -> Result<Option<Record>> {
        let access = access.hold();
        self.database
            .read("read record", move |snapshot| {
                sqlite::search::record(snapshot, &access, key, now)
            })
            .await
    }

    /// The versions of a record that the access key shows, the newest first; empty where the present one does not show. Of a sample
    /// all that were superseded are kept, of what is computed the present one is the only one.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn versions(&self, access: Access<'_>, key: RecordKey, now: UtcMillis) -> Result<Vec<Record>> {
        let access = access.hold();
        self.database
            .read("read versions", move |snapshot| {
                sqlite::search::versions(snapshot, &access, key, now)
            })
            .await
    }

    /// The devices and apps that the access key shows, by number; what documents told is of none.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn devices(&self, access: Access<'_>) -> Result<Vec<StoredSource>> {
        let access = access.hold();
        self.database
            .read("read devices", move |snapshot| {
                let all = sqlite::sources::sources(snapshot, access.person())?;
                Ok(all
                    .into_iter()
                    .filter(|source| source.source.kind != SourceKind::Document)
                    .filter(|source| access.shows_source(source.number))
                    .collect())
            })
            .await
    }

    /// One device or app; `None` when there is none or the access key does not show it.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn device(&self, access: Access<'_>, source: u16) -> Result<Option<StoredSource>> {
        let devices = self.devices(access).await?;
        Ok(devices.into_iter().find(|device| device.number == source))
    }

    /// Who the person is, as far as the access key shows. `now` decides the age.
    ///
    /// # Errors
    /// [`crate::StoreError::NoPerson`], [`crate::StoreError::Erased`], and what reading can answer.
    pub async fn patient(&self, access: Access<'_>, now: UtcMillis) -> Result<PatientView> {
        let access = access.hold();
        self.database
            .read("read patient", move |snapshot| {
                let person = access.person();
                let profile = sqlite::people::profile(snapshot, person)?;
                let created = sqlite::people::created(snapshot, person)?;
                let given = access.identity();
                // Where nobody may know where they belong, nothing of it is opened.
                let belongs = match given.municipality || given.insurance {
                    true => {
                        let today = sqlite::zone::HomeZone::new(&profile.home_zone).day_at(now);
                        sqlite::belonging::belongs(snapshot, person, access.recipient(), today)?
                    }
                    false => sqlite::belonging::Membership::default(),
                };
                Ok(access.view(&profile, belongs, created, now))
            })
            .await
    }

    /// IANA name of the zone the person lives in: a date that says no zone is read in it.
    ///
    /// # Errors
    /// [`crate::StoreError::NoPerson`], [`crate::StoreError::Erased`], and what reading can answer.
    pub async fn home_zone(&self, access: Access<'_>) -> Result<String> {
        let person = access.person();
        self.database
            .read("read home zone", move |snapshot| {
                Ok(sqlite::people::profile(snapshot, person)?.home_zone)
            })
            .await
    }

    /// How a delivery came, for the provenance of a record that the access key has shown.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn batch(&self, access: Access<'_>, batch: BatchId) -> Result<Option<BatchInfo>> {
        let person = access.person();
        self.database
            .read("read delivery", move |snapshot| {
                snapshot.person_key(person)?;
                sqlite::batches::info(snapshot, person, batch)
            })
            .await
    }

    /// A person's last deliveries that these adapters read, newest first.
    ///
    /// # Errors
    /// [`crate::StoreError::NoPerson`], [`crate::StoreError::Erased`], and what reading can answer.
    pub async fn deliveries(&self, own: &OwnAccess, by: &[&str], limit: usize) -> Result<Vec<Delivery>> {
        let person = own.person();
        let by: Vec<String> = by.iter().map(|adapter| (*adapter).to_owned()).collect();
        self.database
            .read("read deliveries", move |snapshot| {
                sqlite::batches::newest(snapshot, person, &by, limit)
            })
            .await
    }

    /// How many records that came since an instant could not be read, by adapter; those without any are left out.
    ///
    /// # Errors
    /// [`crate::StoreError::NoPerson`], [`crate::StoreError::Erased`], and what reading can answer.
    pub async fn rejected_since(&self, own: &OwnAccess, since: UtcMillis) -> Result<BTreeMap<String, u64>> {
        let person = own.person();
        self.database
            .read("count rejections", move |snapshot| {
                sqlite::rejections::of_person(snapshot, person, since)
            })
            .await
    }

    /// How a day's total came about, for the person themselves.
    ///
    /// # Errors
    /// [`crate::StoreError::Invalid`] for a metric that is not summed, and what reading can answer.
    pub async fn explain_total(
        &self,
        own: &OwnAccess,
        metric: Metric,
        day: LocalDay,
        now: UtcMillis,
    ) -> Result<TotalExplanation> {
        let own = own.clone();
        self.database
            .read("explain total", move |snapshot| {
                sqlite::totals::explain(snapshot, own.person(), metric, day, now)
            })
            .await
    }
}
