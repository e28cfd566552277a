//! The algebra of SMART App Launch 2.2 scopes: what a client may ask for at all, before consent says what passes.
//!
//! A set holds only what this gateway offers: reading and searching a few kinds of resources of one patient, and
//! Observations by category. Everything else in a scope string is left out, as RFC 6749 3.3 allows; what was granted is
//! told to the client. Parameters of one scope joined by `&` must all hold, as in a FHIR search; commas and repeated scopes
//! add up.

mod metrics;
mod parse;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use model::vocabulary::systems;
use model::{ConsentCategory, Metric};
use serde::{Deserialize, Serialize};

pub use metrics::MetricSet;
pub use parse::{MAX_SCOPE_LENGTH, ScopeError};

/// A kind of resource that a scope can name. What a scope does not name is not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// The resident.
    Patient,
    /// What was measured.
    Observation,
    /// What measured it.
    Device,
    /// How it came here.
    Provenance,
    /// What the resident agreed to with this recipient.
    Consent,
    /// A checkup as one report.
    DiagnosticReport,
    /// A document as it came.
    DocumentReference,
    /// The bytes of a document.
    Binary,
    /// Answers to questions.
    QuestionnaireResponse,
    /// Questions.
    Questionnaire,
    /// Who keeps, sends or reads.
    Organization,
    /// Who was given what.
    AuditEvent,
}

impl Resource {
    /// All of them: what `*` stands for.
    pub const ALL: [Self; 12] = [
        Self::Patient,
        Self::Observation,
        Self::Device,
        Self::Provenance,
        Self::Consent,
        Self::DiagnosticReport,
        Self::DocumentReference,
        Self::Binary,
        Self::QuestionnaireResponse,
        Self::Questionnaire,
        Self::Organization,
        Self::AuditEvent,
    ];

    /// Its FHIR type.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Patient => "Patient",
            Self::Observation => "Observation",
            Self::Device => "Device",
            Self::Provenance => "Provenance",
            Self::Consent => "Consent",
            Self::DiagnosticReport => "DiagnosticReport",
            Self::DocumentReference => "DocumentReference",
            Self::Binary => "Binary",
            Self::QuestionnaireResponse => "QuestionnaireResponse",
            Self::Questionnaire => "Questionnaire",
            Self::Organization => "Organization",
            Self::AuditEvent => "AuditEvent",
        }
    }

    /// The consent category that all of it is under, where it is not under those of metrics.
    pub const fn category(self) -> Option<ConsentCategory> {
        match self {
            Self::DocumentReference | Self::Binary => Some(ConsentCategory::Documents),
            _ => None,
        }
    }

    /// The resource of this FHIR type.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|resource| resource.name() == name)
    }
}

/// What is done with a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Interaction {
    /// By its id: the letter `r`.
    Read,
    /// By parameters: the letter `s`.
    Search,
}

impl Interaction {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Read, Self::Search];

    const fn letter(self) -> char {
        match self {
            Self::Read => 'r',
            Self::Search => 's',
        }
    }
}

/// A set of interactions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Interactions {
    read: bool,
    search: bool,
}

impl Interactions {
    const BOTH: Self = Self {
        read: true,
        search: true,
    };

    fn has(self, interaction: Interaction) -> bool {
        match interaction {
            Interaction::Read => self.read,
            Interaction::Search => self.search,
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            read: self.read && other.read,
            search: self.search && other.search,
        }
    }

    fn or(self, other: Self) -> Self {
        Self {
            read: self.read || other.read,
            search: self.search || other.search,
        }
    }

    fn is_none(self) -> bool {
        self == Self::default()
    }

    fn includes(self, other: Self) -> bool {
        self.and(other) == other
    }
}

/// A code system from which a scope can take a category.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum CategorySystem {
    Observation,
    JapanObservation,
    Consent,
}

impl CategorySystem {
    const ALL: [Self; 3] = [Self::Observation, Self::JapanObservation, Self::Consent];

    const fn address(self) -> &'static str {
        match self {
            Self::Observation => systems::OBSERVATION_CATEGORY,
            Self::JapanObservation => systems::JP_OBSERVATION_CATEGORY,
            Self::Consent => systems::CONSENT_CATEGORY,
        }
    }

    /// The code that an Observation of this metric carries in this system.
    fn code_of(self, metric: Metric) -> Option<&'static str> {
        match self {
            Self::Observation => Some(metric.row().fhir_category),
            Self::JapanObservation => metric.row().jp_category,
            Self::Consent => Some(metric.category().key()),
        }
    }
}

