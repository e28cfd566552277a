//! Addresses and fixed codes of the code systems and extensions that rendered resources name. They live here only.

/// LOINC.
pub const LOINC: &str = "http://loinc.org";
/// UCUM.
pub const UCUM: &str = "http://unitsofmeasure.org";
/// SNOMED CT.
pub const SNOMED: &str = "http://snomed.info/sct";
/// HL7 observation-category.
pub const OBSERVATION_CATEGORY: &str = "http://terminology.hl7.org/CodeSystem/observation-category";
/// JP Core simple observation category.
pub const JP_OBSERVATION_CATEGORY: &str = "http://jpfhir.jp/fhir/core/CodeSystem/JP_SimpleObservationCategory_CS";
/// JLAC10 item codes of the health checkup (OID of the checkup guides).
pub const CHECKUP_ITEM: &str = "urn:oid:1.2.392.200119.6.1005";
/// Items of municipalities' screenings, as the text of their guide has it; its examples say [`SCREENING_ITEM_OF_EXAMPLES`].
pub const SCREENING_ITEM: &str = "urn:oid:1.2.392.100495.100.1051";
/// As above.
pub const SCREENING_ITEM_OF_EXAMPLES: &str = "http://jpfhir.jp/fhir/eCheckup/CodeSystem/jlac10";
/// Which part of a municipality's screening a document tells (検診区分): 1 the first test, 2 the closer one, 3 both.
pub const SCREENING_PART: &str = "http://jpfhir.jp/fhir/eCheckup/CodeSystem/checkup-type-code";
/// JLAC10, the table of laboratory tests that MEDIS keeps (OID 1.2.392.200119.4.504 before JP Core 1.2).
pub const JLAC10: &str = "http://medis.or.jp/CodeSystem/master-JLAC10-17digits";
/// Categories of checkup reports, as FHIR documents name them; other documents say OID 1.2.392.200119.6.1001.
pub const CHECKUP_REPORT: &str = "urn:oid:2.16.840.1.113883.2.2.1.6.1001";
/// Programmes of checkups.
pub const CHECKUP_PROGRAMME: &str = "urn:oid:1.2.392.200119.6.1002";
/// What an organisation is in a checkup report: who did it, or who wrote it.
pub const CHECKUP_ORGANISATION: &str = "http://jpfhir.jp/fhir/eCheckup/CodeSystem/report-organization-code";
/// Methods of checkup items.
pub const CHECKUP_METHOD: &str = "urn:oid:1.2.392.200119.6.1007";
/// Types of documents in Japan's guides.
pub const DOCUMENT_TYPE: &str = "http://jpfhir.jp/fhir/Common/CodeSystem/doc-typecodes";
/// Among them a checkup report (検診・健診報告書).
pub const CHECKUP_DOCUMENT: &str = "53576-5";
/// Judgements of values.
pub const INTERPRETATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation";
/// Extension of a coding: its place among the others of its list.
pub const ORDINAL_VALUE: &str = "http://hl7.org/fhir/StructureDefinition/ordinalValue";
/// Confidentiality labels.
pub const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
/// Kinds of sensitivity.
pub const ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
/// Why a value is absent.
pub const DATA_ABSENT_REASON: &str = "http://terminology.hl7.org/CodeSystem/data-absent-reason";
/// Statistics of a computed daily: `average`, `minimum`, `maximum`, `count`.
pub const OBSERVATION_STATISTICS: &str = "http://terminology.hl7.org/CodeSystem/observation-statistics";
/// Provenance participant types.
pub const PROVENANCE_PARTICIPANT: &str = "http://terminology.hl7.org/CodeSystem/provenance-participant-type";
/// What an activity did to data.
pub const DATA_OPERATION: &str = "http://terminology.hl7.org/CodeSystem/v3-DataOperation";
/// How a REST server is secured.
pub const RESTFUL_SECURITY: &str = "http://terminology.hl7.org/CodeSystem/restful-security-service";
/// Codes of the personal health record guide for person-generated data.
pub const PHR_PGHD: &str = "http://hl7.org/fhir/uv/phr/CodeSystem/observation-pghd-codes";
/// Its code of a night's sleep.
pub const PHR_SLEEP_EPISODE: &str = "sleepEpisode";

