//! Consent categories: what a resident ticks. Not to be confused with the FHIR category that a scope names.

/// What a resident ticks. The numbers are stored in consents and audit records, so they never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ConsentCategory {
    /// Steps, distance, energy, workouts.
    Activity = 1,
    /// Sleep stages and nights.
    Sleep = 2,
    /// Weight, height, composition.
    Body = 3,
    /// Blood pressure, oxygen, temperature, hearing and environment.
    VitalSigns = 4,
    /// Heart rate, rhythm, variability.
    Heart = 5,
    /// Blood glucose and insulin-related readings.
    Glucose = 6,
    /// Results of health checkups.
    Checkup = 7,
    /// Medicines taken.
    Medication = 8,
    /// Answers about lifestyle and symptoms, daily check-ins.
    Questionnaire = 9,
    /// Food and drink.
    Nutrition = 10,
    /// Cycle, pregnancy and related.
    Reproductive = 11,
    /// Mood and mental wellbeing.
    Mental = 12,
    /// Routes of workouts: a tick of its own.
    Routes = 13,
    /// Infection results of checkups: a tick of its own.
    Infection = 14,
    /// Documents as they came: a tick of its own, since they say more than any value of them. No metric is of it.
    Documents = 15,
}

impl ConsentCategory {
    /// All of them, in the order a page lists them.
    pub const ALL: [Self; 15] = [
        Self::Activity,
        Self::Sleep,
        Self::Body,
        Self::VitalSigns,
        Self::Heart,
        Self::Glucose,
        Self::Checkup,
        Self::Medication,
        Self::Questionnaire,
        Self::Nutrition,
        Self::Reproductive,
        Self::Mental,
        Self::Routes,
        Self::Infection,
        Self::Documents,
    ];

    /// The category with this number, as stored.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|category| *category as u8 == number)
    }

    /// The key used in URLs, scopes and FHIR `category` codings.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Activity => "activity",
            Self::Sleep => "sleep",
            Self::Body => "body",
            Self::VitalSigns => "vital-signs",
            Self::Heart => "heart",
            Self::Glucose => "glucose",
            Self::Checkup => "checkup",
            Self::Medication => "medication",
            Self::Questionnaire => "questionnaire",
            Self::Nutrition => "nutrition",
            Self::Reproductive => "reproductive",
            Self::Mental => "mental",
            Self::Routes => "routes",
            Self::Infection => "infection",
            Self::Documents => "documents",
        }
    }

    /// True for what is given whole or not at all: no day, week or month is computed of it.
    pub const fn is_whole(self) -> bool {
        matches!(self, Self::Documents)
    }

    /// The category with this key.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.key() == key)
    }
}
