//! Reads of values. Every one takes an access key that only the `consent` crate can make: a recipient's decision or the
//! person's own access; what it does not permit is simply not there.
//!
//! A search merges leaves, totals and aggregates into one order and gives a page at a time; where a page ends is a key, not an
//! offset. Nothing is written here: that a page was given is recorded by `audit`, and that record is the gate's last word.

use consent::{AllowedSources, ConsentsVersion, Decision, Detail, IdentityGrant, IdentityLine, OwnAccess};
use model::{
    BatchId, ConsentCategory, LocalDay, Measured, Metric, PersonId, RecipientId, RecordKey, Sample, Source, Summary,
    UtcMillis,
};

use std::sync::Arc;

use crate::sqlite;
use crate::{Result, Sex, Store};

/// The key to a read. Both kinds are made by `consent` only.
///
/// ```no_run
/// # use consent::Decision;
/// # use store::{Access, Page, Search, Store};
/// async fn read(store: &Store, decision: &Decision) -> store::Result<Page> {
///     store.search(Access::Decision(decision), Search::default()).await
/// }
/// ```
///
/// A read without a decision does not compile:
///
/// ```compile_fail,E0061
/// # use store::{Page, Search, Store};
/// async fn read(store: &Store) -> store::Result<Page> {
///     store.search(Search::default()).await
/// }
/// ```
///
/// Nor does one with a key that only says whose values it wants:
///
/// ```compile_fail,E0308
/// # use model::PersonId;
/// # use store::{Access, Page, Search, Store};
/// async fn read(store: &Store, person: &PersonId) -> store::Result<Page> {
///     store.search(Access::Decision(person), Search::default()).await
/// }
/// ```
#[derive(Clone, Copy)]
pub enum Access<'a> {
    /// A recipient's, under one consent.
    Decision(&'a Decision),
    /// The person's own.
    Own(&'a OwnAccess),
}

/// An access key that outlives the call, for the thread that reads.
#[derive(Clone)]
pub(crate) enum HeldAccess {
    Decision(Box<Decision>),
    Own(OwnAccess),
}

impl Access<'_> {
    /// Whose values it opens.
    pub fn person(&self) -> PersonId {
        match self {
            Self::Decision(decision) => decision.person(),
            Self::Own(own) => own.person(),
        }
    }

    fn hold(&self) -> HeldAccess {
        match *self {
            Self::Decision(decision) => HeldAccess::Decision(Box::new(decision.clone())),
            Self::Own(own) => HeldAccess::Own(own.clone()),
        }
    }
}

/// Bounds on a record's time, all of which must hold. `None` is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeBounds {
    /// Starts at or after.
    pub start_from: Option<UtcMillis>,
    /// Starts before.
    pub start_before: Option<UtcMillis>,
    /// Ends after.
    pub end_after: Option<UtcMillis>,
    /// Ends at or before.
    pub end_until: Option<UtcMillis>,
}

/// In which order a search gives records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// By start, earliest first.
    #[default]
    Date,
    /// By start, latest first.
    DateDescending,
    /// By the commit that made or changed them, earliest first: what a poller follows.
    LastUpdated,
    /// By the commit that made or changed them, latest first.
    LastUpdatedDescending,
}

/// What to look for.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Metrics whose samples are asked for.
    pub raw: Vec<Metric>,
    /// Metrics whose days are asked for: the total of a summed metric, the aggregate of any other.
    pub daily: Vec<Metric>,
    /// Metrics whose weeks, months or events are asked for.
    pub summaries: Vec<(Metric, Summary)>,
    /// Bounds on time.
    pub times: TimeBounds,
    /// Committed at or after, and before.
    pub updated: (Option<UtcMillis>, Option<UtcMillis>),
    /// One source only, by the person's number.
    pub source: Option<u16>,
    /// The order.
    pub sort: Sort,
    /// Continue after this place; from [`Page::next`] of the same search.
    pub after: Option<PageKey>,
    /// Records of a page at most; 1,000 at most.
    pub count: usize,
    /// The instant of the question: days become final by it.
    pub now: UtcMillis,
    /// What a record must satisfy besides.
    pub keep: Keep,
    /// Superseded versions of samples too; looked at in the orders of changes only.
    pub superseded: bool,
}

