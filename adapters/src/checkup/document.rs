//! A checkup document: HL7 CDA R2 as the Ministry of Health's electronic form has it (hc08, and its forerunners back to the third
//! period), read into a [`Checkup`].
//!
//! Decorations are not relied on: an item is its code, an answer its list and code, never a name. What a document leaves out
//! stands as the form says: items are of OID 1.2.392.200119.6.1005 (screenings' own too), answers of the list that held on the day.

use std::borrow::Cow;
use std::collections::HashMap;

use model::checkup::items::list_oid;
use model::checkup::{Checkup, Finding, Found, Item, Kind, Organisation, Range, Told};
use model::{Decimal, LocalDay, Outcome};
use unicode_normalization::UnicodeNormalization as _;

use super::subject;
use super::tree::{Element, Tree};
use crate::{MAX_TEXT, NotStored};

/// Items of checkups, and of municipalities' screenings.
const ITEMS: [&str; 2] = ["1.2.392.200119.6.1005", "1.2.392.100495.100.1051"];
/// HL7 ObservationInterpretation: `H` and `L` beside a number say that it is the limit of what can be entered.
const INTERPRETATION: &str = "2.16.840.1.113883.5.83";
/// Readings of one item in one document that can be told apart in an id.
const MOST_READINGS: u8 = 16;
/// Results of one document: real ones have some 90.
const MOST_FINDINGS: usize = 2_000;
/// Results of a usual document.
const FINDINGS: usize = 64;
/// Bytes of a text: the form allows 256 characters.
const MOST_OF_TEXT: usize = 4_096;

/// Why a document of guidance is none of a checkup.
pub(super) const GUIDANCE: &str = "health-guidance";

/// What a document came to.
pub(super) struct Document {
    /// The checkup, where it says when it was and of what kind.
    pub(super) checkup: Option<Checkup>,
    /// Results that came to nothing.
    pub(super) left_out: Vec<NotStored>,
}

/// True for the root of a checkup document: of the Ministry's form, not another's CDA.
pub(super) fn is_document(root: Element<'_>) -> bool {
    let is_guides = |system: &str| system.starts_with("1.2.392.200119.6.");
    root.name() == "ClinicalDocument" && root.at(&["code"], "codeSystem").is_some_and(is_guides)
}

/// True for the root of a document of guidance after a checkup, by its programme or its report.
pub(super) fn is_guidance(root: Element<'_>) -> bool {
    let programme = root.at(&["documentationOf", "serviceEvent", "code"], "code");
    let report = root.at(&["code"], "code");
    programme.is_some_and(|code| as_plain(code) == "100")
        || report.is_some_and(|code| matches!(as_plain(code).as_ref(), "21" | "22" | "23" | "24" | "25"))
}

