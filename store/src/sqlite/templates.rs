//! SQL of templates: how recipients ask for their purposes, and how they asked before.

use std::collections::HashMap;

use consent::Purpose;
use model::{RecipientId, UtcMillis};
use rusqlite::{OptionalExtension as _, params};

use super::database::Snapshot;
use super::fault::Doing as _;
use super::writer::Writing;
use super::{acts, recipients};
use crate::template::{Bilingual, Template, TemplateVersion};
use crate::{Actor, Result, StoreError};

fn read(text: &str) -> Result<Template> {
    serde_json::from_str(text).map_err(|_| StoreError::damaged("a template"))
}

pub(crate) fn current(snapshot: &Snapshot<'_>, recipient: RecipientId, purpose: &Purpose) -> Result<Template> {
    let found: Option<String> = snapshot
        .prepare_cached("SELECT template FROM recipient_purpose WHERE recipient = ?1 AND purpose = ?2")
        .and_then(|mut statement| {
            statement
                .query_row(params![recipient.0, purpose.as_str()], |row| row.get(0))
                .optional()
        })
        .doing("reading a template")?;
    found.map_or_else(|| Ok(Template::default()), |text| read(&text))
}

pub(crate) fn set(
    writing: &Writing<'_>,
    recipient: RecipientId,
    purpose: &Purpose,
    text: &Bilingual,
    template: &Template,
    asks: bool,
    by: Actor,
) -> Result<u32> {
    if let Some(other) = template.links_with
        && (other == recipient.0 || recipients::recipient(writing, RecipientId(other))?.is_none())
    {
        return Err(StoreError::Invalid {
            what: "a purpose links its recipient with another one that is registered",
        });
    }
    recipients::require_purpose(writing, recipient, purpose)?;
    let known = recipients::recipient(writing, recipient)?.ok_or(StoreError::NotFound { what: "recipient" })?;
    let before = known.purposes.iter().find(|known| known.purpose == *purpose);
    let last: Option<u32> = writing
        .query_row(
            "SELECT max(version) FROM purpose_version WHERE recipient = ?1 AND purpose = ?2",
            params![recipient.0, purpose.as_str()],
            |row| row.get(0),
        )
        .doing("numbering a template")?;
    let mut version = last.unwrap_or(0);
    // What was asked for before there were templates is the first version.
    if let (0, Some(before)) = (version, before) {
        let bare = Bilingual {
            ja: before.ja.clone(),
            en: before.en.clone(),
        };
        version = 1;
        keep(writing, recipient, purpose, version, known.created, &bare, "{}", false)?;
    }
    version += 1;
    let body = serde_json::to_string(template).map_err(|_| StoreError::damaged("a template"))?;
    keep(writing, recipient, purpose, version, writing.now(), text, &body, asks)?;
    writing
        .execute(
            "UPDATE recipient_purpose SET text_ja = ?3, text_en = ?4, template = ?5 WHERE recipient = ?1 AND purpose = ?2",
            params![recipient.0, purpose.as_str(), text.ja, text.en, body],
        )
        .doing("setting a template")?;
    let subject = format!("recipient {recipient}, {purpose}, version {version}");
    acts::record(writing, known.organisation, by, "template-set", &subject)?;
    Ok(version)
}

#[expect(clippy::too_many_arguments, reason = "the columns of one row")]
fn keep(
    writing: &Writing<'_>,
    recipient: RecipientId,
    purpose: &Purpose,
    version: u32,
    at: UtcMillis,
    text: &Bilingual,
    body: &str,
    asks: bool,
) -> Result<()> {
    writing
        .execute(
            "INSERT INTO purpose_version (recipient, purpose, version, at_ms, text_ja, text_en, template, asks)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                recipient.0,
                purpose.as_str(),
                version,
                at.0,
                text.ja,
                text.en,
                body,
                asks
            ],
        )
        .doing("keeping a template")
        .map(|_| ())
}

pub(crate) fn versions(
    snapshot: &Snapshot<'_>,
    recipient: RecipientId,
    purpose: &Purpose,
) -> Result<Vec<TemplateVersion>> {
    let rows: Vec<(u32, i64, String, String, String, bool)> = snapshot
        .prepare_cached(
            "SELECT version, at_ms, text_ja, text_en, template, asks FROM purpose_version
             WHERE recipient = ?1 AND purpose = ?2 ORDER BY version DESC",
        )
        .and_then(|mut statement| {
            statement
                .query_map(params![recipient.0, purpose.as_str()], |row| row.try_into())?
                .collect()
        })
        .doing("listing template versions")?;
    rows.into_iter()
        .map(|(version, at, ja, en, template, asks)| {
            Ok(TemplateVersion {
                version,
                at: UtcMillis(at),
                text: Bilingual { ja, en },
                template: read(&template)?,
                asks,
            })
        })
        .collect()
}

pub(crate) fn asked_anew(snapshot: &Snapshot<'_>) -> Result<HashMap<(RecipientId, Purpose), UtcMillis>> {
    let rows: Vec<(u32, String, i64)> = snapshot
        .prepare_cached(
            "SELECT recipient, purpose, max(at_ms) FROM purpose_version WHERE asks = 1 AND version > 1
             GROUP BY recipient, purpose",
        )
        .and_then(|mut statement| {
            statement
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
                .collect()
        })
        .doing("listing what is asked anew")?;
    rows.into_iter()
        .map(|(recipient, purpose, at)| {
            let purpose = Purpose::new(&purpose).map_err(|_| StoreError::damaged("a purpose"))?;
            Ok(((RecipientId(recipient), purpose), UtcMillis(at)))
        })
        .collect()
}
