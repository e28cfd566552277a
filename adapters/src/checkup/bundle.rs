//! A checkup as a FHIR document: a Bundle of the checkup report guide (eCheckup), of either generation of its systems.
//!
//! What decides is the item code (OID 1.2.392.200119.6.1005) and the value; displays are decorations. Numbers are read as they are
//! written, digit by digit.

use std::collections::HashMap;

use model::checkup::items::ROOT;
use model::checkup::{Checkup, Finding, Found, Item, Organisation, Range, Subject, Told};
use model::{Decimal, LocalDay, Outcome};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::document::{Document, day, is_plausible, own_day, plain};
use crate::{AdapterError, MAX_TEXT, NotStored};

/// Items of checkups as FHIR names them; the first generation of municipal documents says JLAC10.
const ITEMS: [&str; 3] = [
    "urn:oid:1.2.392.200119.6.1005",
    "http://jpfhir.jp/fhir/eCheckup/CodeSystem/jlac10",
    "http://medis.or.jp/CodeSystem/master-JLAC10-17digits",
];
/// Entries of one document: real ones have some 120.
const MOST_ENTRIES: usize = 5_000;
/// Readings of one item that ids tell apart.
const MOST_READINGS: u8 = 16;

#[derive(Deserialize)]
struct Bundle<'a> {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, borrow)]
    entry: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    #[serde(default)]
    full_url: String,
    #[serde(borrow)]
    resource: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Typed {
    resource_type: String,
    #[serde(default)]
    id: String,
}

#[derive(Default, Deserialize)]
struct Concept {
    #[serde(default)]
    coding: Vec<Coding>,
}

#[derive(Default, Deserialize)]
struct Coding {
    #[serde(default)]
    system: String,
    #[serde(default)]
    code: String,
}

#[derive(Default, Deserialize)]
struct Identifier {
    #[serde(default)]
    system: String,
    #[serde(default)]
    value: String,
}

#[derive(Default, Deserialize)]
struct Reference {
    #[serde(default)]
    reference: String,
    #[serde(default)]
    display: String,
}

#[derive(Deserialize)]
struct Composition {
    #[serde(default)]
    date: String,
    #[serde(default)]
    category: Vec<Concept>,
    #[serde(default)]
    event: Vec<Event>,
}

#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    code: Vec<Concept>,
    #[serde(default)]
    period: Period,
}