/// Our own metrics.
pub const METRIC: &str = "https://sekisho.example/fhir/CodeSystem/metric";
/// Our own component keys, flags and methods.
pub const SEKISHO: &str = "https://sekisho.example/fhir/CodeSystem/sekisho";
/// Our own lists of values.
pub const VALUE: &str = "https://sekisho.example/fhir/CodeSystem/value";
/// What a resident ticks.
pub const CONSENT_CATEGORY: &str = "https://sekisho.example/fhir/CodeSystem/consent-category";
/// Before the id of each structure of ours.
pub const STRUCTURES: &str = "https://sekisho.example/fhir/StructureDefinition/";
/// Profile of what was typed by hand.
pub const MANUAL_ENTRY_PROFILE: &str = "https://sekisho.example/fhir/StructureDefinition/manual-entry";
/// Profile of our daily totals.
pub const DAILY_TOTAL_PROFILE: &str = "https://sekisho.example/fhir/StructureDefinition/daily-total";
/// Extension: the offset of this time was assumed, nobody stated it.
pub const OFFSET_ASSUMED: &str = "https://sekisho.example/fhir/StructureDefinition/offset-assumed";
/// Extension on Patient: the age band, where only that was granted.
pub const AGE_BAND: &str = "https://sekisho.example/fhir/StructureDefinition/age-band";
/// Our own extension of Patient: whether they belong to the municipality.
pub const MUNICIPALITY_MEMBER: &str = "https://sekisho.example/fhir/StructureDefinition/municipality-member";
/// Our own extension of Patient: whether they are insured by the insurer.
pub const INSURANCE_MEMBER: &str = "https://sekisho.example/fhir/StructureDefinition/insurance-member";
/// Our own identifiers of a person between two recipients.
pub const LINKING_ID: &str = "https://sekisho.example/fhir/linking-id";
/// Our own extension of a Consent's permit: the other recipient of a linking id.
pub const LINKED_RECIPIENT: &str = "https://sekisho.example/fhir/StructureDefinition/linked-recipient";

/// Extension on a date: the IANA zone it was read in.
pub const TIMEZONE: &str = "http://hl7.org/fhir/StructureDefinition/timezone";
/// Extension of a CapabilityStatement that older SMART clients read the OAuth addresses from.
pub const OAUTH_URIS: &str = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris";
/// Code of [`RESTFUL_SECURITY`]: secured as SMART says.
pub const SMART_ON_FHIR: &str = "SMART-on-FHIR";
/// Profile of observations in health checkup documents; it wants the official item code.
pub const CHECKUP_PROFILE: &str = "http://jpfhir.jp/fhir/eCheckup/StructureDefinition/JP_Observation_eCheckupGeneral";
/// Profile of the Observations that name what is one examination together.
pub const CHECKUP_GROUP_PROFILE: &str =
    "http://jpfhir.jp/fhir/eCheckup/StructureDefinition/JP_ObservationGroup_eCheckupGeneral";
/// Groups of what is one examination, as the checkup report guide has them.
pub const CHECKUP_GROUP: &str = "http://jpfhir.jp/fhir/eCheckup/CodeSystem/observationGroup-codes";
/// Extension of a member of such a group: found by the examination (`COMP`), or the reason for it (`RSON`). The guide spells it so.
pub const CHECKUP_GROUP_RELATIONSHIP: &str =
    "http://jpfhir.jp/fhir/Common/Extension/StructureDefinition/observatioGroupRelationship";
