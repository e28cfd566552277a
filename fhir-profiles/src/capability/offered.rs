//! What is offered of each resource type: interactions and search parameters (R4 search parameter registry).

use super::{ResourceCapability, SearchParameter};

const fn parameter(name: &'static str, kind: &'static str, definition: &'static str) -> SearchParameter {
    SearchParameter {
        name,
        kind,
        definition: Some(definition),
        documentation: None,
    }
}

const fn explained(parameter: SearchParameter, documentation: &'static str) -> SearchParameter {
    SearchParameter {
        documentation: Some(documentation),
        ..parameter
    }
}

const fn without_definition(name: &'static str, kind: &'static str, documentation: &'static str) -> SearchParameter {
    SearchParameter {
        name,
        kind,
        definition: None,
        documentation: Some(documentation),
    }
}

/// Search parameters of Observation (R4 search parameter registry).
const OBSERVATION_SEARCH: &[SearchParameter] = &[
    explained(
        parameter(
            "patient",
            "reference",
            "http://hl7.org/fhir/SearchParameter/clinical-patient",
        ),
        "Only the patient of the access token is found; left out, it is filled in from the token.",
    ),
    explained(
        parameter(
            "subject",
            "reference",
            "http://hl7.org/fhir/SearchParameter/Observation-subject",
        ),
        "The same as patient.",
    ),
    explained(
        parameter("code", "token", "http://hl7.org/fhir/SearchParameter/clinical-code"),
        "Any coding of the code: `code`, `system|code`, `|code`; a comma means or.",
    ),
    explained(
        parameter(
            "category",
            "token",
            "http://hl7.org/fhir/SearchParameter/Observation-category",
        ),
        "HL7, JP Core and consent categories, each with its system.",
    ),
    explained(
        parameter("date", "date", "http://hl7.org/fhir/SearchParameter/clinical-date"),
        "Prefixes eq, ne, gt, lt, ge, le, sa, eb, ap; repeat it for and. ge and le find what lies there with some part. A value without a zone is read in the person's home zone (Asia/Tokyo \
         where none is known), not in the server's. A day's Observation is found by its civil date.",
    ),
    explained(
        parameter(
            "_lastUpdated",
            "date",
            "http://hl7.org/fhir/SearchParameter/Resource-lastUpdated",
        ),
        "To follow changes, sort by _lastUpdated and continue from the last one seen; deleted ones come as entered-in-error.",
    ),
    parameter("_id", "token", "http://hl7.org/fhir/SearchParameter/Resource-id"),
    explained(
        parameter(
            "status",
            "token",
            "http://hl7.org/fhir/SearchParameter/Observation-status",
        ),
        "final, preliminary, amended, entered-in-error.",
    ),
    explained(
        parameter(
            "device",
            "reference",
            "http://hl7.org/fhir/SearchParameter/Observation-device",
        ),
        "What one device measured; summaries of days and longer name no device.",
    ),
    explained(
        parameter(
            "value-quantity",
            "quantity",
            "http://hl7.org/fhir/SearchParameter/Observation-value-quantity",
        ),
        "`[prefix]number|system|code` of samples and totals; a comma means or. A page may hold fewer than _count.",
    ),
    explained(
        parameter(
            "component-code",
            "token",
            "http://hl7.org/fhir/SearchParameter/Observation-component-code",
        ),
        "Samples in which a component of this code has a value.",
    ),
    without_definition("_count", "number", "Entries of a page at most; 1,000 at most."),
    without_definition("_sort", "string", "date, -date, _lastUpdated or -_lastUpdated."),
    without_definition("_include", "string", "Observation:device, Observation:patient."),
    without_definition("_revinclude", "string", "Provenance:target."),
    without_definition("_total", "token", "none or accurate."),
    SUMMARY,
    ELEMENTS,
];

const SUMMARY: SearchParameter = without_definition("_summary", "token", "true, text, count, data, false.");

const ELEMENTS: SearchParameter = without_definition(
    "_elements",
    "string",
    "Names of elements, with commas between; mandatory ones come too.",
);

const BY_ID: SearchParameter = parameter("_id", "token", "http://hl7.org/fhir/SearchParameter/Resource-id");

/// Search parameters of Patient: only the patient of the access token is found.
const PATIENT_SEARCH: &[SearchParameter] = &[BY_ID, SUMMARY, ELEMENTS];