#[derive(Default, Deserialize)]
struct Period {
    #[serde(default)]
    start: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Patient {
    #[serde(default)]
    identifier: Vec<Identifier>,
    #[serde(default)]
    name: Vec<Name>,
    #[serde(default)]
    gender: String,
    #[serde(default)]
    birth_date: String,
    #[serde(default)]
    address: Vec<Address>,
}

#[derive(Default, Deserialize)]
struct Name {
    #[serde(default)]
    text: String,
    #[serde(default)]
    extension: Vec<Extension>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Extension {
    #[serde(default)]
    value_code: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Address {
    #[serde(default)]
    postal_code: String,
}

#[derive(Deserialize)]
struct Organization {
    #[serde(default)]
    identifier: Vec<Identifier>,
    #[serde(default, rename = "type")]
    kind: Vec<Concept>,
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct Practitioner {
    #[serde(default)]
    name: Vec<Name>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Observation<'a> {
    #[serde(default)]
    status: String,
    #[serde(default)]
    code: Concept,
    #[serde(default)]
    effective_date_time: String,
    #[serde(borrow)]
    value_quantity: Option<Quantity<'a>>,
    value_codeable_concept: Option<Concept>,
    value_string: Option<String>,
    data_absent_reason: Option<Concept>,
    #[serde(default)]
    interpretation: Vec<Concept>,
    method: Option<Concept>,
    #[serde(default, borrow)]
    reference_range: Vec<Bounds<'a>>,
    #[serde(default)]
    performer: Vec<Reference>,
    #[serde(default, borrow)]
    component: Vec<Observation<'a>>,
    #[serde(default)]
    has_member: Vec<Reference>,
}

#[derive(Deserialize)]
struct Quantity<'a> {
    #[serde(borrow)]
    value: Option<&'a RawValue>,
    #[serde(default)]
    comparator: String,
    unit: Option<String>,
    #[serde(default)]
    code: String,
}

#[derive(Deserialize)]
struct Bounds<'a> {
    #[serde(borrow)]
    low: Option<Quantity<'a>>,
    #[serde(borrow)]
    high: Option<Quantity<'a>>,
}

/// True for the beginning of such a Bundle.
pub(super) fn looks_like_one(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head);
    let opens = text.trim_start_matches('\u{feff}').trim_start().starts_with('{');
    let says = |word: &str| text.contains(word);
    opens && says("\"Bundle\"") && (says("eCheckup") || says("eMunicipalCheckup") || says("6.1005"))
}

/// Reads a document.
pub(super) fn read(text: &str) -> Result<Document, AdapterError> {
    let text = text.trim_start_matches('\u{feff}');
    let bundle: Bundle<'_> = serde_json::from_str(text).map_err(|error| AdapterError::Damaged {
        place: format!("at line {}, column {}", error.line(), error.column()),
        problem: "it is no FHIR document".to_owned(),
    })?;
    if bundle.kind != "document" || bundle.entry.len() > MOST_ENTRIES {
        return Err(AdapterError::NothingInside {
            expected: "document of a checkup",
            problem: "its Bundle is of another type, or has more than any checkup".to_owned(),
        });
    }
    let mut parts = Parts::default();
    for (place, entry) in bundle.entry.iter().enumerate() {
        let Some(raw) = entry.resource else { continue };
        let typed: Option<Typed> = serde_json::from_str(raw.get()).ok();
        match typed {
            Some(typed) => parts.take(place, &entry.full_url, &typed, raw),
            None => parts.leave_out(place, Outcome::Rejected, "not-a-resource".to_owned(), raw),
        }
    }
    Ok(parts.document())
}

/// What the entries of a Bundle say.
#[derive(Default)]
struct Parts<'a> {
    composition: Option<Composition>,
    subject: Subject,
    facility: Option<Organisation>,
    author: Option<Organisation>,
    /// Doctors, by how they are referred to.
    doctors: HashMap<String, String>,
    results: Vec<(usize, &'a RawValue)>,
    left_out: Vec<NotStored>,
}

impl<'a> Parts<'a> {
    fn leave_out(&mut self, place: usize, outcome: Outcome, reason: String, raw: &RawValue) {
        self.left_out.push(NotStored {
            outcome,
            reason,
            line: place as u64 + 1,
            text: raw.get().chars().take(MAX_TEXT / 4).collect(),
        });
    }

    fn take(&mut self, place: usize, url: &str, typed: &Typed, raw: &'a RawValue) {
        let read = match typed.resource_type.as_str() {
            "Composition" => serde_json::from_str(raw.get()).map(|composition| self.composition = Some(composition)),
            "Patient" => serde_json::from_str(raw.get()).map(|patient| self.subject = subject(&patient)),
            "Organization" => serde_json::from_str(raw.get()).map(|found: Organization| self.organisation(&found)),
            "Practitioner" => serde_json::from_str(raw.get()).map(|found: Practitioner| {
                let name = found.name.into_iter().next().unwrap_or_default().text;
                self.doctors.insert(format!("Practitioner/{}", typed.id), name.clone());
                self.doctors.insert(url.to_owned(), name);
            }),
            "Observation" => {
                self.results.push((place, raw));
                Ok(())
            }
            // They stand around the results, and say what the header says.
            "Encounter" | "Coverage" | "Specimen" => Ok(()),
            other => {
                self.leave_out(place, Outcome::Unsupported, format!("resource {}", plain(other)), raw);
                Ok(())
            }
        };
        if read.is_err() {
            self.leave_out(place, Outcome::Rejected, "not-a-resource".to_owned(), raw);
        }
    }

    fn organisation(&mut self, found: &Organization) {
        let organisation = Organisation {
            number: plain(found.identifier.first().map_or("", |identifier| &identifier.value)),
            name: found.name.chars().take(128).collect(),
        };
        let is = |code: &str| {
            found
                .kind
                .iter()
                .flat_map(|kind| &kind.coding)
                .any(|coding| coding.code == code)
        };
        if is("doc-org") {
            self.author = Some(organisation);
        } else if is("exec-org") || self.facility.is_none() {
            self.facility = Some(organisation);
        }
    }

