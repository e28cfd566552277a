//! What the writers are given: plain data, with every id already made for the recipient.
//!
//! Ids are FHIR ids (`[A-Za-z0-9\-.]{1,64}`), without the resource type before them.

use model::checkup::{Battery, Finding};
use model::{LocalDay, Measured, Metric, Sample, Source, Summary, UtcMillis};

/// A stored sample as one recipient may see it.
#[derive(Clone, Copy, Debug)]
pub struct ObservationView<'a> {
    /// The Observation's id for this recipient.
    pub id: &'a str,
    /// The person's id for this recipient.
    pub patient: &'a str,
    /// The device's id for this recipient, where the device may be named.
    pub device: Option<&'a str>,
    /// The sample.
    pub sample: &'a Sample,
    /// IANA name of the zone, where the record stated it.
    pub zone: Option<&'a str>,
    /// Version, from 1.
    pub version: u32,
    /// When this version was stored.
    pub updated: UtcMillis,
    /// Entered in error: only that it was is said, nothing of what it held.
    pub dead: bool,
    /// Ids of the Observations that it was made of.
    pub derived_from: &'a [&'a str],
}

/// A result of a checkup as one recipient may see it.
#[derive(Clone, Copy, Debug)]
pub struct CheckupView<'a> {
    /// The Observation's id for this recipient.
    pub id: &'a str,
    /// The person's id for this recipient.
    pub patient: &'a str,
    /// The result.
    pub finding: &'a Finding,
    /// Its civil day.
    pub day: LocalDay,
    /// The resident says it themselves: no document does.
    pub by_hand: bool,
    /// It is beyond what can be entered of its item, and its document does not say that it is meant so.
    pub is_suspicious: bool,
    /// Version, from 1.
    pub version: u32,
    /// When this version was stored.
    pub updated: UtcMillis,
    /// A later document has it no more: only that it was is said.
    pub dead: bool,
}

/// A battery of a checkup as one recipient may see it.
#[derive(Clone, Copy, Debug)]
pub struct BatteryView<'a> {
    /// The Observation's id for this recipient.
    pub id: &'a str,
    /// The person's id for this recipient.
    pub patient: &'a str,
    /// Which one.
    pub battery: Battery,
    /// The groups of the guide that it is of.
    pub groups: &'a [&'static str],
    /// Ids of its results, and whether each says why it was done.
    pub members: &'a [(&'a str, bool)],
    /// Its civil day.
    pub day: LocalDay,
    /// Version, from 1.
    pub version: u32,
    /// When this version was stored.
    pub updated: UtcMillis,
    /// No document has any of its results any more: only that it was is said.
    pub dead: bool,
}

/// A checkup as a whole, as one recipient may see it.
#[derive(Clone, Copy, Debug)]
pub struct ReportView<'a> {
    /// The resource's id for this recipient.
    pub id: &'a str,
    /// The person's id for this recipient.
    pub patient: &'a str,
    /// The days within which it took place, the first and the last: one day, or the year where no more is known.
    pub days: (LocalDay, LocalDay),
    /// The metric that says that a checkup of its kind took place.
    pub event: Metric,
    /// Its programme (OID 1.2.392.200119.6.1002); empty where there is none.
    pub programme: &'a str,
    /// Version, from 1.
    pub version: u64,
    /// When this version was stored.
    pub updated: UtcMillis,
    /// Entered in error: only that it was is said.
    pub dead: bool,
}

/// How far a day can be relied on (R4 observation-status).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DayStatus {
    /// Less than 48 hours after the day's end.
    Preliminary,
    /// 48 hours after the day's end, and unchanged since.
    #[default]
    Final,
    /// Changed after it was final.
    Amended,
}

impl DayStatus {
    /// Its code in FHIR's observation-status.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Preliminary => "preliminary",
            Self::Final => "final",
            Self::Amended => "amended",
        }
    }
}

/// A day's total of a summed metric.
#[derive(Clone, Copy, Debug)]
pub struct TotalView<'a> {
    /// The Observation's id for this recipient.
    pub id: &'a str,
    /// The person's id for this recipient.
    pub patient: &'a str,
    /// The summed metric, e.g. `step_count`; its daily row, where there is one, gives code and unit.
    pub metric: Metric,
    /// What it is the total of.
    pub summary: Summary,
    /// The civil day; of a week or month its first.
    pub day: LocalDay,
    /// Without hand-typed and impossible entries, in the summed metric's unit: the Observation's value.
    pub eligible: Measured,
    /// With everything.
    pub total: Measured,
    /// The hand-typed part.
    pub manual: Measured,
    /// What a reader should know of the day: codes of our own system, e.g. `multi-source-resolved`.
    pub flags: &'a [&'a str],
    /// Version, from 1.
    pub version: u32,
    /// How far it can be relied on.
    pub status: DayStatus,
    /// When it was last changed, or became final.
    pub updated: UtcMillis,
}