/// Search parameters of Device.
const DEVICE_SEARCH: &[SearchParameter] = &[
    explained(
        parameter(
            "patient",
            "reference",
            "http://hl7.org/fhir/SearchParameter/Device-patient",
        ),
        "Only the patient of the access token is found; left out, it is filled in from the token.",
    ),
    BY_ID,
    SUMMARY,
    ELEMENTS,
];

/// Search parameters of Provenance.
const PROVENANCE_SEARCH: &[SearchParameter] = &[
    explained(
        parameter(
            "target",
            "reference",
            "http://hl7.org/fhir/SearchParameter/Provenance-target",
        ),
        "An Observation, a computed day too.",
    ),
    SUMMARY,
    ELEMENTS,
];

/// Search parameters of Consent.
const CONSENT_SEARCH: &[SearchParameter] = &[
    explained(
        parameter(
            "patient",
            "reference",
            "http://hl7.org/fhir/SearchParameter/clinical-patient",
        ),
        "Filled in from the token of a patient; with its own token a client must name one.",
    ),
    explained(
        parameter("status", "token", "http://hl7.org/fhir/SearchParameter/Consent-status"),
        "active or inactive.",
    ),
    BY_ID,
    SUMMARY,
    ELEMENTS,
];

/// Search parameters of definitions.
const DEFINITION_SEARCH: &[SearchParameter] = &[
    parameter("url", "uri", "http://hl7.org/fhir/SearchParameter/conformance-url"),
    parameter("name", "string", "http://hl7.org/fhir/SearchParameter/conformance-name"),
    BY_ID,
    SUMMARY,
    ELEMENTS,
];

const PATIENT: SearchParameter = parameter(
    "patient",
    "reference",
    "http://hl7.org/fhir/SearchParameter/clinical-patient",
);

/// Types that nothing fills yet: every search finds nothing, and whoever relies on it will find what comes.
pub const UNFILLED: &[&str] = &["Questionnaire", "Organization", "AuditEvent"];

/// Of what is somebody's.
const INSTANCES: &[&str] = &["read", "vread", "history-instance", "history-type", "search-type"];

/// A type without profiles of the vocabulary and without operations.
const BARE: ResourceCapability = ResourceCapability {
    name: "",
    interactions: &[],
    search: &[],
    vocabulary_profiles: false,
    operations: &[],
};