    fn document(mut self) -> Document {
        let Some(composition) = self.composition.take() else {
            return self.nothing("no-composition");
        };
        let event = composition.event.first();
        let Some(took_place) = event.and_then(|event| day(&event.period.start)) else {
            return self.nothing("no-exam-date");
        };
        let Some(written) = day(&composition.date) else {
            return self.nothing("no-date-of-document");
        };
        if !is_plausible(took_place) || !is_plausible(written) || took_place > written {
            return self.nothing("implausible-date");
        }
        let first = |concepts: &[Concept]| {
            let coding = concepts.iter().flat_map(|concept| &concept.coding).next();
            coding.map(|coding| plain(&coding.code)).unwrap_or_default()
        };
        let facility = self.facility.clone().unwrap_or_default();
        let mut checkup = Checkup {
            report: first(&composition.category),
            programme: event.map(|event| first(&event.code)).unwrap_or_default(),
            day: took_place,
            written,
            author: self.author.clone().unwrap_or_else(|| facility.clone()),
            facility,
            subject: self.subject.clone(),
            findings: Vec::new(),
            word: Told::Confirmed,
            deletes: String::new(),
        };
        let mut readings: HashMap<Item, u8> = HashMap::new();
        for (place, raw) in std::mem::take(&mut self.results) {
            let Ok(observation) = serde_json::from_str::<Observation<'_>>(raw.get()) else {
                self.leave_out(place, Outcome::Rejected, "not-a-resource".to_owned(), raw);
                continue;
            };
            if observation.is_group() {
                continue;
            }
            // What was found in words may stand beside whether anything was.
            let words = observation.component.iter();
            for part in std::iter::once(&observation).chain(words) {
                match self.finding(part, &observation, took_place, &mut readings) {
                    Ok(finding) => checkup.findings.push(finding),
                    Err((outcome, reason)) => self.leave_out(place, outcome, reason, raw),
                }
            }
        }
        Document {
            checkup: Some(checkup),
            left_out: self.left_out,
        }
    }

    fn nothing(mut self, reason: &str) -> Document {
        for (place, raw) in std::mem::take(&mut self.results) {
            self.leave_out(place, Outcome::Rejected, reason.to_owned(), raw);
        }
        Document {
            checkup: None,
            left_out: self.left_out,
        }
    }

    /// A result; `whole` is the Observation that it is, or is a part of.
    fn finding(
        &self,
        part: &Observation<'_>,
        whole: &Observation<'_>,
        took_place: LocalDay,
        readings: &mut HashMap<Item, u8>,
    ) -> Result<Finding, (Outcome, String)> {
        let rejected = |reason: &str| (Outcome::Rejected, reason.to_owned());
        if whole.status == "entered-in-error" {
            return Err(rejected("entered-in-error"));
        }
        let codes = part
            .code
            .coding
            .iter()
            .filter(|coding| ITEMS.contains(&coding.system.as_str()));
        let item = codes
            .clone()
            .find_map(|coding| Item::from_code(&plain(&coding.code).to_uppercase()));
        let Some(item) = item else {
            let code = part
                .code
                .coding
                .first()
                .map(|coding| plain(&coding.code))
                .unwrap_or_default();
            return Err((
                Outcome::Unsupported,
                format!("item {}", code.chars().take(17).collect::<String>()),
            ));
        };
        let result = part.found(item, took_place).map_err(rejected)?;
        let reading = readings.entry(item).or_default();
        if *reading == MOST_READINGS {
            return Err(rejected("too-many-readings"));
        }
        let doctor = whole.performer.first().map(|performer| {
            let named = self.doctors.get(&performer.reference);
            named.cloned().unwrap_or_else(|| performer.display.clone())
        });
        *reading += 1;
        Ok(Finding {
            item,
            reading: *reading - 1,
            result,
            interpretation: part.interpretation().filter(|code| matches!(code, 'N' | 'H' | 'L')),
            method: part
                .method
                .as_ref()
                .and_then(|method| Some(plain(&method.coding.first()?.code))),
            range: part.reference_range.first().and_then(range),
            doctor: doctor.filter(|doctor| !doctor.is_empty()),
            day: own_day(&whole.effective_date_time, took_place),
        })
    }
}

