//! Our own extensions and profiles: what each element may be.

use model::vocabulary::systems;

use super::{Definition, definition};
use crate::json::{raw, string};

/// An extension of ours: id, address, name, where it stands, and the type of its value.
pub(super) struct ExtensionDefinition {
    id: &'static str,
    url: &'static str,
    name: &'static str,
    title: &'static str,
    context: &'static str,
    value: &'static str,
}

pub(super) const EXTENSIONS: [ExtensionDefinition; 7] = [
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

pub(super) fn extension(of: &ExtensionDefinition) -> Definition {
    definition("StructureDefinition", (of.id, of.url, of.name), of.title, |out| {
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
    })
}

/// One element of a profile: its path, how often it comes, and what it is.
pub(super) struct ElementRule {
    path: &'static str,
    min: u8,
    max: &'static str,
    short: &'static str,
}

/// A day's total, resolved between devices: of the civil day, with everything and the hand-typed part beside what counts.
pub(super) const DAILY_TOTAL: [ElementRule; 7] = [
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

pub(super) fn profile(
    id: &'static str,
    url: &'static str,
    name: &'static str,
    (base, title): (&str, &str),
    rules: &[ElementRule],
) -> Definition {
    definition("StructureDefinition", (id, url, name), title, |out| {
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
    })
}

/// A consent: everything is denied but the listed permits.
pub(super) const CONSENT: [ElementRule; 8] = [
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
