//! A whole checkup as a FHIR document: the Bundle of the checkup report guide (eCheckup), for the person whose it is.
//!
//! It says about whom it is and by what insurance, so it goes to nobody else. Observations stand in it as they stand by themselves.

use std::collections::BTreeMap;

use model::checkup::{Battery, Checkup, Guide, Item, Organisation, Subject};
use model::vocabulary::systems;
use model::{LocalDay, UtcMillis};

use crate::battery::checkup_battery;
use crate::checkup::checkup_result;
use crate::json::{escaped, presentable, raw, string, text_member};
use crate::member::{Member, name};
use crate::prepared::coding;
use crate::time::{date, instant};
use crate::view::{BatteryView, CheckupView};

/// Before the names of the guide's profiles.
const PROFILES: &str = "http://jpfhir.jp/fhir/eCheckup/StructureDefinition/JP_";
/// Profile of the Bundle.
const BUNDLE: &str = "http://jpfhir.jp/fhir/clins/StructureDefinition/JP_Bundle_eCheckupGeneral";
/// Profile of somebody whose insurer's number is known: the Bundle's asks for it.
const INSURED: &str = "http://jpfhir.jp/fhir/clins/StructureDefinition/JP_Patient_eCheckupGeneral";
/// Profile of an insurance. The guide's own asks for its kind, and whether one is insured by oneself, which no document says.
const INSURANCE: &str = "http://jpfhir.jp/fhir/core/StructureDefinition/JP_Coverage";

/// A checkup to be written as a document.
#[derive(Clone, Copy, Debug)]
pub struct CheckupDocumentView<'a> {
    /// The FHIR base, under which the document's parts are named.
    pub base: &'a str,
    /// The checkup's number within the person: its parts are named by it.
    pub number: u16,
    /// The checkup.
    pub checkup: &'a Checkup,
    /// When the document is written.
    pub now: UtcMillis,
}

/// Appends the Bundle.
pub fn checkup_document(out: &mut Vec<u8>, view: &CheckupDocumentView<'_>) {
    let checkup = view.checkup;
    let (year, _, _) = checkup.day.ymd();
    raw(out, b"{\"resourceType\":\"Bundle\"");
    meta(out, view, keeps_to_the_guide(checkup).then_some(BUNDLE));
    raw(
        out,
        b",\"identifier\":{\"system\":\"http://jpfhir.jp/fhir/clins/bundle-identifier\",\"value\":",
    );
    string(
        out,
        &format!("{}^{year}^{}-{}", checkup.facility.number, checkup.day, view.number),
    );
    raw(out, b"},\"type\":\"document\",\"timestamp\":\"");
    instant(out, view.now);
    raw(out, b"\",\"entry\":[");
    let mut document = Document { out, view };
    document.composition();
    document.patient();
    document.organisation("exec-org", &checkup.facility);
    document.organisation("doc-org", &checkup.author);
    document.practitioner();
    document.encounter();
    document.coverage();
    for (place, finding) in checkup.findings.iter().enumerate() {
        document.entry("Observation", &format!("r{place}"), |out, id, patient| {
            checkup_result(
                out,
                &CheckupView {
                    id,
                    patient,
                    finding,
                    day: finding.day.unwrap_or(checkup.day),
                    by_hand: false,
                    is_suspicious: false,
                    version: 1,
                    updated: view.now,
                    dead: false,
                },
            );
        });
    }
    for (battery, places) in batteries(checkup) {
        document.battery(battery, &places);
    }
    raw(out, b"]}");
}

/// The batteries of a checkup, with the places of their results.
fn batteries(checkup: &Checkup) -> BTreeMap<Battery, Vec<usize>> {
    let mut batteries: BTreeMap<Battery, Vec<usize>> = BTreeMap::new();
    for (place, finding) in checkup.findings.iter().enumerate() {
        if let Some(battery) = Battery::of(finding.item) {
            batteries.entry(battery).or_default().push(place);
        }
    }
    let is_of_a_group = |battery: &Battery, places: &mut Vec<usize>| {
        let items: Vec<Item> = places.iter().map(|place| checkup.findings[*place].item).collect();
        !battery.groups(&items).is_empty()
    };
    batteries.retain(is_of_a_group);
    batteries
}

/// The part that a battery is.
fn part_of(battery: Battery) -> String {
    format!("g{}", battery.item().number())
}

