//! What our own addresses mean: code systems, value sets, extensions and profiles, made of the one vocabulary and published as
//! FHIR R4. No resource names a code system or a structure of ours that is not here.

use std::sync::LazyLock;

use model::vocabulary::{METRICS, Shape, systems};
use model::{ConsentCategory, Metric, Summary};

use crate::codings::computed_codings;
use crate::json::{raw, string};
use crate::prepared::{list, written};

/// A published definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// Its resource type.
    pub kind: &'static str,
    /// Its id, which is the end of its address.
    pub id: &'static str,
    /// Its canonical address.
    pub url: &'static str,
    /// Its name for machines.
    pub name: &'static str,
    /// The resource.
    pub json: Vec<u8>,
}

/// The version of all of them: moves with every change of the vocabulary.
pub const VERSION: &str = "0.1.0";

static DEFINITIONS: LazyLock<Vec<Definition>> = LazyLock::new(|| {
    let mut all = vec![
        code_system(
            "metric",
            systems::METRIC,
            "SekishoMetric",
            "What is measured",
            &metrics(),
        ),
        code_system(
            "value",
            systems::VALUE,
            "SekishoValue",
            "Values that are codes",
            &values(),
        ),
        code_system(
            "sekisho",
            systems::SEKISHO,
            "SekishoCode",
            "Components, methods and flags",
            &own_codes(),
        ),
        code_system(
            "consent-category",
            systems::CONSENT_CATEGORY,
            "SekishoConsentCategory",
            "What a resident ticks",
            &categories(),
        ),
        code_system(
            "detail",
            systems::DETAIL,
            "SekishoDetail",
            "How finely data is given",
            &listed(&DETAILS),
        ),
        code_system(
            "identity-line",
            systems::IDENTITY_LINE,
            "SekishoIdentityLine",
            "A line about who a person is",
            &listed(&IDENTITY_LINES),
        ),
        purposes(),
        value_set(
            "metric",
            "https://sekisho.example/fhir/ValueSet/metric",
            "SekishoMetrics",
            systems::METRIC,
        ),
        value_set(
            "consent-category",
            "https://sekisho.example/fhir/ValueSet/consent-category",
            "SekishoConsentCategories",
            systems::CONSENT_CATEGORY,
        ),
        profile(
            "daily-total",
            systems::DAILY_TOTAL_PROFILE,
            "SekishoDailyTotal",
            ("Observation", "The total of a day"),
            &DAILY_TOTAL,
        ),
        profile(
            "consent",
            systems::CONSENT_PROFILE,
            "SekishoConsent",
            ("Consent", "What a resident agreed to"),
            &CONSENT,
        ),
    ];
    all.extend(EXTENSIONS.iter().map(extension));
    all
});

/// All of them.
pub fn definitions() -> &'static [Definition] {
    &DEFINITIONS
}

/// A code with what it means, in English and Japanese; the second may be empty.
struct Concept {
    code: String,
    en: String,
    ja: String,
}

impl Concept {
    fn of(code: impl Into<String>, en: impl Into<String>, ja: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            en: en.into(),
            ja: ja.into(),
        }
    }
}

/// How finely data is given: the levels of a grant.
pub const DETAILS: [(&str, &str, &str); 5] = [
    ("raw", "Every sample", "1件ずつ"),
    ("daily", "One total or summary a day", "1日ごと"),
    ("weekly", "One total or summary a week, from Monday", "1週間ごと"),
    ("monthly", "One total or summary a calendar month", "1か月ごと"),
    (
        "event",
        "That it took place and on which day, never a value",
        "受けたことだけ",
    ),
];

/// What a recipient may know of who the person is.
pub const IDENTITY_LINES: [(&str, &str, &str); 7] = [
    ("name", "The name", "氏名"),
    ("address", "The address", "住所"),
    ("birth-date", "The birth date", "生年月日"),
    ("age-band-and-sex", "A band of ages and the sex", "年代と性別"),
    (
        "municipality",
        "Whether the person belongs to the municipality",
        "市区町村の住民かどうか",
    ),
    (
        "insurance",
        "Whether the person is insured by the insurer",
        "保険の加入者かどうか",
    ),
    ("linking-id", "An id shared with one other recipient", "連携用の番号"),
];

