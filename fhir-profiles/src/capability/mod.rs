//! The CapabilityStatement: what the server offers, from the table that the routes are made of, so that it cannot lie.

mod offered;

use model::LocalDay;
use model::vocabulary::systems;

use crate::definitions::own_profile;
use crate::json::{raw, string};
use crate::prepared::{coding, list};
use crate::time::date;

pub use offered::{OFFERED, UNFILLED};

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
            .chain(model::vocabulary::METRICS.iter().filter_map(own_profile))
            .chain([systems::DAILY_TOTAL_PROFILE, systems::MANUAL_ENTRY_PROFILE])
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