impl Observation<'_> {
    /// A battery that only holds others.
    fn is_group(&self) -> bool {
        !self.has_member.is_empty()
    }

    fn interpretation(&self) -> Option<char> {
        let code = &self.interpretation.first()?.coding.first()?.code;
        // HX and LX say what the comparator says.
        code.chars().next().filter(|_| code.len() == 1)
    }

    fn found(&self, item: Item, took_place: LocalDay) -> Result<Found, &'static str> {
        if let Some(quantity) = &self.value_quantity {
            let (number, unit) = quantity.number().ok_or("not-a-number")?;
            return Ok(match quantity.comparator.as_str() {
                "" => Found::Quantity(number, unit),
                ">=" | ">" => Found::AtLeast(number, unit),
                _ => Found::AtMost(number, unit),
            });
        }
        if let Some(concept) = &self.value_codeable_concept {
            let coding = concept.coding.first().ok_or("no-code")?;
            let list = match coding.system.strip_prefix("urn:oid:") {
                Some(list) => list.to_owned(),
                None if coding.system.is_empty() => format!("{ROOT}{}", item.list_on(took_place)),
                None => coding.system.clone(),
            };
            return match list.len() <= 256 && !coding.code.is_empty() {
                true => Ok(Found::Answer(list, plain(&coding.code))),
                false => Err("no-code"),
            };
        }
        if let Some(text) = self.value_string.as_ref().filter(|text| !text.trim().is_empty()) {
            return match text.len() <= 4_096 {
                true => Ok(Found::Text(text.clone())),
                false => Err("text-too-long"),
            };
        }
        let absent = self
            .data_absent_reason
            .as_ref()
            .and_then(|reason| reason.coding.first());
        match absent.map(|coding| coding.code.as_str()) {
            Some("not-performed") => Ok(Found::NotPerformed),
            Some("error") => Ok(Found::NotMeasurable),
            _ => Err("no-value"),
        }
    }
}

impl Quantity<'_> {
    /// The number with its unit as written.
    fn number(&self) -> Option<(Decimal, String)> {
        let number = Decimal::parse(self.value?.get().as_bytes()).ok()?;
        let unit = match &self.unit {
            Some(unit) => unit.clone(),
            None if self.code == "1" => String::new(),
            None => self.code.clone(),
        };
        (unit.len() <= 64).then_some((number, unit))
    }
}

fn range(bounds: &Bounds<'_>) -> Option<Range> {
    let bound = |bound: &Option<Quantity<'_>>| bound.as_ref().and_then(Quantity::number);
    let (low, high) = (bound(&bounds.low), bound(&bounds.high));
    (low.is_some() || high.is_some()).then_some(Range { low, high })
}

fn subject(patient: &Patient) -> Subject {
    let member = patient
        .identifier
        .iter()
        .find(|identifier| identifier.system.ends_with("JP_Insurance_memberID"));
    let mut parts = member.map_or("", |member| &member.value).split(':');
    let mut part = || parts.next().unwrap_or_default().chars().take(64).collect::<String>();
    let [insurer, symbol, number, branch] = [part(), part(), part(), part()];
    let is_kana = |name: &&Name| name.extension.iter().any(|extension| extension.value_code == "SYL");
    let name = patient.name.iter().find(is_kana).or(patient.name.first());
    Subject {
        insurer,
        symbol,
        number,
        branch,
        name: name.map_or("", |name| &name.text).chars().take(128).collect(),
        birth: day(&patient.birth_date),
        sex: match patient.gender.as_str() {
            "male" => Some(1),
            "female" => Some(2),
            _ => None,
        },
        postal_code: patient
            .address
            .first()
            .map(|address| address.postal_code.clone())
            .unwrap_or_default(),
        care_number: String::new(),
    }
}