/// What the first release offers; pages it does not offer are not listed.
pub const OFFERED: &[ResourceCapability] = &[
    ResourceCapability {
        name: "Patient",
        interactions: INSTANCES,
        search: PATIENT_SEARCH,
        vocabulary_profiles: false,
        operations: &[(
            "everything",
            "http://hl7.org/fhir/OperationDefinition/Patient-everything",
        )],
    },
    ResourceCapability {
        name: "Observation",
        interactions: INSTANCES,
        search: OBSERVATION_SEARCH,
        vocabulary_profiles: true,
        operations: &[
            ("lastn", "http://hl7.org/fhir/OperationDefinition/Observation-lastn"),
            ("stats", "http://hl7.org/fhir/OperationDefinition/Observation-stats"),
        ],
    },
    ResourceCapability {
        name: "Device",
        interactions: INSTANCES,
        search: DEVICE_SEARCH,
        ..BARE
    },
    ResourceCapability {
        name: "Provenance",
        interactions: INSTANCES,
        search: PROVENANCE_SEARCH,
        ..BARE
    },
    ResourceCapability {
        name: "Consent",
        interactions: INSTANCES,
        search: CONSENT_SEARCH,
        ..BARE
    },
    ResourceCapability {
        name: "DiagnosticReport",
        interactions: INSTANCES,
        search: &[
            PATIENT,
            parameter("code", "token", "http://hl7.org/fhir/SearchParameter/clinical-code"),
            parameter(
                "category",
                "token",
                "http://hl7.org/fhir/SearchParameter/DiagnosticReport-category",
            ),
            parameter(
                "status",
                "token",
                "http://hl7.org/fhir/SearchParameter/DiagnosticReport-status",
            ),
            parameter("date", "date", "http://hl7.org/fhir/SearchParameter/clinical-date"),
            parameter(
                "_lastUpdated",
                "date",
                "http://hl7.org/fhir/SearchParameter/Resource-lastUpdated",
            ),
            BY_ID,
            SUMMARY,
            ELEMENTS,
        ],
        ..BARE
    },
    ResourceCapability {
        name: "DocumentReference",
        interactions: INSTANCES,
        search: &[
            PATIENT,
            parameter("type", "token", "http://hl7.org/fhir/SearchParameter/clinical-type"),
            parameter(
                "category",
                "token",
                "http://hl7.org/fhir/SearchParameter/DocumentReference-category",
            ),
            parameter(
                "status",
                "token",
                "http://hl7.org/fhir/SearchParameter/DocumentReference-status",
            ),
            parameter(
                "date",
                "date",
                "http://hl7.org/fhir/SearchParameter/DocumentReference-date",
            ),
            parameter(
                "period",
                "date",
                "http://hl7.org/fhir/SearchParameter/DocumentReference-period",
            ),
            parameter(
                "_lastUpdated",
                "date",
                "http://hl7.org/fhir/SearchParameter/Resource-lastUpdated",
            ),
            BY_ID,
            SUMMARY,
            ELEMENTS,
        ],
        ..BARE
    },
    ResourceCapability {
        name: "Binary",
        interactions: &["read"],
        search: &[],
        ..BARE
    },
    ResourceCapability {
        name: "QuestionnaireResponse",
        interactions: INSTANCES,
        search: &[
            parameter(
                "patient",
                "reference",
                "http://hl7.org/fhir/SearchParameter/QuestionnaireResponse-patient",
            ),
            parameter(
                "questionnaire",
                "reference",
                "http://hl7.org/fhir/SearchParameter/QuestionnaireResponse-questionnaire",
            ),
            parameter(
                "status",
                "token",
                "http://hl7.org/fhir/SearchParameter/QuestionnaireResponse-status",
            ),
            parameter(
                "authored",
                "date",
                "http://hl7.org/fhir/SearchParameter/QuestionnaireResponse-authored",
            ),
            parameter(
                "_lastUpdated",
                "date",
                "http://hl7.org/fhir/SearchParameter/Resource-lastUpdated",
            ),
            BY_ID,
            SUMMARY,
            ELEMENTS,
        ],
        ..BARE
    },
    ResourceCapability {
        name: "Questionnaire",
        interactions: INSTANCES,
        search: &[
            parameter("url", "uri", "http://hl7.org/fhir/SearchParameter/Questionnaire-url"),
            parameter(
                "version",
                "token",
                "http://hl7.org/fhir/SearchParameter/Questionnaire-version",
            ),
            parameter(
                "status",
                "token",
                "http://hl7.org/fhir/SearchParameter/Questionnaire-status",
            ),
            parameter(
                "title",
                "string",
                "http://hl7.org/fhir/SearchParameter/Questionnaire-title",
            ),
            BY_ID,
            SUMMARY,
            ELEMENTS,
        ],
        ..BARE
    },
    ResourceCapability {
        name: "Organization",
        interactions: INSTANCES,
        search: &[
            parameter(
                "identifier",
                "token",
                "http://hl7.org/fhir/SearchParameter/Organization-identifier",
            ),
            parameter(
                "name",
                "string",
                "http://hl7.org/fhir/SearchParameter/Organization-name",
            ),
            BY_ID,
            SUMMARY,
            ELEMENTS,
        ],
        ..BARE
    },
    ResourceCapability {
        name: "AuditEvent",
        interactions: INSTANCES,
        search: &[
            parameter(
                "patient",
                "reference",
                "http://hl7.org/fhir/SearchParameter/AuditEvent-patient",
            ),
            parameter("date", "date", "http://hl7.org/fhir/SearchParameter/AuditEvent-date"),
            parameter("type", "token", "http://hl7.org/fhir/SearchParameter/AuditEvent-type"),
            parameter(
                "action",
                "token",
                "http://hl7.org/fhir/SearchParameter/AuditEvent-action",
            ),
            parameter(
                "outcome",
                "token",
                "http://hl7.org/fhir/SearchParameter/AuditEvent-outcome",
            ),
            BY_ID,
            SUMMARY,
            ELEMENTS,
        ],
        ..BARE
    },
    ResourceCapability {
        name: "CodeSystem",
        interactions: &["read", "search-type"],
        search: DEFINITION_SEARCH,
        ..BARE
    },
    ResourceCapability {
        name: "StructureDefinition",
        interactions: &["read", "search-type"],
        search: DEFINITION_SEARCH,
        ..BARE
    },
    ResourceCapability {
        name: "ValueSet",
        interactions: &["read", "search-type"],
        search: DEFINITION_SEARCH,
        ..BARE
    },
];