/// Code of [`DATA_ABSENT_REASON`]: nobody said.
pub const ABSENT_UNKNOWN: &str = "unknown";
/// Code of [`DATA_ABSENT_REASON`]: it was not done.
pub const ABSENT_NOT_PERFORMED: &str = "not-performed";
/// Code of [`DATA_ABSENT_REASON`]: it could not be measured.
pub const ABSENT_ERROR: &str = "error";
/// Code of [`DATA_ABSENT_REASON`]: there is a value, and no way to say it in FHIR yet.
pub const ABSENT_UNSUPPORTED: &str = "unsupported";
/// Code of [`DATA_ABSENT_REASON`]: there is a value, and it is not given to this reader.
pub const ABSENT_MASKED: &str = "masked";
/// Code of [`OBSERVATION_STATISTICS`]: the mean.
pub const AVERAGE: &str = "average";
/// Code of [`OBSERVATION_STATISTICS`]: the lowest.
pub const MINIMUM: &str = "minimum";
/// Code of [`OBSERVATION_STATISTICS`]: the highest.
pub const MAXIMUM: &str = "maximum";
/// Code of [`OBSERVATION_STATISTICS`]: how many.
pub const COUNT: &str = "count";
/// SNOMED CT: before a meal.
pub const BEFORE_MEAL: &str = "307165006";
/// SNOMED CT: after a meal.
pub const AFTER_MEAL: &str = "24863003";
/// UCUM: years.
pub const UCUM_YEAR: &str = "a";
/// UCUM: a plain count.
pub const UCUM_COUNT: &str = "{#}";
/// Address under which a mapping version of an adapter is named: `<base>/<adapter>/<version>`.
pub const MAPPING: &str = "https://sekisho.example/fhir/mapping";

/// What a consent is about.
pub const CONSENT_SCOPE: &str = "http://terminology.hl7.org/CodeSystem/consentscope";
/// Code of [`CONSENT_SCOPE`]: who may see a person's data.
pub const PATIENT_PRIVACY: &str = "patient-privacy";
/// LOINC: patient consent.
pub const LOINC_PATIENT_CONSENT: &str = "59284-0";
/// Code of [`ACT_CODE`]: access to information.
pub const INFORMATION_ACCESS: &str = "INFA";
/// How somebody takes part.
pub const PARTICIPATION_TYPE: &str = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";
/// Code of [`PARTICIPATION_TYPE`]: who receives information.
pub const INFORMATION_RECIPIENT: &str = "IRCP";
/// What a consent lets somebody do.
pub const CONSENT_ACTION: &str = "http://terminology.hl7.org/CodeSystem/consentaction";
/// Code of [`CONSENT_ACTION`]: read.
pub const CONSENT_ACCESS: &str = "access";
/// Types of FHIR resources.
pub const RESOURCE_TYPES: &str = "http://hl7.org/fhir/resource-types";
/// The policy of IHE's privacy consents under which nothing is given that no consent gives (PCF, "Policy-deny").
pub const POLICY_DENY: &str = "https://profiles.ihe.net/ITI/PCF/Policy-deny";
/// What somebody is to the patient.
pub const ROLE_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-RoleCode";
/// Code of [`ROLE_CODE`]: parent.
pub const ROLE_PARENT: &str = "PRN";
/// Code of [`ROLE_CODE`]: guardian.
pub const ROLE_GUARDIAN: &str = "GUARD";
/// Code of [`ROLE_CODE`]: power of attorney.
pub const ROLE_PROXY: &str = "POWATT";
/// What a resource that was sent is.
pub const OBSERVATION_VALUE: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue";
/// Code of [`OBSERVATION_VALUE`]: some of its elements only.
pub const SUBSETTED: &str = "SUBSETTED";
/// Our own profile of Consent.
pub const CONSENT_PROFILE: &str = "https://sekisho.example/fhir/StructureDefinition/consent";
/// For what a recipient uses data.
pub const PURPOSE: &str = "https://sekisho.example/fhir/CodeSystem/purpose";
/// How finely data is given.
pub const DETAIL: &str = "https://sekisho.example/fhir/CodeSystem/detail";
/// A line about who a person is.
pub const IDENTITY_LINE: &str = "https://sekisho.example/fhir/CodeSystem/identity-line";
/// Identifiers of recipients.
pub const RECIPIENT: &str = "https://sekisho.example/fhir/identifier/recipient";
/// Extension on a provision: the running day shows as it grows.
pub const RUNNING_DAY: &str = "https://sekisho.example/fhir/StructureDefinition/running-day";
/// Extension on a Consent: how it ended, a code such as `withdrawn`.
pub const CONSENT_END: &str = "https://sekisho.example/fhir/StructureDefinition/consent-end";