/// Reads a document.
pub(super) fn read(tree: &Tree<'_>) -> Document {
    let root = tree.root();
    let event = root.find(&["documentationOf", "serviceEvent"]);
    let mut document = Document {
        checkup: None,
        left_out: Vec::new(),
    };
    let report = plain(root.at(&["code"], "code").unwrap_or_default());
    let programme = plain(event.and_then(|event| event.at(&["code"], "code")).unwrap_or_default());
    if is_guidance(root) {
        document.leave_out(root, Outcome::Unsupported, GUIDANCE);
        return document;
    }
    // Without its day nobody can say which lists it answers from, or which checkup it is.
    let took_place = event.and_then(|event| {
        let at = event.at(&["effectiveTime"], "value");
        day(at.or_else(|| event.at(&["effectiveTime", "low"], "value"))?)
    });
    let Some(took_place) = took_place else {
        document.leave_out(root, Outcome::Rejected, "no-exam-date");
        return document;
    };
    let Some(written) = root.at(&["effectiveTime"], "value").and_then(day) else {
        document.leave_out(root, Outcome::Rejected, "no-date-of-document");
        return document;
    };
    if !is_plausible(took_place) || !is_plausible(written) || took_place > written {
        document.leave_out(root, Outcome::Rejected, "implausible-date");
        return document;
    }
    let Ok(subject) = subject::read(root) else {
        document.leave_out(root, Outcome::Rejected, "several-people");
        return document;
    };
    let organisation = |path: &[&'static str]| {
        let found = event.and_then(|event| event.find(path));
        found.map(organisation).unwrap_or_default()
    };
    let mut checkup = Checkup {
        report,
        programme,
        day: took_place,
        written,
        facility: organisation(&["performer", "assignedEntity", "representedOrganization"]),
        author: root
            .find(&["author", "assignedAuthor", "representedOrganization"])
            .map(self::organisation)
            .unwrap_or_default(),
        subject,
        findings: Vec::new(),
        word: Told::Confirmed,
        deletes: String::new(),
        year_only: false,
    };
    if !checkup.is_deletion() {
        let mut findings = Vec::with_capacity(FINDINGS);
        let mut reading = Reading {
            checkup: &checkup,
            readings: HashMap::with_capacity(FINDINGS),
            document: &mut document,
        };
        for section in root
            .named("component")
            .filter_map(|component| component.find(&["structuredBody"]))
        {
            reading.walk(section, &mut findings);
        }
        checkup.findings = findings;
    }
    document.checkup = Some(checkup);
    document
}

impl Document {
    fn leave_out(&mut self, element: Element<'_>, outcome: Outcome, reason: &str) {
        let code = element.at(&["code"], "code").unwrap_or_default();
        let mut text = String::new();
        write(element, &mut text, 0);
        self.left_out.push(NotStored {
            outcome,
            reason: match outcome {
                Outcome::Unsupported => format!("{reason} {}", plain(code).chars().take(17).collect::<String>()),
                _ => reason.to_owned(),
            },
            line: element.line(),
            text,
        });
    }
}

/// An element as text, without prefixes: what is kept of a result that came to nothing.
fn write(element: Element<'_>, out: &mut String, depth: usize) {
    if out.len() > MAX_TEXT - 1_024 || depth > 12 {
        return;
    }
    out.push('<');
    out.push_str(element.name());
    for (name, value) in element.attributes() {
        out.push_str(&format!(" {name}=\"{}\"", quick_xml::escape::escape(value.as_ref())));
    }
    out.push('>');
    out.push_str(&quick_xml::escape::escape(
        element.text().chars().take(256).collect::<String>(),
    ));
    element.children().for_each(|child| write(child, out, depth + 1));
    out.push_str("</");
    out.push_str(element.name());
    out.push('>');
}

fn organisation(element: Element<'_>) -> Organisation {
    Organisation {
        number: plain(element.at(&["id"], "extension").unwrap_or_default()),
        name: shortened(element.find(&["name"]).map_or("", Element::text)),
    }
}

/// The results of one document, as they are read.
struct Reading<'d> {
    checkup: &'d Checkup,
    readings: HashMap<Item, u8>,
    document: &'d mut Document,
}

