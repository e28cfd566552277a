//! Our own extensions: what each says, where it stands, and of which type its value is.

use model::vocabulary::systems;

use super::structures::constraint;
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