fn listed(list: &[(&str, &str, &str)]) -> Vec<Concept> {
    list.iter().map(|(code, en, ja)| Concept::of(*code, *en, *ja)).collect()
}

/// Purposes are each organisation's own: the system is named, its codes are not listed.
fn purposes() -> Definition {
    let (id, url, name) = ("purpose", systems::PURPOSE, "SekishoPurpose");
    let json = written(|out| {
        begin(out, "CodeSystem", id, url, name, "For what a recipient uses data");
        raw(out, b",\"caseSensitive\":true,\"content\":\"not-present\"}");
    });
    Definition {
        kind: "CodeSystem",
        id,
        url,
        name,
        json,
    }
}

fn metrics() -> Vec<Concept> {
    let mut concepts: Vec<Concept> = METRICS
        .iter()
        .map(|row| Concept::of(row.key, row.name_en, row.name_ja))
        .collect();
    for metric in Metric::all() {
        for summary in Summary::ALL {
            for (_, code, display) in computed_codings(metric.row(), summary) {
                // A day that has a row of its own is there already.
                if !concepts.iter().any(|known| known.code == *code) {
                    concepts.push(Concept::of(code, display.unwrap_or_default(), ""));
                }
            }
        }
    }
    concepts
}

fn values() -> Vec<Concept> {
    let mut concepts: Vec<Concept> = Vec::new();
    let lists = METRICS.iter().flat_map(|row| match row.shape {
        Shape::Code(entries) => vec![entries],
        Shape::Components(parts) => parts.iter().map(|part| part.codes).collect(),
        Shape::Quantity => Vec::new(),
    });
    for entry in lists.flatten() {
        if !concepts.iter().any(|known| known.code == entry.key) {
            concepts.push(Concept::of(entry.key, entry.name_en, entry.name_ja));
        }
    }
    concepts
}

fn own_codes() -> Vec<Concept> {
    let mut concepts: Vec<Concept> = systems::own::ALL
        .iter()
        .map(|(code, meaning)| Concept::of(*code, *meaning, ""))
        .collect();
    for row in METRICS {
        if let Shape::Components(parts) = row.shape {
            for part in parts {
                if !concepts.iter().any(|known| known.code == part.key) {
                    concepts.push(Concept::of(part.key, part.name_en, part.name_ja));
                }
            }
        }
    }
    concepts
}

fn categories() -> Vec<Concept> {
    ConsentCategory::ALL
        .iter()
        .map(|category| Concept::of(category.key(), category.key(), ""))
        .collect()
}

/// Type, id, address, name and what every definition says of itself.
fn begin(out: &mut Vec<u8>, kind: &str, id: &str, url: &str, name: &str, title: &str) {
    raw(out, b"{\"resourceType\":");
    string(out, kind);
    for (member, text) in [
        ("id", id),
        ("url", url),
        ("version", VERSION),
        ("name", name),
        ("title", title),
    ] {
        raw(out, b",\"");
        raw(out, member);
        raw(out, b"\":");
        string(out, text);
    }
    raw(
        out,
        b",\"status\":\"active\",\"experimental\":false,\"publisher\":\"Sekisho\"",
    );
}

fn code_system(
    id: &'static str,
    url: &'static str,
    name: &'static str,
    title: &str,
    concepts: &[Concept],
) -> Definition {
    let json = written(|out| {
        begin(out, "CodeSystem", id, url, name, title);
        raw(out, b",\"caseSensitive\":true,\"content\":\"complete\",\"count\":");
        raw(out, concepts.len().to_string().as_bytes());
        raw(out, b",\"concept\":");
        list(out, concepts, |out, concept| {
            raw(out, b"{\"code\":");
            string(out, &concept.code);
            raw(out, b",\"display\":");
            string(out, &concept.en);
            if !concept.ja.is_empty() {
                raw(out, b",\"designation\":[{\"language\":\"ja\",\"value\":");
                string(out, &concept.ja);
                raw(out, b"}]");
            }
            out.push(b'}');
        });
        out.push(b'}');
    });
    Definition {
        kind: "CodeSystem",
        id,
        url,
        name,
        json,
    }
}

