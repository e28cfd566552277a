//! A checkup as a FHIR document: a Bundle of the checkup report guide (eCheckup), of either generation of its systems, or of the guide
//! of municipalities' screenings (eMunicipalCheckup); as JSON, or as XML that says the same.
//!
//! What decides is the item code and the value; displays are decorations. Numbers are read as they are written, digit by digit.

mod people;
mod wire;
mod xml;

use std::borrow::Cow;
use std::collections::HashMap;

use model::Outcome;
use model::checkup::{Checkup, Finding, Item, Organisation, Told};
use model::vocabulary::systems;
use serde_json::value::RawValue;

use self::people::People;
use self::wire::{
    Bundle, Coding, Composition, Concept, Identifier, Observation, Organization, Practitioner, Typed, range,
};
use super::document::{Document, day, is_plausible, own_day, plain};
use crate::{AdapterError, MAX_TEXT, NotStored};

/// Items of checkups and screenings as FHIR names them; of screenings the guide's text and its examples say different things.
const ITEMS: [&str; 4] = [
    systems::CHECKUP_ITEM,
    systems::SCREENING_ITEM,
    systems::SCREENING_ITEM_OF_EXAMPLES,
    systems::JLAC10,
];
/// How the system of reports' categories ends, and that of programmes; older documents say other OIDs before it.
const CATEGORIES: [&str; 2] = ["6.1001", "checkup-report-category"];
/// As above. A screening has its part there, in place of a programme.
const PROGRAMMES: [&str; 3] = ["6.1002", "checkup-programService-code", "checkup-type-code"];
/// Entries of one document: real ones have some 120.
const MOST_ENTRIES: usize = 5_000;
/// Readings of one item that ids tell apart.
const MOST_READINGS: u8 = 16;

/// True for the beginning of such a Bundle. Writers that sort its members say last what it is.
pub(super) fn looks_like_one(head: &[u8]) -> bool {
    let opens = head
        .strip_prefix("\u{feff}".as_bytes())
        .unwrap_or(head)
        .trim_ascii_start();
    let says = |word: &str| memchr::memmem::find(head, word.as_bytes()).is_some();
    let is_json = opens.starts_with(b"{") && (says("\"Bundle\"") || says("\"entry\""));
    (is_json || (opens.starts_with(b"<") && xml::looks_like_one(opens)))
        && (says("eCheckup") || says("eMunicipalCheckup") || says("6.1005"))
}

/// Such a Bundle as JSON, whichever of the two it is written in.
///
/// # Errors
/// [`AdapterError`] where it is XML, and does not close, declares types of its own, passes a bound, or is no Bundle.
pub(super) fn as_json(text: &str) -> Result<Cow<'_, str>, AdapterError> {
    if text.trim_start_matches('\u{feff}').trim_start().starts_with('{') {
        return Ok(Cow::Borrowed(text));
    }
    let json = xml::as_json(&super::parse(text)?);
    json.map(Cow::Owned).ok_or_else(|| AdapterError::NothingInside {
        expected: "document of a checkup",
        problem: "its root is another".to_owned(),
    })
}

/// Reads a document, as JSON.
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
        let Some(raw) = entry.resource else {
            parts.leave_out(place, Outcome::Rejected, "entry-without-a-resource".to_owned(), "");
            continue;
        };
        let typed: Option<Typed> = serde_json::from_str(raw.get()).ok();
        match typed {
            Some(typed) => parts.take(place, &entry.full_url, &typed, raw),
            None => parts.leave_out(place, Outcome::Rejected, "not-a-resource".to_owned(), raw.get()),
        }
    }
    Ok(parts.document())
}

/// What the entries of a Bundle say.
#[derive(Default)]
struct Parts<'a> {
    composition: Option<Composition>,
    people: People,
    facility: Option<Organisation>,
    author: Option<Organisation>,
    /// Doctors, by how they are referred to.
    doctors: HashMap<String, String>,
    results: Vec<(usize, &'a RawValue)>,
    left_out: Vec<NotStored>,
}

impl<'a> Parts<'a> {
    fn leave_out(&mut self, place: usize, outcome: Outcome, reason: String, text: &str) {
        self.left_out.push(NotStored {
            outcome,
            reason,
            line: place as u64 + 1,
            text: text.chars().take(MAX_TEXT / 4).collect(),
        });
    }