/// A category as a scope names it: `system|code`, where at least one metric carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct CategoryCoding {
    system: CategorySystem,
    code: &'static str,
}

impl CategoryCoding {
    fn of_consent(category: ConsentCategory) -> Self {
        Self {
            system: CategorySystem::Consent,
            code: category.key(),
        }
    }

    fn find(system: &str, code: &str) -> Option<Self> {
        let system = CategorySystem::ALL
            .into_iter()
            .find(|known| known.address() == system)?;
        let code = Metric::all()
            .filter_map(|metric| system.code_of(metric))
            .find(|known| *known == code)?;
        Some(Self { system, code })
    }

    fn fits(self, metric: Metric) -> bool {
        self.system.code_of(metric) == Some(self.code)
    }
}

/// What a scope is about: a resource and, for Observations, the categories that must all fit (none: no restriction).
/// The codings ascend without repeats, so that equal filters are equal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Target {
    resource: Resource,
    filter: Vec<CategoryCoding>,
}

impl Target {
    fn new(resource: Resource, mut filter: Vec<CategoryCoding>) -> Self {
        filter.sort_unstable();
        filter.dedup();
        Self { resource, filter }
    }

    /// The metrics whose Observations are meant.
    fn metrics(&self) -> MetricSet {
        match self.resource {
            Resource::Observation => Metric::all()
                .filter(|metric| self.filter.iter().all(|coding| coding.fits(*metric)))
                .collect(),
            _ => MetricSet::default(),
        }
    }

    /// True when nothing can ever fit.
    fn is_void(&self) -> bool {
        !self.filter.is_empty() && self.metrics().is_empty()
    }

    /// True when `other` restricts at least as much.
    fn includes(&self, other: &Self) -> bool {
        self.resource == other.resource && self.filter.iter().all(|coding| other.filter.contains(coding))
    }

    fn and(&self, other: &Self) -> Option<Self> {
        if self.resource != other.resource {
            return None;
        }
        let both = Self::new(self.resource, [&self.filter[..], &other.filter[..]].concat());
        (!both.is_void()).then_some(both)
    }
}

/// What may be done with a target, and how to write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Permission {
    interactions: Interactions,
    /// Asked for in the spelling of SMART 1: `.read`.
    first_spelling: bool,
}

/// A set of scopes, as asked for or as granted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ScopeSet {
    open_id: bool,
    fhir_user: bool,
    offline_access: bool,
    online_access: bool,
    launch_patient: bool,
    resources: BTreeMap<Target, Permission>,
    readable: MetricSet,
    searchable: MetricSet,
}

