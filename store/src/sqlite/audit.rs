//! SQL of the record of provision: added only while the person's consents are still those that were decided from.

use consent::{ConsentId, ConsentsVersion, Detail, IdentityGrant, IdentityLine};
use model::{ConsentCategory, LocalDay, OrganisationId, PersonId, RecipientId, UtcMillis};
use rusqlite::{OptionalExtension as _, params};
use serde::{Deserialize, Serialize};

use super::chain::{self, Chain};
use super::database::Snapshot;
use super::fault::Doing as _;
use super::writer::Writing;
use super::{consents, recipients};
use crate::{AccessDraft, AccessEvent, AccessItem, AccessKind, BasisKind, Result, StoreError};

/// What a decision says of an access.
pub(crate) struct Under {
    pub(crate) person: PersonId,
    pub(crate) recipient: RecipientId,
    pub(crate) consent: ConsentId,
    pub(crate) consent_version: u32,
    pub(crate) consents_version: ConsentsVersion,
    pub(crate) purpose: String,
}

/// What is sealed in a row.
#[derive(Serialize, Deserialize)]
struct Body {
    at: i64,
    recipient: u32,
    client: String,
    consent: u64,
    version: u32,
    consents: u64,
    kind: u8,
    /// Category, detail, first day, last day, how many.
    items: Vec<(u8, u8, i32, i32, u32)>,
    /// Bits: name, address, birth date, age band and sex, municipality, insurance. Rows of the first versions have none.
    #[serde(default)]
    identity: u8,
    /// The other recipient of a linking id that was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    linking: Option<u32>,
    /// Rows of the first versions have none.
    #[serde(default)]
    purpose: String,
    /// Kind of the recipient's ground and its document; left out where it is consent alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    basis: Option<(u8, String)>,
    /// Left out where the recipient named nobody.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    reader: String,
    request: String,
}

