//! A document's results.

use super::Form::{Is, Like, Number, Oid, Text};
use super::Times::{From, Many, Maybe, Once};
use super::{Form, Rule, rule};

const SECTIONS: Form = Is(&["01010", "01020", "01030", "01040", "01060", "01090", "01990"]);

pub(super) const RULES: &[Rule] = &[
    rule("component", &[], &[("structuredBody", "structuredBody", Once)]),
    rule("structuredBody", &[], &[("component", "part", Many)]),
    rule("part", &[], &[("section", "section", Once)]),
    rule(
        "section",
        &[],
        &[
            ("code", "section code", Once),
            ("title", "name", Once),
            ("text", "narrative", Once),
            ("entry", "entry", Many),
        ],
    ),
    rule(
        "section code",
        &[
            ("code", true, SECTIONS),
            ("codeSystem", true, Is(&["1.2.392.200119.6.1010"])),
        ],
        &[],
    ),
    rule("narrative", &[], &[("list", "list", Many)]),
    rule("list", &[], &[("item", "name", Many)]),
    rule("entry", &[], &[("observation", "observation", Once)]),
    rule(
        "battery",
        &[("classCode", true, Is(&["OBS"])), ("moodCode", true, Is(&["EVN"]))],
        &[
            ("code", "no code", Once),
            ("entryRelationship", "entryRelationship", Many),
        ],
    ),
    rule("no code", &[("nullFlavor", true, Is(&["NA"]))], &[]),
    rule(
        "entryRelationship",
        &[("typeCode", true, Is(&["COMP", "RSON"]))],
        // No battery lies in another.
        &[("observation", "result", Once)],
    ),
    rule(
        "result",
        &[
            ("classCode", true, Is(&["OBS"])),
            ("moodCode", true, Is(&["EVN"])),
            ("negationInd", false, Is(&["true", "false"])),
        ],
        &[
            ("code", "item", Once),
            ("effectiveTime", "day", Maybe),
            // Two only beyond a limit of what can be entered; none where it was not done.
            ("value", "value", From(0, 2)),
            ("interpretationCode", "interpretation", Maybe),
            ("methodCode", "method", Maybe),
            ("author", "doctor", Maybe),
            ("referenceRange", "referenceRange", Maybe),
        ],
    ),
    rule(
        "item",
        &[
            ("code", true, Like("$$$$$$$$$$$$$$$$$")),
            ("codeSystem", false, Is(&["1.2.392.200119.6.1005"])),
            ("displayName", false, Text(256)),
        ],
        &[],
    ),
    rule(
        "value PQ",
        &[
            ("type", true, Is(&["PQ"])),
            ("value", true, Number),
            ("unit", true, Text(20)),
        ],
        &[],
    ),
    rule(
        "value unknown",
        &[("type", true, Is(&["PQ"])), ("nullFlavor", true, Is(&["NI"]))],
        &[],
    ),
    rule(
        "value CD",
        &[
            ("type", true, Is(&["CD", "CO"])),
            ("code", true, Text(8)),
            ("codeSystem", true, Oid),
            ("displayName", false, Text(256)),
        ],
        &[],
    ),
    Rule {
        name: "value ST",
        attributes: &[("type", true, Is(&["ST"]))],
        children: &[],
        text: Some(Text(256)),
    },
    rule(
        "interpretation",
        &[
            ("code", true, Is(&["N", "H", "L"])),
            ("codeSystem", false, Is(&["2.16.840.1.113883.5.83"])),
        ],
        &[],
    ),
    rule(
        "method",
        &[
            ("code", true, Like("$$$$$$$$$$")),
            ("codeSystem", false, Is(&["1.2.392.200119.6.1007"])),
        ],
        &[],
    ),
    rule(
        "doctor",
        &[],
        &[("time", "unknown", Once), ("assignedAuthor", "assigned doctor", Once)],
    ),
    rule(
        "assigned doctor",
        &[],
        &[("id", "unknown", Once), ("assignedPerson", "person", Once)],
    ),
    rule("person", &[], &[("name", "name", Once)]),
    rule("referenceRange", &[], &[("observationRange", "observationRange", Once)]),
    rule(
        "observationRange",
        &[("moodCode", true, Is(&["EVN.CRT"]))],
        &[("value", "range", Once)],
    ),
    rule(
        "range",
        &[("type", true, Is(&["IVL_PQ"]))],
        &[("low", "bound", Maybe), ("high", "bound", Maybe)],
    ),
    rule("bound", &[("value", true, Number), ("unit", true, Text(20))], &[]),
];