/// True where the results are such as the guide tells: a screening has a guide of its own, whose profiles ask for who examined whom in
/// which role, which nobody says here.
fn is_of_the_guide(checkup: &Checkup) -> bool {
    let mut results = checkup.findings.iter();
    !checkup.findings.is_empty()
        && checkup.screening().is_none()
        && results.all(|finding| finding.item.row().guide == Guide::Checkup)
}

/// True where the whole has what the guide asks of it: who was examined, by whom, where, and who wrote it, each with the profile
/// that it asks for; and an identifier of the form that it demands (R2152).
fn keeps_to_the_guide(checkup: &Checkup) -> bool {
    let (year, _, _) = checkup.day.ymd();
    let number = checkup.facility.number.as_bytes();
    let is_of_a_facility = number.len() == 10
        && number.iter().all(u8::is_ascii_digit)
        && matches!(number[0], b'0'..=b'4')
        && matches!(number[2], b'1'..=b'3');
    is_of_the_guide(checkup)
        && is_of_a_facility
        && (2020..2040).contains(&year)
        && patient_profile(&checkup.subject) == Some(INSURED)
        && is_whole(&checkup.facility)
        && is_whole(&checkup.author)
        && doctor(checkup).is_some()
}

/// True for an organisation of which number and name are known.
fn is_whole(organisation: &Organisation) -> bool {
    !organisation.number.is_empty() && presentable(&organisation.name).is_some()
}

/// The profile of who was examined: one for whom no insurer's number of the form is known, another where it is; none where the name
/// in kana or kanji (R1112), the day of birth, the address or any identifier is missing.
fn patient_profile(subject: &Subject) -> Option<&'static str> {
    let (text, representation) = name(&subject.name);
    let is_named = presentable(&text).is_some() && representation != "ABC";
    let lives = presentable(&subject.address).is_some();
    let member = Member::of(subject).filter(|_| is_named && lives && subject.birth.is_some())?;
    Some(match member.is_well_formed() {
        true => INSURED,
        false => "http://jpfhir.jp/fhir/eCheckup/StructureDefinition/JP_Patient_eCheckupGeneral",
    })
}

/// The doctor whose judgement it is.
fn doctor(checkup: &Checkup) -> Option<String> {
    let mut doctors = checkup.findings.iter().filter_map(|finding| finding.doctor.as_deref());
    doctors.find_map(presentable).map(|doctor| doctor.into_owned())
}

/// What every part begins with. A profile is claimed where its obligations are met.
fn meta(out: &mut Vec<u8>, view: &CheckupDocumentView<'_>, profile: Option<&str>) {
    raw(out, b",\"meta\":{\"lastUpdated\":\"");
    instant(out, view.now);
    out.push(b'"');
    if let Some(profile) = profile {
        raw(out, b",\"profile\":[");
        string(out, profile);
        out.push(b']');
    }
    out.push(b'}');
}

struct Document<'o, 'v> {
    out: &'o mut Vec<u8>,
    view: &'v CheckupDocumentView<'v>,
}

impl Document<'_, '_> {
    /// The id of a part.
    fn id(&self, part: &str) -> String {
        format!("checkup-{}-{part}", self.view.number)
    }

    /// Appends a part: `write` gets its id, and the patient's.
    fn entry(&mut self, kind: &str, part: &str, write: impl FnOnce(&mut Vec<u8>, &str, &str)) {
        let (id, patient) = (self.id(part), self.id("patient"));
        if self.out.last() != Some(&b'[') {
            self.out.push(b',');
        }
        raw(self.out, b"{\"fullUrl\":\"");
        escaped(self.out, self.view.base);
        raw(self.out, format!("/{kind}/{id}\",\"resource\":"));
        write(self.out, &id, &patient);
        self.out.push(b'}');
    }

    /// A part up to the end of its `meta`, which claims the guide's profile where `keeps` says that it is kept to.
    fn part(&mut self, kind: &str, part: &str, keeps: bool, write: impl FnOnce(&mut Vec<u8>, &str)) {
        let profile = keeps.then(|| format!("{PROFILES}{kind}_eCheckupGeneral"));
        self.claiming(kind, part, profile.as_deref(), write);
    }

    /// As [`Document::part`], with whichever profile it claims.
    fn claiming(&mut self, kind: &str, part: &str, profile: Option<&str>, write: impl FnOnce(&mut Vec<u8>, &str)) {
        let view = self.view;
        self.entry(kind, part, |out, id, patient| {
            raw(out, format!("{{\"resourceType\":\"{kind}\",\"id\":\"{id}\""));
            meta(out, view, profile);
            write(out, patient);
            out.push(b'}');
        });
    }

