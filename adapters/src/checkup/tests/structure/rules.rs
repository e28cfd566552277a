//! What documents, index and sums of the electronic form consist of, as tables: the sequences are those of HL7 CDA R2 as the Ministry's
//! schemas (V08) narrow them, with nothing that no checkup has.

mod body;
mod header;

use Form::{Count, Day, Is, Like};
use Times::{Maybe, Once};

/// How a value is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// One of these.
    Is(&'static [&'static str]),
    /// `#` is a digit, `$` a digit or capital letter, anything else itself.
    Like(&'static str),
    /// `YYYYMMDD`.
    Day,
    /// A number, maybe with decimals.
    Number,
    /// A count of at most eight digits.
    Count,
    /// Digits and points: an OID.
    Oid,
    /// Text of at most so many characters.
    Text(usize),
    /// Full-width katakana.
    Katakana,
}

/// How often an element stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Times {
    Once,
    Maybe,
    Many,
    /// At least, at most.
    From(usize, usize),
}

/// What an element consists of.
pub(super) struct Rule {
    /// The rule's name: children name the rule of each.
    pub(super) name: &'static str,
    /// Attributes: whether one must be there, and how it is written. Others are faults.
    pub(super) attributes: &'static [(&'static str, bool, Form)],
    /// Elements in their order, each with its rule.
    pub(super) children: &'static [(&'static str, &'static str, Times)],
    /// Its own text; none where that is left out.
    pub(super) text: Option<Form>,
}

const fn rule(
    name: &'static str,
    attributes: &'static [(&'static str, bool, Form)],
    children: &'static [(&'static str, &'static str, Times)],
) -> Rule {
    Rule {
        name,
        attributes,
        children,
        text: None,
    }
}

const fn text(name: &'static str, form: Form) -> Rule {
    Rule {
        name,
        attributes: &[],
        children: &[],
        text: Some(form),
    }
}

/// Of index, sums and claims.
const PACKAGES: Form = Is(&["https://www.mhlw.go.jp/stf/seisakunitsuite/bunya/0000161103.html"]);
const YEN: Form = Is(&["JPY"]);

/// Rules of a document.
pub(super) const DOCUMENT: &[&[Rule]] = &[header::RULES, body::RULES];

/// Rules of a package's index (ix08) and sums (su08).
pub(super) const PACKAGE: &[&[Rule]] = &[&[
    rule(
        "index",
        &[("xmlns", true, PACKAGES)],
        &[
            ("interactionType", "interactionType", Once),
            ("creationTime", "day", Once),
            ("sender", "sender", Once),
            ("receiver", "receiver", Maybe),
            ("serviceEventType", "serviceEventType", Once),
            ("totalRecordCount", "count", Once),
        ],
    ),
    rule(
        "summary",
        &[("xmlns", true, PACKAGES)],
        &[
            ("serviceEventType", "serviceEventType", Once),
            ("totalSubjectCount", "count", Once),
            ("totalCostAmount", "amount", Once),
            ("totalPaymentAmount", "amount", Once),
            ("totalPaymentByOtherProgram", "amount", Maybe),
            ("totalClaimAmount", "amount", Once),
        ],
    ),
    rule(
        "interactionType",
        &[
            (
                "code",
                true,
                Is(&["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"]),
            ),
            ("codeSystem", false, Is(&["1.2.392.200119.6.1101"])),
        ],
        &[],
    ),
    rule("day", &[("value", true, Day)], &[]),
    rule("sender", &[], &[("id", "facility", Once)]),
    rule("receiver", &[], &[("id", "insurer", Once)]),
    rule(
        "facility",
        &[
            ("root", true, Is(&["1.2.392.200119.6.102"])),
            ("extension", true, Like("##########")),
        ],
        &[],
    ),
    rule(
        "insurer",
        &[
            ("root", true, Is(&["1.2.392.200119.6.101"])),
            ("extension", true, Like("########")),
        ],
        &[],
    ),
    rule(
        "serviceEventType",
        &[
            ("code", true, Is(&["1", "2", "3", "4", "5"])),
            ("codeSystem", false, Is(&["1.2.392.200119.6.1103"])),
        ],
        &[],
    ),
    rule("count", &[("value", true, Count)], &[]),
    rule("amount", &[("value", true, Count), ("currency", true, YEN)], &[]),
]];