impl ScopeSet {
    /// Reads a scope string. What is unknown or not offered is left out, down to an empty set; only a string that cannot
    /// be one is an error (`invalid_scope`).
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        parse::parse(text)
    }

    /// True when nothing is in it: asking for it is `invalid_scope`.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// True when no resource is in it.
    pub fn names_no_resource(&self) -> bool {
        self.resources.is_empty()
    }

    /// `openid`: an ID token is wanted.
    pub fn open_id(&self) -> bool {
        self.open_id
    }

    /// `fhirUser`: the ID token says which resource the user is.
    pub fn fhir_user(&self) -> bool {
        self.fhir_user
    }

    /// `offline_access`: a refresh token is wanted.
    pub fn offline_access(&self) -> bool {
        self.offline_access
    }

    /// `online_access`: a refresh token is wanted for as long as the resident is at it. Beside `offline_access` it says nothing.
    pub fn online_access(&self) -> bool {
        self.online_access
    }

    /// What a client asks for itself, of no person: each `system/` scope, read as what it opens of one person.
    pub fn parse_system(text: &str) -> Result<Self, ScopeError> {
        // Read as it stands first, so that what is no scope string is an error here too.
        Self::parse(text)?;
        let of_person: Vec<String> = text
            .split(' ')
            .filter_map(|scope| scope.strip_prefix("system/"))
            .map(|rest| format!("patient/{rest}"))
            .collect();
        Self::parse(&of_person.join(" "))
    }

    /// The scope string of what a client was granted for itself.
    pub fn to_system(&self) -> String {
        let scopes = self.to_string();
        let system: Vec<String> = scopes
            .split(' ')
            .filter_map(|scope| scope.strip_prefix("patient/"))
            .map(|rest| format!("system/{rest}"))
            .collect();
        system.join(" ")
    }

    /// True when the token answer must name the patient: `launch/patient`, or any `patient/` scope, which implies it.
    pub fn needs_patient(&self) -> bool {
        self.launch_patient || !self.resources.is_empty()
    }

    /// True when some of this resource may be read or searched. Of Observations [`ScopeSet::allows_metric`] says which.
    pub fn allows(&self, resource: Resource, interaction: Interaction) -> bool {
        self.resources
            .iter()
            .any(|(target, permission)| target.resource == resource && permission.interactions.has(interaction))
    }

    /// True when Observations of this metric may be read or searched.
    #[inline]
    pub fn allows_metric(&self, metric: Metric, interaction: Interaction) -> bool {
        self.metrics(interaction).contains(metric)
    }

    /// The metrics whose Observations may be read or searched.
    #[inline]
    pub fn metrics(&self, interaction: Interaction) -> &MetricSet {
        match interaction {
            Interaction::Read => &self.readable,
            Interaction::Search => &self.searchable,
        }
    }

    /// The consent categories of which anything can be reached: what the consent page asks about, in its order.
    pub fn consent_categories(&self) -> impl Iterator<Item = ConsentCategory> + '_ {
        ConsentCategory::ALL.into_iter().filter(|category| {
            let of_resource = |target: &Target| target.resource.category() == Some(*category);
            self.resources.keys().any(of_resource)
                || Interaction::ALL.into_iter().any(|interaction| {
                    self.metrics(interaction)
                        .iter()
                        .any(|metric| metric.category() == *category)
                })
        })
    }

    /// True when everything in `other` is in this set: what a refresh may ask for (RFC 6749 6). A scope without a category
    /// reaches metrics that do not exist yet, so no sum of categories covers it.
    pub fn covers(&self, other: &Self) -> bool {
        let flag = |ours: bool, theirs: bool| ours || !theirs;
        flag(self.open_id, other.open_id)
            && flag(self.fhir_user, other.fhir_user)
            && flag(self.offline_access, other.offline_access)
            && flag(self.online_access, other.online_access)
            && flag(self.launch_patient, other.launch_patient)
            && other.resources.iter().all(|(target, permission)| {
                Interaction::ALL
                    .into_iter()
                    .filter(|interaction| permission.interactions.has(*interaction))
                    .all(|interaction| self.covers_target(target, interaction))
            })
    }

    fn covers_target(&self, target: &Target, interaction: Interaction) -> bool {
        let by_one = self
            .resources
            .iter()
            .any(|(ours, permission)| ours.includes(target) && permission.interactions.has(interaction));
        by_one || (!target.filter.is_empty() && self.metrics(interaction).includes(&target.metrics()))
    }

    /// The same without an ID token: nothing is said of who the user is.
    #[must_use]
    pub fn without_user(mut self) -> Self {
        self.open_id = false;
        self.fhir_user = false;
        self
    }

    /// The same, with `fhirUser` only where it can be kept: beside `openid`, in whose token it stands, and where the Patient
    /// that it names may be read (SMART App Launch 2.2, "Scopes for requesting identity data").
    #[must_use]
    pub fn with_a_readable_user(mut self) -> Self {
        self.fhir_user &= self.open_id && self.allows(Resource::Patient, Interaction::Read);
        self
    }

    /// What is in both sets.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        let mut both = Self {
            open_id: self.open_id && other.open_id,
            fhir_user: self.fhir_user && other.fhir_user,
            offline_access: self.offline_access && other.offline_access,
            online_access: self.online_access && other.online_access,
            launch_patient: self.launch_patient && other.launch_patient,
            ..Self::default()
        };
        for (target, permission) in &self.resources {
            for (other_target, other_permission) in &other.resources {
                if let Some(target) = target.and(other_target) {
                    both.add(
                        target,
                        Permission {
                            interactions: permission.interactions.and(other_permission.interactions),
                            first_spelling: permission.first_spelling || other_permission.first_spelling,
                        },
                    );
                }
            }
        }
        both.absorb();
        both.compile();
        both
    }

    /// What of this set is granted when the resident agreed to these consent categories. A scope of which all that it
    /// reaches was agreed to stays as it was asked; of any other, the part in each agreed category is named instead.
    #[must_use]
    pub fn agreed_to(&self, agreed: impl Fn(ConsentCategory) -> bool) -> Self {
        let mut granted = Self {
            resources: BTreeMap::new(),
            ..self.clone()
        };
        for (target, permission) in &self.resources {
            if target.resource.category().is_some_and(|category| !agreed(category)) {
                continue;
            }
            let metrics = target.metrics();
            if metrics.iter().all(|metric| agreed(metric.category())) {
                granted.add(target.clone(), *permission);
                continue;
            }
            let reached = |category: &ConsentCategory| metrics.iter().any(|metric| metric.category() == *category);
            for category in ConsentCategory::ALL.into_iter().filter(reached) {
                if agreed(category) {
                    granted.add(part_of(target, category), *permission);
                }
            }
        }
        granted.absorb();
        granted.compile();
        granted
    }

    /// Adds a scope that restricts to something and allows something; else nothing happens.
    fn add(&mut self, target: Target, permission: Permission) {
        if permission.interactions.is_none() || target.is_void() {
            return;
        }
        // The spelling of SMART 1 can say neither a category nor one interaction alone.
        let sayable = target.filter.is_empty() && permission.interactions == Interactions::BOTH;
        let permission = Permission {
            first_spelling: permission.first_spelling && sayable,
            ..permission
        };
        self.resources
            .entry(target)
            .and_modify(|known| {
                known.interactions = known.interactions.or(permission.interactions);
                known.first_spelling &= permission.first_spelling;
            })
            .or_insert(permission);
    }

    /// Leaves out scopes that another one of the set says already.
    fn absorb(&mut self) {
        let all = self.resources.clone();
        self.resources.retain(|target, permission| {
            !all.iter().any(|(other, other_permission)| {
                other != target
                    && other.includes(target)
                    && other_permission.interactions.includes(permission.interactions)
            })
        });
    }

    fn compile(&mut self) {
        let reached = |interaction| {
            self.resources
                .iter()
                .filter(|(_, permission)| permission.interactions.has(interaction))
                .fold(MetricSet::default(), |sum, (target, _)| sum.union(&target.metrics()))
        };
        (self.readable, self.searchable) = (reached(Interaction::Read), reached(Interaction::Search));
    }
}