impl Reading<'_> {
    /// Results wherever they lie: batteries hold theirs, and a result may hold others. No tree is deeper than may be walked.
    fn walk(&mut self, element: Element<'_>, findings: &mut Vec<Finding>) {
        for child in element.children() {
            if child.name() == "observation" {
                match child.at(&["code"], "code") {
                    Some(code) => self.observation(child, code, findings),
                    // A battery names no item, and says nothing by itself.
                    None if child.find(&["value"]).is_none() => {}
                    None => self.document.leave_out(child, Outcome::Rejected, "no-item"),
                }
            }
            // The doctor who wrote a result is no result, nor is its reference range.
            if !matches!(child.name(), "author" | "referenceRange" | "text") {
                self.walk(child, findings);
            }
        }
    }

    fn observation(&mut self, element: Element<'_>, code: &str, findings: &mut Vec<Finding>) {
        let system = element.at(&["code"], "codeSystem").unwrap_or(ITEMS[0]);
        let item = Item::from_code(code).or_else(|| Item::from_code(&as_plain(code).to_uppercase()));
        let Some(item) = item.filter(|_| ITEMS.contains(&system)) else {
            return self.document.leave_out(element, Outcome::Unsupported, "item");
        };
        if findings.len() >= MOST_FINDINGS {
            return self.document.leave_out(element, Outcome::Rejected, "too-many-results");
        }
        let found = match results(element, item, self.checkup.list_of(item)) {
            Ok(found) => found,
            Err(reason) => return self.document.leave_out(element, Outcome::Rejected, reason),
        };
        for result in found {
            let reading = self.readings.entry(item).or_default();
            if *reading == MOST_READINGS {
                self.document.leave_out(element, Outcome::Rejected, "too-many-readings");
                return;
            }
            findings.push(Finding {
                item,
                reading: *reading,
                result,
                interpretation: element
                    .at(&["interpretationCode"], "code")
                    .and_then(|code| as_plain(code).chars().next())
                    .filter(|code| matches!(code, 'N' | 'H' | 'L')),
                method: element.at(&["methodCode"], "code").map(plain),
                range: range(element),
                doctor: element
                    .find(&["author", "assignedAuthor", "assignedPerson", "name"])
                    .map(|name| shortened(name.text()))
                    .filter(|name| !name.is_empty()),
                day: element
                    .at(&["effectiveTime"], "value")
                    .and_then(|written| own_day(written, self.checkup.day)),
            });
            *reading += 1;
        }
    }
}

/// What an observation says was found; several where it repeats a value. `list` is the one that answers are of whose list it leaves out.
fn results(element: Element<'_>, item: Item, list: &str) -> Result<Vec<Found>, &'static str> {
    if element
        .attribute("negationInd")
        .is_some_and(|value| matches!(value, "true" | "1"))
    {
        return Ok(vec![Found::NotPerformed]);
    }
    let mut bound = None;
    let mut found = Vec::new();
    for value in element.named("value") {
        if value.attribute("nullFlavor").is_some() {
            found.push(Found::NotMeasurable);
            continue;
        }
        let kind = value
            .attribute("type")
            .map(|kind| kind.rsplit(':').next().unwrap_or(kind));
        let kind = kind.unwrap_or(match item.row().kind {
            Kind::Quantity => "PQ",
            Kind::Ordered | Kind::Coded => "CD",
            Kind::Text => "ST",
        });
        match kind {
            "PQ" | "INT" | "REAL" => {
                let (number, unit) = quantity(value, item)?;
                found.push(Found::Quantity(number, unit));
            }
            "CD" | "CO" | "CE" | "CV" => {
                let code = as_plain(value.attribute("code").ok_or("no-code")?);
                let system = value.attribute("codeSystem").filter(|system| !system.is_empty());
                let is_limit = match system {
                    Some(system) => system == INTERPRETATION,
                    // Numbers have no list that it could be an answer of.
                    None => item.row().kind == Kind::Quantity && matches!(code.as_ref(), "H" | "L"),
                };
                if is_limit {
                    if bound.as_ref().is_some_and(|other| *other != code) {
                        return Err("limit");
                    }
                    bound = Some(code);
                } else {
                    let list = match system {
                        Some(system) => Cow::Borrowed(system),
                        None if list.is_empty() => return Err("answer-without-list"),
                        None => Cow::Owned(list_oid(list)),
                    };
                    found.push(Found::Answer(short(list, 64)?, short(code, 64)?));
                }
            }
            "ST" | "ED" => {
                let text = value.text();
                if text.is_empty() {
                    return Err("empty-text");
                }
                if text.len() > MOST_OF_TEXT {
                    return Err("text-too-long");
                }
                found.push(Found::Text(text.to_owned()));
            }
            "TS" => found.push(Found::Text(short(value.attribute("value").ok_or("no-value")?, 64)?)),
            _ => return Err("type-of-value"),
        }
    }
    match (bound.as_deref(), &mut found[..]) {
        (None, []) => Err("no-value"),
        (None, _) => Ok(found),
        (Some(side), [Found::Quantity(number, unit)]) => match side {
            "H" => Ok(vec![Found::AtLeast(*number, std::mem::take(unit))]),
            "L" => Ok(vec![Found::AtMost(*number, std::mem::take(unit))]),
            _ => Err("limit"),
        },
        (Some(_), _) => Err("limit-without-its-number"),
    }
}

fn quantity(value: Element<'_>, item: Item) -> Result<(Decimal, String), &'static str> {
    let written = as_plain(value.attribute("value").ok_or("no-value")?);
    let number = Decimal::parse(written.as_bytes()).map_err(|_| "not-a-number")?;
    let unit = match value.attribute("unit") {
        // `1` and nothing are the same: a pure number.
        Some(unit) if as_plain(unit) != "1" => short(unit, 64)?,
        Some(_) => String::new(),
        None => item.row().unit.to_owned(),
    };
    Ok((number, unit))
}

fn range(element: Element<'_>) -> Option<Range> {
    let value = element.find(&["referenceRange", "observationRange", "value"])?;
    let bound = |name: &'static str| {
        let bound = value.find(&[name])?;
        let number = Decimal::parse(as_plain(bound.attribute("value")?).as_bytes()).ok()?;
        Some((number, short(bound.attribute("unit").unwrap_or_default(), 64).ok()?))
    };
    let (low, high) = (bound("low"), bound("high"));
    (low.is_some() || high.is_some()).then_some(Range { low, high })
}

/// A day of `YYYYMMDD`, or of an instant that begins with one.
pub(super) fn day(written: &str) -> Option<LocalDay> {
    let digits: String = as_plain(written).chars().filter(|c| *c != '-' && *c != '/').collect();
    let date = digits
        .get(..8)
        .filter(|date| date.bytes().all(|byte| byte.is_ascii_digit()))?;
    LocalDay::parse(&format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..]))
}