    fn battery(&mut self, battery: Battery, places: &[usize]) {
        let (checkup, now) = (self.view.checkup, self.view.now);
        let items: Vec<Item> = places.iter().map(|place| checkup.findings[*place].item).collect();
        let ids: Vec<String> = places.iter().map(|place| self.id(&format!("r{place}"))).collect();
        let members = ids.iter().zip(&items);
        let members: Vec<(&str, bool)> = members.map(|(id, item)| (id.as_str(), item.row().is_reason)).collect();
        self.entry("Observation", &part_of(battery), |out, id, patient| {
            checkup_battery(
                out,
                &BatteryView {
                    id,
                    patient,
                    battery,
                    groups: &battery.groups(&items),
                    members: &members,
                    day: checkup.day,
                    version: 1,
                    updated: now,
                    dead: false,
                },
            );
        });
    }

    fn composition(&mut self) {
        let checkup = self.view.checkup;
        let results = (0..checkup.findings.len()).map(|place| format!("r{place}"));
        let results = results.chain(batteries(checkup).into_keys().map(part_of));
        let results: Vec<String> = results.map(|part| self.id(&part)).collect();
        let (encounter, author) = (self.id("encounter"), self.id("doc-org"));
        let own = self.id("composition");
        self.part("Composition", "composition", is_of_the_guide(checkup), |out, patient| {
            raw(out, b",\"extension\":[{\"url\":\"http://hl7.org/fhir/StructureDefinition/composition-clinicaldocument-versionNumber\",\"valueString\":\"1.0\"}]");
            raw(out, b",\"identifier\":{\"system\":\"http://jpfhir.jp/fhir/core/IdSystem/resourceInstance-identifier\",\"value\":");
            string(out, &own);
            raw(out, b"},\"status\":\"final\",\"type\":{\"coding\":[");
            coding(out, systems::DOCUMENT_TYPE, systems::CHECKUP_DOCUMENT, Some("検診・健診報告書"));
            raw(out, b"]},\"category\":[{\"coding\":[");
            coding(out, systems::CHECKUP_REPORT, &checkup.report, None);
            raw(out, format!("]}}],\"subject\":{{\"reference\":\"Patient/{patient}\"}},\"encounter\":{{\"reference\":\"Encounter/{encounter}\"}},\"date\":\""));
            date(out, checkup.written);
            raw(out, format!("\",\"author\":[{{\"reference\":\"Organization/{author}\"}}],\"title\":\"健診結果報告書\",\"event\":[{{\"code\":[{{\"coding\":["));
            let programme = match checkup.part_of_screening() {
                Some(_) => systems::SCREENING_PART,
                None => systems::CHECKUP_PROGRAMME,
            };
            coding(out, programme, &checkup.programme, None);
            raw(out, b"]}],\"period\":");
            period(out, checkup.day);
            raw(out, b"}]");
            // A section has something in it (cmp-1).
            if results.is_empty() {
                return;
            }
            raw(out, ",\"section\":[{\"title\":\"検査・問診結果\",\"code\":{\"coding\":[");
            coding(out, "http://jpfhir.jp/fhir/eCheckup/CodeSystem/section-code", section(checkup), None);
            raw(out, b"]}");
            for (place, result) in results.iter().enumerate() {
                raw(out, if place == 0 { ",\"entry\":[" } else { "," });
                raw(out, format!("{{\"reference\":\"Observation/{result}\"}}"));
            }
            raw(out, b"]}]");
        });
    }

    fn patient(&mut self) {
        let subject = &self.view.checkup.subject;
        self.claiming("Patient", "patient", patient_profile(subject), |out, _| {
            if let Some(member) = Member::of(subject) {
                raw(out, b",\"identifier\":[{\"system\":\"http://jpfhir.jp/fhir/clins/Idsystem/JP_Insurance_memberID\",\"value\":");
                string(out, &member.value());
                raw(out, b"}]");
            }
            let (text, representation) = name(&subject.name);
            if presentable(&text).is_some() {
                raw(out, format!(",\"name\":[{{\"extension\":[{{\"url\":\"http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation\",\"valueCode\":\"{representation}\"}}],\"use\":\"official\""));
                text_member(out, "text", Some(&text));
                raw(out, b"}]");
            }
            let sex = match subject.sex {
                Some(1) => "male",
                Some(2) => "female",
                _ => "unknown",
            };
            raw(out, format!(",\"gender\":\"{sex}\""));
            if let Some(birth) = subject.birth {
                raw(out, b",\"birthDate\":\"");
                date(out, birth);
                out.push(b'"');
            }
            let (address, postal_code) = (presentable(&subject.address), presentable(&subject.postal_code));
            if address.is_some() || postal_code.is_some() {
                let mut members = Vec::new();
                text_member(&mut members, "text", address.as_deref());
                text_member(&mut members, "postalCode", postal_code.as_deref());
                raw(out, b",\"address\":[{");
                raw(out, members.get(1..).unwrap_or_default());
                raw(out, b"}]");
            }
        });
    }