    fn take(&mut self, place: usize, url: &str, typed: &Typed, raw: &'a RawValue) {
        self.people.refer(&typed.subject);
        let read = match typed.resource_type.as_str() {
            "Composition" => serde_json::from_str(raw.get()).map(|composition| self.composition = Some(composition)),
            "Patient" => serde_json::from_str(raw.get()).map(|patient| self.people.patient(url, &typed.id, patient)),
            "Coverage" => serde_json::from_str(raw.get()).map(|coverage| self.people.coverages.push(coverage)),
            "Organization" => serde_json::from_str(raw.get()).map(|found: Organization| {
                // Who insures somebody examined nobody.
                if !self.people.is_insurer(url, &typed.id, &found) {
                    self.organisation(&found);
                }
            }),
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
            "Encounter" | "Specimen" | "PractitionerRole" => Ok(()),
            other => {
                self.leave_out(
                    place,
                    Outcome::Unsupported,
                    format!("resource {}", plain(other)),
                    raw.get(),
                );
                Ok(())
            }
        };
        if read.is_err() {
            self.leave_out(place, Outcome::Rejected, "not-a-resource".to_owned(), raw.get());
        }
    }

    fn organisation(&mut self, found: &Organization) {
        let of_system = |ends: &str| {
            found
                .identifier
                .iter()
                .find(|identifier| identifier.system.ends_with(ends))
        };
        let number = of_system("insurance-medical-institution-no").or(found.identifier.first());
        let organisation = Organisation {
            number: plain(number.map_or("", |identifier: &Identifier| &identifier.value)),
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
        let Ok(subject) = self.people.subject() else {
            return self.nothing("several-people");
        };
        let facility = self.facility.clone().unwrap_or_default();
        let mut checkup = Checkup {
            report: code_of(&composition.category, &CATEGORIES),
            programme: event.map(|event| code_of(&event.code, &PROGRAMMES)).unwrap_or_default(),
            day: took_place,
            written,
            author: self.author.clone().unwrap_or_else(|| facility.clone()),
            facility,
            subject,
            findings: Vec::new(),
            word: Told::Confirmed,
            deletes: String::new(),
            year_only: false,
        };
        let mut readings: HashMap<Item, u8> = HashMap::new();
        // A request to delete has no results, whatever it repeats of them.
        self.results.retain(|_| !checkup.is_deletion());
        for (place, raw) in std::mem::take(&mut self.results) {
            let Ok(observation) = serde_json::from_str::<Observation<'_>>(raw.get()) else {
                self.leave_out(place, Outcome::Rejected, "not-a-resource".to_owned(), raw.get());
                continue;
            };
            if observation.is_group() {
                continue;
            }
            // What was found in words may stand beside whether anything was.
            let words = observation.component.iter();
            for part in std::iter::once(&observation).chain(words) {
                match self.finding(part, &observation, &checkup, &mut readings) {
                    Ok(finding) => checkup.findings.push(finding),
                    Err((outcome, reason)) => self.leave_out(place, outcome, reason, raw.get()),
                }
            }
        }
        Document {
            checkup: Some(checkup),
            left_out: self.left_out,
        }
    }

    fn nothing(mut self, reason: &str) -> Document {
        // One without results, such as a request to delete, is not lost without a word either.
        if self.results.is_empty() {
            self.left_out.push(NotStored {
                outcome: Outcome::Rejected,
                reason: reason.to_owned(),
                line: 1,
                text: String::new(),
            });
        }
        for (place, raw) in std::mem::take(&mut self.results) {
            self.leave_out(place, Outcome::Rejected, reason.to_owned(), raw.get());
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
        checkup: &Checkup,
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
        let result = part.found(checkup.list_of(item)).map_err(rejected)?;
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
            day: own_day(&whole.effective_date_time, checkup.day),
        })
    }
}

/// The code of a system that ends so; where no coding names such a system, the first.
fn code_of(concepts: &[Concept], systems: &[&str]) -> String {
    let codings = || concepts.iter().flat_map(|concept| &concept.coding);
    let is_one = |coding: &&Coding| systems.iter().any(|system| coding.system.ends_with(system));
    let coding = codings().find(is_one).or_else(|| codings().next());
    coding.map(|coding| plain(&coding.code)).unwrap_or_default()
}
