//! SQL of where people belong: to which municipality and which insurer, as far as a recipient may be told; and which municipality an
//! organisation is.

use model::{LocalDay, Municipality, OrganisationId, PersonId, RecipientId};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::database::Snapshot;
use super::fault::Doing as _;
use super::writer::Writing;
use super::{insurance, schema};
use crate::{OrganisationKind, Result, StoreError};

/// What a recipient may be told of where somebody belongs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Membership {
    pub(crate) municipality: bool,
    pub(crate) insurance: bool,
}

/// A municipality or an insurer that is known here.
struct Body {
    id: OrganisationId,
    kind: u8,
    is_own: bool,
    has_member: bool,
}

/// Whether somebody belongs to the recipient's own organisation where that is a municipality or an insurer, else to any such body
/// that is known here.
///
/// Of a municipality that says which it is, their insurers' word on where they live decides, where there is one; else whether they are a
/// member. That word ends with the insurance: who is insured there no more belongs there no more, until somebody says it anew. An insurer's
/// member is who is insured there by its own word, and before it says anything of them, whoever is its member.
pub(crate) fn belongs(
    snapshot: &Snapshot<'_>,
    person: PersonId,
    recipient: Option<RecipientId>,
    today: LocalDay,
) -> Result<Membership> {
    let known: Vec<Body> = snapshot
        .prepare_cached(
            "SELECT id, kind, id = coalesce((SELECT organisation FROM recipient WHERE id = ?2), 0),
                    EXISTS (SELECT 1 FROM membership WHERE person = ?1 AND organisation = organisation.id)
             FROM organisation WHERE kind IN (?3, ?4)",
        )
        .and_then(|mut statement| {
            let [municipality, insurer] = [OrganisationKind::Municipality, OrganisationKind::Insurer];
            let recipient = recipient.map(|recipient| recipient.0);
            statement
                .query_map(params![person.0, recipient, municipality as u8, insurer as u8], |row| {
                    Ok(Body {
                        id: OrganisationId(row.get(0)?),
                        kind: row.get(1)?,
                        is_own: row.get(2)?,
                        has_member: row.get(3)?,
                    })
                })?
                .collect()
        })
        .doing("reading memberships")?;
    let asked = |kind: OrganisationKind| {
        let of_kind = known.iter().filter(move |body| body.kind == kind as u8);
        let has_own = of_kind.clone().any(|body| body.is_own);
        of_kind.filter(move |body| !has_own || body.is_own)
    };
    let lives_in = insurance::municipalities(snapshot, person, today)?;
    let mut is_resident = false;
    for body in asked(OrganisationKind::Municipality) {
        is_resident |= match (&lives_in, municipality(snapshot, body.id)?) {
            (Some(lives_in), Some(municipality)) => lives_in.contains(&municipality),
            _ => body.has_member,
        };
    }
    let mut is_insured = false;
    for body in asked(OrganisationKind::Insurer).filter(|body| body.has_member) {
        is_insured |= insurance::is_insured(snapshot, body.id, person, today)?.unwrap_or(true);
    }
    Ok(Membership {
        municipality: is_resident,
        insurance: is_insured,
    })
}

/// Which municipality an organisation is; `None` where nobody said it.
pub(crate) fn municipality(connection: &Connection, organisation: OrganisationId) -> Result<Option<Municipality>> {
    let number = schema::setting(connection, &municipality_setting(organisation))?;
    let municipality = |number: i64| {
        let number = u32::try_from(number).ok().and_then(Municipality::from_number);
        number.ok_or_else(|| StoreError::damaged("the municipality of an organisation"))
    };
    number.map(municipality).transpose()
}

/// Says which municipality an organisation is.
pub(crate) fn set_municipality(
    writing: &Writing<'_>,
    organisation: OrganisationId,
    municipality: Municipality,
) -> Result<()> {
    let kind: Option<u8> = writing
        .query_row("SELECT kind FROM organisation WHERE id = ?1", [organisation.0], |row| {
            row.get(0)
        })
        .optional()
        .doing("reading an organisation's kind")?;
    match kind {
        None => Err(StoreError::NoOrganisation { organisation }),
        Some(kind) if kind != OrganisationKind::Municipality as u8 => Err(StoreError::Invalid {
            what: "only an organisation that is a municipality has a municipality's code",
        }),
        Some(_) => schema::set_setting(
            writing,
            &municipality_setting(organisation),
            i64::from(municipality.number()),
        ),
    }
}

fn municipality_setting(organisation: OrganisationId) -> String {
    format!("municipality of organisation {organisation}")
}