/// Whether a search is about a record, where that is said by what the record holds. It is asked of records that the access key
/// shows, one after the other, so a page of a narrow one may come with fewer records than asked for, and a next one.
#[derive(Clone, Default)]
pub struct Keep(Option<Arc<Test>>);

/// Looks at one record.
type Test = dyn Fn(&Record) -> bool + Send + Sync;

impl Keep {
    /// Those of which this is true.
    pub fn only(keep: impl Fn(&Record) -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(keep)))
    }

    /// True of a record that it is about.
    pub fn keeps(&self, record: &Record) -> bool {
        self.0.as_ref().is_none_or(|keep| keep(record))
    }

    pub(crate) fn is_all(&self) -> bool {
        self.0.is_none()
    }
}

impl std::fmt::Debug for Keep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.is_all() { "all" } else { "some" })
    }
}

/// A page of a search.
#[derive(Clone, Debug)]
pub struct Page {
    /// The records, in the order asked for.
    pub records: Vec<Record>,
    /// Where to continue; `None` at the end.
    pub next: Option<PageKey>,
    /// The person's last commit in the snapshot that was read: pollers continue from it.
    pub last_commit: UtcMillis,
    /// The person's consents version in the same snapshot.
    pub consents_version: ConsentsVersion,
}

/// One record of a page.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// A sample as it is stored.
    Sample(StoredSample),
    /// A day's resolved total.
    Total(StoredTotal),
    /// A day's mean, minimum, maximum and last value.
    Aggregate(StoredAggregate),
    /// That something took place on a day.
    Event(StoredEvent),
}

impl Record {
    /// What its id is made of.
    pub fn key(&self) -> RecordKey {
        match self {
            Self::Sample(sample) => sample.key,
            Self::Total(total) => total.key,
            Self::Aggregate(aggregate) => aggregate.key,
            Self::Event(event) => event.key,
        }
    }

    /// When it was last made or changed.
    pub fn updated(&self) -> UtcMillis {
        match self {
            Self::Sample(sample) => sample.committed,
            Self::Total(total) => total.updated,
            Self::Aggregate(aggregate) => aggregate.updated,
            Self::Event(event) => event.updated,
        }
    }

    /// Of which days it is, the first and the last.
    pub fn days(&self) -> (LocalDay, LocalDay) {
        match self {
            Self::Sample(stored) => (stored.sample.local_day(), stored.sample.local_day()),
            Self::Total(total) => (total.day, total.summary.last(total.day)),
            Self::Aggregate(aggregate) => (aggregate.day, aggregate.summary.last(aggregate.day)),
            Self::Event(event) => (event.day, event.day),
        }
    }
}

/// A sample with what the store knows of it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredSample {
    /// What its id is made of: its first identity.
    pub key: RecordKey,
    /// The sample.
    pub sample: Sample,
    /// Its version, from 1.
    pub version: u32,
    /// When this version was committed.
    pub committed: UtcMillis,
    /// The delivery that brought this version.
    pub batch: BatchId,
    /// Entered in error: the vendor deleted it, or a session was joined into another.
    pub dead: bool,
}

/// How far a day's total can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DayStatus {
    /// Less than 48 hours after the day's end.
    Preliminary,
    /// 48 hours after the day's end, and unchanged since.
    Final,
    /// Changed after it was final.
    Amended,
}

/// One source's part of a day's total.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// The source's number within the person.
    pub source: u16,
    /// Its part of the total, in the total's scale.
    pub amount: i64,
    /// Its part of the eligible total.
    pub eligible: i64,
}

/// A day's total, resolved between overlapping sources.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredTotal {
    /// What its id is made of.
    pub key: RecordKey,
    /// The summed metric.
    pub metric: Metric,
    /// What it is the total of.
    pub summary: Summary,
    /// The civil day; of a week or month its first.
    pub day: LocalDay,
    /// Without hand-typed and impossible entries, as a whole number with `scale` decimals.
    pub eligible: i64,
    /// With everything.
    pub total: i64,
    /// The hand-typed part.
    pub manual: i64,
    /// Decimals of the three numbers and of the shares.
    pub scale: u8,
    /// Flags of the day, as `totals` defines them.
    pub flags: u32,
    /// Which source gave how much.
    pub shares: Vec<Share>,
    /// Version as of the question's instant, from 1.
    pub version: u32,
    /// Status as of the question's instant.
    pub status: DayStatus,
    /// When it was last changed, or became final.
    pub updated: UtcMillis,
}