/// What kind of thing happened (HL7).
pub const AUDIT_EVENT_TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-event-type";
/// Code of [`AUDIT_EVENT_TYPE`]: a request over REST.
pub const AUDIT_REST: &str = "rest";
/// What a request over REST did.
pub const RESTFUL_INTERACTION: &str = "http://hl7.org/fhir/restful-interaction";
/// DICOM's controlled terminology.
pub const DICOM: &str = "http://dicom.nema.org/resources/ontology/DCM";
/// Code of [`DICOM`]: where information comes from.
pub const DICOM_SOURCE: &str = "110153";
/// Code of [`DICOM`]: where information goes to.
pub const DICOM_DESTINATION: &str = "110152";
/// What an audited thing is.
pub const AUDIT_ENTITY_TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
/// Code of [`AUDIT_ENTITY_TYPE`]: a person.
pub const AUDIT_PERSON: &str = "1";
/// Code of [`AUDIT_ENTITY_TYPE`]: a thing of the system.
pub const AUDIT_SYSTEM_OBJECT: &str = "2";
/// What part an audited thing plays.
pub const AUDIT_ROLE: &str = "http://terminology.hl7.org/CodeSystem/object-role";
/// Code of [`AUDIT_ROLE`]: the patient.
pub const AUDIT_ROLE_PATIENT: &str = "1";
/// Code of [`AUDIT_ROLE`]: data of the domain.
pub const AUDIT_ROLE_DATA: &str = "4";
/// IHE Basic Audit Log Patterns: kinds of audited things.
pub const BASIC_AUDIT_ENTITY: &str = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType";
/// Code of [`BASIC_AUDIT_ENTITY`]: the request's id.
pub const AUDIT_REQUEST_ID: &str = "XrequestId";
/// Identifiers of persons, for their custodian only.
pub const PERSON: &str = "https://sekisho.example/fhir/person";
/// Identifiers of consents, for the custodian only.
pub const CONSENT_NUMBER: &str = "https://sekisho.example/fhir/consent";

