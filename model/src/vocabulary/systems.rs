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
/// Profile of our daily totals.
pub const DAILY_TOTAL_PROFILE: &str = "https://sekisho.example/fhir/StructureDefinition/daily-total";
/// Extension: the offset of this time was assumed, nobody stated it.
pub const OFFSET_ASSUMED: &str = "https://sekisho.example/fhir/StructureDefinition/offset-assumed";
/// Extension on Patient: the age band, where only that was granted.
pub const AGE_BAND: &str = "https://sekisho.example/fhir/StructureDefinition/age-band";

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