fn value_set(id: &'static str, url: &'static str, name: &'static str, system: &str) -> Definition {
    let json = written(|out| {
        begin(out, "ValueSet", id, url, name, name);
        raw(out, b",\"compose\":{\"include\":[{\"system\":");
        string(out, system);
        raw(out, b"}]}}");
    });
    Definition {
        kind: "ValueSet",
        id,
        url,
        name,
        json,
    }
}

/// An extension of ours: id, address, name, where it stands, and the type of its value.
struct ExtensionDefinition {
    id: &'static str,
    url: &'static str,
    name: &'static str,
    title: &'static str,
    context: &'static str,
    value: &'static str,
}

const EXTENSIONS: [ExtensionDefinition; 7] = [
    ExtensionDefinition {
        id: "offset-assumed",
        url: systems::OFFSET_ASSUMED,
        name: "SekishoOffsetAssumed",
        title: "The offset of this time was assumed: nobody stated it",
        context: "Element",
        value: "boolean",
    },
    ExtensionDefinition {
        id: "age-band",
        url: systems::AGE_BAND,
        name: "SekishoAgeBand",
        title: "The ten years of age a person is in",
        context: "Patient",
        value: "Range",
    },
    ExtensionDefinition {
        id: "municipality-member",
        url: systems::MUNICIPALITY_MEMBER,
        name: "SekishoMunicipalityMember",
        title: "Whether the person belongs to the municipality",
        context: "Patient",
        value: "boolean",
    },
    ExtensionDefinition {
        id: "insurance-member",
        url: systems::INSURANCE_MEMBER,
        name: "SekishoInsuranceMember",
        title: "Whether the person is insured by the insurer",
        context: "Patient",
        value: "boolean",
    },
    ExtensionDefinition {
        id: "linked-recipient",
        url: systems::LINKED_RECIPIENT,
        name: "SekishoLinkedRecipient",
        title: "The other recipient of a linking id",
        context: "Consent.provision.provision",
        value: "Identifier",
    },
    ExtensionDefinition {
        id: "running-day",
        url: systems::RUNNING_DAY,
        name: "SekishoRunningDay",
        title: "The day that is not over shows as it grows",
        context: "Consent.provision.provision",
        value: "boolean",
    },
    ExtensionDefinition {
        id: "consent-end",
        url: systems::CONSENT_END,
        name: "SekishoConsentEnd",
        title: "How a consent ended",
        context: "Consent",
        value: "code",
    },
];

/// What a StructureDefinition says of itself after its beginning.
fn constraint(out: &mut Vec<u8>, base: &str, base_url: &str) {
    raw(out, b",\"fhirVersion\":\"4.0.1\",\"kind\":");
    raw(
        out,
        if base == "Extension" {
            &b"\"complex-type\""[..]
        } else {
            b"\"resource\""
        },
    );
    raw(out, b",\"abstract\":false,\"type\":");
    string(out, base);
    raw(out, b",\"baseDefinition\":");
    string(out, base_url);
    raw(out, b",\"derivation\":\"constraint\",\"differential\":{\"element\":");
}

fn extension(of: &ExtensionDefinition) -> Definition {
    let json = written(|out| {
        begin(out, "StructureDefinition", of.id, of.url, of.name, of.title);
        raw(out, b",\"context\":[{\"type\":\"element\",\"expression\":");
        string(out, of.context);
        raw(out, b"}]");
        constraint(out, "Extension", "http://hl7.org/fhir/StructureDefinition/Extension");
        raw(out, b"[{\"id\":\"Extension\",\"path\":\"Extension\",\"short\":");
        string(out, of.title);
        raw(
            out,
            b"},{\"id\":\"Extension.extension\",\"path\":\"Extension.extension\",\"max\":\"0\"},{\"id\":\"Extension.url\",\"path\":\"Extension.url\",\"fixedUri\":",
        );
        string(out, of.url);
        raw(
            out,
            b"},{\"id\":\"Extension.value[x]\",\"path\":\"Extension.value[x]\",\"min\":1,\"type\":[{\"code\":",
        );
        string(out, of.value);
        raw(out, b"}]}]}}");
    });
    Definition {
        kind: "StructureDefinition",
        id: of.id,
        url: of.url,
        name: of.name,
        json,
    }
}

/// One element of a profile: its path, how often it comes, and what it is.
struct ElementRule {
    path: &'static str,
    min: u8,
    max: &'static str,
    short: &'static str,
}