/// Codes of [`SEKISHO`].
pub mod own {
    /// Method: typed by hand.
    pub const MANUAL_ENTRY: &str = "manual-entry";
    /// Component of a day: its hand-typed part.
    pub const MANUAL_PART: &str = "manual-part";
    /// Component of a day: everything, hand-typed and impossible entries included.
    pub const TOTAL: &str = "total";
    /// Component of a computed day: the last value.
    pub const LAST: &str = "last";
    /// Component: something that a reader of the value should know.
    pub const QUALITY_FLAG: &str = "quality-flag";
    /// Quality flag: outside the plausible range.
    pub const OUT_OF_RANGE: &str = "out-of-range";
    /// Quality flag: the source gave the time to the minute.
    pub const MINUTE_PRECISION: &str = "minute-precision";
    /// Quality flag: the clock went back, the earlier instant was taken.
    pub const AMBIGUOUS_TIME: &str = "ambiguous-time";
    /// Quality flag: a zero that was measured, the device was worn.
    pub const TRUE_ZERO: &str = "true-zero";
    /// Quality flag of a day: more than one source measured, and their overlap was resolved.
    pub const MULTI_SOURCE_RESOLVED: &str = "multi-source-resolved";
    /// Quality flag of a day: a sample was faster than anybody walks; beyond 240 a minute it does not count as eligible.
    pub const CADENCE: &str = "cadence";
    /// Quality flag of a day: more than 100,000.
    pub const BEYOND_DAILY_LIMIT: &str = "beyond-daily-limit";
    /// Quality flag of a day: more than ten hours without ten minutes' pause.
    pub const NO_PAUSE: &str = "no-pause";
    /// Quality flag of a day: the same count thirty times in a row.
    pub const UNIFORM_COUNTS: &str = "uniform-counts";
    /// Quality flag of a day: the vendor's own total is another.
    pub const VENDOR_MISMATCH: &str = "vendor-mismatch";
    /// Component: how the value relates to a meal.
    pub const RELATION_TO_MEAL: &str = "relation-to-meal";
    /// Component: moving or at rest, as the device says it.
    pub const MOTION_CONTEXT: &str = "motion-context";
    /// Component: this is the first day of a cycle.
    pub const CYCLE_START: &str = "cycle-start";
    /// Component: what the insulin was for.
    pub const INSULIN_PURPOSE: &str = "insulin-purpose";
    /// Label: special care-required personal information (Act on the Protection of Personal Information, article 2).
    pub const SPECIAL_CARE: &str = "appi-special-care";

    /// All of them, each with what it says.
    pub const ALL: [(&str, &str); 20] = [
        (MANUAL_ENTRY, "Method: typed by hand"),
        (MANUAL_PART, "Component of a day: its hand-typed part"),
        (
            TOTAL,
            "Component of a day: everything, hand-typed and impossible entries included",
        ),
        (LAST, "Component of a computed day: the last value"),
        (
            QUALITY_FLAG,
            "Component: something that a reader of the value should know",
        ),
        (OUT_OF_RANGE, "Quality flag: outside the plausible range"),
        (MINUTE_PRECISION, "Quality flag: the source gave the time to the minute"),
        (
            AMBIGUOUS_TIME,
            "Quality flag: the clock went back, the earlier instant was taken",
        ),
        (TRUE_ZERO, "Quality flag: a zero that was measured, the device was worn"),
        (
            MULTI_SOURCE_RESOLVED,
            "Quality flag of a day: more than one source measured, and their overlap was resolved",
        ),
        (
            CADENCE,
            "Quality flag of a day: a sample was faster than anybody walks; beyond 240 a minute it does not count as eligible",
        ),
        (BEYOND_DAILY_LIMIT, "Quality flag of a day: more than 100,000"),
        (
            NO_PAUSE,
            "Quality flag of a day: more than ten hours without ten minutes' pause",
        ),
        (
            UNIFORM_COUNTS,
            "Quality flag of a day: the same count thirty times in a row",
        ),
        (
            VENDOR_MISMATCH,
            "Quality flag of a day: the vendor's own total is another",
        ),
        (RELATION_TO_MEAL, "Component: how the value relates to a meal"),
        (MOTION_CONTEXT, "Component: moving or at rest, as the device says it"),
        (CYCLE_START, "Component: this is the first day of a cycle"),
        (INSULIN_PURPOSE, "Component: what the insulin was for"),
        (
            SPECIAL_CARE,
            "Label: special care-required personal information (Act on the Protection of Personal Information, article 2)",
        ),
    ];
}

#[cfg(test)]
mod tests {
    #[test]
    fn our_own_addresses_are_under_one_base() {
        for address in [
            super::METRIC,
            super::SEKISHO,
            super::VALUE,
            super::CONSENT_CATEGORY,
            super::OFFSET_ASSUMED,
        ] {
            assert!(address.starts_with("https://sekisho.example/fhir/"));
        }
    }
}
