//! What stands before a document's results: what it is, of whom, by whom, and of which day.

use super::Form::{Day, Is, Katakana, Like, Oid, Text};
use super::Times::{From, Maybe, Once};
use super::{Form, Rule, rule, text};

const NAMESPACE: Form = Is(&["urn:hl7-org:v3"]);
const INSTANCES: Form = Is(&["http://www.w3.org/2001/XMLSchema-instance"]);
/// Categories of reports, 6.1001, of which a checkup's document is.
const REPORTS: Form = Is(&[
    "10", "19", "40", "41", "42", "43", "44", "49", "60", "69", "70", "79", "80", "89", "90", "99",
]);
/// Programmes, 6.1002, that are checkups.
const PROGRAMMES: Form = Is(&["000", "010", "020", "030", "040", "060", "070", "080", "090", "990"]);

pub(super) const RULES: &[Rule] = &[
    rule(
        "ClinicalDocument",
        &[("xmlns", true, NAMESPACE), ("xsi", true, INSTANCES)],
        &[
            ("typeId", "typeId", Once),
            ("templateId", "templateId", Maybe),
            ("id", "unknown", Once),
            ("code", "report", Once),
            ("effectiveTime", "day", Once),
            ("confidentialityCode", "confidentialityCode", Once),
            ("languageCode", "languageCode", Maybe),
            ("recordTarget", "recordTarget", Once),
            ("author", "author", Once),
            ("custodian", "custodian", Once),
            ("participant", "card", From(0, 2)),
            // Optional in the schema; without it nobody knows when the checkup was.
            ("documentationOf", "documentationOf", Once),
            ("component", "component", Once),
        ],
    ),
    rule(
        "typeId",
        &[
            ("root", true, Is(&["2.16.840.1.113883.1.3"])),
            ("extension", true, Is(&["POCD_HD000040"])),
        ],
        &[],
    ),
    rule("templateId", &[("root", true, Is(&["1.2.392.200119.6.1009"]))], &[]),
    rule("unknown", &[("nullFlavor", true, Is(&["NI"]))], &[]),
    rule(
        "report",
        &[
            ("code", true, REPORTS),
            ("codeSystem", true, Is(&["1.2.392.200119.6.1001"])),
        ],
        &[],
    ),
    rule("day", &[("value", true, Day)], &[]),
    rule(
        "confidentialityCode",
        &[
            ("code", true, Is(&["N"])),
            ("codeSystem", true, Is(&["2.16.840.1.113883.5.25"])),
        ],
        &[],
    ),
    rule("languageCode", &[("code", true, Is(&["ja-JP"]))], &[]),
    rule("recordTarget", &[], &[("patientRole", "patientRole", Once)]),
    rule(
        "patientRole",
        &[],
        &[
            ("id", "own number", From(2, 4)),
            ("addr", "addr", Once),
            ("patient", "patient", Once),
        ],
    ),
    // Which one it is decides how it is written.
    rule("own number", &[("root", true, Oid), ("extension", true, Text(20))], &[]),
    Rule {
        name: "addr",
        attributes: &[],
        children: &[("postalCode", "postalCode", Once)],
        text: Some(Text(200)),
    },
    text("postalCode", Like("###-####")),
    rule(
        "patient",
        &[],
        &[
            ("name", "kana", Once),
            ("administrativeGenderCode", "sex", Once),
            ("birthTime", "day", Once),
        ],
    ),
    text("kana", Katakana),
    rule(
        "sex",
        &[
            ("code", true, Is(&["1", "2"])),
            ("codeSystem", true, Is(&["1.2.392.200119.6.1104"])),
        ],
        &[],
    ),
    rule(
        "author",
        &[],
        &[("time", "day", Once), ("assignedAuthor", "assigned", Once)],
    ),
    rule(
        "assigned",
        &[],
        &[
            ("id", "unknown", Once),
            ("representedOrganization", "organisation", Once),
        ],
    ),
    rule(
        "organisation",
        &[],
        &[
            ("id", "facility", Once),
            ("name", "name", Once),
            ("telecom", "telecom", Maybe),
            ("addr", "addr", Maybe),
        ],
    ),
    rule(
        "facility",
        &[
            ("root", true, Is(&["1.2.392.200119.6.102"])),
            ("extension", true, Like("##########")),
        ],
        &[],
    ),
    text("name", Text(100)),
    rule("telecom", &[("value", true, Text(40))], &[]),
    rule("custodian", &[], &[("assignedCustodian", "assignedCustodian", Once)]),
    rule(
        "assignedCustodian",
        &[],
        &[("representedCustodianOrganization", "custodian organisation", Once)],
    ),
    rule("custodian organisation", &[], &[("id", "unknown", Once)]),
    rule(
        "card",
        &[("typeCode", true, Is(&["HLD"]))],
        &[
            ("functionCode", "kind of card", Once),
            ("time", "until", Once),
            ("associatedEntity", "card of insurer", Once),
        ],
    ),
    rule(
        "kind of card",
        &[
            ("code", true, Is(&["1", "2"])),
            ("codeSystem", true, Is(&["1.2.392.200119.6.208"])),
        ],
        &[],
    ),
    rule("until", &[], &[("high", "day", Once)]),
    rule(
        "card of insurer",
        &[("classCode", true, Is(&["IDENT"]))],
        &[
            ("id", "number of card", Once),
            ("scopingOrganization", "insurer of card", Once),
        ],
    ),
    rule(
        "number of card",
        &[("root", true, Oid), ("extension", true, Like("###########"))],
        &[],
    ),
    rule("insurer of card", &[], &[("id", "insurer", Once)]),
    rule(
        "insurer",
        &[
            ("root", true, Is(&["1.2.392.200119.6.101"])),
            ("extension", true, Like("########")),
        ],
        &[],
    ),
    rule("documentationOf", &[], &[("serviceEvent", "serviceEvent", Once)]),
    rule(
        "serviceEvent",
        &[],
        &[
            ("code", "programme", Once),
            ("effectiveTime", "day", Once),
            ("performer", "performer", Once),
        ],
    ),
    rule(
        "programme",
        &[
            ("code", true, PROGRAMMES),
            ("codeSystem", true, Is(&["1.2.392.200119.6.1002"])),
        ],
        &[],
    ),
    rule(
        "performer",
        &[("typeCode", true, Is(&["PRF"]))],
        &[("assignedEntity", "assigned", Once)],
    ),
];
