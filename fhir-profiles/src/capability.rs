//! The CapabilityStatement: what the server offers, from the table that the routes are made of, so that it cannot lie.

use model::LocalDay;
use model::vocabulary::systems;

use crate::json::{raw, string};
use crate::prepared::{coding, list};
use crate::time::date;

/// A search parameter of a resource type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchParameter {
    /// Its name in the URL.
    pub name: &'static str,
    /// R4 search-param-type, e.g. `token`.
    pub kind: &'static str,
    /// Canonical URL of its definition; `None` for those that FHIR defines without one (`_count`, `_sort`).
    pub definition: Option<&'static str>,
    /// What a client should know of it here.
    pub documentation: Option<&'static str>,
}

/// What is offered of a resource type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResourceCapability {
    /// The resource type.
    pub name: &'static str,
    /// Interactions, e.g. `read`, `search-type`.
    pub interactions: &'static [&'static str],
    /// Search parameters.
    pub search: &'static [SearchParameter],
    /// Claims the profiles of the vocabulary (Observation only).
    pub vocabulary_profiles: bool,
    /// Operations: name and canonical URL.
    pub operations: &'static [(&'static str, &'static str)],
}

/// What of a server the statement tells.
#[derive(Clone, Copy, Debug)]
pub struct CapabilityView<'a> {
    /// The FHIR base, without a slash at its end.
    pub base_url: &'a str,
    /// Version of the software.
    pub software_version: &'a str,
    /// The day this statement last changed.
    pub date: LocalDay,
    /// OAuth authorization endpoint.
    pub authorize_url: &'a str,
    /// OAuth token endpoint.
    pub token_url: &'a str,
    /// OAuth revocation endpoint.
    pub revoke_url: Option<&'a str>,
    /// The page where a resident manages permits.
    pub manage_url: Option<&'a str>,
    /// What is offered of each resource type.
    pub resources: &'a [ResourceCapability],
}

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
pub const OBSERVATION_SEARCH: &[SearchParameter] = &[
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
pub const PATIENT_SEARCH: &[SearchParameter] = &[BY_ID, SUMMARY, ELEMENTS];

/// Search parameters of Device.
pub const DEVICE_SEARCH: &[SearchParameter] = &[
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
pub const PROVENANCE_SEARCH: &[SearchParameter] = &[
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
pub const CONSENT_SEARCH: &[SearchParameter] = &[
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
pub const DEFINITION_SEARCH: &[SearchParameter] = &[
    parameter("url", "uri", "http://hl7.org/fhir/SearchParameter/conformance-url"),
    parameter("name", "string", "http://hl7.org/fhir/SearchParameter/conformance-name"),
    BY_ID,
    SUMMARY,
    ELEMENTS,
];

/// What the first release offers; pages it does not offer are not listed.
pub const OFFERED: &[ResourceCapability] = &[
    ResourceCapability {
        name: "Patient",
        interactions: &["read", "vread", "history-instance", "history-type", "search-type"],
        search: PATIENT_SEARCH,
        vocabulary_profiles: false,
        operations: &[(
            "everything",
            "http://hl7.org/fhir/OperationDefinition/Patient-everything",
        )],
    },
    ResourceCapability {
        name: "Observation",
        interactions: &["read", "vread", "history-instance", "history-type", "search-type"],
        search: OBSERVATION_SEARCH,
        vocabulary_profiles: true,
        operations: &[
            ("lastn", "http://hl7.org/fhir/OperationDefinition/Observation-lastn"),
            ("stats", "http://hl7.org/fhir/OperationDefinition/Observation-stats"),
        ],
    },
    ResourceCapability {
        name: "Device",
        interactions: &["read", "vread", "history-instance", "history-type", "search-type"],
        search: DEVICE_SEARCH,
        vocabulary_profiles: false,
        operations: &[],
    },
    ResourceCapability {
        name: "Provenance",
        interactions: &["read", "vread", "history-instance", "history-type", "search-type"],
        search: PROVENANCE_SEARCH,
        vocabulary_profiles: false,
        operations: &[],
    },
    ResourceCapability {
        name: "Consent",
        interactions: &["read", "vread", "history-instance", "history-type", "search-type"],
        search: CONSENT_SEARCH,
        vocabulary_profiles: false,
        operations: &[],
    },
    ResourceCapability {
        name: "CodeSystem",
        interactions: &["read", "search-type"],
        search: DEFINITION_SEARCH,
        vocabulary_profiles: false,
        operations: &[],
    },
    ResourceCapability {
        name: "StructureDefinition",
        interactions: &["read", "search-type"],
        search: DEFINITION_SEARCH,
        vocabulary_profiles: false,
        operations: &[],
    },
    ResourceCapability {
        name: "ValueSet",
        interactions: &["read", "search-type"],
        search: DEFINITION_SEARCH,
        vocabulary_profiles: false,
        operations: &[],
    },
];

/// Appends the CapabilityStatement of a server.
pub fn capability_statement(out: &mut Vec<u8>, view: &CapabilityView<'_>) {
    raw(
        out,
        b"{\"resourceType\":\"CapabilityStatement\",\"status\":\"active\",\"date\":\"",
    );
    date(out, view.date);
    raw(
        out,
        b"\",\"kind\":\"instance\",\"software\":{\"name\":\"Sekisho\",\"version\":",
    );
    string(out, view.software_version);
    raw(
        out,
        b"},\"implementation\":{\"description\":\"Sekisho: personal health records under the resident's consent\",\"url\":",
    );
    string(out, view.base_url);
    raw(
        out,
        b"},\"fhirVersion\":\"4.0.1\",\"format\":[\"json\",\"application/fhir+json\"],\"rest\":[{\"mode\":\"server\",\"documentation\":",
    );
    string(
        out,
        "Every read is decided anew by the resident's consent: what it does not cover is not there. All ids are made for the \
         recipient. Dates and times without a zone are read in the person's home zone (Asia/Tokyo where none is known). \
         Pages are followed by their next link; a total comes where _total=accurate asks for it.",
    );
    security(out, view);
    raw(out, b",\"resource\":");
    list(out, view.resources, resource);
    raw(out, b"}]}");
}

fn security(out: &mut Vec<u8>, view: &CapabilityView<'_>) {
    let addresses = [
        Some(("authorize", view.authorize_url)),
        Some(("token", view.token_url)),
        view.revoke_url.map(|url| ("revoke", url)),
        view.manage_url.map(|url| ("manage", url)),
    ];
    let addresses: Vec<(&str, &str)> = addresses.into_iter().flatten().collect();
    raw(out, b",\"security\":{\"extension\":[{\"url\":");
    string(out, systems::OAUTH_URIS);
    raw(out, b",\"extension\":");
    list(out, &addresses, |out, (name, url)| {
        raw(out, b"{\"url\":");
        string(out, name);
        raw(out, b",\"valueUri\":");
        string(out, url);
        out.push(b'}');
    });
    raw(out, b"}],\"cors\":true,\"service\":[{\"coding\":[");
    coding(out, systems::RESTFUL_SECURITY, systems::SMART_ON_FHIR, None);
    raw(out, b"]}]}");
}

fn resource(out: &mut Vec<u8>, resource: &ResourceCapability) {
    raw(out, b"{\"type\":");
    string(out, resource.name);
    if resource.vocabulary_profiles {
        let mut profiles: Vec<&str> = model::vocabulary::METRICS
            .iter()
            .flat_map(|row| row.profiles.iter().copied())
            .chain([systems::DAILY_TOTAL_PROFILE])
            .collect();
        profiles.sort_unstable();
        profiles.dedup();
        raw(out, b",\"supportedProfile\":");
        list(out, &profiles, |out, profile| string(out, profile));
    }
    raw(out, b",\"interaction\":");
    list(out, resource.interactions, |out, interaction| {
        raw(out, b"{\"code\":");
        string(out, interaction);
        out.push(b'}');
    });
    raw(
        out,
        b",\"versioning\":\"versioned\",\"readHistory\":true,\"conditionalRead\":\"full-support\",\"updateCreate\":false,\"conditionalCreate\":false",
    );
    let included = |name: &str| resource.search.iter().any(|parameter| parameter.name == name);
    if included("_include") {
        raw(
            out,
            b",\"searchInclude\":[\"Observation:device\",\"Observation:patient\",\"Observation:subject\"]",
        );
    }
    if included("_revinclude") {
        raw(out, b",\"searchRevInclude\":[\"Provenance:target\"]");
    }
    if !resource.search.is_empty() {
        raw(out, b",\"searchParam\":");
        list(out, resource.search, search_parameter);
    }
    if !resource.operations.is_empty() {
        raw(out, b",\"operation\":");
        list(out, resource.operations, |out, (name, definition)| {
            raw(out, b"{\"name\":");
            string(out, name);
            raw(out, b",\"definition\":");
            string(out, definition);
            out.push(b'}');
        });
    }
    out.push(b'}');
}

fn search_parameter(out: &mut Vec<u8>, parameter: &SearchParameter) {
    raw(out, b"{\"name\":");
    string(out, parameter.name);
    if let Some(definition) = parameter.definition {
        raw(out, b",\"definition\":");
        string(out, definition);
    }
    raw(out, b",\"type\":");
    string(out, parameter.kind);
    if let Some(documentation) = parameter.documentation {
        raw(out, b",\"documentation\":");
        string(out, documentation);
    }
    out.push(b'}');
}
