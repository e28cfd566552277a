//! Organisations and people: who is served, under whose key, and by which sign-in they are known.
//!
//! A person's name, birth date and address are sealed with the person's key and read here only by the operator's command
//! line; what a recipient may see of them goes through `reads`.

use std::collections::HashMap;

use model::{LocalDay, Municipality, OrganisationId, PersonId, UtcMillis};

use crate::sqlite;
use crate::{Result, Store, StoreError};

/// What kind of body an organisation is. The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum OrganisationKind {
    /// 都道府県.
    Prefecture = 1,
    /// 市区町村.
    Municipality = 2,
    /// 保険者.
    Insurer = 3,
    /// An employer or an app's maker.
    Company = 4,
    /// A university or institute.
    University = 5,
}

impl OrganisationKind {
    /// The kind with this number, as stored.
    pub fn from_number(number: u8) -> Option<Self> {
        [
            Self::Prefecture,
            Self::Municipality,
            Self::Insurer,
            Self::Company,
            Self::University,
        ]
        .into_iter()
        .find(|kind| *kind as u8 == number)
    }
}

/// An organisation to be made.
#[derive(Clone, Debug)]
pub struct NewOrganisation {
    /// Its name, public.
    pub name: String,
    /// What kind of body it is.
    pub kind: OrganisationKind,
}

/// An organisation that residents, recipients, operators and keys belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organisation {
    /// Its number.
    pub id: OrganisationId,
    /// Its name, public.
    pub name: String,
    /// What kind of body it is.
    pub kind: OrganisationKind,
    /// When it was made.
    pub created: UtcMillis,
}

/// Sex as registries and age tables use it. The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Sex {
    /// 男性.
    Male = 1,
    /// 女性.
    Female = 2,
    /// Neither, by the person's own word.
    Other = 3,
}

impl Sex {
    /// The sex with this number, as stored.
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::Male, Self::Female, Self::Other]
            .into_iter()
            .find(|sex| *sex as u8 == number)
    }
}

/// A person to be made.
#[derive(Clone, Debug, Default)]
pub struct NewPerson {
    /// Name as the person writes it.
    pub name: Option<String>,
    /// Birth date.
    pub birth_date: Option<LocalDay>,
    /// Sex.
    pub sex: Option<Sex>,
    /// Postal address in one line.
    pub address: Option<String>,
    /// The organisation whose key wraps the person's key; `None` takes the first organisation, making one when there is none.
    pub organisation: Option<OrganisationId>,
    /// IANA name of the zone the person lives in; empty means Asia/Tokyo.
    pub home_zone: String,
}

/// A person with what is known of them. For the operator's command line and the person's own pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The person's number.
    pub id: PersonId,
    /// Name as the person writes it.
    pub name: Option<String>,
    /// Birth date.
    pub birth_date: Option<LocalDay>,
    /// Sex.
    pub sex: Option<Sex>,
    /// Postal address in one line.
    pub address: Option<String>,
    /// The organisation whose key wraps the person's key.
    pub custodian: OrganisationId,
    /// All organisations the person belongs to, the custodian among them.
    pub organisations: Vec<OrganisationId>,
    /// IANA name of the zone the person lives in.
    pub home_zone: String,
    /// When the person was made.
    pub created: UtcMillis,
}

/// A line of the list of people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonSummary {
    /// The person's number.
    pub id: PersonId,
    /// Name, if one is known.
    pub name: Option<String>,
    /// The organisation whose key wraps the person's key.
    pub custodian: OrganisationId,
    /// When the person was made.
    pub created: UtcMillis,
    /// True once erased: only the number is left.
    pub erased: bool,
}

impl Store {
    /// Makes an organisation and its key.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for an empty or overlong name, and what writing can answer.
    pub async fn create_organisation(&self, new: NewOrganisation) -> Result<OrganisationId> {
        if new.name.trim().is_empty() || new.name.len() > 512 {
            return Err(StoreError::Invalid {
                what: "an organisation's name has 1 to 512 bytes",
            });
        }
        self.database
            .write("create organisation", move |writing| {
                sqlite::people::create_organisation(writing, &new)
            })
            .await
    }

