//! Whom a FHIR document is about, and by what their insurer knows them: the patient's own id of the insurance (memberID), or, in older
//! documents and those of municipalities, what their Coverage says.

use std::collections::{BTreeSet, HashMap};

use model::checkup::Subject;

use super::super::document::{day, plain, shortened};
use super::super::subject::{SeveralPeople, one};
use super::wire::{Coverage, Identifier, Name, Organization, Patient, Reference};

/// How the system of such an id ends: insurer, symbol, number and branch number, with colons between.
const MEMBER: &str = "JP_Insurance_memberID";
/// How systems of insurers' numbers end.
const INSURERS: [&str; 3] = ["InsurerNumber", "20.3.61", "200119.6.101"];
/// How the system of kinds of tickets ends: a Coverage of one is no insurance. The first of them is for checkups.
const TICKETS: (&str, &str) = ("6.208", "1");
/// How the addresses of extensions end in which a Coverage has symbol, number and branch number.
const PARTS: [&str; 3] = ["InsuredPersonSymbol", "InsuredPersonNumber", "InsuredPersonSubNumber"];

/// What a document says of people, before it is known whether all of it is of one.
#[derive(Default)]
pub(super) struct People {
    patients: Vec<Patient>,
    /// How its patients are referred to.
    known: Vec<String>,
    /// To whom its resources refer.
    referred: BTreeSet<String>,
    pub(super) coverages: Vec<Coverage>,
    /// Numbers of insurers, by how they are referred to.
    insurers: HashMap<String, String>,
}

impl People {
    /// Takes a patient, with how they are referred to.
    pub(super) fn patient(&mut self, url: &str, id: &str, patient: Patient) {
        let names = [url, id].into_iter().filter(|name| !name.is_empty());
        self.known.extend(names.map(str::to_owned));
        self.patients.push(patient);
    }

    /// Takes to whom a resource refers.
    pub(super) fn refer(&mut self, to: &Reference) {
        if !to.reference.is_empty() && !self.referred.contains(&to.reference) {
            self.referred.insert(to.reference.clone());
        }
    }

    /// True where resources refer to several people. Who refers to nobody refers to whom all of it is about; and one whom the document
    /// does not have may be named in whatever way, as long as it is one.
    fn refers_to_several(&self) -> bool {
        let id = |reference: &str| reference.rsplit('/').next().unwrap_or(reference).to_owned();
        let is_known = |reference: &String| self.known.contains(reference) || self.known.contains(&id(reference));
        let others: BTreeSet<String> = self
            .referred
            .iter()
            .filter(|to| !is_known(to))
            .map(|to| id(to))
            .collect();
        others.len() + usize::from(self.referred.iter().any(is_known)) > 1
    }

    /// Takes who insures; false for any other organisation.
    pub(super) fn is_insurer(&mut self, url: &str, id: &str, found: &Organization) -> bool {
        let mut identifiers = found.identifier.iter();
        let number = identifiers.find(|identifier| INSURERS.iter().any(|ends| identifier.system.ends_with(ends)));
        if let Some(number) = number {
            let number = plain(&number.value);
            self.insurers.insert(format!("Organization/{id}"), number.clone());
            self.insurers.insert(url.to_owned(), number);
        }
        number.is_some()
    }

    /// Whom all of it is about.
    pub(super) fn subject(&self) -> Result<Subject, SeveralPeople> {
        if self.refers_to_several() {
            return Err(SeveralPeople);
        }
        let patients = || self.patients.iter();
        let names = patients().map(name).filter(|name| !name.is_empty());
        let sexes = patients().filter_map(|patient| match patient.gender.as_str() {
            "male" => Some(1),
            "female" => Some(2),
            _ => None,
        });
        let address = patients().find_map(|patient| patient.address.first());
        let [insurer, symbol, number, branch] = self.insurance()?;
        Ok(Subject {
            insurer,
            symbol,
            number,
            branch,
            name: shortened(&one(names, |name| plain(name))?.unwrap_or_default()),
            birth: one(patients().filter_map(|patient| day(&patient.birth_date)), |birth| {
                *birth
            })?,
            sex: one(sexes, |sex: &u8| *sex)?,
            postal_code: address.map_or_else(String::new, |address| address.postal_code.clone()),
            address: shortened(address.map_or("", |address| address.text.trim())),
            care_number: String::new(),
            ticket: self.ticket(),
        })
    }