/// The part of an Observation target in one consent category, named as shortly as the vocabulary allows.
fn part_of(target: &Target, category: ConsentCategory) -> Target {
    let coding = CategoryCoding::of_consent(category);
    let part = Target::new(target.resource, [&target.filter[..], &[coding]].concat());
    let short = Target::new(target.resource, vec![coding]);
    if short.metrics() == part.metrics() { short } else { part }
}

impl fmt::Display for ScopeSet {
    /// The scope string, in an order of its own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        let words = [
            (self.open_id, parse::OPEN_ID),
            (self.fhir_user, parse::FHIR_USER),
            (self.offline_access, parse::OFFLINE_ACCESS),
            (self.online_access, parse::ONLINE_ACCESS),
            (self.launch_patient, parse::LAUNCH_PATIENT),
        ];
        for (_, word) in words.into_iter().filter(|(present, _)| *present) {
            write!(f, "{separator}{word}")?;
            separator = " ";
        }
        for (target, permission) in &self.resources {
            write!(f, "{separator}patient/{}.", target.resource.name())?;
            if permission.first_spelling {
                f.write_str("read")?;
            } else {
                for interaction in Interaction::ALL {
                    if permission.interactions.has(interaction) {
                        write!(f, "{}", interaction.letter())?;
                    }
                }
            }
            for (number, coding) in target.filter.iter().enumerate() {
                let joint = if number == 0 { '?' } else { '&' };
                write!(f, "{joint}category={}|{}", coding.system.address(), coding.code)?;
            }
            separator = " ";
        }
        Ok(())
    }
}

impl TryFrom<String> for ScopeSet {
    type Error = ScopeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<ScopeSet> for String {
    fn from(scopes: ScopeSet) -> Self {
        scopes.to_string()
    }
}

impl std::str::FromStr for ScopeSet {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}