pub(crate) fn record(writing: &Writing<'_>, under: &Under, draft: &AccessDraft) -> Result<u64> {
    // Writers run one at a time, so what is read here still holds when this unit commits.
    let living: Option<(u32, i64)> = writing
        .prepare_cached("SELECT custodian, consent_version FROM person WHERE id = ?1 AND erased_ms IS NULL")
        .and_then(|mut statement| {
            statement
                .query_row([under.person.0], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        })
        .doing("reading a person")?;
    let custodian = match living {
        Some((custodian, version)) if version as u64 == under.consents_version.0 => OrganisationId(custodian),
        _ => return Err(StoreError::ConsentsChanged),
    };
    // Blocked meanwhile: decided anew, and refused then.
    let Some(basis) = recipients::ground(writing, under.recipient, writing.now())? else {
        return Err(StoreError::ConsentsChanged);
    };
    let body = Body {
        at: writing.now().0,
        recipient: under.recipient.0,
        client: draft.client_id.clone(),
        consent: under.consent.0,
        version: under.consent_version,
        consents: under.consents_version.0,
        kind: draft.what as u8,
        items: draft
            .items
            .iter()
            .map(|item| {
                (
                    item.category as u8,
                    item.detail as u8,
                    item.first_day.0,
                    item.last_day.0,
                    item.count,
                )
            })
            .collect(),
        identity: bits(draft.identity),
        linking: draft.identity.linking.map(|other| other.0),
        purpose: under.purpose.clone(),
        basis: Some(basis).filter(|(kind, _)| *kind != BasisKind::Consent as u8),
        reader: draft.reader.clone(),
        request: draft.request_id.clone(),
    };
    let plain = serde_json::to_vec(&body).map_err(|_| StoreError::damaged("an access event"))?;
    let link = chain::append(writing, Chain::Access, under.person, custodian, &plain)?;
    writing
        .prepare_cached("INSERT INTO access_event (person, number, body, hash) VALUES (?1, ?2, ?3, ?4)")
        .and_then(|mut statement| statement.execute(params![under.person.0, link.number, link.body, link.hash]))
        .doing("recording an access")?;
    Ok(link.number as u64)
}

pub(crate) fn accesses(
    snapshot: &Snapshot<'_>,
    person: PersonId,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<AccessEvent>> {
    let Some(custodian) = consents::custodian(snapshot, person)? else {
        return Err(StoreError::NoPerson { person });
    };
    let before = before.map_or(i64::MAX, |before| i64::try_from(before).unwrap_or(i64::MAX));
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows: Vec<(i64, Vec<u8>)> = snapshot
        .prepare_cached(
            "SELECT number, body FROM access_event WHERE person = ?1 AND number < ?2 ORDER BY number DESC LIMIT ?3",
        )
        .and_then(|mut statement| {
            statement
                .query_map(params![person.0, before, limit], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
        .doing("listing accesses")?;
    rows.into_iter()
        .map(|(number, body)| read(snapshot, person, custodian, number, &body))
        .collect()
}

pub(crate) fn read(
    snapshot: &Snapshot<'_>,
    person: PersonId,
    custodian: OrganisationId,
    number: i64,
    body: &[u8],
) -> Result<AccessEvent> {
    let plain = chain::open(snapshot, Chain::Access, person, custodian, number, body)?;
    serde_json::from_slice::<Body>(&plain)
        .ok()
        .and_then(|body| body.into_event(number as u64))
        .ok_or_else(|| StoreError::damaged(format!("access_event, person {person}, row {number}")))
}

pub(crate) fn provisions(
    snapshot: &Snapshot<'_>,
    custodian: OrganisationId,
    after: Option<(PersonId, u64)>,
    limit: usize,
) -> Result<Vec<(PersonId, AccessEvent)>> {
    let (person, number) = after.map_or((0, 0), |(person, number)| {
        (person.0, i64::try_from(number).unwrap_or(i64::MAX))
    });
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows: Vec<(u32, i64, Vec<u8>)> = snapshot
        .prepare_cached(
            "SELECT event.person, event.number, event.body FROM access_event event JOIN person ON person.id = event.person
             WHERE person.custodian = ?1 AND (event.person, event.number) > (?2, ?3)
             ORDER BY event.person, event.number LIMIT ?4",
        )
        .and_then(|mut statement| {
            statement
                .query_map(params![custodian.0, person, number, limit], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })?
                .collect()
        })
        .doing("listing provisions")?;
    rows.into_iter()
        .map(|(person, number, body)| {
            let person = PersonId(person);
            Ok((person, read(snapshot, person, custodian, number, &body)?))
        })
        .collect()
}

fn bits(identity: IdentityGrant) -> u8 {
    // The order of the lines is stored: a new one comes last.
    (0..)
        .zip(IdentityLine::ALL)
        .filter(|(_, line)| identity.has(*line))
        .fold(0, |bits, (place, _)| bits | 1 << place)
}

fn lines(bits: u8, linking: Option<u32>) -> IdentityGrant {
    let given = (0..).zip(IdentityLine::ALL).filter(|(place, _)| bits & 1 << place != 0);
    IdentityGrant {
        linking: linking.map(RecipientId),
        ..IdentityGrant::of(given.map(|(_, line)| line))
    }
}

impl Body {
    fn into_event(self, number: u64) -> Option<AccessEvent> {
        let item = |(category, detail, first, last, count)| {
            Some(AccessItem {
                category: ConsentCategory::from_number(category)?,
                detail: Detail::from_number(detail)?,
                first_day: LocalDay(first),
                last_day: LocalDay(last),
                count,
            })
        };
        Some(AccessEvent {
            number,
            at: UtcMillis(self.at),
            recipient: RecipientId(self.recipient),
            client_id: self.client,
            consent: ConsentId(self.consent),
            consent_version: self.version,
            consents_version: ConsentsVersion(self.consents),
            purpose: self.purpose,
            what: AccessKind::from_number(self.kind)?,
            items: self.items.into_iter().map(item).collect::<Option<_>>()?,
            identity: lines(self.identity, self.linking),
            basis: match self.basis {
                Some((kind, document)) => (BasisKind::from_number(kind)?, document),
                None => (BasisKind::Consent, String::new()),
            },
            reader: self.reader,
            request_id: self.request,
        })
    }
}