    /// All organisations, by number.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn organisations(&self) -> Result<Vec<Organisation>> {
        self.database
            .read("list organisations", sqlite::people::organisations)
            .await
    }

    /// Which municipality an organisation is; `None` where nobody said it, or it is none.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn municipality(&self, organisation: OrganisationId) -> Result<Option<Municipality>> {
        self.database
            .read("read a municipality", move |snapshot| {
                sqlite::belonging::municipality(snapshot, organisation)
            })
            .await
    }

    /// Says which municipality an organisation is.
    ///
    /// # Errors
    /// [`StoreError::NoOrganisation`], [`StoreError::Invalid`] for an organisation that is no municipality, and what writing can answer.
    pub async fn set_municipality(&self, organisation: OrganisationId, municipality: Municipality) -> Result<()> {
        self.database
            .write("name a municipality", move |writing| {
                sqlite::belonging::set_municipality(writing, organisation, municipality)
            })
            .await
    }

    /// The name of the organisation that keeps a person's data, also of one who was erased; `None` for nobody.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn custodian_name(&self, person: PersonId) -> Result<Option<String>> {
        self.database
            .read("read a custodian", move |reading| {
                sqlite::people::custodian_name(reading, person)
            })
            .await
    }

    /// Makes a person: the key first, then the row.
    ///
    /// # Errors
    /// [`StoreError::NoOrganisation`], [`StoreError::Invalid`] for a zone nobody knows, and what writing can answer.
    pub async fn create_person(&self, mut new: NewPerson) -> Result<PersonId> {
        if new.home_zone.is_empty() {
            new.home_zone = "Asia/Tokyo".to_owned();
        }
        if jiff::tz::TimeZone::get(&new.home_zone).is_err() {
            return Err(StoreError::Invalid {
                what: "the home zone is not an IANA zone name such as Asia/Tokyo",
            });
        }
        self.database
            .write("create person", move |writing| {
                sqlite::people::create_person(writing, &new)
            })
            .await
    }

    /// A page of people by number: those after `after`.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn people(&self, after: Option<PersonId>, limit: usize) -> Result<Vec<PersonSummary>> {
        self.database
            .read("list people", move |reading| {
                sqlite::people::people(reading, after, limit)
            })
            .await
    }

    /// Names of these people, in one read. Who has none, or was erased, is left out.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn names(&self, people: Vec<PersonId>) -> Result<HashMap<PersonId, String>> {
        self.database
            .read("read names", move |snapshot| sqlite::people::names(snapshot, &people))
            .await
    }

    /// One person; `None` when there is none or they were erased.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn person(&self, person: PersonId) -> Result<Option<Person>> {
        self.database
            .read("read person", move |reading| sqlite::people::person(reading, person))
            .await
    }

    /// Makes the person a member of a further organisation; again changes nothing.
    ///
    /// # Errors
    /// [`StoreError::NoPerson`], [`StoreError::NoOrganisation`], and what writing can answer.
    pub async fn add_membership(&self, person: PersonId, organisation: OrganisationId) -> Result<()> {
        self.database
            .write("add membership", move |writing| {
                sqlite::people::add_membership(writing, person, organisation)
            })
            .await
    }

    /// Binds a sign-in identity to a person; again for the same person changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when the identity belongs to somebody else, [`StoreError::NoPerson`], and what writing can
    /// answer.
    pub async fn link_identity(&self, person: PersonId, issuer: &str, subject: &str) -> Result<()> {
        let (issuer, subject) = (issuer.to_owned(), subject.to_owned());
        self.database
            .write("link identity", move |writing| {
                sqlite::people::link_identity(writing, person, &issuer, &subject)
            })
            .await
    }

    /// The person who signs in as (issuer, subject).
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn person_by_identity(&self, issuer: &str, subject: &str) -> Result<Option<PersonId>> {
        let (issuer, subject) = (issuer.to_owned(), subject.to_owned());
        self.database
            .read("find person by identity", move |reading| {
                sqlite::people::person_by_identity(reading, &issuer, &subject)
            })
            .await
    }

    /// Erases a person: journal, then every row that holds a value or a name, then the key. What the law keeps (the record
    /// of who was given what, and the consents' texts) stays, under the organisation's key.
    ///
    /// # Errors
    /// [`StoreError::NoPerson`], and what writing can answer. An error after the rows are gone leaves the key for the next
    /// opening to destroy.
    pub async fn erase_person(&self, person: PersonId) -> Result<()> {
        self.database
            .write("erase person", move |writing| sqlite::people::erase(writing, person))
            .await?;
        self.database.destroy_person_key(person).await
    }
}