    /// Insurer, symbol, number and branch number. An id that says all of it goes before what is said in parts.
    fn insurance(&self) -> Result<[String; 4], SeveralPeople> {
        let of_patients = self.patients.iter().flat_map(|patient| &patient.identifier);
        let identifiers = of_patients.chain(self.coverages.iter().flat_map(|coverage| &coverage.identifier));
        let members = identifiers
            .filter(|identifier| identifier.system.ends_with(MEMBER))
            .map(member);
        let in_parts = self.coverages.iter().filter(|coverage| !is_ticket(coverage));
        let in_parts = in_parts.map(|coverage| self.parts(coverage));
        let is_said = |[.., number, _]: &[String; 4]| !number.is_empty();
        let as_meant = |parts: &[String; 4]| {
            parts
                .each_ref()
                .map(|part| plain(part).trim_start_matches('0').to_owned())
        };
        let member = one(members.filter(is_said), as_meant)?;
        let said = match member {
            Some(member) => Some(member),
            None => one(in_parts.filter(is_said), as_meant)?,
        };
        Ok(said.unwrap_or_default())
    }

    /// What a Coverage says of an insurance: symbol and number as extensions, or both in quotes as `subscriberId`.
    fn parts(&self, coverage: &Coverage) -> [String; 4] {
        let extension = |ends: &str| {
            let mut extensions = coverage.extension.iter();
            let found = extensions.find(|extension| extension.url.ends_with(ends));
            found.map_or(String::new(), |extension| shortened(extension.value_string.trim()))
        };
        let [mut symbol, mut number, mut branch] = PARTS.map(extension);
        let quoted = coverage.subscriber_id.split_once([',', '，']);
        if let Some((first, second)) = quoted.filter(|_| number.is_empty()) {
            let bare =
                |part: &str| shortened(part.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '＂')));
            (symbol, number) = (bare(first), bare(second));
        }
        if branch.is_empty() {
            branch = plain(&coverage.dependent);
        }
        let payor = coverage
            .payor
            .iter()
            .find_map(|payor| self.insurers.get(&payor.reference));
        [
            payor.map_or(String::new(), |insurer| padded(insurer)),
            symbol,
            number,
            branch,
        ]
    }

    /// The number of the ticket for checkups by which somebody came.
    fn ticket(&self) -> String {
        let mut tickets = self.coverages.iter().filter(|coverage| is_ticket(coverage));
        let of_checkups = tickets.find(|coverage| {
            let mut codings = coverage.kind.coding.iter();
            codings.any(|coding| coding.code == TICKETS.1)
        });
        of_checkups.map_or(String::new(), |coverage| plain(&coverage.subscriber_id))
    }
}

fn is_ticket(coverage: &Coverage) -> bool {
    let mut codings = coverage.kind.coding.iter();
    codings.any(|coding| coding.system.ends_with(TICKETS.0))
}

fn member(identifier: &Identifier) -> [String; 4] {
    let mut parts = identifier.value.split(':');
    let mut part = || parts.next().unwrap_or_default().chars().take(64).collect::<String>();
    let [insurer, symbol, number, branch] = [part(), part(), part(), part()];
    [padded(&insurer), symbol, number, branch]
}

/// A number of an insurer has eight digits, of which tables and hands lose the first zeros.
fn padded(insurer: &str) -> String {
    match insurer.is_empty() {
        true => String::new(),
        false => format!("{insurer:0>8}"),
    }
}

/// A patient's name in kana, else as it is written.
fn name(patient: &Patient) -> String {
    let is_kana = |name: &&Name| name.extension.iter().any(|extension| extension.value_code == "SYL");
    let name = patient.name.iter().find(is_kana).or(patient.name.first());
    let Some(name) = name else { return String::new() };
    match name.text.is_empty() {
        false => name.text.clone(),
        true => std::iter::once(&name.family)
            .chain(&name.given)
            .map(String::as_str)
            .collect(),
    }
}