    fn organisation(&mut self, kind: &str, organisation: &Organisation) {
        self.part("Organization", kind, is_whole(organisation), |out, _| {
            if !organisation.number.is_empty() {
                raw(out, b",\"identifier\":[{\"system\":\"http://jpfhir.jp/fhir/core/IdSystem/insurance-medical-institution-no\",\"value\":");
                string(out, &organisation.number);
                raw(out, b"}]");
            }
            raw(out, b",\"type\":[{\"coding\":[");
            coding(out, systems::CHECKUP_ORGANISATION, kind, None);
            raw(out, b"]}]");
            text_member(out, "name", Some(&organisation.name));
        });
    }

    /// The doctor, of whom a document says no more than the name.
    fn practitioner(&mut self) {
        let Some(doctor) = doctor(self.view.checkup) else {
            return;
        };
        self.part("Practitioner", "practitioner", true, |out, _| {
            raw(out, b",\"name\":[{\"text\":");
            string(out, &doctor);
            raw(out, b"}]");
        });
    }

    fn encounter(&mut self) {
        let (day, facility) = (self.view.checkup.day, self.id("exec-org"));
        self.part("Encounter", "encounter", true, |out, patient| {
            raw(out, b",\"status\":\"finished\",\"class\":");
            coding(
                out,
                "http://jpfhir.jp/fhir/eCheckup/CodeSystem/encounter-category",
                "checkup",
                None,
            );
            raw(
                out,
                format!(",\"subject\":{{\"reference\":\"Patient/{patient}\"}},\"period\":"),
            );
            period(out, day);
            raw(
                out,
                format!(",\"serviceProvider\":{{\"reference\":\"Organization/{facility}\"}}"),
            );
        });
    }

    fn coverage(&mut self) {
        let Some(member) = Member::of(&self.view.checkup.subject) else {
            return;
        };
        self.claiming("Coverage", "coverage", Some(INSURANCE), |out, patient| {
            let symbol = [("JP_Coverage_InsuredPersonSymbol", &member.symbol), ("JP_Coverage_InsuredPersonNumber", &member.number), ("JP_Coverage_InsuredPersonSubNumber", &member.branch)];
            let given: Vec<_> = symbol.into_iter().filter(|(_, value)| !value.is_empty()).collect();
            for (place, (name, value)) in given.iter().enumerate() {
                raw(out, if place == 0 { ",\"extension\":[" } else { "," });
                raw(out, format!("{{\"url\":\"http://jpfhir.jp/fhir/core/Extension/StructureDefinition/{name}\",\"valueString\":"));
                string(out, value);
                out.push(b'}');
            }
            raw(out, if given.is_empty() { "" } else { "]" });
            raw(out, format!(",\"status\":\"active\",\"beneficiary\":{{\"reference\":\"Patient/{patient}\"}},\"payor\":[{{\"identifier\":{{\"system\":\"http://jpfhir.jp/fhir/core/mhlw/IdSystem/InsurerNumber\",\"value\":"));
            string(out, &member.insurer);
            raw(out, b"}}]");
        });
    }
}

/// The section that holds results of a programme, or of a screening.
fn section(checkup: &Checkup) -> &'static str {
    if checkup.screening().is_some() {
        return "01910";
    }
    match checkup.programme.as_str() {
        "010" => "01010",
        "020" => "01020",
        "030" => "01030",
        "040" => "01040",
        "060" => "01060",
        "090" => "01090",
        _ => "01990",
    }
}

fn period(out: &mut Vec<u8>, day: LocalDay) {
    raw(out, b"{\"start\":\"");
    date(out, day);
    raw(out, b"\",\"end\":\"");
    date(out, day);
    raw(out, b"\"}");
}