/// A day of a metric that is not summed. Each list has one entry a component (one for a plain quantity).
#[derive(Clone, Copy, Debug)]
pub struct AggregateView<'a> {
    /// The Observation's id for this recipient.
    pub id: &'a str,
    /// The person's id for this recipient.
    pub patient: &'a str,
    /// The metric.
    pub metric: Metric,
    /// What it is the aggregate of.
    pub summary: Summary,
    /// The civil day; of a week or month its first.
    pub day: LocalDay,
    /// Mean of the day.
    pub mean: &'a [Option<Measured>],
    /// Lowest of the day.
    pub min: &'a [Option<Measured>],
    /// Highest of the day.
    pub max: &'a [Option<Measured>],
    /// Last of the day; an empty list leaves it out.
    pub last: &'a [Option<Measured>],
    /// Samples of the day.
    pub count: u32,
    /// Version, from 1.
    pub version: u32,
    /// How far it can be relied on.
    pub status: DayStatus,
    /// When one of its samples was last made or changed.
    pub updated: UtcMillis,
}

/// That something was measured on a day, and nothing of what it was.
#[derive(Clone, Copy, Debug)]
pub struct EventView<'a> {
    /// The Observation's id for this recipient.
    pub id: &'a str,
    /// The person's id for this recipient.
    pub patient: &'a str,
    /// The metric.
    pub metric: Metric,
    /// The civil day, or the first of those within which it was.
    pub day: LocalDay,
    /// The last of them.
    pub last: LocalDay,
    /// Whose word it is, of a checkup: an entry of the metric's list.
    pub code: Option<u32>,
    /// Grows with every change of whose word it is.
    pub version: u32,
    /// It was told, and is not there any more.
    pub dead: bool,
    /// When that was last known otherwise.
    pub updated: UtcMillis,
}

/// A person's sex as a civil register says it (R4 administrative-gender).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gender {
    /// Male.
    Male,
    /// Female.
    Female,
    /// Neither.
    Other,
}

impl Gender {
    /// Its code in FHIR's administrative-gender.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Male => "male",
            Self::Female => "female",
            Self::Other => "other",
        }
    }
}

/// A person: the id, and what the resident granted of who they are.
#[derive(Clone, Copy, Debug, Default)]
pub struct PatientView<'a> {
    /// The person's id for this recipient.
    pub id: &'a str,
    /// Name, where granted.
    pub name: Option<&'a str>,
    /// Address, where granted.
    pub address: Option<&'a str>,
    /// Birth date, where granted.
    pub birth_date: Option<LocalDay>,
    /// Age in tens of years (30 for 30 to 39), where granted.
    pub age_band: Option<u8>,
    /// Sex, where granted.
    pub gender: Option<Gender>,
    /// Whether they belong to the municipality, where granted.
    pub municipality: Option<bool>,
    /// Whether they are insured by the insurer, where granted.
    pub insurance: Option<bool>,
    /// The id by which this recipient and another know that it is the same person, where granted.
    pub linking_id: Option<&'a str>,
    /// When what is shown last changed.
    pub updated: Option<UtcMillis>,
    /// Version of what is shown, if the caller keeps one.
    pub version: Option<u64>,
}

/// A device or app. Its name never leaves, since it may hold the owner's.
#[derive(Clone, Copy, Debug)]
pub struct DeviceView<'a> {
    /// The device's id for this recipient.
    pub id: &'a str,
    /// The person's id for this recipient.
    pub patient: &'a str,
    /// The device.
    pub source: &'a Source,
    /// Version, from 1.
    pub version: u32,
    /// When this version was stored.
    pub updated: UtcMillis,
}

/// What was done to a record (HL7 v3 DataOperation).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// Its first version came.
    Create,
    /// A later version came.
    Update,
    /// It was marked as entered in error.
    Delete,
}

impl Activity {
    /// What made the current version of a record.
    pub fn of(version: u32, dead: bool) -> Self {
        match (dead, version) {
            (true, _) => Self::Delete,
            (false, 0 | 1) => Self::Create,
            (false, _) => Self::Update,
        }
    }

    /// Its code in HL7's v3-DataOperation.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        }
    }
}

/// How the current version of an Observation came.
#[derive(Clone, Copy, Debug)]
pub struct ProvenanceView<'a> {
    /// The Provenance's id for this recipient.
    pub id: &'a str,
    /// Id of the Observation it is about.
    pub observation: &'a str,
    /// The person's id for this recipient.
    pub patient: &'a str,
    /// What was done.
    pub activity: Activity,
    /// What it came from.
    pub origin: Origin<'a>,
    /// When this version was stored or computed.
    pub recorded: UtcMillis,
    /// Version of the Observation, which is also this resource's.
    pub version: u32,
}

/// What an Observation came from.
#[derive(Clone, Copy, Debug)]
pub enum Origin<'a> {
    /// A record of a delivery.
    Delivered {
        /// The device's id for this recipient, where the device may be named.
        device: Option<&'a str>,
        /// Typed by hand by the person.
        manual: bool,
        /// Name of the adapter that read the delivery.
        adapter: &'a str,
        /// Version of the adapter's mapping.
        mapping_version: u32,
        /// When the delivery came.
        obtained: UtcMillis,
    },
    /// A day computed from samples.
    Computed {
        /// The civil day.
        day: LocalDay,
        /// Ids for this recipient of the devices that gave a part.
        devices: &'a [String],
        /// Version of the computation.
        algorithm: u32,
    },
}