/// A day of a metric that is not summed.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredAggregate {
    /// What its id is made of.
    pub key: RecordKey,
    /// The metric.
    pub metric: Metric,
    /// What it is the aggregate of.
    pub summary: Summary,
    /// The civil day; of a week or month its first.
    pub day: LocalDay,
    /// The mean of each component, rounded to the digits of its values; `None` where no value has the component.
    pub mean: Vec<Option<Measured>>,
    /// The lowest value of each component.
    pub min: Vec<Option<Measured>>,
    /// The highest value of each component.
    pub max: Vec<Option<Measured>>,
    /// The last value of each component.
    pub last: Vec<Option<Measured>>,
    /// Samples of the day.
    pub count: u32,
    /// Grows with every change of the day.
    pub version: u32,
    /// How far it can be relied on.
    pub status: DayStatus,
    /// When one of its samples was last made or changed.
    pub updated: UtcMillis,
}

/// That something was measured on a day, and nothing of what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// What its id is made of.
    pub key: RecordKey,
    /// The metric.
    pub metric: Metric,
    /// The civil day.
    pub day: LocalDay,
    /// When it was first known, never before the day was over.
    pub updated: UtcMillis,
}

/// The place of a record in a search's order: where the next page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PageKey {
    /// Start, or commit time, in ms.
    pub(crate) time: i64,
    /// Metric number.
    pub(crate) metric: u16,
    /// Source number.
    pub(crate) source: u16,
    /// Start of the first identity in ms: tells records of one commit apart.
    pub(crate) first_start: i64,
    /// Tie-break, above it the kind of record.
    pub(crate) tie_break: u16,
}

impl PageKey {
    /// Bytes of a key.
    pub const LENGTH: usize = 22;

    /// As bytes, for sealing into a cursor.
    pub fn to_bytes(self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        bytes[..8].copy_from_slice(&self.time.to_be_bytes());
        bytes[8..10].copy_from_slice(&self.metric.to_be_bytes());
        bytes[10..12].copy_from_slice(&self.source.to_be_bytes());
        bytes[12..20].copy_from_slice(&self.first_start.to_be_bytes());
        bytes[20..].copy_from_slice(&self.tie_break.to_be_bytes());
        bytes
    }

    /// From bytes; `None` when there are not [`PageKey::LENGTH`].
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; Self::LENGTH] = bytes.try_into().ok()?;
        let long = |from: usize| Some(i64::from_be_bytes(bytes[from..from + 8].try_into().ok()?));
        let short = |from: usize| u16::from_be_bytes([bytes[from], bytes[from + 1]]);
        Some(Self {
            time: long(0)?,
            metric: short(8),
            source: short(10),
            first_start: long(12)?,
            tie_break: short(20),
        })
    }
}

/// What an access key lets one see of who the person is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PatientView {
    /// Name, where granted and known.
    pub name: Option<String>,
    /// Address, where granted and known.
    pub address: Option<String>,
    /// Birth date, where granted and known.
    pub birth_date: Option<LocalDay>,
    /// Age in tens of years at the question's instant (30 for 30 to 39), where granted and known.
    pub age_band: Option<u8>,
    /// Sex, where granted and known.
    pub sex: Option<Sex>,
    /// Whether they belong to the municipality, where granted: the recipient's own organisation if it is one, else any.
    pub municipality: Option<bool>,
    /// Whether they are insured by the insurer, where granted; as with the municipality.
    pub insurance: Option<bool>,
    /// The other recipient, where a linking id with it is granted.
    pub linking: Option<RecipientId>,
    /// When the person's row was last changed or, for a row that never was, made.
    pub updated: UtcMillis,
}

/// A device as a read gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSource {
    /// Its number within the person.
    pub number: u16,
    /// What it is.
    pub source: Source,
    /// Its version, from 1.
    pub version: u32,
    /// When this version was committed.
    pub committed: UtcMillis,
}

