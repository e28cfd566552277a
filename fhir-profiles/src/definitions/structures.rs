//! A profile as a StructureDefinition: what each element may be, in the words of R4's ElementDefinition.

use model::vocabulary::systems;

use super::{Definition, definition};
use crate::json::{raw, string};
use crate::prepared::{coding, list};

/// What a StructureDefinition says of itself after its beginning.
pub(super) fn constraint(out: &mut Vec<u8>, base: &str, base_url: &str) {
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

/// What a profile says of one element. The id is R4's: `Observation.component:systolic.code` is the code of the slice `systolic`.
pub(super) struct Element {
    id: String,
    short: String,
    times: Option<(u8, &'static str)>,
    says: Vec<Says>,
}

/// One thing that is said of an element.
pub(super) enum Says {
    /// Its repetitions are told apart by this: kind and path of the discriminator.
    SlicedBy(&'static str, &'static str),
    /// Of one of these types.
    Types(&'static [&'static str]),
    /// Has these codings, each of a system and, where one is named, with this code.
    Concept(Vec<(&'static str, Option<&'static str>)>),
    /// This address.
    Uri(&'static str),
    /// A quantity in this UCUM unit.
    Unit(&'static str),
    /// Its code is one of this value set, always.
    From(&'static str),
    /// A rule that is no matter of one element alone.
    Holds(&'static Invariant),
}

/// A rule in words and in FHIRPath.
pub(super) struct Invariant {
    pub(super) key: &'static str,
    pub(super) human: &'static str,
    pub(super) expression: &'static str,
}

impl Element {
    /// An element, with a word on it.
    pub(super) fn at(id: impl Into<String>, short: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            short: short.into(),
            times: None,
            says: Vec::new(),
        }
    }

    /// How often it comes.
    pub(super) fn times(mut self, min: u8, max: &'static str) -> Self {
        self.times = Some((min, max));
        self
    }

    /// Something more that holds of it.
    pub(super) fn says(mut self, says: Says) -> Self {
        self.says.push(says);
        self
    }
}

/// A profile of ours.
pub(super) struct Profile {
    /// The end of its address.
    pub(super) id: String,
    /// Its name for machines.
    pub(super) name: String,
    /// The type that it constrains.
    pub(super) base: &'static str,
    /// The profile that it builds on; `None`: the type itself.
    pub(super) on: Option<&'static str>,
    /// Its name for people.
    pub(super) title: String,
    /// Rules of the whole.
    pub(super) holds: Vec<&'static Invariant>,
    /// Its elements.
    pub(super) elements: Vec<Element>,
}

impl Profile {
    /// Its address.
    pub(super) fn url(&self) -> String {
        format!("{}{}", systems::STRUCTURES, self.id)
    }

    /// As it is published.
    pub(super) fn definition(&self) -> Definition {
        let url = self.url();
        definition(
            "StructureDefinition",
            (&self.id, &url, &self.name),
            &self.title,
            |out| {
                let of_type = format!("http://hl7.org/fhir/StructureDefinition/{}", self.base);
                constraint(out, self.base, self.on.unwrap_or(&of_type));
                // The type itself stands first (sdf-8a).
                let mut whole = Element::at(self.base, self.title.as_str());
                whole.says = self.holds.iter().map(|rule| Says::Holds(rule)).collect();
                let elements: Vec<&Element> = std::iter::once(&whole).chain(&self.elements).collect();
                list(out, &elements, |out, element| write(out, element));
                raw(out, b"}}");
            },
        )
    }
}

/// Appends an ElementDefinition.
fn write(out: &mut Vec<u8>, element: &Element) {
    let segments = element.id.split('.').map(|part| part.split(':').next().unwrap_or(part));
    let path: Vec<&str> = segments.collect();
    raw(out, b"{\"id\":");
    string(out, &element.id);
    raw(out, b",\"path\":");
    string(out, &path.join("."));
    let last = element.id.rsplit('.').next().unwrap_or_default();
    if let Some((_, slice)) = last.split_once(':') {
        raw(out, b",\"sliceName\":");
        string(out, slice);
    }
    raw(out, b",\"short\":");
    string(out, &element.short);
    if let Some((min, max)) = element.times {
        raw(out, b",\"min\":");
        raw(out, min.to_string().as_bytes());
        raw(out, b",\"max\":");
        string(out, max);
    }
    let invariants: Vec<&Invariant> = element
        .says
        .iter()
        .filter_map(|says| match says {
            Says::Holds(invariant) => Some(*invariant),
            _ => None,
        })
        .collect();
    if !invariants.is_empty() {
        raw(out, b",\"constraint\":");
        list(out, &invariants, |out, invariant| {
            raw(out, b"{\"key\":");
            string(out, invariant.key);
            raw(out, b",\"severity\":\"error\",\"human\":");
            string(out, invariant.human);
            raw(out, b",\"expression\":");
            string(out, invariant.expression);
            out.push(b'}');
        });
    }
    for says in &element.says {
        say(out, says);
    }
    out.push(b'}');
}

fn say(out: &mut Vec<u8>, says: &Says) {
    match says {
        Says::SlicedBy(kind, path) => {
            raw(out, b",\"slicing\":{\"discriminator\":[{\"type\":");
            string(out, kind);
            raw(out, b",\"path\":");
            string(out, path);
            raw(out, b"}],\"rules\":\"open\"}");
        }
        Says::Types(types) => {
            raw(out, b",\"type\":");
            list(out, types, |out, code| {
                raw(out, b"{\"code\":");
                string(out, code);
                out.push(b'}');
            });
        }
        Says::Concept(codings) => {
            raw(out, b",\"patternCodeableConcept\":{\"coding\":");
            list(out, codings, |out, (system, code)| match code {
                Some(code) => coding(out, system, code, None),
                None => {
                    raw(out, b"{\"system\":");
                    string(out, system);
                    out.push(b'}');
                }
            });
            out.push(b'}');
        }
        Says::Uri(address) => {
            raw(out, b",\"fixedUri\":");
            string(out, address);
        }
        Says::Unit(code) => {
            raw(out, b",\"patternQuantity\":{\"system\":");
            string(out, systems::UCUM);
            raw(out, b",\"code\":");
            string(out, code);
            out.push(b'}');
        }
        Says::From(value_set) => {
            raw(out, b",\"binding\":{\"strength\":\"required\",\"valueSet\":");
            string(out, value_set);
            out.push(b'}');
        }
        // Written together, before.
        Says::Holds(_) => {}
    }
}