/// A day's total, resolved between devices: of the civil day, with everything and the hand-typed part beside what counts.
const DAILY_TOTAL: [ElementRule; 7] = [
    ElementRule {
        path: "Observation.category",
        min: 1,
        max: "*",
        short: "HL7's category and what the resident ticked",
    },
    ElementRule {
        path: "Observation.subject",
        min: 1,
        max: "1",
        short: "The resident, by this recipient's id",
    },
    ElementRule {
        path: "Observation.effective[x]",
        min: 1,
        max: "1",
        short: "The civil day where the person was, as a date",
    },
    ElementRule {
        path: "Observation.issued",
        min: 1,
        max: "1",
        short: "When this version was computed",
    },
    ElementRule {
        path: "Observation.value[x]",
        min: 1,
        max: "1",
        short: "What counts: without hand-typed and impossible entries",
    },
    ElementRule {
        path: "Observation.component",
        min: 2,
        max: "*",
        short: "The whole, the hand-typed part, and flags",
    },
    ElementRule {
        path: "Observation.device",
        min: 0,
        max: "0",
        short: "A total names no device: its Provenance does",
    },
];

fn profile(
    id: &'static str,
    url: &'static str,
    name: &'static str,
    (base, title): (&str, &str),
    rules: &[ElementRule],
) -> Definition {
    let json = written(|out| {
        begin(out, "StructureDefinition", id, url, name, title);
        constraint(out, base, &format!("http://hl7.org/fhir/StructureDefinition/{base}"));
        // The type itself stands first (sdf-8a).
        raw(out, b"[{\"id\":");
        string(out, base);
        raw(out, b",\"path\":");
        string(out, base);
        raw(out, b",\"short\":");
        string(out, title);
        out.push(b'}');
        for rule in rules {
            raw(out, b",{\"id\":");
            string(out, rule.path);
            raw(out, b",\"path\":");
            string(out, rule.path);
            raw(out, b",\"short\":");
            string(out, rule.short);
            raw(out, b",\"min\":");
            raw(out, rule.min.to_string().as_bytes());
            raw(out, b",\"max\":");
            string(out, rule.max);
            out.push(b'}');
        }
        raw(out, b"]}}");
    });
    Definition {
        kind: "StructureDefinition",
        id,
        url,
        name,
        json,
    }
}

/// A consent: everything is denied but the listed permits.
const CONSENT: [ElementRule; 8] = [
    ElementRule {
        path: "Consent.patient",
        min: 1,
        max: "1",
        short: "The resident, by this recipient's id",
    },
    ElementRule {
        path: "Consent.dateTime",
        min: 1,
        max: "1",
        short: "When it was given",
    },
    ElementRule {
        path: "Consent.performer",
        min: 1,
        max: "1",
        short: "The resident, or a contained RelatedPerson who acts for them",
    },
    ElementRule {
        path: "Consent.organization",
        min: 1,
        max: "1",
        short: "Who keeps the data",
    },
    ElementRule {
        path: "Consent.source[x]",
        min: 1,
        max: "1",
        short: "The text as it was shown",
    },
    ElementRule {
        path: "Consent.policy",
        min: 1,
        max: "1",
        short: "Whatever is not permitted is denied",
    },
    ElementRule {
        path: "Consent.provision",
        min: 1,
        max: "1",
        short: "The denial, with the permits inside",
    },
    ElementRule {
        path: "Consent.provision.provision",
        min: 0,
        max: "*",
        short: "One permit a category of data, a line of identity or a linking id",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_end_with_their_ids_and_each_stands_once() {
        let mut urls: Vec<&str> = definitions().iter().map(|one| one.url).collect();
        for one in definitions() {
            assert!(one.url.ends_with(&format!("/{}/{}", one.kind, one.id)), "{}", one.url);
        }
        let count = urls.len();
        urls.sort_unstable();
        urls.dedup();
        assert_eq!(urls.len(), count);
    }

    #[test]
    fn no_code_stands_twice_in_a_code_system() {
        for concepts in [metrics(), values(), own_codes(), categories()] {
            let mut codes: Vec<&String> = concepts.iter().map(|concept| &concept.code).collect();
            let count = codes.len();
            codes.sort_unstable();
            codes.dedup();
            assert_eq!(codes.len(), count);
        }
    }
}