/// How a delivery came, for Provenance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchInfo {
    /// The delivery.
    pub batch: BatchId,
    /// Name of the adapter that read it.
    pub adapter: String,
    /// The adapter's mapping version.
    pub mapping_version: u32,
    /// When it came.
    pub obtained: UtcMillis,
    /// When the vendor said what it says.
    pub asserted: UtcMillis,
}

/// A delivery as the person's own page lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// How it came.
    pub info: BatchInfo,
    /// What its records came to; `None` while it runs, and for one that was cut off.
    pub counts: Option<DeliveryCounts>,
}

/// What the records of a delivery came to: `received` is the sum of the other four.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeliveryCounts {
    /// All of them.
    pub received: u64,
    /// New, or newer than before.
    pub stored: u64,
    /// Known before.
    pub duplicate: u64,
    /// Of a kind that has no place here yet; kept.
    pub unsupported: u64,
    /// Not readable; kept.
    pub rejected: u64,
}

/// How a day's total came about.
#[derive(Clone, Debug, PartialEq)]
pub struct TotalExplanation {
    /// The total it explains; `None` when there is nothing to sum.
    pub total: Option<StoredTotal>,
    /// The pieces of the day, by start.
    pub pieces: Vec<ExplainedPiece>,
}

/// One piece of a day: a source's part of a total, or something left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainedPiece {
    /// The source's number within the person.
    pub source: u16,
    /// From.
    pub from: UtcMillis,
    /// Until.
    pub until: UtcMillis,
    /// What it gave, in the total's scale; 0 for what was left out.
    pub amount: i64,
    /// Why it was left out of the total or of the eligible total; empty when it counts in both.
    pub reason: &'static str,
}

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

    /// The devices and apps that the access key shows, by number.
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
                let belongs = sqlite::people::belongs(snapshot, person, access.recipient())?;
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

    /// A person's last deliveries, newest first.
    ///
    /// # Errors
    /// [`crate::StoreError::NoPerson`], [`crate::StoreError::Erased`], and what reading can answer.
    pub async fn deliveries(&self, own: &OwnAccess, limit: usize) -> Result<Vec<Delivery>> {
        let person = own.person();
        self.database
            .read("read deliveries", move |snapshot| {
                sqlite::batches::newest(snapshot, person, limit)
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

impl HeldAccess {
    /// Whose values it opens.
    pub(crate) fn person(&self) -> PersonId {
        match self {
            Self::Decision(decision) => decision.person(),
            Self::Own(own) => own.person(),
        }
    }

    /// True when anything of the category may be seen at this detail.
    pub(crate) fn gives(&self, category: ConsentCategory, detail: Detail) -> bool {
        match self {
            Self::Decision(decision) => decision.gives(category, detail),
            Self::Own(_) => true,
        }
    }

    /// The sources of which anything of the category may be seen at this detail.
    pub(crate) fn sources_for(&self, category: ConsentCategory, detail: Detail) -> AllowedSources {
        match self {
            Self::Decision(decision) => decision.sources_for(category, detail),
            Self::Own(_) => AllowedSources::All,
        }
    }

    /// True when a sample may be seen.
    pub(crate) fn permits(&self, category: ConsentCategory, source: u16, day: LocalDay) -> bool {
        match self {
            Self::Decision(decision) => decision.permits(category, source, day, Detail::Raw),
            Self::Own(_) => true,
        }
    }

    /// True when a day may be seen of this source.
    pub(crate) fn permits_day(&self, category: ConsentCategory, source: u16, day: LocalDay, today: LocalDay) -> bool {
        self.permits_summary(category, source, Summary::Day, day, today)
    }

    /// True when the summary in which a day lies may be seen of this source.
    pub(crate) fn permits_summary(
        &self,
        category: ConsentCategory,
        source: u16,
        summary: Summary,
        day: LocalDay,
        today: LocalDay,
    ) -> bool {
        match self {
            Self::Decision(decision) => decision.permits_summary(category, source, summary, day, today),
            Self::Own(_) => true,
        }
    }

    /// True when it may be seen of all sources together.
    pub(crate) fn permits_summary_of_all(
        &self,
        category: ConsentCategory,
        summary: Summary,
        day: LocalDay,
        today: LocalDay,
    ) -> bool {
        match self {
            Self::Decision(decision) => decision.permits_summary_of_all_sources(category, summary, day, today),
            Self::Own(_) => true,
        }
    }

    /// The days of which anything may be seen, from the first to the last; `None` is open.
    pub(crate) fn days(&self, category: ConsentCategory, detail: Detail) -> (Option<LocalDay>, Option<LocalDay>) {
        let Self::Decision(decision) = self else {
            return (None, None);
        };
        let mut widest: Option<(Option<LocalDay>, Option<LocalDay>)> = None;
        for (_, period, _) in decision.window(category, detail) {
            widest = Some(match widest {
                None => (period.from, period.until),
                Some((from, until)) => (
                    from.zip(period.from).map(|(one, other)| one.min(other)),
                    until.zip(period.until).map(|(one, other)| one.max(other)),
                ),
            });
        }
        widest.unwrap_or((None, None))
    }

    /// True when anything of a source may be seen: then a record can name it.
    fn shows_source(&self, source: u16) -> bool {
        ConsentCategory::ALL.into_iter().any(|category| {
            // A daily total names no source, but its aggregates and shares come from the same devices.
            self.sources_for(category, Detail::Daily).contains(source)
        })
    }

    /// For whom, where it is not the person's own.
    fn recipient(&self) -> Option<RecipientId> {
        match self {
            Self::Own(_) => None,
            Self::Decision(decision) => Some(decision.recipient()),
        }
    }

    fn view(
        &self,
        profile: &sqlite::people::Profile,
        belongs: sqlite::people::Membership,
        updated: UtcMillis,
        now: UtcMillis,
    ) -> PatientView {
        let birth_day = profile.birth_day.map(LocalDay);
        let sex = profile.sex.and_then(Sex::from_number);
        let given = match self {
            Self::Own(_) => IdentityGrant::of(IdentityLine::ALL),
            Self::Decision(decision) => decision.identity(),
        };
        PatientView {
            name: profile.name.clone().filter(|_| given.name),
            address: profile.address.clone().filter(|_| given.address),
            birth_date: birth_day.filter(|_| given.birth_date),
            age_band: birth_day
                .filter(|_| given.age_band_and_sex)
                .and_then(|birth| age_band(birth, sqlite::zone::HomeZone::new(&profile.home_zone).day_at(now))),
            sex: sex.filter(|_| given.age_band_and_sex),
            municipality: given.municipality.then_some(belongs.municipality),
            insurance: given.insurance.then_some(belongs.insurance),
            linking: given.linking,
            updated,
        }
    }
}

/// Whole years lived on a day, floored to tens; `None` before birth.
fn age_band(birth: LocalDay, today: LocalDay) -> Option<u8> {
    let ((born, birth_month, birth_day), (year, month, day)) = (birth.ymd(), today.ymd());
    let had_birthday = (month, day) >= (birth_month, birth_day);
    let years = year - born - i32::from(!had_birthday);
    u8::try_from(years / 10 * 10).ok().filter(|_| years >= 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_band_turns_on_the_birthday() {
        let day = |text: &str| LocalDay::parse(text).expect("a day");
        assert_eq!(age_band(day("1960-02-29"), day("2020-02-28")), Some(50));
        assert_eq!(age_band(day("1960-02-29"), day("2020-02-29")), Some(60));
        assert_eq!(age_band(day("2026-01-01"), day("2025-12-31")), None);
        assert_eq!(age_band(day("2026-01-01"), day("2026-01-01")), Some(0));
    }

    #[test]
    fn a_page_key_reads_back_and_keeps_its_order() {
        let key = |time, metric, source, first_start, tie_break| PageKey {
            time,
            metric,
            source,
            first_start,
            tie_break,
        };
        let low = key(-5, 3, 4, -5, 1);
        assert_eq!(PageKey::from_bytes(&low.to_bytes()), Some(low));
        assert_eq!(PageKey::from_bytes(&[0; 21]), None);
        assert!(low < key(-5, 3, 4, -5, 2) && low < key(-5, 3, 5, -9, 0) && low < key(4, 0, 0, 0, 0));
    }
}
