//! What our own addresses mean: code systems, value sets, extensions and profiles, made of the one vocabulary and published as
//! FHIR R4. No resource names a code system or a structure of ours that is not here.

mod concepts;
mod extensions;
mod profiles;
mod structures;

use std::sync::LazyLock;

use model::Metric;
use model::vocabulary::{Shape, systems};

use crate::json::{raw, string};
use crate::prepared::{list, written};

use concepts::{Concept, categories, listed, metrics, own_codes, values};
pub use concepts::{DETAILS, IDENTITY_LINES};
use extensions::{EXTENSIONS, extension};
pub(crate) use profiles::own_profile;
use profiles::{CATEGORY_SET, METRIC_SET, STAGE_SET};

/// A published definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// Its resource type.
    pub kind: &'static str,
    /// Its id, which is the end of its address.
    pub id: String,
    /// Its canonical address.
    pub url: String,
    /// Its name for machines.
    pub name: String,
    /// The resource.
    pub json: Vec<u8>,
}

/// The version of all of them: moves with every change of the vocabulary.
pub const VERSION: &str = "0.2.0";

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
        value_set("metric", METRIC_SET, "SekishoMetrics", systems::METRIC),
        value_set(
            "consent-category",
            CATEGORY_SET,
            "SekishoConsentCategories",
            systems::CONSENT_CATEGORY,
        ),
        stages(),
    ];
    all.extend(profiles::all().map(structures::Profile::definition));
    all.extend(EXTENSIONS.iter().map(extension));
    all
});

/// All of them.
pub fn definitions() -> &'static [Definition] {
    &DEFINITIONS
}

/// A definition: what every one says of itself, then what `rest` appends.
fn definition(
    kind: &'static str,
    (id, url, name): Names<'_>,
    title: &str,
    rest: impl FnOnce(&mut Vec<u8>),
) -> Definition {
    let json = written(|out| {
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
        rest(out);
    });
    Definition {
        kind,
        id: id.to_owned(),
        url: url.to_owned(),
        name: name.to_owned(),
        json,
    }
}

/// Id, address and name of a definition.
type Names<'a> = (&'a str, &'a str, &'a str);

fn code_system(
    id: &'static str,
    url: &'static str,
    name: &'static str,
    title: &str,
    concepts: &[Concept],
) -> Definition {
    definition("CodeSystem", (id, url, name), title, |out| {
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
    })
}

fn value_set(id: &'static str, url: &'static str, name: &'static str, system: &str) -> Definition {
    definition("ValueSet", (id, url, name), name, |out| {
        raw(out, b",\"compose\":{\"include\":[{\"system\":");
        string(out, system);
        raw(out, b"}]}}");
    })
}

/// The stages of sleep, of all values that are codes.
fn stages() -> Definition {
    let names = ("sleep-stage", STAGE_SET, "SekishoSleepStages");
    definition("ValueSet", names, "SekishoSleepStages", |out| {
        raw(out, b",\"compose\":{\"include\":[{\"system\":");
        string(out, systems::VALUE);
        raw(out, b",\"concept\":");
        let stages = match Metric::SLEEP_STAGE.shape() {
            Shape::Code(stages) => stages,
            _ => &[],
        };
        list(out, stages, |out, stage| {
            raw(out, b"{\"code\":");
            string(out, stage.key);
            out.push(b'}');
        });
        raw(out, b"}]}}");
    })
}

/// Purposes are each organisation's own: the system is named, its codes are not listed.
fn purposes() -> Definition {
    let names = ("purpose", systems::PURPOSE, "SekishoPurpose");
    definition("CodeSystem", names, "For what a recipient uses data", |out| {
        raw(out, b",\"caseSensitive\":true,\"content\":\"not-present\"}");
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_end_with_their_ids_and_each_stands_once() {
        let mut urls: Vec<&str> = definitions().iter().map(|one| one.url.as_str()).collect();
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