/// A day on which a checkup can have taken place, or been written down.
pub(super) fn is_plausible(day: LocalDay) -> bool {
    (LocalDay(EARLIEST)..LocalDay(LATEST)).contains(&day)
}

/// 1980-01-01: no form is older.
const EARLIEST: i32 = 3_652;
/// 2100-01-01.
const LATEST: i32 = 47_482;
/// How far from its checkup a result's own day can lie, in days: what is further is a mistake, and the checkup's day holds.
const FARTHEST: i32 = 366;

/// A result's own day, where it is another than that of its checkup.
pub(super) fn own_day(written: &str, took_place: LocalDay) -> Option<LocalDay> {
    let own = day(written)?;
    let apart = (own.0 - took_place.0).abs();
    (1..=FARTHEST).contains(&apart).then_some(own)
}

/// Codes and numbers as they are meant, whatever width they are written in (Unicode NFKC), without spaces.
pub(super) fn plain(written: &str) -> String {
    as_plain(written).into_owned()
}

/// As [`plain`], of what is only looked at.
pub(super) fn as_plain(written: &str) -> Cow<'_, str> {
    if written.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Cow::Borrowed(&written[..written.len().min(64)]);
    }
    Cow::Owned(written.nfkc().filter(|c| !c.is_whitespace()).take(64).collect())
}

/// A name, cut where no name goes on.
pub(super) fn shortened(written: &str) -> String {
    let end = written.char_indices().nth(128).map_or(written.len(), |(end, _)| end);
    written[..end].to_owned()
}

fn short<'w>(written: impl Into<Cow<'w, str>>, most: usize) -> Result<String, &'static str> {
    let written = written.into();
    match written.len() <= most {
        true => Ok(written.into_owned()),
        false => Err("too-long"),
    }
}
